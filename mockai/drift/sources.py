"""Recorded exchanges in a folder: the recorder's own files, and JSON files of `request` and `response`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockai.recording import Body, Chunk, Exchange, Request, Response
from mockai.recording.tape import TapeError, is_tape, read
from mockai.wire import codec

Json = dict[str, Any]

LEFT_OUT = frozenset({"_not_recorded", "_elided"})
"""Keys of a body that says that it was left out."""


class SourceError(Exception):
    """A folder or file that holds no recorded exchanges. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded exchange and its name."""

    name: str
    exchange: Exchange
    absent: str = ""
    """Why the request cannot be sent again."""


def exchanges(folder: Path) -> list[Recorded]:
    """Return the exchanges in a folder: by file name, and recordings in the order of their times.

    Raises `SourceError`.
    """
    if not folder.exists():
        raise SourceError(f"{folder}: is not there; give a folder of recordings")
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    found = [entry for file in files if file.is_file() for entry in _file(file)]
    if not found:
        raise SourceError(f"{folder}: holds no recorded exchanges; `mockai record --out {folder}` makes them")
    return sorted(found, key=lambda entry: entry.exchange.recorded)


def _file(file: Path) -> Iterator[Recorded]:
    if file.suffix in (".yaml", ".yml") and is_tape(file):
        try:
            for number, exchange in enumerate(read(file).exchanges):
                absent = "the content of an upload was left out" if _incomplete(exchange.request) else ""
                yield Recorded(f"{file.stem}[{number}]", exchange, absent)
        except TapeError as error:
            raise SourceError(str(error)) from None
    elif file.suffix == ".json":
        try:
            content = codec.loads(file.read_bytes())
        except (codec.Fault, OSError) as error:
            raise SourceError(f"{file}: is not JSON ({error})") from None
        entries = content if isinstance(content, list) else [content]
        for number, entry in enumerate(entries):
            name = file.stem if len(entries) == 1 else f"{file.stem}[{number}]"
            try:
                yield from _entry(name, entry)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise SourceError(f"{file}: entry {number} is no recorded exchange ({error!r})") from None


def _incomplete(request: Request) -> bool:
    bodies = [part.body for part in request.form or ()] + ([request.body] if request.body else [])
    return any(body.data is None for body in bodies)


def _entry(name: str, entry: Any) -> Iterator[Recorded]:
    if not isinstance(entry, dict):
        return
    if "base" in entry and "rows" in entry:
        yield from _matrix(name, entry)
    elif "request" in entry and "response" in entry:
        request, absent = _request(entry["request"])
        yield Recorded(name, Exchange(request, _response(entry["response"]), where=name), absent)


def _matrix(name: str, entry: Json) -> Iterator[Recorded]:
    """A table of faults: each row changes one body, and says what came back."""
    for row in entry["rows"]:
        body = {key: value for key, value in entry["base"].items() if key not in row.get("omit", ())}
        asked = Body.of(codec.dumps(body | row.get("set", {})))
        path = entry.get("path", "/v1/responses")
        request = Request("POST", path, {"content-type": "application/json"}, asked)
        answer = codec.dumps({"error": row["error"]})
        yield Recorded(
            f"{name}[{row['name']}]", Exchange(request, Response(row["status"], {}, (Chunk(0.0, answer),)))
        )


def _request(entry: Json) -> tuple[Request, str]:
    headers = {name.lower(): value for name, value in (entry.get("headers") or {}).items()}
    body = entry.get("body")
    absent = ""
    data: bytes | None = None
    if isinstance(body, dict):
        if LEFT_OUT & body.keys() or "<MASSIVE_TEXT>" in codec.dumps_text(body):
            absent = "the request's body was left out of the recording"
        data = codec.dumps(body)
    elif isinstance(body, list):
        data = b"".join(map(_piece, body))
    elif isinstance(body, str):
        data = body.encode()
        if body.startswith("--") and "\r\n" not in body:
            data = data.replace(b"\n", b"\r\n")
    kind = headers.get("content-type", "")
    if data is not None and kind.startswith("multipart/"):
        boundary = data.split(b"\r\n", 1)[0][2:].decode("latin-1")
        headers["content-type"] = f'multipart/form-data; boundary="{boundary}"'
    elif data is not None:
        headers["content-type"] = kind or "application/json"
    if data is None and entry["method"] == "POST" and entry["path"].count("/") == 2:
        absent = "the request's body was left out of the recording"
    return Request(entry["method"], entry["path"], headers, None if data is None else Body.of(data)), absent


def _piece(piece: str) -> bytes:
    return base64.b64decode(piece[4:]) if piece.startswith("b64:") else piece.encode()


def _response(entry: Json) -> Response:
    body = entry.get("body")
    raw = b"" if body is None else body.encode() if isinstance(body, str) else codec.dumps(body)
    headers = {name.lower(): str(value) for name, value in (entry.get("headers") or {}).items()}
    return Response(entry["status"], headers, (Chunk(0.0, raw),))

"""One exchange with a server, as it went over the wire, and as a document that people can read."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from mockai.wire import codec

Json = dict[str, Any]


class FormatError(Exception):
    """A document that is no recorded exchange. The message says what is wrong and where in the document."""


@dataclass(frozen=True, slots=True)
class Body:
    """Some bytes of a request. `data` is None where they were too many to be kept."""

    size: int
    sha256: str
    data: bytes | None

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Hold these bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest(), data)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart form."""

    name: str
    body: Body
    filename: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the client sent. `path` has its query; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Body | None = None
    form: tuple[Part, ...] | None = None
    """The parts of a multipart body, instead of `body`."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came together, `at` seconds after the request was sent."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What the server answered. A body that was no stream is a single chunk."""

    status: int
    headers: dict[str, str]
    chunks: tuple[Chunk, ...]

    @property
    def body(self) -> bytes:
        """Return the whole body."""
        return b"".join(chunk.data for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    request: Request
    response: Response
    recorded: str = ""
    """When, in ISO 8601."""
    where: str = ""
    """The file and the number of the document, for messages."""


# --- as a document ------------------------------------------------------------------------------


def document(exchange: Exchange, ids: dict[str, str]) -> Json:
    """Return the document of an exchange; `ids` are the ids that it brings, by reference."""
    request, response = exchange.request, exchange.response
    asked: Json = {"method": request.method, "path": request.path, "headers": request.headers}
    if request.form is not None:
        asked["form"] = [_part(part) for part in request.form]
    elif request.body is not None:
        asked |= _left_out(request.body) if request.body.data is None else _content(request.body.data, loose=True)
    answered: Json = {"status": response.status}
    if len(response.chunks) > 1:
        answered["headers"] = response.headers
        answered["chunks"] = [{"at": round(chunk.at, 3), **_content(chunk.data)} for chunk in response.chunks]
    else:
        answered["after"] = round(response.chunks[0].at, 3) if response.chunks else 0.0
        answered["headers"] = response.headers
        answered |= _content(response.body)
    head: Json = {"recorded": exchange.recorded}
    if ids:
        head["ids"] = ids
    return {**head, "request": asked, "response": answered}


def _part(part: Part) -> Json:
    named: Json = {"name": part.name}
    if part.filename is not None:
        named["filename"] = part.filename
    if part.content_type is not None:
        named["type"] = part.content_type
    return named | (_left_out(part.body) if part.body.data is None else _content(part.body.data, plain=True))


def _left_out(body: Body) -> Json:
    return {"left_out": {"size": body.size, "sha256": body.sha256}}


def _content(data: bytes, *, loose: bool = False, plain: bool = False) -> Json:
    """Return bytes as readable as they allow: JSON where it gives the same bytes again, text, base64.

    `loose` takes JSON of any spacing; `plain` takes no JSON.
    """
    if not data:
        return {}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    if not plain and data[:1] in b"{[":
        try:
            value = codec.loads(data)
        except codec.Fault:
            return {"text": text}
        if loose or codec.dumps(value) == data:
            return {"json": value}
    return {"text": text}


def exchange_of(entry: Any, where: str) -> Exchange:
    """Return the exchange of a document. Raises `FormatError`."""
    try:
        asked, answered = entry["request"], entry["response"]
        if not (isinstance(asked["method"], str) and isinstance(asked["path"], str)):
            raise TypeError("its method and its path are to be texts")
        form = asked.get("form")
        request = Request(
            method=asked["method"],
            path=asked["path"],
            headers=_headers(asked),
            body=None if form is not None else _body(asked),
            form=None if form is None else tuple(_part_of(part) for part in form),
        )
        if "chunks" in answered:
            chunks = tuple(Chunk(float(chunk["at"]), _data(chunk)) for chunk in answered["chunks"])
        else:
            chunks = (Chunk(float(answered.get("after", 0.0)), _data(answered)),)
        response = Response(int(answered["status"]), _headers(answered), chunks)
    except KeyError as missing:
        raise FormatError(f"{where}: has no {missing}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{where}: is no recorded exchange ({error})") from None
    return Exchange(request, response, str(entry.get("recorded", "")), where)


def _headers(entry: Json) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (entry.get("headers") or {}).items()}


def _part_of(entry: Json) -> Part:
    return Part(entry["name"], _body(entry) or Body.of(b""), entry.get("filename"), entry.get("type"))


def _body(entry: Json) -> Body | None:
    if "left_out" in entry:
        return Body(int(entry["left_out"]["size"]), str(entry["left_out"]["sha256"]), None)
    data = _data(entry)
    return Body.of(data) if data else None


def _data(entry: Json) -> bytes:
    if "json" in entry:
        return codec.dumps(entry["json"])
    if "base64" in entry:
        return base64.b64decode(entry["base64"], validate=True)
    text = entry.get("text", "")
    if not isinstance(text, str):
        raise TypeError("`text` must be a string")
    return text.encode()

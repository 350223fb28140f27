"""The files of a recording: one for each group of exchanges, a YAML document each, only ever added to.

A document ends with `...`; what stands behind the last one was being written when the recorder died, and is dropped.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from mockai.recording.exchange import Exchange, FormatError, Json, document, exchange_of
from mockai.recording.names import REFERENCE, Names
from mockai.recording.redaction import Redaction
from mockai.recording.scrubbing import scrubbed

FORMAT = 1
MARK = "mockai"
LITERAL = "literal"
"""In the head of a document without references: what reads like one is somebody's text."""
END = b"\n...\n"
HEADING = "# Recorded by mockai. `mockai serve -f` replays it, `mockai drift` compares it.\n"


@dataclass(frozen=True, slots=True)
class Tape:
    """What one file holds."""

    path: Path
    exchanges: tuple[Exchange, ...]
    ids: dict[str, str]
    redaction: Redaction
    torn: bool
    """A document at the end was not whole."""
    after: int = 0
    """How many rules come before it, where it is served beside rules."""


class TapeError(Exception):
    """A file that cannot be read as a recording. The message says what, where and what to do."""


def is_tape(path: Path) -> bool:
    """Return whether a file says of itself that it is a recording."""
    try:
        with path.open("rb") as file:
            head = file.read(400)
    except OSError:
        return False
    return re.search(rb"^mockai: recording$", head, re.M) is not None


def read(path: Path) -> Tape:
    """Read a recording, ids in place of their references. Raises `TapeError`."""
    try:
        raw = path.read_bytes()
        whole = raw[: raw.rfind(END) + len(END)] if END in raw else b""
        documents = list(yaml.load_all(whole.decode(), Loader=yaml.CSafeLoader))
    except OSError as error:
        raise TapeError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise TapeError(f"{path}:{line}: is not YAML; record it again, or mend that line") from None
    head, *entries = documents or [None]
    if not isinstance(head, dict) or head.get(MARK) != "recording":
        raise TapeError(f"{path}:1: is no recording; it must open with `mockai: recording`")
    if head.get("format") != FORMAT:
        raise TapeError(f"{path}:1: has the format {head.get('format')!r}; this mockai reads format {FORMAT}")
    try:
        ids = {
            name: id for entry in entries if isinstance(entry, dict) for name, id in (entry.get("ids") or {}).items()
        }
        redact = head.get("redact") or {}
        patterns = tuple(re.compile(text) for text in redact.get("patterns", ()))
        redaction = Redaction(bool(redact.get("emails")), frozenset(redact.get("headers", ())), patterns)
    except (AttributeError, TypeError, re.error) as error:
        raise TapeError(f"{path}:1: is no recording ({error}); record it again") from None
    try:
        exchanges = tuple(
            exchange_of(_opened(entry, ids), f"{path}, exchange {number}") for number, entry in enumerate(entries, 1)
        )
    except FormatError as error:
        raise TapeError(str(error)) from None
    return Tape(path, exchanges, ids, redaction, len(whole) < len(raw))


def read_folder(folder: Path) -> list[Tape]:
    """Read every recording in a folder and below it, in the order of their names. Raises `TapeError`."""
    return [read(path) for path in sorted(folder.rglob("*.yaml")) if is_tape(path)]


def _opened(entry: Any, ids: dict[str, str]) -> Any:
    """Return a document with ids in place of their references."""
    if not isinstance(entry, dict) or entry.get(LITERAL) is True:
        return entry
    return {name: _resolved(value, ids) for name, value in entry.items() if name != "ids"}


def _resolved(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: ids.get(found[0], found[0]), value) if "<" in value else value
    if isinstance(value, dict):
        return {_resolved(key, ids): _resolved(entry, ids) for key, entry in value.items()}
    return [_resolved(entry, ids) for entry in value] if isinstance(value, list) else value


class TapeWriter:
    """Adds exchanges to the files of a folder, from any thread."""

    def __init__(
        self,
        folder: Path,
        upstream: str,
        redaction: Redaction,
        *,
        anew: bool = False,
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Go on with the recordings in `folder`; `anew` replaces each file that gets an exchange.

        `about` is what the head of a file says beside the upstream. Raises `TapeError` when the folder holds what
        cannot be read, or cannot be made.
        """
        self._folder, self._upstream, self._redaction, self._about = folder, upstream, redaction, dict(about or {})
        self._latest = 0
        self._lock = threading.Lock()
        self._names = Names()
        self._declared: dict[str, set[str]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TapeError(f"{folder}: cannot be made ({error.strerror}); give --out a folder") from None
        for tape in () if anew else read_folder(folder):
            for reference, id in tape.ids.items():
                self._names.learn(reference, id)
            self._declared[tape.path.stem] = set(tape.ids)
            if tape.torn:
                raw = tape.path.read_bytes()
                os.truncate(tape.path, raw.rfind(END) + len(END))

    def moment(self, now: float) -> str:
        """Return the time to the millisecond, later than any that was given before: it tells the order."""
        with self._lock:
            self._latest = max(self._latest + 1, int(now * 1000))
            when = datetime.fromtimestamp(self._latest // 1000, UTC) + timedelta(milliseconds=self._latest % 1000)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, exchange: Exchange) -> Path:
        """Write an exchange. Raises `SecretError` when it holds what must not be written, and OSError."""
        with self._lock:
            clean, by_reference = scrubbed(exchange, self._redaction, self._names)
            group = group_of(exchange)
            raw, used = self._encoded(clean, group, by_reference)
            path = self._folder / f"{group}.yaml"
            mode = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if group in self._declared else os.O_TRUNC)
            descriptor = os.open(path, mode, 0o644)
            size = os.fstat(descriptor).st_size
            try:
                if group not in self._declared:
                    raw = self._heading() + raw
                while raw:
                    raw = raw[os.write(descriptor, raw) :]
                os.fsync(descriptor)
            except OSError:  # the disk may be full: half an exchange would make the next ones unreadable
                os.ftruncate(descriptor, size)
                raise
            finally:
                os.close(descriptor)
            self._declared.setdefault(group, set()).update(used)
            return path

    def _encoded(self, exchange: Exchange, group: str, by_reference: bool) -> tuple[bytes, dict[str, str]]:
        if not by_reference:
            return _dumped({LITERAL: True, **document(exchange, {})}) + b"...\n", {}
        entry = document(exchange, {})
        used = self._names.used(_dumped(entry).decode())
        new = {name: id for name, id in used.items() if name not in self._declared.get(group, ())}
        return _dumped(document(exchange, new)) + b"...\n", new

    def _heading(self) -> bytes:
        head: Json = {MARK: "recording", "format": FORMAT, "upstream": self._upstream, **self._about}
        redaction = self._redaction
        redact: Json = {
            "emails": redaction.emails,
            "headers": sorted(redaction.headers),
            "patterns": [pattern.pattern for pattern in redaction.patterns],
        }
        if any(redact.values()):
            head["redact"] = {name: value for name, value in redact.items() if value}
        return HEADING.encode() + _dumped(head) + b"...\n"


def group_of(exchange: Exchange) -> str:
    """Return the group that an exchange belongs to: its test, or else its resource."""
    test = exchange.request.headers.get("x-test-id")
    path = exchange.request.path.partition("?")[0].removeprefix("/openai").removeprefix("/v1").strip("/")
    name = test if test is not None else path.partition("/")[0]
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:100] or "root"


class _Dumper(yaml.CSafeDumper):
    """Text of several lines as a block, lists of plain values in one line."""


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


def _list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    plain = not any(isinstance(entry, (dict, list, str)) for entry in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=plain)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def _dumped(entry: Json) -> bytes:
    text: str = yaml.dump(
        entry, Dumper=_Dumper, explicit_start=True, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text.removesuffix("...\n").encode()  # the library closes an open block by itself

"""Multipart bodies: taken apart into named parts, and put together for sending them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from mockai.recording.exchange import Body, Part

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_KEPT = 16 * 1024 * 1024
"""Bytes of one body that are kept; of more, only the size and a hash."""

BOUNDARY = "mockai-recorded-form"


class Tally:
    """Bytes that come one after another: kept while they are few, counted and hashed in any case."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._size, self._hash = 0, hashlib.sha256()
        self._kept: list[bytes] | None = []

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self._size += len(data)
        self._hash.update(data)
        if self._kept is not None:
            self._kept.append(data)
            if self._size > MOST_KEPT:
                self._kept = None

    def body(self) -> Body:
        """Return what came."""
        return Body(self._size, self._hash.hexdigest(), None if self._kept is None else b"".join(self._kept))


class FormReader:
    """Reads a multipart body as it comes."""

    def __init__(self, boundary: bytes) -> None:
        """Read a form with this boundary."""
        self._parts: list[Part] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._tally = Tally()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def add(self, data: bytes) -> None:
        """Take the next bytes. Raises ValueError for what is no form."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise ValueError(str(error)) from None

    def parts(self) -> tuple[Part, ...]:
        """Return the parts that came."""
        return tuple(self._parts)

    def _begin(self) -> None:
        self._headers, self._tally = {}, Tally()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end].lower()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._tally.add(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        filename, kind = options.get(b"filename"), self._headers.get(b"content-type")
        self._parts.append(
            Part(
                options.get(b"name", b"").decode(errors="replace"),
                self._tally.body(),
                None if filename is None else filename.decode(errors="replace"),
                None if kind is None else kind.decode("latin-1"),
            )
        )


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary that a content type names, or None when it is that of no multipart form."""
    kind, options = parse_options_header(content_type)
    return options.get(b"boundary") if kind == b"multipart/form-data" else None


def encoded(parts: Iterable[Part]) -> tuple[bytes, str]:
    """Return a multipart body and its content type. Contents that were left out are sent as zeros."""
    out = []
    for part in parts:
        named = f'form-data; name="{part.name}"'
        if part.filename is not None:
            named += f'; filename="{part.filename}"'
        kind = f"\r\nContent-Type: {part.content_type}" if part.content_type is not None else ""
        data = bytes(part.body.size) if part.body.data is None else part.body.data
        out.append(f"--{BOUNDARY}\r\nContent-Disposition: {named}{kind}\r\n\r\n".encode() + data + b"\r\n")
    return b"".join([*out, f"--{BOUNDARY}--\r\n".encode()]), f"multipart/form-data; boundary={BOUNDARY}"

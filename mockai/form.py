"""Multipart forms: read at the edge, large files spooled to disk, names with brackets nested.

A body that is no multipart form, or empty, reads as an empty one, so that the resource names the part it misses.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from mockai.call import Call, Upload
from mockai.wire import errors
from mockai.wire.errors import ApiError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

CHUNK = 256 * 1024
# A form above this many bytes is cut off by the edge. One file may have 512 MiB; resources check that.
MAX_FORM = 1024 * 1024 * 1024
MAX_FIELD = 16 * 1024 * 1024


@asynccontextmanager
async def read_form(call: Call, scope: MutableMapping[str, Any], receive: Receive) -> AsyncIterator[None]:
    """Set `call.body` to the fields of the form; `Upload`s stand for files and last as the context does."""
    call.body = {}
    content_type = call.header("content-type") or ""
    if not content_type.lower().startswith("multipart/form-data"):
        yield
        return
    request = Request(scope, _bounded(receive))
    parser = _Parser(request.headers, request.stream(), max_files=1000, max_fields=1000, max_part_size=MAX_FIELD)
    try:
        form = await parser.parse()
    except MultiPartException as fault:
        raise _broken(fault.message) from None
    except (KeyError, ValueError, UnicodeDecodeError):
        raise _broken("Invalid multipart data.") from None
    try:
        for name, value in form.multi_items():
            _place(call.body, name, _upload(value) if isinstance(value, UploadFile) else value)
        yield
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Reads a form to its last boundary."""

    _begun = _ended = False

    async def _noted(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            self._begun = self._begun or bool(chunk)
            yield chunk

    def on_end(self) -> None:
        self._ended = True

    async def parse(self) -> FormData:
        self.stream = self._noted(self.stream)
        form = await super().parse()
        if self._begun and not self._ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("It is incomplete: the boundary at its end is missing.")
        return form


def _broken(reason: str) -> ApiError:
    """Return the 400 of a form that cannot be read. The API's own text is not known; this one is ours."""
    return ApiError(400, f"We could not parse the multipart form of your request. {reason}")


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_FORM:
            raise errors.too_large(MAX_FORM)
        return message

    return counted


def _upload(part: UploadFile) -> Upload:
    return Upload(
        filename=part.filename or "",
        content_type=part.content_type or "application/octet-stream",
        size=part.size or 0,
        chunks=lambda: _chunks(part.file),
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _place(body: dict[str, Any], name: str, value: Any) -> None:
    """Put `a[b]` under `a`, collect `a[]` in a list; of equal names the last wins."""
    head, bracket, rest = name.partition("[")
    if not bracket or not rest.endswith("]"):
        body[name] = value
    elif rest == "]":
        entries = body.setdefault(head, [])
        if isinstance(entries, list):
            entries.append(value)
    else:
        inner = body.setdefault(head, {})
        if isinstance(inner, dict):
            inner[rest[:-1]] = value

"""Multipart forms: read at the edge, large files spooled to disk, names with brackets nested.

A body that is no multipart form reads as an empty one, so that the resource names the part it misses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
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
    try:
        form = await request.form(max_files=1000, max_fields=1000, max_part_size=MAX_FIELD)
    except (MultiPartException, KeyError, ValueError, UnicodeDecodeError):
        # The API's own text for a broken form is not known.
        raise ApiError(400, "We could not parse the multipart form of your request.") from None
    try:
        for name, value in form.multi_items():
            _place(call.body, name, _upload(value) if isinstance(value, UploadFile) else value)
        yield
    finally:
        await form.close()


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

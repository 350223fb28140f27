"""Files as every resource sees them: the File object, its content, its lines, its expiry (files.md §1, §2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockai.call import Call, Json
from mockai.wire.ids import Ids

KIND = "file"
BATCH_LIFE = 30 * 86_400
"""Seconds."""


def made(ids: Ids, purpose: str, filename: str, size: int = 0, created: int = 0) -> Json:
    """Return a new File object. Input of batches expires by itself, everything else on request only."""
    return {
        "object": "file",
        "id": ids.alnum("file-", 22),
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "created_at": created,
        "expires_at": created + BATCH_LIFE if purpose == "batch" else None,
        "status": "processed",
        "status_details": None,
    }


def place(call: Call, file: Json) -> None:
    """Keep the File object of a content that is there already."""
    call.store.put(call.tenant, KIND, file, tags={"purpose": file["purpose"]})


def add(call: Call, file: Json, chunks: Iterable[bytes]) -> Json:
    """Keep a content and its File object, which learns its size, and return the object."""
    file["bytes"] = call.store.write(call.tenant, file["id"], chunks)
    place(call, file)
    return file


def find(call: Call, id: str) -> Json | None:
    """Return a File object, or None; one that has expired is gone."""
    file = call.store.get(call.tenant, KIND, id)
    if file is not None and expired(call, file):
        remove(call, id)
        return None
    return file


def expired(call: Call, file: Json) -> bool:
    """Return whether a file has reached its `expires_at`."""
    return file["expires_at"] is not None and file["expires_at"] <= call.now


def remove(call: Call, id: str) -> bool:
    """Delete a file and its content; return whether it was there."""
    with call.store.transaction():
        call.store.discard(call.tenant, id)
        return call.store.delete(call.tenant, KIND, id)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a content, each with its line feed; the last one may have none."""
    pending: list[bytes] = []
    for chunk in chunks:
        first, feed, rest = chunk.partition(b"\n")
        pending.append(first + feed)
        if not feed:
            continue
        yield b"".join(pending)
        *whole, last = rest.split(b"\n")
        for line in whole:
            yield line + b"\n"
        pending = [last] if last else []
    if tail := b"".join(pending):
        yield tail

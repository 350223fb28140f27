"""What vector stores, their files and batches of files are: schemas, lives, shapes (vector_stores.md §2, §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockai.call import Call, Json
from mockai.lifecycle import Machine
from mockai.wire import errors
from mockai.wire.schema import Array, Bool, Decimal, Enum, Int, Map, Object, OneOf, Str, Tagged

STORE, FILE, BATCH = "vector_store", "vector_store.file", "vector_store.file_batch"
DAY = 86_400
"""Seconds."""
STATES = ("in_progress", "completed", "failed", "cancelled")
"""Of files, as `file_counts` lists them."""
LATER = 0.25
"""Nominal seconds after which the next file of a store is begun: they finish one by one."""

# --- what may be asked ---------------------------------------------------------------------------

EXPIRES_AFTER = Object({"anchor": Enum("last_active_at"), "days": Int(1, 365)}, required=("anchor", "days"))


@dataclass(frozen=True, slots=True)
class Sizes(Object):
    """Sizes of chunks, of which at most half overlap; what the API says of more is not known."""

    def check(self, value: Any, path: str) -> None:
        """Raise the first fault of a field, then that of the overlap."""
        Object.check(self, value, path)
        most, overlap = value["max_chunk_size_tokens"] // 2, value["chunk_overlap_tokens"]
        if overlap > most:
            raise errors.out_of_range(f"{path}.chunk_overlap_tokens", "integer", "above", most, overlap)


SIZES = Sizes(
    {"max_chunk_size_tokens": Int(100, 4096), "chunk_overlap_tokens": Int(0)},
    required=("max_chunk_size_tokens", "chunk_overlap_tokens"),
)
CHUNKING = Tagged(
    {
        "auto": Object({"type": Enum("auto")}),
        "static": Object({"type": Enum("static"), "static": SIZES}, required=("static",)),
    }
)
AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
ATTRIBUTES = Map(OneOf(Str(max_length=512), Decimal(), Bool()), max_properties=16, max_key=64)
FILE_IDS = Array(Str(), max_length=500, of="strings")

# --- lives ---------------------------------------------------------------------------------------

STORE_LIFE = Machine(
    initial="completed",
    edges={
        "completed": {"add": "in_progress", "expire": "expired"},
        "in_progress": {"finish": "completed", "expire": "expired"},
    },
    deadlines={"completed": ("expires_at", "expire")},
)
FILE_LIFE = Machine(
    initial="in_progress",
    edges={"in_progress": {"index": "completed", "fail": "failed", "cancel": "cancelled"}},
    work={"in_progress": (0.75, "index")},
)
BATCH_LIFE = Machine(
    initial="in_progress",
    edges={"in_progress": {"finish": "completed", "cancel": "cancelled"}},
)

# --- shapes --------------------------------------------------------------------------------------


def counts(in_progress: int = 0) -> Json:
    """Return the `file_counts` of something with so many new files."""
    return {**dict.fromkeys(STATES, 0), "in_progress": in_progress, "total": in_progress}


def made_store(id: str, created: int, asked: Json) -> Json:
    """Return a new, empty vector store; `asked` holds name, description, metadata and expires_after."""
    return {
        "id": id,
        "object": "vector_store",
        "created_at": created,
        "name": asked.get("name"),
        "description": asked.get("description"),
        "usage_bytes": 0,
        "file_counts": counts(),
        "status": STORE_LIFE.initial,
        "expires_after": asked.get("expires_after"),
        "expires_at": expiry(asked.get("expires_after"), created),
        "last_active_at": created,
        "metadata": asked.get("metadata") or {},
    }


def expiry(after: Json | None, active: int) -> int | None:
    """Return when a store expires that was last active at `active`."""
    return None if after is None else active + int(after["days"]) * DAY


def made_file(store_id: str, file_id: str, created: int, attributes: Json | None, chunking: Json | None) -> Json:
    """Return a new file of a vector store."""
    asked = chunking or {}
    return {
        "id": file_id,
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": created,
        "vector_store_id": store_id,
        "status": FILE_LIFE.initial,
        "last_error": None,
        "chunking_strategy": {"type": "static", "static": {**AUTO, **asked.get("static", {})}},
        "attributes": attributes or {},
    }


def made_batch(id: str, store_id: str, created: int, files: int) -> Json:
    """Return a new batch of so many files."""
    return {
        "id": id,
        "object": "vector_store.file_batch",
        "created_at": created,
        "status": BATCH_LIFE.initial,
        "vector_store_id": store_id,
        "file_counts": counts(files),
    }


# --- where they lie ------------------------------------------------------------------------------


def path_of(store_id: str) -> str:
    """Return the path that the work of a store is queued under."""
    return f"/vector_stores/{store_id}"


def key_of(store_id: str, file_id: str) -> str:
    """Return the id of the record of a file in a store: a file may be in several."""
    return f"{store_id}/{file_id}"


def load_store(call: Call, id: str) -> Json | None:
    """Return the record of a store as it stands, or None."""
    return call.store.get(call.tenant, STORE, id)


def load_file(call: Call, store_id: str, file_id: str) -> Json | None:
    """Return the record of a file in a store as it stands, or None."""
    return call.store.get(call.tenant, FILE, key_of(store_id, file_id))


def put_store(call: Call, record: Json) -> None:
    """Keep the record of a store."""
    call.store.put(call.tenant, STORE, record)


def put_file(call: Call, record: Json) -> None:
    """Keep the record of a file; its tags are what lists and work look for."""
    shown = record["shown"]
    tags = {"status": shown["status"], "file": shown["id"]}
    if record["batch"] is not None:
        tags["batch"] = record["batch"]
    if record["result"] is None and shown["status"] == "in_progress":
        tags["todo"] = "index"
    call.store.put(call.tenant, FILE, record, parent=shown["vector_store_id"], tags=tags)


def free(call: Call, record: Json) -> None:
    """Free the space of a file's text and index."""
    for part in ("text", "index"):
        call.store.discard(call.tenant, f"{record['blob']}/{part}")


def files_of(call: Call, store_id: str, limit: int, **where: str) -> list[Json]:
    """Return the first records of files in a store, the oldest first."""
    found: list[Any] = call.store.list(
        call.tenant, FILE, parent=store_id, order="asc", limit=limit, where=where or None
    )
    return found

"""How vector stores move: files are indexed in slices, counts follow, and a store expires on the clock."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mockai import contents
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.lifecycle import Step, advance, apply, due
from mockai.retrieval.objects import (
    BATCH,
    BATCH_LIFE,
    FILE_LIFE,
    STORE_LIFE,
    files_of,
    free,
    load_file,
    load_store,
    path_of,
    put_file,
    put_store,
)
from mockai.work import Slice

if TYPE_CHECKING:
    from mockai.retrieval.indexing import Indexing

AT_ONCE = 16
"""Files that are looked at in one go."""


def settle(call: Call, id: str, budget: Slice | None = None) -> Json | None:
    """Return the record of a store, up to date: what fell due has happened, and a slice of its files is indexed.

    Never inside a transaction: who waits for the work of another thread must not hold the store.
    """
    record = load_store(call, id)
    if record is None or not _waits(call, record):
        return record
    call.host.work.settle(call, path_of(id), lambda slice: _labour(call, id, slice), lambda: move(call, id), budget)
    return load_store(call, id)


def finish(call: Call, id: str) -> Json | None:
    """Return the record of a store whose files are indexed as far as a second or so allows, and the pace."""
    record = settle(call, id)
    for _ in range(25):
        if record is None or call.pace == "step" or not files_of(call, id, 1, todo="index"):
            break
        record = settle(call, id)
    return record


def _waits(call: Call, record: Json) -> bool:
    """Return whether anything may happen to a store by now."""
    return record["life"]["state"] == "in_progress" or _over(call, record)


def _over(call: Call, record: Json) -> bool:
    ends = record["shown"]["expires_at"]
    return record["life"]["state"] != "expired" and ends is not None and ends <= call.now


# --- work ----------------------------------------------------------------------------------------


class _Bench:
    """What this process is indexing for one store."""

    blob = ""
    indexing: Indexing


def _labour(call: Call, id: str, budget: Slice) -> bool:
    """Index the first files that wait for it, as far as the budget goes; return whether there was one."""
    waiting = files_of(call, id, AT_ONCE, todo="index")
    bench = call.host.work.keep(call, path_of(id), _Bench) if waiting else _Bench()
    for record in waiting:
        if bench.blob != record["blob"]:
            bench.blob, bench.indexing = record["blob"], _begun(call, record)
        for _ in bench.indexing.parts:
            if budget.over():
                return True
        _deliver(call, record, bench.indexing)
        bench.blob = ""
        if budget.over():
            break
    return bool(waiting)


def _begun(call: Call, record: Json) -> Indexing:
    from mockai.retrieval.indexing import Indexing  # numpy takes a while to load

    shown = record["shown"]
    file = contents.find(call, shown["id"])
    size = 0 if file is None else file["bytes"]
    return Indexing(record["extension"], size, _content(call, shown["id"]), shown["chunking_strategy"]["static"])


def _content(call: Call, file_id: str) -> Iterator[bytes]:
    """Yield a file's content; it is opened when it is read."""
    yield from call.store.read(call.tenant, file_id) or ()


def _deliver(call: Call, record: Json, indexing: Indexing) -> None:
    """Keep what a file's indexing came to, unless the file is no longer wanted."""
    blob, store_id, file_id = record["blob"], record["shown"]["vector_store_id"], record["shown"]["id"]
    if indexing.error is None:
        call.store.write(call.tenant, f"{blob}/text", [indexing.text])
        call.store.write(call.tenant, f"{blob}/index", indexing.packed())
    with call.store.transaction():
        latest = load_file(call, store_id, file_id)
        if latest is None or latest["blob"] != blob or latest["shown"]["status"] != "in_progress":
            free(call, record)
            return
        latest["result"] = {"bytes": len(indexing.text), "chunks": indexing.chunks, "error": indexing.error}
        put_file(call, latest)


# --- moves ---------------------------------------------------------------------------------------


def move(call: Call, id: str) -> bool:
    """Let happen what fell due of what is indexed; return whether anything did. Also inside a transaction."""
    with call.store.transaction():
        record = load_store(call, id)
        if record is None:
            return False
        moved = record["life"]["state"] == "in_progress" and _move_files(call, record)
        if _over(call, record) and not files_of(call, id, 1, todo="index"):
            _expire(call, record)
            moved = True
        if moved:
            save(call, record)
        return moved


def _move_files(call: Call, store: Json) -> bool:
    """Move the files in their order, up to the first one that is not ready."""
    ends = store["shown"]["expires_at"]
    until = call.now if ends is None else min(call.now, ends)
    single = call.pace == "step"
    moved = False
    for record in files_of(call, store["id"], AT_ONCE, status="in_progress"):
        steps = advance(
            FILE_LIFE,
            record["life"],
            record["shown"],
            until,
            partial(stamp, call, store, record),
            scale=SCALE[call.pace],
            choose=partial(_end, record),
            single=single,
        )
        if not steps:
            break
        moved = True
        if single:
            break
    return moved


def _end(record: Json, state: str, event: str) -> str | None:
    result = record["result"]
    return None if result is None else "fail" if result["error"] else event


def stamp(call: Call, store: Json, record: Json, step: Step) -> None:
    """Write a step of a file into its record, and into the counts of its store and of its batch."""
    shown = record["shown"]
    shown["status"] = step.after
    if step.after == "completed":
        shown["usage_bytes"] = record["result"]["bytes"]
        store["shown"]["usage_bytes"] += shown["usage_bytes"]
        store["version"] += 1
    elif step.after == "failed":
        code, message = record["result"]["error"]
        shown["last_error"] = {"code": code, "message": message}
    elif record["result"] is not None:
        free(call, record)
    put_file(call, record)
    count(store, step)
    if record["batch"] is not None:
        count_batch(call, record["batch"], step)


def count(store: Json, step: Step) -> None:
    """Move a file from one count of a store to another; the last one that ends completes the store."""
    found = store["shown"]["file_counts"]
    found[step.before] -= 1
    found[step.after] += 1
    if not found["in_progress"] and store["life"]["state"] == "in_progress":
        apply(STORE_LIFE, store["life"], "finish", step.at, lambda step: None)


def count_batch(call: Call, batch_id: str, step: Step) -> None:
    """Move a file from one count of a batch to another; the last one that ends completes the batch."""
    batch = call.store.get(call.tenant, BATCH, batch_id)
    if batch is None:
        return
    found = batch["shown"]["file_counts"]
    found[step.before] -= 1
    found[step.after] += 1
    if not found["in_progress"] and batch["life"]["state"] == "in_progress":
        apply(BATCH_LIFE, batch["life"], "finish", step.at, lambda step: None)
        batch["shown"]["status"] = batch["life"]["state"]
    call.store.put(call.tenant, BATCH, batch, parent=batch["shown"]["vector_store_id"])


def _expire(call: Call, store: Json) -> None:
    """End a store: nothing can be found in it any more, and its space is free."""
    ends = float(store["shown"]["expires_at"])
    while pending := files_of(call, store["id"], 100, status="in_progress"):
        for record in pending:
            apply(FILE_LIFE, record["life"], "cancel", ends, partial(stamp, call, store, record))
    for record in each_file(call, store["id"]):
        free(call, record)
    advance(STORE_LIFE, store["life"], store["shown"], call.now, lambda step: None)
    store["version"] += 1


def each_file(call: Call, store_id: str) -> list[Json]:
    """Return the records of all files of a store."""
    return files_of(call, store_id, 1_000_000)


def save(call: Call, store: Json) -> None:
    """Keep a store, and plan when it has to be looked at again."""
    state = store["shown"]["status"] = store["life"]["state"]
    put_store(call, store)
    if state != "in_progress":
        call.host.work.done(call, path_of(store["id"]))
        return
    if files_of(call, store["id"], 1, todo="index"):
        at = call.now
    else:  # only time is missing
        first = files_of(call, store["id"], 1, status="in_progress")[0]
        at = due(FILE_LIFE, first["life"], first["shown"], SCALE[call.pace])[0][0]
    call.host.work.add(call, path_of(store["id"]), at)

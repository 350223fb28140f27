"""What can be done with vector stores: make, find, fill and empty them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from mockai import contents
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.lifecycle import Step, apply, begin
from mockai.retrieval import extract, life
from mockai.retrieval.objects import (
    BATCH,
    BATCH_LIFE,
    FILE,
    FILE_LIFE,
    LATER,
    STORE,
    STORE_LIFE,
    files_of,
    free,
    key_of,
    load_file,
    load_store,
    made_batch,
    made_file,
    made_store,
    path_of,
    put_file,
)
from mockai.wire.errors import ApiError

NOT_FOR_RETRIEVAL = (
    "Files with extensions [{}] are not supported for retrieval. "
    "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
)
Wanted = tuple[Json, Json | None, Json | None]
"""A file, its attributes and its chunking strategy."""


def create(
    call: Call,
    *,
    file_ids: Iterable[str] = (),
    files: Iterable[Mapping[str, Any]] | None = None,
    name: str | None = None,
    description: str | None = None,
    metadata: Json | None = None,
    expires_after: Json | None = None,
    chunking_strategy: Json | None = None,
) -> Json:
    """Make a vector store and return it; its files are indexed from now on.

    `files` are `{file_id, attributes, chunking_strategy}`, in place of `file_ids`. Raises the API's error for a file
    that is not there or of a kind that cannot be searched.
    """
    given = files or [{"file_id": id, "chunking_strategy": chunking_strategy} for id in file_ids]
    wanted = admitted(call, given, "file_ids")
    asked = {"name": name, "description": description, "metadata": metadata, "expires_after": expires_after}
    shown = made_store(call.ids.dated_hex("vs_", call.created), call.created, asked)
    record = {"id": shown["id"], "shown": shown, "life": begin(STORE_LIFE, call.now), "version": 0, "busy": 0.0}
    with call.store.transaction():
        _add(call, record, wanted, None)
    return shown


def find(call: Call, store_id: str) -> Json | None:
    """Return a vector store, up to date, or None when there is none of this id."""
    life.move(call, store_id)
    record = load_store(call, store_id)
    return None if record is None else record["shown"]


def attach(
    call: Call,
    store_id: str,
    file_id: str,
    attributes: Json | None = None,
    chunking_strategy: Json | None = None,
) -> Json:
    """Put a file into a vector store and return the file of the store; one that is there already begins anew.

    Raises the API's error for an unknown or expired store, and for an unknown or unsupported file.
    """
    given = {"file_id": file_id, "attributes": attributes, "chunking_strategy": chunking_strategy}
    with call.store.transaction():
        life.move(call, store_id)
        store = usable(call, store_id)
        wanted = admitted(call, [given], "file_id")
        _add(call, store, wanted, None)
    return made_file(store_id, file_id, call.created, attributes, chunking_strategy)


def attach_batch(call: Call, store_id: str, given: Iterable[Mapping[str, Any]]) -> Json:
    """Put many files into a vector store at once, and return their batch."""
    with call.store.transaction():
        life.move(call, store_id)
        store = usable(call, store_id)
        wanted = admitted(call, given, "file_ids")
        shown = made_batch(call.ids.dated_hex("vsfb_ibj_", call.created), store_id, call.created, len(wanted))
        batch = {"id": shown["id"], "shown": shown, "life": begin(BATCH_LIFE, call.now)}
        call.store.put(call.tenant, BATCH, batch, parent=store_id)
        _add(call, store, wanted, shown["id"])
    return shown


def usable(call: Call, store_id: str) -> Json:
    """Return the record of a store that can be filled and searched. Raises the API's errors."""
    store = load_store(call, store_id)
    if store is None:
        raise unknown(store_id)
    if store["life"]["state"] == "expired":
        raise ApiError(400, f"Vector store '{store_id}' has expired.")
    return store


def unknown(store_id: str) -> ApiError:
    """Return the 404 of a vector store."""
    return ApiError(404, f"No vector store found with id '{store_id}'.")


# --- filling -------------------------------------------------------------------------------------


def admitted(call: Call, given: Iterable[Mapping[str, Any]], param: str) -> list[Wanted]:
    """Return the files that are asked for, each once. Raises the API's error for one that cannot be searched.

    Where unknown ids are phantoms, they are left out.
    """
    wanted: dict[str, Wanted] = {}
    refused: list[str] = []
    for entry in given:
        file = contents.find(call, entry["file_id"])
        if file is None:
            if call.settings.missing == "phantom":
                continue
            # No source shows what an unknown file is told here; this is what the files endpoints say.
            raise ApiError(404, f"No such File object: {entry['file_id']}", param=param)
        extension = extension_of(file)
        if not extract.supported(extension) and f".{extension}" not in refused:
            refused.append(f".{extension}")
        wanted.setdefault(file["id"], (file, entry.get("attributes"), entry.get("chunking_strategy")))
    if refused and call.settings.validate == "api":
        text = NOT_FOR_RETRIEVAL.format(", ".join(refused))
        raise ApiError(400, text, param=param, code="unsupported_file")
    return list(wanted.values())


def extension_of(file: Json) -> str:
    """Return the extension of a file's name as it is written, without the dot."""
    return PurePath(file["filename"]).suffix[1:]


def _add(call: Call, store: Json, wanted: list[Wanted], batch: str | None) -> None:
    shown = store["shown"]
    for file, attributes, chunking in wanted:
        before = load_file(call, store["id"], file["id"])
        if before is not None:
            take_out(call, store, before)
        store["version"] += 1
        begun = max(call.now, store["busy"])
        store["busy"] = begun + LATER * SCALE[call.pace]
        record = {
            "id": key_of(store["id"], file["id"]),
            "shown": made_file(store["id"], file["id"], call.created, attributes, chunking),
            "life": begin(FILE_LIFE, begun),
            "filename": file["filename"],
            "extension": extension_of(file),
            "batch": batch,
            "blob": f"{store['id']}/{file['id']}/{store['version']}",
            "result": None,
        }
        put_file(call, record)
        shown["file_counts"]["in_progress"] += 1
        shown["file_counts"]["total"] += 1
    if wanted and store["life"]["state"] == "completed":
        apply(STORE_LIFE, store["life"], "add", call.now, lambda step: None)
    life.save(call, store)


# --- emptying ------------------------------------------------------------------------------------


def take_out(call: Call, store: Json, record: Json) -> None:
    """Remove a file from a store, whose record the caller keeps; its space is free."""
    status, found = record["shown"]["status"], store["shown"]["file_counts"]
    free(call, record)
    call.store.delete(call.tenant, FILE, record["id"])
    store["shown"]["usage_bytes"] -= record["shown"]["usage_bytes"]
    store["version"] += 1
    found[status] -= 1
    found["total"] -= 1
    if status == "in_progress":
        if record["batch"] is not None:
            life.count_batch(call, record["batch"], Step(call.now, "cancel", status, "cancelled"))
        if not found[status] and store["life"]["state"] == status:
            apply(STORE_LIFE, store["life"], "finish", call.now, lambda step: None)


def holds(call: Call, store_id: str, file_id: str) -> bool:
    """Return whether a file is in a vector store, indexed or not."""
    return load_file(call, store_id, file_id) is not None


def detach(call: Call, store_id: str, file_id: str) -> None:
    """Take a file out of a vector store, if both are there."""
    with call.store.transaction():
        store, record = load_store(call, store_id), load_file(call, store_id, file_id)
        if store is not None and record is not None:
            take_out(call, store, record)
            life.save(call, store)


def forget(call: Call, file_id: str) -> None:
    """Take a file out of every vector store: it is deleted."""
    with call.store.transaction():
        for record in call.store.list(call.tenant, FILE, order="asc", limit=1_000_000, where={"file": file_id}):
            store = load_store(call, record["shown"]["vector_store_id"])
            if store is not None:
                take_out(call, store, record)
                life.save(call, store)


def delete(call: Call, store_id: str) -> bool:
    """Delete a vector store with all it holds but the files themselves; return whether it was there."""
    with call.store.transaction():
        for record in life.each_file(call, store_id):
            free(call, record)
            call.store.delete(call.tenant, FILE, record["id"])
        for batch in call.store.list(call.tenant, BATCH, parent=store_id, limit=1_000_000):
            call.store.delete(call.tenant, BATCH, batch["id"])
        call.host.work.done(call, path_of(store_id))
        return call.store.delete(call.tenant, STORE, store_id)


def cancel_batch(call: Call, batch_id: str) -> Json:
    """Cancel what is not indexed yet of a batch, and return the batch; one that has ended stays as it is."""
    with call.store.transaction():
        batch: Any = call.store.get(call.tenant, BATCH, batch_id)
        store = load_store(call, batch["shown"]["vector_store_id"])
        if batch["life"]["state"] != "in_progress" or store is None:
            return dict(batch["shown"])
        apply(BATCH_LIFE, batch["life"], "cancel", call.now, lambda step: None)
        batch["shown"]["status"] = batch["life"]["state"]
        call.store.put(call.tenant, BATCH, batch, parent=store["id"])
        while pending := files_of(call, store["id"], 100, batch=batch_id, status="in_progress"):
            for record in pending:
                apply(FILE_LIFE, record["life"], "cancel", call.now, partial(life.stamp, call, store, record))
        life.save(call, store)
        latest: Any = call.store.get(call.tenant, BATCH, batch_id)
        return dict(latest["shown"])

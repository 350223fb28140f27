"""What the paths of vector stores name, up to date, with the faults of their ids (vector_stores.md §6)."""

from __future__ import annotations

import re
from typing import Any

from mockai import beta
from mockai.call import Call, Json
from mockai.retrieval import life, objects, stores
from mockai.retrieval.objects import made_file
from mockai.wire import pages
from mockai.wire.errors import ApiError

RELEASED = "2025-03-11"
"""The day from which on the header of the beta was not needed any more: that of the SDK which took them out of it."""
_ID = re.compile(r"[A-Za-z0-9_-]+")
POLL_AFTER = {"instant": "50", "fast": "100", "real": "1000", "step": "0"}
"""Milliseconds that the SDK's helpers shall wait between two looks, by the pace; the API does not say."""


def admit(call: Call) -> None:
    """Refuse a call without the header of the beta, while it was one. That it was told so is unverified."""
    day = call.settings.as_of
    if day is not None and day < RELEASED and "assistants=v2" not in beta.asked(call):
        raise beta.missing(2)


def phantoms(call: Call) -> bool:
    """Return whether unknown ids are answered from a template."""
    return call.settings.missing == "phantom"


def store_of(call: Call) -> Json | None:
    """Return the record of the store that the path names, up to date; None for a phantom."""
    id = _checked(call, "vector_store_id")
    record = life.settle(call, id)
    if record is None and not phantoms(call):
        raise stores.unknown(id)
    return record


def file_of(call: Call) -> Json:
    """Return the record of the file that the path names, up to date."""
    store = store_of(call)
    store_id, file_id = call.path["vector_store_id"], _checked(call, "file_id")
    record = None if store is None else objects.load_file(call, store_id, file_id)
    if record is not None:
        return record
    if phantoms(call):
        shown = {**made_file(store_id, file_id, call.created, None, None), "status": "completed"}
        return {"shown": shown, "blob": "", "filename": "phantom.txt", "phantom": True}
    raise unknown_file(store_id, file_id)


def unknown_file(store_id: str, file_id: str) -> ApiError:
    """Return the 404 of a file in a vector store."""
    return ApiError(404, f"No file found with id '{file_id}' in vector store '{store_id}'.")


def batch_of(call: Call) -> Json:
    """Return the record of the batch that the path names, up to date."""
    store = store_of(call)
    store_id, id = call.path["vector_store_id"], call.path["batch_id"]
    record = call.store.get(call.tenant, objects.BATCH, id)
    if store is not None and record is not None and record["shown"]["vector_store_id"] == store_id:
        return record
    if phantoms(call):
        shown = {**objects.made_batch(id, store_id, call.created, 0), "status": "completed"}
        return {"shown": shown, "phantom": True}
    if not id.startswith("vsfb_"):
        text = f"Invalid 'batch_id': '{id}'. Expected an ID that begins with 'vsfb_'."
        raise ApiError(400, text, param="batch_id", code="invalid_value")
    raise ApiError(404, f"No file batch found with id '{id}' in vector store '{store_id}'.")


def _checked(call: Call, name: str) -> str:
    id = call.path[name]
    if _ID.fullmatch(id) is None and not phantoms(call):
        text = (
            f"Invalid '{name}': '{id}'. Expected an ID that contains letters, numbers, underscores, or dashes, "
            "but this value contained additional characters."
        )
        raise ApiError(400, text, param=name, code="invalid_value")
    return id


def listed(data: list[Json], more: bool) -> Json:
    """Return the list object, keys in the recorded order."""
    page = pages.envelope(data, more)
    return {name: page[name] for name in ("object", "data", "first_id", "last_id", "has_more")}


def poll_after(call: Call, shown: Json) -> None:
    """Tell the helpers of the SDK, which wait a second otherwise, when to look again."""
    if shown["status"] == "in_progress":
        call.reply_headers["openai-poll-after-ms"] = POLL_AFTER[call.pace]


def always(call: Call) -> bool:
    """Return true: these operations do work that may not hold the event loop."""
    return True


def answered(call: Call, shown: Json) -> Json:
    """Return an object as it is answered: as recorded, or with `--validate schema` as the published schema has it.

    The schema says that a store has a name and a batch is a `vector_store.files_batch`; recordings say otherwise.
    """
    if call.settings.validate != "schema":
        return shown
    told: dict[str, Any] = dict(shown)
    if shown["object"] == objects.BATCH:
        told["object"] = "vector_store.files_batch"
    elif shown["object"] == objects.STORE and shown["name"] is None:
        told["name"] = ""
    return told

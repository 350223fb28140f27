"""Batches of files: attach many at once, look at them, cancel what is not indexed yet."""

from __future__ import annotations

from typing import Any

from mockai.api.vector_stores.files import listed_files
from mockai.api.vector_stores.found import always, answered, batch_of, poll_after, store_of
from mockai.call import Call, Json, Operation
from mockai.retrieval import stores
from mockai.retrieval.objects import ATTRIBUTES, CHUNKING, load_store, made_batch
from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.schema import Array, Object, Str

MOST = 2_000
"""Files of one batch."""
CREATE = Object(
    {
        "file_ids": Array(Str(), min_length=1, max_length=MOST, of="strings"),
        "files": Array(
            Object(
                {"file_id": Str(), "attributes": ATTRIBUTES, "chunking_strategy": CHUNKING}, required=("file_id",)
            ),
            min_length=1,
            max_length=MOST,
        ),
        "attributes": ATTRIBUTES,
        "chunking_strategy": CHUNKING,
    }
)


def create(call: Call) -> Json:
    """Attach the files of `file_ids`, all alike, or of `files`, each with its own attributes and chunking."""
    given, store = _given(call), store_of(call)
    if store is None:
        id = call.ids.dated_hex("vsfb_ibj_", call.created)
        return answered(call, made_batch(id, call.path["vector_store_id"], call.created, len(given)))
    return answered(call, stores.attach_batch(call, store["id"], given))


def _given(call: Call) -> list[dict[str, Any]]:
    """Return what is asked of each file. The texts of these faults are not known: they are unverified."""
    body = call.body
    ids, files = body.get("file_ids"), body.get("files")
    if call.settings.validate == "api":
        if ids is None and files is None:
            raise errors.missing("file_ids")
        if ids is not None and files is not None:
            text = "Invalid parameter: 'file_ids' and 'files' are mutually exclusive. Provide only one of them."
            raise ApiError(400, text, param="files", code="invalid_parameter")
    if files is not None:
        return list(files)
    shared = {name: body.get(name) for name in ("attributes", "chunking_strategy")}
    return [{"file_id": id, **shared} for id in ids or ()]


def retrieve(call: Call) -> Json:
    """Return a batch, up to date."""
    shown: Json = batch_of(call)["shown"]
    poll_after(call, shown)
    return answered(call, shown)


def cancel(call: Call) -> Json:
    """Cancel what is not indexed yet; a batch that has ended is answered as it is."""
    record = batch_of(call)
    if "phantom" in record:
        return answered(call, {**record["shown"], "status": "cancelled"})
    return answered(call, stores.cancel_batch(call, record["shown"]["id"]))


def list_files(call: Call) -> Json:
    """Return the files of a batch, newest first unless `order` says otherwise."""
    record = batch_of(call)
    store = None if "phantom" in record else load_store(call, call.path["vector_store_id"])
    return listed_files(call, store, batch=call.path["batch_id"])


BATCHES = "/vector_stores/{vector_store_id}/file_batches"
ONE = f"{BATCHES}/{{batch_id}}"
OPERATIONS = (
    Operation("POST", BATCHES, create, "vector_stores.file_batches.create", body=CREATE, weigh=always),
    Operation("GET", ONE, retrieve, "vector_stores.file_batches.retrieve", weigh=always),
    Operation("POST", f"{ONE}/cancel", cancel, "vector_stores.file_batches.cancel", weigh=always),
    Operation("GET", f"{ONE}/files", list_files, "vector_stores.file_batches.list_files", weigh=always),
)

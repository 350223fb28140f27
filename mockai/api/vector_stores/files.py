"""Files of a vector store: attach, list, retrieve, change attributes, detach, read their text."""

from __future__ import annotations

from mockai import retrieval
from mockai.api.vector_stores.found import (
    always,
    answered,
    file_of,
    listed,
    phantoms,
    poll_after,
    store_of,
    unknown_file,
)
from mockai.call import Call, Json, Operation
from mockai.retrieval import stores
from mockai.retrieval.objects import (
    ATTRIBUTES,
    CHUNKING,
    FILE,
    STATES,
    key_of,
    load_file,
    load_store,
    made_file,
    put_file,
    put_store,
)
from mockai.retrieval.search import text_of
from mockai.store import UnknownCursorError
from mockai.wire import errors, pages
from mockai.wire.errors import ApiError
from mockai.wire.schema import Object, Str

CREATE = Object({"file_id": Str(), "attributes": ATTRIBUTES, "chunking_strategy": CHUNKING}, required=("file_id",))
UPDATE = Object({"attributes": ATTRIBUTES})


def create(call: Call) -> Json:
    """Attach a file; it is indexed from now on."""
    body, store = call.body, store_of(call)
    attributes, chunking = body.get("attributes"), body.get("chunking_strategy")
    if store is None:
        return made_file(call.path["vector_store_id"], body["file_id"], call.created, attributes, chunking)
    return retrieval.attach(call, store["id"], body["file_id"], attributes, chunking)


def list_(call: Call) -> Json:
    """Return the files of a store, newest first unless `order` says otherwise; `filter` is a status."""
    return listed_files(call, store_of(call))


def listed_files(call: Call, store: Json | None, **where: str) -> Json:
    """Return a page of the files of a store, up to date."""
    page, store_id = pages.parse(call.query), call.path["vector_store_id"]
    status = (call.query.get("filter") or [""])[0]
    if status:
        if status not in STATES:
            raise errors.bad_value("filter", status, ("in_progress", "completed", "failed", "cancelled"))
        where["status"] = status
    after, before = (cursor and key_of(store_id, cursor) for cursor in (page.after, page.before))

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant,
            FILE,
            parent=store_id,
            order=page.order,
            after=after,
            before=before,
            limit=limit,
            where=where or None,
        )

    try:
        found, more = ([], False) if store is None else pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if not phantoms(call):
            raise unknown_file(store_id, str(cursor).removeprefix(key_of(store_id, ""))) from None
        found, more = [], False
    return listed([record["shown"] for record in found], more)


def retrieve(call: Call) -> Json:
    """Return a file of a store, up to date."""
    shown: Json = file_of(call)["shown"]
    poll_after(call, shown)
    return answered(call, shown)


def update(call: Call) -> Json:
    """Replace the attributes of a file."""
    if "attributes" not in call.body:
        raise errors.missing("attributes")
    record = file_of(call)
    attributes = call.body.get("attributes") or {}
    if "phantom" not in record:
        store_id, file_id = call.path["vector_store_id"], call.path["file_id"]
        with call.store.transaction():
            store, latest = load_store(call, store_id), load_file(call, store_id, file_id)
            if store is None or latest is None:
                raise unknown_file(store_id, file_id)
            record, store["version"] = latest, store["version"] + 1
            record["shown"]["attributes"] = attributes
            put_file(call, record)
            put_store(call, store)
    return {**record["shown"], "attributes": attributes}


def delete(call: Call) -> Json:
    """Take a file out of a store; the file itself stays."""
    record = file_of(call)
    store_id, file_id = call.path["vector_store_id"], call.path["file_id"]
    if "phantom" not in record:
        stores.detach(call, store_id, file_id)
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def content(call: Call) -> Json:
    """Return the text that was read out of a file; there is none before it is indexed."""
    record = file_of(call)
    text = "" if "phantom" in record else text_of(call, record)
    if not text and "phantom" not in record:
        raise ApiError(404, "Not found")
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text}],
        "has_more": False,
        "next_page": None,
    }


FILES, ONE = "/vector_stores/{vector_store_id}/files", "/vector_stores/{vector_store_id}/files/{file_id}"
OPERATIONS = (
    Operation("POST", FILES, create, "vector_stores.files.create", body=CREATE, weigh=always),
    Operation("GET", FILES, list_, "vector_stores.files.list", weigh=always),
    Operation("GET", ONE, retrieve, "vector_stores.files.retrieve", weigh=always),
    Operation("POST", ONE, update, "vector_stores.files.update", body=UPDATE, weigh=always),
    Operation("DELETE", ONE, delete, "vector_stores.files.delete", weigh=always),
    Operation("GET", f"{ONE}/content", content, "vector_stores.files.content", weigh=always),
)

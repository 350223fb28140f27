"""Vector stores: create, list, retrieve, modify, delete."""

from __future__ import annotations

from mockai import retrieval
from mockai.api.vector_stores.found import always, answered, listed, phantoms, poll_after, store_of
from mockai.call import Call, Json, Operation
from mockai.retrieval import life, stores
from mockai.retrieval.objects import (
    CHUNKING,
    EXPIRES_AFTER,
    FILE_IDS,
    STORE,
    expiry,
    load_store,
    made_store,
    put_store,
)
from mockai.store import UnknownCursorError
from mockai.wire import pages
from mockai.wire.schema import METADATA, Object, Str
from mockai.work import Slice

CREATE = Object(
    {
        "name": Str(),
        "description": Str(),
        "file_ids": FILE_IDS,
        "expires_after": EXPIRES_AFTER,
        "chunking_strategy": CHUNKING,
        "metadata": METADATA,
    }
)
UPDATE = Object({"name": Str(), "expires_after": EXPIRES_AFTER, "metadata": METADATA})


def create(call: Call) -> Json:
    """Make a vector store, empty or with files that are indexed from now on."""
    body = call.body
    made = retrieval.create(
        call,
        file_ids=body.get("file_ids") or (),
        name=body.get("name"),
        description=body.get("description"),
        metadata=body.get("metadata"),
        expires_after=body.get("expires_after"),
        chunking_strategy=body.get("chunking_strategy"),
    )
    return answered(call, made)


def list_(call: Call) -> Json:
    """Return vector stores, newest first unless `order` says otherwise, up to date."""
    page = pages.parse(call.query)

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant, STORE, order=page.order, after=page.after, before=page.before, limit=limit
        )

    try:
        found, more = pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if not phantoms(call):
            raise stores.unknown(str(cursor)) from None
        found, more = [], False
    budget = Slice()
    fresh = [life.settle(call, record["id"], budget) or record for record in found]
    return listed([answered(call, record["shown"]) for record in fresh], more)


def retrieve(call: Call) -> Json:
    """Return a vector store, up to date."""
    shown = _shown(call)
    poll_after(call, shown)
    return answered(call, shown)


def update(call: Call) -> Json:
    """Change name, expiry or metadata; that is no use of the store, so `last_active_at` stays."""
    store = store_of(call)
    with call.store.transaction():
        record = None if store is None else load_store(call, store["id"])
        shown = _phantom(call) if record is None else record["shown"]
        body = call.body
        for name in ("name", "metadata", "expires_after"):
            if name in body:
                shown[name] = body[name]
        shown["metadata"] = shown["metadata"] or {}
        shown["expires_at"] = expiry(shown["expires_after"], shown["last_active_at"])
        if record is not None:
            put_store(call, record)
    return answered(call, shown)


def delete(call: Call) -> Json:
    """Delete a vector store; its files stay."""
    store = store_of(call)
    if store is not None:
        stores.delete(call, store["id"])
    return {"id": call.path["vector_store_id"], "object": "vector_store.deleted", "deleted": True}


def _shown(call: Call) -> Json:
    store = store_of(call)
    return _phantom(call) if store is None else store["shown"]


def _phantom(call: Call) -> Json:
    return made_store(call.path["vector_store_id"], call.created, {"name": "phantom"})


OPERATIONS = (
    Operation("POST", "/vector_stores", create, "vector_stores.create", body=CREATE, weigh=always),
    Operation("GET", "/vector_stores", list_, "vector_stores.list", weigh=always),
    Operation("GET", "/vector_stores/{vector_store_id}", retrieve, "vector_stores.retrieve", weigh=always),
    Operation("POST", "/vector_stores/{vector_store_id}", update, "vector_stores.update", body=UPDATE, weigh=always),
    Operation("DELETE", "/vector_stores/{vector_store_id}", delete, "vector_stores.delete", weigh=always),
)

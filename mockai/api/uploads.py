"""Uploads: large files in parts (files.md §5). The texts of the refusals are not known: they are unverified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

from mockai import contents
from mockai.call import Call, Json, Operation, Upload
from mockai.lifecycle import Machine, advance, apply, begin
from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.schema import Array, Enum, Int, Object, Str

KIND, PART = "upload", "upload.part"
LIFE = 3_600
"""Seconds until a pending upload expires."""
MOST_PART, MOST = 64 * 1024**2, 8 * 1024**3
"""Bytes of a part, and of an upload."""

CREATE = Object(
    {
        "bytes": Int(0, MOST),
        "filename": Str(min_length=1),
        "mime_type": Str(),
        "purpose": Enum("assistants", "batch", "fine-tune", "vision", "user_data", "evals"),
        "expires_after": Object(
            {"anchor": Enum("created_at"), "seconds": Int(3_600, 2_592_000)}, required=("anchor", "seconds")
        ),
    },
    required=("purpose", "filename", "bytes", "mime_type"),
)
COMPLETE = Object({"part_ids": Array(Str(), of="strings"), "md5": Str()}, required=("part_ids",))

MACHINE = Machine(
    initial="pending",
    edges={"pending": {"complete": "completed", "cancel": "cancelled", "expire": "expired"}},
    deadlines={"pending": ("expires_at", "expire")},
)


def create(call: Call) -> Json:
    """Announce a file of `bytes` bytes: a pending upload that lives for one hour."""
    body = call.body
    _sweep(call)
    shown = {
        "id": call.ids.dated_hex("upload_", call.created),
        "object": "upload",
        "bytes": body["bytes"],
        "created_at": call.created,
        "filename": body["filename"],
        "purpose": body["purpose"],
        "status": "pending",
        "expires_at": call.created + LIFE,
    }
    after = body.get("expires_after")
    record = {
        "id": shown["id"],
        "shown": shown,
        "life": begin(MACHINE, call.now),
        "seconds": after and after["seconds"],
    }
    _put(call, record)
    return shown


def _put(call: Call, record: Json) -> None:
    record["shown"]["status"] = record["life"]["state"]
    call.store.put(call.tenant, KIND, record, tags={"status": record["shown"]["status"]})


def _sweep(call: Call) -> None:
    """Free the parts of uploads that expired: all live equally long, so the oldest come first."""
    while True:
        oldest = call.store.list(call.tenant, KIND, order="asc", limit=1, where={"status": "pending"})
        if not oldest or oldest[0]["shown"]["expires_at"] > call.now:
            return
        _settle(call, oldest[0])


def _settle(call: Call, record: Json) -> Json:
    if advance(MACHINE, record["life"], record["shown"], call.now, lambda step: None):
        _drop_parts(call, record)
        _put(call, record)
    return record


def _drop_parts(call: Call, record: Json) -> None:
    while parts := call.store.list(call.tenant, PART, parent=record["id"], limit=100):
        for part in parts:
            call.store.discard(call.tenant, part["id"])
            call.store.delete(call.tenant, PART, part["id"])


def _find(call: Call) -> Json:
    """Return the pending upload that the path names; it must be pending to take a part, complete or cancel."""
    id = call.path["upload_id"]
    record = call.store.get(call.tenant, KIND, id)
    if record is None:
        if call.settings.missing == "phantom":
            return _phantom(call, id)
        raise ApiError(404, f"No such Upload object: {id}", param="upload_id")
    status = _settle(call, record)["shown"]["status"]
    if status != "pending":
        raise ApiError(400, f"Upload '{id}' cannot be changed: its status is '{status}'.", param="upload_id")
    return record


def _phantom(call: Call, id: str) -> Json:
    shown = {
        "id": id,
        "object": "upload",
        "bytes": 0,
        "created_at": call.created,
        "filename": "phantom.jsonl",
        "purpose": "fine-tune",
        "status": "pending",
        "expires_at": call.created + LIFE,
    }
    return {"id": id, "shown": shown, "life": begin(MACHINE, call.now), "seconds": None, "phantom": True}


def add_part(call: Call) -> Json:
    """Keep a part of at most 64 MB: the form has `data`. Parts may come in any order, also at once."""
    data = call.body.get("data")
    if not isinstance(data, Upload):
        raise errors.required_property("data")
    record = _find(call)
    if data.size > MOST_PART:
        raise ApiError(400, f"Part is too large: {data.size} bytes. The maximum is {MOST_PART} bytes.", param="data")
    part = {
        "id": call.ids.dated_hex("part_", call.created),
        "object": "upload.part",
        "created_at": call.created,
        "upload_id": record["id"],
    }
    if "phantom" in record:
        return part
    call.store.write(call.tenant, part["id"], data.chunks())
    with call.store.transaction():
        try:
            _find(call)
        except ApiError:  # completed or cancelled while the part came in
            call.store.discard(call.tenant, part["id"])
            raise
        call.store.put(call.tenant, PART, {**part, "size": data.size}, parent=record["id"])
    return part


def complete(call: Call) -> Json:
    """Join the parts in the order of `part_ids`; their sizes must add up to what was announced."""
    record = _find(call)
    shown = record["shown"]
    if "phantom" in record:
        return {**shown, "status": "completed", "file": contents.made(call.ids, shown["purpose"], shown["filename"])}
    parts = [_part(call, record, at, id) for at, id in enumerate(call.body["part_ids"])]
    _check(call, shown, parts)
    file = contents.made(call.ids, shown["purpose"], shown["filename"], shown["bytes"], shown["created_at"])
    if record["seconds"] is not None:
        file["expires_at"] = shown["created_at"] + record["seconds"]
    call.store.write(call.tenant, file["id"], _joined(call, parts))  # long: no lock is held meanwhile
    with call.store.transaction():
        try:
            record = _find(call)
        except ApiError:
            call.store.discard(call.tenant, file["id"])
            raise
        apply(MACHINE, record["life"], "complete", call.now, lambda step: None)
        record["shown"]["file"] = file
        contents.place(call, file)
        _drop_parts(call, record)
        _put(call, record)
    completed: Json = record["shown"]
    return completed


def _part(call: Call, record: Json, at: int, id: str) -> Json:
    part = call.store.get(call.tenant, PART, id)
    if part is None or part["upload_id"] != record["id"]:
        raise ApiError(400, f"No such Part object: {id}", param=f"part_ids[{at}]")
    if id in call.body["part_ids"][:at]:
        raise ApiError(400, f"Duplicate part: {id}", param=f"part_ids[{at}]")
    return part


def _joined(call: Call, parts: list[Json]) -> Iterator[bytes]:
    return chain.from_iterable(call.store.read(call.tenant, part["id"]) or () for part in parts)


def _check(call: Call, shown: Json, parts: list[Json]) -> None:
    size = sum(part["size"] for part in parts)
    if size != shown["bytes"]:
        text = f"The parts have {size} bytes in total, but the upload was created with {shown['bytes']} bytes."
        raise ApiError(400, text, param="part_ids")
    asked: Any = call.body.get("md5")
    if asked is None:
        return
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in _joined(call, parts):
        digest.update(chunk)
    if digest.hexdigest() != asked.lower() and call.settings.validate == "api":
        raise ApiError(400, f"The MD5 checksum of the parts is {digest.hexdigest()}, not {asked}.", param="md5")


def cancel(call: Call) -> Json:
    """Cancel a pending upload; its parts are gone."""
    with call.store.transaction():
        record = _find(call)
        if "phantom" in record:
            return {**record["shown"], "status": "cancelled"}
        apply(MACHINE, record["life"], "cancel", call.now, lambda step: None)
        _drop_parts(call, record)
        _put(call, record)
    shown: Json = record["shown"]
    return shown


def _open(call: Call) -> None:
    call.reply_headers["access-control-allow-origin"] = "*"


def _always(call: Call) -> bool:
    return True


OPERATIONS = (
    Operation("POST", "/uploads", create, "uploads.create", body=CREATE, admit=_open),
    Operation("POST", "/uploads/{upload_id}/parts", add_part, "uploads.parts.create", admit=_open, form=True),
    Operation(
        "POST",
        "/uploads/{upload_id}/complete",
        complete,
        "uploads.complete",
        body=COMPLETE,
        admit=_open,
        weigh=_always,
    ),
    Operation("POST", "/uploads/{upload_id}/cancel", cancel, "uploads.cancel", admit=_open),
)

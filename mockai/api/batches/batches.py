"""Batches: create, retrieve, list, cancel (batches.md §2, §4)."""

from __future__ import annotations

from mockai import orders
from mockai.api.batches import life
from mockai.api.batches.lines import KNOWN_ENDPOINTS
from mockai.call import Call, Json, Operation
from mockai.lifecycle import apply, begin
from mockai.store import UnknownCursorError
from mockai.wire import pages
from mockai.wire.errors import ApiError
from mockai.wire.schema import METADATA, Enum, Int, Object, Str
from mockai.work import Slice

WINDOW = 86_400
"""Seconds until a batch expires."""

CREATE = Object(
    {
        "input_file_id": Str(),
        "endpoint": Enum(*KNOWN_ENDPOINTS),
        "completion_window": Enum("24h"),
        "metadata": METADATA,
        "output_expires_after": Object(
            {"anchor": Enum("created_at"), "seconds": Int(3_600, 2_592_000)}, required=("anchor", "seconds")
        ),
    },
    required=("input_file_id", "endpoint", "completion_window"),
)


def create(call: Call) -> Json:
    """Start a batch. Nothing of the file is looked at yet: what is wrong with it shows when it is read."""
    body = call.body
    shown = _shown(call.ids.dated_hex("batch_", call.created), body, call.created)
    after = body.get("output_expires_after")
    record = {
        "id": shown["id"],
        "shown": shown,
        "life": begin(life.MACHINE, call.now),
        "end": call.header(orders.BATCH),
        "keep": after and after["seconds"],
        "check": None,
        "offset": 0,
        "line": 0,
        "chunks": [],
        "files": None,
    }
    with call.store.transaction():
        call.store.put(call.tenant, life.KIND, record)
        call.host.work.add(call, life.path(record), call.now)
    return shown


def _shown(id: str, body: Json, created: int) -> Json:
    return {
        "id": id,
        "object": "batch",
        "endpoint": body["endpoint"],
        "model": None,
        "errors": None,
        "input_file_id": body["input_file_id"],
        "completion_window": body["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": created,
        "in_progress_at": None,
        "expires_at": created + WINDOW,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": {
            "input_tokens": 0,
            "output_tokens": 0,
            "total_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        "metadata": body.get("metadata"),
    }


def retrieve(call: Call) -> Json:
    """Return a batch, up to date."""
    record = _find(call)
    if "phantom" not in record:
        record = life.settle(call, record["id"], Slice())
    shown: Json = record["shown"]
    return shown


def list_(call: Call) -> Json:
    """Return batches, newest first, up to date."""
    page = pages.parse(call.query)

    def read(limit: int) -> list[Json]:
        return call.store.list(call.tenant, life.KIND, order="desc", after=page.after, limit=limit)

    try:
        found, more = pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if call.settings.missing != "phantom":
            raise life.unknown(str(cursor)) from None
        found, more = [], False
    budget = Slice()
    listed = pages.envelope([life.settle(call, record["id"], budget)["shown"] for record in found], more)
    return {name: listed[name] for name in ("object", "data", "first_id", "last_id", "has_more")}


def cancel(call: Call) -> Json:
    """Begin to cancel a batch; what has run by then is kept."""
    record = _find(call)
    if "phantom" in record:
        return {**record["shown"], "status": "cancelling", "cancelling_at": call.created, "completed_at": None}
    with call.store.transaction():
        record = life.move(call, record["id"])[0]
        status = record["life"]["state"]
        if status in ("validating", "in_progress"):
            apply(life.MACHINE, record["life"], "cancel", call.now, lambda step: life.stamp(call, record, step))
            life.put(call, record)
        elif status not in ("cancelling", "cancelled"):
            raise ApiError(409, f"Cannot cancel a batch with status '{record['shown']['status']}'.")
    shown: Json = record["shown"]
    return shown


def _find(call: Call) -> Json:
    id = call.path["batch_id"]
    record = call.store.get(call.tenant, life.KIND, id)
    if record is None:
        if call.settings.missing == "phantom":
            return _phantom(call, id)
        raise life.unknown(id)
    return record


def _phantom(call: Call, id: str) -> Json:
    body = {"endpoint": "/v1/chat/completions", "input_file_id": "file-phantom", "completion_window": "24h"}
    stamps = dict.fromkeys(("in_progress_at", "finalizing_at", "completed_at"), call.created)
    shown = {**_shown(id, body, call.created), "status": "completed", **stamps}
    return {"id": id, "shown": shown, "phantom": True}


def _always(call: Call) -> bool:
    return True


OPERATIONS = (
    Operation("POST", "/batches", create, "batches.create", body=CREATE),
    Operation("GET", "/batches", list_, "batches.list", weigh=_always),
    Operation("GET", "/batches/{batch_id}", retrieve, "batches.retrieve", weigh=_always),
    Operation("POST", "/batches/{batch_id}/cancel", cancel, "batches.cancel", weigh=_always),
)

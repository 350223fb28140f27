"""The life of a batch: its table, its stamps, and the slices in which its lines run (batches.md §3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count
from typing import Any

from mockai import admission, contents
from mockai.api.batches import lines
from mockai.api.batches.lines import Check, Outcome, fault
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.engine.draw import Draw
from mockai.lifecycle import Machine, Step, advance, due
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids
from mockai.work import Slice

KIND = "batch"
GROUP = 16
"""Lines that run together; their answers are written in another order than they came."""

MACHINE = Machine(
    initial="validating",
    edges={
        "validating": {"accept": "in_progress", "reject": "failed", "cancel": "cancelling"},
        "in_progress": {"finish": "finalizing", "expire": "expiring", "cancel": "cancelling", "reject": "failed"},
        "finalizing": {"file": "completed"},
        "expiring": {"file": "expired"},
        "cancelling": {"file": "cancelled"},
    },
    work={
        "validating": (1.0, "accept"),
        "in_progress": (120.0, "finish"),
        "finalizing": (1.0, "file"),
        "expiring": (605.0, "file"),
        "cancelling": (606.0, "file"),
    },
    deadlines={"in_progress": ("expires_at", "expire")},
)
SHOWN_AS = {"expiring": "finalizing"}
"""A batch that expires is shown as finalizing while its files are written."""
# Which time each state is stamped into, and how many seconds after it was due.
STAMPS = {
    "in_progress": ("in_progress_at", 0),
    "finalizing": ("finalizing_at", 0),
    "expiring": ("finalizing_at", 1),
    "completed": ("completed_at", 0),
    "failed": ("failed_at", 0),
    "expired": ("expired_at", 0),
    "cancelling": ("cancelling_at", 0),
    "cancelled": ("cancelled_at", 0),
}
UNRUN = {"expiring": "batch_expired", "cancelling": "batch_cancelled"}
ENDED = ("completed", "failed", "expired", "cancelled")


def machine(record: Json) -> Machine:
    """Return the table of one batch: its lines run in time, however late anybody looks, unless it has to expire."""
    return MACHINE if record["end"] == "expire" else replace(MACHINE, deadlines={})


def path(record: Json) -> str:
    """Return the path under which the work of a batch is queued."""
    return f"/batches/{record['id']}"


def unknown(id: str) -> ApiError:
    """Return the API's 404."""
    return ApiError(404, f"No batch found with id '{id}'.")


def settle(call: Call, id: str, budget: Slice) -> Json:
    """Bring a batch up to date: what fell due has happened, and a slice of its lines has run."""
    record = _load(call, id)
    if record["life"]["state"] not in ENDED:
        call.host.work.settle(
            call, path(record), lambda slice: _labour(call, id, slice), lambda: move(call, id)[1], budget
        )
        record = _load(call, id)
    return record


def _load(call: Call, id: str) -> Json:
    record = call.store.get(call.tenant, KIND, id)
    if record is None:
        raise unknown(id)
    return record


def put(call: Call, record: Json) -> None:
    """Keep a record, and have the worker go on with it while there is something to do."""
    call.store.put(call.tenant, KIND, record)
    if record["life"]["state"] in ENDED:
        call.host.work.done(call, path(record))
    elif record["files"] is not None:  # only time is missing until the next step
        call.host.work.add(
            call, path(record), due(machine(record), record["life"], record["shown"], SCALE[call.pace])[0][0]
        )


def move(call: Call, id: str) -> tuple[Json, bool]:
    """Let happen what fell due; return the record, and whether anything did."""
    with call.store.transaction():
        record = _load(call, id)
        steps = advance(
            machine(record),
            record["life"],
            record["shown"],
            call.now,
            lambda step: stamp(call, record, step),
            scale=SCALE[call.pace],
            choose=lambda state, event: _choose(record, state, event),
            single=call.pace == "step",
        )
        if steps:
            put(call, record)
        return record, bool(steps)


def _choose(record: Json, state: str, event: str) -> str | None:
    """Return what ends a state once its work is done."""
    if state == "validating":
        check = record["check"]
        return None if check is None else "reject" if check["errors"] else "accept"
    if state == "in_progress":
        if record.get("lost"):
            return "reject"
        return event if record["line"] >= record["check"]["total"] else None
    return event if record["files"] is not None else None


def stamp(call: Call, record: Json, step: Step) -> None:
    """Write a step into the batch."""
    shown = record["shown"]
    name, later = STAMPS[step.after]
    shown[name] = int(step.at) + later
    shown["status"] = SHOWN_AS.get(step.after, step.after)
    if step.after == "in_progress":
        shown["model"] = record["check"]["model"]
        shown["request_counts"]["total"] = record["check"]["total"]
    elif step.after == "failed":
        _forget(call, record)
        found = record["check"]["errors"] or [_no_file(call, shown)]
        shown["errors"] = {"object": "list", "data": found}
    elif step.event == "file":
        for name, file in record["files"].items():
            if file is not None:
                contents.place(call, file)
                shown[name] = file["id"]


# --- work ----------------------------------------------------------------------------------------


def _labour(call: Call, id: str, budget: Slice) -> bool:
    """Do a part of what the present state has to do; return whether there was anything."""
    record = _load(call, id)
    state = record["life"]["state"]
    if state == "validating":
        return record["check"] is None and _validate(call, record, budget)
    if record["files"] is not None or state in ENDED:
        return False
    total = record["shown"]["request_counts"]["total"]
    if record["line"] < min(total, _allowed(call, record, total)) and not record.get("lost"):
        return _run(call, record, budget)
    return state != "in_progress" and _file(call, record)


def _allowed(call: Call, record: Json, total: int) -> int:
    """Return how many lines may have run by now: the pace, or a batch that has to expire, holds them back."""
    life = record["life"]
    if life["state"] != "in_progress":
        return total
    most = total // 2 if record["end"] == "expire" else total
    seconds = MACHINE.work["in_progress"][0] * SCALE[call.pace]
    return min(most, int(total * (call.now - life["since"]) / seconds)) if seconds else most


def _validate(call: Call, record: Json, budget: Slice) -> bool:
    shown = record["shown"]
    file = contents.find(call, shown["input_file_id"])
    if file is None or file["purpose"] != "batch":
        checked: Json = {"errors": [_no_file(call, shown)], "model": None, "total": 0}
    else:
        check = call.host.work.keep(call, path(record), lambda: Check(shown["endpoint"]))
        check.go_on(call, file["id"], budget.over)
        if not check.done:
            return True
        model = admission.find(call, check.model or "")
        checked = {"errors": check.errors, "model": model.snapshot if model else None, "total": check.line}
    with call.store.transaction():
        record = _load(call, record["id"])
        record["check"] = checked
        if record["life"]["state"] == "validating":
            call.store.put(call.tenant, KIND, record)
    return True


def _no_file(call: Call, shown: Json) -> Json:
    text = (
        f"Cannot find file {shown['input_file_id']}, or organization {call.organization} does not have access to it."
    )
    return fault("invalid_request", text, "file_id")


def _run(call: Call, record: Json, budget: Slice) -> bool:
    """Run lines, or write them off, until the slice is over; then keep what they came to in one step."""
    shown, state = record["shown"], record["life"]["state"]
    source = lines.read_from(call, shown["input_file_id"], record["offset"])
    outcomes: list[Outcome] = []
    offset, at = record["offset"], record["line"]
    allowed = _allowed(call, record, record["check"]["total"])
    while source is not None and at < allowed:
        group = list(zip(range(at, min(at + GROUP, allowed)), source, strict=False))
        at, offset = at + len(group), offset + sum(len(line) for _, line in group)
        done = [_outcome(call, record, number, line) for number, line in group]
        if len(group) == GROUP:
            Draw("order", record["id"], at).shuffle(done)
        outcomes += done
        if not group or budget.over():
            break
    with call.store.transaction():
        latest = _load(call, record["id"])
        if latest["life"]["state"] != state or latest["line"] != record["line"]:
            return True  # cancelled meanwhile, or done by another process: this part is not needed
        if at == record["line"]:
            latest["lost"] = True
        _keep(call, latest, outcomes)
        latest["offset"], latest["line"] = offset, at
        call.store.put(call.tenant, KIND, latest)
    return True


def _outcome(call: Call, record: Json, at: int, line: bytes) -> Outcome:
    code = UNRUN.get(record["life"]["state"])
    if code is not None:
        return lines.write_off(call, record["id"], at, line, code)
    return lines.run(call, record["id"], at, line, float(record["shown"]["in_progress_at"]))


def _keep(call: Call, record: Json, outcomes: list[Outcome]) -> None:
    counts, first = record["shown"]["request_counts"], record["line"]
    for good, name in ((True, "output"), (False, "error")):
        rows = [outcome.row for outcome in outcomes if outcome.good is good]
        if rows:
            chunk = f"{record['id']}/{name}/{first}"
            call.store.write(call.tenant, chunk, rows)
            record["chunks"].append([name, chunk])
    for outcome in outcomes:
        counts["completed"] += outcome.counted and outcome.good
        counts["failed"] += outcome.counted and not outcome.good
        lines.add_usage(record["shown"]["usage"], outcome.usage)


def _file(call: Call, record: Json) -> bool:
    """Join what the lines came to into the output and the error file."""
    ids = Ids(call.settings.seed, f"{call.tenant}/{record['id']}", count().__next__)
    created = int(record["life"]["since"])
    files: dict[str, Any] = {}
    for name in ("output", "error"):
        chunks = [chunk for kind, chunk in record["chunks"] if kind == name]
        file = contents.made(ids, "batch_output", f"{record['id']}_{name}.jsonl", created=created)
        files[f"{name}_file_id"] = file if chunks else None
        if chunks:
            file["bytes"] = call.store.write(call.tenant, file["id"], _joined(call, chunks))
            file["expires_at"] = None if record["keep"] is None else created + record["keep"]
    with call.store.transaction():
        latest = _load(call, record["id"])
        latest["files"] = files
        _forget(call, latest)
        put(call, latest)
    return True


def _forget(call: Call, record: Json) -> None:
    for _, chunk in record["chunks"]:
        call.store.discard(call.tenant, chunk)
    record["chunks"] = []


def _joined(call: Call, chunks: list[str]) -> Iterator[bytes]:
    return chain.from_iterable(call.store.read(call.tenant, chunk) or () for chunk in chunks)

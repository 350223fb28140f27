"""The life of a fine-tuning job: its table, its stamps, and the work of each state (fine_tuning.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count

from mockai import admission, contents, tuned
from mockai.api.fine_tuning.faces import Face, csv, face, face_of
from mockai.api.fine_tuning.schema import DEFAULTS
from mockai.api.fine_tuning.training import Training, fault, plan
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.engine.catalogue import Model
from mockai.engine.learning import Row
from mockai.lifecycle import IllegalEventError, Machine, Step, advance, apply, begin, due
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids
from mockai.work import Slice

MACHINE = Machine(
    initial="validating_files",
    edges={
        "validating_files": {"accept": "queued", "reject": "failed", "cancel": "cancelled"},
        "queued": {"start": "running", "cancel": "cancelled", "pause": "paused"},
        "running": {"finish": "succeeded", "fail": "failed", "cancel": "cancelled", "pause": "paused"},
        "paused": {"resume": "queued", "cancel": "cancelled"},
    },
    work={"validating_files": (Face.CHECKED, "accept"), "queued": (Face.QUEUED, "start"), "running": (0.0, "finish")},
)
ENDED = ("succeeded", "failed", "cancelled")
REPEATED = 'Cannot {} a job {} that already has status "{}".'
"""What is told of a job that has ended: the recorded text of the older API; that of jobs is unverified."""


def path(record: Json) -> str:
    """Return the path under which the work of a job is queued."""
    return f"{face_of(record['id']).PATH}{record['id']}"


def unknown(id: str) -> ApiError:
    """Return the API's 404."""
    return ApiError(404, f"Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found")


def own(id: str, wanted: type[Face]) -> str:
    """Return the id of a job of this face. Raises the API's 404 for one of the other."""
    if face_of(id) is not wanted:
        raise unknown(id)
    return id


def begun(call: Call, shown: Json, model: Model, end: str | None) -> Json:
    """Keep a new job, and have its work done; return the record. `end` is how it shall end, if not by itself."""
    record: Json = {
        "id": shown["id"],
        "shown": shown,
        "life": begin(MACHINE, call.now),
        "model": model.id,
        "base": model.dated,
        "end": end,
        "error": None,
        "check": None,
        "total": None,
        "step": 0,
        "begun": 0,
        "told": 0,
        "checkpoints": [],
        "chunks": [],
        "result": None,
    }
    with call.store.transaction():
        face(call, record).created(call.now)
        put(call, record)
        call.host.work.add(call, path(record), call.now)
    return record


def load(call: Call, id: str) -> Json:
    """Return the record of a job as it is kept. Raises the API's 404."""
    record = call.store.get(call.tenant, face_of(id).KIND, id)
    if record is None:
        raise unknown(id)
    return record


def put(call: Call, record: Json) -> None:
    """Keep a record, and have the worker go on with it while there is something to do."""
    shown, state = record["shown"], record["life"]["state"]
    metadata = shown["metadata"]
    tags = {f"metadata.{name}": value for name, value in (metadata or {}).items()}
    tags |= {} if metadata else {"metadata": "null"}
    tags |= {} if state in (*ENDED, "paused") else {"active": record["base"]}
    call.store.put(call.tenant, face_of(record["id"]).KIND, record, tags=tags)
    if state in ENDED:
        forget(call, record)
    if state in (*ENDED, "paused"):
        call.host.work.done(call, path(record))
    elif state == "queued" or record["result"] is not None:  # only time is missing until the next step
        call.host.work.add(call, path(record), due(machine(record), record["life"], shown, SCALE[call.pace])[0][0])


def forget(call: Call, record: Json) -> None:
    """Free what only a living job needs."""
    for chunk in record["chunks"]:
        call.store.discard(call.tenant, chunk)
    record["chunks"] = []
    if record["life"]["state"] != "succeeded":
        tuned.discard(call, answers(record))


def answers(record: Json) -> str:
    """Return the name under which lies what a job teaches."""
    return f"{record['id']}/answers"


def machine(record: Json) -> Machine:
    """Return the table of one job: how long it runs depends on the steps that are left."""
    left, took = (record["total"] or 0) - record["begun"], face_of(record["id"])
    work = {
        "validating_files": (took.CHECKED, "accept"),
        "queued": (took.QUEUED, "start"),
        "running": (took.LEAD + took.PER_STEP * left + took.TAIL, "finish"),
    }
    return replace(MACHINE, work=work)


def settle(call: Call, id: str, budget: Slice) -> Json:
    """Bring a job up to date: what fell due has happened, and a slice of its work is done."""
    record = load(call, id)
    if record["life"]["state"] not in (*ENDED, "paused"):
        call.host.work.settle(
            call, path(record), lambda slice: _labour(call, id, slice), lambda: move(call, id)[1], budget
        )
        record = load(call, id)
    return record


def move(call: Call, id: str) -> tuple[Json, bool]:
    """Let happen what fell due; return the record, and whether anything did."""
    with call.store.transaction():
        record = load(call, id)
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


def change(call: Call, id: str, event: str) -> Json:
    """Bring a job up to date and let an event happen to it; return the record. Raises the API's 400."""
    settle(call, id, Slice())
    with call.store.transaction():
        record = move(call, id)[0]
        try:
            apply(MACHINE, record["life"], event, call.now, lambda step: stamp(call, record, step))
        except IllegalEventError as illegal:
            raise ApiError(400, REPEATED.format(event, id, illegal.state)) from None
        put(call, record)
    return record


def _choose(record: Json, state: str, event: str) -> str | None:
    """Return what ends a state once its work is done."""
    if state == "validating_files":
        check = record["check"]
        return None if check is None else "reject" if check["error"] else event
    if state == "running":
        if record["error"] is not None:
            return "fail"
        return event if record["result"] is not None else None
    return event


def stamp(call: Call, record: Json, step: Step) -> None:
    """Write a step into the job, and tell of it."""
    shown, told = record["shown"], face(call, record)
    shown["status"] = step.after
    shown["estimated_finish"] = None
    if step.event == "accept":
        _resolve(record)
        told.accepted(step.at)
    elif step.after == "running":
        record["begun"] = record["step"]
        seconds = machine(record).work["running"][0] * SCALE[call.pace]
        shown["estimated_finish"] = int(step.at + seconds)
        told.started(step.at)
    elif step.after == "failed":
        shown["error"] = record["error"] or record["check"]["error"]
        shown["finished_at"] = int(step.at) if step.before == "running" else None
        told.failed(step.at)
    elif step.after == "cancelled":
        told.cancelled(step.at)
    elif step.after == "succeeded":
        _succeed(call, record, int(step.at), told)


def _resolve(record: Json) -> None:
    shown, numbers = record["shown"], record["check"]["numbers"]
    method = shown["method"]["type"]
    inner = {**numbers, "learning_rate_multiplier": float(numbers["learning_rate_multiplier"])}
    shown["method"][method]["hyperparameters"] = inner
    shown["hyperparameters"] = numbers if method == "supervised" else None
    record["total"] = plan(record).steps(record["check"]["examples"])


def _succeed(call: Call, record: Json, at: int, told: Face) -> None:
    shown = record["shown"]
    final = told.model(record["total"], at, last=True)
    contents.place(call, record["result"])
    shown |= {
        "finished_at": at,
        "fine_tuned_model": final,
        "result_files": [record["result"]["id"]],
        "trained_tokens": record["check"]["tokens"] * plan(record).epochs,
    }
    base = admission.find(call, record["model"])
    taught = [answers(record), *(base.answers if base else ())]
    for name in [final, *record["checkpoints"]]:
        tuned.put(call, name, record["base"], taught, at)
    told.succeeded(at)


# --- work ----------------------------------------------------------------------------------------


def _labour(call: Call, id: str, budget: Slice) -> bool:
    """Do a part of what the present state has to do; return whether there was anything."""
    record = load(call, id)
    state = record["life"]["state"]
    if state == "validating_files" and record["check"] is None:
        return _validate(call, record, budget)
    if state != "running" or record["result"] is not None or record["error"] is not None:
        return False
    if record["end"] == "fail" and record["step"] * 2 >= record["total"]:
        return _break_off(call, record, fault("server_error", "The job failed due to an internal error"))
    if record["step"] >= record["total"]:
        return _file(call, record)
    return _learn(call, record, budget)


def _model(call: Call, record: Json) -> Model:
    """Return the model that a job trains; a tuned one that was deleted meanwhile is as its base."""
    model = admission.find(call, record["model"]) or admission.find(call, record["base"])
    assert model is not None, record["base"]
    return model


def _training(call: Call, record: Json) -> Training:
    return call.host.work.keep(call, path(record), lambda: Training(call, record, _model(call, record)))


def _validate(call: Call, record: Json, budget: Slice) -> bool:
    taken = _training(call, record)
    if not taken.prepare(budget.over):
        return True
    shown = record["shown"]
    method = shown["method"]["type"]
    asked = shown["method"][method]["hyperparameters"]
    auto = {**face_of(record["id"]).auto(_model(call, record), taken.examples), **DEFAULTS[method]}
    numbers = {name: auto[name] if value == "auto" else value for name, value in asked.items()}
    if taken.fault is None:
        tuned.write(call, answers(record), taken.answers)
    with call.store.transaction():
        record = load(call, record["id"])
        if record["life"]["state"] != "validating_files":  # cancelled meanwhile
            tuned.discard(call, answers(record))
            return True
        record["check"] = {
            "error": taken.fault,
            "examples": taken.examples,
            "tokens": taken.tokens,
            "numbers": numbers,
        }
        put(call, record)
    return True


def _allowed(call: Call, record: Json) -> int:
    """Return the step that may be reached by now."""
    total: int = record["total"]
    if record["end"] == "fail":
        total = (total + 1) // 2
    scale = SCALE[call.pace]
    if not scale:
        return total
    took = face_of(record["id"])
    gone = (call.now - record["life"]["since"]) / scale - took.LEAD
    begun: int = record["begun"]
    return min(total, begun + max(0, int(gone / took.PER_STEP)))


def _learn(call: Call, record: Json, budget: Slice) -> bool:
    allowed = _allowed(call, record)
    if allowed <= record["step"]:
        return False
    taken = _training(call, record)
    if not taken.prepare(budget.over):  # read again, after a restart
        return True
    if taken.fault is not None:
        return _break_off(call, record, taken.fault)
    rows = taken.rows(record, allowed, budget.over)
    with call.store.transaction():
        latest = load(call, record["id"])
        if latest["life"] != record["life"] or latest["step"] != record["step"]:
            return True  # cancelled or paused meanwhile, or done by another process: this part is not needed
        _keep(call, latest, rows)
        put(call, latest)
    return True


def _keep(call: Call, record: Json, rows: list[Row]) -> None:
    """Write down what steps measured."""
    if not rows:
        return
    told, how = face(call, record), plan(record)
    epoch, total = how.epoch(record["check"]["examples"]), record["total"]
    since, scale = record["life"]["since"], SCALE[call.pace]
    for row in rows:
        at = since + scale * (told.LEAD + told.PER_STEP * (row.step - record["begun"]))
        told.step(at, row, total)
        if row.step % epoch == 0:
            told.epoch(at, row, row.step // epoch, how.epochs)
    chunk = f"{record['id']}/rows/{rows[0].step}"
    call.store.write(call.tenant, chunk, [csv(told, rows)])
    record["chunks"].append(chunk)
    record["step"] = rows[-1].step


def _break_off(call: Call, record: Json, error: Json) -> bool:
    with call.store.transaction():
        latest = load(call, record["id"])
        if latest["life"] == record["life"]:
            latest["error"] = error
            put(call, latest)
    return True


def _file(call: Call, record: Json) -> bool:
    """Join the rows into the result file."""
    ids = Ids(call.settings.seed, f"{call.tenant}/{record['id']}/result", count().__next__)
    ended = machine(record).work["running"][0] * SCALE[call.pace]
    told = face(call, record)
    file = contents.made(ids, "fine-tune-results", told.RESULT, created=int(record["life"]["since"] + ended))
    file["bytes"] = call.store.write(call.tenant, file["id"], _joined(call, told.head(), record["chunks"]))
    with call.store.transaction():
        latest = load(call, record["id"])
        if latest["life"] != record["life"]:
            call.store.discard(call.tenant, file["id"])
            return True
        latest["result"] = file
        put(call, latest)
    return True


def _joined(call: Call, head: bytes, chunks: list[str]) -> Iterator[bytes]:
    yield head
    yield from chain.from_iterable(call.store.read(call.tenant, chunk) or () for chunk in chunks)

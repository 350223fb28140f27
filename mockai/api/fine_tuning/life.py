"""The life of a fine-tuning job: its table, its stamps, and the work of each state (fine_tuning.md §4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count

from mockai import admission, contents, tuned
from mockai.api.fine_tuning import training
from mockai.api.fine_tuning.events import CSV_HEAD, KEPT_EPOCHS, Teller, csv
from mockai.api.fine_tuning.training import Training, fault, plan
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.engine import draw
from mockai.engine.catalogue import Model
from mockai.engine.learning import Row
from mockai.lifecycle import Machine, Step, advance, due
from mockai.wire.errors import ApiError
from mockai.wire.ids import TO_BASE62, Ids
from mockai.work import Slice

KIND = "fine_tuning.job"
LEAD, PER_STEP, TAIL = 120.0, 1.7, 7.0
"""Seconds of a running job before its steps, for each of them, and after."""
LATER = (2, 6)
"""Seconds after `finished_at` at which a job tells of its model and of its success."""

MACHINE = Machine(
    initial="validating_files",
    edges={
        "validating_files": {"accept": "queued", "reject": "failed", "cancel": "cancelled"},
        "queued": {"start": "running", "cancel": "cancelled", "pause": "paused"},
        "running": {"finish": "succeeded", "fail": "failed", "cancel": "cancelled", "pause": "paused"},
        "paused": {"resume": "queued", "cancel": "cancelled"},
    },
    work={"validating_files": (30.0, "accept"), "queued": (2.0, "start"), "running": (LEAD, "finish")},
)
ENDED = ("succeeded", "failed", "cancelled")


def path(record: Json) -> str:
    """Return the path under which the work of a job is queued."""
    return f"/fine_tuning/jobs/{record['id']}"


def unknown(id: str) -> ApiError:
    """Return the API's 404."""
    return ApiError(404, f"Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found")


def load(call: Call, id: str) -> Json:
    """Return the record of a job as it is kept. Raises the API's 404."""
    record = call.store.get(call.tenant, KIND, id)
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
    call.store.put(call.tenant, KIND, record, tags=tags)
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
    left = (record["total"] or 0) - record["begun"]
    return replace(MACHINE, work={**MACHINE.work, "running": (LEAD + PER_STEP * left + TAIL, "finish")})


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
    shown, teller = record["shown"], Teller(call, record)
    shown["status"] = step.after
    if step.after == "queued":
        if step.event == "accept":
            _resolve(record)
            teller.say(step.at, "Files validated, moving job to queued state", {})
    elif step.after == "running":
        record["begun"] = record["step"]
        seconds = machine(record).work["running"][0] * SCALE[call.pace]
        shown["estimated_finish"] = int(step.at + seconds)
        teller.say(step.at, "Fine-tuning job started")
    else:
        shown["estimated_finish"] = None
    if step.after == "failed":
        shown["error"] = record["error"] or record["check"]["error"]
        shown["finished_at"] = int(step.at) if step.before == "running" else None
    elif step.after == "succeeded":
        _succeed(call, record, int(step.at), teller)


def _resolve(record: Json) -> None:
    shown, numbers = record["shown"], record["check"]["numbers"]
    method = shown["method"]["type"]
    inner = {**numbers, "learning_rate_multiplier": float(numbers["learning_rate_multiplier"])}
    shown["method"][method]["hyperparameters"] = inner
    shown["hyperparameters"] = numbers if method == "supervised" else None
    record["total"] = plan(record).steps(record["check"]["examples"])


def _succeed(call: Call, record: Json, at: int, teller: Teller) -> None:
    shown = record["shown"]
    final = model_name(call, record, record["total"], last=True)
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
    first, second = (int(later * SCALE[call.pace]) for later in LATER)
    teller.say(at + first, f"New fine-tuned model created: {final}", {})
    teller.say(at + second, "The job has successfully completed", {})


def model_name(call: Call, record: Json, step: int, *, last: bool) -> str:
    """Return the name of a checkpoint's model; all of a job's share five characters."""
    slug = re.sub(r"[^a-z0-9]+", "-", call.organization.lower()).strip("-") or "personal"
    suffix = re.sub(r"[^a-z0-9]+", "-", (record["shown"]["user_provided_suffix"] or "").lower()).strip("-")
    id = _letters(5, record["id"]) + _letters(3, record["id"], step)
    return f"ft:{record['base']}:{slug}:{suffix}:{id}" + ("" if last else f":ckpt-step-{step}")


def _letters(size: int, *parts: str | int) -> str:
    return draw.stream(draw.key("model", *parts), size).translate(TO_BASE62).decode()


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
    numbers = training.resolved(asked, method, _model(call, record), taken.examples)
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
    gone = (call.now - record["life"]["since"]) / scale - LEAD
    begun: int = record["begun"]
    return min(total, begun + max(0, int(gone / PER_STEP)))


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
    teller, how = Teller(call, record), plan(record)
    epoch, total = how.epoch(record["check"]["examples"]), record["total"]
    since, scale = record["life"]["since"], SCALE[call.pace]
    for row in rows:
        at = since + scale * (LEAD + PER_STEP * (row.step - record["begun"]))
        teller.step(at, row, total)
        if row.step % epoch == 0 and row.step > total - KEPT_EPOCHS * epoch:
            last = row.step == total
            name = model_name(call, record, row.step, last=last)
            teller.checkpoint(at, row, name, last=last)
            record["checkpoints"] += [] if last else [name]
    chunk = f"{record['id']}/rows/{rows[0].step}"
    call.store.write(call.tenant, chunk, [csv(rows)])
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
    file = contents.made(ids, "fine-tune-results", "step_metrics.csv", created=int(record["life"]["since"] + ended))
    file["bytes"] = call.store.write(call.tenant, file["id"], _joined(call, record["chunks"]))
    with call.store.transaction():
        latest = load(call, record["id"])
        if latest["life"] != record["life"]:
            call.store.discard(call.tenant, file["id"])
            return True
        latest["result"] = file
        put(call, latest)
    return True


def _joined(call: Call, chunks: list[str]) -> Iterator[bytes]:
    yield CSV_HEAD
    yield from chain.from_iterable(call.store.read(call.tenant, chunk) or () for chunk in chunks)

"""Fine-tuning jobs: create, list, retrieve, cancel, pause, resume, and the lists of events and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockai import admission, contents, orders
from mockai.api.fine_tuning import life
from mockai.api.fine_tuning.faces import CHECKPOINT, EVENT, LATER, Face
from mockai.api.fine_tuning.schema import CREATE, HYPERPARAMETERS
from mockai.api.fine_tuning.training import PURPOSE
from mockai.call import Call, Json, Operation
from mockai.clock import SCALE
from mockai.engine.catalogue import Model
from mockai.engine.draw import Draw
from mockai.store import UnknownCursorError
from mockai.wire import errors, pages
from mockai.wire.errors import ApiError
from mockai.work import Slice

MOST_ACTIVE = 3
"""Active jobs that a model may have. Jobs at the pace `instant` take no time, so none is ever active."""


def create(call: Call) -> Json:
    """Start a job. The files are looked at later; what is wrong with them fails the job."""
    body, end = call.body, call.header(orders.FINE_TUNING)
    if call.settings.missing == "phantom" and contents.find(call, body["training_file"]) is None:
        return made(call, call.ids.alnum("ftjob-"), body, body["model"])
    check_files(call, body)
    model = _check_model(call, body)
    _check_active(call, model.dated)
    shown = made(call, call.ids.alnum("ftjob-"), body, model.id if model.base else model.dated)
    life.begun(call, shown, model, end)
    return {**shown, "method": _created(shown["method"])}


def _created(method: Json) -> Json:
    """Return a method as the answer to its creation shows it: the hyperparameters in another order."""
    inner = method[method["type"]]
    numbers = inner["hyperparameters"]
    first = [name for name in ("batch_size", "learning_rate_multiplier", "n_epochs") if name in numbers]
    ordered = {name: numbers[name] for name in [*first, *(name for name in numbers if name not in first)]}
    return {**method, method["type"]: {**inner, "hyperparameters": ordered}}


# --- what is refused at once ---------------------------------------------------------------------


def check_files(call: Call, body: Json) -> None:
    """Raise the API's 400 of a file that is not there, or for something else."""
    for param in ("training_file", "validation_file"):
        id = body.get(param)
        file = contents.find(call, id) if id is not None else None
        if id is not None and (file is None or file["purpose"] != PURPOSE):  # of a wrong purpose: unverified
            raise ApiError(400, f"invalid {param}: {id}", param=param)


def _check_model(call: Call, body: Json) -> Model:
    model = admission.find(call, body["model"])
    if model is None or not (model.tunable or call.settings.missing == "phantom"):
        text = f"Model {body['model']} is not available for fine-tuning or does not exist."
        raise ApiError(400, text, code="model_not_available")
    asked = body.get("method") or {"type": "supervised"}
    kind = asked["type"]
    if model.tunable and kind not in model.tunable:  # the API's own text is not known
        text = f"The model {body['model']} cannot be fine-tuned with the method '{kind}'."
        raise ApiError(400, text, param="method.type", code="unsupported_value")
    if kind == "reinforcement" and not asked.get(kind):
        raise errors.missing(f"method.{kind}")
    for path, numbers in _given(body):
        multiplier = numbers.get("learning_rate_multiplier")
        if multiplier == 0:
            raise errors.out_of_range(f"{path}.learning_rate_multiplier", "decimal", "below", 0.00001, multiplier)
    return model


def _given(body: Json) -> list[tuple[str, Json]]:
    """Return every place where hyperparameters may stand, and what stands there."""
    places = [("hyperparameters", body.get("hyperparameters"))]
    method = body.get("method") or {}
    places += [
        (f"method.{kind}.hyperparameters", (method.get(kind) or {}).get("hyperparameters"))
        for kind in HYPERPARAMETERS
    ]
    return [(path, numbers or {}) for path, numbers in places]


def _check_active(call: Call, base: str) -> None:
    if not SCALE[call.pace]:
        return
    where = {"active": base}
    budget = Slice()
    found = call.store.list(call.tenant, Face.KIND, where=where, limit=MOST_ACTIVE)
    states = [life.settle(call, record["id"], budget)["life"]["state"] for record in found]
    active = [state for state in states if state not in (*life.ENDED, "paused")]
    if len(active) >= MOST_ACTIVE:
        running = active.count("running")
        text = (
            "This fine-tune request has been rate-limited. Your organization has reached the maximum of "
            f"{MOST_ACTIVE} active requests ({running} running, {len(active) - running} pending) "
            f"for the model '{base}'."
        )
        raise ApiError(429, text, code="rate_limit_exceeded")


# --- the object ----------------------------------------------------------------------------------


def made(call: Call, id: str, body: Json, model: str) -> Json:
    """Return a new job."""
    asked = body.get("method") or {}
    kind = asked.get("type", "supervised")
    inner = asked.get(kind) or {}
    numbers = _numbers(kind, inner.get("hyperparameters") or (body.get("hyperparameters") if not asked else None))
    seed = body.get("seed")
    return {
        "object": "fine_tuning.job",
        "id": id,
        "model": model,
        "created_at": call.created,
        "finished_at": None,
        "fine_tuned_model": None,
        "organization_id": call.organization,
        "result_files": [],
        "status": "validating_files",
        "validation_file": body.get("validation_file"),
        "training_file": body["training_file"],
        "hyperparameters": numbers if kind == "supervised" else None,
        "trained_tokens": None,
        "error": None if call.settings.validate == "schema" else {},  # the SDK's strict type takes no empty object
        "user_provided_suffix": body.get("suffix"),
        "seed": Draw("seed", id).randrange(2**31) if seed is None else seed,
        "estimated_finish": None,
        "integrations": [_integration(call, entry) for entry in body.get("integrations") or ()],
        "metadata": body.get("metadata"),
        "usage_metrics": None,
        "shared_with_openai": False,
        "eval_id": None,
        "method": {"type": kind, kind: {**inner, "hyperparameters": numbers}},
    }


def _numbers(kind: str, asked: Json | None) -> Json:
    given = {name: value for name, value in (asked or {}).items() if value is not None}
    numbers: dict[str, Any] = {name: given.get(name, "auto") for name in HYPERPARAMETERS[kind]}
    if isinstance(numbers["learning_rate_multiplier"], int):
        numbers["learning_rate_multiplier"] = float(numbers["learning_rate_multiplier"])
    return numbers


def _integration(call: Call, asked: Json) -> Json:
    wandb = asked["wandb"]
    shown = {name: wandb.get(name) for name in ("project", "name", "entity")}
    return {
        "type": "wandb",
        "wandb": {**shown, "tags": wandb.get("tags") or [], "run_id": call.ids.alnum("", 8).lower()},
    }


# --- reading back, and changing ------------------------------------------------------------------


def _phantom(call: Call, state: str) -> Json:
    body = {"model": "gpt-4o-mini-2024-07-18", "training_file": "file-phantom"}
    shown = made(call, call.path["fine_tuning_job_id"], body, body["model"])
    return {**shown, "status": state}


def _missing(call: Call) -> bool:
    """Return whether the job is a phantom."""
    return (
        call.settings.missing == "phantom"
        and call.store.get(call.tenant, Face.KIND, call.path["fine_tuning_job_id"]) is None
    )


def _id(call: Call) -> str:
    return life.own(call.path["fine_tuning_job_id"], Face)


def retrieve(call: Call) -> Json:
    """Return a job, up to date."""
    if _missing(call):
        return _phantom(call, "running")
    shown: Json = life.settle(call, _id(call), Slice())["shown"]
    return shown


def list_(call: Call) -> Json:
    """Return jobs, newest first, up to date; `metadata[k]` filters, `metadata=null` finds those without any."""
    page = pages.parse(call.query)
    where = {
        f"metadata.{name[9:-1]}": values[0]
        for name, values in call.query.items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    if call.query.get("metadata") == ["null"]:
        where["metadata"] = "null"

    def read(limit: int) -> list[Json]:
        return call.store.list(call.tenant, Face.KIND, after=page.after, limit=limit, where=where)

    found, more = _fetch(call, page, read, life.unknown)
    budget = Slice()
    return {
        "object": "list",
        "data": [life.settle(call, record["id"], budget)["shown"] for record in found],
        "has_more": more,
    }


def _fetch(
    call: Call, page: pages.Page, read: Callable[[int], list[Json]], fault: Callable[[str], ApiError]
) -> tuple[list[Json], bool]:
    try:
        return pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if call.settings.missing != "phantom":
            raise fault(str(cursor)) from None
        return [], False


def _told(call: Call, kind: str, page: pages.Page) -> tuple[list[Json], bool]:
    """Return what a job has told by now, the latest first."""
    if _missing(call):
        return [], False
    id = life.settle(call, _id(call), Slice())["id"]

    def read(limit: int) -> list[Json]:
        ahead = len(LATER)  # what is told of a success bears times after it
        found = call.store.list(call.tenant, kind, parent=id, after=page.after, limit=limit + ahead)
        return [entry for entry in found if entry["created_at"] <= call.now][:limit]

    def fault(cursor: str) -> ApiError:  # the API's own text is not known
        return ApiError(404, f"Could not find fine tune event: {cursor}", param="after")

    return _fetch(call, page, read, fault)


def events(call: Call) -> Json:
    """Return the events of a job, newest first."""
    found, more = _told(call, EVENT, pages.parse(call.query))
    return {"object": "list", "data": found, "has_more": more}


def checkpoints(call: Call) -> Json:
    """Return the checkpoints of a job, the highest step first."""
    listed = pages.envelope(*_told(call, CHECKPOINT, pages.parse(call.query, default=10)))
    return {name: listed[name] for name in ("object", "data", "has_more", "first_id", "last_id")}


def _change(event: str, phantom: str) -> Callable[[Call], Json]:
    def change(call: Call) -> Json:
        if _missing(call):
            return _phantom(call, phantom)
        shown: Json = life.change(call, _id(call), event)["shown"]
        return shown

    change.__doc__ = f"Let a job {event}."
    return change


def _always(call: Call) -> bool:
    return True


_JOB = "/fine_tuning/jobs/{fine_tuning_job_id}"

OPERATIONS = (
    Operation(
        "POST",
        "/fine_tuning/jobs",
        create,
        "fine_tuning.jobs.create",
        body=CREATE,
        weigh=_always,
        liveness="restricted",
    ),
    *(
        Operation(method, path, handler, f"fine_tuning.jobs.{name}", weigh=_always, liveness="restricted")
        for method, path, handler, name in (
            ("GET", "/fine_tuning/jobs", list_, "list"),
            ("GET", _JOB, retrieve, "retrieve"),
            ("POST", f"{_JOB}/cancel", _change("cancel", "cancelled"), "cancel"),
            ("POST", f"{_JOB}/pause", _change("pause", "running"), "pause"),
            ("POST", f"{_JOB}/resume", _change("resume", "queued"), "resume"),
            ("GET", f"{_JOB}/events", events, "list_events"),
            ("GET", f"{_JOB}/checkpoints", checkpoints, "checkpoints.list"),
        )
    ),
)

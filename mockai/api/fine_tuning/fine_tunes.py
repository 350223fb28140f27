"""Fine-tunes, the API of 2021 to 2023: another face of the same jobs (fine_tuning.md §1, §5; recorded shapes)."""

from __future__ import annotations

from collections.abc import Iterator

from mockai import admission, contents, orders, tuned
from mockai.api.fine_tuning import jobs, life
from mockai.api.fine_tuning.faces import FineTune
from mockai.call import Answer, Beat, Call, Json, Operation, Stream
from mockai.clock import SCALE
from mockai.engine.catalogue import Model
from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.schema import Array, Bool, Decimal, Int, Object, Str
from mockai.work import Slice

DEFAULT_MODEL, EPOCHS, PROMPT_WEIGHT = "curie", 4, 0.01
CLASSIFICATION = (
    "compute_classification_metrics",
    "classification_n_classes",
    "classification_positive_class",
    "classification_betas",
)
"""Taken and kept; no such metrics are computed."""
CREATE = Object(
    {
        "training_file": Str(),
        "validation_file": Str(),
        "model": Str(),
        "n_epochs": Int(1, 50),
        "batch_size": Int(1, 256),
        "learning_rate_multiplier": Decimal(0.00001),
        "prompt_loss_weight": Decimal(0),
        "compute_classification_metrics": Bool(),
        "classification_n_classes": Int(1),
        "classification_positive_class": Str(),
        "classification_betas": Array(Decimal(), of="numbers"),
        "suffix": Str(min_length=1, max_length=40),
    },
    required=("training_file",),
)
STATUS = {"validating_files": "pending", "queued": "pending"}
"""What was called otherwise than with jobs."""
LOOK, MOST_LOOKS = (0.05, 1.0), 3_600
"""Seconds between two looks of a stream at its fine-tune, by pace within these; a stream does so many at most."""
PAUSE = b""
FILE = ("object", "id", "purpose", "filename", "bytes", "created_at", "status", "status_details")


def _admit(call: Call) -> None:
    body = call.body
    if "suffix" in body and body["suffix"] is None and call.settings.validate == "api":
        raise errors.not_of_type("suffix", None, "string")


def create(call: Call) -> Json:
    """Start a fine-tune of a file of prompts and completions."""
    body, end = call.body, call.header(orders.FINE_TUNING)
    asked = body.get("model") or DEFAULT_MODEL
    phantom = call.settings.missing == "phantom" and contents.find(call, body["training_file"]) is None
    if not phantom:
        jobs.check_files(call, body)
    model = _check_model(call, asked)
    shown = _made(call, call.ids.alnum("ft-"), body, asked)
    if phantom:
        return _shown(call, {"id": shown["id"], "shown": shown, "life": {"since": call.now}})
    return _shown(call, life.begun(call, shown, model, end))


def _check_model(call: Call, name: str) -> Model:
    model = admission.find(call, name)
    if model is None or model.dated not in tuned.FIRST:
        if model is not None and call.settings.missing == "phantom":
            return model
        text = (
            f"Invalid base model: {name} (model must be one of {', '.join(tuned.FIRST)}) "
            f"or a fine-tuned model created by your organization: {call.organization}"
        )
        raise ApiError(400, text)
    return model


def _made(call: Call, id: str, body: Json, model: str) -> Json:
    names = ("n_epochs", "batch_size", "learning_rate_multiplier")
    numbers = {name: body[name] for name in names if body.get(name) is not None}
    weight = body.get("prompt_loss_weight")
    job = {
        "training_file": body["training_file"],
        "validation_file": body.get("validation_file"),
        "suffix": body.get("suffix"),
        "hyperparameters": {"n_epochs": EPOCHS, **numbers},
    }
    files = {name: contents.find(call, job[name]) for name in ("training_file", "validation_file") if job[name]}
    also = {
        "prompt_loss_weight": PROMPT_WEIGHT if weight is None else weight,
        **{name: body[name] for name in CLASSIFICATION if body.get(name) is not None},
    }
    return {**jobs.made(call, id, job, model), "files": files, "also": also}


# --- the object ----------------------------------------------------------------------------------


def _shown(call: Call, record: Json, *, whole: bool = True) -> Json:
    """Return a fine-tune; in lists it goes without its events."""
    shown = record["shown"]
    numbers = {
        name: None if value == "auto" else value
        for name, value in shown["method"]["supervised"]["hyperparameters"].items()
    }
    also = dict(shown["also"])
    fine_tune = {
        "object": "fine-tune",
        "id": record["id"],
        "hyperparams": {
            "n_epochs": numbers["n_epochs"],
            "batch_size": numbers["batch_size"],
            "prompt_loss_weight": also.pop("prompt_loss_weight"),
            "learning_rate_multiplier": numbers["learning_rate_multiplier"],
            **also,
        },
        "organization_id": shown["organization_id"],
        "model": shown["model"],
        "training_files": _files(call, shown, "training_file"),
        "validation_files": _files(call, shown, "validation_file"),
        "result_files": [_file(call, id, record["result"]) for id in shown["result_files"]],
        "created_at": shown["created_at"],
        "updated_at": int(record["life"]["since"]),
        "status": STATUS.get(shown["status"], shown["status"]),
        "fine_tuned_model": shown["fine_tuned_model"],
    }
    return {**fine_tune, "events": _events(call, record["id"])} if whole else fine_tune


def _files(call: Call, shown: Json, name: str) -> list[Json]:
    id = shown[name]
    return [] if id is None else [_file(call, id, shown["files"][name])]


def _file(call: Call, id: str, known: Json | None) -> Json:
    """Return a file as it is; one that was deleted still shows as what it was."""
    file = contents.find(call, id)
    if file is None:
        phantom = {**contents.made(call.ids, "fine-tune", "phantom.jsonl"), "id": id}
        file = phantom if known is None else {**known, "status": "deleted"}
    return {name: file[name] for name in FILE}


def _events(call: Call, id: str, seen: int = 0) -> list[Json]:
    """Return what was told by now, oldest first, but for the first `seen`."""
    found = _every(call, FineTune.EVENT, id)[seen:]
    return [
        {name: event[name] for name in ("object", "level", "message", "created_at")}
        for event in found
        if event["created_at"] <= call.now
    ]


def _every(call: Call, kind: str, parent: str | None = None) -> list[Json]:
    found: list[Json] = []
    while page := call.store.list(
        call.tenant, kind, parent=parent, order="asc", after=found[-1]["id"] if found else None, limit=1000
    ):
        found += page
    return found


# --- reading back, and cancelling ----------------------------------------------------------------


def _named(call: Call) -> str:
    return life.own(call.path["fine_tune_id"], FineTune)


def _phantom(call: Call, status: str) -> Json | None:
    """Return a fine-tune for an id that does not exist, where such are asked for."""
    id = call.path["fine_tune_id"]
    if call.settings.missing != "phantom" or call.store.get(call.tenant, FineTune.KIND, id) is not None:
        return None
    shown = _made(call, id, {"training_file": "file-phantom"}, DEFAULT_MODEL)
    return _shown(call, {"id": id, "shown": {**shown, "status": status}, "life": {"since": call.now}})


def retrieve(call: Call) -> Json:
    """Return a fine-tune with its events, up to date."""
    return _phantom(call, "running") or _shown(call, life.settle(call, _named(call), Slice()))


def list_(call: Call) -> Json:
    """Return every fine-tune, oldest first; this list had no pages."""
    budget = Slice()
    records = [life.settle(call, record["id"], budget) for record in _every(call, FineTune.KIND)]
    shown = [_shown(call, record, whole=False) for record in records]
    return {"object": "list", "data": shown, "next_starting_after": None}


def cancel(call: Call) -> Json:
    """Cancel a fine-tune that has not ended."""
    return _phantom(call, "cancelled") or _shown(call, life.change(call, _named(call), "cancel"))


def events(call: Call) -> Answer:
    """Return the events, oldest first; `stream=true` sends them as they happen, until the fine-tune has ended."""
    phantom = _phantom(call, "running")
    if phantom is not None:
        return {"object": "list", "data": phantom["events"]}
    id = _named(call)
    life.settle(call, id, Slice())
    if call.query.get("stream", [""])[0].lower() == "true":
        return Stream(_follow(call, id))
    return {"object": "list", "data": _events(call, id)}


def _follow(call: Call, id: str) -> Iterator[Beat]:
    begun, at, seen = call.now, 0.0, 0
    wait = min(max(SCALE[call.pace], LOOK[0]), LOOK[1])
    for _ in range(MOST_LOOKS):
        ended = life.settle(call, id, Slice())["life"]["state"] in life.ENDED
        told = _events(call, id, seen)
        for event in told:
            yield Beat(at, event)
        seen += len(told)
        if ended:
            return
        at += wait
        yield Beat(at, PAUSE)
        call.now = begun + at


def _always(call: Call) -> bool:
    return True


_ONE = "/fine-tunes/{fine_tune_id}"

OPERATIONS = tuple(
    Operation(
        method,
        path,
        handler,
        f"fine_tunes.{name}",
        body=body,
        admit=None if body is None else _admit,
        weigh=_always,
        liveness="retired",
    )
    for method, path, handler, name, body in (
        ("POST", "/fine-tunes", create, "create", CREATE),
        ("GET", "/fine-tunes", list_, "list", None),
        ("GET", _ONE, retrieve, "retrieve", None),
        ("POST", f"{_ONE}/cancel", cancel, "cancel", None),
        ("GET", f"{_ONE}/events", events, "list_events", None),
    )
)

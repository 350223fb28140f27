"""What a job shows of itself while it goes on: how long it takes, what it tells, how its models are named.

The two APIs that fine-tuning has had are two faces of one engine: jobs (fine_tuning.md §7, §8), and before them the
fine-tunes of 2021 to 2023, whose texts and shapes are recorded (§1).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from mockai import tuned
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.engine import draw, learning
from mockai.engine.catalogue import Model
from mockai.engine.learning import Row
from mockai.wire.ids import TO_BASE62, Ids

EVENT, CHECKPOINT = "fine_tuning.job.event", "fine_tuning.job.checkpoint"
KEPT_EPOCHS = 3
"""Checkpoints are kept of so many last epochs."""
LATER = (2, 6)
"""Seconds after `finished_at` at which a job tells of its model and of its success."""


class Face:
    """The jobs of today. It tells inside a transaction; the record counts what was told."""

    KIND: ClassVar[str] = "fine_tuning.job"
    """Of the records in the store."""
    PATH: ClassVar[str] = "/fine_tuning/jobs/"
    EVENT: ClassVar[str] = EVENT
    LEAST: ClassVar[int] = 10
    """Examples that a training file must have."""
    # Seconds: of checking the files, of waiting, of a running job before its steps, for each of them, and after.
    CHECKED, QUEUED, LEAD, PER_STEP, TAIL = 30.0, 2.0, 120.0, 1.7, 7.0
    RATE: ClassVar[float] = 1.0
    """What a learning rate multiplier of 1 is to the learner."""
    RESULT: ClassVar[str] = "step_metrics.csv"

    def __init__(self, call: Call, record: Json) -> None:
        """Go on where the record stopped."""
        self.call, self.record = call, record
        numbers = count(record["told"] + 1)
        self.ids = Ids(call.settings.seed, f"{call.tenant}/{record['id']}/events", lambda: next(numbers))

    def say(self, at: float, message: str, data: Any = None, kind: str = "message") -> None:
        """Add an event that happened at `at` (Unix seconds)."""
        event = {
            "object": EVENT,
            "id": self.ids.alnum("ftevent-"),
            "created_at": int(at),
            "level": "info",
            "message": message,
            "data": data,
            "type": kind,
        }
        self.put(self.EVENT, event)

    def put(self, kind: str, told: Json) -> None:
        """Keep what was told."""
        self.record["told"] += 1
        self.call.store.put(self.call.tenant, kind, told, parent=self.record["id"])

    # --- what happens to a job

    def created(self, at: float) -> None:
        """Tell that the job is there, and which files are looked at."""
        shown = self.record["shown"]
        self.say(at, f"Created fine-tuning job: {shown['id']}", {})
        also = f" and validation file: {shown['validation_file']}" if shown["validation_file"] else ""
        self.say(at, f"Validating training file: {shown['training_file']}{also}", {})

    def accepted(self, at: float) -> None:
        """Tell that the files are good."""
        self.say(at, "Files validated, moving job to queued state", {})

    def started(self, at: float) -> None:
        """Tell that the training began."""
        self.say(at, "Fine-tuning job started")

    def step(self, at: float, row: Row, total: int) -> None:
        """Add the metrics of one step."""
        data: Json = {"step": row.step, "train_loss": row.loss}
        message = f"Step {row.step}/{total}: training loss={row.loss:.2f}"
        if row.valid_loss is not None:
            data["valid_loss"] = row.valid_loss
            message += f", validation loss={row.valid_loss:.2f}"
        data["total_steps"] = total
        if row.full_valid_loss is not None:
            data["full_valid_loss"] = row.full_valid_loss
            message += f", full validation loss={row.full_valid_loss:.2f}"
        data["train_mean_token_accuracy"] = row.accuracy
        if row.valid_loss is not None:
            data["valid_mean_token_accuracy"] = row.valid_accuracy
        if row.full_valid_loss is not None:
            data["full_valid_mean_token_accuracy"] = row.full_valid_accuracy
        self.say(at, message, data, "metrics")

    def epoch(self, at: float, row: Row, number: int, epochs: int) -> None:
        """Add a checkpoint after a late epoch, and the event that tells of it; that of the last goes without one."""
        if number <= epochs - KEPT_EPOCHS:
            return
        record, last = self.record, number == epochs
        model = self.model(row.step, at, last=last)
        checkpoint = {
            "object": CHECKPOINT,
            "id": self.ids.alnum("ftckpt_"),
            "created_at": int(at),
            "fine_tuned_model_checkpoint": model,
            "fine_tuning_job_id": record["id"],
            "metrics": {**_metrics(row), "type": record["shown"]["method"]["type"]},
            "step_number": row.step,
        }
        self.put(CHECKPOINT, checkpoint)
        if not last:
            record["checkpoints"].append(model)
            self.say(at, f"Checkpoint created at step {row.step} with Snapshot ID: {model}", {})

    def succeeded(self, at: float) -> None:
        """Tell of the model, somewhat later than it is there."""
        first, second = (int(later * SCALE[self.call.pace]) for later in LATER)
        self.say(at + first, f"New fine-tuned model created: {self.record['shown']['fine_tuned_model']}", {})
        self.say(at + second, "The job has successfully completed", {})

    def cancelled(self, at: float) -> None:
        """Tell nothing: no such event was seen."""

    def failed(self, at: float) -> None:
        """Tell nothing: the text of the event is not known, and the job has its error."""

    # --- names and numbers

    def model(self, step: int, at: float, *, last: bool) -> str:
        """Return the name of a checkpoint's model; all of a job's share five characters."""
        record = self.record
        id = _letters(5, record["id"]) + _letters(3, record["id"], step)
        return f"ft:{record['base']}:{self.owner}:{self.suffix}:{id}" + ("" if last else f":ckpt-step-{step}")

    @property
    def owner(self) -> str:
        """Return the organization as names of models show it."""
        return _slug(self.call.organization) or "personal"

    @property
    def suffix(self) -> str:
        """Return the caller's own part of the name; it may be empty."""
        return _slug(self.record["shown"]["user_provided_suffix"] or "")

    @staticmethod
    def auto(model: Model, examples: int) -> Json:
        """Return the numbers that `auto` stands for."""
        return {
            "n_epochs": learning.auto_epochs(examples),
            "batch_size": learning.auto_batch(examples),
            "learning_rate_multiplier": MULTIPLIERS.get(model.dated, MULTIPLIER),
        }

    def head(self) -> bytes:
        """Return the first line of the result file."""
        return b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"

    def csv(self, row: Row) -> str:
        """Return a line of the result file."""
        return _line(row.step, row.loss, row.accuracy, row.valid_loss, row.valid_accuracy)


# The learning rate multipliers that `auto` stands for; the rule behind them is not known.
MULTIPLIER, MULTIPLIERS = 2, {"gpt-4o-mini-2024-07-18": 1.8}


class FineTune(Face):
    """The fine-tunes of 2021 to 2023. Durations are those of a recorded one of December 2021."""

    KIND: ClassVar[str] = "fine-tune"
    PATH: ClassVar[str] = "/fine-tunes/"
    EVENT: ClassVar[str] = "fine-tune-event"
    LEAST: ClassVar[int] = 1
    CHECKED, QUEUED, LEAD, PER_STEP, TAIL = 5.0, 7.0, 15.0, 0.25, 31.0
    RATE: ClassVar[float] = 20.0  # its ordinary multiplier is 0.1, that of a job 2
    RESULT: ClassVar[str] = "compiled_results.csv"

    def say(self, at: float, message: str, data: Any = None, kind: str = "info") -> None:
        """Add an event; `kind` is its level."""
        event = {"object": self.EVENT, "level": kind, "message": message, "created_at": int(at)}
        self.put(self.EVENT, {**event, "id": self.ids.alnum("ftevent-")})

    def created(self, at: float) -> None:
        """Tell that the fine-tune is there."""
        self.say(at, f"Created fine-tune: {self.record['id']}")

    def accepted(self, at: float) -> None:
        """Tell the price, and the place in a queue that is always empty."""
        self.say(at, "Fine-tune costs $0.00")
        self.say(at + min(1.0, SCALE[self.call.pace]), "Fine-tune enqueued. Queue number: 0")

    def started(self, at: float) -> None:
        """Tell that the training began."""
        self.say(at, "Fine-tune started")

    def step(self, at: float, row: Row, total: int) -> None:
        """Tell nothing: metrics are in the result file only."""

    def epoch(self, at: float, row: Row, number: int, epochs: int) -> None:
        """Tell of every epoch."""
        self.say(at, f"Completed epoch {number}/{epochs}")

    def succeeded(self, at: float) -> None:
        """Tell of the model and the result file."""
        self.say(at, f"Uploaded model: {self.record['shown']['fine_tuned_model']}")
        self.say(at, f"Uploaded result file: {self.record['result']['id']}")
        self.say(at, "Fine-tune succeeded")

    def cancelled(self, at: float) -> None:
        """Tell that it was cancelled."""
        self.say(at, "Fine-tune cancelled")

    def failed(self, at: float) -> None:
        """Tell why: the object itself has no error. The form of the text is reported, its level is unverified."""
        self.say(at, f"Fine-tune failed. {self.record['shown']['error']['message']}", kind="error")

    def model(self, step: int, at: float, *, last: bool) -> str:
        """Return a name with the second in which the model was made; no two share one."""
        owner = f"{self.owner}:{self.suffix}" if self.suffix else self.owner
        while True:
            name = f"{self.record['base']}:ft-{owner}-{datetime.fromtimestamp(at, UTC):%Y-%m-%d-%H-%M-%S}"
            if tuned.find(self.call, name) is None:
                return name
            at += 1

    @staticmethod
    def auto(model: Model, examples: int) -> Json:
        """Return the numbers by the rules of its reference; 4 epochs and 0.1 at a batch of 1 are recorded."""
        batch = max(1, min(256, examples // 500))
        return {"n_epochs": 4, "batch_size": batch, "learning_rate_multiplier": 0.1 if batch < 64 else 0.2}

    def head(self) -> bytes:
        """Return the first line of the result file."""
        columns = ["step", "elapsed_tokens", "elapsed_examples", *(f"training_{name}" for name in _MEASURED)]
        if self.record["shown"]["validation_file"]:
            columns += [f"validation_{name}" for name in _MEASURED]
        return f"{','.join(columns)}\n".encode()

    def csv(self, row: Row) -> str:
        """Return a line of the result file. Of a batch only wholly right or not is known of its sequences."""
        check, shown = self.record["check"], self.record["shown"]
        examples = row.step * shown["method"]["supervised"]["hyperparameters"]["batch_size"]
        cells: list[float | None] = [row.loss, float(row.accuracy == 1), row.accuracy]
        if row.valid_loss is not None:
            cells += [row.valid_loss, float(row.valid_accuracy == 1), row.valid_accuracy]
        return _line(row.step, examples * check["tokens"] // check["examples"], examples, *cells)


_MEASURED = ("loss", "sequence_accuracy", "token_accuracy")
_FACES = {"ftjob-": Face, "ft-": FineTune}


def face_of(id: str) -> type[Face]:
    """Return the face of the job of an id; what looks like neither would be a job."""
    return next((face for prefix, face in _FACES.items() if id.startswith(prefix)), Face)


def face(call: Call, record: Json) -> Face:
    """Return the face of a job."""
    return face_of(record["id"])(call, record)


def csv(shown: Face, rows: list[Row]) -> bytes:
    """Return lines of the result file."""
    return "".join(map(shown.csv, rows)).encode()


def _metrics(row: Row) -> Json:
    found: Json = {"step": row.step, "train_loss": row.loss, "train_mean_token_accuracy": row.accuracy}
    if row.valid_loss is not None:
        found |= {"valid_loss": row.valid_loss, "valid_mean_token_accuracy": row.valid_accuracy}
    if row.full_valid_loss is not None:
        found |= {
            "full_valid_loss": row.full_valid_loss,
            "full_valid_mean_token_accuracy": row.full_valid_accuracy,
        }
    return found


def _line(*cells: float | None) -> str:
    return ",".join("" if cell is None else repr(round(cell, 5)) for cell in cells) + "\n"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _letters(size: int, *parts: str | int) -> str:
    return draw.stream(draw.key("model", *parts), size).translate(TO_BASE62).decode()

"""What a job tells while it goes on: events and checkpoints (fine_tuning.md §7, §8)."""

from __future__ import annotations

from itertools import count
from typing import Any

from mockai.call import Call, Json
from mockai.engine.learning import Row
from mockai.wire.ids import Ids

EVENT, CHECKPOINT = "fine_tuning.job.event", "fine_tuning.job.checkpoint"
KEPT_EPOCHS = 3
"""Checkpoints are kept of so many last epochs."""


class Teller:
    """Adds events and checkpoints to a record inside a transaction; the record counts them."""

    def __init__(self, call: Call, record: Json) -> None:
        """Go on where the record stopped."""
        self._call, self._record = call, record
        numbers = count(record["told"] + 1)
        self._ids = Ids(call.settings.seed, f"{call.tenant}/{record['id']}/events", lambda: next(numbers))

    def say(self, at: float, message: str, data: Any = None, kind: str = "message") -> None:
        """Add an event that happened at `at` (Unix seconds)."""
        event = {
            "object": EVENT,
            "id": self._ids.alnum("ftevent-"),
            "created_at": int(at),
            "level": "info",
            "message": message,
            "data": data,
            "type": kind,
        }
        self._record["told"] += 1
        self._call.store.put(self._call.tenant, EVENT, event, parent=self._record["id"])

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

    def checkpoint(self, at: float, row: Row, model: str, *, last: bool) -> None:
        """Add a checkpoint, and the event that tells of it; that of the last step goes without one."""
        record = self._record
        checkpoint = {
            "object": CHECKPOINT,
            "id": self._ids.alnum("ftckpt_"),
            "created_at": int(at),
            "fine_tuned_model_checkpoint": model,
            "fine_tuning_job_id": record["id"],
            "metrics": {**_metrics(row), "type": record["shown"]["method"]["type"]},
            "step_number": row.step,
        }
        record["told"] += 1
        self._call.store.put(self._call.tenant, CHECKPOINT, checkpoint, parent=record["id"])
        if not last:
            self.say(at, f"Checkpoint created at step {row.step} with Snapshot ID: {model}", {})


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


def csv(rows: list[Row]) -> bytes:
    """Return lines of the result file."""
    return "".join(
        f"{row.step},{_cell(row.loss)},{_cell(row.accuracy)},{_cell(row.valid_loss)},{_cell(row.valid_accuracy)}\n"
        for row in rows
    ).encode()


CSV_HEAD = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"


def _cell(value: float | None) -> str:
    return "" if value is None else repr(round(value, 5))

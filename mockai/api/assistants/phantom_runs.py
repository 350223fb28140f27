"""Runs that do not exist (`--missing phantom`): made for one request, in the state that it needs, and never kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mockai.api.assistants import life, scripts
from mockai.api.assistants.life import Watch, happen, move
from mockai.api.assistants.story import CLOSED, Script, Tell
from mockai.call import Call, Json

THREAD = [
    {"role": "user", "run_id": None, "content": [{"type": "text", "text": {"value": "Hello", "annotations": []}}]}
]
SPENT = {"prompt": 20, "completion": 5, "reasoning": 0}


class Phantom(Watch):
    """Follows a run that lives in this request only, at once and to its end."""

    def __init__(self, call: Call, record: Json, tell: Tell | None = None, made: Sequence[Script] = ()) -> None:
        """Begin where the record is."""
        super().__init__(call, record, tell)
        self._record = record
        self.scripts = [*made]

    def prepare(self) -> None:
        """Do nothing: it is all done at once."""

    def settle(self, now: float, *, step: bool = False) -> Json | None:
        """Bring the run to where a stream of it ends."""
        record = self._record
        while record["life"]["state"] not in CLOSED:
            if record["life"]["state"] == "queued":
                script, _ = scripts.make(self._call, record, self.scripts, THREAD)
                self.scripts.append(Script(script))
            move(self._call, record, self.scripts, now, step=True)
            self.story.go_on(record, self.scripts)
        return record

    def happen(self, event: str, allow: Callable[[Json], None], **more: Any) -> Json:
        """Let an event from outside happen; nothing is refused."""
        record = self._record
        self.story.go_on(record, self.scripts)
        self.story.silent()
        happen(record, event, self._call.now, **more)
        self.story.go_on(record, self.scripts)
        record["shown"] = self.story.run
        return record


def born(base: Json, call: Call, forced: str | None = None) -> Json:
    """Return the record of a phantom run: it takes no time."""
    return {**life.born(base, call, forced=forced, tool_resources={}), "scale": 0.0, "phantom": True}


def completed(base: Json, call: Call) -> Json:
    """Return the record of a phantom that has completed."""
    record = born(base, call)
    ended = {"status": "completed", "started_at": call.created, "completed_at": call.created, "expires_at": None}
    record["shown"] = {**base, **ended}
    return record


def waiting(base: Json, call: Call, ids: Sequence[str | None]) -> Phantom:
    """Return a phantom that waits for the outputs of just these calls."""
    record = born(base, call)
    calls = [{"id": id, "name": "function", "arguments": "{}", "pieces": ["{}"]} for id in ids]
    act = {"kind": "function", "step_id": call.ids.alnum("step_"), "calls": calls, "usage": SPENT}
    ticks = 1 + 2 * len(calls)
    script = {"acts": [act], "end": "require", "reason": None, "error": None, "ticks": ticks, "seconds": 0.0}
    happen(record, "start", call.now)
    record["ticks"] = ticks
    happen(record, "require", call.now)
    return Phantom(call, record, made=[Script(script)])


def step(call: Call, run: Json, id: str) -> Json:
    """Return a step of a phantom run: it wrote a message."""
    return {
        "id": id,
        "object": "thread.run.step",
        "created_at": call.created,
        "run_id": run["id"],
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "type": "message_creation",
        "status": "completed",
        "cancelled_at": None,
        "completed_at": call.created,
        "expires_at": None,
        "failed_at": None,
        "last_error": None,
        "step_details": {
            "type": "message_creation",
            "message_creation": {"message_id": call.ids.alnum("msg_")},
        },
        "usage": None,
    }

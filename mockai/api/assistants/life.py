"""The life of a run: a table, and how a run is brought up to date when somebody looks (assistants.md §5).

A run keeps its path (which event happened when) and how far the script of the present turn was played. What that
comes to is told by `Story`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mockai.api.assistants import scripts
from mockai.api.assistants.objects import MESSAGE, RUN, STEP, put_message
from mockai.api.assistants.story import ENDED, Script, Story, Tell
from mockai.call import Call, Json
from mockai.clock import SCALE
from mockai.lifecycle import Machine, Step, advance, apply, begin, due
from mockai.wire.errors import ApiError

WINDOW = 600
"""Seconds until a run expires."""
ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")

MACHINE = Machine(
    initial="queued",
    edges={
        "queued": {"start": "in_progress", "cancel": "cancelling", "expire": "expired"},
        "in_progress": {
            "finish": "completed",
            "require": "requires_action",
            "cap": "incomplete",
            "fail": "failed",
            "cancel": "cancelling",
            "expire": "expired",
        },
        "requires_action": {"submit": "queued", "cancel": "cancelling", "expire": "expired"},
        "cancelling": {"stop": "cancelled"},
    },
    # The script of a turn tells how long it lasts and how it ends; a run that talks at length takes longer than this.
    work={"queued": (0.3, "start"), "in_progress": (1.5, "finish"), "cancelling": (0.5, "stop")},
    deadlines={
        "queued": ("expires_at", "expire"),
        "in_progress": ("expires_at", "expire"),
        "requires_action": ("expires_at", "expire"),
    },
)


def born(base: Json, call: Call, **more: Any) -> Json:
    """Return the record of a new run, given the object that its creation answers."""
    return {
        "id": base["id"],
        "thread_id": base["thread_id"],
        "base": base,
        "shown": base,
        "life": begin(MACHINE, call.now),
        "path": [],
        "ticks": 0,
        "scale": SCALE[call.pace],
        **more,
    }


def find(call: Call, id: str) -> Json | None:
    """Return the record of a run as it is kept; None when there is none, or none any more."""
    return call.store.get(call.tenant, RUN, id)


class Watch:
    """Somebody who follows a run: what has been told of it, and the scripts that are known."""

    def __init__(self, call: Call, record: Json, tell: Tell | None = None) -> None:
        """Begin with the creation of the run; `tell` makes its events."""
        self._call, self._id = call, record["id"]
        self.story = Story(record, tell=tell)
        self.scripts: list[Script] = []

    def prepare(self) -> None:
        """Have the script of the turn that begins next: it may be work that must not hold a stream."""
        record = find(self._call, self._id)
        if record is not None and record["life"]["state"] == "queued":
            scripts.of(self._call, record, begun(record) + 1, self.scripts)

    def settle(self, now: float, *, step: bool = False) -> Json | None:
        """Bring the run up to date, and return its record; None when it is gone with its thread.

        `step` says that this reading is one that moves a run at the pace `step`.
        """
        call = self._call
        record = find(call, self._id)
        if record is None:
            return None
        scripts.of(call, record, _upcoming(record, now, step and call.pace == "step"), self.scripts)
        with call.store.transaction():
            record = find(call, self._id)
            if record is None:
                return None
            self._catch_up(record)
            if move(call, record, self.scripts, now, step=step):
                self.keep(record)
        return record

    def happen(self, event: str, allow: Callable[[Json], None], **more: Any) -> Json:
        """Let an event from outside happen now, if `allow` does not refuse the record; return the record."""
        call = self._call
        with call.store.transaction():
            record = find(call, self._id)
            if record is None:  # it went with its thread just now
                raise unknown(self._id)
            allow(record)
            self._catch_up(record)
            self.story.silent()
            happen(record, event, call.now, **more)
            self.keep(record)
        return record

    def _catch_up(self, record: Json) -> None:
        """Tell what has happened so far; the scripts of turns that have begun are there."""
        scripts.of(self._call, record, begun(record), self.scripts)
        self.story.go_on(record, self.scripts)

    def keep(self, record: Json) -> None:
        """Store a run that has moved, with its steps and messages."""
        call, story = self._call, self.story
        known = {*story.messages}
        story.touched.clear()
        story.go_on(record, self.scripts)
        record["shown"] = story.run
        for step in story.steps.values():
            if step["id"] in story.touched:
                call.store.put(call.tenant, STEP, step, parent=record["id"])
        for message in story.messages.values():
            if message["id"] in story.touched:
                self._keep_message(message, message["id"] in known)
        call.store.put(call.tenant, RUN, record, parent=record["thread_id"])

    def _keep_message(self, message: Json, known: bool) -> None:
        """Keep a message as far as it is written; what its reader did to it meanwhile stays done."""
        kept = self._call.store.get(self._call.tenant, MESSAGE, message["id"]) if known else message
        if kept is not None:
            put_message(self._call, {**message, "metadata": kept["metadata"]})


def unknown(id: str) -> ApiError:
    """Return the 404 of a run."""
    return ApiError(404, f"No run found with id '{id}'.")


def settle(call: Call, id: str, now: float, *, step: bool = False) -> Json | None:
    """Bring a run up to date, and return its record; None when it is gone with its thread."""
    record = find(call, id)
    if record is None or record["life"]["state"] in ENDED:
        return record
    return Watch(call, record).settle(now, step=step)


def _upcoming(record: Json, now: float, single: bool) -> int:
    """Return how many scripts are needed to bring a run up to `now`: one for each turn that begins."""
    turns = begun(record)
    if record["life"]["state"] != "queued":
        return turns
    starts = due(MACHINE, record["life"], record["base"], record["scale"])[0][0] <= now
    return turns + (single or starts)


def begun(record: Json) -> int:
    """Return how many turns have begun."""
    return sum(entry["event"] == "start" for entry in record["path"])


def move(call: Call, record: Json, made: Sequence[Script], now: float, *, step: bool = False) -> bool:
    """Let happen what fell due until `now`, in the record only; return whether anything did.

    At the pace `step` only a reading that counts moves a run; deadlines pass for everybody.
    """
    single, before = call.pace == "step", record["ticks"]
    script = made[-1] if made else None
    turns = begun(record)

    def choose(state: str, event: str) -> str | None:
        ready = state != "queued" or len(made) > turns
        return event if ready and (step or not single) else None

    machine = MACHINE
    if script is not None:
        machine = replace(MACHINE, work={**MACHINE.work, "in_progress": (script.data["seconds"], script.data["end"])})
    steps = advance(
        machine,
        record["life"],
        record["base"],
        now,
        lambda taken: _stamp(record, taken, script),
        scale=record["scale"],
        choose=choose,
        single=single,
    )
    if record["life"]["state"] == "in_progress" and script is not None:
        reached = len(script.ticks) // 2 if single else _reached(record, script, record["life"]["since"], now)
        record["ticks"] = max(record["ticks"], reached)
    return bool(steps) or record["ticks"] != before


def happen(record: Json, event: str, now: float, **more: Any) -> None:
    """Let an event from outside happen now. Raises `IllegalEventError`."""
    apply(MACHINE, record["life"], event, now, lambda taken: _enter(record, taken, **more))


def _stamp(record: Json, step: Step, script: Script | None) -> None:
    if step.before == "in_progress" and script is not None:
        record["ticks"] = max(record["ticks"], _reached(record, script, record["path"][-1]["at"], step.at))
    _enter(record, step)


def _enter(record: Json, step: Step, **more: Any) -> None:
    record["path"].append({"at": step.at, "event": step.event, "ticks": record["ticks"], **more})
    if step.event == "start":
        record["ticks"] = 0


def _reached(record: Json, script: Script, since: float, now: float) -> int:
    """Return how many ticks of a turn that began `since` are due by `now`."""
    return bisect_right(script.ticks, now, key=lambda tick: since + tick.at * record["scale"])


def following(record: Json, made: Sequence[Script], now: float) -> float:
    """Return when the next thing of a run is due, a tick or a change of state; never before `now`."""
    life, scale = record["life"], record["scale"]
    planned = due(MACHINE, life, record["base"], scale)
    if life["state"] == "in_progress":
        script = made[-1]
        rest = script.ticks[record["ticks"] : record["ticks"] + 1]
        seconds = rest[0].at if rest else script.data["seconds"]
        planned = [entry for entry in planned if not entry[2]] + [(life["since"] + seconds * scale, "", True)]
    return max(now, min(at for at, _, _ in planned))

"""The story of a run: what its path and its scripts come to, as objects and as events (assistants.md §4-§6).

It is told anew from the record whenever somebody looks, and goes on from where it was: so whoever polls and whoever
streams see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mockai.call import Json
from mockai.engine.runs import Tick, ticks
from mockai.wire import codec

Event = tuple[str, bytes]
"""The name of an event and its data, encoded."""
Tell = Callable[[Json], Json]
"""Turns an object into the data of its event."""

CLOSED = ("requires_action", "completed", "incomplete", "failed", "cancelled", "expired")
"""The states in which a stream ends."""
ENDED = CLOSED[1:]

# What breaks off: the event, why the message is incomplete, the state of the step and its time.
BROKEN = {
    "stop": ("run_cancelled", "cancelled", "cancelled_at"),
    "expire": ("run_expired", "expired", None),
    "fail": ("run_failed", "failed", "failed_at"),
}
ERRORS = {
    "server_error": "Sorry, something went wrong.",
    "rate_limit_exceeded": (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    ),
}


@dataclass(frozen=True)
class Script:
    """What a turn does (`mockai.engine.runs`), with the ids of its steps, messages and calls."""

    data: Json

    @property
    def acts(self) -> list[Json]:
        """Return what is done, step by step."""
        acts: list[Json] = self.data["acts"]
        return acts

    @cached_property
    def ticks(self) -> list[Tick]:
        """Return its moments, as far as they are played."""
        return list(ticks(self.acts))[: self.data["ticks"]]


class Story:
    """Plays a run from its creation on. `run`, `steps` and `messages` hold what has become of it."""

    def __init__(self, record: Json, *, tell: Tell | None = None) -> None:
        """Begin with the run as it was created. `tell` turns an object into the data of its event; None is silent."""
        self.run: Json = {**record["base"], "status": "queued"}
        self.steps: dict[str, Json] = {}
        self.messages: dict[str, Json] = {}
        self.touched: set[str] = set()
        """Ids of the steps and messages that changed since it was last emptied."""
        self.tell = tell
        self._events: list[Event] = []
        self._turn = -1
        self._entry = self._tick = 0
        self._began = 0.0
        self._open: list[Json] = []
        self._emit("thread.run.created", self.run)
        self._emit("thread.run.queued", self.run)

    def go_on(self, record: Json, scripts: Sequence[Script]) -> None:
        """Play what has happened since; `scripts` are those of the turns, as far as made."""
        for entry in record["path"][self._entry :]:
            if self.run["status"] == "in_progress":
                self._play(record, scripts, entry["ticks"])
            getattr(self, f"_{entry['event']}")(entry, scripts)
            self._entry += 1
        if self.run["status"] == "in_progress":
            self._play(record, scripts, record["ticks"])

    def events(self) -> list[Event]:
        """Return the events since they were last asked for."""
        events, self._events = self._events, []
        return events

    def silent(self) -> None:
        """Forget the events of what was told so far: they belong to another stream."""
        self._events = []

    def _emit(self, name: str, data: Json) -> None:
        if self.tell is not None:
            self._events.append((name, codec.dumps(self.tell(data))))

    # --- the run

    def _start(self, entry: Json, scripts: Sequence[Script]) -> None:
        self._turn += 1
        self._tick, self._began = 0, entry["at"]
        self.run |= {"status": "in_progress", "started_at": int(entry["at"])}
        self._emit("thread.run.in_progress", self.run)

    def _require(self, entry: Json, scripts: Sequence[Script]) -> None:
        act = scripts[self._turn].acts[-1]
        calls = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in act["calls"]
        ]
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
        self.run |= {"status": "requires_action", "required_action": action}
        self._emit("thread.run.requires_action", self.run)

    def _submit(self, entry: Json, scripts: Sequence[Script]) -> None:
        act, (step,) = scripts[self._turn].acts[-1], self._open
        for call in step["step_details"]["tool_calls"]:
            call["function"]["output"] = entry["outputs"].get(call["id"])
        self._complete(step, act, entry["at"])
        self.run |= {"status": "queued", "required_action": None}
        self._emit("thread.run.queued", self.run)

    def _finish(self, entry: Json, scripts: Sequence[Script]) -> None:
        self._end("completed", entry, completed_at=int(entry["at"]))

    def _cap(self, entry: Json, scripts: Sequence[Script]) -> None:
        reason = scripts[self._turn].data["reason"]
        details = None if reason is None else {"reason": reason}
        for step in [*self._open]:
            self._complete(step, scripts[self._turn].acts[-1], entry["at"])
        self._end("incomplete", entry, completed_at=int(entry["at"]), incomplete_details=details)

    def _fail(self, entry: Json, scripts: Sequence[Script]) -> None:
        error = scripts[self._turn].data["error"]
        self._break(entry, scripts, error)
        self._end("failed", entry, failed_at=int(entry["at"]), last_error=error)

    def _expire(self, entry: Json, scripts: Sequence[Script]) -> None:
        self._break(entry, scripts, None)
        # Recorded of an expired run: its end stands in `completed_at`.
        self._end("expired", entry, completed_at=int(entry["at"]), required_action=None)

    def _cancel(self, entry: Json, scripts: Sequence[Script]) -> None:
        self.run |= {"status": "cancelling", "required_action": None}
        self._emit("thread.run.cancelling", self.run)

    def _stop(self, entry: Json, scripts: Sequence[Script]) -> None:
        self._break(entry, scripts, None)
        self._end("cancelled", entry, cancelled_at=int(entry["at"]))

    def _end(self, status: str, entry: Json, **fields: Any) -> None:
        self.run |= {"status": status, "expires_at": None, **fields, "usage": _sum(self.steps.values())}
        for step in self.steps.values():
            step["expires_at"] = None
        self.touched.update(self.steps)
        self._emit(f"thread.run.{status}", self.run)

    def _break(self, entry: Json, scripts: Sequence[Script], error: Json | None) -> None:
        """End what is under way: the message is incomplete, the step shares the lot of the run."""
        reason, status, stamp = BROKEN[entry["event"]]
        for step in [*self._open]:
            message_id = (step["step_details"].get("message_creation") or {}).get("message_id")
            if message_id is not None:
                self._leave(self.messages[message_id], reason, entry["at"])
            act = next(act for script in scripts for act in script.acts if act["step_id"] == step["id"])
            step |= {"status": status, "last_error": error, "usage": _usage(act["usage"])}
            if stamp is not None:
                step[stamp] = int(entry["at"])
            self._close_step(step)

    # --- steps and messages

    def _play(self, record: Json, scripts: Sequence[Script], until: int) -> None:
        script = scripts[self._turn]
        for tick in script.ticks[self._tick : until]:
            act = script.acts[tick.act]
            at = self._began + tick.at * record["scale"]
            if tick.what == "open":
                self._begin(act, at)
            elif act["kind"] == "message":
                self._write(act, tick, at)
            else:
                self._call(act, tick, at)
        self._tick = max(self._tick, until)

    def _begin(self, act: Json, at: float) -> None:
        kind = "message_creation" if act["kind"] == "message" else "tool_calls"
        details: Any = {"message_id": act["message_id"]} if act["kind"] == "message" else []
        step = {
            "id": act["step_id"],
            "object": "thread.run.step",
            "created_at": int(at),
            "run_id": self.run["id"],
            "assistant_id": self.run["assistant_id"],
            "thread_id": self.run["thread_id"],
            "type": kind,
            "status": "in_progress",
            "cancelled_at": None,
            "completed_at": None,
            "expires_at": self.run["expires_at"],
            "failed_at": None,
            "last_error": None,
            "step_details": {"type": kind, kind: details},
            "usage": None,
        }
        self.steps[step["id"]] = step
        self._open.append(step)
        self.touched.add(step["id"])
        self._emit("thread.run.step.created", step)
        self._emit("thread.run.step.in_progress", step)
        if act["kind"] == "message":
            self._begin_message(act, at)

    def _begin_message(self, act: Json, at: float) -> None:
        message = {
            "id": act["message_id"],
            "object": "thread.message",
            "created_at": int(at),
            "assistant_id": self.run["assistant_id"],
            "thread_id": self.run["thread_id"],
            "run_id": self.run["id"],
            "status": "in_progress",
            "incomplete_details": None,
            "incomplete_at": None,
            "completed_at": None,
            "role": "assistant",
            "content": [],
            "attachments": [],
            "metadata": {},
        }
        self.messages[message["id"]] = message
        self.touched.add(message["id"])
        self._emit("thread.message.created", message)
        self._emit("thread.message.in_progress", message)

    def _write(self, act: Json, tick: Tick, at: float) -> None:
        """Add a token to a message, or end it."""
        message = self.messages[act["message_id"]]
        self.touched.add(message["id"])
        if tick.what == "close":
            if act["cut"] is None:
                message |= {"status": "completed", "completed_at": int(at)}
                self._emit("thread.message.completed", message)
            else:
                self._leave(message, act["cut"], at)
            self._complete(self.steps[act["step_id"]], act, at)
            return
        value, citation = act["pieces"][tick.piece], act["citations"].get(str(tick.piece))
        first = not message["content"]
        if act["refusal"]:
            part: Json = {"index": 0, "type": "refusal", "refusal": value}
            if first:
                message["content"].append({"type": "refusal", "refusal": ""})
            message["content"][0]["refusal"] += value
        else:
            text: Json = {"value": value, "annotations": []} if first else {"value": value}
            if first:
                message["content"].append({"type": "text", "text": {"value": "", "annotations": []}})
            known = message["content"][0]["text"]
            known["value"] += value
            if citation is not None:
                number = len(known["annotations"])
                known["annotations"].append(citation)
                source = {**citation["file_citation"], "quote": ""}
                text["annotations"] = [{"index": number, **citation, "file_citation": source}]
            part = {"index": 0, "type": "text", "text": text}
        delta = {"id": message["id"], "object": "thread.message.delta", "delta": {"content": [part]}}
        self._emit("thread.message.delta", delta)

    def _leave(self, message: Json, reason: str, at: float) -> None:
        message |= {"status": "incomplete", "incomplete_details": {"reason": reason}, "incomplete_at": int(at)}
        self.touched.add(message["id"])
        self._emit("thread.message.incomplete", message)

    def _call(self, act: Json, tick: Tick, at: float) -> None:
        """Add a part of a tool call, or end the step of a hosted tool."""
        step, kind = self.steps[act["step_id"]], act["kind"]
        self.touched.add(step["id"])
        calls = step["step_details"]["tool_calls"]
        if tick.what == "close":
            if kind == "file_search":
                calls[0]["file_search"]["results"] = act["calls"][0]["results"]
            self._complete(step, act, at)
            return
        made = act["calls"][tick.part]
        if tick.what == "call":
            opening = OPENINGS[kind](made)
            shown: Json = {"id": made["id"], "type": kind, kind: opening}
            calls.append({**shown, kind: {**opening}})
        elif tick.what == "piece":
            key, value = ("arguments" if kind == "function" else "input"), made["pieces"][tick.piece]
            calls[tick.part][kind][key] += value
            shown = {"type": kind, kind: {key: value}}
        else:
            logs = {"type": "logs", "logs": made["logs"]}
            calls[tick.part][kind]["outputs"] = [logs]
            shown = {"type": kind, kind: {"outputs": [{"index": 0, **logs}]}}
        part = {"index": tick.part, **shown}
        details = {"type": "tool_calls", "tool_calls": [part]}
        delta = {"id": step["id"], "object": "thread.run.step.delta", "delta": {"step_details": details}}
        self._emit("thread.run.step.delta", delta)

    def _complete(self, step: Json, act: Json, at: float) -> None:
        step |= {"status": "completed", "completed_at": int(at), "usage": _usage(act["usage"])}
        self._close_step(step)

    def _close_step(self, step: Json) -> None:
        self._open.remove(step)
        self.touched.add(step["id"])
        self._emit(f"thread.run.step.{step['status']}", step)


OPENINGS: dict[str, Callable[[Json], Json]] = {
    "function": lambda call: {"name": call["name"], "arguments": "", "output": None},
    "code_interpreter": lambda call: {"input": "", "outputs": []},
    "retrieval": lambda call: {},
    "file_search": lambda call: {"ranking_options": call["ranking_options"], "results": []},
}


def _usage(spent: Json) -> Json:
    return {
        "prompt_tokens": spent["prompt"],
        "completion_tokens": spent["completion"],
        "total_tokens": spent["prompt"] + spent["completion"],
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent["reasoning"]},
    }


def _sum(steps: Any) -> Json:
    spent = {"prompt": 0, "completion": 0, "reasoning": 0}
    for step in steps:
        usage = step["usage"]
        if usage is not None:
            spent["prompt"] += usage["prompt_tokens"]
            spent["completion"] += usage["completion_tokens"]
            spent["reasoning"] += usage["completion_tokens_details"]["reasoning_tokens"]
    return _usage(spent)

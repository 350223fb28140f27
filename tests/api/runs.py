"""A small world with an assistant, its threads and runs, over either store, on a clock that stands still."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from mockai.app import Application
from mockai.call import Call, Stream
from mockai.clock import ManualClock
from mockai.settings import Settings
from mockai.store import Store
from mockai.store.memory import MemoryStore
from mockai.wire.ids import Ids
from tests.client import Client
from tests.conftest import KEY

V2 = {"openai-beta": "assistants=v2"}
SOLVE = "I need to solve the equation `3x + 11 = 14`. Can you help me?"
ASK = "What is the weather in Paris?"
ASK_MANY = "What is the weather in Paris, London and Rome?"
TALK = "Tell me about trees."  # the answer has more than 20 tokens
CODE = {"type": "code_interpreter"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the weather at a place",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    },
}
Frames = list[tuple[str, Any]]


class World:
    """One server, and the calls that these tests make of it."""

    def __init__(self, store: Store | None = None, clock: ManualClock | None = None, **settings: Any) -> None:
        self.clock = clock or ManualClock()
        self.app = Application(Settings(**settings), clock=self.clock, store=store or MemoryStore())
        self.client = Client(self.app, base_url="http://mock", headers={**KEY, **V2})

    @property
    def tenant(self) -> str:
        operation = self.app.edge.router.match("/v1/threads")
        assert operation is not None
        key = {name.encode(): value.encode() for name, value in KEY.items()}
        return self.app.edge.tenancy.identify(operation.methods["POST"], key).tenant

    def post(self, path: str, body: Any = None, headers: Any = None) -> Any:
        return self.client.post(f"/v1{path}", json=body, headers=headers).json()

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/v1{path}", params=query).json()

    def assistant(self, **changes: Any) -> str:
        model = "gpt-4o" if self.client.headers["openai-beta"] == "assistants=v2" else "gpt-4-turbo"
        id: str = self.post("/assistants", {"model": model, "tools": [CODE, WEATHER], **changes})["id"]
        return id

    def thread(self, *texts: str) -> str:
        messages = [{"role": "user", "content": text} for text in texts]
        id: str = self.post("/threads", {"messages": messages})["id"]
        return id

    def run(self, text: str = TALK, headers: Any = None, **body: Any) -> Any:
        """Start a run on a thread of its own."""
        assistant = body.pop("assistant_id", None) or self.assistant()
        return self.post(f"/threads/{self.thread(text)}/runs", {"assistant_id": assistant, **body}, headers)

    def waiting(self, text: str = ASK) -> Any:
        """Return a run that waits for tool outputs."""
        run = self.look(self.run(text))
        assert run["status"] == "requires_action"
        return run

    def look(self, run: Any) -> Any:
        return self.get(path_of(run))

    def steps(self, run: Any, **query: Any) -> list[Any]:
        return list(self.get(f"{path_of(run)}/steps", **query)["data"])

    def messages(self, run: Any) -> list[Any]:
        return list(self.get(f"/threads/{run['thread_id']}/messages", limit=100)["data"])

    def outputs(self, run: Any, text: str = "sunny") -> list[dict[str, str]]:
        calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        return [{"tool_call_id": call["id"], "output": text} for call in calls]

    def submit(self, run: Any, **body: Any) -> Any:
        return self.post(f"{path_of(run)}/submit_tool_outputs", {"tool_outputs": self.outputs(run), **body})

    def stream(self, path: str, body: Any, headers: Any = None) -> Iterator[tuple[str, Any]]:
        """Yield the events of a stream as they are made: pauses move the clock, and whoever asks may do more."""
        match = self.app.edge.router.match(path)
        assert match is not None
        operation = match.methods["POST"]
        identity = self.app.edge.tenancy.identify(
            operation, {name.encode(): value.encode() for name, value in KEY.items()}
        )
        call = Call(
            operation=operation,
            now=self.clock.now(),
            body={**body, "stream": True},
            path=match.path,
            query={},
            headers={name.encode(): value.encode() for name, value in {**V2, **(headers or {})}.items()},
            tenant=identity.tenant,
            organization=identity.organization,
            project=identity.project,
            request_id="",
            ids=Ids(self.app.settings.seed, identity.tenant, self.app.store.counter(identity.tenant)),
            store=self.app.store,
            settings=self.app.settings,
            host=self.app.edge,
        )
        answer = operation.run(call)
        assert isinstance(answer, Stream)
        begun = self.clock.now()
        for beat in answer.beats:
            if beat.data == b"":
                yield "pause", None
                self.clock.advance(max(0.0, begun + beat.at - self.clock.now()))
            else:
                yield beat.event or "", json.loads(beat.data)


def path_of(run: Any) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


def frames(text: str) -> Frames:
    """Return the events of a body; the last one is `done`."""
    found: Frames = []
    for frame in text.split("\n\n"):
        if frame:
            name, data = frame.split("\n")
            assert name.startswith("event: ")
            assert data.startswith("data: ")
            found.append((name[7:], data[6:] if data == "data: [DONE]" else json.loads(data[6:])))
    return found


def names(events: Frames) -> list[str]:
    """Return the names of events, deltas in a row once."""
    found: list[str] = []
    for name, _ in events:
        short = name.removeprefix("thread.")
        if name != "pause" and not (name.endswith(".delta") and found and found[-1] == short):
            found.append(short)
    return found


def fold(events: Frames) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return the run, the steps and the messages that a reader of events ends with."""
    run: Any = None
    steps: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for name, data in deepcopy(events):
        if name == "thread.message.delta":
            _merge(messages[data["id"]], data["delta"])
        elif name == "thread.run.step.delta":
            _merge(steps[data["id"]], data["delta"])
        elif name.startswith("thread.run.step."):
            steps[data["id"]] = _replaced(steps.get(data["id"]), data)
        elif name.startswith("thread.message."):
            messages[data["id"]] = _replaced(messages.get(data["id"]), data)
        elif name.startswith("thread.run."):
            run = data
    return run, steps, messages


def _replaced(before: Any, after: Any) -> Any:
    """Return an object that an event repeats; what deltas made of the one before must be in it."""
    if before is not None and before.get("content"):
        assert _texts(before) == _texts(after)
    return after


def _texts(message: Any) -> list[str]:
    return [part["text"]["value"] if part["type"] == "text" else part["refusal"] for part in message["content"]]


def _merge(into: Any, delta: Any) -> None:
    for key, value in delta.items():
        if isinstance(value, list):
            for entry in value:
                items = into.setdefault(key, [])
                if entry["index"] < len(items):
                    _merge(items[entry["index"]], entry)
                else:
                    assert entry["index"] == len(items)
                    items.append({k: v for k, v in entry.items() if k != "index"})
        elif isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        elif key in ("value", "arguments", "input", "refusal") and into.get(key):
            into[key] += value
        elif key != "index":
            into[key] = value

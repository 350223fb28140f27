"""Runs, streamed: the events in their order, and that they tell what polling tells (assistants.md §6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.store import Store
from tests.api.runs import (
    ASK,
    ASK_MANY,
    CODE,
    SOLVE,
    TALK,
    WEATHER,
    World,
    fold,
    frames,
    names,
    path_of,
)
from tests.recorded import Exchange, exchanges

OPENED = ["run.created", "run.queued", "run.in_progress"]
STEP = ["run.step.created", "run.step.in_progress"]
MESSAGE = [
    *STEP,
    "message.created",
    "message.in_progress",
    "message.delta",
    "message.completed",
    "run.step.completed",
]
CALLED = [*STEP, "run.step.delta"]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def streamed(world: World, text: str = TALK, headers: Any = None, **body: Any) -> Any:
    assistant = body.pop("assistant_id", None) or world.assistant()
    path = f"/v1/threads/{world.thread(text)}/runs"
    answer = world.client.post(path, json={"assistant_id": assistant, "stream": True, **body}, headers=headers)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return frames(answer.text)


# --- sequences -----------------------------------------------------------------------------------


def test_text(world: World) -> None:
    events = streamed(world, assistant_id=world.assistant(tools=[]))
    assert names(events) == [*OPENED, *MESSAGE, "run.completed", "done"]
    deltas = [data["delta"]["content"] for name, data in events if name == "thread.message.delta"]
    assert all(len(content) == 1 and content[0]["index"] == 0 for content in deltas)
    assert [("annotations" in content[0]["text"]) for content in deltas] == [True] + [False] * (len(deltas) - 1)
    assert events[-1] == ("done", "[DONE]")
    assert events[0][1] == events[1][1]


def test_a_function_and_its_outputs(world: World) -> None:
    events = streamed(world, ASK_MANY)
    assert names(events) == [*OPENED, *CALLED, "run.requires_action", "done"]
    run, (step,) = events[-2][1], [data for name, data in events if name == "thread.run.step.created"]
    assert step["step_details"]["tool_calls"] == []
    opening = next(data for name, data in events if name == "thread.run.step.delta")
    (call,) = opening["delta"]["step_details"]["tool_calls"]
    assert call == {
        "index": 0,
        "id": call["id"],
        "type": "function",
        "function": {"name": "get_current_weather", "arguments": "", "output": None},
    }
    body = {"tool_outputs": world.outputs(run), "stream": True}
    more = frames(world.client.post(f"/v1{path_of(run)}/submit_tool_outputs", json=body).text)
    assert names(more) == [
        "run.step.completed",
        "run.queued",
        "run.in_progress",
        *MESSAGE,
        "run.completed",
        "done",
    ]
    assert [call["function"]["output"] for call in more[0][1]["step_details"]["tool_calls"]] == ["sunny"] * 3


def test_a_code_interpreter(world: World) -> None:
    events = streamed(world, SOLVE)
    assert names(events) == [*OPENED, *CALLED, "run.step.completed", *MESSAGE, "run.completed", "done"]
    deltas = [data["delta"]["step_details"]["tool_calls"][0] for name, data in events if "step.delta" in name]
    assert deltas[0] == {
        "index": 0,
        "id": deltas[0]["id"],
        "type": "code_interpreter",
        "code_interpreter": {"input": "", "outputs": []},
    }
    assert deltas[-1] == {
        "index": 0,
        "type": "code_interpreter",
        "code_interpreter": {"outputs": [{"index": 0, "type": "logs", "logs": "[1]"}]},
    }


def test_a_thread_that_is_made_with_its_run_is_told_first(world: World) -> None:
    body = {"assistant_id": world.assistant(), "thread": {"messages": [{"role": "user", "content": ASK}]}}
    events = frames(world.client.post("/v1/threads/runs", json={**body, "stream": True}).text)
    assert names(events)[:4] == ["created", *OPENED]
    assert events[0][1]["tool_resources"] == {"code_interpreter": {"file_ids": []}}
    assert list(events[0][1]) == ["id", "object", "created_at", "metadata", "tool_resources"]


def test_a_limit(world: World) -> None:
    events = streamed(world, assistant_id=world.assistant(tools=[]), max_completion_tokens=16)
    cut = [*MESSAGE[:-2], "message.incomplete", "run.step.completed"]
    assert names(events) == [*OPENED, *cut, "run.incomplete", "done"]
    message = next(data for name, data in events if name == "thread.message.incomplete")
    assert (message["incomplete_details"], message["completed_at"]) == ({"reason": "max_tokens"}, None)


@pytest.mark.parametrize(
    ("end", "reason", "tail"),
    [
        ("fail", "run_failed", ["run.step.failed", "run.failed"]),
        ("expire", "run_expired", ["run.step.expired", "run.expired"]),
        ("cancel", "run_cancelled", ["run.step.cancelled", "run.cancelled"]),
    ],
)
def test_a_run_that_breaks_off(world: World, end: str, reason: str, tail: list[str]) -> None:
    events = streamed(world, headers={"X-Mockai-Run": end}, assistant_id=world.assistant(tools=[]))
    broken = [*OPENED, *MESSAGE[:-2], *(["run.cancelling"] if end == "cancel" else []), "message.incomplete", *tail]
    assert names(events) == [*broken, "done"]
    message = next(data for name, data in events if name == "thread.message.incomplete")
    assert message["incomplete_details"] == {"reason": reason}


def test_a_quota_that_is_exceeded(world: World) -> None:
    events = streamed(world, headers={"X-Mockai-Run": "rate_limit"})
    assert names(events) == [*OPENED, "run.failed", "done"]
    assert events[-2][1]["last_error"]["code"] == "rate_limit_exceeded"


def test_faults_come_before_the_stream(world: World) -> None:
    answer = world.client.post("/v1/threads/runs", json={"assistant_id": "asst_x", "stream": True})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_version_1_streams_its_own_shapes(world: World) -> None:
    world.client.headers["openai-beta"] = "assistants=v1"
    events = streamed(world, SOLVE, assistant_id=world.assistant(tools=[CODE]))
    assert names(events)[:3] == OPENED
    assert "tool_resources" not in events[0][1]
    message = next(data for name, data in events if name == "thread.message.completed")
    assert "file_ids" in message
    assert "attachments" not in message
    name, run = streamed(world, TALK, assistant_id=world.assistant(tools=[]), max_completion_tokens=5)[-2]
    assert (name, run["status"]) == ("thread.run.completed", "completed")
    assert run["incomplete_details"] == {"reason": "max_completion_tokens"}


# --- recorded ------------------------------------------------------------------------------------


def first_of_each(events: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, data in events:
        key = name
        if isinstance(data, dict) and "step_details" in data:
            key = f"{name} {data['type']}"
        found.setdefault(key, data)
    return found


def keys(value: Any) -> Any:
    """Return the keys of a value in their order, all the way down; of arrays, those of the first item."""
    if isinstance(value, dict):
        return [(key, keys(entry)) for key, entry in value.items()]
    return [keys(value[0])] if isinstance(value, list) and value else None


# What came after a recording, and what is not in a recording because of its day.
LATER = {"reasoning_effort", "parallel_tool_calls", "prompt_token_details", "completion_tokens_details"}


def without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: without(entry, names) for key, entry in value.items() if key not in names}
    return [without(entry, names) for entry in value] if isinstance(value, list) else value


def replay(world: World, entry: Exchange) -> Any:
    if "submit" in entry.name:
        assistant = world.assistant(tools=[weather_of(entry)])
        run = world.look(world.run("What is the current weather?", assistant_id=assistant))
        body = {**entry.body, "tool_outputs": world.outputs(run, "warm and sunny")}
        return world.client.post(f"/v1{path_of(run)}/submit_tool_outputs", json=body).text
    name = entry.name.removeprefix("assistants-stream-")
    text, tools = {
        "text": ("Hello, assistant!", []),
        "incomplete-v2-2024": (TALK, []),
        "function-tool": ("What is the current weather?", [weather_of(entry)]),
        "code-interpreter": (SOLVE, [CODE]),
    }[name]
    assistant = world.assistant(tools=tools)
    if "function" in name:
        body = {**entry.body, "assistant_id": assistant, "thread": {"messages": [{"role": "user", "content": text}]}}
        return world.client.post("/v1/threads/runs", json=body).text
    body = {**entry.body, "assistant_id": assistant}
    return world.client.post(f"/v1/threads/{world.thread(text)}/runs", json=body).text


def weather_of(entry: Exchange) -> Any:
    return {"type": "function", "function": {"name": "get_current_weather", "description": "Gets the user's weather"}}


RECORDED = [entry for entry in exchanges("assistants-stream") if "file-search" not in entry.name]
"""The stream of a file search is compared where vector stores are (tests/api/test_run_search.py)."""


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry.name)
def test_streams_are_as_recorded(entry: Exchange, world: World) -> None:
    mine, recorded = frames(replay(world, entry)), entry.events
    expected = names(recorded)
    if "incomplete" in entry.name:  # the event of April 2024 was renamed in June
        expected = [name if name != "run.completed" else "run.incomplete" for name in expected]
        recorded = [(n.replace("run.completed", "run.incomplete"), data) for n, data in recorded]
    assert names(mine) == expected
    old = LATER if "2024" in entry.name else set()
    theirs = first_of_each(recorded)
    for name, data in first_of_each(mine).items():
        if name.startswith("thread.run.step.completed tool_calls") and "code" in entry.name:
            data["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"] = []  # as that day's recording
        assert keys(without(data, old)) == keys(without(theirs[name], old)), name


# --- one story -----------------------------------------------------------------------------------


def same_as_polled(world: World, events: Any) -> None:
    run, steps, messages = fold(events)
    polled = world.look(run)
    assert {**run, "tool_resources": {}} == polled
    closed = polled["status"] != "requires_action"
    assert [
        {**step, "expires_at": None if closed else step["expires_at"]} for step in list(steps.values())[::-1]
    ] == world.steps(run)
    stored = {message["id"]: message for message in world.messages(run) if message["role"] == "assistant"}
    unseen = ("status", "incomplete_details", "incomplete_at", "completed_at")
    assert {
        id: {key: value for key, value in message.items() if key not in unseen} for id, message in messages.items()
    } == stored


@given(
    text=st.sampled_from([SOLVE, ASK, ASK_MANY, TALK, "Hello", "What is 12 * 12?"]),
    pace=st.sampled_from(["instant", "fast", "real", "step"]),
    forced=st.sampled_from([None, "fail", "expire", "incomplete", "cancel"]),
    cancel=st.one_of(st.none(), st.integers(0, 200)),
    limit=st.one_of(st.none(), st.integers(1, 60)),
    looks=st.booleans(),
)
def test_folded_events_are_what_polling_returns(
    text: str, pace: str, forced: str | None, cancel: int | None, limit: int | None, looks: bool
) -> None:
    world = World(pace=pace)
    path = f"/threads/{world.thread(text)}/runs"
    headers = {"x-mockai-run": forced} if forced else {}
    body = {"assistant_id": world.assistant(), "max_completion_tokens": limit}
    events = told(world, path, body, headers, cancel, looks)
    same_as_polled(world, events)
    run = fold(events)[0]
    if run["status"] == "requires_action":
        outputs = {"tool_outputs": world.outputs(run)}
        before = list(events)
        more = told(world, f"{path_of(run)}/submit_tool_outputs", outputs, headers, cancel, looks)
        same_as_polled(world, before + more)


def told(world: World, path: str, body: Any, headers: Any, cancel: int | None, looks: bool) -> Any:
    """Return the events of a stream; while it waits, somebody looks, or cancels after so many of its pauses."""
    events: list[tuple[str, Any]] = []
    pauses = 0
    run: Any = None
    for name, data in world.stream(path, body, headers):
        if name != "pause":
            events.append((name, data))
            run = data if name.startswith("thread.run.") and "step" not in name else run
            continue
        if run is None:  # the submit stream begins with a step
            run = {"id": path.split("/")[4], "thread_id": path.split("/")[2]}
        if looks and pauses % 7 == 0:
            world.look(run)
        if pauses == cancel:
            world.post(f"{path_of(run)}/cancel")
        pauses += 1
    return events


def test_a_cancel_from_elsewhere_is_seen_by_the_stream(store: Store) -> None:
    world = World(store, pace="real")
    path = f"/threads/{world.thread(TALK)}/runs"
    body = {"assistant_id": world.assistant(tools=[])}
    events: Any = []
    for name, data in world.stream(path, body):
        if name != "pause":
            events.append((name, data))
        if name == "thread.message.delta" and len(events) == 12:
            cancelling = world.post(f"{path_of(fold(events)[0])}/cancel")
            assert cancelling["status"] == "cancelling"
    ended = ["run.cancelling", "message.incomplete", "run.step.cancelled", "run.cancelled"]
    assert names(events) == [*OPENED, *MESSAGE[:-2], *ended]
    assert sum(name == "thread.message.delta" for name, _ in events) == 5
    same_as_polled(world, events)


def test_a_client_that_goes_does_not_cancel(store: Store) -> None:
    world = World(store, pace="real")
    path = f"/threads/{world.thread(TALK)}/runs"
    body = {"assistant_id": world.assistant(tools=[])}
    for name, data in world.stream(path, body):
        if name == "thread.message.created":
            run = {"id": data["run_id"], "thread_id": data["thread_id"]}
            break
    world.clock.advance(0.1)
    assert world.look(run)["status"] == "in_progress"
    world.clock.advance(60)
    assert world.look(run)["status"] == "completed"


def test_a_thread_that_goes_ends_the_stream_with_an_error(store: Store) -> None:
    world = World(store, pace="real")
    thread = world.thread(TALK)
    events: Any = []
    for name, data in world.stream(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[])}):
        events.append((name, data))
        if name == "thread.message.in_progress":
            assert world.client.delete(f"/v1/threads/{thread}").status_code == 200
    name, data = events[-1]
    assert (name, data["error"]["message"]) == ("error", f"No thread found with id '{thread}'.")
    assert world.get(f"/threads/{thread}/messages")["error"]["message"] == data["error"]["message"]
    assert not any(name == "thread.message.delta" for name, _ in events)


def test_a_run_that_waits_at_the_step_pace_streams_to_its_end() -> None:
    world = World(pace="step")
    assert names(streamed(world, ASK))[-2:] == ["run.requires_action", "done"]
    assert names(streamed(world, SOLVE))[-2:] == ["run.completed", "done"]


def test_the_stream_of_weather_uses_the_schema(world: World) -> None:
    events = streamed(world, ASK, assistant_id=world.assistant(tools=[WEATHER]))
    (call,) = events[-2][1]["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert call["function"] == {"name": "get_current_weather", "arguments": '{"location":"Paris"}'}

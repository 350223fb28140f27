"""The official Python SDK's helpers for runs, against a real server."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import openai
import pytest
from openai import AssistantEventHandler
from pydantic import BaseModel
from typing_extensions import override

from tests.api.runs import ASK, ASK_MANY, CODE, SOLVE, WEATHER
from tests.inside import serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the whole API is deprecated


@pytest.fixture(scope="module")
def sdk() -> Iterator[openai.OpenAI]:
    with (
        serving() as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-runs", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def assistant(sdk: openai.OpenAI) -> str:
    tools: Any = [CODE, WEATHER]
    return sdk.beta.assistants.create(model="gpt-4o", instructions="Be kind.", tools=tools).id


def thread_of(sdk: openai.OpenAI, text: str) -> str:
    return sdk.beta.threads.create(messages=[{"role": "user", "content": text}]).id


class Notes(AssistantEventHandler):
    """Writes down which callbacks came, and what they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.given: dict[str, list[Any]] = {}

    def _note(self, name: str, *given: Any) -> None:
        self.calls.append(name)
        self.given.setdefault(name, []).append(given)

    @override
    def on_end(self) -> None:
        self._note("end")

    @override
    def on_run_step_created(self, run_step: Any) -> None:
        self._note("run_step_created", run_step)

    @override
    def on_run_step_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("run_step_delta", delta)

    @override
    def on_run_step_done(self, run_step: Any) -> None:
        self._note("run_step_done", run_step)

    @override
    def on_tool_call_created(self, tool_call: Any) -> None:
        self._note("tool_call_created", tool_call)

    @override
    def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("tool_call_delta", delta)

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        self._note("tool_call_done", tool_call)

    @override
    def on_message_created(self, message: Any) -> None:
        self._note("message_created", message)

    @override
    def on_message_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("message_delta", delta)

    @override
    def on_message_done(self, message: Any) -> None:
        self._note("message_done", message)

    @override
    def on_text_created(self, text: Any) -> None:
        self._note("text_created", text)

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("text_delta", snapshot.value)

    @override
    def on_text_done(self, text: Any) -> None:
        self._note("text_done", text)

    @override
    def on_exception(self, exception: Exception) -> None:
        self._note("exception", exception)

    @override
    def on_timeout(self) -> None:
        self._note("timeout")


MESSAGE = [
    "run_step_created",
    "message_created",
    "text_created",
    "delta",
    "text_done",
    "message_done",
    "run_step_done",
]
CALL = ["run_step_created", "tool_call_created", "delta"]


def order(calls: list[str]) -> list[str]:
    """Return the callbacks in their order; the kinds of deltas in a row once."""
    short = ["delta" if name.endswith("_delta") else name for name in calls]
    return [name for name, _ in groupby(short)]


def test_every_callback_fires_in_its_order(sdk: openai.OpenAI, assistant: str) -> None:
    thread, notes = thread_of(sdk, SOLVE), Notes()
    with sdk.beta.threads.runs.stream(thread_id=thread, assistant_id=assistant, event_handler=notes) as stream:
        stream.until_done()
        run, steps, (message,) = stream.get_final_run(), stream.get_final_run_steps(), stream.get_final_messages()
    first, second = notes.calls[: notes.calls.index("message_created")], notes.calls
    assert order(first)[:3] == CALL
    assert {"run_step_done", "tool_call_done"} <= set(first)
    assert [name for name in order(second) if name in MESSAGE and "step" not in name][-5:] == MESSAGE[1:6]
    assert notes.calls[-1] == "end"
    assert set(notes.given) >= {"run_step_delta", "tool_call_delta", "message_delta", "text_delta"}
    assert "exception" not in notes.given
    stored = sdk.beta.threads.messages.list(thread).data[0]
    assert notes.given["text_delta"][-1] == (stored.content[0].text.value,)  # type: ignore[union-attr]
    assert (message.id, message.content) == (stored.id, stored.content)
    polled = sdk.beta.threads.runs.retrieve(run.id, thread_id=thread)
    assert (run.status, run.usage) == ("completed", polled.usage)
    listed = sdk.beta.threads.runs.steps.list(run.id, thread_id=thread, order="asc").data
    assert [plain(step.step_details) for step in steps] == [plain(step.step_details) for step in listed]


def plain(value: Any) -> Any:
    """Return an object of the SDK as data, without the indexes that it keeps from deltas."""
    data = value.model_dump() if isinstance(value, BaseModel) else value
    if isinstance(data, dict):
        return {key: plain(entry) for key, entry in data.items() if key != "index"}
    return [plain(entry) for entry in data] if isinstance(data, list) else data


def test_tools_are_called_and_their_outputs_streamed(sdk: openai.OpenAI, assistant: str) -> None:
    thread = thread_of(sdk, ASK_MANY)
    with sdk.beta.threads.runs.create_and_stream(thread_id=thread, assistant_id=assistant) as stream:
        events = [event.event for event in stream]
        run = stream.current_run
    assert events[-1] == "thread.run.requires_action"
    assert run is not None
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    outputs: Any = [{"tool_call_id": call.id, "output": "sunny"} for call in calls]
    notes = Notes()
    with sdk.beta.threads.runs.submit_tool_outputs_stream(
        run_id=run.id, thread_id=thread, tool_outputs=outputs, event_handler=notes
    ) as stream:
        text = "".join(stream.text_deltas)
    assert "sunny" in text
    assert order(notes.calls) == ["run_step_done", *MESSAGE, "end"]
    assert sdk.beta.threads.messages.list(thread).data[0].content[0].text.value == text  # type: ignore[union-attr]


def test_polling_helpers_do_not_wait(sdk: openai.OpenAI, assistant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("openai._resource.SyncAPIResource._sleep", lambda self, seconds: waits.append(seconds))
    thread = thread_of(sdk, ASK)
    run = sdk.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    assert run.required_action is not None
    outputs: Any = [
        {"tool_call_id": call.id, "output": "sunny"} for call in run.required_action.submit_tool_outputs.tool_calls
    ]
    done = sdk.beta.threads.runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=outputs)
    assert done.status == "completed"
    again = sdk.beta.threads.create_and_run_poll(
        assistant_id=assistant, thread={"messages": [{"role": "user", "content": SOLVE}]}
    )
    assert again.status == "completed"
    assert not waits  # at this pace a run is over when it is first asked for


def test_a_thread_and_its_run_are_streamed(sdk: openai.OpenAI, assistant: str) -> None:
    with sdk.beta.threads.create_and_run_stream(
        assistant_id=assistant, thread={"messages": [{"role": "user", "content": SOLVE}]}
    ) as stream:
        events = [event.event for event in stream]
    assert events[0] == "thread.created"
    assert events[-1] == "thread.run.completed"


def test_a_run_that_fails_reaches_the_handler(sdk: openai.OpenAI, assistant: str) -> None:
    notes = Notes()
    with sdk.beta.threads.runs.stream(
        thread_id=thread_of(sdk, "Tell me a long story."),
        assistant_id=assistant,
        event_handler=notes,
        extra_headers={"X-Mockai-Run": "fail"},
    ) as stream:
        run = stream.get_final_run()
    assert run.last_error is not None
    assert run.last_error.code == "server_error"
    assert notes.given["message_done"][0][0].status == "incomplete"
    assert notes.given["run_step_done"][0][0].status == "failed"


@pytest.mark.parametrize("pace", ["fast"])
def test_helpers_wait_as_long_as_a_run_takes(pace: str) -> None:
    with serving("--pace", pace) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk") as sdk:
        tools: Any = [CODE]
        assistant = sdk.beta.assistants.create(model="gpt-4o", tools=tools).id
        run = sdk.beta.threads.runs.create_and_poll(thread_id=thread_of(sdk, SOLVE), assistant_id=assistant)
        assert run.status == "completed"
        with sdk.beta.threads.runs.stream(thread_id=thread_of(sdk, SOLVE), assistant_id=assistant) as stream:
            assert stream.get_final_run().status == "completed"

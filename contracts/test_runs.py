"""Runs, their steps and their streams, on any server that still has assistants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest

from contracts.facts import Confidence, Fault, check_fault

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the whole API is deprecated

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the weather at a place",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    },
}
CODE: Any = {"type": "code_interpreter"}
ASK = "What is the weather in Paris?"
EQUATION = "I need to solve the equation `3x + 11 = 14`. Can you help me?"
ENDED = ("completed", "incomplete", "failed", "cancelled", "expired")


@pytest.fixture
def beta(target: str, api_key: str, wire: httpx2.BaseTransport) -> Iterator[httpx2.Client]:
    """Bare HTTP with the header of the second version."""
    headers = {"authorization": f"Bearer {api_key}", "openai-beta": "assistants=v2"}
    with httpx2.Client(base_url=target, headers=headers, timeout=60, transport=wire) as client:
        yield client


@pytest.fixture
def assistant(sdk: openai.OpenAI) -> Iterator[str]:
    """An assistant with tools; gone after the test."""
    made = sdk.beta.assistants.create(
        model="gpt-4o-mini", instructions="Be brief.", tools=[CODE, WEATHER], name="contracts"
    )
    yield made.id
    sdk.beta.assistants.delete(made.id)


def thread_of(sdk: openai.OpenAI, text: str) -> str:
    """Make a thread with one message."""
    return sdk.beta.threads.create(messages=[{"role": "user", "content": text}]).id


def newest(beta: httpx2.Client, thread: str) -> Any:
    """Return the newest message. The wire has fewer keys than the SDK's type demands, so it is read as it is."""
    return beta.get(f"/threads/{thread}/messages").json()["data"][0]


@pytest.mark.operation(
    "beta.threads.runs.create",
    "beta.threads.runs.list",
    "beta.threads.runs.retrieve",
    "beta.threads.runs.update",
    "beta.threads.runs.steps.list",
    "beta.threads.runs.steps.retrieve",
)
def test_the_life_of_a_run(sdk: openai.OpenAI, beta: httpx2.Client, assistant: str) -> None:
    """Queued, then done; its message and its steps (assistants.md §4, §5.1, recorded)."""
    thread = thread_of(sdk, EQUATION)
    run = sdk.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, metadata={"k": "v"})
    assert (run.status, run.started_at, run.usage) == ("queued", None, None)
    assert run.expires_at == run.created_at + 600
    assert "required_action" in run.model_fields_set
    done = sdk.beta.threads.runs.poll(run.id, thread_id=thread)
    assert (done.status, done.expires_at, done.metadata) == ("completed", None, {"k": "v"})
    assert run.created_at <= (done.started_at or 0) <= (done.completed_at or 0)
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    message = newest(beta, thread)
    assert (message["role"], message["run_id"], message["assistant_id"]) == ("assistant", run.id, assistant)
    steps = sdk.beta.threads.runs.steps.list(run.id, thread_id=thread).data
    assert steps[0].type == "message_creation"  # the newest first
    assert all(step.status == "completed" and step.expired_at is None for step in steps)
    assert all(run.created_at <= step.created_at <= (step.completed_at or 0) for step in steps)
    assert sum(step.usage.total_tokens for step in steps if step.usage) == done.usage.total_tokens
    again = sdk.beta.threads.runs.steps.retrieve(steps[0].id, thread_id=thread, run_id=run.id)
    assert again.step_details == steps[0].step_details
    assert sdk.beta.threads.runs.retrieve(run.id, thread_id=thread) == done
    assert sdk.beta.threads.runs.update(run.id, thread_id=thread, metadata={"k": "w"}).metadata == {"k": "w"}
    assert [entry.id for entry in sdk.beta.threads.runs.list(thread).data] == [run.id]
    second = sdk.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    assert [entry.id for entry in sdk.beta.threads.runs.list(thread).data] == [second.id, run.id]
    assert [entry.id for entry in sdk.beta.threads.runs.list(thread, order="asc", limit=1)] == [run.id, second.id]


@pytest.mark.operation(
    "beta.threads.runs.create", "beta.threads.runs.retrieve", "beta.threads.runs.submit_tool_outputs"
)
def test_a_function_is_called_and_its_output_used(sdk: openai.OpenAI, beta: httpx2.Client, assistant: str) -> None:
    """requires_action, and on after the outputs (assistants.md §5.1, recorded)."""
    thread = thread_of(sdk, ASK)
    run = sdk.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    assert run.status == "requires_action"
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert "Paris" in json.loads(call.function.arguments)["location"]
    outputs: Any = [{"tool_call_id": call.id, "output": "31 degrees and sunny"}]
    again = sdk.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs)
    assert (again.status, again.required_action) == ("queued", None)
    done = sdk.beta.threads.runs.poll(run.id, thread_id=thread)
    assert (done.status, done.required_action) == ("completed", None)
    assert "31" in newest(beta, thread)["content"][0]["text"]["value"]


@pytest.mark.operation("beta.threads.create_and_run")
@pytest.mark.parametrize("text", ["Say hello.", EQUATION])
def test_a_stream_tells_every_state(beta: httpx2.Client, assistant: str, text: str) -> None:
    """Framing and order (assistants.md §2, §6 A and C, recorded)."""
    body = {"assistant_id": assistant, "stream": True, "thread": {"messages": [{"role": "user", "content": text}]}}
    answer = beta.post("/threads/runs", json=body)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    frames = [frame.split("\n") for frame in answer.text.split("\n\n") if frame]
    assert all(
        len(frame) == 2 and frame[0].startswith("event: ") and frame[1].startswith("data: ") for frame in frames
    )
    names = [name.removeprefix("event: ") for name, _ in frames]
    assert names[:4] == ["thread.created", "thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert names[-3:] == ["thread.run.step.completed", "thread.run.completed", "done"]
    assert frames[-1][1] == "data: [DONE]"
    for kind in ("thread.run.step", "thread.message"):
        assert (
            names.count(f"{kind}.created") == names.count(f"{kind}.completed") == names.count(f"{kind}.in_progress")
        )
    deltas = [json.loads(data[6:]) for name, data in frames if name == "event: thread.message.delta"]
    completed = [json.loads(data[6:]) for name, data in frames if name == "event: thread.message.completed"]
    joined = "".join(part["text"].get("value", "") for delta in deltas for part in delta["delta"]["content"])
    assert joined == "".join(message["content"][0]["text"]["value"] for message in completed)


@pytest.mark.operation("beta.threads.create_and_run", "beta.threads.runs.retrieve")
def test_a_thread_is_made_with_its_run(sdk: openai.OpenAI, assistant: str) -> None:
    """One request for both (assistants.md §3, recorded)."""
    run = sdk.beta.threads.create_and_run(
        assistant_id=assistant, thread={"messages": [{"role": "user", "content": "Say hello."}]}
    )
    assert run.status == "queued"
    assert sdk.beta.threads.runs.poll(run.id, thread_id=run.thread_id).status == "completed"


@pytest.mark.operation("beta.threads.runs.create", "beta.threads.runs.retrieve")
def test_a_limit_of_tokens_leaves_a_run_incomplete(sdk: openai.OpenAI) -> None:
    """The reason is that of the documentation; a recording of 2024 names another (assistants.md §5.1)."""
    assistant = sdk.beta.assistants.create(model="gpt-4o-mini", instructions="Tell long stories.").id
    run = sdk.beta.threads.runs.create_and_poll(
        thread_id=thread_of(sdk, "Tell me a long story."), assistant_id=assistant, max_completion_tokens=16
    )
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason in ("max_completion_tokens", "max_prompt_tokens")
    assert run.completed_at is not None
    sdk.beta.assistants.delete(assistant)


@dataclass(frozen=True, slots=True)
class Scene:
    """Ids that the paths and texts of faults name."""

    thread: str
    run: str
    assistant: str
    call: str

    def told(self, text: str) -> str:
        """Return a text with the ids in it."""
        for name in ("thread", "run", "assistant", "call"):
            text = text.replace(f"<{name}>", getattr(self, name))
        return text


@pytest.fixture
def waiting(sdk: openai.OpenAI, assistant: str) -> Scene:
    """A run that waits for tool outputs."""
    thread = thread_of(sdk, ASK)
    run = sdk.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    assert run.required_action is not None
    return Scene(thread, run.id, assistant, run.required_action.submit_tool_outputs.tool_calls[0].id)


def refused(
    path: str,
    body: Any,
    message: str,
    evidence: str,
    confidence: Confidence,
    *,
    status: int = 400,
    param: str | None = None,
    code: str | None = None,
) -> Any:
    """Return one row: `<thread>`, `<run>` and so on stand for ids of the scene."""
    return pytest.param(path, Fault(body, status, message, param, code, evidence, confidence), id=message[:50])


RUNS, RUN = "/threads/<thread>/runs", "/threads/<thread>/runs/<run>"
START = {"assistant_id": "<assistant>"}
WAITING = [
    refused(RUNS, START, "Thread <thread> already has an active run <run>.", "assistants.md §9.3", "reported"),
    refused(
        "/threads/<thread>/messages",
        {"role": "user", "content": "Hello"},
        "Can't add messages to <thread> while a run <run> is active.",
        "assistants.md §9.3",
        "reported",
    ),
    refused(
        f"{RUN}/submit_tool_outputs",
        {"tool_outputs": []},
        "Expected tool outputs for call_ids ['<call>'], got []",
        "assistants.md §9.3",
        "reported",
    ),
    refused(
        f"{RUN}/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_x", "output": "x"}]},
        "Expected tool outputs for call_ids ['<call>'], got ['call_x']",
        "assistants.md §9.3",
        "reported",
    ),
    refused(
        f"{RUN}/submit_tool_outputs",
        {},
        "Missing required parameter: 'tool_outputs'.",
        "assistants.md §9.4",
        "inferred",
        param="tool_outputs",
        code="missing_required_parameter",
    ),
    refused(
        RUN,
        {"metadata": {"a": "b"}},
        "Cannot update run with status 'requires_action'.",
        "assistants.md §9.3, the text of in_progress",
        "inferred",
    ),
    refused(
        RUN,
        {"metadata": {"modified": True}},
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        "assistants.md §9.4 and its check order",
        "recorded",
        param="metadata.modified",
        code="invalid_type",
    ),
]
COMPLETED = [
    refused(f"{RUN}/cancel", None, "Cannot cancel run with status 'completed'.", "assistants.md §9.3", "recorded"),
    refused(
        f"{RUN}/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_x", "output": "x"}]},
        'Runs in status "completed" do not accept tool outputs.',
        "assistants.md §9.3",
        "recorded",
    ),
    refused(
        RUNS,
        {},
        "Missing required parameter: 'assistant_id'.",
        "assistants.md §9.4",
        "reported",
        param="assistant_id",
        code="missing_required_parameter",
    ),
    refused(
        RUNS,
        {"assistant_id": "asst_x"},
        "No assistant found with id 'asst_x'.",
        "assistants.md §9.2",
        "reported",
        status=404,
    ),
    refused(
        "/threads/thread_x/runs",
        START,
        "No thread found with id 'thread_x'.",
        "assistants.md §9.2",
        "recorded",
        status=404,
    ),
    refused(
        f"{RUNS}/run_x/cancel", None, "No run found with id 'run_x'.", "assistants.md §9.2", "inferred", status=404
    ),
    refused(
        RUNS,
        {**START, "max_turns": 3},
        "Unknown parameter: 'max_turns'.",
        "assistants.md §9.4",
        "reported",
        param="max_turns",
        code="unknown_parameter",
    ),
    refused(
        RUNS,
        {**START, "temperature": 3},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        "errors.md §4, on chat",
        "inferred",
        param="temperature",
        code="decimal_above_max_value",
    ),
    refused(
        RUNS,
        {**START, "truncation_strategy": {"type": "middle"}},
        "Invalid value: 'middle'. Supported values are: 'auto' and 'last_messages'.",
        "assistants.md §3, the text of other enumerations",
        "inferred",
        param="truncation_strategy.type",
        code="invalid_value",
    ),
    refused(
        RUNS,
        {**START, "response_format": {"type": "json_object"}},
        "Invalid tools: all tools must be of type `function` when `response_format` is of type `json_object`.",
        "assistants.md §9.4, of json_schema",
        "reported",
    ),
    refused(
        RUNS,
        {**START, "max_prompt_tokens": 255},
        "Invalid 'max_prompt_tokens': integer below minimum value. Expected a value >= 256, but got 255 instead.",
        "assistants.md §3; the text of other integers",
        "inferred",
        param="max_prompt_tokens",
        code="integer_below_min_value",
    ),
]


def check(http: httpx2.Client, scene: Scene, path: str, fault: Fault) -> None:
    """Send the request of a row with the ids of a scene, and compare the answer."""
    body = json.loads(scene.told(json.dumps(fault.body)))
    told = Fault(
        body, fault.status, scene.told(fault.message), fault.param, fault.code, fault.evidence, fault.confidence
    )
    check_fault(http, scene.told(path), told)


@pytest.mark.operation(
    "beta.threads.runs.create", "beta.threads.runs.update", "beta.threads.runs.submit_tool_outputs"
)
@pytest.mark.parametrize(("path", "fault"), WAITING)
def test_what_a_waiting_run_refuses(beta: httpx2.Client, waiting: Scene, path: str, fault: Fault) -> None:
    """One active run a thread, all outputs at once."""
    check(beta, waiting, path, fault)


@pytest.fixture
def completed(sdk: openai.OpenAI, assistant: str) -> Scene:
    """A run that has ended."""
    thread = thread_of(sdk, EQUATION)
    run = sdk.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    return Scene(thread, run.id, assistant, "")


@pytest.mark.operation(
    "beta.threads.runs.create", "beta.threads.runs.cancel", "beta.threads.runs.submit_tool_outputs"
)
@pytest.mark.parametrize(("path", "fault"), COMPLETED)
def test_what_is_refused_after_the_end(beta: httpx2.Client, completed: Scene, path: str, fault: Fault) -> None:
    """What has ended neither stops nor takes anything, and wrong requests find nothing."""
    check(beta, completed, path, fault)


@pytest.mark.operation("beta.threads.runs.steps.retrieve")
def test_an_unknown_step(beta: httpx2.Client, completed: Scene) -> None:
    """404 with the recorded text (assistants.md §9.2, recorded)."""
    answer = beta.get(completed.told(f"{RUN}/steps/step_123"))
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "No run step found with id 'step_123'."


@pytest.mark.operation("beta.threads.runs.create")
def test_a_run_without_a_message(sdk: openai.OpenAI, beta: httpx2.Client) -> None:
    """Nothing to go by (assistants.md §9.3, recorded)."""
    assistant, thread = sdk.beta.assistants.create(model="gpt-4o-mini").id, sdk.beta.threads.create().id
    text = "Run creation requires a Thread with a user message or an assistant with instructions."
    fault = Fault({"assistant_id": assistant}, 400, text, None, "invalid_thread", "assistants.md §9.3", "recorded")
    check_fault(beta, f"/threads/{thread}/runs", fault)
    sdk.beta.assistants.delete(assistant)


@pytest.mark.operation(
    "beta.threads.runs.retrieve",
    "beta.threads.runs.cancel",
    "beta.threads.runs.submit_tool_outputs",
    "beta.threads.runs.steps.list",
)
def test_a_run_that_waits_can_be_cancelled(sdk: openai.OpenAI, waiting: Scene) -> None:
    """Accepted (assistants.md §5.1, documented); a second cancellation is refused: its text is unverified."""
    cancelling = sdk.beta.threads.runs.cancel(waiting.run, thread_id=waiting.thread)
    assert (cancelling.status, cancelling.cancelled_at) == ("cancelling", None)
    with pytest.raises(openai.BadRequestError):
        sdk.beta.threads.runs.submit_tool_outputs(
            waiting.run, thread_id=waiting.thread, tool_outputs=[{"tool_call_id": waiting.call, "output": "x"}]
        )
    done = sdk.beta.threads.runs.poll(waiting.run, thread_id=waiting.thread)
    assert (done.status, done.expires_at) == ("cancelled", None)
    assert done.cancelled_at is not None
    (step,) = sdk.beta.threads.runs.steps.list(waiting.run, thread_id=waiting.thread).data
    assert (step.status, step.usage is not None) == ("cancelled", True)
    assert done.status in ENDED


@pytest.mark.operation("beta.threads.runs.create", "beta.threads.runs.retrieve")
def test_the_mock_ends_runs_as_it_is_told(sdk: openai.OpenAI, assistant: str, is_mock: bool) -> None:
    """The header `X-Mockai-Run`, which no real server knows."""
    if not is_mock:
        pytest.skip("a header of the mock")
    for end, status in (("fail", "failed"), ("expire", "expired"), ("cancel", "cancelled")):
        run = sdk.beta.threads.runs.create_and_poll(
            thread_id=thread_of(sdk, "Tell me a story."), assistant_id=assistant, extra_headers={"X-Mockai-Run": end}
        )
        assert run.status == status

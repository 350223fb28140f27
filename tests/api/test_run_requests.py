"""What the request of a run may ask for: words, limits, formats, and ends (assistants.md §3, §5)."""

from typing import Any

import pytest

from mockai.store import Store
from tests.api.runs import ASK, CODE, SOLVE, WEATHER, World, path_of


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def message_of(answer: Any) -> str:
    text: str = answer["error"]["message"]
    return text


# --- what a run may be told ----------------------------------------------------------------------


def test_a_run_takes_its_own_words_for_those_of_the_assistant(world: World) -> None:
    assistant = world.assistant(instructions="Be kind.", tools=[], temperature=0.5)
    run = world.run(assistant_id=assistant, additional_instructions="Be brief.", model="gpt-4o-mini", tools=[CODE])
    assert (run["instructions"], run["model"], run["tools"]) == ("Be kind.\nBe brief.", "gpt-4o-mini", [CODE])
    assert (run["temperature"], run["top_p"]) == (0.5, 1.0)
    run = world.run(assistant_id=assistant, instructions="Be loud.", temperature=2, top_p=0.1)
    assert (run["instructions"], run["temperature"], run["top_p"]) == ("Be loud.", 2.0, 0.1)


def test_additional_messages_are_added_before_the_run(world: World) -> None:
    thread = world.thread("Hello")
    more = [{"role": "user", "content": ASK, "metadata": {"a": "b"}}]
    body = {"assistant_id": world.assistant(), "additional_messages": more}
    run = world.post(f"/threads/{thread}/runs", body)
    assert world.look(run)["status"] == "requires_action"
    assert [(entry["content"][0]["text"]["value"], entry["metadata"]) for entry in world.messages(run)] == [
        (ASK, {"a": "b"}),
        ("Hello", {}),
    ]


def test_json_is_answered_where_it_is_asked_for(world: World) -> None:
    run = world.run("Give me JSON", assistant_id=world.assistant(tools=[]), response_format={"type": "json_object"})
    world.look(run)
    assert world.messages(run)[0]["content"][0]["text"]["value"].startswith("{")
    assert run["response_format"] == {"type": "json_object"}
    refused = world.run(assistant_id=world.assistant(), response_format={"type": "json_object"})
    assert message_of(refused) == (
        "Invalid tools: all tools must be of type `function` when `response_format` is of type `json_object`."
    )


def test_completion_tokens_run_out(world: World) -> None:
    run = world.look(world.run(assistant_id=world.assistant(tools=[]), max_completion_tokens=16))
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})
    assert (run["usage"]["completion_tokens"], run["expires_at"]) == (16, None)
    assert run["completed_at"] is not None
    assert world.steps(run)[0]["status"] == "completed"


def test_prompt_tokens_run_out(world: World) -> None:
    run = world.look(world.run(SOLVE + " word" * 400, max_prompt_tokens=256))
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_prompt_tokens"})
    assert (run["usage"]["total_tokens"], world.steps(run)) == (0, [])


def test_a_limit_holds_over_all_turns(world: World) -> None:
    run = world.look(world.run(ASK, assistant_id=world.assistant(tools=[WEATHER]), max_completion_tokens=25))
    assert run["status"] == "requires_action"
    world.submit(run, tool_outputs=world.outputs(run, "sunny " * 50))
    done = world.look(run)
    assert (done["status"], done["usage"]["completion_tokens"]) == ("incomplete", 25)


def test_truncation_limits_what_is_read(world: World) -> None:
    assistant = world.assistant(tools=[])
    texts = [f"This is message number {at} of a long conversation about the sea and the hills." for at in range(30)]

    def prompt(**body: Any) -> int:
        run = world.post(f"/threads/{world.thread(*texts)}/runs", {"assistant_id": assistant, **body})
        tokens: int = world.look(run)["usage"]["prompt_tokens"]
        return tokens

    whole = prompt()
    last = prompt(truncation_strategy={"type": "last_messages", "last_messages": 3})
    assert whole > 500
    assert 0.05 < last / whole < 0.15
    assert 200 < prompt(max_prompt_tokens=256) <= 256


# --- caused ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "status", "stamp"),
    [
        ("fail", "failed", "failed_at"),
        ("expire", "expired", "completed_at"),
        ("incomplete", "incomplete", "completed_at"),
        ("cancel", "cancelled", "cancelled_at"),
        ("rate_limit", "failed", "failed_at"),
    ],
)
def test_an_end_can_be_asked_for(world: World, end: str, status: str, stamp: str) -> None:
    run = world.look(world.run(assistant_id=world.assistant(tools=[]), headers={"X-Mockai-Run": end}))
    assert (run["status"], run["expires_at"]) == (status, None)
    stamps = {name for name in ("completed_at", "failed_at", "cancelled_at") if run[name] is not None}
    assert stamps == {stamp}
    assert (run["last_error"] is None) == (status != "failed")
    assert run["usage"] is not None
    steps = world.steps(run)
    if end == "rate_limit":
        assert (run["last_error"]["code"], steps) == ("rate_limit_exceeded", [])
        return
    assert steps[0]["status"] == {"incomplete": "completed"}.get(status, status)
    assert steps[0]["last_error"] == run["last_error"]
    assert world.messages(run)[0]["content"][0]["text"]["value"]
    assert "error" not in world.run(assistant_id=run["assistant_id"])  # and the thread is free


def test_an_end_can_be_asked_for_the_turn_after_the_tools(world: World) -> None:
    run = world.waiting()
    body = {"tool_outputs": world.outputs(run)}
    world.post(f"{path_of(run)}/submit_tool_outputs", body, headers={"X-Mockai-Run": "fail"})
    assert world.look(run)["status"] == "failed"


def test_an_unknown_end_is_refused(world: World) -> None:
    refused = world.run(headers={"X-Mockai-Run": "explode"})
    assert message_of(refused).startswith(
        "x-mockai-run: 'explode' is nothing to ask for; use one of fail, rate_limit"
    )


def test_the_official_helpers_are_told_to_look_again_soon(world: World) -> None:
    run = world.run()
    assert world.client.get(f"/v1{path_of(run)}").headers["openai-poll-after-ms"] == "1"

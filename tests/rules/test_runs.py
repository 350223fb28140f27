"""Rules tell the turns of runs, polled and streamed alike."""

from pathlib import Path
from typing import Any

import pytest

from mockai.rules.match import RuleError
from mockai.rules.responses import response
from mockai.store.memory import MemoryStore
from tests.api.runs import TALK, World, fold, frames, names

RULES = """
rules:
  - match: {userMessage: /capital of (\\w+)/, systemMessage: atlas}
    response: {content: "Oslo, on a fjord.", usage: {prompt_tokens: 7, completion_tokens: 30}}
  - match: {userMessage: the weather, hasToolResult: false}
    response: {toolCalls: [{name: get_current_weather, arguments: {location: Oslo}, id: call_told}, {name: other}]}
  - match: {userMessage: the weather, toolCallId: 0/1}
    response: {content: It rains.}
  - match: {userMessage: something bad}
    response: {refusal: I will not say that.}
  - match: {userMessage: too long}
    response: {content: one two three four, finishReason: length}
  - match: {userMessage: try again}
    times: 1
    response: {error: {status: 429, message: Slow down.}}
  - match: {userMessage: try again}
    response: {content: At last.}
  - match: {userMessage: break}
    response: {error: {status: 400, message: Not this prompt.}, event: fail}
  - match: {endpoint: runs, model: gpt-4o, userMessage: /^end by (\\w+)/}
    responses: [{event: fail}, {event: rate_limit}, {event: expire}, {event: incomplete}, {event: cancel}]
  - match: {endpoint: ru*, userMessage: raw}
    response: {raw: {status: 500, body: raw}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return World(fixtures=(path,))


def both(world: World, text: str, **body: Any) -> tuple[Any, list[Any], list[Any], Any]:
    """Return a polled run with its steps and messages, and what a streamed one folds to."""
    run = world.look(world.run(text, **body))
    assistant = body.pop("assistant_id", None) or world.assistant()
    path = f"/v1/threads/{world.thread(text)}/runs"
    events = frames(world.client.post(path, json={"assistant_id": assistant, "stream": True, **body}).text)
    return run, world.steps(run), world.messages(run), fold(events)


def texts(messages: Any) -> list[str]:
    return [
        part["text"]["value"]
        for message in messages
        if message["role"] == "assistant"
        for part in message["content"]
        if part["type"] == "text"
    ]


def test_content_and_usage(world: World) -> None:
    run, steps, messages, (streamed, _, told) = both(
        world, "The capital of Norway?", instructions="You are an atlas."
    )
    assert run["status"] == streamed["status"] == "completed"
    assert texts(messages) == texts(told.values()) == ["Oslo, on a fjord."]
    for usage in (run["usage"], streamed["usage"], steps[0]["usage"]):
        assert [usage[f"{name}_tokens"] for name in ("prompt", "completion", "total")] == [7, 30, 37]


def test_a_rule_that_is_not_met_leaves_the_run_as_it_was(world: World) -> None:
    told, free = world, World(MemoryStore())
    assert texts(told.messages(told.look(told.run(TALK)))) == texts(free.messages(free.look(free.run(TALK))))


def test_tool_calls_and_what_follows_them(world: World) -> None:
    run, _, _, (streamed, _, _) = both(world, "How is the weather?")
    for each in (run, streamed):
        assert each["status"] == "requires_action"
        first, second = each["required_action"]["submit_tool_outputs"]["tool_calls"]
        assert (first["id"], first["function"]) == (
            "call_told",
            {"name": "get_current_weather", "arguments": '{"location":"Oslo"}'},
        )
        assert second["function"]["name"] == "other"
        assert second["id"].startswith("call_")
    world.submit(run)
    assert texts(world.messages(world.look(run))) == ["It rains."]


def test_a_refusal(world: World) -> None:
    run, _, messages, (_, _, told) = both(world, "Say something bad.")
    assert run["status"] == "completed"
    for message in (messages[0], *told.values()):
        assert message["content"] == [{"type": "refusal", "refusal": "I will not say that."}]


def test_a_finish_reason(world: World) -> None:
    run, _, _, (streamed, _, _) = both(world, "That is too long.")
    for each in (run, streamed):
        assert (each["status"], each["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})


def test_an_error_fails_the_run_as_often_as_it_says(world: World) -> None:
    run, steps, _, (streamed, _, told) = both(world, "Please try again.")
    assert (run["status"], steps) == ("failed", [])
    assert run["last_error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}
    assert texts(told.values()) == ["At last."]
    assert streamed["status"] == "completed"


def test_an_error_that_only_runs_get(world: World) -> None:
    run, _, _, (streamed, _, _) = both(world, "Will it break?")
    for each in (run, streamed):
        assert each["last_error"] == {"code": "invalid_prompt", "message": "Not this prompt."}
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Will it break?"}]}
    assert world.client.post("/v1/chat/completions", json=chat).status_code == 200


ENDS = {
    "fail": "failed",
    "rate_limit": "failed",
    "expire": "expired",
    "incomplete": "incomplete",
    "cancel": "cancelled",
}


def test_events_in_turn(world: World) -> None:
    for event, status in ENDS.items():
        run = world.run("end by order")
        while run["status"] not in ENDS.values():
            run = world.look(run)
        assert run["status"] == status, event


def test_events_are_streamed(world: World) -> None:
    ends = []
    for _ in ENDS:
        path = f"/v1/threads/{world.thread('end by order')}/runs"
        body = {"assistant_id": world.assistant(), "stream": True}
        ends.append(names(frames(world.client.post(path, json=body).text))[-2])
    assert ends == [f"run.{status}" for status in ENDS.values()]


def test_the_header_of_a_request_comes_before_the_event_of_a_rule(world: World) -> None:
    run = world.look(world.run("end by order", headers={"x-mockai-run": "expire"}))
    assert run["status"] == "expired"


def test_hosted_tools_rest_when_the_answer_is_told(world: World) -> None:
    assistant = world.assistant(tools=[{"type": "code_interpreter"}], instructions="atlas")
    run = world.look(world.run("capital of 3x + 11 = 14", assistant_id=assistant))
    assert [step["type"] for step in world.steps(run)] == ["message_creation"]


def test_raw_answers_are_none_for_runs(world: World) -> None:
    run = world.look(world.run("something raw", assistant_id=world.assistant(tools=[])))
    assert run["status"] == "completed"


def test_strict_fails_the_run_and_names_the_nearest_rule(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    world = World(fixtures=(path,), strict=True)
    run = world.look(world.run("The capital of Norway?", instructions="You are a clerk."))
    assert (run["status"], run["last_error"]["code"]) == ("failed", "server_error")
    for words in ("No rule matches", "rules.yaml:3", 'systemMessage: wanted "atlas", got "You are a clerk."'):
        assert words in run["last_error"]["message"]


def test_who_comes_second_gives_the_use_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests that tell one turn at once use one rule once."""
    run = world.run("Please try again.")
    claims: list[Any] = []
    rules = world.app.edge.rules
    assert rules is not None
    claim = rules.claim

    def twice(call: Any, *rest: Any) -> Any:
        if not claims:
            claims.append(None)
            world.look(run)  # another request comes in between, and is first
        return claim(call, *rest)

    monkeypatch.setattr(type(rules), "claim", lambda self, *rest: twice(*rest))
    assert world.look(run)["status"] == "failed"
    world.look(world.run("Please try again."))
    store = world.app.store
    uses = [entry["count"] for entry in store.list(world.tenant, "rule_uses", limit=10)]
    assert uses == [1]


@pytest.mark.parametrize(
    "given",
    [{"event": "explode"}, {"error": {"message": "x"}, "event": "expire"}],
)
def test_events_that_no_run_knows(given: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match="event"):
        response(given)

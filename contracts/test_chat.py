"""Chat completions: shapes through the strict SDK, and laws that hold on any honest server."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import openai
import pytest

MODEL = "gpt-4o-mini"
USER: Any = [{"role": "user", "content": "Say this is a test."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "The city and state"}},
            "required": ["location"],
        },
    },
}


@pytest.mark.operation("chat.completions.create")
def test_a_completion_has_its_shape(sdk: openai.OpenAI) -> None:
    """The SDK's strict types hold, usage adds up, and the model is a snapshot."""
    answer = sdk.chat.completions.create(model=MODEL, messages=USER, max_tokens=20)
    assert re.fullmatch(r"chatcmpl-[0-9A-Za-z]{29}", answer.id)
    assert answer.model.startswith(MODEL)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens == 13
    assert answer.choices[0].message.role == "assistant"


@pytest.mark.operation("chat.completions.create")
def test_keys_come_in_the_recorded_order(http: httpx2.Client) -> None:
    """chat.md §1, recorded."""
    body = http.post("/chat/completions", json={"model": MODEL, "messages": USER, "max_tokens": 5}).json()
    assert list(body) == [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "service_tier",
        "system_fingerprint",
    ]
    assert list(body["choices"][0]) == ["index", "message", "logprobs", "finish_reason"]
    assert list(body["choices"][0]["message"]) == ["role", "content", "refusal", "annotations"]


@pytest.mark.operation("chat.completions.create")
def test_the_limit_of_tokens_is_kept(sdk: openai.OpenAI) -> None:
    """An answer cut by max_tokens ends in `length` and has exactly so many tokens."""
    answer = sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Count to a hundred."}], max_tokens=1
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 1


@pytest.mark.operation("chat.completions.create")
def test_a_stream_joins_and_ends_with_done(http: httpx2.Client) -> None:
    """Framing: data lines, LF only, role first, one finish reason, then [DONE] (chat.md §3, recorded)."""
    body = {"model": MODEL, "messages": USER, "stream": True, "max_tokens": 10}
    response = http.post("/chat/completions", json=body)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    frames = response.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    parts = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    assert parts[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert parts[-1]["choices"][0]["delta"] == {}
    assert [part["choices"][0]["finish_reason"] for part in parts].count(None) == len(parts) - 1
    assert {part["id"] for part in parts} == {parts[0]["id"]}
    assert all("usage" not in part for part in parts)


@pytest.mark.operation("chat.completions.create")
def test_usage_comes_last_when_asked_for(sdk: openai.OpenAI) -> None:
    """include_usage: null usage on every chunk, then one chunk without choices (chat.md §3, recorded)."""
    parts = list(
        sdk.chat.completions.create(
            model=MODEL, messages=USER, max_tokens=5, stream=True, stream_options={"include_usage": True}
        )
    )
    assert parts[-1].choices == []
    assert parts[-1].usage is not None
    assert all(part.usage is None for part in parts[:-1])


@pytest.mark.operation("chat.completions.create")
def test_log_probabilities_join_to_the_content(sdk: openai.OpenAI) -> None:
    """Log probabilities are at most 0, and their tokens are the content."""
    answer = sdk.chat.completions.create(model=MODEL, messages=USER, max_tokens=8, logprobs=True, top_logprobs=2)
    choice = answer.choices[0]
    assert choice.logprobs is not None
    entries = choice.logprobs.content or []
    assert "".join(entry.token for entry in entries) == choice.message.content
    assert all(entry.logprob <= 0 for entry in entries)
    assert all(len(entry.top_logprobs) == 2 for entry in entries)


@pytest.mark.operation("chat.completions.create")
def test_n_choices_come_in_order(sdk: openai.OpenAI) -> None:
    """N choices, indexed from 0."""
    answer = sdk.chat.completions.create(model=MODEL, messages=USER, n=2, max_tokens=3)
    assert [choice.index for choice in answer.choices] == [0, 1]


@pytest.mark.operation("chat.completions.create")
def test_a_seed_repeats_the_answer(sdk: openai.OpenAI, is_mock: bool) -> None:
    """The same request with the same seed, answered by the same system, says the same; another seed need not."""

    def said(seed: int, temperature: float) -> tuple[str | None, str | None]:
        answer = sdk.chat.completions.create(
            model=MODEL, messages=USER, seed=seed, temperature=temperature, max_tokens=12
        )
        return answer.system_fingerprint, answer.choices[0].message.content

    (system, first), (other, second) = said(7, 0), said(7, 0)
    assert system != other or first == second
    if is_mock:
        assert said(7, 1)[1] == said(7, 1)[1]
        assert len({said(seed, 1)[1] for seed in range(4)}) > 1


@pytest.mark.operation("chat.completions.create")
def test_json_mode_parses(sdk: openai.OpenAI) -> None:
    """JSON mode gives an object."""
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Name a colour. Answer as JSON with the key colour."}],
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


@pytest.mark.operation("chat.completions.create")
def test_a_named_tool_is_called(sdk: openai.OpenAI) -> None:
    """A named choice is called with arguments that parse, and ends in stop on this model (chat.md §4, recorded)."""
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_current_weather"}},
    )
    call = (answer.choices[0].message.tool_calls or [])[0]
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"location"}
    assert re.fullmatch(r"call_[0-9A-Za-z]{24}", call.id)
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.operation("chat.completions.create")
def test_a_conversation_with_a_tool_ends_in_text(sdk: openai.OpenAI) -> None:
    """After the tool's result comes an answer in text."""
    messages: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = sdk.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], tool_choice="required")
    calls = first.choices[0].message.tool_calls or []
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "18 degrees, sunny"} for call in calls]
    last = sdk.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].message.content


@pytest.mark.operation("chat.completions.create")
def test_headers_of_an_answer(http: httpx2.Client) -> None:
    """errors.md §8, recorded."""
    response = http.post("/chat/completions", json={"model": MODEL, "messages": USER, "max_tokens": 1})
    assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
    assert response.headers["openai-version"] == "2020-10-01"
    for name in ("limit", "remaining", "reset"):
        assert f"x-ratelimit-{name}-requests" in response.headers
        assert f"x-ratelimit-{name}-tokens" in response.headers


@pytest.mark.operation(
    "chat.completions.create",
    "chat.completions.list",
    "chat.completions.retrieve",
    "chat.completions.update",
    "chat.completions.delete",
)
def test_stored_completions_live_and_die(sdk: openai.OpenAI) -> None:
    """Stored, read back, changed, listed, deleted and gone."""
    kept = sdk.chat.completions.create(
        model=MODEL, messages=USER, max_tokens=3, store=True, metadata={"contract": "1"}
    )
    try:
        assert sdk.chat.completions.retrieve(kept.id).id == kept.id
        changed = sdk.chat.completions.update(kept.id, metadata={"contract": "2"})
        assert (changed.metadata or {})["contract"] == "2"
        listed = sdk.chat.completions.list(metadata={"contract": "2"})
        assert kept.id in {entry.id for entry in listed}
    finally:
        assert sdk.chat.completions.delete(kept.id).deleted


@pytest.mark.operation(
    "chat.completions.create",
    "chat.completions.retrieve",
    "chat.completions.delete",
    "chat.completions.messages.list",
)
def test_the_messages_of_a_stored_completion(http: httpx2.Client) -> None:
    """Only the input messages, numbered (chat.md §11, recorded)."""
    kept = http.post(
        "/chat/completions", json={"model": MODEL, "messages": USER, "max_tokens": 3, "store": True}
    ).json()
    page = http.get(f"/chat/completions/{kept['id']}/messages").json()
    content = USER[0]["content"]
    kept_message = {"id": f"{kept['id']}-0", "role": "user", "content": content, "content_parts": None, "name": None}
    assert page["data"] == [kept_message]
    assert (page["object"], page["has_more"]) == ("list", False)
    http.delete(f"/chat/completions/{kept['id']}")
    gone = http.get(f"/chat/completions/{kept['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")

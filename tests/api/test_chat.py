"""Chat completions: every parameter acts, every fault is the API's, a stream folds to the whole."""

import base64
import io
import json
import wave
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.engine import tokens
from mockai.settings import Settings
from tests.api.chat import ASK, PATH, USER, WEATHER, content, create, fault
from tests.conftest import client_of

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_the_seed_example_of_the_guide(client: TestClient) -> None:
    story = {
        "messages": [{"role": "user", "content": "Tell me a short story about the universe."}],
        "max_tokens": 200,
    }
    first, again, other = (create(client, **story, seed=seed) for seed in (123, 123, 124))
    assert first["choices"] == again["choices"]
    assert first["system_fingerprint"] == again["system_fingerprint"] == other["system_fingerprint"]
    assert first["choices"] != other["choices"]


def test_another_server_seed_is_another_model(client: TestClient) -> None:
    with client_of(Application(Settings(seed=1))) as other:
        mine, theirs = create(client), create(other)
    assert mine["choices"] != theirs["choices"]
    assert mine["system_fingerprint"] != theirs["system_fingerprint"]


def test_a_server_that_varies_answers_differently_without_a_seed() -> None:
    with client_of(Application(Settings(vary=True))) as client:
        assert len({content(client) for _ in range(8)}) > 4
        assert len({content(client, seed=5) for _ in range(4)}) == 1


def test_max_tokens_cuts_exactly(client: TestClient) -> None:
    whole = content(client)
    for name in ("max_tokens", "max_completion_tokens"):
        answer = create(client, **{name: 5})
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 5
        assert whole.startswith(answer["choices"][0]["message"]["content"])


def test_stop_is_not_in_the_text_nor_in_the_stream(client: TestClient) -> None:
    whole = content(client, seed=3)
    stop = whole[10:14]
    cut = whole[: whole.find(stop)]
    assert content(client, seed=3, stop=stop) == cut
    assert content(client, seed=3, stop=["never said", stop]) == cut
    streamed = create(client, seed=3, stop=stop, stream=True)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in streamed) == cut


def test_n_choices_differ_and_share_the_prompt(client: TestClient) -> None:
    answer = create(client, n=4)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert len({choice["message"]["content"] for choice in answer["choices"]}) == 4
    assert answer["usage"]["prompt_tokens"] == create(client)["usage"]["prompt_tokens"]
    assert answer["choices"][0] == create(client)["choices"][0]


def test_usage_counts_tokens_exactly(client: TestClient) -> None:
    answer = create(
        client,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi", "name": "ada"}],
    )

    def count(text: str) -> int:
        return tokens.count("o200k_base", text)

    assert answer["usage"]["prompt_tokens"] == 3 + 4 + count("Be brief.") + 4 + count("Hi") + 1 + count("ada")
    assert answer["usage"]["completion_tokens"] == count(answer["choices"][0]["message"]["content"])


def test_log_probabilities_agree_with_the_text(client: TestClient) -> None:
    answer = create(client, logprobs=True, top_logprobs=3, max_tokens=20)
    entries = answer["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == answer["choices"][0]["message"]["content"]
    assert len(entries) == answer["usage"]["completion_tokens"]
    for entry in entries:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert len(entry["top_logprobs"]) == 3
    plain = create(client, logprobs=True, max_tokens=20)["choices"][0]
    assert all(entry["top_logprobs"] == [] for entry in plain["logprobs"]["content"])
    assert plain["message"] == create(client, max_tokens=20)["choices"][0]["message"]


def test_a_token_that_a_stop_string_cuts_is_shown_as_it_is_left(client: TestClient) -> None:
    text = content(client, max_tokens=20)
    word = max(text.split()[1:], key=len)
    body = {"logprobs": True, "top_logprobs": 3, "max_tokens": 20, "stop": word[2:]}
    choice = create(client, **body)["choices"][0]
    assert choice["message"]["content"].endswith(word[:2])
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == choice["message"]["content"]
    parts = [chunk["choices"][0]["logprobs"] for chunk in create(client, stream=True, **body)]
    assert [entry for logprobs in parts[:-1] for entry in logprobs["content"]] == entries


def test_biases_force_and_ban(client: TestClient) -> None:
    forced = tokens.encode("o200k_base", " banana")
    answer = create(client, logit_bias={str(forced[0]): 100}, max_tokens=4)
    assert answer["choices"][0]["message"]["content"] == tokens.decode("o200k_base", forced[:1]) * 4


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_a_finish_reason_can_be_asked_for(client: TestClient, reason: str) -> None:
    choice = create(client, {"x-mockai-finish-reason": reason})["choices"][0]
    assert choice["finish_reason"] == reason


SCHEMA = {"type": "json_schema", "json_schema": {"name": "m", "schema": {"type": "object", "properties": {}}}}
IN_JSON = [{"role": "user", "content": "Answer in JSON."}]


@pytest.mark.parametrize(
    ("form", "place"),
    [(None, "content"), ("text", "content"), ("json_object", "content"), ("json_schema", "refusal")],
)
def test_a_refusal_can_be_asked_for(client: TestClient, form: str | None, place: str) -> None:
    """Without a schema to break it is said as any text (chat.md §5)."""
    asked: dict[str, Any] = {"messages": IN_JSON}
    if form is not None:
        asked["response_format"] = SCHEMA if form == "json_schema" else {"type": form}
    order = {"x-mockai-finish-reason": "refusal"}
    choice = create(client, order, **asked)["choices"][0]
    said = "I'm sorry, I can't assist with that request."
    assert {name: choice["message"][name] for name in ("content", "refusal")} == {
        "content": None,
        "refusal": None,
        place: said,
    }
    assert choice["finish_reason"] == "stop"
    parts = [chunk["choices"][0] for chunk in create(client, order, stream=True, **asked)]
    assert "".join(part["delta"].get(place) or "" for part in parts) == said
    assert parts[-1]["finish_reason"] == "stop"


def test_wrong_orders_are_told(client: TestClient) -> None:
    wrong = create(client, {"x-mockai-finish-reason": "bogus"})
    assert "use one of stop, length" in wrong["error"]["message"]


# --- JSON ----------------------------------------------------------------------------------------


def test_json_mode(client: TestClient) -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant designed to output JSON."},
        {"role": "user", "content": "Who won the world series in 2020?"},
    ]
    form = {"type": "json_object"}
    answer = create(client, messages=messages, response_format=form)
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)
    cut = create(client, messages=messages, response_format=form, max_tokens=3)
    assert cut["choices"][0]["finish_reason"] == "length"
    with pytest.raises(ValueError):
        json.loads(cut["choices"][0]["message"]["content"])
    away = create(
        client, {"x-mockai-finish-reason": "length"}, messages=messages, response_format=form, max_tokens=50
    )
    assert away["choices"][0]["message"]["content"].strip() == ""
    assert (away["choices"][0]["finish_reason"], away["usage"]["completion_tokens"]) == ("length", 50)


STEPS = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"explanation": {"type": "string"}, "output": {"type": "string"}},
                "required": ["explanation", "output"],
                "additionalProperties": False,
            },
        },
        "final_answer": {"type": "string"},
    },
    "required": ["steps", "final_answer"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("strict", [True, False, None])
def test_structured_outputs_satisfy_their_schema(client: TestClient, strict: bool | None) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "math", "schema": STEPS, "strict": strict}}
    value = json.loads(content(client, response_format=form))
    jsonschema.validate(value, STEPS)
    assert list(value) == ["steps", "final_answer"]


# --- tools ---------------------------------------------------------------------------------------


def fold(parts: list[Any]) -> dict[str, Any]:
    """Put chunks together as any client does."""
    head = parts[0]
    choices: dict[int, Any] = {}
    usage = None
    for part in parts:
        usage = part.get("usage") or usage
        for piece in part["choices"]:
            choice = choices.setdefault(piece["index"], {"message": {}, "logprobs": None, "finish_reason": None})
            _merge(choice["message"], piece["delta"])
            if piece.get("logprobs"):
                _merge(choice.setdefault("entries", {}), piece["logprobs"])
            choice["finish_reason"] = piece["finish_reason"] or choice["finish_reason"]
    return {"model": head["model"], "choices": choices, "usage": usage, "fingerprint": head["system_fingerprint"]}


def _merge(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            calls = whole.setdefault(key, {})
            for call in value:
                _merge(calls.setdefault(call["index"], {}), {k: v for k, v in call.items() if k != "index"})
        elif isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        elif isinstance(value, list):
            whole[key] = [*(whole.get(key) or []), *value]
        elif isinstance(value, str) and isinstance(whole.get(key), str) and key not in ("role", "type", "id", "name"):
            whole[key] += value
        elif value is not None or key not in whole:
            whole[key] = value


BODIES = st.fixed_dictionaries(
    {"messages": st.sampled_from([USER, ASK, [{"role": "user", "content": "Weather in Rome and Oslo? As JSON."}]])},
    optional={
        "n": st.integers(1, 3),
        "seed": st.integers(0, 50),
        "max_tokens": st.integers(1, 60),
        "temperature": st.sampled_from([0, 0.7, 1]),
        "stop": st.sampled_from([".", [" the", ","], "never"]),
        "logprobs": st.booleans(),
        "tools": st.just([WEATHER]),
        "response_format": st.just({"type": "json_schema", "json_schema": {"name": "m", "schema": STEPS}}),
        "logit_bias": st.sampled_from([{"235": 4}, {"1000": -100}]),
    },
)


@limits(max_examples=60)
@given(body=BODIES)
def test_a_stream_folds_to_the_whole(client: TestClient, body: dict[str, Any]) -> None:
    whole = create(client, **body)
    folded = fold(create(client, **body, stream=True, stream_options={"include_usage": True}))
    assert folded["usage"] == whole["usage"]
    assert folded["model"] == whole["model"]
    assert folded["fingerprint"] == whole["system_fingerprint"]
    for choice in whole["choices"]:
        streamed = folded["choices"][choice["index"]]
        assert streamed["finish_reason"] == choice["finish_reason"]
        assert (streamed["message"].get("content") or None) == (choice["message"]["content"] or None)
        calls = list(streamed["message"].get("tool_calls", {}).values())
        strip = [{key: value for key, value in call.items() if key != "id"} for call in calls]
        wanted = choice["message"].get("tool_calls") or []
        assert strip == [{key: value for key, value in call.items() if key != "id"} for call in wanted]
        if choice["logprobs"]:
            assert streamed["entries"]["content"] == choice["logprobs"]["content"]


def test_framing_and_obfuscation(client: TestClient) -> None:
    response = client.post(PATH, json={"model": "gpt-4o-mini", "messages": USER, "stream": True})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    frames = response.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert "\r" not in response.text
    for frame in frames[:-2]:
        assert frame.startswith("data: {")
        assert len(frame.removeprefix("data: ")) % 16 == 1
    plain = create(client, stream=True, stream_options={"include_obfuscation": False})
    assert all("obfuscation" not in chunk for chunk in plain)
    assert len({chunk["id"] for chunk in plain}) == 1


def test_several_choices_open_one_after_the_other(client: TestClient) -> None:
    parts = create(client, n=2, stream=True)
    indexes = [part["choices"][0]["index"] for part in parts]
    assert indexes[:4] == [0, 0, 1, 1]
    assert [part["choices"][0]["finish_reason"] for part in parts].count(None) == len(parts) - 2


def test_a_fault_is_found_before_the_first_chunk(client: TestClient) -> None:
    assert fault(client, stream=True, temperature=9)["code"] == "decimal_above_max_value"


def test_whole_characters_only(client: TestClient) -> None:
    part = next(token for token in range(256) if tokens.token_bytes("o200k_base", token) == b"\xe2")
    parts = create(client, logit_bias={str(part): 100}, max_tokens=3, stream=True)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in parts)
    assert text == "\ufffd" * 3


# --- faults that contracts/test_chat_faults.py has no row for --------------------------------------


def test_messages_absent(client: TestClient) -> None:
    error = client.post(PATH, json={"model": "gpt-4o-mini", "bogus": 1}).json()["error"]
    assert (error["message"], error["code"]) == (
        "Missing required parameter: 'messages'.",
        "missing_required_parameter",
    )


@pytest.mark.parametrize(
    ("model", "status", "text"),
    [
        ("nope", 404, "The model `nope` does not exist or you do not have access to it."),
        (
            "davinci-002",
            404,
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
        ),
        ("o3-pro", 404, "This model is only supported in v1/responses and not in v1/chat/completions."),
    ],
)
def test_models_that_do_not_chat(client: TestClient, model: str, status: int, text: str) -> None:
    response = client.post(PATH, json={"model": model, "messages": USER, "temperature": 99})
    assert (response.status_code, response.json()["error"]["message"]) == (status, text)


def test_any_model_and_named_models_are_served() -> None:
    with client_of(Application(Settings(models=("mine",)))) as client:
        assert create(client, model="mine")["model"] == "mine"
        assert "mine" in {entry["id"] for entry in client.get("/v1/models").json()["data"]}
        assert fault(client, model="other")["code"] == "model_not_found"
    with client_of(Application(Settings(any_model=True))) as client:
        assert create(client, model="other")["model"] == "other"


def test_a_conversation_without_messages_is_answered_where_little_is_checked() -> None:
    with client_of(Application(Settings(clock="manual", validate="schema"))) as client:
        for more in ({}, {"tools": [WEATHER], "tool_choice": "required"}):
            assert create(client, messages=[], **more)["object"] == "chat.completion"
    assert fault(client_of(Application(Settings())), messages=[])["code"] == "empty_array"


def test_a_full_context_window(client: TestClient) -> None:
    long = [{"role": "user", "content": "word " * 8300}]
    count = 3 + 4 + tokens.count("cl100k_base", long[0]["content"])
    error = fault(client, model="gpt-4", messages=long)
    assert error["message"] == (
        f"This model's maximum context length is 8192 tokens. However, your messages resulted in {count} tokens. "
        "Please reduce the length of the messages."
    )
    assert (error["param"], error["code"]) == ("messages", "context_length_exceeded")
    near = [{"role": "user", "content": "word " * 8000}]
    error = fault(client, model="gpt-4", messages=near, max_tokens=1000)
    asked = 3 + 4 + tokens.count("cl100k_base", near[0]["content"])
    assert error["message"] == (
        f"This model's maximum context length is 8192 tokens. However, you requested {asked + 1000} tokens "
        f"({asked} in the messages, 1000 in the completion). Please reduce the length of the messages or completion."
    )


# --- further features ----------------------------------------------------------------------------


def test_a_repeated_long_prompt_is_cached(client: TestClient) -> None:
    messages = [{"role": "system", "content": "rule " * 1500}, {"role": "user", "content": "Hi"}]
    first = create(client, messages=messages)["usage"]
    again = create(client, messages=[messages[0], {"role": "user", "content": "Another question"}])["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = again["prompt_tokens_details"]["cached_tokens"]
    assert 1024 <= cached <= again["prompt_tokens"]
    assert (cached - 1024) % 128 == 0


def test_a_content_of_more_than_ten_mebibytes_is_refused_at_once(client: TestClient) -> None:
    told = fault(client, messages=[{"role": "user", "content": "a" * 10_485_761}])
    assert told["code"] == "string_above_max_length"
    assert told["param"] == "messages[0].content"
    assert told["message"].startswith(
        "Invalid 'messages[0].content': string too long. Expected a string with maximum"
    )


@pytest.mark.parametrize(
    ("system", "user", "keys"),
    [
        ("Return JSON with keys name and age.", "Bob is 42", ["name", "age"]),
        ("Extract JSON with fields: title, author, year", "Moby Dick, 1851", ["title", "author", "year"]),
        ('Answer in JSON: {"city": ..., "country": ...}', "Oslo", ["city", "country"]),
    ],
)
def test_json_mode_has_the_keys_that_were_named(client: TestClient, system: str, user: str, keys: list[str]) -> None:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    assert list(json.loads(content(client, messages=messages, response_format={"type": "json_object"}))) == keys


def test_a_verbosity_makes_texts_shorter_or_longer(client: TestClient) -> None:
    sizes = {
        verbosity: sum(len(content(client, model="gpt-5", seed=seed, verbosity=verbosity)) for seed in range(20))
        for verbosity in ("low", "medium", "high")
    }
    assert sizes["low"] * 1.5 < sizes["medium"] < sizes["high"] / 1.5
    usual = content(client, model="gpt-5", seed=1)
    assert content(client, model="gpt-5", seed=1, verbosity="medium") == usual


@pytest.mark.parametrize("model", ["gpt-5.6-sol", "gpt-5.1"])
def test_log_probabilities_without_reasoning(client: TestClient, model: str) -> None:
    """Accepted at effort none (chat.md §6, measured); the key is there only then (recorded)."""
    body = {"model": model, "reasoning_effort": "none", "seed": 1, "max_completion_tokens": 20}
    choice = create(client, logprobs=True, top_logprobs=2, **body)["choices"][0]
    assert list(choice) == ["index", "message", "logprobs", "finish_reason"]
    entries = choice["logprobs"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == choice["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)
    parts = [chunk["choices"][0] for chunk in create(client, logprobs=True, top_logprobs=2, stream=True, **body)]
    told = [part["logprobs"] for part in parts]
    assert told[0] == {"content": [], "refusal": None}
    assert told[-1] is None
    assert [entry for logprobs in told[:-1] for entry in logprobs["content"]] == entries
    assert "logprobs" not in create(client, **body)["choices"][0]


def test_reasoning_models_spend_tokens_that_nobody_sees(client: TestClient) -> None:
    answer = create(client, model="gpt-5", reasoning_effort="high")
    details = answer["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] > 0
    assert details["reasoning_tokens"] % 64 == 0
    assert "logprobs" not in answer["choices"][0]
    assert answer["system_fingerprint"] is None
    starved = create(client, model="gpt-5", reasoning_effort="high", max_completion_tokens=16)
    assert starved["choices"][0]["finish_reason"] == "length"
    assert starved["choices"][0]["message"]["content"] == ""
    assert starved["usage"]["completion_tokens_details"]["reasoning_tokens"] == 16


@pytest.mark.parametrize(
    ("asked", "told"), [(None, "default"), ("auto", "default"), ("fast", "priority"), ("flex", "flex")]
)
def test_service_tier(client: TestClient, asked: str | None, told: str) -> None:
    assert create(client, service_tier=asked)["service_tier"] == told


def test_a_prediction_is_taken_over(client: TestClient) -> None:
    code = "class User:\n    name: str\n"
    answer = create(client, prediction={"type": "content", "content": code})
    assert answer["choices"][0]["message"]["content"] == code
    details = answer["usage"]["completion_tokens_details"]
    assert details["accepted_prediction_tokens"] == answer["usage"]["completion_tokens"] - 1


def test_spoken_answers_can_be_played(client: TestClient) -> None:
    body = {"model": "gpt-audio", "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    answer = create(client, **body)
    message = answer["choices"][0]["message"]
    sound = wave.Wave_read(io.BytesIO(base64.b64decode(message["audio"]["data"])))
    assert sound.getnframes() > 1000
    assert message["content"] is None
    assert message["audio"]["transcript"]
    assert message["audio"]["expires_at"] == answer["created"] + 3600


def test_search_models_cite(client: TestClient) -> None:
    message = create(client, model="gpt-4o-mini-search-preview")["choices"][0]["message"]
    citation = message["annotations"][0]["url_citation"]
    quoted = message["content"][citation["start_index"] : citation["end_index"]]
    assert citation["url"] in quoted
    assert citation["url"].endswith("utm_source=openai")


@pytest.mark.parametrize(
    "more", [{"response_format": SCHEMA}, {"stop": "."}, {"max_tokens": 400}, {"max_tokens": 20}]
)
def test_a_citation_breaks_neither_json_nor_stops_nor_limits(client: TestClient, more: dict[str, Any]) -> None:
    for seed in range(8):
        answer = create(client, model="gpt-4o-mini-search-preview", seed=seed, **more)
        text = answer["choices"][0]["message"]["content"]
        assert "response_format" not in more or isinstance(json.loads(text), dict)
        assert more.get("stop", "\0") not in text
        assert answer["usage"]["completion_tokens"] <= more.get("max_tokens", 1000)


def test_moderation_comes_along(client: TestClient) -> None:
    answer = create(client, moderation={"model": "omni-moderation-latest"})
    for side in ("input", "output"):
        assert answer["moderation"][side]["type"] == "moderation_results"
        assert answer["moderation"][side]["results"][0]["flagged"] is False


def test_images_cost_tokens_and_broken_ones_are_refused(client: TestClient) -> None:
    def with_image(url: str, detail: str = "auto") -> list[Any]:
        image = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
        return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]

    plain = create(client, messages=[{"role": "user", "content": "What is this?"}])["usage"]["prompt_tokens"]
    assert create(client, messages=with_image(PNG))["usage"]["prompt_tokens"] == plain + 2833 + 5667
    assert create(client, messages=with_image(PNG, "low"))["usage"]["prompt_tokens"] == plain + 2833
    assert fault(client, messages=with_image("data:image/png;base64,AAAA"))["code"] == "invalid_image_format"
    assert fault(client, messages=with_image("ftp://x"))["code"] == "invalid_image_url"


def test_a_spoken_answer_streams_as_recorded(client: TestClient) -> None:
    body = {"model": "gpt-audio", "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
    whole = create(client, **body)
    parts = create(client, **body, stream=True, stream_options={"include_usage": True})
    assert parts[0]["choices"][0]["delta"] == {"role": "assistant", "refusal": None}
    spoken = [part["choices"][0]["delta"].get("audio", {}) for part in parts if part.get("choices")]
    message = whole["choices"][0]["message"]["audio"]
    assert "".join(piece.get("transcript", "") for piece in spoken) == message["transcript"]
    assert "".join(piece.get("data", "") for piece in spoken) == message["data"]
    assert [index for index, piece in enumerate(spoken) if "id" in piece] == [1]
    assert any("choices" not in part for part in parts)
    assert parts[-2]["usage"] == whole["usage"]
    assert parts[-1]["choices"][0]["delta"] == {"audio": {"expires_at": message["expires_at"]}}
    assert all(choice["finish_reason"] is None for part in parts for choice in part.get("choices", ()))


def test_values_come_from_the_last_few_texts_and_the_first(client: TestClient) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    body = {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "The user is called Zoe."},
            *({"role": ("user", "assistant")[at % 2], "content": "well, well"} for at in range(3_000)),
            {"role": "user", "content": "extract the data"},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
    }
    answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"name": "Zoe"}


NUMBERS = {"answer": {"type": "integer"}, "result": {"type": "number"}, "text_answer": {"type": "string"}}


@pytest.mark.parametrize(
    "prompt",
    [
        "What is 2^64?",
        "3 * 99999999999999999999",
        "x = 12345678901234567890123",
        "(10^60*10^60*10^60*10^60*10^60*10^60)/3",
        "(" * 400 + "1+1",
        "-" * 1500 + "1+1",
        "What is 1/0?",
    ],
)
@pytest.mark.parametrize("form", ["json_schema", "json_object"])
def test_sums_of_any_size_are_answered(client: TestClient, prompt: str, form: str) -> None:
    schema = {"type": "object", "properties": NUMBERS, "required": [*NUMBERS]}
    made = {"type": form, **({"json_schema": {"name": "x", "schema": schema}} if form == "json_schema" else {})}
    answer = client.post(
        "/v1/chat/completions",
        json={
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": f"{prompt} As json, please."}],
            "response_format": made,
        },
    )
    assert answer.status_code == 200, answer.text
    value = json.loads(answer.json()["choices"][0]["message"]["content"])
    if form == "json_schema":
        jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": "x"},
        {"type": "number", "multipleOf": 1e-320},
        {"type": "integer", "minimum": 1e300},
        {"type": "array", "items": {"minimum": 0.1}, "contains": {"minimum": None}},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"type": "string", "pattern": "(?=a)b"}, "minItems": 500, "uniqueItems": True},
        {"type": "string", "pattern": "|".join(f"a{at}" for at in range(1000))},
    ],
)
def test_odd_keywords_are_filled_as_well_as_it_goes(client: TestClient, schema: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"name": schema}, "required": ["name"]}
    answer = client.post(
        "/v1/chat/completions",
        json={
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Bob Smith has 7."}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": whole}},
        },
    )
    assert answer.status_code == 200, answer.text

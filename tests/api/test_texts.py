"""Legacy completions, embeddings, moderations and models."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.engine import tokens
from mockai.settings import Settings
from tests.conftest import MANY, client_of
from tests.recorded import chunks

PROMPT = "Once upon a time"


def complete(client: TestClient, **body: Any) -> Any:
    response = client.post("/v1/completions", json={"model": "gpt-3.5-turbo-instruct", "prompt": PROMPT, **body})
    return chunks(response.text) if response.headers["content-type"].startswith("text/event") else response.json()


def test_sixteen_tokens_by_default(client: TestClient) -> None:
    answer = complete(client)
    assert answer["object"] == "text_completion"
    assert answer["usage"]["prompt_tokens"] == tokens.count("cl100k_base", PROMPT)
    assert answer["usage"]["completion_tokens"] <= 16
    assert answer["id"].startswith("cmpl-")


@pytest.mark.parametrize(
    ("prompt", "choices"),
    [("one", 1), (["one", "two"], 2), ([9906, 11], 1), ([[9906, 11], [1917]], 2), (None, 1), ("", 1)],
)
def test_every_form_of_prompt(client: TestClient, prompt: Any, choices: int) -> None:
    answer = complete(client, prompt=prompt, n=2, max_tokens=4)
    assert [choice["index"] for choice in answer["choices"]] == list(range(2 * choices))
    assert all(choice["text"] or choice["finish_reason"] == "stop" for choice in answer["choices"])


def test_a_prompt_of_tokens_equals_its_text(client: TestClient) -> None:
    ids = tokens.encode("cl100k_base", PROMPT)
    assert complete(client, prompt=ids)["choices"] == complete(client)["choices"]


def test_echo_and_log_probabilities(client: TestClient) -> None:
    answer = complete(client, echo=True, logprobs=2, max_tokens=5)["choices"][0]
    found = answer["logprobs"]
    assert answer["text"].startswith(PROMPT)
    assert "".join(found["tokens"]) == answer["text"]
    assert found["token_logprobs"][0] is None
    assert all(value <= 0 for value in found["token_logprobs"][1:])
    for token, offset in zip(found["tokens"], found["text_offset"], strict=True):
        assert answer["text"][offset:].startswith(token)
    for token, top in zip(found["tokens"][1:], found["top_logprobs"][1:], strict=True):
        assert token in top
        assert 2 <= len(top) <= 3


def test_best_of_keeps_the_likeliest(client: TestClient) -> None:
    drawn = complete(client, n=5, logprobs=0, max_tokens=10)["choices"]

    def score(choice: Any) -> float:
        values = choice["logprobs"]["token_logprobs"]
        return float(sum(values)) / max(1, len(values))

    best = complete(client, n=1, best_of=5, logprobs=0, max_tokens=10)["choices"][0]
    assert best["text"] == max(drawn, key=score)["text"]


@pytest.mark.parametrize("key", ["x", "-1", "999999999"])
def test_a_bias_is_of_a_token(client: TestClient, key: str) -> None:
    error = complete(client, logit_bias={key: 1})["error"]
    assert (error["message"], error["param"]) == (
        f"Invalid key in 'logit_bias': {key}. Expected a token id.",
        "logit_bias",
    )


def test_a_stream_joins_to_the_whole(client: TestClient) -> None:
    for body in ({}, {"echo": True}, {"n": 2}, {"stop": " the"}, {"model": "davinci-002"}):
        whole = complete(client, max_tokens=12, **body)
        parts = complete(client, max_tokens=12, stream=True, **body)
        for choice in whole["choices"]:
            mine = [part["choices"][0] for part in parts if part["choices"][0]["index"] == choice["index"]]
            assert "".join(part["text"] for part in mine) == choice["text"]
            assert mine[-1]["finish_reason"] == choice["finish_reason"]
    assert list(parts[0]) == ["id", "object", "created", "choices", "model"]


def test_instruct_models_repeat_the_finish_reason(client: TestClient) -> None:
    parts = complete(client, stream=True, max_tokens=3)
    assert [part["choices"][0]["finish_reason"] for part in parts] == [None, None, "length", "length"]
    assert parts[-1]["choices"][0]["text"] == ""
    counted = complete(client, stream=True, max_tokens=3, stream_options={"include_usage": True})
    assert counted[-1]["choices"] == []
    assert counted[-1]["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (
            {"prompt": [12345, 123456]},
            400,
            "Invalid token in prompt: 123456. Minimum value is 0, maximum value is 100257 (inclusive).",
        ),
        (
            {"model": "gpt-4o"},
            404,
            "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
        ),
        (
            {"max_tokens": 4097},
            400,
            "This model's maximum context length is 4096 tokens, however you requested 4101 tokens (4 in your prompt; 4097 for the completion). Please reduce your prompt; or completion length.",
        ),
    ],
)
def test_completion_faults(client: TestClient, body: Any, status: int, text: str) -> None:
    response = client.post("/v1/completions", json={"model": "gpt-3.5-turbo-instruct", "prompt": PROMPT, **body})
    assert (response.status_code, response.json()["error"]["message"]) == (status, text)


@pytest.mark.parametrize(
    "body", [{"best_of": 1, "n": 2}, {"best_of": 2, "stream": True}, {"model": "davinci-002", "suffix": "x"}]
)
def test_combinations_that_cannot_be(client: TestClient, body: Any) -> None:
    assert complete(client, **body)["error"]["type"] == "invalid_request_error"


# --- embeddings ----------------------------------------------------------------------------------


def embed(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "hello", **body}).json()


@pytest.mark.parametrize(
    ("model", "size"),
    [("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)],
)
def test_native_dimensions(client: TestClient, model: str, size: int) -> None:
    assert len(embed(client, model=model)["data"][0]["embedding"]) == size


def test_base64_and_float_are_the_same_numbers(client: TestClient) -> None:
    floats = embed(client, dimensions=64)["data"][0]["embedding"]
    raw = base64.b64decode(embed(client, dimensions=64, encoding_format="base64")["data"][0]["embedding"])
    assert struct.unpack("<64f", raw) == struct.unpack("<64f", struct.pack("<64f", *floats))


def test_tokens_equal_their_text(client: TestClient) -> None:
    # embeddings.md §1: [[9906, 11, 1917, 0]] and "Hello, world!" gave the same vector, and usage 4.
    as_text, as_tokens = embed(client, input="Hello, world!"), embed(client, input=[[9906, 11, 1917, 0]])
    assert as_text["data"] == as_tokens["data"]
    assert as_text["usage"] == as_tokens["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert embed(client, input=[9906, 11, 1917, 0])["data"] == as_text["data"]


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
def test_the_index_stands_last(client: TestClient, encoding_format: str) -> None:
    # embeddings.md §2: in all compact bodies, recorded from 2026-06 on.
    for item in embed(client, input=["a", "b"], dimensions=2, encoding_format=encoding_format)["data"]:
        assert list(item) == ["object", "embedding", "index"]


def test_many_inputs_keep_their_order(client: TestClient) -> None:
    texts = [f"text number {number}" for number in range(40)]
    answer = embed(client, input=texts, dimensions=32)
    assert [item["index"] for item in answer["data"]] == list(range(40))
    assert answer["data"][7]["embedding"] == embed(client, input=texts[7], dimensions=32)["data"][0]["embedding"]
    assert answer["usage"]["prompt_tokens"] == sum(tokens.count("cl100k_base", text) for text in texts)


@pytest.mark.parametrize("form", ["float", "base64"])
def test_no_input_is_an_empty_list_where_little_is_checked(form: str) -> None:
    with client_of(Application(Settings(clock="manual", validate="schema"))) as client:
        answer = embed(client, input=[], encoding_format=form)
    assert (answer["data"], answer["usage"]) == ([], {"prompt_tokens": 0, "total_tokens": 0})


INVALID = "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": ""}, INVALID),
        ({"input": []}, INVALID),
        ({"input": ["a", ""]}, INVALID),
        ({"input": ["a", [1]]}, INVALID),
        ({"input": ["a"] * 2049}, INVALID),
        ({"input": "word " * 8200}, "Invalid 'input[0]': maximum input length is 8192 tokens."),
        ({"model": "text-embedding-ada-002", "dimensions": 5}, "This model does not support specifying dimensions."),
        ({"dimensions": -42}, "-42 is less than the minimum of 1 - 'dimensions'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_embedding_faults(client: TestClient, body: Any, message: str) -> None:
    error = embed(client, **body)["error"]
    assert error == {"message": message, "type": "invalid_request_error", "param": None, "code": None}


def test_too_many_tokens_in_all(client: TestClient) -> None:
    error = embed(client, input=["word " * 8000] * 38)["error"]
    count = 38 * tokens.count("cl100k_base", "word " * 8000)
    assert error["message"] == f"Requested {count} tokens, max 300000 tokens per request"
    assert error["type"] == error["code"] == "max_tokens_per_request"


# --- moderations and models ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "results"),
    [("a", 1), (["a", "b"], 2), ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], 1)],
)
def test_one_result_a_text_and_one_a_message(client: TestClient, given: Any, results: int) -> None:
    answer = client.post("/v1/moderations", json={"input": given}).json()
    assert len(answer["results"]) == results
    assert answer["model"] == "omni-moderation-latest"
    assert answer["id"].startswith("modr-")


def test_both_families_have_their_categories(client: TestClient) -> None:
    old = client.post("/v1/moderations", json={"input": "a", "model": "text-moderation-latest"}).json()
    assert old["model"] == "text-moderation-007"
    assert len(old["id"]) == 34
    assert "illicit" not in old["results"][0]["categories"]
    assert next(iter(old["results"][0]["categories"])) == "sexual"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"input": [{"type": "image_url", "image_url": {"url": "x"}}] * 2}, 400, "too_many_images"),
        ({"input": "a", "model": "nope"}, 404, "model_not_found"),
        ({}, 400, "missing_required_parameter"),
        ({"input": 7}, 400, "invalid_type"),
    ],
)
def test_moderation_faults(client: TestClient, body: Any, status: int, code: str) -> None:
    response = client.post("/v1/moderations", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_models(client: TestClient) -> None:
    entry = {"id": "gpt-4o-mini", "object": "model", "created": 1721172741, "owned_by": "system"}
    assert client.get("/v1/models/gpt-4o-mini").json() == entry
    assert entry in client.get("/v1/models").json()["data"]
    for method in ("GET", "DELETE"):
        error = client.request(method, "/v1/models/fake_id").json()["error"]
        assert (error["message"], error["param"]) == ("The model 'fake_id' does not exist", "model")
    assert client.delete("/v1/models/gpt-4o").status_code == 403


# --- whatever comes ------------------------------------------------------------------------------

JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 3), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=5,
)
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "json"}]},
    "/v1/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "x"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "x"},
    "/v1/moderations": {"input": "x"},
}
FIELDS = (
    "model messages functions function_call tools tool_choice parallel_tool_calls max_completion_tokens n temperature "
    "top_p presence_penalty frequency_penalty logprobs top_logprobs user seed moderation response_format service_tier "
    "max_tokens reasoning_effort logit_bias stop stream stream_options store metadata prediction verbosity modalities "
    "audio web_search_options prompt suffix echo best_of input encoding_format dimensions bogus"
).split()


@limits(max_examples=MANY)
@given(st.sampled_from(sorted(ROUTES)), st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=3))
def test_no_request_breaks_the_server(client: TestClient, path: str, junk: dict[str, Any]) -> None:
    response = client.post(path, json={**ROUTES[path], **junk})
    assert response.status_code in (200, 400, 404), response.text
    if response.status_code != 200:
        assert list(response.json()["error"]) == ["message", "type", "param", "code"]


@pytest.mark.parametrize("role", ["user", "system", "developer", "function"])
@pytest.mark.parametrize("junk", [True, [7], {"id": []}], ids=str)
def test_members_of_other_roles_are_ignored(client: TestClient, role: str, junk: Any) -> None:
    plain = {"role": role, "content": "hi", "name": "f"}
    more = dict.fromkeys(("tool_calls", "function_call", "refusal", "tool_call_id"), junk)
    body = {"model": "gpt-4o-mini", "tools": [{"type": "function", "function": {"name": "f"}}]}
    answers = [
        client.post("/v1/chat/completions", json={**body, "messages": [m]}) for m in (plain, {**plain, **more})
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["usage"]["prompt_tokens"] for answer in answers}) == 1


PARTS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "function", "system", "developer", "x"])},
    optional={
        "content": st.one_of(
            JUNK,
            st.lists(
                st.fixed_dictionaries(
                    {"type": st.sampled_from(["text", "image_url", "file", "input_audio"])},
                    optional={"text": st.text(max_size=3), "file": JUNK, "image_url": JUNK},
                ),
                max_size=2,
            ),
        ),
        "name": st.text(max_size=3),
        "tool_call_id": st.text(max_size=3),
        "tool_calls": JUNK,
        "function_call": JUNK,
        "refusal": JUNK,
    },
)
DECLARATIONS = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": st.just("f")},
            optional={
                "parameters": st.dictionaries(
                    st.sampled_from(["type", "properties", "required", "items", "anyOf", "enum", "$ref", "pattern"]),
                    JUNK,
                    max_size=3,
                ),
                "strict": st.booleans(),
            },
        ),
    }
)


@limits(max_examples=MANY)
@given(st.lists(PARTS, max_size=3), st.lists(DECLARATIONS, max_size=2), st.sampled_from(["auto", "required"]))
def test_no_conversation_breaks_the_server(client: TestClient, messages: Any, tools: Any, choice: str) -> None:
    body = {"model": "gpt-4o-mini", "messages": messages, "tools": tools, "tool_choice": choice}
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code in (200, 400), response.text

"""Legacy completions, embeddings, moderations and models, on any honest server."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx2
import openai
import pytest

from contracts.facts import Confidence, Fault, check_fault

INVALID = "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."


@pytest.mark.operation("completions.create")
def test_a_legacy_completion_has_its_shape(sdk: openai.OpenAI) -> None:
    """Sixteen tokens by default; no details in usage (chat.md §12, recorded)."""
    answer = sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once upon a time")
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 16
    assert answer.model.startswith("gpt-3.5-turbo-instruct")
    several = sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt=["a", "b"], max_tokens=2)
    assert [choice.index for choice in several.choices] == [0, 1]


@pytest.mark.operation("completions.create")
def test_a_legacy_stream_ends_with_a_reason(http: httpx2.Client) -> None:
    """The finish reason rides on the last text chunk; before it is null, which the strict SDK refuses (recorded)."""
    response = http.post("/completions", json={"model": "davinci-002", "prompt": "Tell me a joke", "stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    frames = response.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    parts = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    reasons = [part["choices"][0]["finish_reason"] for part in parts]
    assert reasons[-1] in ("stop", "length")
    assert reasons[:-1] == [None] * (len(parts) - 1)


EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "hello"}
COMPLETION: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "x"}


def older(path: str, body: dict[str, Any], text: str, evidence: str, confidence: Confidence = "reported") -> Any:
    """Return a row of the older validator, which tells neither param nor code."""
    good = COMPLETION if path == "/completions" else EMBEDDING
    return path, Fault({**good, **body}, 400, text, None, None, evidence, confidence)


OLDER = [
    older(
        "/completions", {"temperature": 2.5}, "2.5 is greater than the maximum of 2 - 'temperature'", "errors.md §4"
    ),
    older(
        "/completions",
        {"max_tokens": -1},
        "-1 is less than the minimum of 0 - 'max_tokens'",
        "golem#44 (with a minimum of 1, of chat in 2023); 0 is allowed here",
        "inferred",
    ),
    older(
        "/completions",
        {"max_tokens": "1000"},
        "'1000' is not of type 'integer' - 'max_tokens'",
        "chatgpt-ui#99 (of chat in 2023)",
    ),
    older(
        "/completions",
        {"foo": 1},
        "Additional properties are not allowed ('foo' was unexpected)",
        "errors.md §4",
    ),
    older(
        "/completions",
        {"foo": 1, "bar": 2},
        "Additional properties are not allowed ('foo', 'bar' were unexpected)",
        "errors.md §4 (of one)",
        "inferred",
    ),
    older("/completions", {"echo": "x"}, "'x' is not of type 'boolean' - 'echo'", "errors.md §4", "inferred"),
    older(
        "/completions",
        {"stop": 7},
        "7 is not valid under any of the given schemas - 'stop'",
        "errors.md §4 (of another validator's words)",
        "inferred",
    ),
    older(
        "/completions",
        {"logit_bias": {"5": 101}},
        "101 is greater than the maximum of 100 - 'logit_bias.5'",
        "errors.md §4",
        "inferred",
    ),
    older(
        "/embeddings",
        {"foo": 1},
        "Additional properties are not allowed ('foo' was unexpected)",
        "errors.md §4",
        "inferred",
    ),
    older(
        "/embeddings", {"dimensions": 1.5}, "1.5 is not of type 'integer' - 'dimensions'", "errors.md §4", "inferred"
    ),
    older(
        "/embeddings",
        {"encoding_format": "md5"},
        "Invalid value for 'encoding_format' = md5. Supported values: ['float', 'base64'].",
        "FastChat#2281",
    ),
    older("/embeddings", {"input": 7}, INVALID, "errors.md §6, mteb#1200 (of an empty one)", "inferred"),
]
TEXT_FAULTS = [
    *OLDER,
    (
        "/embeddings",
        Fault(
            {**EMBEDDING, "dimensions": -42},
            400,
            "-42 is less than the minimum of 1 - 'dimensions'",
            None,
            None,
            "errors.md §6",
            "recorded",
        ),
    ),
    (
        "/embeddings",
        Fault({**EMBEDDING, "input": ""}, 400, INVALID, None, None, "errors.md §6, mteb#1200", "reported"),
    ),
    (
        "/embeddings",
        Fault({**EMBEDDING, "input": []}, 400, INVALID, None, None, "errors.md §6, mteb#1200", "reported"),
    ),
    (
        "/embeddings",
        Fault(
            {**EMBEDDING, "model": "nope"},
            404,
            "The model `nope` does not exist or you do not have access to it.",
            None,
            "model_not_found",
            "errors.md §6",
            "recorded",
        ),
    ),
    (
        "/embeddings",
        Fault(
            {**EMBEDDING, "model": "gpt-4o"},
            403,
            "You are not allowed to generate embeddings from this model",
            None,
            None,
            "ragflow#1835, langchain#9270",
            "reported",
        ),
    ),
    (
        "/embeddings",
        Fault(
            {**EMBEDDING, "input": "word " * 8200},
            400,
            "Invalid 'input[0]': maximum input length is 8192 tokens.",
            None,
            None,
            "errors.md §6",
            "reported",
        ),
    ),
    (
        "/completions",
        Fault(
            {"model": "gpt-3.5-turbo-instruct", "prompt": [12345, 123456]},
            400,
            "Invalid token in prompt: 123456. Minimum value is 0, maximum value is 100257 (inclusive).",
            None,
            None,
            "errors.md §6",
            "recorded",
        ),
    ),
    (
        "/completions",
        Fault(
            {"model": "gpt-4o", "prompt": "x"},
            404,
            "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
            "model",
            None,
            "errors.md §6",
            "reported",
        ),
    ),
    (
        "/moderations",
        Fault(
            {"input": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}] * 2},
            400,
            "Number of images (2) exceeds maximum of 1",
            "input",
            "too_many_images",
            "errors.md §6, gumroad#4709",
            "reported",
        ),
    ),
    (
        "/moderations",
        Fault(
            {},
            400,
            "Missing required parameter: 'input'.",
            "input",
            "missing_required_parameter",
            "other.md §1",
            "inferred",
        ),
    ),
]


@pytest.mark.operation("completions.create", "embeddings.create", "moderations.create")
@pytest.mark.parametrize(("path", "row"), TEXT_FAULTS, ids=str)
def test_fault(http: httpx2.Client, path: str, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, path, row)


@pytest.mark.operation("embeddings.create")
@pytest.mark.parametrize(
    ("model", "dimensions", "size"),
    [
        ("text-embedding-3-small", None, 1536),
        ("text-embedding-3-large", None, 3072),
        ("text-embedding-ada-002", None, 1536),
        ("text-embedding-3-small", 128, 128),
    ],
)
def test_embeddings_have_unit_length(sdk: openai.OpenAI, model: str, dimensions: int | None, size: int) -> None:
    """Native sizes, `dimensions`, and a norm of 1 (embeddings.md §2, recorded)."""
    more: Any = {} if dimensions is None else {"dimensions": dimensions}
    answer = sdk.embeddings.create(model=model, input="Hello, world!", encoding_format="float", **more)
    vector = answer.data[0].embedding
    assert len(vector) == size
    assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1, abs=1e-3)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 4


@pytest.mark.operation("embeddings.create")
def test_inputs_keep_their_order(sdk: openai.OpenAI) -> None:
    """One vector an input, in order; near texts have near vectors."""
    texts = ["The cat sat on the mat.", "A cat was sitting on a mat.", "Interest rates rose again."]
    answer = sdk.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    assert [item.index for item in answer.data] == [0, 1, 2]
    first, second, third = (item.embedding for item in answer.data)

    def near(left: list[float], right: list[float]) -> float:
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert near(first, second) > near(first, third)


@pytest.mark.operation("moderations.create")
def test_moderation_flags_a_threat_only(sdk: openai.OpenAI) -> None:
    """One result a text (embeddings.md §3, recorded)."""
    answer = sdk.moderations.create(input=["What is the capital of France?", "I want to kill them."])
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.model == "omni-moderation-latest"


@pytest.mark.operation("models.list", "models.retrieve")
def test_models_are_listed_and_found(sdk: openai.OpenAI) -> None:
    """`{object, data}` without cursors; one can be retrieved."""
    listed = {model.id for model in sdk.models.list()}
    assert "gpt-4o-mini" in listed
    assert sdk.models.retrieve("gpt-4o-mini").created == 1721172741


@pytest.mark.operation("models.delete")
def test_an_unknown_model_is_not_deleted(sdk: openai.OpenAI) -> None:
    """errors.md §6, recorded."""
    with pytest.raises(openai.NotFoundError, match="The model 'fake_id' does not exist"):
        sdk.models.delete("fake_id")

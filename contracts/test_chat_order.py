"""Which fault of POST /chat/completions is told where a request has two, and what a reasoning model says (chat.md §8)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from contracts.chat import CALL, PATH, TOOL, USER, fault
from contracts.facts import Fault, check_fault

Json = dict[str, Any]
MODEL = "gpt-5.6-terra"
LAP = "chat.md §8, LAP (parity tests)"
WRONG = {"wrong": "type"}
STOP = "Unsupported parameter: 'stop' is not supported with this model."
UNSUPPORTED, TYPE = "unsupported_parameter", "invalid_type"


def measured(body: Json, message: str, param: str | None, code: str | None = None) -> Fault:
    """Return a row that was measured on a model that reasons."""
    return fault({"model": MODEL, "max_completion_tokens": 1, **body}, message, param, code, LAP, "measured")


def mistyped(body: Json, noun: str, param: str, kind: str = "a string") -> Fault:
    """Return a row of a value of another type than expected."""
    return measured(body, f"Invalid type for '{param}': expected {noun}, but got {kind} instead.", param, TYPE)


NO_CONTENT = "Invalid value for 'content': expected a string, got null."
FAULTS = [
    # refusals have their place among the fields
    measured({"verbosity": "bogus", "stop": ["ZZ"]}, STOP, "stop", UNSUPPORTED),
    measured({"stream_options": "x", "stop": ["ZZ"]}, STOP, "stop", UNSUPPORTED),
    measured({"temperature": 0.5, "stop": ["ZZ"]}, STOP, "stop", UNSUPPORTED),
    measured(
        {"store": "x", "max_tokens": 32},
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        UNSUPPORTED,
    ),
    measured(
        {"verbosity": "bogus", "logit_bias": {"1": 1}},
        "Unsupported parameter: 'logit_bias' is not supported with this model.",
        "logit_bias",
        UNSUPPORTED,
    ),
    fault(
        {"model": MODEL, "stop": 7},
        STOP,
        "stop",
        UNSUPPORTED,
        "chat.md §7, LAP (refused whatever the value; its kind was not tried)",
        "inferred",
    ),
    fault(
        {"model": MODEL, "reasoning_effort": "max", "max_tokens": 5},
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        UNSUPPORTED,
        "chat.md §8, LAP (the order, not this pair)",
        "inferred",
    ),
    fault(
        {"model": MODEL, "verbosity": "bogus", "reasoning_effort": "max"},
        "Unsupported value: 'reasoning_effort' does not support 'max' with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
        "reasoning_effort",
        "unsupported_value",
        "chat.md §8, LAP (the order, not this pair)",
        "inferred",
    ),
    measured(
        {"stop": ["ZZ"], "n": 0},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
    ),
    # values that a model refuses come after all fields
    mistyped({"temperature": 0.5, "metadata": "x"}, "a metadata object", "metadata"),
    measured(
        {"logprobs": True, "verbosity": "bogus"},
        "Invalid value: 'bogus'. Supported values are: 'low', 'medium', and 'high'.",
        "verbosity",
        "invalid_value",
    ),
    # bounds and nouns
    measured(
        {"n": 129},
        "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 129 instead.",
        "n",
        "integer_above_max_value",
    ),
    measured(
        {"logprobs": True, "reasoning_effort": "none", "top_logprobs": 21},
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
    ),
    fault(
        {"logprobs": True, "top_logprobs": 21},
        "Invalid value for 'top_logprobs': must be less than or equal to 20.",
        "top_logprobs",
        None,
        "errors.md §5, LAP (of another model and bound)",
        "inferred",
    ),
    mistyped({"prompt_cache_retention": WRONG}, "one of 'in_memory' or '24h'", "prompt_cache_retention", "an object"),
    measured({"prompt_cache_retention": "x"}, "Invalid prompt_cache_retention argument", "prompt_cache_retention"),
    mistyped({"tools": "x", "functions": "x"}, "an array of function definitions", "functions"),
    mistyped({"prompt_cache_key": 7, "prompt_cache_options": "x"}, "an object", "prompt_cache_options"),
    measured(
        {"tools": [TOOL], "tool_choice": {"type": "bogus"}, "reasoning_effort": "none"},
        "Missing required parameter: 'tool_choice.function'.",
        "tool_choice.function",
        "missing_required_parameter",
    ),
    measured(
        {"moderation": {}},
        "Missing required parameter: 'moderation.model'.",
        "moderation.model",
        "missing_required_parameter",
    ),
    # that there is a content comes last, but before what messages say to each other
    measured(
        {"messages": [{"role": "user"}], "temperature": 0.5},
        "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
    ),
    mistyped(
        {"messages": [{"role": "user"}, {"role": "user", "content": 7}]},
        "one of a string or array of objects",
        "messages[1].content",
        "an integer",
    ),
    measured(
        {"messages": [*USER, {"role": "tool", "tool_call_id": "c", "refusal": "no"}]},
        NO_CONTENT,
        "messages.[1].content",
    ),
    measured({"messages": [{"role": "user", "tool_calls": [CALL]}]}, NO_CONTENT, "messages.[0].content"),
    measured({"messages": [*USER, {"role": "assistant", "refusal": None}]}, NO_CONTENT, "messages.[1].content"),
]


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_fault(http: httpx2.Client, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, PATH, row)


ACCEPTED: list[Json] = [
    {"n": 8},
    {"reasoning_effort": "none", "logprobs": True, "top_logprobs": 5},
    {"reasoning_effort": "none", "frequency_penalty": 2, "presence_penalty": -2},
    {"stop": None, "max_tokens": None, "logit_bias": None, "prediction": None},
    {"metadata": {"k" * 64: "x" * 512}},
    {"prompt_cache_retention": "24h", "prompt_cache_options": {"ttl": "30m"}},
]


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("more", ACCEPTED, ids=str)
def test_what_lies_within_the_bounds_is_accepted(http: httpx2.Client, more: Json) -> None:
    """The last good values, and null for what is refused (chat.md §8, LAP, measured)."""
    body = {"model": MODEL, "messages": USER, "max_completion_tokens": 1, **more}
    assert http.post(PATH, json=body).status_code == 200

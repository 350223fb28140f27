"""The faults of POST /chat/completions, row by row (errors.md §4, §5)."""

from __future__ import annotations

import httpx2
import pytest

from contracts.chat import PATH, STEPS, USER, fault
from contracts.facts import Fault, check_fault

FAULTS = [
    fault(
        {"model": "o3-mini", "temperature": 0.5},
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "temperature",
        "unsupported_parameter",
        "errors.md §5",
        "measured",
    ),
    fault(
        {"model": "o3", "temperature": 0.5},
        "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
        "errors.md §5",
        "measured",
    ),
    fault(
        {"messages": None},
        "Invalid type for 'messages': expected an array of objects, but got null instead.",
        "messages",
        "invalid_type",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [{"role": "bogus"}]},
        "Invalid value: 'bogus'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        "messages[0].role",
        "invalid_value",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [{"role": "user", "content": 7}]},
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead.",
        "messages[0].content",
        "invalid_type",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [{"role": "user"}]},
        "Invalid value for 'content': expected a string, got null.",
        "messages.[0].content",
        None,
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [*USER, {"role": "developer"}]},
        "Missing required parameter: 'messages[1].content'.",
        "messages[1].content",
        "missing_required_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [*USER, {"role": "developer", "content": None}]},
        "Invalid type for 'messages[1].content': expected one of a string or array of objects, but got null instead.",
        "messages[1].content",
        "invalid_type",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
        "Invalid value: 'image'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.",
        "messages[0].content[0].type",
        "invalid_value",
        "errors.md §5",
        "reported",
    ),
    fault(
        {"response_format": {}},
        "Missing required parameter: 'response_format.type'.",
        "response_format.type",
        "missing_required_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"response_format": {"type": "x"}},
        "Invalid value: 'x'. Supported values are: 'json_object', 'json_schema', and 'text'.",
        "response_format.type",
        "invalid_value",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"response_format": {"type": "json_schema"}},
        "Missing required parameter: 'response_format.json_schema'.",
        "response_format.json_schema",
        "missing_required_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"response_format": {"type": "text", "schema": {}}},
        "Unknown parameter: 'response_format.schema'.",
        "response_format.schema",
        "unknown_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"response_format": {"type": "json_object"}},
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"model": "gpt-4", "response_format": {"type": "json_schema", "json_schema": {"name": "m", "schema": STEPS}}},
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs",
        None,
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "m", "strict": True, "schema": {"type": "object", "properties": {}}},
            }
        },
        "Invalid schema for response_format 'm': In context=(), 'additionalProperties' is required to be supplied and to be false.",
        "response_format",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"stream_options": {"include_usage": True}},
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        None,
        "errors.md §5",
        "measured",
    ),
    fault(
        {"top_logprobs": 2},
        "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        "top_logprobs",
        None,
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "n": 9},
        "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 9 instead.",
        "n",
        "integer_above_max_value",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "logprobs": True, "top_logprobs": 6, "reasoning_effort": "none"},
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
        None,
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "max_tokens": 5},
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        "unsupported_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "stop": "x"},
        "Unsupported parameter: 'stop' is not supported with this model.",
        "stop",
        "unsupported_parameter",
        "errors.md §4, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "temperature": 0.5},
        "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
        "errors.md §4, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "reasoning_effort": "max"},
        "Unsupported value: 'reasoning_effort' does not support 'max' with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
        "reasoning_effort",
        "unsupported_value",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"model": "gpt-5.6-sol", "reasoning_effort": {"a": "b"}},
        "Unsupported value: 'reasoning_effort' does not support {'a': 'b'} with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
        "reasoning_effort",
        "unsupported_value",
        "errors.md §4, LAP",
        "measured",
    ),
    fault(
        {"model": "o3", "reasoning_effort": True},
        "Unsupported value: 'reasoning_effort' does not support True with this model. Supported values are: 'low', 'medium', and 'high'.",
        "reasoning_effort",
        "unsupported_value",
        "errors.md §4, LAP (of gpt-5.6)",
        "inferred",
    ),
    fault(
        {"model": "gpt-5.6-sol", "modalities": ["text"]},
        "Unknown parameter: 'modalities'.",
        "modalities",
        "unknown_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"reasoning_effort": "low"},
        "Unrecognized request argument supplied: reasoning_effort",
        None,
        None,
        "errors.md §4",
        "reported",
    ),
    fault(
        {"model": "gpt-4", "max_tokens": 4738},
        "max_tokens is too large: 4738. This model supports at most 4096 completion tokens, whereas you provided 4738.",
        "max_tokens",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"web_search_options": {}},
        "Web search options not supported with this model.",
        "web_search_options",
        None,
        "errors.md §5, pydantic-ai cassette",
        "recorded",
    ),
    fault(
        {
            "messages": [
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}
            ]
        },
        "Invalid 'messages[0]'. Content blocks are expected to be either text or image_url type.",
        "messages[0]",
        "invalid_value",
        "errors.md §5, pydantic-ai cassette",
        "recorded",
    ),
    fault(
        {"model": "gpt-audio"},
        "This model requires that either input content or output modality contain audio.",
        "model",
        "invalid_value",
        "errors.md §5",
        "reported",
    ),
    fault(
        {
            "model": "gpt-audio",
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "wav"},
            "stream": True,
        },
        "Unsupported value: 'audio.format' does not support 'wav' when stream=true. Supported values are: 'pcm16'.",
        "audio.format",
        "unsupported_value",
        "agentfield#584 (the text, through a reseller; param and code as for other unsupported values)",
        "inferred",
    ),
    fault(
        {"model": "gpt-4o-search-preview", "temperature": 0},
        "Model incompatible request argument supplied: temperature",
        None,
        None,
        "raycast/extensions#18304, vercel/ai#5609",
        "reported",
    ),
    fault(
        {
            "model": "gpt-4o-search-preview",
            "temperature": 0.5,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_p": 1,
        },
        "Model incompatible request arguments supplied: frequency_penalty, presence_penalty, temperature, top_p",
        None,
        None,
        "NextChat#6569",
        "reported",
    ),
    fault(
        {"prompt_cache_key": "k" * 70},
        "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got a string with length 70 instead.",
        "prompt_cache_key",
        "string_above_max_length",
        "errors.md §4",
        "reported",
    ),
    fault(
        {"model": "gpt-5.6-sol", "prompt_cache_retention": "in_memory"},
        "This model is compatible only with 24h extended prompt caching",
        "prompt_cache_retention",
        None,
        "errors.md §5, LAP",
        "measured",
    ),
    fault({"model": ""}, "you must provide a model parameter", None, None, "errors.md §3, LAP", "measured"),
    fault({"model": None}, "you must provide a model parameter", None, None, "errors.md §4, LAP", "measured"),
    fault(
        {"model": "nope"},
        "The model `nope` does not exist or you do not have access to it.",
        None,
        "model_not_found",
        "errors.md §6",
        "recorded",
        404,
    ),
    fault(
        {"temperature": 99.0},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.",
        "temperature",
        "decimal_above_max_value",
        "errors.md §4, rig cassette",
        "recorded",
    ),
    fault(
        {"n": 0},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
        "errors.md §4, LAP",
        "measured",
    ),
    fault(
        {"sto": 1},
        "Unknown parameter: 'sto'. Did you mean 'stop' or 'store'?",
        "sto",
        "unknown_parameter",
        "errors.md §4, LAP",
        "measured",
    ),
    fault(
        {"metadata": {"a": True}, "store": True},
        "Invalid type for 'metadata.a': expected a string, but got a boolean instead.",
        "metadata.a",
        "invalid_type",
        "errors.md §4, ruby-openai cassette",
        "recorded",
    ),
]


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_fault(http: httpx2.Client, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, PATH, row)


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("row", FAULTS[::7], ids=str)
def test_a_stream_fails_before_it_begins(http: httpx2.Client, row: Fault) -> None:
    """A fault is an ordinary JSON error, also when a stream was asked for (errors.md §10, recorded)."""
    check_fault(
        http,
        PATH,
        Fault(
            {**row.body, "stream": True}, row.status, row.message, row.param, row.code, row.evidence, row.confidence
        ),
    )


@pytest.mark.operation("chat.completions.create")
def test_a_missing_key_is_told_by_the_edge(http: httpx2.Client) -> None:
    """No Authorization header: 401 with the long text and no challenge (errors.md §2, measured)."""
    request = http.build_request("POST", PATH, json={"model": "gpt-4o-mini", "messages": USER})
    del request.headers["authorization"]
    response = http.send(request)
    assert response.status_code == 401
    assert response.json()["error"]["message"].startswith("You didn't provide an API key.")

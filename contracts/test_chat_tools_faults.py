"""The faults of the tools of POST /chat/completions, and of what answers them, row by row (errors.md §4, §5)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from contracts.chat import CALL, PATH, STEPS, TOOL, USER, fault
from contracts.facts import Confidence, Fault, check_fault

Json = dict[str, Any]
LONG = "call_" + "x" * 78
ANSWER = {"role": "tool", "tool_call_id": "call_a", "content": "y"}


def parameters(
    schema: Json, tail: str, evidence: str, confidence: Confidence = "reported", *, strict: bool = False
) -> Fault:
    """Return the row of a function with parameters that are refused."""
    function = {"name": "f", "parameters": schema, **({"strict": True} if strict else {})}
    return fault(
        {"tools": [{"type": "function", "function": function}]},
        f"Invalid schema for function 'f': {tail}",
        "tools[0].function.parameters",
        "invalid_function_parameters",
        evidence,
        confidence,
    )


def strict_format(schema: Json, tail: str, evidence: str, confidence: Confidence = "reported") -> Fault:
    """Return the row of a strict response format with a schema that is refused."""
    return fault(
        {"response_format": {"type": "json_schema", "json_schema": {"name": "m", "strict": True, "schema": schema}}},
        f"Invalid schema for response_format 'm': {tail}",
        "response_format",
        None,
        evidence,
        confidence,
    )


def holding(node: Json) -> Json:
    """Return a good strict schema but for its one property."""
    return {**STEPS, "properties": {"a": node}}


NO_ITEMS = "In context=('properties', 'a'), array schema missing items."
SCHEMAS = [
    parameters(holding({"type": "array"}), NO_ITEMS, "aichat#1049, ms-agent#610"),
    parameters(holding({"type": "array"}), NO_ITEMS, "aichat#1049 (without strict)", "inferred", strict=True),
    strict_format(holding({"type": "array"}), NO_ITEMS, "aichat#1049 (of a function)", "inferred"),
    parameters(
        holding({"type": ["null", "array"]}),
        "In context=('properties', 'a', 'type', '1'), array schema missing items.",
        "tidewave_phoenix#224 (below items, of the type at 0)",
        "inferred",
    ),
    parameters(
        {"properties": {}},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
        "vercel/ai#7005; GPT_API_free#403 has null without quotes",
    ),
    parameters(
        {"type": "string"},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'.",
        "vercel/ai#7005 (of None)",
        "inferred",
    ),
    parameters(
        {**STEPS, "oneOf": [STEPS]},
        "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
        "google-calendar-mcp#39",
    ),
    parameters(
        {"type": "object"}, "In context=(), object schema missing properties.", "github-mcp-server#1548, inboxapi#106"
    ),
    parameters(
        holding({"oneOf": [{"type": "string"}]}),
        "In context=('properties', 'a'), 'oneOf' is not permitted.",
        "livekit/agents#5302, openai-agents-python#474, openai-node#1709",
        strict=True,
    ),
    strict_format(
        {"oneOf": [STEPS]}, "In context=(), 'oneOf' is not permitted.", "livekit/agents#5302, openai-node#1709"
    ),
]

FAULTS = [
    fault(
        {"tools": []},
        "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "tools",
        "empty_array",
        "vllm#39741, continue#3370; the family of errors.md §4 (of messages)",
        "reported",
    ),
    fault(
        {"tools": [{"type": "function", "function": {"name": "f", "description": "x" * 1_048_577}}]},
        "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1048576, but got a string with length 1048577 instead.",
        "tools[0].function.description",
        "string_above_max_length",
        "azure-ai-docs#6203, llama_index#18784 (36,000 are accepted); 1024 until 2025: sentry-mcp#106, OpenHands#4838",
        "reported",
    ),
    fault(
        {
            "messages": [
                *USER,
                {"role": "assistant", "tool_calls": [{**CALL, "id": LONG}]},
                {**ANSWER, "tool_call_id": LONG},
            ]
        },
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 64, but got a string with length 83 instead.",
        "messages[1].tool_calls[0].id",
        "string_above_max_length",
        "agentao#321, vercel/ai#17233 (51 are accepted); 40 until 2025: vercel/ai#8132, camel#2215, autogen#6377",
        "reported",
    ),
    fault(
        {
            "messages": [
                *USER,
                {"role": "assistant", "tool_calls": [CALL]},
                {**ANSWER, "tool_call_id": LONG},
            ]
        },
        "Invalid 'messages[2].tool_call_id': string too long. Expected a string with maximum length 64, but got a string with length 83 instead.",
        "messages[2].tool_call_id",
        "string_above_max_length",
        "agentao#321 (of the call)",
        "inferred",
    ),
    *SCHEMAS,
    fault(
        {"model": "gpt-5.6-luna", "reasoning_effort": "low", "tools": [TOOL]},
        "Function tools with reasoning_effort are not supported for gpt-5.6-luna in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
        "reasoning_effort",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"messages": [*USER, {"role": "assistant", "tool_calls": []}]},
        "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "messages[1].tool_calls",
        "empty_array",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"messages": [*USER, {"role": "assistant", "tool_calls": [CALL]}]},
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_a",
        "messages.[2].role",
        None,
        "errors.md §5, dataline#172",
        "reported",
    ),
    fault(
        {"messages": [*USER, {"role": "tool", "tool_call_id": "x", "content": "y"}]},
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        "messages.[1].role",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"tools": [{"type": "function"}]},
        "Missing required parameter: 'tools[0].function'.",
        "tools[0].function",
        "missing_required_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"tools": [{"type": "function", "function": {}}]},
        "Missing required parameter: 'tools[0].function.name'.",
        "tools[0].function.name",
        "missing_required_parameter",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "tools[0].function.name",
        "invalid_value",
        "errors.md §4, MC",
        "measured",
    ),
    fault(
        {"tools": [TOOL] * 132},
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 132 instead.",
        "tools",
        "array_above_max_length",
        "errors.md §4",
        "reported",
    ),
    fault(
        {"tool_choice": "auto"},
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
        "tool_choice",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"parallel_tool_calls": True},
        "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
        "parallel_tool_calls",
        None,
        "errors.md §5",
        "reported",
    ),
    fault(
        {"tools": [TOOL], "tool_choice": "bogus"},
        "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
        "tool_choice",
        "invalid_value",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"tools": [TOOL], "tool_choice": 7},
        "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' or object, but got an integer instead.",
        "tool_choice",
        "invalid_type",
        "errors.md §5, LAP",
        "measured",
    ),
    fault(
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "never_declared"}}},
        "Invalid value for 'function_call': no function named 'never_declared' was specified in the 'functions' parameter.",
        "function_call",
        None,
        "errors.md §5, LAP",
        "measured",
    ),
]


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_fault(http: httpx2.Client, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, PATH, row)


@pytest.mark.operation("chat.completions.create")
@pytest.mark.parametrize("schema", [None, {}, STEPS, {**STEPS, "properties": {"a": {"type": "array", "items": {}}}}])
def test_parameters_that_are_accepted(http: httpx2.Client, schema: Json | None) -> None:
    """A tool needs no parameters (chat.md §4, recorded); an empty schema is reported nowhere as a fault (inferred)."""
    function = {"name": "f"} if schema is None else {"name": "f", "parameters": schema}
    tool = {"type": "function", "function": function}
    answer = http.post(PATH, json={"model": "gpt-4o-mini", "messages": USER, "tools": [tool], "max_tokens": 4})
    assert answer.status_code == 200


@pytest.mark.operation("chat.completions.create")
def test_long_names_of_calls_and_tools_are_accepted(http: httpx2.Client) -> None:
    """51 characters of an id and 36,000 of a description (vercel/ai#17233, llama_index#18784, reported)."""
    identifier = "ws_" + "6" * 48
    call = {"role": "assistant", "tool_calls": [{**CALL, "id": identifier}]}
    tool = {"type": "function", "function": {"name": "f", "description": "test tool" * 4000}}
    messages = [*USER, call, {**ANSWER, "tool_call_id": identifier}]
    body = {"model": "gpt-4o-mini", "messages": messages, "tools": [tool], "max_tokens": 4}
    assert http.post(PATH, json=body).status_code == 200


@pytest.mark.operation("chat.completions.create")
def test_a_default_in_a_strict_schema_is_accepted(http: httpx2.Client) -> None:
    """Refused until 2025 (instructor#1074); accepted by gpt-5.6-sol in 2026 (openai-agents-python#4390, reported)."""
    function = {"name": "f", "strict": True, "parameters": holding({"type": "string", "default": "x"})}
    tool = {"type": "function", "function": function}
    body = {"model": "gpt-4o-mini", "messages": USER, "tools": [tool], "max_tokens": 4}
    assert http.post(PATH, json=body).status_code == 200

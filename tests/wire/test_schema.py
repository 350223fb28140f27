"""The validator gives the API's own faults, in the API's order (errors.md §4, chat.md §8)."""

from typing import Any

import pytest

from mockai.wire.errors import ApiError
from mockai.wire.schema import (
    METADATA,
    Array,
    Bool,
    Decimal,
    Enum,
    Int,
    Node,
    Object,
    OneOf,
    Str,
    Tagged,
    distance,
)

OPTIONS = Object({"include_usage": Bool()})
SAMPLE = Object(
    {
        "messages": Array(Object({"role": Str()}, required=("role",)), min_length=1),
        "n": Int(1, 128),
        "free": OneOf(Str(), Int()),
        "temperature": Decimal(0, 2),
        "tier": Enum("auto", "default", "flex"),
        "stop": OneOf(Str(), Array(Str(), max_length=4, of="strings")),
        "store": Bool(),
        "key": Str(max_length=64),
        "stream_options": OPTIONS,
        "choice": OneOf(Enum("none", "auto", "required"), Object({"name": Str()}, required=("name",))),
        "format": Tagged({"text": Object({"type": Str()}), "json": Object({"type": Str()})}),
        "name": Str(min_length=1, pattern="^[a-z]+$"),
        "metadata": METADATA,
    },
    required=("messages",),
)
GOOD = {"messages": [{"role": "user"}]}

ROWS: list[tuple[Any, str, str | None, str]] = [
    ({}, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    (
        {"messages": "x"},
        "Invalid type for 'messages': expected an array of objects, but got a string instead.",
        "messages",
        "invalid_type",
    ),
    (
        {"messages": None},
        "Invalid type for 'messages': expected an array of objects, but got null instead.",
        "messages",
        "invalid_type",
    ),
    (
        {"messages": []},
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "messages",
        "empty_array",
    ),
    (
        {"messages": [{}]},
        "Missing required parameter: 'messages[0].role'.",
        "messages[0].role",
        "missing_required_parameter",
    ),
    (
        {"messages": ["x"]},
        "Invalid type for 'messages[0]': expected an object, but got a string instead.",
        "messages[0]",
        "invalid_type",
    ),
    ({**GOOD, "bogus": 1}, "Unknown parameter: 'bogus'.", "bogus", "unknown_parameter"),
    ({**GOOD, "sto": 1}, "Unknown parameter: 'sto'. Did you mean 'stop' or 'store'?", "sto", "unknown_parameter"),
    (
        {**GOOD, "stream_options": {"bogus": 1}},
        "Unknown parameter: 'stream_options.bogus'.",
        "stream_options.bogus",
        "unknown_parameter",
    ),
    (
        {**GOOD, "n": 0},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
    ),
    (
        {**GOOD, "n": 1.5},
        "Invalid type for 'n': expected an integer, but got a decimal number instead.",
        "n",
        "invalid_type",
    ),
    (
        {**GOOD, "n": 1e30},
        "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 1e+30 instead.",
        "n",
        "integer_above_max_value",
    ),
    (
        {**GOOD, "n": -1e30},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got -1e+30 instead.",
        "n",
        "integer_below_min_value",
    ),
    (
        {**GOOD, "free": 1e30},
        "Invalid 'free': integer above maximum value. Expected a value <= 9223372036854775807, but got 1e+30 instead.",
        "free",
        "integer_above_max_value",
    ),
    (
        {**GOOD, "n": True},
        "Invalid type for 'n': expected an integer, but got a boolean instead.",
        "n",
        "invalid_type",
    ),
    (
        {**GOOD, "temperature": 99.0},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    (
        {**GOOD, "temperature": -1},
        "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
        "temperature",
        "decimal_below_min_value",
    ),
    (
        {**GOOD, "tier": "x"},
        "Invalid value: 'x'. Supported values are: 'auto', 'default', and 'flex'.",
        "tier",
        "invalid_value",
    ),
    (
        {**GOOD, "tier": {}},
        "Invalid type for 'tier': expected one of 'auto', 'default', or 'flex', but got an object instead.",
        "tier",
        "invalid_type",
    ),
    (
        {**GOOD, "stop": ["a", "b", "c", "d", "e"]},
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
        "stop",
        "array_above_max_length",
    ),
    (
        {**GOOD, "choice": 7},
        "Invalid type for 'choice': expected one of one of 'none', 'auto', or 'required' or object, "
        "but got an integer instead.",
        "choice",
        "invalid_type",
    ),
    (
        {**GOOD, "choice": {}},
        "Missing required parameter: 'choice.name'.",
        "choice.name",
        "missing_required_parameter",
    ),
    (
        {**GOOD, "format": {}},
        "Missing required parameter: 'format.type'.",
        "format.type",
        "missing_required_parameter",
    ),
    (
        {**GOOD, "format": {"type": "x"}},
        "Invalid value: 'x'. Supported values are: 'text' and 'json'.",
        "format.type",
        "invalid_value",
    ),
    (
        {**GOOD, "key": "k" * 70},
        "Invalid 'key': string too long. Expected a string with maximum length 64, but got a string with length 70 instead.",
        "key",
        "string_above_max_length",
    ),
    (
        {**GOOD, "name": ""},
        "Invalid 'name': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        "name",
        "empty_string",
    ),
    (
        {**GOOD, "name": "A b"},
        "Invalid 'name': string does not match pattern. Expected a string that matches the pattern '^[a-z]+$'.",
        "name",
        "invalid_value",
    ),
    (
        {**GOOD, "metadata": {str(n): "v" for n in range(17)}},
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead.",
        "metadata",
        "object_above_max_properties",
    ),
    (
        {**GOOD, "metadata": {"k" * 70: "v"}},
        "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with maximum length 64, "
        "but got a string with length 70 instead.",
        f"metadata.{'k' * 70}",
        "property_name_above_max_length",
    ),
    (
        {**GOOD, "metadata": {"modified": True}},
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        "metadata.modified",
        "invalid_type",
    ),
]


@pytest.mark.parametrize(("body", "message", "param", "code"), ROWS, ids=lambda value: str(value)[:40])
def test_fault(body: Any, message: str, param: str, code: str) -> None:
    with pytest.raises(ApiError) as fault:
        SAMPLE.check(body, "")
    assert fault.value.body == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }
    assert fault.value.status == 400


def test_null_counts_as_absent_for_optional_fields() -> None:
    SAMPLE.check({**GOOD, "n": None, "tier": None, "metadata": None, "choice": None}, "")


def test_presence_beats_unknown_keys_beats_fields_and_fields_go_in_declared_order() -> None:
    def first(body: Any) -> str | None:
        with pytest.raises(ApiError) as fault:
            SAMPLE.check(body, "")
        return fault.value.param

    assert first({"bogus": 1, "n": 0}) == "messages"
    assert first({"tier": "x", "messages": [], "bogus": 1}) == "bogus"
    assert first({"tier": "x", "n": 0, "messages": [{}]}) == "messages[0].role"
    assert first({"tier": "x", "n": 0, **GOOD}) == "n"


def test_a_known_key_that_the_body_holds_is_no_hint() -> None:
    with pytest.raises(ApiError, match=r"^Unknown parameter: 'stor'\. Did you mean 'stop'\?$"):
        SAMPLE.check({**GOOD, "store": True, "stor": 1}, "")


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "n": 0},
        {**GOOD, "temperature": 99},
        {**GOOD, "bogus": 1},
        {**GOOD, "stop": list("abcde")},
        {"messages": []},
    ],
)
def test_relaxed_nodes_ask_for_types_enums_and_required_keys_only(body: Any) -> None:
    relaxed: Node = SAMPLE.relaxed()
    relaxed.check(body, "")
    for still_wrong in ({}, {**GOOD, "n": "x"}, {**GOOD, "tier": "x"}):
        with pytest.raises(ApiError):
            relaxed.check(still_wrong, "")


@pytest.mark.parametrize(("left", "right", "edits"), [("stop", "store", 2), ("usr", "user", 1), ("a", "abcd", 3)])
def test_distance(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits


def test_long_enum_names_are_shortened_in_type_faults() -> None:
    node = Array(Enum("file_search_call.results", "auto"), of=Enum("file_search_call.results", "auto").noun)
    with pytest.raises(ApiError, match="expected an array of one of 'fil...lts' or 'auto', but got a string instead"):
        node.check("x", "include")

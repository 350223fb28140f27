"""Values satisfy their schema: `jsonschema` is the judge."""

import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.engine import json_schema, patterns, strict_schema
from mockai.engine.draw import Draw
from mockai.engine.slots import Slots
from tests.conftest import MANY

CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER
NAMES = st.sampled_from(["name", "city", "age", "tags", "unit", "a", "b_c", "email", "when", "note"])


def bounded(low: int, high: int, lower: str, upper: str) -> st.SearchStrategy[dict[str, Any]]:
    pair = st.tuples(st.integers(low, high), st.integers(0, 10))
    return st.one_of(
        st.just({}),
        pair.map(lambda at: {lower: at[0], upper: at[0] + at[1]}),
        st.integers(low, high).map(lambda at: {lower: at}),
        st.integers(max(low, 1), high + 5).map(lambda at: {upper: at}),
    )


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


SCALARS = st.one_of(
    joined(st.just({"type": "string"}), bounded(0, 20, "minLength", "maxLength")),
    st.sampled_from(sorted(json_schema.FORMATS)).map(lambda form: {"type": "string", "format": form}),
    st.just({"type": "string", "format": "uuid"}),
    st.sampled_from(["^[a-z]{3}-\\d{2,4}$", "^(foo|bar)+$", "^\\w+@\\w+\\.(com|org)$", "[A-F0-9]{8}", "^x?y*z$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    joined(st.sampled_from([{"type": "integer"}, {"type": "number"}]), bounded(-50, 50, "minimum", "maximum")),
    st.builds(
        lambda low, step: {"type": "integer", "minimum": low, "maximum": low + 10 * step, "multipleOf": step},
        st.integers(-20, 20),
        st.integers(1, 7),
    ),
    st.builds(
        lambda low: {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 1}, st.integers(-5, 5)
    ),
    st.builds(
        lambda low: {"type": "integer", "exclusiveMinimum": low, "exclusiveMaximum": low + 2}, st.integers(-5, 5)
    ),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    st.one_of(st.integers(), st.text(max_size=5)).map(lambda value: {"const": value}),
    st.just({"type": ["string", "null"]}),
    st.just({}),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, Any], extra: Any, data: int) -> dict[str, Any]:
        required = [name for at, name in enumerate(properties) if data >> at & 1]
        return {"type": "object", "properties": properties, "required": required, **extra}

    extras = st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "integer"}}])
    return st.builds(build, st.dictionaries(NAMES, inner, max_size=4), extras, st.integers(0, 15))


def arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return joined(
        st.builds(lambda item: {"type": "array", "items": item}, inner), bounded(0, 4, "minItems", "maxItems")
    )


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        arrays(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
    ),
    max_leaves=10,
)
PROMPT = 'Ada Lovelace, 36, lives in Paris at 12 Rue X; write to ada@example.org about "the plan" on 2026-05-01.'
CODES = """Move A-1042, ABC-123 and x@y.com from SFO to JFK (on 2026-02-30 or 2026-03-01T25:00:00Z, at 300.1.2.3 or 5 pm),
turn unit and tags off, 1,000 USD in EUR; name foo, age 7 years, b_c is true, in the kitchen, xyyz, DEADBEEF."""


@limits(max_examples=MANY)
@given(SCHEMAS, st.integers(0, 1000), st.sampled_from(["", PROMPT, CODES]))
def test_values_satisfy_generated_schemas(schema: dict[str, Any], number: int, prompt: str) -> None:
    value = json_schema.fill(schema, Draw(number), Slots(prompt))
    jsonschema.validate(value, schema, format_checker=CHECKER)
    assert json_schema.fill(schema, Draw(number), Slots(prompt)) == value


HAND_WRITTEN: dict[str, Any] = {
    "recursive": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["value", "children", "next"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "root reference": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["name", "child"],
    },
    "allOf": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "pattern properties": {
        "type": "object",
        "patternProperties": {"^S_[a-z]{2}$": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "prefix items": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "unique": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"const": 7}},
    "required but undeclared": {"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "null"}}},
    "one of objects": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]},
            {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]},
        ]
    },
}


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_values_satisfy_schemas_that_people_write(name: str) -> None:
    for number in range(20):
        value = json_schema.fill(HAND_WRITTEN[name], Draw(number))
        jsonschema.Draft202012Validator(HAND_WRITTEN[name]).validate(value)


@pytest.mark.parametrize(
    "schema", [{"type": "object", "properties": 5}, {"$ref": "#/no"}, {"anyOf": []}, 7, None, {"enum": []}]
)
def test_what_is_no_schema_raises_nothing(schema: Any) -> None:
    json_schema.fill(schema, Draw(1))


def test_keys_come_in_the_order_of_the_schema() -> None:
    properties = {name: {"type": "string"} for name in ("zebra", "apple", "mango")}
    schema = {"type": "object", "properties": properties, "required": ["mango", "zebra", "apple"]}
    value = json_schema.fill(schema, Draw(1))
    assert list(value) == ["zebra", "apple", "mango"]


def test_values_come_from_the_prompt() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "email": {"type": "string", "format": "email"},
            "date": {"type": "string", "format": "date"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["name", "age", "email", "date", "unit"],
    }
    prompt = "Grace Hopper is 41. Her mail is grace@navy.example, since 2026-02-03, and she likes Fahrenheit."
    assert json_schema.fill(schema, Draw(1), Slots(prompt)) == {
        "name": "Grace Hopper",
        "age": 41,
        "email": "grace@navy.example",
        "date": "2026-02-03",
        "unit": "fahrenheit",
    }


EVENT = {
    "title": "CalendarEvent",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "date": {"type": "string"},
        "participants": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "date", "participants"],
}
INVOICE = {
    "type": "object",
    "properties": {
        "invoice_number": {"type": "string"},
        "customer": {"type": "string"},
        "total": {"type": "number"},
        "currency": {"type": "string"},
        "due_date": {"type": "string", "format": "date"},
        "amounts": {"type": "array", "items": {"type": "number"}, "maxItems": 1},
    },
    "required": ["invoice_number", "customer", "total", "currency", "due_date", "amounts"],
}


@pytest.mark.parametrize(
    ("schema", "prompt", "value"),
    [
        (
            EVENT,
            "Alice and Bob are going to a science fair on Friday.",
            {"name": "science fair", "date": "Friday", "participants": ["Alice", "Bob"]},
        ),
        (
            EVENT,
            "Schedule a team meeting with Carol and Dan Smith on March 3rd, 2026 at 10am.",
            {"name": "team meeting", "date": "March 3rd, 2026", "participants": ["Carol", "Dan Smith"]},
        ),
        (
            INVOICE,
            "Invoice INV-2041 for Acme Corp: total $1,249.50 USD, due 15 April 2026.",
            {
                "invoice_number": "INV-2041",
                "customer": "Acme Corp",
                "total": 1249.5,
                "currency": "USD",
                "due_date": "2026-04-15",
                "amounts": [1249.5],
            },
        ),
        (
            {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 5},
            "I like blue and green.",
            None,
        ),
        (
            {
                "type": "object",
                "properties": {"colors": {"type": "array", "items": {"enum": ["red", "green", "blue"]}}},
            },
            "Use the colors blue and green.",
            {"colors": ["blue", "green"]},
        ),
    ],
)
def test_what_is_extracted_is_what_the_prompt_says(schema: dict[str, Any], prompt: str, value: Any) -> None:
    made = json_schema.fill(schema, Draw(1), Slots(prompt))
    jsonschema.validate(made, schema)
    assert value is None or made == value


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,249.50 and 3,4", [1249.5, 3, 4]),
        ("$2,500 of 10,000", [2500, 10000]),
        ("ids 100,200,300", [100, 200, 300]),
        ("on March 3, 2026 we sold 7", [7]),
        ("12 May 2025: 4", [4]),
    ],
)
def test_numbers_are_those_of_the_text(text: str, numbers: list[float]) -> None:
    assert Slots(text).numbers == numbers


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ('Reply with JSON: {"colour": "...", "count": 3}', ["colour", "count"]),
        ("Give me JSON with keys name, age and city.", ["name", "age", "city"]),
        ("Say hello as JSON.", ["answer", "confidence"]),
    ],
)
def test_an_object_without_a_schema_has_the_keys_that_the_prompt_names(prompt: str, keys: list[str]) -> None:
    assert list(json_schema.fill_object(Draw(1), Slots(prompt), prompt)) == keys


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{3}-\d{4}$", r"^(?:[A-Z]{2,3})\.[a-f0-9]+$", r"^(ab|cd){2}\1?$", r"^[^aeiou]{5}$", r"^\S+\s\w*$", r"^a.c$"],
)
def test_generated_strings_match_their_pattern(pattern: str) -> None:
    for number in range(20):
        text = patterns.matching(pattern, Draw(number))
        assert text is not None
        assert re.search(pattern, text)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "\\W", "\\S", "[0-9_]", "(?:a|bc)", "(b)", "$", "^"])
LOOPS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "+?"])
PIECES = st.lists(st.tuples(ATOMS, LOOPS).map("".join), max_size=4).map("".join)
PATTERNS = st.one_of(PIECES, st.tuples(PIECES, PIECES, LOOPS).map(lambda at: f"^{at[0]}(?:{at[1]}|x){at[2]}$"))


@limits(max_examples=MANY)
@given(PATTERNS, st.text("abcx1_ \n", max_size=8))
def test_what_fits_a_pattern_is_what_it_matches_as_a_whole(pattern: str, text: str) -> None:
    try:
        read = re.compile(pattern)
    except re.error:
        return
    if not text.endswith("\n"):  # in front of which `$` matches, too
        assert patterns.fits(pattern, text) == (read.fullmatch(text) is not None)


def test_what_fits_a_pattern_is_found_in_good_time() -> None:
    for pattern in ("^((a+)+)+$", "(a*)*b", "(a|a|aa)*c", "a{1,9999}{1,9999}b"):
        assert not patterns.fits(pattern, "a" * 64 + "!")
    for unusual in ("(?i)a", "(?=a)a", "(a)\\1", "(", "(?<!b)a"):
        assert not patterns.fits(unusual, "a")


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?<=x)y", "a{99999}", "(((((a+)+)+)+)+)+$"])
def test_unusual_patterns_do_no_harm(pattern: str) -> None:
    text = patterns.matching(pattern, Draw(1))
    assert text is None or len(text) <= patterns.LONGEST


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (CLOSED, None),
        (
            {"type": "object", "properties": {}},
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            {**CLOSED, "required": []},
            "In context=(), 'required' is required to be supplied and to be an array including every key in properties. "
            "Missing 'a'.",
        ),
        ({**CLOSED, "required": ["a", "x"]}, "In context=(), Extra required key 'x' supplied."),
        (
            {**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}}},
            "In context=('properties', 'a', 'items'), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            {**CLOSED, "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {}}]}}},
            "In context=('properties', 'a', 'anyOf', '1'), 'additionalProperties' is required to be supplied and to be false.",
        ),
    ],
)
def test_strict_faults_in_the_reported_words(schema: Any, text: str | None) -> None:
    assert strict_schema.fault(schema) == text


@pytest.mark.parametrize(
    "schema",
    [[], {"type": "thing"}, {"type": {}}, {"type": [[]]}, {"properties": []}, {"required": "a"}, {"enum": 5}],
)
def test_what_is_no_json_schema_is_told(schema: Any) -> None:
    found = strict_schema.invalid(schema)
    assert found is not None
    assert found.endswith("Please ensure it is a valid JSON Schema.")


def test_a_root_must_be_an_object() -> None:
    found = strict_schema.fault({"type": "array", "items": {"type": "string"}})
    assert found is not None
    assert "got 'type: \"array\"'" in found

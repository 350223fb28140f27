"""Values satisfy their schema: `jsonschema` is the judge."""

import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.engine import json_schema, patterns, samples, strict_schema
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
    st.sampled_from(sorted(samples.FORMATS)).map(lambda form: {"type": "string", "format": form}),
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
            EVENT,
            "Team lunch with Bob and Carol on 2024-07-04",
            {"name": "Team lunch", "date": "2024-07-04", "participants": ["Bob", "Carol"]},
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


TEXT, WHOLE, MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
LIST, PLEASED = {"type": "array", "items": TEXT}, {"enum": ["positive", "negative", "neutral"]}
PAPER = "Title: Attention Is All You Need. Authors: Ashish Vaswani and Niki Parmar. Keywords: transformers, attention"
BERLIN = "My name is John Smith, I'm 34 and live in Berlin. Call +49 30 1234567."


@pytest.mark.parametrize(
    ("property", "schema", "prompt", "value"),
    [
        ("name", TEXT, BERLIN, "John Smith"),
        ("city", TEXT, BERLIN, "Berlin"),
        ("phone", TEXT, BERLIN, "+49 30 1234567"),
        ("first_name", TEXT, BERLIN, "John"),
        ("lastName", TEXT, BERLIN, "Smith"),
        ("name", TEXT, "My name is bob.", "bob"),
        ("full_name", TEXT, "Peter Parker, 17 years old, lives in Queens.", "Peter Parker"),
        ("patient", TEXT, "Patient: John Doe, born 1980; takes Aspirin.", "John Doe, born 1980"),
        ("nickname", MAYBE, BERLIN, None),
        ("city", MAYBE, BERLIN, "Berlin"),
        ("rating", {"anyOf": [WHOLE, {"type": "null"}]}, "It was fine.", None),
        ("rating", {"anyOf": [WHOLE, {"type": "null"}]}, "It was a 7.", 7),
        ("value", {"anyOf": [WHOLE, {"type": "boolean"}]}, "Take 12.", 12),
        ("authors", LIST, PAPER, ["Ashish Vaswani", "Niki Parmar"]),
        ("keywords", LIST, PAPER, ["transformers", "attention"]),
        ("title", TEXT, PAPER, "Attention Is All You Need"),
        ("items", LIST, "Buy milk, eggs and brown bread.", ["milk", "eggs", "brown bread"]),
        ("tasks", LIST, "Todo:\n- wash the car\n- call Ann\n", ["wash the car", "call Ann"]),
        ("sentiment", PLEASED, "I love this product, it is wonderful!", "positive"),
        ("sentiment", PLEASED, "I hate it.", "negative"),
        ("sentiment", PLEASED, "The parcel arrived on Tuesday.", "neutral"),
        ("agent", {"enum": ["sales_agent", "billing_agent"]}, "A problem with my billing.", "billing_agent"),
        ("currency", TEXT, "It was €12.", "EUR"),
        ("total", {"type": "number"}, "Order 12: 2 pizzas, total $32.50.", 32.5),
        ("tax", {"type": "number"}, "Tax (20%): 12.50\nTotal: 74.98", 12.5),
        ("total", {"type": "number"}, "Tax (20%): 12.50\nTotal: 74.98", 74.98),
        ("path", TEXT, "Read the file /etc/hosts, please.", "/etc/hosts"),
        ("price", WHOLE, "A flat of 850 square feet for $450,000.", 450000),
        ("square_feet", WHOLE, "$450,000 for 1,850 square feet.", 1850),
        ("medications", LIST, "Patient: John Doe, 45 years old, 82 kg", ["value medication", "first medication"]),
        ("participants", LIST, "Team lunch with Bob and Carol.", ["Bob", "Carol"]),
        ("title", TEXT, "Create an event titled 'Design review' with Ann and Joe.", "Design review"),
        ("attendees", LIST, "Create an event titled 'Design review' with Ann and Joe.", ["Ann", "Joe"]),
        ("body", TEXT, "Send a mail to bob@x.com saying hi.", "hi"),
        ("sql", TEXT, "Run this SQL: SELECT id FROM users", "SELECT id FROM users"),
        ("title", TEXT, "Remind me to buy milk tomorrow.", "buy milk"),
        ("final_answer", TEXT, "How can I solve 8x + 7 = -23?", "x = -3.75"),
        ("answer", WHOLE, "What is 12 * 7?", 84),
        ("result", {"type": "number"}, "What is 1 / 8?", 0.125),
        ("answer", TEXT, "What is 1 / 3?", "1/3"),
        ("price", {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}, "It costs $45.50.", "45.50"),
    ],
)
def test_one_property_takes_what_is_said_of_it(
    property: str, schema: dict[str, Any], prompt: str, value: Any
) -> None:
    whole = {"type": "object", "properties": {property: schema}, "required": [property]}
    made = json_schema.fill(whole, Draw(1), Slots(prompt))
    jsonschema.validate(made, whole)
    assert made == {property: value}


@pytest.mark.parametrize(
    ("schema", "prompt"),
    [
        ({"type": "array", "items": WHOLE, "minItems": 3, "uniqueItems": True}, "7"),
        ({"type": "array", "items": {"type": "number"}, "uniqueItems": True}, "1.0 and 1"),
        ({"type": "string", "format": "uri"}, "See http://[::1 for more."),
        ({"type": "number", "exclusiveMinimum": 1000, "maximum": 1002, "multipleOf": 1}, "1000"),
    ],
)
def test_what_the_prompt_offers_does_not_break_the_schema(schema: dict[str, Any], prompt: str) -> None:
    whole = {"type": "object", "properties": {"value": schema}, "required": ["value"]}
    for seed in range(20):
        made = json_schema.fill(whole, Draw(seed), Slots(prompt))
        jsonschema.validate(made, whole, format_checker=CHECKER)


def test_who_names_every_choice_has_made_none() -> None:
    schema = {"type": "object", "properties": {"topic": {"enum": ["sports", "news"]}}, "required": ["topic"]}
    prompt = Slots("Sports or news? Apple sells a new phone.")
    assert {json_schema.fill(schema, Draw(at), prompt)["topic"] for at in range(20)} == {"sports", "news"}


def test_an_array_is_as_long_as_the_prompt_asks() -> None:
    question = {"type": "object", "properties": {"question": TEXT}, "required": ["question"]}
    schema = {"type": "object", "properties": {"questions": {"type": "array", "items": question}}}
    made = json_schema.fill(schema, Draw(1), Slots("Write three quiz questions about Rome."), complete=True)
    assert len(made["questions"]) == 3


def test_what_the_last_text_does_not_offer_an_earlier_one_may() -> None:
    schema = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}, "required": ["name", "age"]}
    slots = Slots("Extract the data.", ["I am Tom, 44.", "The user is Zoe, aged 19."])
    assert json_schema.fill(schema, Draw(1), slots) == {"name": "Tom", "age": 44}


def test_a_long_text_is_read_at_both_ends() -> None:
    schema = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}, "required": ["name", "age"]}
    slots = Slots(f"Name: Anna Bell\nAge: 61\n{'filler words ' * 1000}\nExtract the data.")
    assert json_schema.fill(schema, Draw(1), slots) == {"name": "Anna Bell", "age": 61}


@pytest.mark.parametrize("pattern", [r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$", r"^(?=.*\d)[a-z\d]{4,8}$"])
def test_patterns_that_look_ahead_are_kept(pattern: str) -> None:
    for seed in range(50):
        made = json_schema.fill({"type": "string", "pattern": pattern}, Draw(seed), Slots(""))
        assert re.search(pattern, made)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,249.50 and 3,4", [1249.5, 3, 4]),
        ("$2,500 of 10,000", [2500, 10000]),
        ("ids 100,200,300", [100, 200, 300]),
        ("1,200 dollars, 1,850 square feet, $450,000", [1200, 1850, 450000]),
        ("on March 3, 2026 we sold 7", [7]),
        ("12 May 2025: 4", [4]),
        ("Call +44 20 7946 0958 or (415) 555-2671: 25.50 back", [25.5]),
    ],
)
def test_numbers_are_those_of_the_text(text: str, numbers: list[float]) -> None:
    assert Slots(text).numbers == numbers


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
    for unusual in ("(?i)a", "(?<=a)a", "(a)\\1", "(", "(?<!b)a"):
        assert not patterns.fits(unusual, "a")


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?<=x)y", "a{99999}", "(((((a+)+)+)+)+)+$", "[\\ud800]"])
def test_unusual_patterns_do_no_harm(pattern: str) -> None:
    text = patterns.matching(pattern, Draw(1))
    assert text is None or len(text.encode()) <= patterns.LONGEST


def test_parts_that_refer_to_parts_twice_are_not_folded_without_end() -> None:
    defs: dict[str, Any] = {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)}
    filler = json_schema._Filler({"$defs": defs}, Draw(1), Slots(""), False)
    filler.value({"$ref": "#/$defs/d0"}, "", "", 0)
    assert filler.folded < 10 * json_schema.MOST_FOLDED


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


def test_a_list_of_items_is_a_tuple_as_older_drafts_have_it() -> None:
    for rest in (False, {"type": "boolean"}):
        schema: dict[str, Any] = {"type": "array", "items": [{"type": "string"}, {"type": "number"}], "minItems": 2}
        made = json_schema.fill({**schema, "additionalItems": rest}, Draw(1))
        jsonschema.Draft7Validator({**schema, "additionalItems": rest}).validate(made)

"""JSON mode without a schema: keys and kinds of values that the messages ask for."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.engine import json_mode
from mockai.engine.draw import Draw

BOB = "I'm Bob Smith, bob@x.com, and I can't log in."
TICKET = 'Reply in JSON like {"category": "billing|bug", "urgent": true, "tags": ["a"]}'
SCHEMA = (
    '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name"]}'
)


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ('Reply with JSON: {"colour": "...", "count": 3}', ["colour", "count"]),
        ("Give me JSON with keys name, age and city.", ["name", "age", "city"]),
        ('Return JSON with keys "answer" and "sources".', ["answer", "sources"]),
        ('Return JSON only with "answer" and "sources".', ["answer", "sources"]),
        ("Extract name and email as JSON.", ["name", "email"]),
        ("Return a JSON object with name, email and phone.", ["name", "email", "phone"]),
        ("Return JSON with fields: name (string), age (number), email.", ["name", "age", "email"]),
        ("Reply in JSON.\n- title: string\n- steps: list of strings\n- done: boolean", ["title", "steps", "done"]),
        ("Say hello as JSON.", ["answer", "confidence"]),
        ("{ not JSON } Say hello as JSON.", ["answer", "confidence"]),
    ],
)
def test_the_object_has_the_keys_that_the_prompt_names(prompt: str, keys: list[str]) -> None:
    assert list(json_mode.fill([prompt], Draw(1))) == keys
    assert list(json_mode.fill([BOB, prompt], Draw(1))) == keys


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (TICKET, {"category": {"enum": ["billing", "bug"]}, "urgent": "boolean", "tags": ["string"]}),
        ('JSON: {"intent": <string>, "entities": [<string>]}', {"intent": "string", "entities": ["string"]}),
        ("JSON: {city: string, population: number}", {"city": "string", "population": "number"}),
        ('{"skills": string[], "n": 1, "x": 0.5,}', {"skills": ["string"], "n": "integer", "x": "number"}),
        ('{"a": {"b": "..."}, "c": [{"d": false}, ...]}', {"a": {"b": "string"}, "c": [{"d": "boolean"}]}),
        (
            '{\n  "mood": "happy" | "sad", // how it is\n  "why"?: "..."\n}',
            {"mood": {"enum": ["happy", "sad"]}, "why": "string"},
        ),
        ('{"age": "number | null"}', {"age": ["number", "null"]}),
        (SCHEMA, {"name": "string", "age": "integer"}),
    ],
)
def test_an_example_says_of_what_kind_the_values_are(text: str, types: dict[str, Any]) -> None:
    asked = json_mode.asked_for(f"Answer so: {text} Thanks.")
    assert asked is not None

    def plain(schema: dict[str, Any]) -> Any:
        if "properties" in schema:
            return {name: plain(entry) for name, entry in schema["properties"].items()}
        if schema.get("type") == "array":
            return [plain(schema["items"])]
        return schema if "enum" in schema else schema["type"]

    assert plain(asked.schema) == types


def test_values_are_those_of_the_message_and_not_of_the_example() -> None:
    made = json_mode.fill(
        [BOB, 'Answer as JSON: {"name": "Jane Doe", "email": "jane@doe.com", "topic": "a|b"}'], Draw(1)
    )
    assert made["name"] == "Bob Smith"
    assert made["email"] == "bob@x.com"
    assert made["topic"] in ("a", "b")
    told = "Return JSON with fields: name (string), age (number), email. Bob is 42, bob@x.com"
    assert json_mode.fill([told], Draw(1)) == {"name": "Bob", "age": 42, "email": "bob@x.com"}


LANGCHAIN = (
    "The output should be formatted as a JSON instance that conforms to the JSON schema below.\n\nAs an example, for the "
    'schema {"properties": {"foo": {"type": "array", "items": {"type": "string"}}}, "required": ["foo"]}\nthe object '
    '{"foo": ["bar"]} is well-formatted. The object {"properties": {"foo": ["bar"]}} is not.\n\nHere is the output '
    'schema:\n```\n{"properties": {"setup": {"type": "string"}, "rating": {"type": "integer"}}, "required": ["setup", '
    '"rating"]}\n```'
)


def test_the_last_schema_of_a_text_counts_however_deep() -> None:
    for form in (LANGCHAIN, LANGCHAIN.replace("below", "x" * 7000)):
        assert list(json_mode.fill(["Tell me a joke.", form], Draw(1))) == ["setup", "rating"]
    leaf: dict[str, Any] = {"type": "integer"}
    for _ in range(9):
        leaf = {"type": "object", "properties": {"inner": leaf}, "required": ["inner"]}
    made: Any = json_mode.fill(["Hello", f"Respond with JSON of this schema: {json.dumps(leaf)}"], Draw(1))
    for _ in range(9):
        made = made["inner"]
    assert isinstance(made, int)


def test_text_that_asks_for_json_by_a_schema_is_fenced_json() -> None:
    text = json_mode.fenced(["Rate it 4.", LANGCHAIN], Draw(1))
    assert text is not None
    assert text.startswith("```json\n{")
    assert json.loads(text.removeprefix("```json").removesuffix("```"))["rating"] == 4
    assert json_mode.fenced(["Rate it 4.", "Be brief."], Draw(1)) is None
    assert json_mode.fenced([f"What does this mean? {SCHEMA}"], Draw(1)) is None


@given(st.text('{}[]":,|a1 \n<>/.', max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(json_mode.fill([text, f"json {text}"], Draw(1)), dict)


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "{a:",
        '{"a":[',
        "a, ",
        "- a: b\n",
        '"a" ',
        '{"properties":{},"required":[]}',
        '{"properties":',
        "answer ",
        "with a and ",
        "return a, ",
        "//\n",
        " ",
    ],
)
def test_nasty_texts_take_no_time(piece: str) -> None:
    begun = time.thread_time()
    json_mode.asked_for(f"json {piece * 6000}")
    assert time.thread_time() - begun < 0.2

"""Which tools are called, with which arguments, and what is made of their results."""

from typing import Any

import jsonschema
import pytest

from mockai.engine import accounting, tools
from mockai.engine.draw import Draw

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}
COLOUR: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_favorite_color_for_day_of_week",
        "description": "Given a weekday name like Tuesday, gets the favorite color of the user on that day.",
        "parameters": {
            "type": "object",
            "properties": {"day_of_week": {"type": "string"}},
            "required": ["day_of_week"],
        },
    },
}
MAIL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "send_email",
        "description": "Send an e-mail to a recipient",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string", "format": "email"}, "subject": {"type": "string"}},
            "required": ["to", "subject"],
        },
    },
}


def called(text: str, *declared: dict[str, Any]) -> list[str]:
    return [accounting.name_of(entry.tool) for entry in tools.decide(text, declared, after_tool_result=False)]


def locations(text: str) -> list[str]:
    decisions = tools.decide(text, [WEATHER], after_tool_result=False)
    schema = WEATHER["function"]["parameters"]
    made = [entry.arguments or tools.arguments(schema, text, Draw(1), strict=False) for entry in decisions]
    for values in made:
        jsonschema.validate(values, schema)
    return [values["location"] for values in made]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is the weather in Paris?", ["Paris"]),
        ("What's the weather like in Boston today?", ["Boston"]),
        ("What's the weather like in San Francisco, Tokyo, and Paris?", ["San Francisco", "Tokyo", "Paris"]),
        ("What's the weather like in San Francisco and Boston?", ["San Francisco", "Boston"]),
        ("Tell me the weather for Boston, MA in fahrenheit", ["Boston, MA"]),
    ],
)
def test_locations_come_from_the_prompt(text: str, found: list[str]) -> None:
    assert locations(text) == found


@pytest.mark.parametrize(
    "text", ["Hello!", "Tell me a joke", "Who won the world series in 2020?", "How are you doing today?", ""]
)
def test_small_talk_calls_none(text: str) -> None:
    assert called(text, WEATHER, MAIL) == []


def test_the_tool_is_chosen_by_its_words_or_its_name() -> None:
    assert called("What's the weather like in Boston?", WEATHER, COLOUR, MAIL) == ["get_current_weather"]
    assert called("What's my favorite color on Tuesday?", WEATHER, COLOUR, MAIL) == [
        "get_favorite_color_for_day_of_week"
    ]
    assert called("Send an email to bob@example.com about lunch", WEATHER, MAIL) == ["send_email"]
    assert called("please run send_email", WEATHER, MAIL) == ["send_email"]


def test_after_a_result_nothing_is_called() -> None:
    assert tools.decide("What is the weather in Paris?", [WEATHER], after_tool_result=True) == []


def test_an_enum_word_of_the_prompt_is_taken() -> None:
    values = tools.arguments(WEATHER["function"]["parameters"], "Weather in Rome in Celsius please", Draw(1), False)
    assert values == {"location": "Rome", "unit": "celsius"}


def test_a_required_call_takes_the_best_tool() -> None:
    assert accounting.name_of(tools.choose_required("the color of the day", [WEATHER, COLOUR], Draw(1)).tool) == (
        "get_favorite_color_for_day_of_week"
    )
    assert tools.choose_required("Hello", [WEATHER], Draw(1)).tool is WEATHER


def test_a_custom_tool_gets_free_text_or_what_its_grammar_allows() -> None:
    plain = {"type": "custom", "custom": {"name": "run_code"}}
    assert tools.custom_input(plain, 'Run "print(1)" now', Draw(1)) == "print(1)"
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "^[a-c]{4}$"}}
    bound = {"type": "custom", "custom": {"name": "pick", "format": grammar}}
    made = tools.custom_input(bound, "anything", Draw(1))
    assert len(made) == 4
    assert set(made) <= set("abc")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"temperature": 72, "unit": "fahrenheit", "dry": true}', ["72", "fahrenheit", "Paris", "yes"]),
        ("Sunny with a light wind.", ["Sunny with a light wind.", "Paris"]),
        ("[1, 2, 3]", ["1, 2, 3"]),
        ('{"nested": {"deep": ["x", null]}}', ["nested", "x", "unknown"]),
        ("", ["Paris"]),
    ],
)
def test_an_answer_uses_the_results(output: str, words: list[str]) -> None:
    text = tools.answer_from_results([("get_weather", {"location": "Paris"}, output)], "?", Draw(1))
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": True}}}},
        {"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"type": "object"}]}}},
    ],
)
def test_odd_declarations_are_no_trouble(odd: dict[str, Any]) -> None:
    tools.decide("call f on Paris, Rome and 3", [odd], after_tool_result=False)
    assert isinstance(tools.arguments(odd["function"].get("parameters") or {}, "x", Draw(1), False), dict)

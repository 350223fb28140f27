"""Which tools are called, with which arguments, and what is made of their results."""

from typing import Any

import jsonschema
import pytest

from mockai.engine import accounting, tools
from mockai.engine.draw import Draw
from tests.api.chat import WEATHER

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
    return [accounting.name_of(entry.tool) for entry in tools.decide(text, declared)]


def locations(text: str) -> list[str]:
    decisions = tools.decide(text, [WEATHER])
    schema = WEATHER["function"]["parameters"]
    made = [entry.arguments or tools.arguments(schema, text, Draw(1), False, entry.part) for entry in decisions]
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
        ("What is the weather in Paris and in Oslo?", ["Paris", "Oslo"]),
        ("What is the weather in Paris, Oslo and Rome?", ["Paris", "Oslo", "Rome"]),
        ("What is the weather in Paris, in Oslo and in Rome?", ["Paris", "Oslo", "Rome"]),
        ("Weather in Paris and also in Oslo", ["Paris", "Oslo"]),
        ("What is the weather in Paris? And in Oslo?", ["Paris", "Oslo"]),
        ("What is the weather in Paris as well as Oslo?", ["Paris", "Oslo"]),
        ("The weather in Paris, and the weather in Oslo", ["Paris", "Oslo"]),
        ("Compare the weather in Paris with Oslo", ["Paris", "Oslo"]),
        ("Weather for Boston, MA and for Austin, TX", ["Boston, MA", "Austin, TX"]),
        ("Weather in Paris, France and Oslo, Norway", ["Paris, France", "Oslo, Norway"]),
        ("The weather in Paris? Bob is in Oslo.", ["Paris"]),
        ("The weather on the way from Paris to Oslo", ["Paris"]),
        ("The weather in Paris and Oslo, please. Thanks, Bob", ["Paris", "Oslo"]),
        ("what is the weather in paris?", ["paris"]),
        ("Get the weather for\n- Paris\n- Rome\n- Oslo", ["Paris", "Rome", "Oslo"]),
        ("The weather in each of these:\n1. Paris\n2. Rome", ["Paris", "Rome"]),
        (
            f"Weather in {', '.join(f'Town {name}' for name in 'ABCDEFGHIJKL')}",
            [f"Town {name}" for name in "ABCDEFGH"],
        ),
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


def test_an_enum_word_of_the_prompt_is_taken() -> None:
    values = tools.arguments(WEATHER["function"]["parameters"], "Weather in Rome in Celsius please", Draw(1), False)
    assert values == {"location": "Rome", "unit": "celsius"}


TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
FLAG: dict[str, Any] = {"type": "boolean"}
CURRENCY: dict[str, Any] = {"type": "string", "enum": ["GBP", "EUR", "USD"]}
UPPER: dict[str, Any] = {"type": "string", "pattern": "^[A-Z]{3}$"}


def described(text: str) -> dict[str, Any]:
    return {"type": "string", "description": text}


@pytest.mark.parametrize(
    ("text", "properties", "expected"),
    [
        ("What is the stock price of AAPL?", {"symbol": TEXT}, {"symbol": "AAPL"}),
        ("Price of BRK.B, please", {"ticker": TEXT}, {"ticker": "BRK.B"}),
        ("How much is $F?", {"asset": described("The ticker")}, {"asset": "F"}),
        ("What is the price of Apple stock?", {"symbol": TEXT}, {"symbol": "Apple"}),
        ("convert 100 USD to EUR", {"amount": NUMBER, "from_currency": TEXT, "to_currency": TEXT}, {"amount": 100, "from_currency": "USD", "to_currency": "EUR"}),
        ("to EUR from USD", {"from_currency": CURRENCY, "to_currency": CURRENCY}, {"from_currency": "USD", "to_currency": "EUR"}),
        ("100 USD in EUR", {"source": TEXT, "target": TEXT}, {"source": "USD", "target": "EUR"}),
        ("100 USD into EUR", {"base": UPPER, "quote": UPPER}, {"base": "USD", "quote": "EUR"}),
        ("Flights from SFO to JFK on 2026-03-01", {"origin": TEXT, "destination": TEXT, "date": TEXT}, {"origin": "SFO", "destination": "JFK", "date": "2026-03-01"}),
        ("Fly to JFK from SFO for 2 nights with 3 guests", {"arrival_airport": TEXT, "departure_airport": TEXT, "guests": {"type": "integer"}, "nights": {"type": "integer"}}, {"arrival_airport": "JFK", "departure_airport": "SFO", "guests": 3, "nights": 2}),
        ("Where is order A-1042?", {"order_id": TEXT}, {"order_id": "A-1042"}),
        ("Refund invoice INV-7 of order A-1042", {"order_id": TEXT, "invoice_id": TEXT}, {"order_id": "A-1042", "invoice_id": "INV-7"}),
        ("Where is A-1042?", {"key": described("The id of the order")}, {"key": "A-1042"}),
        ("Where is A-1042?", {"key": {"type": "string", "pattern": "^[A-Z]-\\d{4}$"}}, {"key": "A-1042"}),
        ("Where is order #1042?", {"order": TEXT, "number": {"type": "integer"}}, {"order": "1042", "number": 1042}),
        ("From 2026-03-01 to 2026-03-05", {"end_date": TEXT, "start_date": TEXT}, {"end_date": "2026-03-05", "start_date": "2026-03-01"}),
        ("At 09:30 on 2026-03-01", {"time": TEXT, "due": {"type": "string", "format": "date"}}, {"time": "09:30", "due": "2026-03-01"}),
        ("Until 2026-03-01T09:30:00Z", {"when": {"type": "string", "format": "date-time"}}, {"when": "2026-03-01T09:30:00Z"}),
        ("Ping 192.0.2.9 then", {"host": {"type": "string", "format": "ipv4"}}, {"host": "192.0.2.9"}),
        ('Mail bob@example.com, subject "Lunch", body "At noon"', {"to": TEXT, "body": TEXT, "subject": TEXT}, {"to": "bob@example.com", "body": "At noon", "subject": "Lunch"}),
        ("Invite ada@example.com", {"who": described("E-mail of a user")}, {"who": "ada@example.com"}),
        ("Turn the light in the kitchen off", {"room": TEXT, "on": FLAG}, {"room": "kitchen", "on": False}),
        ("Turn on the light, brightness 40", {"on": FLAG, "brightness": {"type": "integer"}}, {"on": True, "brightness": 40}),
        ("Disable it", {"enabled": FLAG}, {"enabled": False}),
        ("The price without tax, express is true", {"include_tax": FLAG, "express": FLAG}, {"include_tax": False, "express": True}),
        ("The price with tax for 2,000 pieces", {"include_tax": FLAG, "pieces": NUMBER}, {"include_tax": True, "pieces": 2000}),
    ],
)  # fmt: skip
def test_values_of_the_prompt_land_where_they_belong(
    text: str, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    for number in range(3):
        assert tools.arguments(schema, text, Draw(number), strict=False) == expected


@pytest.mark.parametrize("required", [[], ["kind"]])
def test_choices_are_several_calls_where_one_has_to_be_made(required: list[str]) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string", "enum": ["tea", "milk"]}},
        "required": required,
    }
    tool = {"type": "function", "function": {"name": "pour", "description": "Pour a drink", "parameters": schema}}
    assert len(called("Pour a drink: milk and tea", tool)) == len(required) + 1


def test_what_was_called_one_after_the_other_is_not_called_again() -> None:
    decisions = tools.decide("What is the weather in Paris, Oslo and Rome?", [WEATHER])
    name = "get_current_weather"
    assert [len(tools.left(decisions, [name] * count)) for count in range(5)] == [3, 2, 1, 0, 0]
    assert tools.left(decisions, ["another"]) == decisions


def test_a_required_call_takes_the_best_tool() -> None:
    assert accounting.name_of(tools.choose_required("the color of the day", [WEATHER, COLOUR], [], Draw(1)).tool) == (
        "get_favorite_color_for_day_of_week"
    )
    assert tools.choose_required("Hello", [WEATHER], [], Draw(1)).tool is WEATHER


def test_a_custom_tool_gets_free_text_or_what_its_grammar_allows() -> None:
    plain = {"type": "custom", "custom": {"name": "run_code"}}
    for text in ('Run "print(1)" now', "Run this: print(1)", "Please run\n```python\nprint(1)\n```", "print(1)"):
        assert tools.custom_input(plain, text, Draw(1)) == "print(1)"
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
    tools.decide("call f on Paris, Rome and 3", [odd])
    assert isinstance(tools.arguments(odd["function"].get("parameters") or {}, "x", Draw(1), False), dict)

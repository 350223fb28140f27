"""Questions that go on from the last call."""

from typing import Any

import pytest

from mockai.engine import following
from tests.api.chat import WEATHER

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def tool(name: str, description: str, **properties: Json) -> Json:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


STOCK = tool("get_stock_price", "Get the current price of a stock", symbol=TEXT)
FLIGHTS = tool("find_flights", "Find flights", origin=TEXT, destination=TEXT)
ADD = tool("add", "Add two numbers", a={"type": "integer"}, b={"type": "integer"})
ORDER = tool("get_order", "Get an order", order_id=TEXT)
PARIS = {"location": "Paris", "unit": "celsius"}
FLOWN = {"origin": "Oslo", "destination": "Paris"}


@pytest.mark.parametrize(
    ("text", "last", "given", "expected"),
    [
        ("And in London?", WEATHER, PARIS, [{"location": "London", "unit": "celsius"}]),
        ("and in london?", WEATHER, {"location": "Paris"}, [{"location": "london"}]),
        ("What about Tokyo?", WEATHER, PARIS, [{"location": "Tokyo", "unit": "celsius"}]),
        ("And what about Tokyo tomorrow?", WEATHER, PARIS, [{"location": "Tokyo", "unit": "celsius"}]),
        (
            "Ok, how about Rome and Oslo?",
            WEATHER,
            {"location": "Paris"},
            [{"location": "Rome"}, {"location": "Oslo"}],
        ),
        ("Now in fahrenheit", WEATHER, PARIS, [{"location": "Paris", "unit": "fahrenheit"}]),
        ("Same for Boston, MA please", WEATHER, {"location": "Paris"}, [{"location": "Boston, MA"}]),
        ("And MSFT?", STOCK, {"symbol": "AAPL"}, [{"symbol": "MSFT"}]),
        ("And to Rome?", FLIGHTS, FLOWN, [{"origin": "Oslo", "destination": "Rome"}]),
        ("And from Rome?", FLIGHTS, FLOWN, [{"origin": "Rome", "destination": "Paris"}]),
        ("And 17 and 3?", ADD, {"a": 1, "b": 2}, [{"a": 17, "b": 3}]),
        ("And order A-1043?", ORDER, {"order_id": "A-1042"}, [{"order_id": "A-1043"}]),
        ("And you?", WEATHER, PARIS, []),
        ("What about you, Bob?", WEATHER, PARIS, []),
        ("And thanks, Bob!", WEATHER, PARIS, []),
        ("And Bob says hello", WEATHER, PARIS, []),
        ("And who is Bob?", WEATHER, PARIS, []),
        ("And now tell me a joke about Paris", WEATHER, PARIS, []),
        ("London is nice", WEATHER, PARIS, []),
        ("And then?", WEATHER, PARIS, []),
        ("", WEATHER, PARIS, []),
    ],
)
def test_a_new_value_calls_the_last_tool_again(text: str, last: Json, given: Json, expected: list[Json]) -> None:
    made = following.decide(text, [WEATHER, STOCK, FLIGHTS, ADD, ORDER], last["function"]["name"], given)
    assert [entry.tool for entry in made] == [last] * len(expected)
    assert [entry.arguments for entry in made] == expected


def test_a_tool_that_is_offered_no_more_is_not_called() -> None:
    assert following.decide("And in London?", [STOCK], "get_current_weather", {"location": "Paris"}) == []

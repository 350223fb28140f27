"""Chat completions: tools are called, and what came of them is told."""

import json
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from tests.api.chat import ASK, WEATHER, create


def test_the_weather_example_of_the_guide_in_parallel(client: TestClient) -> None:
    messages: list[Any] = [{"role": "user", "content": "What's the weather like in San Francisco, Tokyo, and Paris?"}]
    first = create(client, model="gpt-3.5-turbo-1106", messages=messages, tools=[WEATHER], tool_choice="auto")
    choice = first["choices"][0]
    calls = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert [json.loads(call["function"]["arguments"])["location"] for call in calls] == [
        "San Francisco",
        "Tokyo",
        "Paris",
    ]
    assert len({call["id"] for call in calls}) == 3
    messages.append(choice["message"])
    for call, degrees in zip(calls, ("72", "10", "22"), strict=True):
        output = json.dumps({"temperature": degrees, "unit": "celsius"})
        messages.append(
            {"role": "tool", "tool_call_id": call["id"], "name": "get_current_weather", "content": output}
        )
    last = create(client, model="gpt-3.5-turbo-1106", messages=messages, tools=[WEATHER])["choices"][0]
    assert last["finish_reason"] == "stop"
    assert all(word in last["message"]["content"] for word in ("72", "10", "22", "Tokyo"))


def test_one_call_when_parallel_calls_are_off(client: TestClient) -> None:
    asked = [{"role": "user", "content": "Weather in Rome and Oslo?"}]
    answer = create(client, messages=asked, tools=[WEATHER], parallel_tool_calls=False)
    assert len(answer["choices"][0]["message"]["tool_calls"]) == 1


@pytest.mark.parametrize(
    "options",
    [{"parallel_tool_calls": False}, {"parallel_tool_calls": False, "tool_choice": "auto"}, {"model": "gpt-4-0613"}],
)
def test_calls_that_may_not_be_parallel_come_one_after_the_other(client: TestClient, options: Any) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris and in Oslo?"}]
    asked = []
    for degrees in ("21", "12"):
        choice = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
        (call,) = choice["message"]["tool_calls"]
        asked.append(json.loads(call["function"]["arguments"])["location"])
        messages += [
            choice["message"],
            {"role": "tool", "tool_call_id": call["id"], "content": f'{{"degrees": {degrees}}}'},
        ]
    last = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
    assert asked == ["Paris", "Oslo"]
    assert last["finish_reason"] == "stop"
    assert all(word in last["message"]["content"] for word in ("Paris", "21", "Oslo", "12"))
    messages += [last["message"], {"role": "user", "content": "And what is the weather in Rome?"}]
    choice = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])["location"] == "Rome"


PRICE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_stock_price",
        "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]},
    },
}


@pytest.mark.parametrize(("options", "turns"), [({}, [2]), ({"parallel_tool_calls": False}, [1, 1])])
def test_each_tool_that_a_message_asks_for_is_called_once(client: TestClient, options: Any, turns: list[int]) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "What's the weather in Paris and the stock price of MSFT?"},
    ]
    made, counts = [], []
    for _ in range(4):
        choice = create(client, messages=messages, tools=[PRICE, WEATHER], **options)["choices"][0]
        calls = choice["message"].get("tool_calls") or []
        if not calls:
            break
        counts.append(len(calls))
        messages.append(choice["message"])
        for call in calls:
            made.append((call["function"]["name"], *json.loads(call["function"]["arguments"]).values()))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "42"})
    assert counts == turns
    assert [entry[:2] for entry in made] == [("get_current_weather", "Paris"), ("get_stock_price", "MSFT")]
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("options", [{}, {"parallel_tool_calls": False}, {"model": "gpt-4-0613"}])
def test_a_question_that_goes_on_calls_the_last_tool_again(client: TestClient, options: Any) -> None:
    messages: list[Any] = []
    for question, place in (
        ("Weather in Paris in celsius?", "Paris"),
        ("And in London?", "London"),
        ("And Rome?", "Rome"),
    ):
        messages.append({"role": "user", "content": question})
        choice = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
        (call,) = choice["message"]["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"location": place, "unit": "celsius"}
        messages += [choice["message"], {"role": "tool", "tool_call_id": call["id"], "content": "mild"}]
        said = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
        assert said["finish_reason"] == "stop"
        messages.append(said["message"])
    messages.append({"role": "user", "content": "Thanks, that's all"})
    last = create(client, messages=messages, tools=[WEATHER], **options)["choices"][0]
    assert last["finish_reason"] == "stop"


def test_legacy_functions_come_one_after_the_other(client: TestClient) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris and in Oslo?"}]
    asked = []
    while (
        choice := create(client, model="gpt-3.5-turbo", messages=messages, functions=[WEATHER["function"]])[
            "choices"
        ][0]
    )["finish_reason"] == "function_call":
        asked.append(json.loads(choice["message"]["function_call"]["arguments"])["location"])
        output = {"role": "function", "name": "get_current_weather", "content": f"sunny in {asked[-1]}"}
        messages += [choice["message"], output]
    assert asked == ["Paris", "Oslo"]
    assert all(f"sunny in {city}" in choice["message"]["content"] for city in asked)


@pytest.mark.parametrize(
    ("choice", "model", "finish"),
    [
        ("required", "gpt-4o-mini", "tool_calls"),
        ({"type": "function", "function": {"name": "get_current_weather"}}, "gpt-4o-mini", "stop"),
        ({"type": "function", "function": {"name": "get_current_weather"}}, "gpt-5-mini", "tool_calls"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "get_current_weather"}}],
                },
            },
            "gpt-4o-mini",
            "tool_calls",
        ),
    ],
)
def test_a_demanded_call_comes_whatever_is_said(client: TestClient, choice: Any, model: str, finish: str) -> None:
    answer = create(client, model=model, tools=[WEATHER], tool_choice=choice, reasoning_effort=None)
    got = answer["choices"][0]
    jsonschema.validate(
        json.loads(got["message"]["tool_calls"][0]["function"]["arguments"]), WEATHER["function"]["parameters"]
    )
    assert got["finish_reason"] == finish


@pytest.mark.parametrize(
    "tool", [{"type": "function", "function": {"name": "nope"}}, {"function": 5}, {"foo": "bar"}]
)
def test_only_declared_tools_can_be_allowed(client: TestClient, tool: Any) -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool]}}
    error = create(client, tools=[WEATHER], tool_choice=choice)["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "function_call")
    assert "no function named" in error["message"]


CUSTOM: dict[str, Any] = {"type": "custom", "custom": {"name": "free_text"}}


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "custom", "custom": {"name": "get_current_weather"}},
        {"type": "function", "function": {"name": "free_text"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", **CUSTOM["custom"]}]},
        },
    ],
)
def test_a_choice_names_a_tool_of_its_own_kind(client: TestClient, choice: Any) -> None:
    """The text for a custom tool is not known: it is that of a function."""
    error = create(client, model="gpt-5", tools=[WEATHER, CUSTOM], tool_choice=choice)["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "function_call")
    good = create(client, model="gpt-5", tools=[WEATHER, CUSTOM], tool_choice=CUSTOM)
    assert good["choices"][0]["message"]["tool_calls"][0]["custom"]["name"] == "free_text"


def test_none_and_small_talk_are_answered_in_text(client: TestClient) -> None:
    for body in ({"tool_choice": "none", "messages": ASK}, {"messages": [{"role": "user", "content": "Hello!"}]}):
        choice = create(client, tools=[WEATHER], **body)["choices"][0]
        assert choice["finish_reason"] == "stop"
        assert "tool_calls" not in choice["message"]


def test_legacy_functions(client: TestClient) -> None:
    choice = create(client, model="gpt-3.5-turbo", messages=ASK, functions=[WEATHER["function"]])["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert json.loads(choice["message"]["function_call"]["arguments"])["location"] == "Boston"
    history = [*ASK, choice["message"], {"role": "function", "name": "get_current_weather", "content": "sunny, 20"}]
    last = create(client, model="gpt-3.5-turbo", messages=history, functions=[WEATHER["function"]])["choices"][0]
    assert "sunny, 20" in last["message"]["content"]


def test_a_demanded_legacy_function_ends_with_stop(client: TestClient) -> None:
    """As a named tool does (chat.md §4, recorded); openai-node#305 has it of functions."""
    choice: dict[str, Any] = {"name": "get_current_weather"}
    body: dict[str, Any] = {"model": "gpt-4", "functions": [WEATHER["function"]], "function_call": choice}
    whole = create(client, **body)["choices"][0]
    assert whole["finish_reason"] == "stop"
    assert whole["message"]["function_call"]["name"] == "get_current_weather"
    parts = [chunk["choices"][0] for chunk in create(client, stream=True, **body)]
    assert parts[0]["delta"]["function_call"]["name"] == "get_current_weather"
    assert parts[-1]["finish_reason"] == "stop"


def test_custom_tools(client: TestClient) -> None:
    tool = {"type": "custom", "custom": {"name": "run_code", "description": "Runs code"}}
    call = create(client, model="gpt-5", tools=[tool], tool_choice="required")["choices"][0]["message"]["tool_calls"][
        0
    ]
    assert call["type"] == "custom"
    assert call["custom"]["name"] == "run_code"
    assert isinstance(call["custom"]["input"], str)


def test_a_cut_call_keeps_its_truncated_arguments(client: TestClient) -> None:
    choice = create(client, messages=ASK, tools=[WEATHER], max_tokens=13)["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(ValueError):
        json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_arguments_have_what_was_said_in_an_earlier_turn(client: TestClient, strict: bool) -> None:
    parameters = {
        "type": "object",
        "properties": {"order_id": {"type": "string"}},
        "required": ["order_id"],
        "additionalProperties": False,
    }
    lookup = {
        "type": "function",
        "function": {"name": "lookup_order", "description": "Look up an order", "strict": strict}
        | {"parameters": parameters},
    }
    messages = [
        {"role": "user", "content": "Hi, my order id is A-1234."},
        {"role": "assistant", "content": "How can I help?"},
        {"role": "user", "content": "Where is it? Please look up my order."},
    ]
    (call,) = create(client, messages=messages, tools=[lookup])["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"order_id": "A-1234"}


def _run(client: TestClient, question: str, tools: list[Any], outputs: dict[str, str], **options: Any) -> list[str]:
    """Return the names of the tools that an agent's loop calls, until it is done or has gone on too long."""
    messages: list[Any] = [{"role": "user", "content": question}]
    called: list[str] = []
    while len(called) < 6:
        message = create(client, messages=messages, tools=tools, **options)["choices"][0]["message"]
        messages.append(message)
        for call in message.get("tool_calls") or ():
            called.append(call["function"]["name"])
            output = outputs.get(called[-1], "")
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": output})
        if not message.get("tool_calls") or called[-1] == "final_result":
            break
    return called


def test_an_agent_that_answers_by_a_call_comes_to_its_end(client: TestClient) -> None:
    """Pydantic AI and LangChain offer the answer as a last tool and demand a call in each turn."""
    final = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"]}
    offered = [WEATHER, {"type": "function", "function": {"name": "final_result", "parameters": final}}]
    called = _run(client, "What is the weather in Rome?", offered, {}, tool_choice="required")
    assert called == ["get_current_weather", "final_result"]


def test_structured_answers_have_the_values_of_tool_results(client: TestClient) -> None:
    properties = {"city": {"type": "string"}, "temperature": {"type": "number"}, "mood": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "report", "strict": True, "schema": schema}}
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
    first = create(client, messages=messages, tools=[WEATHER], response_format=form)["choices"][0]["message"]
    output = '{"location": "Rome", "now": [{"humidity": 30, "temperature": 72}]}'
    messages += [first, {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": output}]
    last = create(client, messages=messages, tools=[WEATHER], response_format=form)["choices"][0]["message"]
    made = json.loads(last["content"])
    assert (made["city"], made["temperature"]) == ("Rome", 72)
    assert made["mood"] not in ("location", "now", "humidity", "temperature")  # names are no values


def test_a_result_of_any_depth_is_read(client: TestClient) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "report", "schema": {"type": "object"}}}
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
    first = create(client, messages=messages, tools=[WEATHER])["choices"][0]["message"]
    for output in ("[" * 500 + "]" * 500, '{"a": ' * 500 + "1" + "}" * 500, "null", "no JSON", ""):
        told = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": output}
        answer = create(client, messages=[*messages, first, told], tools=[WEATHER], response_format=form)
        assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)


def test_json_that_a_prompt_asks_for_by_its_schema_comes_fenced(client: TestClient) -> None:
    schema = '{"properties": {"age": {"type": "integer"}}, "required": ["age"]}'
    system = {"role": "system", "content": f"Answer with JSON of this schema: {schema}"}
    answer = create(client, messages=[system, {"role": "user", "content": "Ann is 42."}])
    assert answer["choices"][0]["message"]["content"] == '```json\n{\n  "age": 42\n}\n```'

"""Which tools a message asks for: messages, the tools that are offered, and the calls that come."""

import time
from typing import Any

import jsonschema
import pytest

from mockai.engine import accounting, tools
from mockai.engine.draw import Draw

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}


def tool(name: str, description: str, optional: Json | None = None, /, **properties: Json) -> Json:
    parameters = {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


CATEGORY: Json = {"type": "string", "enum": ["books", "music", "electronics"]}
PRIORITY: Json = {"type": "string", "enum": ["low", "medium", "high", "urgent"]}
REASON: Json = {"type": "string", "enum": ["damaged", "late", "wrong_item", "other"]}
OFFERED: Json = {
    "weather": tool("get_weather", "Get the current weather in a city", location=TEXT),
    "stock": tool("get_stock_price", "Get the current price of a stock", symbol=TEXT),
    "mail": tool("send_email", "Send an email", to=TEXT, body=TEXT),
    "calculate": tool("calculate", "Evaluate a mathematical expression", expression=TEXT),
    "add": tool("add", "Add two numbers", a=WHOLE, b=WHOLE),
    "multiply": tool("multiply", "Multiply two numbers", a=WHOLE, b=WHOLE),
    "user": tool("get_user", "Get a user by id", user_id=WHOLE),
    "todo": tool("create_todo", "Create a todo item", {"due_date": TEXT}, title=TEXT),
    "remind": tool("set_reminder", "Set a reminder", text=TEXT, when=TEXT),
    "products": tool(
        "search_products", "Search the product catalog", {"category": CATEGORY, "max_price": NUMBER}, query=TEXT
    ),
    "event": tool(
        "create_event",
        "Create a calendar event",
        title=TEXT,
        start={"type": "string", "format": "date-time"},
        attendees={"type": "array", "items": TEXT},
    ),
    "read": tool("read_file", "Read a file", path=TEXT),
    "write": tool("write_file", "Write content to a file", path=TEXT, content=TEXT),
    "list": tool("list_directory", "List a directory", path=TEXT),
    "short": tool("W", "Weather of a city", city=TEXT),
    "sql": tool("run_sql", "Run a SQL query", query=TEXT),
    "order": tool("get_order_status", "Get the status of an order", order_id=TEXT),
    "search": tool("web_search", "Search the web", query=TEXT),
    "delivery": tool("get_delivery_date", "Get the delivery date for a customer's order", order_id=TEXT),
    "cancel": tool("cancel_order", "Cancel an order", order_id=TEXT),
    "pizza": tool("order_pizza", "Order a pizza", size={"type": "string", "enum": ["small", "large"]}),
    "rain": tool("get_rain_probability", "Get the probability of rain for a location", location=TEXT),
    "customer": tool("get_customer", "Look up a customer by email", email=TEXT),
    "on": tool("turn_on_light", "Turn on a light", room=TEXT),
    "off": tool("turn_off_light", "Turn off a light", room=TEXT),
    "days": tool("get_n_day_weather_forecast", "Get an N-day weather forecast", location=TEXT, num_days=WHOLE),
    "lights": tool("set_lights", "Turn lights on or off", room=TEXT, on={"type": "boolean"}),
}
ALL = " ".join(OFFERED)
OFFERED |= {
    "kb": tool("search_kb", "Search the knowledge base for articles", query=TEXT),
    "close": tool("close_ticket", "Close a ticket", ticket_id=TEXT),
    "ticket": tool("get_ticket", "Get a ticket", ticket_id=TEXT),
    "priority": tool("set_priority", "Change the priority of a ticket", ticket_id=TEXT, priority=PRIORITY),
    "lookup": tool("lookup_order", "Look up the status of an order", order_id=TEXT),
    "refund": tool("create_refund", "Create a refund for an order", order_id=TEXT, amount=NUMBER, reason=REASON),
}


def calls(text: str, offered: str) -> list[tuple[str, Json]]:
    declared = {OFFERED[key]["function"]["name"]: key for key in OFFERED}
    made = []
    for entry in tools.decide(text, [OFFERED[key] for key in offered.split()]):
        schema = entry.tool["function"]["parameters"]
        values = entry.arguments or tools.arguments(schema, text, Draw(1), False, entry.part)
        jsonschema.validate(values, schema)
        made.append((declared[accounting.name_of(entry.tool)], values))
    return made


@pytest.mark.parametrize(
    ("text", "offered", "expected"),
    [
        # several tools in one message, each with its own values
        ("What's the weather in Paris and the stock price of MSFT?", "weather stock", [("weather", {"location": "Paris"}), ("stock", {"symbol": "MSFT"})]),
        ("What's the stock price of MSFT and the weather in Paris?", "weather stock", [("stock", {"symbol": "MSFT"}), ("weather", {"location": "Paris"})]),
        ("What's the weather like in Paris today? What's the weather like in Bogotá? Could you send a message to bob@email.com saying hi?", "weather mail", [("weather", {"location": "Paris"}), ("weather", {"location": "Bogotá"}), ("mail", {"to": "bob@email.com"})]),
        ("Get the weather in Paris, then email bob@x.com about it", "mail weather", [("weather", {"location": "Paris"}), ("mail", {"to": "bob@x.com"})]),
        ("Get the weather and the stock price of MSFT", "weather stock", [("weather", {}), ("stock", {"symbol": "MSFT"})]),
        ("I am off to Rome! What's the weather there, and where is order A-1042?", "weather order", [("weather", {"location": "Rome"}), ("order", {"order_id": "A-1042"})]),
        ("I'm visiting Paris and Rome! What is the weather there?", "weather", [("weather", {"location": "Paris"}), ("weather", {"location": "Rome"})]),
        ("What is 3 * 12? Also, what is 11 + 49?", "add multiply", [("multiply", {"a": 3, "b": 12}), ("add", {"a": 11, "b": 49})]),
        ("What is 3 * 12? Also, what is 5 * 7?", "add multiply", [("multiply", {"a": 3, "b": 12}), ("multiply", {"a": 5, "b": 7})]),
        ("Add 2 and 3, and multiply 4 by 5", "multiply add", [("add", {"a": 2, "b": 3}), ("multiply", {"a": 4, "b": 5})]),
        ("The weather in Paris, and the weather in Oslo", ALL, [("weather", {"location": "Paris"}), ("weather", {"location": "Oslo"})]),
        ("Weather in Paris and Oslo and the price of AAPL stock", "weather stock", [("weather", {"location": "Paris"}), ("weather", {"location": "Oslo"}), ("stock", {"symbol": "AAPL"})]),
        # what is said in other words, or by a value
        ("How hot is it in Madrid today?", "weather stock", [("weather", {"location": "Madrid"})]),
        ("Do I need an umbrella in London?", "weather mail", [("weather", {"location": "London"})]),
        ("What's TSLA trading at?", "weather stock", [("stock", {"symbol": "TSLA"})]),
        ("What is 15% of 240?", "weather calculate", [("calculate", {})]),
        ("What's 23*19?", "weather calculate", [("calculate", {"expression": "23*19"})]),
        ("How much is 11 plus 49?", "add multiply", [("add", {"a": 11, "b": 49})]),
        ("Get user 42", "user weather", [("user", {"user_id": 42})]),
        ("Remind me to buy milk tomorrow", "todo weather", [("todo", {})]),
        ("Remind me to buy milk tomorrow", "weather remind", [("remind", {"when": "tomorrow"})]),
        ("Find me books about gardening under $25", "weather products", [("products", {"category": "books", "max_price": 25})]),
        ("weather in Paris and Rome in c", "short", [("short", {"city": "Paris"}), ("short", {"city": "Rome"})]),
        ("i think it is order_12345", "delivery", [("delivery", {"order_id": "order_12345"})]),
        # of several tools for one thing
        ("Where is my order A-1042?", "pizza cancel order", [("order", {"order_id": "A-1042"})]),
        ("Cancel order A-1042", "pizza order cancel", [("cancel", {"order_id": "A-1042"})]),
        ("Order a large pizza", "order cancel pizza", [("pizza", {"size": "large"})]),
        ("Is it raining in Seattle right now?", "weather rain", [("rain", {"location": "Seattle"})]),
        ("Find the customer with email ann@x.com", "mail customer", [("customer", {"email": "ann@x.com"})]),
        ("First get the weather in Paris. Then search the web for Paris.", "weather search", [("weather", {"location": "Paris"}), ("search", {})]),
        ("Turn off the light in the kitchen", "on off", [("off", {})]),
        ("Turn on the light in the kitchen", "off on", [("on", {})]),
        ("What's the weather going to be like in Glasgow and Oslo over the next 4 days?", "weather days", [("days", {"location": "Glasgow", "num_days": 4}), ("days", {"location": "Oslo", "num_days": 4})]),
        ("Please call W for Paris", "weather short", [("short", {"city": "Paris"})]),
        ("Search for cats", "weather search", [("search", {})]),
        ("Read src/a.py and write hello to src/b.py", "list read write", [("read", {"path": "src/a.py"}), ("write", {"path": "src/b.py"})]),
        # one call only
        ("Create an event titled 'Design review' on 2025-03-04T10:00:00Z with Ann and Joe", "event", [("event", {"start": "2025-03-04T10:00:00Z", "attendees": ["Ann", "Joe"]})]),
        ("List the files in src/", "read write list", [("list", {})]),
        ("What's the weather in Paris? I need the weather for my trip. It is a short one.", "weather", [("weather", {"location": "Paris"})]),
        ("Weather in Paris! The weather should be in celsius.", "weather", [("weather", {"location": "Paris"})]),
        ("Send an email to bob@x.com. The email should say hi.", "mail", [("mail", {"to": "bob@x.com"})]),
        # nothing is destroyed without a word for it, and a choice that is said decides
        ("Mark ticket 31 as urgent", "close priority", [("priority", {"ticket_id": "31", "priority": "urgent"})]),
        ("Mark ticket 31 as urgent", "ticket close priority", [("priority", {"ticket_id": "31", "priority": "urgent"})]),
        ("Show me ticket 31", "close priority ticket", [("ticket", {"ticket_id": "31"})]),
        ("Show me ticket 31", "close priority", []),
        ("My order A-1042 is a mess", "cancel", []),
        ("I'd like the cancellation of order A-1042", "cancel", [("cancel", {"order_id": "A-1042"})]),
        ("Remove order A-1042", "pizza cancel", [("cancel", {"order_id": "A-1042"})]),
        ("Ticket 31 is done, please close it", "priority close", [("close", {"ticket_id": "31"})]),
        ("Set the priority of ticket 31 to high and close ticket 32", "close priority", [("priority", {"ticket_id": "31", "priority": "high"}), ("close", {"ticket_id": "32"})]),
        ("Look at my code", "lookup", []),
        # what is looked up is known by its id, or by what the tool is for
        ("What's the status of A-1234 and B-5678?", "lookup", [("lookup", {"order_id": "A-1234"}), ("lookup", {"order_id": "B-5678"})]),
        ("What's the status of A-1234 and B-5678?", "refund close kb lookup", [("lookup", {"order_id": "A-1234"}), ("lookup", {"order_id": "B-5678"})]),
        ("What's the status of the talks?", "lookup", []),
        ("Is GPT-4 better than GPT-3?", "lookup ticket", []),
        ("Find articles about resetting a password", "kb", [("kb", {})]),
        ("Look for articles on cats", "lookup refund close kb", [("kb", {})]),
        ("I wrote articles about cats", "kb", []),
        ("Find a rhyme for orange", "kb search", []),
        ("How do I find the area of a circle?", "kb search", []),
        # a number is an id or an amount, not both
        ("My order A-1234 arrived damaged, I'd like a refund of 59.90.", "lookup refund", [("refund", {"order_id": "A-1234", "amount": 59.9, "reason": "damaged"})]),
        ("Order 1234 was late, refund 5", "lookup refund", [("refund", {"order_id": "1234", "amount": 5, "reason": "late"})]),
        ("Look up order A-1234 and refund 20 dollars because it was late.", "lookup refund", [("lookup", {"order_id": "A-1234"}), ("refund", {"order_id": "A-1234", "amount": 20, "reason": "late"})]),
        ("Refund order 5, 5 dollars", "lookup refund", [("refund", {"order_id": "5", "amount": 5})]),
        ("Refund 7.50 for order #5 please", "lookup refund", [("refund", {"order_id": "5", "amount": 7.5})]),
        ("Refund $5 for order 77 and $6 for order 78", "lookup refund", [("refund", {"order_id": "77", "amount": 5}), ("refund", {"order_id": "78", "amount": 6})]),
        ("Refund orders 12, 13 and 14, 20 dollars each", "lookup refund", [("refund", {"order_id": number, "amount": 20}) for number in ("12", "13", "14")]),
        ("Is order A-1234 late?", "refund lookup", [("lookup", {"order_id": "A-1234"})]),
        # what a tool works on asks for nothing itself
        ("Send an email to bob@x.com about the weather and stock prices", "weather stock mail", [("mail", {"to": "bob@x.com"})]),
        ('Search the web for "weather in Paris"', "weather search", [("search", {"query": "weather in Paris"})]),
        ("Run this SQL: SELECT weather FROM cities; DELETE FROM stock", "weather stock sql", [("sql", {})]),
        ("Remind me to check the weather in Rome", "weather remind", [("remind", {})]),
        ("Tell me about the weather in Oslo", "weather stock", [("weather", {"location": "Oslo"})]),
        ("Don't send an email, just get the weather in Rome", "mail weather", [("weather", {"location": "Rome"})]),
        ("Thanks! Now get the stock price of MSFT", "weather stock", [("stock", {"symbol": "MSFT"})]),
    ],
)  # fmt: skip
def test_each_clause_calls_the_tool_that_it_asks_for(
    text: str, offered: str, expected: list[tuple[str, Json]]
) -> None:
    made = calls(text, offered)
    assert [key for key, _ in made] == [key for key, _ in expected]
    for (_, values), (_, wanted) in zip(made, expected, strict=True):
        assert values | wanted == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello!",
        "Hi, my name is Bob and I live in Paris.",
        "How are you doing today?",
        "Thanks, that's all",
        "Thanks for checking the weather in Paris!",
        "Tell me a joke",
        "Tell me a joke about the weather",
        "Write a poem about the weather in Paris and the price of stock",
        "Who won the world series in 2020?",
        "Don't send an email",
        "Please do not check the weather.",
        "I love the weather in Paris, it is so nice.",
        "I have 3 cats and 2 dogs. How old are they?",
        "Summarize the following text: The weather in Paris was cold. Users send email about the stock price.",
        'Translate to French: "What is the weather in Paris?"',
        "Translate to French: What is the weather in Paris?",
        "Write a Python function that adds two numbers.",
        "What is the difference between a list and a tuple?",
        "What are some good search engines?",
        "List three colors",
        "Please list the main points",
        "Add a sentence about cats to it",
        "Explain how to multiply matrices",
        "How do I calculate the area of a circle?",
        "Read this and tell me what you think",
        "Could you write that again?",
        "I need help with my order",
        "How was your day?",
        "Let me know when you're ready",
        "Plan a trip to Rome",
        "Create a list of cities in Italy",
        "What can you do?",
        "I am a new user here",
        "Can you give me some advice?",
        "Good morning",
        "Yes, please",
        "Explain recursion to me",
        "What is the capital of France?",
        "I was born on 2001-03-04 and my phone is 555-1234",
    ],
)
def test_small_talk_calls_none_of_many_tools(text: str) -> None:
    assert calls(text, ALL) == []


@pytest.mark.parametrize(
    "piece", [" ", "weather ", "weather\n", "\t \n", "the weather is ", ", ", "and ", "'a' ", "1", "A"]
)
def test_a_long_message_is_read_in_no_time(piece: str) -> None:
    text = "weather" + piece * (8000 // len(piece)) + "x"
    begun = time.thread_time()
    tools.decide(text, [OFFERED["weather"]])
    assert time.thread_time() - begun < 0.5

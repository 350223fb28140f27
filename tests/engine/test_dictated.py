"""Orders to say something: which texts are orders, and what they have said."""

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.engine import dictated
from mockai.engine.draw import Draw
from tests.api.chat import USER, content, create

ORDERS = {
    "Reply with exactly: pong": ("pong",),
    'Reply with exactly "pong".': ("pong",),
    "Say exactly: Hello, world!": ("Hello, world!",),
    "Repeat after me: the quick brown fox": ("the quick brown fox",),
    "Echo: test message 123": ("test message 123",),
    "Output exactly the following text: foo bar": ("foo bar",),
    "Return only the word OK": ("OK",),
    "Reply with OK only": ("OK",),
    "Respond with PONG": ("PONG",),
    "Please respond with the single word 'ready'.": ("ready",),
    "Please reply with just the word pong": ("pong",),
    "Respond with the word “banana” and nothing else.": ("banana",),
    "Say `test` and nothing else": ("test",),
    "Just say hi": ("hi",),
    "Only say: done": ("done",),
    "Reply only with the number 42.": ("42",),
    "Answer yes or no: is the sky blue?": ("yes", "no"),
    "Is the sky blue? Answer with only yes or no.": ("yes", "no"),
    "Is the sky blue? (yes/no)": ("yes", "no"),
    "Please answer only with 'true' or 'false'.": ("true", "false"),
    "Choose one of: red, green, blue": ("red", "green", "blue"),
    "You must reply with one of the following words: apple, banana, cherry.": ("apple", "banana", "cherry"),
    "Respond with exactly one label: bug, feature, question.": ("bug", "feature", "question"),
    "Only answer with the letter A, B, C, or D": ("A", "B", "C", "D"),
    "Classify the sentiment as positive, negative or neutral: fine": ("positive", "negative", "neutral"),
    "What is 2+2?": ("The result of 2+2 is 4.",),
    "what's (3 + 4) * 5": ("The result of (3 + 4) * 5 is 35.",),
    "7 * 6 =": ("The result of 7 * 6 is 42.",),
    "Solve 3x + 11 = 14": ("The solution to the equation 3x + 11 = 14 is x = 1.",),
    "What is 2 + 2? Answer with just the number.": ("4",),
    "Return either “low”, “medium” or “high” as the priority.": ("low", "medium", "high"),
}
NO_ORDERS = [
    "Say hello",
    "Say this is a test",
    "Is it better to live in Rome or Paris?",
    "Answer in one or two sentences.",
    "Reply with one or two words.",
    "Answer with a single word: what is the capital of France?",
    "If the text is spam, reply with only 'SPAM'.",
    "Reply with only 'UNKNOWN' if you do not know.",
    "Return only the JSON.",
    "Respond with only the SQL query.",
    "Output only the translation of: hello",
    "Write a function that takes x and returns true or false.",
    "Write a function to return true or false.",
    'Write "hello" in French',
    "Repeat the word hello 3 times",
    "Answer only what you know, or say so.",
    "Answer with just the letter.",
    "Just say something.",
    "What is 5?",
    "What is 1/0?",
    "What is 2 + 2 in Roman numerals?",
    "What is 2024-01-02?",
]


@pytest.mark.parametrize(("text", "options"), ORDERS.items())
def test_an_order_names_what_is_to_be_said(text: str, options: tuple[str, ...]) -> None:
    found = dictated.read(text)
    assert found is not None
    assert found.options == options


@pytest.mark.parametrize("text", NO_ORDERS)
def test_anything_else_is_left_to_the_model(text: str) -> None:
    assert dictated.read(text) is None


def test_of_several_options_the_one_that_the_text_speaks_for_is_said() -> None:
    for said, expected in {"I love this product": "positive", "This is awful and broken": "negative"}.items():
        text = f"Classify the sentiment as positive, negative or neutral: {said}"
        order = dictated.read(text)
        assert order is not None
        assert order.obeyed([text], Draw("any")) == expected


def test_the_latest_order_counts_and_a_system_message_may_give_one() -> None:
    system = {"role": "system", "content": "Answer only with yes or no."}
    assert dictated.order([system, {"role": "user", "content": "Is it late?"}]) == dictated.Order(
        ("yes", "no"), "yes or no"
    )
    asked = {"role": "user", "content": [{"type": "text", "text": "Reply with exactly: maybe"}]}
    assert dictated.order([system, asked]) == dictated.Order(("maybe",))
    assert (
        dictated.order([{"role": "user", "content": "Reply with exactly: one"}, {"role": "assistant"}, *USER]) is None
    )
    assert dictated.order([{"role": "assistant", "content": "Reply with exactly: one"}]) is None


def test_looking_for_orders_takes_no_time() -> None:
    begun = time.thread_time()
    for part in (
        "answer ",
        "say a, ",
        "reply with exactly ",
        "choose x/",
        'say only "',
        "answer one of a or ",
        "if ",
    ):
        dictated.order([{"role": "user", "content": part * 100_000}])
        dictated.read((part * 200)[: dictated.LONGEST_SUM])
    assert time.thread_time() - begun < 0.5


def said(client: TestClient, text: str, **more: Any) -> str:
    return content(client, messages=[{"role": "user", "content": text}], **more)


def test_orders_are_obeyed_whole_streamed_and_cut(client: TestClient) -> None:
    assert said(client, "Reply with exactly: pong") == "pong"
    assert said(client, "Repeat after me: one two three four five", max_tokens=2) == "one two"
    assert said(client, "Repeat after me: one two three four five", stop=" three") == "one two"
    streamed = create(client, messages=[{"role": "user", "content": "Reply with exactly: pong"}], stream=True)
    assert (
        "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed if chunk["choices"]) == "pong"
    )


def test_a_bias_or_a_penalty_has_the_model_speak(client: TestClient) -> None:
    assert said(client, "Reply with exactly: pong", logit_bias={"50256": -1}) != "pong"
    assert said(client, "Reply with exactly: pong", presence_penalty=1) != "pong"

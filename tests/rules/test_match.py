"""Which requests meet which rules, and that the index finds what a look at every rule finds."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.rules.index import Index
from mockai.rules.match import CONDITIONS, Condition, Match, RuleError
from mockai.rules.request import Request
from mockai.rules.rule import Response, Rule
from mockai.rules.words import Words

USER = {"role": "user", "content": "What is the weather in Oslo?"}
CALL = {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f"}}]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "approved: 4 degrees"}
SYSTEM = {"role": "system", "content": "You are terse."}
DEVELOPER = {"role": "developer", "content": [{"type": "text", "text": "Speak Norwegian."}]}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}


def request(*messages: Any, headers: dict[str, str] | None = None, **body: Any) -> Request:
    raw = {name.encode(): value.encode() for name, value in (headers or {}).items()}
    return Request("chat.completions.create", {"messages": list(messages), **body}, raw, {}, {})


def conditions(**wanted: Any) -> list[Condition]:
    return [condition for name, value in wanted.items() for condition in CONDITIONS[name](name, value)]


def meets(found: Request, **wanted: Any) -> bool:
    return Match(tuple(conditions(**wanted))).holds(found)


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        (request(USER), {"userMessage": "weather in Oslo"}, True),
        (request(USER), {"userMessage": "Weather"}, False),
        (request(USER), {"userMessage": "/WEATHER in \\w+/i"}, True),
        (request(USER), {"userMessage": "/^weather/"}, False),
        (request(USER), {"userMessage": ["weather", "Oslo"]}, True),
        (request(USER), {"userMessage": ["weather", "Bergen"]}, False),
        (request(USER, CALL, {"role": "user", "content": "Thanks"}), {"userMessage": "weather"}, False),
        (request(USER, IMAGE), {"userMessage": "weather"}, True),
        (request(SYSTEM), {"userMessage": "weather"}, False),
        (request(SYSTEM, DEVELOPER, USER), {"systemMessage": ["terse", "Norwegian"]}, True),
        (request(SYSTEM, USER), {"systemMessage": "Norwegian"}, False),
        (request(USER, model="gpt-4o-2024-08-06"), {"model": "gpt-4o"}, True),
        (request(USER, model="gpt-4o-mini"), {"model": "gpt-4o"}, False),
        (request(USER, model="gpt-4o-mini"), {"model": "gpt-4o*"}, True),
        (request(USER, model="gpt-4o-mini"), {"model": "/mini$/"}, True),
        (request(USER), {"model": "gpt-4o"}, False),
        (request(USER, tools=[{"type": "function", "function": {"name": "f"}}]), {"toolName": "f"}, True),
        (request(USER, functions=[{"name": "f"}]), {"toolName": "f"}, True),
        (request(USER, tools=[{"type": "function", "function": {"name": "g"}}]), {"toolName": "f"}, False),
        (request(USER, CALL, RESULT), {"toolCallId": "call_1"}, True),
        (request(USER, CALL, RESULT, USER), {"toolCallId": "call_1"}, False),
        (request(USER, CALL, RESULT), {"toolResultContains": "approved"}, True),
        (request(USER, CALL, RESULT), {"toolResultContains": "refused"}, False),
        (request(USER, CALL, RESULT), {"hasToolResult": True}, True),
        (request(USER, CALL, RESULT, USER), {"hasToolResult": True}, False),
        (request(USER), {"hasToolResult": False}, True),
        (request(USER, CALL, RESULT), {"turnIndex": 1}, True),
        (request(USER), {"turnIndex": 1}, False),
        (request(USER, response_format={"type": "json_schema"}), {"responseFormat": "json_schema"}, True),
        (request(USER), {"responseFormat": "json_schema"}, False),
        (request(USER, headers={"x-case": "seven"}), {"header": {"X-Case": "seven"}}, True),
        (request(USER, headers={"x-case": "seven"}), {"header": {"X-Case": "sev"}}, False),
        (request(USER, headers={"x-case": "seven"}), {"header": {"X-Case": "/^sev/"}}, True),
        (request(USER), {"header": {"X-Case": "seven"}}, False),
        (request(USER, headers={"x-aimock-context": "demo"}), {"context": "demo"}, True),
    ],
)
def test_conditions(found: Request, wanted: Any, expected: bool) -> None:
    assert meets(found, **wanted) is expected
    differences = [missed.difference(found) for missed in Match(tuple(conditions(**wanted))).missed(found)]
    assert bool(differences) is not expected
    assert all(line.startswith(next(iter(wanted))) for line in differences)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"messages": 7, "tools": "x", "model": {}, "response_format": []},
        {"messages": [None, 3, {"role": "user"}, {"role": "user", "content": [7, {"text": 1}]}]},
        {"messages": [{"role": "tool", "tool_call_id": 4, "content": {}}], "tools": [None, {}, {"function": 1}]},
    ],
)
def test_nothing_of_a_malformed_request_is_trusted(body: Any) -> None:
    wild = Request("chat.completions.create", body, {}, {}, {})
    wanted: dict[str, Any] = dict.fromkeys(CONDITIONS, "x") | {"header": {"a": "b"}, "turnIndex": 0}
    wanted["hasToolResult"] = True
    for condition in conditions(**wanted):
        assert isinstance(condition.difference(wild), str)
    assert list(Index([rule(**{name: value}) for name, value in wanted.items()]).candidates(wild)) is not None


def rule(**wanted: Any) -> Rule:
    return Rule(Match(tuple(conditions(**wanted))), (Response(content="x"),))


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("userMessage", 7, "no text"),
        ("userMessage", "/(/", "regular expression"),
        ("userMessage", "/a/q", "no flag"),
        ("hasToolResult", "yes", "neither true nor false"),
        ("turnIndex", True, "no whole number"),
        ("header", "x", "no mapping"),
        ("model", ["a"], "no model"),
    ],
)
def test_values_that_no_rule_can_have(name: str, value: Any, word: str) -> None:
    with pytest.raises(RuleError, match=word):
        conditions(**{name: value})


WORDS = st.text("ab ", max_size=7)
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "userMessage": WORDS
        | WORDS.map(lambda text: f"/{text}/")
        | WORDS.map(lambda text: f"/{text.upper()}(a|b)?/i"),
        "systemMessage": WORDS,
        "model": st.sampled_from(["m", "m-1", "n", "m*"]),
        "toolName": st.sampled_from(["f", "g"]),
        "toolCallId": st.sampled_from(["c", "d"]),
        "turnIndex": st.integers(0, 1),
        "hasToolResult": st.booleans(),
    },
)


@pytest.mark.parametrize("short", [4096, 0], ids=["word by word", "piece by piece"])
@given(
    wanted=st.lists(WANTED, max_size=12),
    user=st.text("abA ", max_size=20),
    system=st.none() | WORDS,
    model=st.sampled_from(["m", "m-1-2", "n"]),
    tools=st.lists(st.sampled_from(["f", "g"]), max_size=2),
    result=st.none() | st.sampled_from(["c", "d"]),
)
def test_the_index_finds_what_a_look_at_every_rule_finds(
    short: int,
    wanted: list[dict[str, Any]],
    user: str,
    system: str | None,
    model: str,
    tools: list[str],
    result: str | None,
) -> None:
    rules = [rule(**each) for each in wanted]
    messages: list[Any] = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": user})
    if result is not None:
        messages.append({"role": "tool", "tool_call_id": result, "content": ""})
    found = request(
        *messages, model=model, tools=[{"type": "function", "function": {"name": name}} for name in tools]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mockai.rules.index.SHORT", short)
        by_index = [each for each in Index(rules).candidates(found) if each.match.holds(found)]
    assert by_index == [each for each in rules if each.match.holds(found)]


FAMILIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "sentences": lambda number: {"userMessage": f"Tell me about case number {number} of the list."},
    "ends": lambda number: {"userMessage": f"case number {number}"},
    "beginnings": lambda number: {"userMessage": f"{number} cases"},
    "names": lambda number: {"userMessage": f"case-{number:04}"},
    "models": lambda number: {"userMessage": f"case {number} ", "model": "gpt-4o", "hasToolResult": False},
    "system messages": lambda number: {"userMessage": "case", "systemMessage": f"You are agent {number}."},
    "turns": lambda number: {"model": "gpt-4o", "turnIndex": number},
    "patterns": lambda number: {"userMessage": rf"/case \w+ {number}\b/"},
    "patterns without case": lambda number: {"userMessage": f"/^tell (me|us) about CASE number {number} /i"},
    "headers": lambda number: {"header": {"x-case": str(number)}},
}


@cache
def thousand(family: str) -> list[Rule]:
    return [rule(**FAMILIES[family](number)) for number in range(1000)]


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("family", FAMILIES)
def test_few_of_a_thousand_rules_are_looked_at(family: str, long: bool) -> None:
    rules = thousand(family)
    asked = "Tell me about case number 777 of the list. It is case-0777, 777 cases, case 777 and so on."
    if long:
        asked += " And of other things." * 500
    found = request(
        {"role": "system", "content": "You are agent 777."},
        {"role": "user", "content": asked},
        model="gpt-4o",
        headers={"x-case": "777"},
    )
    index = Index(rules)
    looked = index.candidates(found)
    met = [each for each in looked if each.match.holds(found)]
    assert rules[0 if family == "turns" else 777] in met
    assert len(looked) < 30
    other = request({"role": "user", "content": "What is the weather in Oslo?"}, model="gpt-4o-mini")
    assert len(index.candidates(other)) <= (family == "turns")


def test_words_that_were_seen_are_not_looked_into_again(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index([rule(userMessage=f"case-{number:04}") for number in range(1000)])
    found = request(USER)
    assert index.candidates(found) == []
    monkeypatch.setattr(Words, "__missing__", lambda *_: pytest.fail("looked into a word again"))
    assert index.candidates(found) == []

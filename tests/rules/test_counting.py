"""`times`, `sequenceIndex` and `responses`: counted for each caller, by whatever store there is."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockai.rules.match import Match
from mockai.rules.request import Request
from tests.rules.serve import SCENARIOS, chat, ruled, said

ONCE = """
- {match: {userMessage: hello}, times: 2, response: {content: first}}
- {match: {userMessage: hello}, response: {content: then}}
"""
IN_TURN = "- {match: {userMessage: hello}, responses: [{content: a}, {content: b}, {content: c}]}"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'state.db'}"


def test_a_rule_ends_after_its_times(tmp_path: Path, store: str) -> None:
    with ruled(ONCE, folder=tmp_path, store=store) as client:
        assert [said(client, "hello") for _ in range(4)] == ["first", "first", "then", "then"]


def test_each_key_and_each_test_counts_for_itself(tmp_path: Path, store: str) -> None:
    with ruled(ONCE, folder=tmp_path, store=store) as client:
        for _ in range(2):
            assert said(client, "hello", key="sk-one") == said(client, "hello", key="sk-two") == "first"
        assert said(client, "hello", key="sk-one") == "then"
        headers = {"authorization": "Bearer sk-one", "x-test-id": "another"}
        answer = client.post("/v1/chat/completions", json=chat("hello"), headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == "first"


def test_responses_come_in_turn_and_the_last_stays(tmp_path: Path, store: str) -> None:
    with ruled(IN_TURN, folder=tmp_path, store=store) as client:
        assert [said(client, "hello") for _ in range(5)] == ["a", "b", "c", "c", "c"]


def test_a_sequence_is_shared_by_rules_that_match_the_same() -> None:
    with ruled(SCENARIOS / "jokes.json") as client:
        told = [said(client, "a joke about databases") for _ in range(3)]
    assert told[0].startswith("A table")
    assert told[1].startswith("I would tell")
    assert told[2] not in told[:2]


def test_equal_rules_count_apart(tmp_path: Path) -> None:
    rules = "- {match: {userMessage: hello}, times: 1, response: {content: mine}}\n" * 2
    with ruled(rules, folder=tmp_path) as client:
        assert [said(client, "hello") == "mine" for _ in range(3)] == [True, True, False]


def test_many_at_once_use_a_rule_no_more_than_its_times(tmp_path: Path, store: str) -> None:
    rules = """
    - {match: {userMessage: hello}, times: 7, response: {content: few}}
    - {match: {}, response: {content: rest}}
    """
    with ruled(rules, folder=tmp_path, store=store) as client:
        # `tools` sends the calls to threads.
        tool = [{"type": "function", "function": {"name": "f"}}]
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda _: said(client, "hello", tools=tool), range(24)))
    assert Counter(told) == {"few": 7, "rest": 17}


def test_two_servers_on_one_store_share_the_count(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'state.db'}"
    with ruled(ONCE, folder=tmp_path, store=store) as one, ruled(ONCE, folder=tmp_path, store=store) as two:
        told = [said(client, "hello") for client in (one, two, one, two)]
    assert told == ["first", "first", "then", "then"]


def test_a_long_sequence_is_not_walked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        {"match": {"userMessage": "next", "sequenceIndex": at}, "response": {"content": f"{at}"}} for at in range(200)
    ]
    looked: list[Match] = []
    holds = Match.holds

    def noted(match: Match, request: Request) -> bool:
        looked.append(match)
        return holds(match, request)

    monkeypatch.setattr(Match, "holds", noted)
    with ruled(json.dumps({"$comment": "a long one", "rules": steps}), folder=tmp_path) as client:
        assert [said(client, "next") for _ in range(3)] == ["0", "1", "2"]
    assert len(looked) == 3

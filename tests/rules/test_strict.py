"""--strict: what matches no rule is refused, and told why."""

from pathlib import Path

from tests.rules.serve import chat, ruled

RULES = """
rules:
  - match: {model: gpt-4o, userMessage: weather, systemMessage: terse}
    response: {content: Rain.}

  - name: the tide
    match: {userMessage: tide, model: gpt-4o-mini}
    response: {content: Low.}

  - match: {endpoint: embedding, inputText: cat}
    response: {embedding: [1.0]}

  - match: {userMessage: once}
    times: 1
    response: {content: Only now.}
"""


def test_the_nearest_rule_is_named_with_each_difference(tmp_path: Path) -> None:
    with ruled(RULES, folder=tmp_path, strict=True) as client:
        answer = client.post("/v1/chat/completions", json=chat("When is high water?"))
        assert client.post("/v1/chat/completions", json=chat("the tide")).status_code == 200
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "no_fixture_match")
    assert f"the tide ({tmp_path / 'rules0.yaml'}:6)" in error["message"]
    assert 'userMessage: wanted "tide", got "When is high water?"' in error["message"]
    assert "model" not in error["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_of_rules_as_near_the_one_in_the_nearest_words_is_named(tmp_path: Path) -> None:
    names = """
rules:
  - match: {userMessage: order status}
    response: {content: Sent.}
  - match: {userMessage: what is your name}
    response: {content: Ada.}
  - match: {endpoint: embedding, inputText: magic}
    response: {embedding: [1.0]}
"""
    with ruled(names, folder=tmp_path, strict=True) as client:
        told = client.post("/v1/chat/completions", json=chat("What is your nam")).json()["error"]["message"]
        other = {"model": "text-embedding-3-small", "input": "other"}
        embedded = client.post("/v1/embeddings", json=other).json()["error"]["message"]
    assert 'userMessage: wanted "what is your name"' in told
    assert 'inputText: wanted "magic", got "other"' in embedded


def test_a_rule_that_is_used_up_is_a_difference(tmp_path: Path) -> None:
    with ruled(RULES, folder=tmp_path, strict=True) as client:
        first, second = (client.post("/v1/chat/completions", json=chat("once")) for _ in range(2))
    assert first.status_code == 200
    assert "times: wanted at most 1, used 1 already" in second.json()["error"]["message"]


def test_only_answers_that_are_made_up_need_a_rule(tmp_path: Path) -> None:
    with ruled(RULES, folder=tmp_path, strict=True) as client:
        assert client.get("/v1/models").status_code == 200
        moderation = client.post("/v1/moderations", json={"input": "x"})
    assert moderation.status_code == 503
    assert "None of 4 rules speaks of this endpoint" in moderation.json()["error"]["message"]


def test_strict_without_rules_refuses_everything(tmp_path: Path) -> None:
    with ruled(strict=True) as client:
        assert client.post("/v1/chat/completions", json=chat("Hello")).status_code == 503


def test_without_strict_the_engine_answers(tmp_path: Path) -> None:
    with ruled(RULES, folder=tmp_path) as client, ruled() as plain:
        told = client.post("/v1/chat/completions", json=chat("Hello")).json()
        assert told == plain.post("/v1/chat/completions", json=chat("Hello")).json()

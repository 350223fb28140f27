"""Graders: run and validate (fine_tuning.md §9)."""

from typing import Any

import pytest
from starlette.testclient import TestClient


def grade(client: TestClient, grader: Any, sample: str, item: Any = None) -> Any:
    body = {"grader": {"name": "g", **grader}, "model_sample": sample, "item": item or {}}
    return client.post("/v1/fine_tuning/alpha/graders/run", json=body).json()


CHECK = {"type": "string_check", "input": "{{sample.output_text}}", "reference": "{{ item.wanted }}"}


@pytest.mark.parametrize(
    ("operation", "sample", "reward"),
    [("eq", "Yes", 1), ("eq", "yes", 0), ("ne", "no", 1), ("like", "Oh Yes", 1), ("ilike", "oh yes", 1)],
)
def test_string_checks(fresh: TestClient, operation: str, sample: str, reward: float) -> None:
    result = grade(fresh, {**CHECK, "operation": operation}, sample, {"wanted": "Yes"})
    assert result["reward"] == reward
    assert not any(result["metadata"]["errors"].values())


def test_a_multi_grader_combines_its_graders(fresh: TestClient) -> None:
    similar = {"type": "text_similarity", "name": "s", "input": "{{sample.output_json.a}}", "reference": "one two"}
    inner = {
        "exact": {**CHECK, "name": "e", "operation": "eq"},
        "near": {**similar, "evaluation_metric": "rouge_1"},
    }
    multi = {"type": "multi", "graders": inner, "calculate_output": "0.5 * exact + min(near, 1)"}
    result = grade(fresh, multi, '{"a": "one two"}', {"wanted": "x"})
    assert (result["reward"], result["sub_rewards"]) == (1.0, {"exact": 0.0, "near": 1.0})
    for formula, error in (("exact +", "formula_parse_error"), ("other", "invalid_variable_error")):
        failed = grade(fresh, {**multi, "calculate_output": formula}, "x", {"wanted": "x"})
        assert failed["metadata"]["errors"][error] is True
        assert failed["reward"] == 0


def test_what_a_grader_cannot_do_is_told(fresh: TestClient) -> None:
    python = grade(fresh, {"type": "python", "source": "raise SystemExit"}, "x")
    assert python["metadata"]["errors"]["python_grader_server_error"] is True
    unknown = grade(fresh, {**CHECK, "operation": "eq"}, "x")
    assert unknown["metadata"]["errors"]["invalid_variable_error"] is True
    model = {
        "type": "score_model",
        "model": "gpt-4o",
        "input": [{"role": "user", "content": "{{sample.output_text}}"}],
    }
    scores = [grade(fresh, {**model, "range": [2, 4]}, sample)["reward"] for sample in ("a", "a", "b")]
    assert scores[0] == scores[1] != scores[2]
    assert all(2 <= score <= 4 for score in scores)


def test_graders_are_validated(fresh: TestClient) -> None:
    path = "/v1/fine_tuning/alpha/graders/validate"
    good = {"name": "g", **CHECK, "operation": "eq"}
    assert fresh.post(path, json={"grader": good}).json() == {"grader": good}
    bad = fresh.post(path, json={"grader": {**good, "operation": "=="}}).json()["error"]
    assert (bad["param"], bad["code"]) == ("grader.operation", "invalid_value")
    multi = {"type": "multi", "name": "m", "calculate_output": "a", "graders": {"a": {"type": "magic"}}}
    assert fresh.post(path, json={"grader": multi}).json()["error"]["param"] == "grader.graders.a.type"

"""Graders: run and validate (fine_tuning.md §9). No code of a `python` grader is ever executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockai.api.fine_tuning.schema import GRADER, SINGLE
from mockai.call import Call, Json, Operation
from mockai.engine import grading, tokens
from mockai.engine.draw import Draw
from mockai.wire import codec
from mockai.wire.schema import Anything, Object, Str, Tagged

RUN = Object({"grader": GRADER, "model_sample": Str(), "item": Anything()}, required=("grader", "model_sample"))
VALIDATE = Object({"grader": GRADER}, required=("grader",))
INNER = Tagged(SINGLE)

# Every error that a result tells of, in the API's order.
ERRORS: Json = {
    "formula_parse_error": False,
    "sample_parse_error": False,
    "truncated_observation_error": False,
    "unresponsive_reward_error": False,
    "invalid_variable_error": False,
    "other_error": False,
    "python_grader_server_error": False,
    "python_grader_server_error_type": None,
    "python_grader_runtime_error": False,
    "python_grader_runtime_error_details": None,
    "model_grader_server_error": False,
    "model_grader_refusal_error": False,
    "model_grader_parse_error": False,
    "model_grader_server_error_details": None,
}
NOT_EXECUTED = "code_is_not_executed"


@dataclass(slots=True)
class Grading:
    """One run: what a template may name, and what came of it."""

    values: Mapping[str, Any]
    seed: int
    errors: Json = field(default_factory=lambda: dict(ERRORS))
    usage: dict[str, int] = field(default_factory=dict)
    """Tokens by model."""

    def grade(self, grader: Json) -> float:
        """Return the reward of a grader of any type but `multi`."""
        kind = grader["type"]
        if kind == "python":
            self.errors |= {"python_grader_server_error": True, "python_grader_server_error_type": NOT_EXECUTED}
            return 0.0
        if kind == "score_model":
            return self._scored(grader)
        text, reference = self._filled(grader["input"]), self._filled(grader["reference"])
        if kind == "string_check":
            return float(grading.STRING_CHECKS[grader["operation"]](text, reference))
        return grading.similarity(grader["evaluation_metric"], text, reference)

    def _filled(self, template: str) -> str:
        text, unknown = grading.fill(template, self.values)
        if unknown:
            self.errors["invalid_variable_error"] = True
        return text

    def _scored(self, grader: Json) -> float:
        """Return a score within the range of the grader: drawn, the same for the same text."""
        prompt = " ".join(self._filled(text) for text in _texts(grader["input"]))
        low, high = grader.get("range") or (0.0, 1.0)
        self.usage[grader["model"]] = self.usage.get(grader["model"], 0) + tokens.count("o200k_base", prompt) + 8
        return float(low + (high - low) * Draw("score", self.seed, grader["model"], prompt).random())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, dict):
        yield from _texts(value.get("content"))
        yield from _texts(value.get("text"))


def run(call: Call) -> Json:
    """Grade a sample: `{reward, metadata, sub_rewards, model_grader_token_usage_per_model}`."""
    body = call.body
    grader, sample = body["grader"], body["model_sample"]
    values = {"item": body.get("item") or {}, "sample": {"output_text": sample, "output_json": _parsed(sample)}}
    grading_ = Grading(values, call.settings.seed)
    rewards: dict[str, float] = {}
    reward = _multi(grading_, grader, rewards) if grader["type"] == "multi" else grading_.grade(grader)
    return {
        "reward": reward,
        "metadata": {
            "name": grader["name"],
            "type": grader["type"],
            "errors": grading_.errors,
            "execution_time": 0.001,
            "scores": rewards or {grader["name"]: reward},
            "token_usage": sum(grading_.usage.values()) or None,
            "sampled_model_name": None,
        },
        "sub_rewards": rewards,
        "model_grader_token_usage_per_model": grading_.usage,
    }


def _parsed(sample: str) -> Any:
    try:
        return codec.loads(sample)
    except codec.Fault:
        return None


def _multi(run: Grading, grader: Json, rewards: dict[str, float]) -> float:
    rewards.update({name: run.grade(inner) for name, inner in _inner(grader).items()})
    try:
        return grading.formula(grader["calculate_output"], rewards)
    except grading.FormulaError as error:
        run.errors["invalid_variable_error" if error.unknown else "formula_parse_error"] = True
        return 0.0


def _inner(grader: Json) -> dict[str, Json]:
    """Return the graders of a multi-grader by name: a map of them, or a single one. Raises the fault of a bad one."""
    given = grader["graders"]
    named = {str(given["name"]): given} if "type" in given and "name" in given else given
    for name, inner in named.items():
        INNER.check(inner, f"grader.graders.{name}")
    return dict(named)


def validate(call: Call) -> Json:
    """Return the grader when it is a good one: `{grader}`."""
    grader = call.body["grader"]
    if grader["type"] == "multi":
        _inner(grader)
    return {"grader": grader}


_PATH, _NAME = "/fine_tuning/alpha/graders", "fine_tuning.alpha.graders"

OPERATIONS = (
    Operation("POST", f"{_PATH}/run", run, f"{_NAME}.run", body=RUN, liveness="restricted"),
    Operation("POST", f"{_PATH}/validate", validate, f"{_NAME}.validate", body=VALIDATE, liveness="restricted"),
)

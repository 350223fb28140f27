"""Grading: similarities behave as their names say, formulas compute, templates fill."""

import pytest

from mockai.engine import grading

METRICS = "cosine fuzzy_match bleu gleu meteor rouge_1 rouge_2 rouge_3 rouge_l".split()
TEXT = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize("metric", METRICS)
def test_equal_texts_are_as_similar_as_can_be_and_less_equal_ones_less(metric: str) -> None:
    near = grading.similarity(metric, "the quick brown fox jumps over a lazy dog", TEXT)
    far = grading.similarity(metric, "an entirely other sentence", TEXT)
    assert grading.similarity(metric, TEXT, TEXT) == pytest.approx(1.0, abs=1e-6)
    assert 0 <= far < near < 1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("text", "reference"), [("", ""), ("", "a"), ("a", ""), ("...", "!"), ("a", "a b c d e")])
def test_every_similarity_is_between_0_and_1(metric: str, text: str, reference: str) -> None:
    assert 0 <= grading.similarity(metric, text, reference) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("rouge_1", 2 * 8 / 18),
        ("rouge_2", 2 * 6 / 16),
        ("rouge_l", 2 * 8 / 18),
        # 8 of 9 words, in two runs: the mean of precision and recall is 8/9, less half of (2/8)³ of it
        ("meteor", 8 / 9 * (1 - 0.5 * (2 / 8) ** 3)),
    ],
)
def test_known_values(metric: str, value: float) -> None:
    near = "the quick brown fox jumps over a lazy dog"
    assert grading.similarity(metric, near, TEXT) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 + 2 * a", 5.0), ("-(a - b) / 4", 0.25), ("max(a, b, 7)", 7.0), ("floor(2.5) + sqrt(4)", 4.0)],
)
def test_formulas_compute(text: str, value: float) -> None:
    assert grading.formula(text, {"a": 2.0, "b": 3.0}) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "a.b",
        "__import__('os')",
        "(lambda: 1)()",
        "1 / 0",
        "'x'",
        "exp(1e9)",
        "min()",
        "x" * 2000,
        "9**9**9",
    ],
)
def test_other_formulas_are_none(text: str) -> None:
    with pytest.raises(grading.FormulaError):
        grading.formula(text, {"a": 1.0})


def test_templates_take_values_and_tell_what_is_unknown() -> None:
    values = {"item": {"a": "x", "n": 3}, "sample": {"output_json": {"b": {"c": "deep"}}, "output_text": ""}}
    assert grading.fill("{{item.a}}-{{ item.n }}-{{sample.output_json.b.c}}", values) == ("x-3-deep", [])
    assert grading.fill("{{item.z}}{{sample.output_text}}", values) == ("", ["item.z"])

"""What requests to the live API cost, in USD: prices of the models that the contracts use."""

from __future__ import annotations

from typing import Any

from contracts.facts import Fault

# USD for a million tokens: of the prompt, of the answer. Taken from the price list of 2026; the first prefix wins.
PRICES = (
    ("gpt-4o-mini", 0.15, 0.60),
    ("gpt-4.1-nano", 0.10, 0.40),
    ("text-embedding-3-small", 0.02, 0.0),
    ("text-embedding-3-large", 0.13, 0.0),
    ("text-embedding-ada-002", 0.10, 0.0),
    ("gpt-3.5-turbo-instruct", 1.50, 2.00),
    ("davinci-002", 2.00, 2.00),
    ("omni-moderation", 0.0, 0.0),
    ("", 5.00, 20.00),
)
# What one contract of an operation is expected to cost; operations that are not here are free.
EXPECTED = {
    "chat.completions.create": 0.000_02,
    "completions.create": 0.000_1,
    "embeddings.create": 0.000_01,
    "batches.create": 0.000_05,
    "beta.threads.runs.create": 0.000_1,
    "beta.threads.create_and_run": 0.000_1,
    "vector_stores.create": 0.000_1,
    "fine_tuning.jobs.create": 0.05,
}
USUAL_ANSWER = 400
"""Tokens of an answer that is not limited."""


def expected(operations: tuple[str, ...], row: Any = None) -> float:
    """Return what a contract is expected to cost; a refused request is free."""
    return 0.0 if isinstance(row, Fault) else sum(EXPECTED.get(name, 0.0) for name in operations)


def worst(body: Any) -> float:
    """Return what a request may cost: its text at three characters a token, and an answer as long as allowed."""
    if not isinstance(body, dict) or "model" not in body:
        return 0.0
    given, answered = _price(str(body["model"]))
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or USUAL_ANSWER
    several = body.get("n")
    choices = several if isinstance(several, int) else 1
    prompt = body.get("messages", body.get("input", body.get("prompt", "")))
    answer = limit * max(1, choices) if isinstance(limit, int) else USUAL_ANSWER
    return (len(str(prompt)) / 3 * given + answer * answered) / 1e6


def actual(model: str, usage: Any) -> float:
    """Return what an answer cost by its own usage."""
    given, answered = _price(model)
    prompt, answer = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    return float(prompt * given + answer * answered) / 1e6


def _price(model: str) -> tuple[float, float]:
    return next((given, answered) for prefix, given, answered in PRICES if model.startswith(prefix))

"""Grading: how well a text fits a reference, and formulas over the grades of several graders (fine_tuning.md §9)."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

_WORDS = re.compile(r"\w+")
MOST_FORMULA = 1_000
"""Characters of a formula."""

STRING_CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "like": lambda text, reference: reference in text,
    "ilike": lambda text, reference: reference.lower() in text.lower(),
}


def similarity(metric: str, text: str, reference: str) -> float:
    """Return the similarity of two texts, from 0 to 1, by one of the API's metrics.

    `meteor` compares words as they stand, without stems or synonyms.
    """
    if metric == "cosine":
        from mockai.engine import vectors  # numpy takes a while to load

        rows = vectors.embed([text or " ", reference or " "], "text-embedding-3-small", 1536, 256)
        return max(0.0, float(rows[0] @ rows[1]))
    if metric == "fuzzy_match":
        return SequenceMatcher(None, text, reference, autojunk=False).ratio()
    said, wanted = _WORDS.findall(text.lower()), _WORDS.findall(reference.lower())
    if not said or not wanted:
        return float(said == wanted)
    if metric == "bleu":
        return _bleu(said, wanted)
    if metric == "gleu":
        return _gleu(said, wanted)
    if metric == "meteor":
        return _meteor(said, wanted)
    if metric == "rouge_l":
        return _f1(_longest_common(said, wanted), len(said), len(wanted))
    size = int(metric.removeprefix("rouge_"))
    left, right = _grams(said, size), _grams(wanted, size)
    return _f1(sum((left & right).values()), sum(left.values()), sum(right.values()))


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def _f1(common: int, said: int, wanted: int) -> float:
    return 2 * common / (said + wanted) if said + wanted else 0.0


def _bleu(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Return BLEU of up to four words, each precision smoothed by one (but for single words)."""
    logs = 0.0
    sizes = range(1, min(4, len(said), len(wanted)) + 1)
    for size in sizes:
        grams = _grams(said, size)
        common, total = sum((grams & _grams(wanted, size)).values()), sum(grams.values())
        if common == 0 and size == 1:
            return 0.0
        smooth = 0 if common == total or size == 1 else 1
        logs += math.log((common + smooth) / (total + smooth))
    brevity = min(0.0, 1 - len(wanted) / len(said))
    return math.exp(logs / len(sizes) + brevity)


def _gleu(said: Sequence[str], wanted: Sequence[str]) -> float:
    common = left = right = 0
    for size in range(1, 5):
        mine, theirs = _grams(said, size), _grams(wanted, size)
        common += sum((mine & theirs).values())
        left, right = left + sum(mine.values()), right + sum(theirs.values())
    return common / max(left, right)


def _meteor(said: Sequence[str], wanted: Sequence[str]) -> float:
    places: dict[str, list[int]] = {}
    for at, word in enumerate(wanted):
        places.setdefault(word, []).append(at)
    matched = [places[word].pop(0) if places.get(word) else None for word in said]
    found = [at for at in matched if at is not None]
    if not found:
        return 0.0
    chunks = sum(
        1 for at, place in enumerate(matched) if place is not None and (at == 0 or matched[at - 1] != place - 1)
    )
    precision, recall = len(found) / len(said), len(found) / len(wanted)
    mean = 10 * precision * recall / (recall + 9 * precision)
    return mean * (1 - 0.5 * (chunks / len(found)) ** 3 if chunks > 1 else 1.0)


def _longest_common(left: Sequence[str], right: Sequence[str]) -> int:
    row = [0] * (len(right) + 1)
    for word in left:
        before = 0
        for at, other in enumerate(right, 1):
            before, row[at] = row[at], before + 1 if word == other else max(row[at], row[at - 1])
    return row[-1]


# --- templates and formulas ----------------------------------------------------------------------


_SLOT = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


def fill(template: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Put values in the `{{item.name}}` places of a template; return the text, and the names that are unknown."""
    unknown: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        value: Any = values
        for part in found[1].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            unknown.append(found[1])
            return ""
        return value if isinstance(value, str) else str(value)

    return _SLOT.sub(value_of, template), unknown


_OPERATORS: Mapping[type, Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}


class FormulaError(ValueError):
    """A formula that is none; `unknown` tells that it is only a name that is not known."""

    def __init__(self, unknown: bool) -> None:
        """Tell what kind of error it is."""
        super().__init__("a formula may have numbers, names of graders, + - * / and a few functions")
        self.unknown = unknown


def formula(text: str, names: Mapping[str, float]) -> float:
    """Return the value of a formula over the grades of graders. Raises `FormulaError`."""
    try:
        if len(text) > MOST_FORMULA:
            raise FormulaError(unknown=False)
        return float(_value(ast.parse(text, mode="eval").body, names))
    except (SyntaxError, ArithmeticError, TypeError, RecursionError, MemoryError):
        raise FormulaError(unknown=False) from None


def _value(node: ast.AST, names: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise FormulaError(unknown=True)
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand, names))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        return _FUNCTIONS[node.func.id](*(_value(entry, names) for entry in node.args))
    raise FormulaError(unknown=False)

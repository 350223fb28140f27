"""Strings for a regular expression: one that matches, drawn from its parse tree.

Patterns come from users. They are parsed, never run, so none can make the server search for long.
"""

from __future__ import annotations

import importlib
import string
from collections.abc import Iterable
from typing import Any

from mockai.engine.draw import Draw

LONGEST = 2000
MORE = 2  # how many times beyond its minimum an open repetition may come

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

_READABLE = string.ascii_lowercase + string.digits + string.ascii_uppercase
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": _READABLE,
    "CATEGORY_WORD": string.ascii_lowercase,
    "CATEGORY_NOT_WORD": "-",
}
_ALL = string.digits + string.ascii_letters + " _-.,:;!?@#/()[]{}+*='\"$%&<>|\\^~`"


def matching(pattern: str, rng: Draw) -> str | None:
    """Return a string that `pattern` matches as a whole; None when it cannot be read or is unusual."""
    try:
        tree = _parser.parse(pattern)
        text = "".join(_sequence(tree, rng, {}, 0))
    except (ValueError, OverflowError, RecursionError, KeyError, _parser.error):
        return None
    return text[:LONGEST]


def _sequence(tree: Iterable[Any], rng: Draw, groups: dict[int, str], depth: int) -> list[str]:
    if depth > 50:
        raise RecursionError
    return [_node(str(op), value, rng, groups, depth) for op, value in tree]


def _node(op: str, value: Any, rng: Draw, groups: dict[int, str], depth: int) -> str:
    if op == "LITERAL":
        return chr(value)
    if op in ("AT", "ASSERT_NOT"):
        return ""
    if op == "ANY":
        return rng.choice(_READABLE)
    if op == "NOT_LITERAL":
        return rng.choice([char for char in _READABLE if ord(char) != value])
    if op == "IN":
        return rng.choice(_members(value))
    if op == "BRANCH":
        return "".join(_sequence(rng.choice(value[1]), rng, groups, depth + 1))
    if op == "SUBPATTERN":
        text = "".join(_sequence(value[3], rng, groups, depth + 1))
        if value[0] is not None:
            groups[value[0]] = text
        return text
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _repeated(value, rng, groups, depth)
    if op == "ATOMIC_GROUP":
        return "".join(_sequence(value, rng, groups, depth + 1))
    if op == "GROUPREF":
        return groups.get(value, "")
    raise ValueError(op)


def _repeated(value: Any, rng: Draw, groups: dict[int, str], depth: int) -> str:
    low, high, inner = value
    least = int(low)
    most = least + MORE if high is _constants.MAXREPEAT else min(int(high), least + MORE)
    text = ""
    for _ in range(min(rng.randint(least, max(least, most)), LONGEST)):
        text += "".join(_sequence(inner, rng, groups, depth + 1))
        if len(text) > LONGEST:
            break
    return text


def _members(items: Any) -> list[str]:
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    chars: list[str] = []
    for op, value in items[1:] if negated else items:
        if str(op) == "LITERAL":
            chars.append(chr(value))
        elif str(op) == "RANGE":
            chars += [chr(code) for code in range(value[0], min(value[1], value[0] + 200) + 1)]
        elif str(op) == "CATEGORY":
            chars += _CATEGORIES[str(value)]
    if not negated:
        return chars
    shut_out = set(chars)
    return [char for char in _ALL if char not in shut_out] or ["\u00e9"]

"""Strings for a regular expression: one that matches, drawn from its parse tree.

Patterns come from users. They are parsed, never run, so none can make the server search for long; whether one fits
a value is found by following it, one character after the other.
"""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from mockai.engine.draw import Draw

LONGEST = 2000
MORE = 2  # how many times beyond its minimum an open repetition may come

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

DEEPEST = 4
"""How deep repetitions and branches may be nested where a pattern is followed."""
_OF_CATEGORY: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_NOT_DIGIT": lambda char: not char.isdecimal(),
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_NOT_SPACE": lambda char: not char.isspace(),
    "CATEGORY_WORD": lambda char: char.isalnum() or char == "_",
    "CATEGORY_NOT_WORD": lambda char: not char.isalnum() and char != "_",
}
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


@lru_cache(maxsize=256)
def _tree(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise ValueError("too long a pattern")
    return _parser.parse(pattern)


def matching(pattern: str, rng: Draw) -> str | None:
    """Return a string that `pattern` matches as a whole; None when it cannot be read or is unusual."""
    try:
        tree = _tree(pattern)
        text = "".join(_sequence(tree, rng, {}, 0))
        text.encode()  # half a surrogate pair is no text
    except (ValueError, OverflowError, RecursionError, KeyError, _parser.error):
        return None
    return text[:LONGEST]


def fits(pattern: str, text: str) -> bool:
    """Return whether `pattern` matches `text` as a whole; False for a pattern that is unusual.

    All ways through the pattern are followed side by side, so that none is tried twice.
    """
    try:
        tree = _tree(pattern)
        return tree.state.flags == re.UNICODE.value and len(text) in _ends(tree, text, {0}, 0)
    except (ValueError, OverflowError, RecursionError, KeyError, _parser.error):
        return False


def _ends(tree: Iterable[Any], text: str, starts: set[int], depth: int) -> set[int]:
    """Return where a match may end that begins at one of `starts`."""
    if depth > DEEPEST:
        raise RecursionError
    for op, value in tree:
        if not starts:
            break
        starts = _passed(str(op), value, text, starts, depth)
    return starts


def _passed(op: str, value: Any, text: str, starts: set[int], depth: int) -> set[int]:
    if op in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return {at + 1 for at in starts if at < len(text) and _takes(op, value, text[at])}
    if op == "AT":
        edge = {"AT_BEGINNING": 0, "AT_BEGINNING_STRING": 0, "AT_END": len(text), "AT_END_STRING": len(text)}
        return starts & {edge[str(value)]}
    if op in ("ASSERT", "ASSERT_NOT") and value[0] == 1:  # what comes next, or does not
        return {at for at in starts if bool(_ends(value[1], text, {at}, depth + 1)) == (op == "ASSERT")}
    if op == "BRANCH":
        return set().union(*(_ends(branch, text, starts, depth + 1) for branch in value[1]))
    if op == "SUBPATTERN" and not value[1] and not value[2]:
        return _ends(value[3], text, starts, depth)
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeats(value, text, starts, depth)
    raise ValueError(op)


def _repeats(value: Any, text: str, starts: set[int], depth: int) -> set[int]:
    low, high, inner = int(value[0]), value[1], value[2]
    for _ in range(min(low, len(text) + 1)):  # once more than there are characters changes nothing
        starts = _ends(inner, text, starts, depth + 1)
    reached, new = set(starts), starts
    more = len(text) if high is _constants.MAXREPEAT else min(int(high) - low, len(text))
    for _ in range(more):
        new = _ends(inner, text, new, depth + 1) - reached
        if not new:
            break
        reached |= new
    return reached


def _takes(op: str, value: Any, char: str) -> bool:
    if op == "ANY":
        return char != "\n"
    if op != "IN":
        return bool(ord(char) == value) == (op == "LITERAL")
    negated = str(value[0][0]) == "NEGATE"
    return negated != any(_is_in(str(kind), member, char) for kind, member in value[negated:])


def _is_in(kind: str, member: Any, char: str) -> bool:
    if kind == "LITERAL":
        return bool(ord(char) == member)
    if kind == "RANGE":
        return bool(member[0] <= ord(char) <= member[1])
    return _OF_CATEGORY[str(member)](char)


def _sequence(tree: Iterable[Any], rng: Draw, groups: dict[int, str], depth: int) -> list[str]:
    if depth > 50:
        raise RecursionError
    return [_node(str(op), value, rng, groups, depth) for op, value in tree]


def _node(op: str, value: Any, rng: Draw, groups: dict[int, str], depth: int) -> str:
    if op == "LITERAL":
        return chr(value)
    if op in ("AT", "ASSERT", "ASSERT_NOT"):
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
    if least > LONGEST:
        raise ValueError("too long a string")
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

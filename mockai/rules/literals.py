"""What every match of a regular expression has in it: a plain text by which the pattern can be found."""

from __future__ import annotations

import re

SIGNS = frozenset(".^$*+?{[()|")
"""What does not stand for itself."""
OPTIONAL = frozenset("*?{")
"""What may take the character before it away."""
UNSURE = re.compile(r"\(\?(?!:)|\\[0-9xuUN]")
"""Groups with a meaning of their own and characters by number: nothing is read out of such patterns."""
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
COUNT = re.compile(r"\{[0-9,]*\}")
ASCII = re.compile(r"[\0-\x7f]+")
OTHER_CASES = (("\u017f", "s"), ("\u212a", "k"), ("\u0130", "i"), ("\u0131", "i"))
"""Characters beyond ASCII that patterns without regard to case take for ASCII letters."""


def required(pattern: str, *, fold: bool = False) -> list[str]:
    """Return plain texts that each match has; none when none is sure.

    `fold` is for patterns without regard to case: the texts are parts of what `folded` makes of the match.
    """
    if UNSURE.search(pattern):
        return []
    runs = _runs(pattern)
    if fold:
        runs = [folded(piece) for run in runs for piece in ASCII.findall(run)]
    return [run for run in runs if run]


def folded(text: str) -> str:
    """Return a text without the difference of cases in its ASCII letters."""
    if text.isascii():
        return text.lower()
    for char, same in OTHER_CASES:
        text = text.replace(char, same)
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _runs(pattern: str) -> list[str]:
    """Return the runs of plain characters outside of groups."""
    runs, run, depth, at = [], "", 0, 0
    while at < len(pattern):
        plain, sign, size = _token(pattern, at)
        at += size
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            return []  # alternatives, which have nothing in common for sure
        if plain and depth == 0:
            run += plain
            continue
        runs.append(run[:-1] if sign in OPTIONAL else run)
        run = ""
    return [*runs, run]


def _token(pattern: str, at: int) -> tuple[str, str, int]:
    """Return what stands at a place: a character that stands for itself, or a sign; and how long it is."""
    char = pattern[at]
    if char == "\\":
        meant = pattern[at + 1]
        return ("", char, 2) if meant.isalnum() else (meant, "", 2)
    found = CLASS.match(pattern, at) or COUNT.match(pattern, at)
    if found is not None:
        return "", char, len(found[0])
    return ("", char, 1) if char in SIGNS else (char, "", 1)

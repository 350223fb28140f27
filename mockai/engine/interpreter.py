"""What a code interpreter would be seen to do: code, the logs it would print, and a sentence. No code ever runs.

The logs are true: a linear equation is solved, arithmetic is worked out, numbers are averaged, words are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from mockai.engine.mentions import words
from mockai.engine.slots import Slots

READ = 4_000
LARGEST_POWER = 64
LARGEST = 10**30
MOST_NUMBERS = 50

# Words by which a message asks for code.
CUES = frozenset(
    (
        "algorithm analyse analyze average calculate calculation chart code compute count csv equation evaluate "
        "expression factorial fibonacci formula function graph histogram integral mean median multiply percent "
        "percentage plot prime python regression script simulate solve spreadsheet statistics sum table"
    ).split()
)

_TERM = r"(?:\d{1,18}(?:\.\d{1,18})?\s{0,3}\*?\s{0,3})?[a-z]\b|\d{1,18}(?:\.\d{1,18})?"
_SIDE = rf"[+-]?\s{{0,3}}(?:{_TERM})(?:\s{{0,3}}[+-]\s{{0,3}}(?:{_TERM})){{0,20}}"
_EQUATION = re.compile(rf"(?<![\w.=])({_SIDE})\s{{0,3}}=\s{{0,3}}({_SIDE})(?![\w(=])", re.ASCII)
_PART = re.compile(r"([+-]?)\s*(?:(\d+(?:\.\d+)?)?\s*\*?\s*([a-z])|(\d+(?:\.\d+)?))", re.ASCII)
_SUM = re.compile(r"(?<![\w.(-])[-(]{0,20}\d[\d\s.()*/+^-]{0,200}[\d)](?![\w.])", re.ASCII)
_LEXEME = re.compile(r"\d+(?:\.\d+)?|\*\*|[-+*/^()]")


@dataclass(frozen=True, slots=True)
class Code:
    """The source that is shown, what it prints, and what the answer says of it."""

    source: str
    logs: str
    answer: str


def wanted(text: str) -> bool:
    """Return whether a message asks for something that a program would work out."""
    text = text[-READ:]
    return bool(CUES.intersection(words(text))) or _equation(text) is not None or _arithmetic(text) is not None


def code(text: str) -> Code:
    """Return what an interpreter would do for a message."""
    text = text[-READ:]
    return _equation(text) or _arithmetic(text) or _numbers(text) or _words(text)


def result(text: str) -> tuple[str, Fraction] | None:
    """Return the variable of an equation and its root, or "" and what a calculation comes to; None without either."""
    text = text[-READ:]
    for equation in _EQUATION.finditer(text):
        root = _root(equation[1], equation[2])
        if root is not None:
            return root
    return next((("", value) for _, value in _sums(text)), None)


# --- a linear equation ---------------------------------------------------------------------------


def _equation(text: str) -> Code | None:
    for found in _EQUATION.finditer(text):
        solved = _root(found[1], found[2])
        if solved is None:
            continue
        name, root = solved[0], str(solved[1])
        equation = f"{_spelled(found[1])} = {_spelled(found[2])}"
        source = (
            f"import sympy as sp\n\n# Define the variable\n{name} = sp.symbols('{name}')\n\n# Define the equation\n"
            f"equation = sp.Eq({_source(found[1])}, {_source(found[2])})\n\n# Solve the equation\n"
            f"solution = sp.solve(equation, {name})\nprint(solution)"
        )
        return Code(source, f"[{root}]", f"The solution to the equation {equation} is {name} = {root}.")
    return None


def _root(first: str, second: str) -> tuple[str, Fraction] | None:
    left, right = _linear(first), _linear(second)
    names = {name for name in (*left, *right) if name}
    if len(names) != 1:
        return None
    name = names.pop()
    slope = left.get(name, Fraction()) - right.get(name, Fraction())
    return (name, (right.get("", Fraction()) - left.get("", Fraction())) / slope) if slope else None


def _linear(side: str) -> dict[str, Fraction]:
    """Return the factors of a side by variable; the constant is that of the empty name."""
    factors: dict[str, Fraction] = {}
    for sign, factor, name, constant in _PART.findall(side):
        value = Fraction(constant or factor or 1) * (-1 if sign == "-" else 1)
        factors[name] = factors.get(name, Fraction()) + value
    return factors


def _spelled(side: str) -> str:
    return " ".join(side.split())


def _source(side: str) -> str:
    return re.sub(r"(\d)\s*(?=[a-z])", r"\1*", _spelled(side))


# --- arithmetic ----------------------------------------------------------------------------------


def _arithmetic(text: str) -> Code | None:
    for expression, value in _sums(text):
        shown = str(float(value)) if set(expression) & set("/.") else str(value)
        source = f"result = {expression.replace('^', '**')}\nprint(result)"
        return Code(source, shown, f"The result of {expression} is {shown}.")
    return None


def _sums(text: str) -> Iterator[tuple[str, Fraction]]:
    """Yield the calculations of a text, and what they come to."""
    for found in _SUM.findall(text):
        expression = _spelled(found)
        if not re.search(r"\d\)?\s*(?:[*/+^]|\s-)", expression):  # dates and ranges have bare hyphens only
            continue
        try:
            yield expression, _Sum(expression).value()
        except (ValueError, ZeroDivisionError, OverflowError):
            continue


class _Sum:
    """Works out numbers joined by + - * / and powers. Raises ValueError for anything else."""

    def __init__(self, expression: str) -> None:
        self._lexemes: list[str] = _LEXEME.findall(expression)
        self._at = 0
        if "".join(self._lexemes) != expression.replace(" ", ""):
            raise ValueError(expression)

    def value(self) -> Fraction:
        """Return what it comes to: no more than `LARGEST`."""
        result = self._terms()
        if abs(result) > LARGEST or result.denominator > LARGEST:
            raise ValueError("too large a number")
        if self._peek():
            raise ValueError("something follows the end")
        return result

    def _peek(self) -> str:
        return self._lexemes[self._at] if self._at < len(self._lexemes) else ""

    def _take(self) -> str:
        self._at += 1
        return self._lexemes[self._at - 1] if self._at <= len(self._lexemes) else ""

    def _terms(self) -> Fraction:
        result = self._factors()
        while self._peek() in ("+", "-"):
            result = result + self._factors() if self._take() == "+" else result - self._factors()
        return result

    def _factors(self) -> Fraction:
        result = self._power()
        while self._peek() in ("*", "/"):
            result = result * self._power() if self._take() == "*" else result / self._power()
        return result

    def _power(self) -> Fraction:
        base = self._atom()
        if self._peek() not in ("**", "^"):
            return base
        self._take()
        exponent = self._power()
        if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER or abs(base) > 10**6:
            raise ValueError("too large a power")
        return base ** int(exponent)

    def _atom(self) -> Fraction:
        lexeme = self._take()
        if lexeme == "-":
            return -self._power()
        if lexeme == "(":
            inside = self._terms()
            if self._take() != ")":
                raise ValueError("a bracket is not closed")
            return inside
        return Fraction(lexeme)


# --- anything else -------------------------------------------------------------------------------

_AVERAGES: Mapping[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "largest": max,
    "smallest": min,
    "average": lambda numbers: sum(numbers) / len(numbers),
}
_SPOKEN = {"sum": "sum", "total": "sum", "largest": "largest", "maximum": "largest", "smallest": "smallest"}
_SOURCES = {
    "sum": "sum(numbers)",
    "largest": "max(numbers)",
    "smallest": "min(numbers)",
    "average": "sum(numbers) / len(numbers)",
}


def _numbers(text: str) -> Code | None:
    numbers = Slots(text).numbers[:MOST_NUMBERS]
    if len(numbers) < 2:
        return None
    what = next((_SPOKEN[word] for word in words(text) if word in _SPOKEN), "average")
    value = str(_AVERAGES[what](numbers))
    source = f"numbers = {numbers}\nresult = {_SOURCES[what]}\nprint(result)"
    return Code(source, value, f"The {what} of the {len(numbers)} numbers is {value}.")


def _words(text: str) -> Code:
    said = words(text)[:200]
    source = f"words = {' '.join(said[:12])!r}.split()\nprint(len(words))"
    count = min(len(said), 12)
    return Code(source, str(count), f"I ran a short program over your request; it printed {count}.")

"""Values from the prompt: what a message offers for the properties of a tool or a schema.

Only the last few thousand characters are read, with simple expressions, so a long prompt costs no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeGuard

Json = dict[str, Any]

READ = 4000

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)")
_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|'([^'\n]{2,200})'(?![a-z])|`([^`\n]{1,200})`")
_NAME = re.compile(r"[A-Z][\w'’.-]*(?: (?:(?:of|de|la|the|van) )?[A-Z][\w'’.-]*)*(?:, [A-Z]{2}\b)?")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_DAY = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|(?:next |on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", re.I
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_URL = re.compile(r"https?://[^\s\"'<>)]{1,500}")
_IDENTIFIER = re.compile(r"#?\b(?=\w*\d)(?=\w*[A-Za-z_-])[\w-]{3,64}\b|#\d{1,18}\b")
_FORMULA = re.compile(r"[\d(][\d\s().x^*/+=-]*[*/+=^-][\d\s().x^*/+=-]*[\d)x]")
_WORD = re.compile(r"[a-z0-9]+")

NUMBER_WORDS = {
    word: number
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
# Words that start sentences, or are capitalised for other reasons, and are no names.
NO_NAMES = frozenset(
    (
        "a an and any are book but can cancel check compare convert could create delete describe did do does draft "
        "explain extract fetch find for from generate get give hello hey hi how i i'd i'll i'm i've if in is it "
        "its let list look make may my no not now of on or order please remind schedule search send set should "
        "show so solve tell thank thanks that the then there these they this to translate update use was we what "
        "what's when where which who who's whose why will with would write yes you your json today tomorrow "
        "yesterday monday tuesday wednesday thursday friday saturday sunday celsius fahrenheit"
    ).split()
)
CUES = "in|for|to|at|from|near|of|named|called|with|about"
# Which words of a property's name call for which kind of value.
PLACES = frozenset("location city place country destination origin region town address area state where".split())
PEOPLE = frozenset("name person customer user author title company firm owner recipient contact artist team".split())
TEXTS = frozenset("query question text message content prompt input search topic subject keyword body note".split())
DATES = frozenset(["date", "day", "when", "time", "deadline", "start", "end"])
FORMULAS = frozenset(["expression", "equation", "formula", "calculation", "code"])
IDENTIFIERS = frozenset("id identifier number code reference sku ticket order".split())


def words(text: str) -> list[str]:
    """Return the lower-case words of a text or of an identifier (`getCurrent_weather` has three)."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return _WORD.findall(spaced.lower().replace("_", " "))


class Slots:
    """What one text offers. Values that were given out are not given again while others are left."""

    def __init__(self, text: str) -> None:
        """Read the end of `text`."""
        self.text = text[-READ:]
        self.quoted = ["".join(groups) for groups in _QUOTED.findall(self.text)]
        self.names = list(_names(self.text))
        self.numbers = _numbers(self.text)
        self._given: set[str] = set()

    def value(self, name: str, schema: Json, description: str = "") -> Any:
        """Return the best value for a property, of the type that its schema asks for; None if there is none."""
        return next(iter(self._fresh(self.several(name, schema, description))), None)

    def _fresh(self, values: list[Any]) -> list[Any]:
        fresh = [value for value in values if repr(value) not in self._given] or values
        self._given.update(repr(value) for value in fresh[:1])
        return fresh

    def several(self, name: str, schema: Json, description: str = "") -> list[Any]:
        """Return every value that the text offers for a property, in the order of the text."""
        if isinstance(schema.get("enum"), list):
            return self._of_enum(schema["enum"])
        kinds = schema.get("type")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind in ("integer", "number"):
                return self._of_numbers(kind, schema, name)
            if kind == "string" or kind is None:
                return self._of_strings(name, schema, description)
        return []

    def _of_enum(self, values: Iterable[Any]) -> list[Any]:
        spoken = set(words(self.text))
        return [
            value
            for value in values
            if isinstance(value, str) and (parts := words(value)) and all(_said(part, spoken) for part in parts)
        ]

    def _of_numbers(self, kind: str, schema: Json, name: str) -> list[Any]:
        fitting = [number for number in self.numbers if _fits(number, kind, schema)]
        named = re.search(
            rf"\b{re.escape(name.replace('_', ' '))}\W{{1,5}}(?:is |of |to )?(-?\d+(?:\.\d+)?)", self.text
        )
        if named is not None:
            number = _parsed(named[1])
            if _fits(number, kind, schema):
                return [number]
        return fitting

    def _of_strings(self, name: str, schema: Json, description: str) -> list[str]:
        form = schema.get("format")
        wanted = set(words(name))
        candidates: list[str]
        if form == "email" or "email" in wanted:
            candidates = _EMAIL.findall(self.text)
        elif form in ("uri", "url") or wanted & {"url", "uri", "link", "website"}:
            candidates = _URL.findall(self.text)
        elif form == "date":
            candidates = _DATE.findall(self.text)
        elif form is not None or "pattern" in schema:
            return []
        else:
            candidates = self._free(wanted, set(words(description)))
        longest = schema.get("maxLength")
        shortest = schema.get("minLength") or 0
        return [
            entry
            for entry in dict.fromkeys(candidates)
            if len(entry) >= shortest and (not isinstance(longest, int) or len(entry) <= longest)
        ]

    def _free(self, wanted: set[str], described: set[str]) -> list[str]:
        if wanted & DATES and (dates := _DATE.findall(self.text) or _DAY.findall(self.text)):
            return dates
        if wanted & FORMULAS and (formulas := [entry.strip() for entry in _FORMULA.findall(self.text)]):
            return formulas
        if wanted & IDENTIFIERS and (found := _IDENTIFIER.findall(self.text) or _NUMBER.findall(self.text)):
            return [entry.lstrip("#") for entry in found]
        if wanted & TEXTS:
            return self.quoted or ([self.text.strip()] if self.text.strip() else [])
        if wanted & (PLACES | PEOPLE) or described & (PLACES | PEOPLE):
            return self._cued() or self.quoted
        return self.quoted

    def _cued(self) -> list[str]:
        """Return the names from the first on that stands behind a cue word: «Weather in Rome» is about Rome."""
        for at, name in enumerate(self.names):
            if re.search(rf"\b(?:{CUES}) {re.escape(name)}", self.text):
                return self.names[at:]
        return self.names


def _names(text: str) -> Iterable[str]:
    for found in _NAME.finditer(text):
        name = found[0].rstrip(".,'’-")
        while name and name.split(" ")[0].lower().removesuffix("'s").removesuffix("’s") in NO_NAMES:
            name = name.partition(" ")[2]
        name = name.removesuffix("'s").removesuffix("’s")
        if len(name) > 1:
            yield name


def _numbers(text: str) -> list[int | float]:
    plain = _DATE.sub(" ", text)
    found = [_parsed(entry) for entry in _NUMBER.findall(plain)]
    return found or [NUMBER_WORDS[word] for word in words(plain) if word in NUMBER_WORDS]


def _parsed(text: str) -> int | float:
    return float(text) if "." in text else int(text[:18])


def _said(word: str, spoken: set[str]) -> bool:
    return word in spoken or f"{word}s" in spoken or word.removesuffix("s") in spoken


def _fits(number: float, kind: str, schema: Json) -> bool:
    if kind == "integer" and not isinstance(number, int):
        return False
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf")
    return not (
        (_is_number(low) and number < low)
        or (_is_number(high) and number > high)
        or (_is_number(above) and number <= above)
        or (_is_number(below) and number >= below)
        or (_is_number(step) and step and number % step)
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

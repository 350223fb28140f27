"""Values from the prompt: what a message offers for the properties of a tool or a schema.

Only a few thousand characters are read, at both ends of a text, and each kind of value is looked for once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeGuard

from mockai.engine import mentions, patterns
from mockai.engine.mentions import words
from mockai.engine.vocabulary import (
    ADDRESSEES,
    CURRENCIES,
    DATES,
    ENTITLED,
    EVENTS,
    FORMULAS,
    HEADINGS,
    IDENTIFIERS,
    MONEY,
    NAMED,
    NO,
    ORGANISATIONS,
    PATHS,
    PERSONS,
    PHONES,
    PLACES,
    POLES,
    POSTCODES,
    SOURCES,
    SWITCHES,
    SYMBOLS,
    TARGETS,
    TASKS,
    TEXTS,
    YES,
)

Json = dict[str, Any]

READ = 4000
"""Characters that are read of the end of a text,"""
READ_FIRST = 2000
"""and of its beginning."""
MOST_RANKED = 50
"""Values of which the place in the text is looked at."""
MOST_PATTERNED = 100
"""Values that a pattern is tried on,"""
LONGEST_PATTERNED = 64
"""and characters that such a value may have."""

_CUE = re.compile(r"\b(?:in|for|to|at|from|near|of|named|called|with|about):? ", re.I)
_COUNT = "|".join([r"[1-9]\d?", *list(mentions.NUMBER_WORDS)[1:]])
_BEHIND_SOURCE = re.compile(r"\b(?:from|between)\W{1,3}$", re.I)
_BEHIND_TARGET = re.compile(r"\b(?:to|into|and|in)\W{1,3}$", re.I)
_DENIED = re.compile(r"\b(?:not|no|without|don't|do not|never|exclude|excluding|disable|skip)\W{1,3}(?:the )?$", re.I)


class Slots:
    """What one text offers. Values that were given out are not given again while others are left."""

    def __init__(self, text: str, earlier: Sequence[str] = ()) -> None:
        """Read the beginning and the end of `text`; what it does not offer, the `earlier` texts may."""
        self.text = text if len(text) <= READ_FIRST + READ else f"{text[:READ_FIRST]}\n{text[-READ:]}"
        self._earlier = earlier
        self.lowered = self.text.lower()
        self._found: dict[Callable[[str], list[Any]], list[Any]] = {}
        self.quoted: list[str] = self.found(mentions.quoted)
        self.names: list[str] = self.found(mentions.names)
        self._numbers = mentions.numbers(self.text)
        self.numbers = [number for number, _ in self._numbers]
        self._given: set[str] = set()

    def found(self, find: Callable[[str], list[Any]]) -> list[Any]:
        """Return what `find` finds in the text; each looks once."""
        if find not in self._found:
            self._found[find] = find(self.text)
        return self._found[find]

    @cached_property
    def before(self) -> Slots | None:
        """Return what the text in front of this one offers."""
        return Slots(self._earlier[0], self._earlier[1:]) if self._earlier else None

    def value(self, name: str, schema: Json, description: str = "") -> Any:
        """Return the best value for a property, of the type that its schema asks for; None if there is none."""
        found = self.several(name, schema, description)
        if isinstance(schema.get("enum"), list):
            # Who names all that there is to choose from has not chosen yet.
            found = [] if len(found) == len(schema["enum"]) > 1 else found or self._likely(schema["enum"])
        elif not found and self.before is not None:
            return self.before.value(name, schema, description)
        return next(iter(self._fresh(found)), None)

    def offers(self, name: str, schema: Json, description: str) -> bool:
        """Return whether there is a value for a property, here or in front."""
        if self.several(name, schema, description) or self._likely(schema.get("enum") or ()):
            return True
        return self.before is not None and self.before.offers(name, schema, description)

    def _fresh(self, values: list[Any]) -> list[Any]:
        fresh = [value for value in values if repr(value) not in self._given] or values
        self._given.update(repr(value) for value in fresh[:1])
        return fresh

    def several(self, name: str, schema: Json, description: str = "") -> list[Any]:
        """Return every value that the text offers for a property: those that are said to be its own first."""
        if isinstance(schema.get("enum"), list):
            return self._own_first(name, self._of_enum(schema["enum"]))
        kinds = schema.get("type")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind in ("integer", "number"):
                return self._own_first(name, [number for number in self._sums(name) if fits(number, kind, schema)])
            if kind == "boolean":
                return self._of_booleans(name)
            if kind == "string" or kind is None:
                return self._own_first(name, self._of_strings(name, schema, description))
        return []

    def listed(self, name: str) -> list[str]:
        """Return the things of a list that a text has for a property: behind its label, or as the only list."""
        told = self._labelled(words(name))
        return mentions.split(told[0]) if told else self.found(mentions.listed)

    def _labelled(self, label: list[str]) -> list[str]:
        said = bool(label) and all(word in self.lowered for word in label) and (":" in self.text or "=" in self.text)
        return mentions.labelled(self.text, label) if said else []

    def counted(self, name: str) -> int | None:
        """Return how many of something a text asks for: «three quiz questions»."""
        noun = (words(name) or ["?"])[-1]
        if noun not in self.lowered:
            return None
        found = re.search(rf"\b({_COUNT}) (?:[\w-]+ ){{0,2}}{noun}(?:e?s)?\b", self.lowered)
        return mentions.NUMBER_WORDS.get(found[1]) or int(found[1]) if found is not None else None

    def says(self, name: str) -> bool:
        """Return whether a text has one of the words of a name."""
        return any(_said(word, self.spoken) for word in words(name) if len(word) > 3)

    @cached_property
    def spoken(self) -> set[str]:
        """Return the words of the text."""
        return set(words(self.text))

    # --- the kinds of values

    def _sums(self, name: str) -> list[int | float]:
        """Return the numbers: those with a sign of a currency first for what is paid, and last for anything else."""
        money = not MONEY.isdisjoint(words(name))
        paid = {mentions.parsed(written) for written in self.found(mentions.prices)}
        return sorted(self.numbers, key=lambda number: (number in paid) != money)

    def _of_enum(self, values: Iterable[Any]) -> list[Any]:
        spoken = self.spoken
        said = [
            value
            for value in values
            if isinstance(value, str) and (parts := words(value)) and all(_said(part, spoken) for part in parts)
        ]
        return sorted(said, key=self._place)

    def _likely(self, values: Iterable[Any]) -> list[str]:
        """Return the strings of which some word is said that tells them apart, and what the mood of the text says."""
        texts = [value for value in values if isinstance(value, str)]
        parts = [set(words(value)) for value in texts]
        shared = set.intersection(*parts) if parts else set()
        spoken = self.spoken
        hits = [sum(_said(part, spoken) for part in each - shared if len(part) > 3) for each in parts]
        if any(hits):
            return [value for value, hit in zip(texts, hits, strict=True) if hit == max(hits)][:1]
        moods = {pole: len(spoken & said) for pole, said in POLES.items()}
        mood = max(moods, key=lambda pole: moods[pole])
        if min(moods.values()) == max(moods.values()):
            mood = "neutral"
        return [
            value
            for value in texts
            if value.lower() == mood and {"positive", "negative"} <= set(map(str.lower, texts))
        ]

    def _place(self, value: str) -> int:
        at = self.lowered.find(value.lower())
        return at if at >= 0 else READ

    def _of_booleans(self, name: str) -> list[bool]:
        """Return what is said of a property: its words mean yes, unless they are denied."""
        own = words(name)
        if not own:
            return []
        told = None
        if " ".join(own) in self.lowered:
            told = re.search(
                rf"\b{' '.join(own)}\b\W{{1,5}}(?:(?:is|to|set to|should be)\W{{1,3}})?(\w+)", self.text, re.I
            )
        if told is not None and told[1].lower() in YES | NO:
            return [told[1].lower() in YES]
        if SWITCHES.issuperset(own):
            said = [word for word in words(self.text) if word in NO | (YES - {"on"}) or word == "on" == own[0]]
            return [word in YES for word in sorted(said, key=YES.__contains__)[:1]]
        topic = [word for word in own if word not in ("is", "has", "with", "include", "use", "should")]
        at = self.lowered.find(" ".join(topic)) if topic else -1
        return [_DENIED.search(self.text[:at]) is None] if at >= 0 else []

    def _of_strings(self, name: str, schema: Json, description: str) -> list[str]:
        form, pattern = schema.get("format"), schema.get("pattern")
        own = words(name)
        wanted = set(own)
        candidates: list[str]
        if isinstance(form, str):
            find = mentions.OF_FORMAT.get(form)
            candidates = find(self.text) if find is not None else []
        elif isinstance(pattern, str):
            candidates = [*self.quoted, *self.names, *self.found(mentions.pieces), *self.found(mentions.figures)]
        elif "email" in wanted:
            candidates = self.found(mentions.emails)
        elif wanted & {"url", "uri", "link", "website"}:
            candidates = self.found(mentions.urls)
        else:
            told = self._labelled(own)
            candidates = told or self._free(wanted, set(words(description)))
        longest = schema.get("maxLength")
        shortest = schema["minLength"] if _is_number(schema.get("minLength")) else 0
        candidates = [
            entry
            for entry in dict.fromkeys(candidates)
            if len(entry) >= shortest and (not isinstance(longest, int) or len(entry) <= longest)
        ]
        if isinstance(pattern, str):
            return [
                e for e in candidates[:MOST_PATTERNED] if len(e) <= LONGEST_PATTERNED and patterns.fits(pattern, e)
            ]
        return candidates

    def _free(self, wanted: set[str], described: set[str]) -> list[str]:
        if wanted and wanted <= ENTITLED and (wanted | described) & EVENTS and not self.quoted:
            found = self.found(mentions.happenings)
            if found:
                return found
        for triggers, find in _KINDS:
            if wanted & triggers and (found := find(self)):
                return _part_of_name(wanted, found)
        for triggers, find in _DESCRIBED:
            if described & triggers and (found := find(self)):
                return found
        if wanted & (SOURCES | TARGETS):
            return self.found(mentions.codes) or self.cued
        return self.quoted

    @cached_property
    def cued(self) -> list[str]:
        """Return the names from the first on that stands behind a cue word: «Weather in Rome» is about Rome."""
        sizes = sorted({len(name) for name in self.names})
        behind = {self.text[cue.end() : cue.end() + size] for cue in _CUE.finditer(self.text) for size in sizes}
        for at, name in enumerate(self.names):
            if name in behind:
                return self.names[at:]
        return self.names or self.found(mentions.spots)

    def _codes(self) -> list[str]:
        return self.found(mentions.codes)

    def _currencies(self) -> list[str]:
        return self.found(mentions.currencies)

    def _identifiers(self) -> list[str]:
        return self.found(mentions.identifiers) or self.found(mentions.figures)

    def _dates(self) -> list[str]:
        return self.found(mentions.moments) or [*self.found(mentions.dates), *self.found(mentions.days)]

    def _people(self) -> list[str]:
        return self.found(mentions.people) or self.quoted

    def _texts(self) -> list[str]:
        whole = self.text.strip()
        return self.quoted or self.found(mentions.said) or self.found(mentions.behind) or ([whole] if whole else [])

    # --- which of them

    def _own_first(self, name: str, values: Sequence[Any]) -> list[Any]:
        """Return the values, those first that stand beside the property's own words, or at its end of «from … to»."""
        wanted = words(name)
        ends: Sequence[re.Pattern[str]] = ()
        if not SOURCES.isdisjoint(wanted):
            ends = (_BEHIND_SOURCE, _BEHIND_TARGET)
        elif not TARGETS.isdisjoint(wanted):
            ends = (_BEHIND_TARGET, _BEHIND_SOURCE)
        own = [word.removesuffix("s") for word in wanted if len(word) > 2 and word not in SOURCES | TARGETS]
        own = [word for word in own if word in self.lowered]
        if len(values) < 2 or not (own or ends):
            return list(values)
        noun = f"(?:{'|'.join(own)})s?" if own else r"(?!)"
        before = re.compile(
            rf"\b{noun}\b(?: ?\([^)]*\))?(?:\W{{1,3}}(?:is|of|to|at|named|called|id|number|no|code))?[^\w(]{{1,3}}$",
            re.I,
        )
        after = re.compile(rf"^ ?(?:%|percent)? ?(?:[a-z]+ )?{noun}\b", re.I)

        spelled = dict(reversed(self._numbers))

        def rank(value: Any) -> int:
            best = 2
            written = spelled.get(value, str(value)) if not isinstance(value, str) else value
            for at in _occurrences(self.text, written):
                head, tail = self.text[max(0, at - 40) : at], self.text[at + len(written) :][:40]
                if before.search(head) or (not isinstance(value, str) and after.match(tail)):
                    return 0
                if ends and ends[0].search(head):
                    best = 1
                elif ends and best == 2 and ends[1].search(head):
                    best = 3
            return best

        return sorted(values[:MOST_RANKED], key=rank) + list(values[MOST_RANKED:])


def _occurrences(text: str, value: str) -> Iterable[int]:
    """Yield where a text has a value, as a word of its own; the first few places."""
    at = text.find(value)
    for _ in range(8):
        if at < 0:
            return
        if not text[max(0, at - 1) : at].isalnum() and not text[at + len(value) :][:1].isalnum():
            yield at
        at = text.find(value, at + 1)


_KINDS: Sequence[tuple[frozenset[str], Callable[[Slots], list[str]]]] = (
    (PHONES, lambda slots: slots.found(mentions.phones)),
    (POSTCODES, lambda slots: slots.found(mentions.postcodes)),
    (PATHS, lambda slots: slots.found(mentions.paths)),
    (ADDRESSEES, lambda slots: slots.found(mentions.emails)),
    (frozenset(["time", "hour"]), lambda slots: slots.found(mentions.times)),
    (DATES, Slots._dates),
    (FORMULAS, lambda slots: slots.found(mentions.formulas)),
    (CURRENCIES, Slots._currencies),
    (SYMBOLS, Slots._codes),
    (IDENTIFIERS, Slots._identifiers),
    (TEXTS, Slots._texts),
    (TASKS, lambda slots: slots.found(mentions.tasks)),
    (HEADINGS, lambda slots: slots.quoted),
    (PLACES | ORGANISATIONS | NAMED, lambda slots: slots.cued or slots.quoted),
    (PERSONS, Slots._people),
)
"""What the words of a name ask for, in the order in which they are asked."""
_DESCRIBED: Sequence[tuple[frozenset[str], Callable[[Slots], list[str]]]] = (
    (frozenset(["email", "mail"]), lambda slots: slots.found(mentions.emails)),
    (CURRENCIES, Slots._currencies),
    (SYMBOLS, Slots._codes),
    (frozenset(["yyyy", "date"]), Slots._dates),
    (frozenset(["id", "identifier"]), Slots._identifiers),
    (PLACES | ORGANISATIONS, lambda slots: slots.cued or slots.quoted),
    (PERSONS, Slots._people),
)
"""What the words of a description ask for, where the name asks for nothing."""


def _part_of_name(wanted: set[str], names: list[str]) -> list[str]:
    """Return the first or last names, where a property asks for these."""
    if "name" in wanted and wanted & {"first", "given"}:
        return [name.split()[0] for name in names]
    if ("name" in wanted and wanted & {"last", "family"}) or "surname" in wanted:
        return [name.split()[-1] for name in names]
    return names


def _said(word: str, spoken: set[str]) -> bool:
    return word in spoken or f"{word}s" in spoken or word.removesuffix("s") in spoken


def fits(number: float, kind: str, schema: Json) -> bool:
    """Return whether a number is of a kind, `integer` or `number`, and within the bounds of a schema."""
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

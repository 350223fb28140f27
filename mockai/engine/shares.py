"""Which numbers of a text are the ids of things and which are amounts, for a tool that takes both: none is both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from mockai.engine import mentions
from mockai.engine.mentions import words
from mockai.engine.slots import Slots
from mockai.engine.vocabulary import IDENTIFIERS

Json = dict[str, Any]


class Shares:
    """The parameters of a tool among which the numbers of a text are shared out."""

    def __init__(self, properties: Mapping[str, Any], required: Any) -> None:
        """Sort the parameters."""
        self._ids, self._amounts, self._needed = set[str](), set[str](), 0
        for key, entry in list(properties.items())[:100]:
            kind = entry.get("type") if isinstance(entry, dict) and "enum" not in entry else None
            kinds = kind if isinstance(kind, list) else [kind]
            own = words(key)
            if own and (own[-1] == "id" or ("string" in kinds and own[-1] in IDENTIFIERS)):
                self._ids.add(key)
            elif ("integer" in kinds or "number" in kinds) and IDENTIFIERS.isdisjoint(own[-1:]):
                self._amounts.add(key)
                self._needed += isinstance(required, list) and key in required

    def of(self, name: str, values: list[Any], slots: Slots) -> list[Any]:
        """Return those of the values, which `slots` offer for a parameter, that stand for no other one."""
        if not self._ids or not self._amounts or name not in self._ids | self._amounts or not values:
            return values
        figures: list[tuple[int | float, str]] = slots.found(mentions.numbers)
        ids, amounts = self._shared_out(slots, [written for _, written in figures])
        other = set(amounts if name in self._ids else ids) - set(ids if name in self._ids else amounts)
        spelled = dict(reversed(figures))
        return [value for value in values if (value if isinstance(value, str) else spelled.get(value)) not in other]

    def _shared_out(self, slots: Slots, spare: list[str]) -> tuple[list[str], list[str]]:
        """Return the numbers that are ids, as the text says or as no amount needs them, and the rest."""
        given: list[str] = slots.found(mentions.identifiers)
        told = [entry for entry in given if entry.isdigit()]
        for found in self._told.finditer(slots.text):
            told += re.findall(r"\d+", found[0])
        for entry in set(told):
            if entry in spare:
                spare.remove(entry)
        if told or given:
            return told, spare
        return spare[self._needed :], spare[: self._needed] if self._needed else spare[1:]

    @cached_property
    def _told(self) -> re.Pattern[str]:
        """Return what finds numbers that are said to be ids: «order no. 12», «orders 12, 13 and 14»."""
        nouns = "|".join(sorted({re.escape(word) for key in self._ids for word in words(key)}))
        return re.compile(
            rf"\b(?:{nouns})(?:\W{{1,3}}(?:id|is|number|no|code)\b){{0,2}}\W{{1,3}}\d+(?![\w.,]*\d)"
            rf"|\b(?:{nouns})s\W{{1,3}}\d+(?:, #?\d+)*(?:,? (?:and|or) #?\d+)?(?![\w.]*\d)",
            re.I,
        )


class Shared(Slots):
    """What a text, and those before it, offer for the parameters of a tool."""

    def __init__(self, text: str, earlier: Sequence[str], shares: Shares) -> None:
        """Read a text as `Slots` do."""
        super().__init__(text, earlier)
        self._shares = shares

    @cached_property
    def before(self) -> Slots | None:
        """Return what the text in front of this one offers."""
        return Shared(self._earlier[0], self._earlier[1:], self._shares) if self._earlier else None

    def several(self, name: str, schema: Json, description: str = "") -> list[Any]:
        """Return every value for a parameter that stands for no other one."""
        return self._shares.of(name, super().several(name, schema, description), self)

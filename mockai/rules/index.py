"""Finding the rules that a request may meet without looking at each: exact values, and parts of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import merge

from mockai.rules.match import Key
from mockai.rules.request import Request
from mockai.rules.rule import Rule

SIZES = (4, 2)
"""Characters of the pieces that parts of texts are found by; shorter parts are looked at always."""


@dataclass(slots=True)
class _Exact:
    key: Key
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def find(self, request: Request, found: set[int]) -> None:
        for value in self.key.values(request):
            numbers = self.numbers.get(value)
            if numbers is not None:
                found.update(numbers)


@dataclass(slots=True)
class _Parts:
    """Each part of a text is filed under its rarest piece; a text is asked for all pieces that it has."""

    key: Key
    size: int
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def find(self, request: Request, found: set[int]) -> None:
        text = self.key.values(request)
        if text is None:
            return
        size, numbers = self.size, self.numbers
        pieces = {text[at : at + size] for at in range(len(text) - size + 1)}
        if not numbers.keys().isdisjoint(pieces):  # this way round it walks over the few pieces, not over all rules
            for piece in pieces & numbers.keys():
                found.update(numbers[piece])


class Index:
    """The rules of one endpoint, in order."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """File each rule under the first key that its conditions offer; one without is looked at always."""
        self.rules = tuple(rules)
        self._always: list[int] = []
        self._exact: dict[str, _Exact] = {}
        self._parts: dict[tuple[str, int], _Parts] = {}
        parts: dict[tuple[str, int], list[tuple[int, Key]]] = {}
        for number, rule in enumerate(self.rules):
            key = _key_of(rule)
            if key is None:
                self._always.append(number)
            elif key.part:
                size = next(size for size in SIZES if len(key.value) >= size)
                parts.setdefault((key.kind, size), []).append((number, key))
            else:
                self._exact.setdefault(key.kind, _Exact(key)).numbers.setdefault(key.value, []).append(number)
        for (kind, size), entries in parts.items():
            self._parts[kind, size] = _filed(size, entries)
        self._tables: list[_Exact | _Parts] = [*self._exact.values(), *self._parts.values()]

    def candidates(self, request: Request) -> Iterable[Rule]:
        """Yield the rules that the request may meet, in order."""
        found: set[int] = set()
        for table in self._tables:
            table.find(request, found)
        rules = self.rules
        if not found:
            return (rules[number] for number in self._always)
        return (rules[number] for number in merge(sorted(found), self._always))


def _key_of(rule: Rule) -> Key | None:
    for condition in rule.match.conditions:
        key = condition.key
        if key is not None and (not key.part or len(key.value) >= SIZES[-1]):
            return key
    return None


def _filed(size: int, entries: list[tuple[int, Key]]) -> _Parts:
    counted = Counter(piece for _, key in entries for piece in _pieces(key.value, size))
    filed = _Parts(entries[0][1], size)
    for number, key in entries:
        rarest = min(_pieces(key.value, size), key=lambda piece: (counted[piece], piece))
        filed.numbers.setdefault(rarest, []).append(number)
    return filed


def _pieces(text: str, size: int) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}

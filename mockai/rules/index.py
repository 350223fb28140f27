"""Finding the rules that a request may meet without looking at each: exact values, and parts of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockai.rules.literals import folded
from mockai.rules.match import Key
from mockai.rules.request import Request
from mockai.rules.rule import Rule

if TYPE_CHECKING:
    from mockai.rules.pieces import Pieces
    from mockai.rules.words import Words

SHORT = 4096
"""Characters up to which a text is looked at word by word, which in longer ones takes longer than piece by piece."""


Exact = tuple[Callable[[Request], Iterable[str]], dict[str, list[int]]]
"""What reads the values of a kind, and the rules of each value."""


@dataclass(slots=True)
class _Parts:
    """The rules of a kind of texts, by parts of these."""

    read: Callable[[Request], str | None]
    words: Words
    pieces: list[Pieces]
    folded: list[Pieces]
    """Those of texts without the difference of cases."""

    def search(self, text: str) -> set[int]:
        """Return the rules whose parts are in a text."""
        found = {number for pieces in self.pieces for number in pieces.find(text)}
        if self.folded:
            text = folded(text)
            found.update(number for pieces in self.folded for number in pieces.find(text))
        return found


class Index:
    """The rules of one endpoint, in order."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """File each rule under the key that it shares with the fewest; one without a key is looked at always."""
        self.rules = tuple(rules)
        self._unkeyed: list[int] = []
        offered = [_keys_of(rule) for rule in self.rules]
        shared = Counter((key.kind, key.value, key.folded) for keys in offered for key in keys)
        exact: dict[str, Exact] = {}
        parts: dict[str, list[tuple[int, Key]]] = {}
        for number, keys in enumerate(offered):
            if not keys:
                self._unkeyed.append(number)
                continue
            key = min(keys, key=lambda key: shared[key.kind, key.value, key.folded])
            if key.part:
                parts.setdefault(key.kind, []).append((number, key))
            else:
                exact.setdefault(key.kind, (key.values, {}))[1].setdefault(key.value, []).append(number)
        self._always = [self.rules[number] for number in self._unkeyed]
        self._exact, self._parts = [*exact.values()], [*map(_filed, parts.values())]

    def candidates(self, request: Request) -> list[Rule]:
        """Return the rules that the request may meet, in order."""
        found: set[int] = set()
        for read, numbers in self._exact:
            for value in read(request):
                found.update(numbers.get(value, ()))
        for parts in self._parts:
            text: str | None = parts.read(request)
            if text is not None:
                known = parts.words.find(text) if len(text) <= SHORT else None
                if known is None:
                    found |= parts.search(text)
                else:
                    found.update(*known)
        if not found:
            return self._always
        found.update(self._unkeyed)
        return [*map(self.rules.__getitem__, sorted(found))]


def _keys_of(rule: Rule) -> list[Key]:
    keys = [key for condition in rule.match.conditions for key in condition.keys]
    if not any(key.part for key in keys):
        return keys
    from mockai.rules.pieces import size_of  # loads numpy, which takes a while: only for who needs it

    return [key for key in keys if not key.part or size_of(key.value) is not None]


def _filed(entries: list[tuple[int, Key]]) -> _Parts:
    from mockai.rules.words import Words

    plain, other = ([(number, key.value) for number, key in entries if key.folded is fold] for fold in (False, True))
    return _Parts(entries[0][1].values, Words(plain, other), _sized(plain), _sized(other))


def _sized(parts: list[tuple[int, str]]) -> list[Pieces]:
    from mockai.rules.pieces import SIZES, Pieces, size_of

    by_size = {size: [entry for entry in parts if size_of(entry[1]) == size] for size in SIZES}
    return [Pieces(size, chosen) for size, chosen in by_size.items() if chosen]

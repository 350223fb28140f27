"""Finding which of many parts are in a text by the words of the text, most of which are known from other texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mockai.rules.literals import folded

LONGEST = 120
"""Characters of the longest word that is looked at."""
GRAM = 4
"""Characters by which a part inside of a word is found, or fewer when it is shorter."""
REMEMBERED = 50_000
"""Words, after which remembering begins anew."""


NONE = frozenset[int]()
"""What nearly every word speaks for: one object for all of them."""


class _Chunk(NamedTuple):
    """A word of a part. It is a word of the text, too, but for the sides on which the part ends with it."""

    text: str
    open_left: bool
    open_right: bool


def _chunks(part: str) -> Iterator[_Chunk]:
    words = part.split()
    for at, word in enumerate(words):
        yield _Chunk(word, at == 0 and not part[0].isspace(), at == len(words) - 1 and not part[-1].isspace())


class _Filed:
    """Parts of texts, each filed under its word that the fewest others have."""

    def __init__(self, parts: Iterable[tuple[int, str]]) -> None:
        self._same: defaultdict[str, list[int]] = defaultdict(list)
        self._starts: defaultdict[str, list[int]] = defaultdict(list)
        self._ends: defaultdict[str, list[int]] = defaultdict(list)
        self._inside: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        filed = [(number, list(_chunks(part))) for number, part in parts]
        shared = Counter(chunk for _, chunks in filed for chunk in set(chunks))
        inside = []
        for number, chunks in filed:
            text, left, right = min(chunks, key=lambda chunk: (shared[chunk], -len(chunk.text), chunk))
            if left and right:
                inside.append((number, text))
            elif left:
                self._ends[text[-LONGEST:]].append(number)
            elif right:
                self._starts[text[:LONGEST]].append(number)
            else:
                self._same[text].append(number)
        counted = Counter(gram for _, text in inside for gram in _grams(text, min(GRAM, len(text))))
        for number, text in inside:
            rarest = min(_grams(text, min(GRAM, len(text))), key=lambda gram: (counted[gram], gram))
            self._inside[rarest].append((text, number))
        self._start_sizes = {len(text) for text in self._starts}
        self._end_sizes = {len(text) for text in self._ends}
        self._sizes = {len(gram) for gram in self._inside}

    def of(self, word: str) -> set[int]:
        """Return the numbers of the parts that a word speaks for."""
        numbers = set(self._same.get(word, ()))
        for size in self._start_sizes:
            numbers.update(self._starts.get(word[:size], ()))
        for size in self._end_sizes:
            numbers.update(self._ends.get(word[-size:], ()))
        for size in self._sizes:
            for gram in _grams(word, size):
                numbers.update(number for text, number in self._inside.get(gram, ()) if text in word)
        return numbers


class _LongWordError(Exception):
    """A word is too long to be looked into."""


class Words(dict[str, frozenset[int]]):
    """What is known of words: which parts they speak for, most for none. A word is looked into once."""

    def __init__(self, parts: Iterable[tuple[int, str]], other: Iterable[tuple[int, str]]) -> None:
        """File numbered parts, each with something else than white space; `other` are those of folded texts."""
        super().__init__()
        self._plain, self._folded = _Filed(parts), _Filed(other)

    def find(self, text: str) -> list[frozenset[int]] | None:
        """Return the numbers of the parts that may be in a text, or None: it has words that are too long."""
        try:
            return [*filter(None, map(self.__getitem__, text.split()))]
        except _LongWordError:
            return None

    def __missing__(self, word: str) -> frozenset[int]:
        """Look into a word."""
        if len(word) > LONGEST:
            raise _LongWordError
        if len(self) >= REMEMBERED:
            self.clear()
        numbers = self[word] = frozenset(self._plain.of(word) | self._folded.of(folded(word))) or NONE
        return numbers


def _grams(text: str, size: int) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}

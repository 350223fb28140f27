"""Finding which of many parts are in a text by the words of the text, most of which are known from other texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from mockai.rules.literals import folded

LONGEST = 120
"""Characters of the longest word that is looked at."""
GRAM = 4
"""Characters by which a part inside of a word is found, or fewer when it is shorter."""
REMEMBERED = 50_000
"""Words without any part, after which remembering begins anew."""


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


class Words:
    """What is known of words: which parts they speak for. A word is looked into once."""

    def __init__(self, parts: Iterable[tuple[int, str]], other: Iterable[tuple[int, str]]) -> None:
        """File numbered parts, each with something else than white space; `other` are those of folded texts."""
        self._plain, self._folded = _Filed(parts), _Filed(other)
        self._barren: set[str] = set()
        self._fertile: dict[str, set[int]] = {}

    def find(self, text: str) -> Collection[int] | None:
        """Return the numbers of the parts that may be in a text, or None: it has words that are too long."""
        unknown = set(text.split()) - self._barren
        if not unknown:
            return ()
        found: set[int] = set()
        for word in unknown:
            numbers = self._fertile.get(word)
            if numbers is None:
                if len(word) > LONGEST:
                    return None
                numbers = self._learn(word)
            found |= numbers
        return found

    def _learn(self, word: str) -> set[int]:
        numbers = self._plain.of(word) | self._folded.of(folded(word))
        if len(self._barren) + len(self._fertile) > REMEMBERED:
            self._barren.clear()
            self._fertile.clear()
        if numbers:
            self._fertile[word] = numbers
        else:
            self._barren.add(word)
        return numbers


def _grams(text: str, size: int) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}

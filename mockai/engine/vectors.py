"""Embeddings: hashed features of words, of parts of words and of topics, projected onto a unit vector.

All sums are made of small integers, so the same text gives the same bytes on every machine. Imported lazily: numpy
takes a while to load.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mockai.engine.topics import COMMON, TOPICS

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.integer[Any]]

REMEMBERED = 2000
"""Words whose rows are kept: at two bytes a component, 12 MB for the widest model."""
AT_ONCE = 256
"""Words whose rows are added in 16 bits."""
PARTS = 3  # characters of the parts of words

WORD, FORM, PART, TOPIC = 16, 2, 6, 22
PAIR, TEXT_SHIFT = 24, 3
# Pairs of words and the text as a whole show in some components only, which keeps them cheap.
PAIR_AT, TEXT_AT = slice(0, None, 8), slice(4, None, 8)

Segment = tuple[int, list[str]]
"""Some words of the text of that number."""

_WORDS = re.compile(r"\w+|[^\w\s]")
_LONGEST_WORD = 64


def embed(texts: Sequence[str], model: str, width: int, dimensions: int) -> Vectors:
    """Return one row a text, `dimensions` wide, float32, of length 1; `width` is the model's own.

    Fewer dimensions are the first components of more, normalised again.
    """
    totals = _space(model, width).sums(texts)[:, :dimensions].astype(np.float64)
    # Squares of integers and their sums are exact in a double: no rounding that depends on the machine.
    lengths = np.sqrt(np.einsum("ij,ij->i", totals, totals))
    empty = lengths == 0.0
    totals[empty, 0], lengths[empty] = 1.0, 1.0
    unit: Vectors = (totals / lengths[:, None]).astype(np.float32)
    return unit


def embed_base64(texts: Sequence[str], model: str, width: int, dimensions: int) -> list[bytes]:
    """Return the rows of `embed` as base64 of little-endian float32."""
    rows = embed(texts, model, width, dimensions).astype("<f4", copy=False)
    return [binascii.b2a_base64(row, newline=False) for row in rows]


class _Space:
    """The feature space of one model: the rows of the words met last, as one matrix."""

    def __init__(self, model: str, width: int) -> None:
        self._model, self._width = model.encode(), width
        self._rows = np.zeros((REMEMBERED, width), np.int16)
        self._signs = np.zeros((REMEMBERED, len(range(width)[PAIR_AT])), np.int8)
        self._at: dict[str, int] = {}
        self._lock = threading.Lock()

    def sums(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the weighted sums of the features of each text."""
        totals = np.zeros((len(texts), self._width), np.int32)
        for group in _grouped(texts):
            with self._lock:
                self._add(group, totals)
        narrow = len(range(self._width)[TEXT_AT])
        for at, text in enumerate(texts):
            # What no word tells apart (case, blanks, common words) moves the vector a little.
            raw = hashlib.shake_128(self._model + text.encode("utf-8", "surrogatepass")).digest(narrow)
            totals[at, TEXT_AT] += np.frombuffer(raw, np.int8) >> TEXT_SHIFT
        return totals

    def _add(self, group: list[Segment], totals: npt.NDArray[np.int32]) -> None:
        if len(self._at) + sum(len(words) for _, words in group) > REMEMBERED:
            self._at.clear()
        rows = [self._row(word) for _, words in group for word in words]
        ends = np.cumsum([len(words) for _, words in group])
        starts = [0, *ends[:-1]]
        sums = np.add.reduceat(self._rows[rows], starts, axis=0)
        # A pair is the product of signs, one of them shifted: the order of words counts.
        signs = self._signs[rows]
        pairs = np.zeros(signs.shape, np.int8)
        np.multiply(signs[:-1, 1:], signs[1:, :-1], out=pairs[:-1, 1:])
        pairs[ends - 1] = 0
        sums[:, PAIR_AT] += np.add.reduceat(pairs, starts, axis=0, dtype=np.int16) * np.int16(PAIR)
        for (text, _), row in zip(group, sums, strict=True):
            totals[text] += row

    def _row(self, word: str) -> int:
        at = self._at.get(word)
        if at is None:
            at = len(self._at)
            self._rows[at] = self._made(word)
            self._signs[at] = np.sign(self._rows[at][PAIR_AT])
            self._at[word] = at
        return at

    def _made(self, word: str) -> Integers:
        stem = stem_of(word)
        total = self._feature(f"word {stem}", WORD) + self._feature(f"form {word}", FORM)
        if len(word) > 3:
            parts = {f"<{word}>"[at : at + PARTS] for at in range(len(word) + 3 - PARTS)}
            for part in sorted(parts):
                total += self._feature(f"part {part}", max(1, 2 * PART // len(parts)))
        for topic in topics_of(stem):
            total += self._feature(f"topic {topic}", TOPIC)
        return total

    def _feature(self, feature: str, weight: int) -> npt.NDArray[np.int16]:
        """Return `weight` with a random sign for each component."""
        raw = self._model + b"\0" + feature.encode("utf-8", "surrogatepass")
        bits = np.unpackbits(np.frombuffer(hashlib.shake_128(raw).digest(self._width // 8), np.uint8))
        return (bits.astype(np.int16) * 2 - 1) * np.int16(weight)


def _grouped(texts: Sequence[str]) -> Iterator[list[Segment]]:
    """Cut the content words of the texts into segments, and put together what is added at once."""
    group: list[Segment] = []
    size = 0
    for at, text in enumerate(texts):
        words = [word[:_LONGEST_WORD] for word in _WORDS.findall(text.lower()) if word not in COMMON]
        for start in range(0, len(words), AT_ONCE):
            segment = words[start : start + AT_ONCE]
            if size + len(segment) > REMEMBERED // 2:
                yield group
                group, size = [], 0
            group.append((at, segment))
            size += len(segment)
    if group:
        yield group


@cache
def _space(model: str, width: int) -> _Space:
    return _Space(model, width)


def stem_of(word: str) -> str:
    """Return a word without its commonest endings."""
    for ending in (
        "ational",
        "ations",
        "ation",
        "ments",
        "ment",
        "ings",
        "ing",
        "ies",
        "ers",
        "er",
        "es",
        "ed",
        "ly",
        "s",
        "y",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@cache
def _topic_index() -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for topic, words in TOPICS.items():
        for word in words.split():
            index.setdefault(stem_of(word), []).append(topic)
    return index


def topics_of(stem: str) -> Iterable[str]:
    """Return the topics that a stem belongs to."""
    return _topic_index().get(stem, ())

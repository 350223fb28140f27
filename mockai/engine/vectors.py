"""Embeddings: hashed features of words, of parts of words and of topics, as a unit vector.

A text is a weighted sum of rows of a fixed random table, in small integers: the same text gives the same bytes on
every machine. The sum has `CORE` components; each further block of a vector is the same sum, in another order and
with other signs, so that a shortened vector still tells texts apart. Imported lazily: numpy takes a while to load.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from mockai.engine.draw import Draw
from mockai.engine.topics import COMMON, TOPICS

Vectors = npt.NDArray[np.float32]

CORE = 384
TABLE = 2048
"""Rows of the table; a word is the sum of two, so that words do not collide."""
REMEMBERED = 8192
"""Words whose sums are kept: at two bytes a component, 6 MB for each model."""
AT_ONCE = 128
"""Words that are added in 16 bits."""
PARTS = 3  # characters of the parts of words

# How much each kind of feature weighs; twice, where it is a sum of two rows.
WORD, FORM, PART, TOPIC, PAIR = 11, 2, 12, 16, 5

_WORDS = re.compile(r"\w+|[^\w\s]")
_LONGEST_WORD = 64


def embed(texts: Sequence[str], model: str, width: int, dimensions: int) -> Vectors:
    """Return one row a text, `dimensions` wide, float32, of length 1; `width` is the model's own.

    Fewer dimensions are the first components of more, normalised again.
    """
    space = _space(model, width)
    sums = space.sums(texts)
    # The lengths are sums of whole numbers, exact in any order: nothing rounds differently elsewhere.
    squares = sums.astype(np.int64) ** 2 @ space.times(dimensions)
    if not squares.all():  # the sum of a text may vanish, at least in few dimensions
        sums[squares == 0] = 1
        squares[squares == 0] = dimensions
    lengths = np.sqrt(squares).astype(np.float32)
    made: Vectors = np.take(sums.astype(np.float32), space.order[:dimensions], axis=1)
    made *= space.signs[:dimensions]
    made /= lengths[:, None]
    return made


def embed_base64(texts: Sequence[str], model: str, width: int, dimensions: int) -> list[bytes]:
    """Return the rows of `embed` as base64 of little-endian float32."""
    rows = embed(texts, model, width, dimensions).astype("<f4", copy=False)
    return [binascii.b2a_base64(row, newline=False) for row in rows]


class _Space:
    """The feature space of one model: its table, its blocks, and the words met last."""

    def __init__(self, model: str, width: int) -> None:
        bits = hashlib.shake_128(f"embedding {model}".encode()).digest(TABLE * CORE // 8)
        ones = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(TABLE, CORE)
        self._table = ones.astype(np.int16) * 2 - 1
        self._pairs = self._table * np.int16(PAIR)
        rng = Draw("blocks", model)
        blocks = width // CORE
        self.order = np.array([at for _ in range(blocks) for at in rng.sample(range(CORE), CORE)], np.intp)
        self.signs = np.array([rng.choice((-1, 1)) for _ in range(width)], np.float32)
        self._words = np.zeros((REMEMBERED, CORE), np.int16)
        self._names = [""] * REMEMBERED
        self._known: dict[str, tuple[int, int]] = {}
        self._next = 0
        self._lock = threading.Lock()

    @cache  # noqa: B019 - there is one space a model, for good
    def times(self, dimensions: int) -> npt.NDArray[np.int64]:
        """Return how often each component of a sum stands in the first `dimensions` of a vector."""
        return np.bincount(self.order[:dimensions], minlength=CORE)

    def sums(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the weighted sums of the features of each text."""
        totals = np.zeros((len(texts), CORE), np.int32)
        with self._lock:
            for at, text in enumerate(texts):
                words = [word[:_LONGEST_WORD] for word in _WORDS.findall(text.lower()) if word not in COMMON]
                # What no word tells apart (case, blanks, common words) moves the vector a little.
                value = _hash(text)
                extra = [value % TABLE, value // TABLE % TABLE]
                for start in range(0, max(1, len(words)), AT_ONCE):
                    self._add(words[start : start + AT_ONCE], extra, totals[at])
                    extra = []
        return totals

    def _rows(self, hashes: Sequence[int]) -> npt.NDArray[np.int16]:
        """Return for each hash the sum of its two rows of the table."""
        first = [value % TABLE for value in hashes]
        second = [value // TABLE % TABLE for value in hashes]
        return self._table[first] + self._table[second]

    def _add(self, words: list[str], extra: list[int], total: npt.NDArray[np.int32]) -> None:
        known = [self._known.get(word) or self._learn(word) for word in words]
        # A pair is a row that its two words choose, in their order.
        pairs = [(3 * left + right) % TABLE for (_, left), (_, right) in pairwise(known)] + extra
        if known:
            total += np.add.reduce(self._words.take([at for at, _ in known], axis=0), axis=0, dtype=np.int16)
        if pairs:
            total += np.add.reduce(self._pairs.take(pairs, axis=0), axis=0, dtype=np.int16)

    def _learn(self, word: str) -> tuple[int, int]:
        """Keep the sum of a word in the place of the one that came longest ago; return place and hash."""
        at = self._next % REMEMBERED
        self._known.pop(self._names[at], None)
        self._names[at] = word
        self._next += 1
        self._words[at] = self._made(word)
        entry = self._known[word] = (at, _hash(word))
        return entry

    def _made(self, word: str) -> npt.NDArray[np.int16]:
        stem = stem_of(word)
        topics = [_hash(f"topic {topic}") for topic in topics_of(stem)]
        known: npt.NDArray[np.int16] = self._rows([_hash(f"word {stem}"), _hash(f"form {word}"), *topics])
        total: npt.NDArray[np.int16] = known[0] * np.int16(WORD) + known[1] * np.int16(FORM)
        total += known[2:].sum(axis=0, dtype=np.int16) * np.int16(TOPIC)
        if len(word) > 3:
            parts = [_hash(f"<{word}>"[at : at + PARTS]) % TABLE for at in range(len(word) + 3 - PARTS)]
            weight = np.int16(max(1, PART // len(parts)))
            total += np.add.reduce(self._table[parts], axis=0, dtype=np.int16) * weight
        return total


def _hash(feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass"))


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

"""Embeddings: hashed features of words, of parts of words and of topics, as a unit vector.

A text is a weighted sum of rows of a fixed random table, in small integers: the same text gives the same bytes on
every machine. The sum has `CORE` components; each further block of a vector is the same sum, in another order and
with other signs, so that a shortened vector still tells texts apart. Imported lazily: numpy takes a while to load.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pybase64

from mockai.engine.draw import Draw
from mockai.engine.topics import COMMON, TOPICS
from mockai.wire.codec import dumps_row

Vectors = npt.NDArray[np.float32]

CORE = 256
TABLE = 1024
"""Rows of the table; a word is the sum of two, so that words do not collide."""
REMEMBERED = 8192
"""Words whose sums are kept: about 600 bytes each, 5 MB for each model."""
BIAS = 256
"""What is added to each component of a packed row, so that none is negative."""
AT_ONCE = 100
"""Packed rows that are added at once: their components stay below 2 to the 16th."""
MOST_TOPICS = 3
PARTS = 3  # characters of the parts of words

# How much each kind of feature weighs; twice, where it is a sum of two rows.
WORD, FORM, PART, TOPIC, PAIR = 11, 2, 12, 16, 5

_LANES, _FLOATS = np.dtype("<u2"), np.dtype("<f4")
_WORDS = re.compile(r"\w+")
_LONGEST_WORD = 64


def embed(texts: Sequence[str], model: str, width: int, dimensions: int) -> Vectors:
    """Return one row a text, `dimensions` wide, float32, of length 1; `width` is the model's own.

    Fewer dimensions are the first components of more, normalised again.
    """
    space = _space(model, width)
    # Whole numbers, and sums of their squares, are exact in a double: nothing rounds differently elsewhere.
    sums = space.sums(texts)
    squares = (sums * sums) @ space.times(dimensions)
    if 0.0 in squares.tolist():  # the sum of a text may vanish, at least in few dimensions
        sums[squares == 0.0] = 1.0
        squares[squares == 0.0] = dimensions
    unit = (sums / np.sqrt(squares)[:, None]).astype(np.float32)
    made: Vectors = np.concatenate((unit, -unit), axis=1).take(space.order[:dimensions], axis=1)
    return made


def embed_base64(texts: Sequence[str], model: str, width: int, dimensions: int) -> list[bytes]:
    """Return the rows of `embed` as base64 of little-endian float32."""
    if len(texts) == 1:
        alone = _space(model, width).alone(texts[0], dimensions)
        if alone is not None:
            return [pybase64.b64encode(alone.astype(_FLOATS, copy=False).data)]
    rows = embed(texts, model, width, dimensions).astype(_FLOATS, copy=False)
    return [pybase64.b64encode(row) for row in rows]


def given(row: Sequence[float], *, encoded: bool) -> bytes:
    """Return a vector that is given, as JSON: numbers, or the base64 of little-endian float32."""
    made = np.asarray(row, _FLOATS)
    return b'"%b"' % pybase64.b64encode(made.tobytes()) if encoded else dumps_row(made)


class _Space:
    """The feature space of one model: its table, its blocks, and the words met last."""

    def __init__(self, model: str, width: int) -> None:
        bits = hashlib.shake_128(f"embedding {model}".encode()).digest(TABLE * CORE // 8)
        ones = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(TABLE, CORE)
        self._table = ones.astype(np.int16) * 2 - 1
        self._pairs = [_packed(row) for row in self._table * np.int16(PAIR)]
        rng = Draw("blocks", model)
        blocks = width // CORE
        order = [at for _ in range(blocks) for at in rng.sample(range(CORE), CORE)]
        # Where each component of a vector comes from: those of the sum, and behind them the same with minus signs.
        self.order = np.array([at + rng.choice((CORE, 0)) for at in order], np.intp)
        self._known: dict[str, tuple[int, int]] = {}

    @cache  # noqa: B019 - there is one space a model, for good
    def times(self, dimensions: int) -> npt.NDArray[np.float64]:
        """Return how often each component of a sum stands in the first `dimensions` of a vector."""
        return np.bincount(self.order[:dimensions] % CORE, minlength=CORE).astype(np.float64)

    def sums(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the weighted sums of the features of each text: whole numbers, in doubles."""
        packed: list[bytes] = []
        counts: list[int] = []
        owners: list[int] = []
        for at, text in enumerate(texts):
            rows = self._features(text)
            for start in range(0, len(rows), AT_ONCE):
                part = rows if len(rows) <= AT_ONCE else rows[start : start + AT_ONCE]
                packed.append(sum(part).to_bytes(2 * CORE, "little"))
                counts.append(BIAS * len(part))
                owners.append(at)
        lanes = np.frombuffer(b"".join(packed), _LANES).reshape(-1, CORE).astype(np.float64)
        lanes -= np.array(counts, np.float64)[:, None] if len(counts) > 1 else counts[0]
        if len(owners) == len(texts):
            return lanes
        totals = np.zeros((len(texts), CORE))
        np.add.at(totals, owners, lanes)
        return totals

    def alone(self, text: str, dimensions: int) -> Vectors | None:
        """Return the vector of one text, made with a third of the calls; None where it needs the long way."""
        rows = self._features(text)
        if len(rows) > AT_ONCE:
            return None
        sums = np.frombuffer(sum(rows).to_bytes(2 * CORE, "little"), _LANES).astype(np.float64)
        sums -= BIAS * len(rows)
        square = (sums * sums).dot(self.times(dimensions))
        if square == 0.0:
            return None
        unit = (sums / sqrt(square)).astype(np.float32)
        return np.concatenate((unit, -unit)).take(self.order[:dimensions])

    def _features(self, text: str) -> list[int]:
        """Return the packed rows that a text is the sum of."""
        get, pairs = self._known.get, self._pairs
        known = [get(word) or self._learn(word) for word in _WORDS.findall(text.lower()) if word not in COMMON]
        rows = [row for row, _ in known]
        # A pair is a row that its two words choose, in their order.
        rows += [pairs[(3 * left + right) % TABLE] for (_, left), (_, right) in pairwise(known)]
        # What no word tells apart (case, blanks, common words) moves the vector a little.
        value = _hash(text)
        rows += (pairs[value % TABLE], pairs[value // TABLE % TABLE])
        return rows

    def _learn(self, word: str) -> tuple[int, int]:
        """Keep and return the packed sum of a word, and its hash."""
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        entry = self._known[word] = (_packed(self._made(word[:_LONGEST_WORD])), _hash(word))
        return entry

    def _rows(self, hashes: Sequence[int]) -> npt.NDArray[np.int16]:
        """Return for each hash the sum of its two rows of the table."""
        first = [value % TABLE for value in hashes]
        second = [value // TABLE % TABLE for value in hashes]
        return self._table[first] + self._table[second]

    def _made(self, word: str) -> npt.NDArray[np.int16]:
        stem = stem_of(word)
        topics = [_hash(f"topic {topic}") for topic in topics_of(stem)][:MOST_TOPICS]
        known: npt.NDArray[np.int16] = self._rows([_hash(f"word {stem}"), _hash(f"form {word}"), *topics])
        total: npt.NDArray[np.int16] = known[0] * np.int16(WORD) + known[1] * np.int16(FORM)
        total += known[2:].sum(axis=0, dtype=np.int16) * np.int16(TOPIC)
        if len(word) > 3:
            parts = [_hash(f"<{word}>"[at : at + PARTS]) % TABLE for at in range(len(word) + 3 - PARTS)]
            weight = np.int16(max(1, PART // len(parts)))
            total += np.add.reduce(self._table[parts], axis=0, dtype=np.int16) * weight
        return total


def _packed(row: npt.NDArray[np.int16]) -> int:
    """Return a row as one large integer of 16-bit lanes: adding such integers adds the rows."""
    return int.from_bytes((row + BIAS).astype("<u2").tobytes(), "little")


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

"""Embeddings: hashed features of words, of parts of words and of topics, as a unit vector.

A text is a weighted sum of rows of a fixed random table, in small integers: the same text gives the same bytes on
every machine. The sum has `CORE` components; each block of a vector is that sum, turned by some places and with signs
of its own, so that a shortened vector still tells texts apart. Imported lazily: numpy takes a while to load.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from threading import Lock
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pybase64

from mockai.engine.draw import Draw
from mockai.engine.stems import stem_of, topics_of
from mockai.engine.topics import COMMON
from mockai.wire.codec import dumps_row

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int16]
Places = npt.NDArray[np.intp]

CORE = 256
TABLE = 1024
"""Rows of the table; a word is the sum of two, so that words do not collide."""
REMEMBERED = 8192
"""Words whose sums are kept, in each of two forms: about 600 bytes each, 5 MB for each model and form."""
BIAS = 256
"""What is added to each component of a packed row, so that none is negative."""
AT_ONCE = 100
"""Packed rows that are added at once: their components stay below 2 to the 16th."""
PIECE = 64
"""Rows that are added at once in a batch of texts: their sums stay within 16 bits."""
SLAB = 256
"""Pieces whose rows are laid out at once: 8 MB at most."""
GROUP = 4096
"""Words from which on the rest of a batch is another group."""
NOTHING = TABLE
"""The row of zeros, behind those of the table."""
MOST_TOPICS = 3
PARTS = 3  # characters of the parts of words

# How much each kind of feature weighs; twice, where it is a sum of two rows.
WORD, FORM, PART, TOPIC, PAIR = 11, 2, 12, 16, 5

_LANES, _FLOATS = np.dtype("<u2"), np.dtype("<f4")
_WORDS = re.compile(r"\w+")
_LONGEST_WORD = 64
_LOWER = bytes(byte if _WORDS.match(chr(byte)) else 0x20 for byte in bytes(range(256)).lower())
"""Lower-case letters, digits and underscores as they are, and blanks for the rest of ASCII."""
_SILENT = frozenset(word.encode() for word in COMMON)


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
    return space.spread((sums / np.sqrt(squares)[:, None]).astype(np.float32), dimensions)


def embed_base64(texts: Sequence[str], model: str, width: int, dimensions: int) -> list[bytes]:
    """Return the rows of `embed` as base64 of little-endian float32."""
    if len(texts) == 1:
        alone = _space(model, width).alone(texts[0], dimensions)
        if alone is not None:
            return [pybase64.b64encode(alone.data)]
    rows = embed(texts, model, width, dimensions).astype(_FLOATS, copy=False)
    return [pybase64.b64encode(row) for row in rows]


def given(row: Sequence[float], *, encoded: bool) -> bytes:
    """Return a vector that is given: a list of numbers in JSON, or the base64 of little-endian float32."""
    made = np.asarray(row, _FLOATS)
    return pybase64.b64encode(made.tobytes()) if encoded else dumps_row(made)


_Word = tuple[int, int, int]
"""The packed row of a word, and what it says as the left and as the right one of a pair."""


class _Space:
    """The feature space of one model: its table, its blocks, and the words met last."""

    def __init__(self, model: str, width: int) -> None:
        bits = hashlib.shake_128(f"embedding {model}".encode()).digest(TABLE * CORE // 8)
        ones = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(TABLE, CORE)
        self._table = ones.astype(np.int16) * 2 - 1
        rng = Draw("blocks", model)
        self._turns = [rng.randrange(CORE) for _ in range(width // CORE)]
        self._signs = np.array([rng.choice((1, -1)) for _ in range(width)], np.float32)
        # Where each component of a vector comes from.
        self._order = np.concatenate([(np.arange(CORE) + turn) % CORE for turn in self._turns])
        self._rows: Rows = self._table * np.int16(PAIR)
        """What pairs of words add to a text."""
        self._pairs = [_packed(row) for row in self._rows]
        self._known = _Known(self._learn)
        self._numbered = _Numbered(self._made, self._rows)

    @cache  # noqa: B019 - there is one space a model, for good
    def times(self, dimensions: int) -> npt.NDArray[np.float64]:
        """Return how often each component of a sum stands in the first `dimensions` of a vector."""
        return np.bincount(self._order[:dimensions], minlength=CORE).astype(np.float64)

    def spread(self, unit: Vectors, dimensions: int) -> Vectors:
        """Return the first `dimensions` of the vectors whose blocks are these rows, turned and signed."""
        twice = np.concatenate((unit, unit), axis=1)
        made: Vectors = np.empty((len(unit), dimensions), np.float32)
        for turn, at in zip(self._turns, range(0, dimensions, CORE), strict=False):
            to = min(at + CORE, dimensions)
            np.multiply(twice[:, turn : turn + to - at], self._signs[at:to], out=made[:, at:to])
        return made

    def sums(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the weighted sums of the features of each text: whole numbers, in doubles."""
        groups, at = [], 0
        while at < len(texts):
            known, numbers, ends, values = self._numbered, list[int](), list[int](), list[int]()
            while at < len(texts) and len(numbers) < GROUP:
                raw = _raw(texts[at])
                found = raw.translate(_LOWER).split() if texts[at].isascii() else _found(texts[at])
                numbers += filter(None, map(known.__getitem__, found))
                ends.append(len(numbers))
                numbers.append(NOTHING)
                values.append(crc32(raw))
                at += 1
            groups.append(known.sums(np.array(numbers), np.array(ends), np.array(values)))
            if len(known) >= REMEMBERED:  # who is at work with the old ones goes on with them
                self._numbered = _Numbered(self._made, self._rows)
        return groups[0] if len(groups) == 1 else np.concatenate(groups)

    def alone(self, text: str, dimensions: int) -> Vectors | None:
        """Return the vector of one text, made with a third of the calls; None where it needs the long way."""
        rows = self._features(text)
        if len(rows) > AT_ONCE:
            return None
        sums = np.frombuffer(sum(rows).to_bytes(2 * CORE, "little"), _LANES).astype(np.float64)
        sums -= BIAS * len(rows)
        order, signs, times = self._layout(dimensions)
        square = (
            float((sums * sums).dot(times)) if times is not None else float(sums.dot(sums)) * (dimensions // CORE)
        )
        if not square:
            return None
        sums /= sqrt(square)
        made: Vectors = sums.astype(_FLOATS).take(order)
        made *= signs
        return made

    @cache  # noqa: B019 - there is one space a model, for good
    def _layout(self, dimensions: int) -> tuple[Places, Vectors, npt.NDArray[np.float64] | None]:
        """Return where each component comes from, its sign, and the times of `times` unless they are all the same."""
        times = self.times(dimensions) if dimensions % CORE else None
        return self._order[:dimensions], self._signs[:dimensions].astype(_FLOATS), times

    def _features(self, text: str) -> list[int]:
        """Return the packed rows that a text is the sum of."""
        pairs = self._pairs
        raw = _raw(text)
        found = raw.translate(_LOWER).split() if text.isascii() else _found(text)
        words = [*filter(None, map(self._known.__getitem__, found))]
        rows = [row for row, _, _ in words]
        # A pair is a row that its two words choose, in their order.
        rows += [pairs[(left + right) % TABLE] for (_, left, _), (_, _, right) in pairwise(words)]
        # What no word tells apart (case, blanks, common words) moves the vector a little.
        value = crc32(raw)
        rows += (pairs[value % TABLE], pairs[value // TABLE % TABLE])
        return rows

    def _learn(self, raw: bytes) -> _Word:
        return _packed(self._made(raw)), *_sides(raw)

    def _sum_of_two(self, hashes: Sequence[int]) -> Rows:
        """Return for each hash the sum of its two rows of the table."""
        first = [value % TABLE for value in hashes]
        second = [value // TABLE % TABLE for value in hashes]
        return self._table[first] + self._table[second]

    def _made(self, raw: bytes) -> Rows:
        """Return the row of a word."""
        word = raw.decode("utf-8", "surrogatepass")[:_LONGEST_WORD]
        stem = stem_of(word)
        topics = [_hash(f"topic {topic}") for topic in topics_of(stem)][:MOST_TOPICS]
        known = self._sum_of_two([_hash(f"word {stem}"), _hash(f"form {word}"), *topics])
        total: Rows = known[0] * np.int16(WORD) + known[1] * np.int16(FORM)
        total += known[2:].sum(axis=0, dtype=np.int16) * np.int16(TOPIC)
        if len(word) > 3:
            parts = [_hash(f"<{word}>"[at : at + PARTS]) % TABLE for at in range(len(word) + 3 - PARTS)]
            weight = np.int16(max(1, PART // len(parts)))
            total += np.add.reduce(self._table[parts], axis=0, dtype=np.int16) * weight
        return total


class _Known(dict[bytes, _Word | tuple[()]]):
    """The words met last, each learned when it is looked up; common words say nothing."""

    def __init__(self, learn: Callable[[bytes], _Word]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, word: bytes) -> _Word | tuple[()]:
        if len(self) >= REMEMBERED:
            self.clear()
        entry = self[word] = () if word in _SILENT else self._learn(word)
        return entry


class _Numbered(dict[bytes, int]):
    """Words by the number of their row, so that the rows of many texts are added at once; 0 for common words.

    The rows of pairs come first. A number stays what it is: several threads may read and learn at the same time.
    """

    def __init__(self, learn: Callable[[bytes], Rows], pairs: Rows) -> None:
        super().__init__()
        self._learn, self._lock, self._next = learn, Lock(), NOTHING + 1
        self._rows: Rows = np.concatenate((pairs, np.zeros_like(pairs)))
        self._sides: Places = np.zeros((2, len(self._rows)), np.intp)
        """What each word says as the left and as the right one of a pair."""

    def __missing__(self, word: bytes) -> int:
        if word in _SILENT:
            return self.setdefault(word, 0)
        row = self._learn(word)
        with self._lock:
            if word not in self:
                number = self._next
                if number == len(self._rows):
                    self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
                    self._sides = np.concatenate((self._sides, np.zeros_like(self._sides)), axis=1)
                self._rows[number], self._sides[:, number] = row, _sides(word)
                self._next, self[word] = number + 1, number
            return self[word]

    def sums(self, words: Places, ends: Places, values: Places) -> npt.NDArray[np.float64]:
        """Return the sum of the rows of each text.

        `words` are the numbers of its words, then `NOTHING`, which stands at the places `ends` and is written over;
        `values` are the hashes of the texts: what no word tells apart (case, blanks, common words) moves a vector a
        little.
        """
        left, right = self._sides
        pairs = left.take(words)
        pairs[:-1] += right.take(words[1:])
        pairs %= TABLE
        pairs[ends - 1] = (
            NOTHING  # nothing follows the last word; of an empty text, this is the end before, set below
        )
        pairs[ends], words[ends] = values % TABLE, values // TABLE % TABLE
        rows = np.stack((words, pairs), axis=1).ravel()
        sizes = 2 * np.diff(ends, prepend=-1)
        # Long texts are cut in pieces, short ones filled up: then the n-th rows of all pieces are added at once.
        pieces = -(-sizes // PIECE)
        behind = np.cumsum(pieces)
        lengths = np.full(behind[-1], PIECE)
        lengths[behind - 1] = sizes - (pieces - 1) * PIECE
        grid = np.full((len(lengths), lengths.max()), NOTHING)
        grid[np.arange(grid.shape[1]) < lengths[:, None]] = rows
        totals = np.empty((len(lengths), CORE))
        for at in range(0, len(lengths), SLAB):
            part = grid[at : at + SLAB, : lengths[at : at + SLAB].max()].T
            totals[at : at + SLAB] = np.add.reduce(self._rows.take(part, axis=0), axis=0, dtype=np.int16)
        return totals if len(lengths) == len(ends) else np.add.reduceat(totals, behind - pieces, axis=0)


def _sides(word: bytes) -> tuple[int, int]:
    """Return what a word says as the left and as the right one of a pair."""
    value = crc32(word)
    return 3 * value % TABLE, value % TABLE


def _found(text: str) -> list[bytes]:
    r"""Return what `\w+` finds in a text in lower case. `_LOWER` finds the same in ASCII, four times as fast."""
    return _raw(" ".join(_WORDS.findall(text.lower()))).split()


def _packed(row: Rows) -> int:
    """Return a row as one large integer of 16-bit lanes: adding such integers adds the rows."""
    return int.from_bytes((row + BIAS).astype("<u2").tobytes(), "little")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hash(feature: str) -> int:
    return crc32(_raw(feature))


@cache
def _space(model: str, width: int) -> _Space:
    return _Space(model, width)

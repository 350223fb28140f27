"""Finding which of many texts are part of another: in one pass, whose inner loops are numpy's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.unsignedinteger]
SIZES = (8, 4, 2)
"""Bytes of the pieces that texts are found by."""
NUMBERS = {8: np.uint64, 4: np.uint32, 2: np.uint16}
"""A piece is read as one number."""
BLOCK = 1 << 16
"""Bytes that are looked at together: few enough for the processor's caches."""
BITS = 18
"""The pieces that are looked for are marked in a table of so many bits; others are told from them by it, mostly."""
MARK = b"\1"
SPREAD: dict[int, tuple[Any, Any]] = {
    8: (np.uint64(0x9E3779B97F4A7C15), np.uint64(64 - BITS)),
    4: (np.uint32(0x9E3779B1), np.uint32(32 - BITS)),
}
"""What spreads numbers over the table: a factor, 2**64 or 2**32 divided by the golden ratio, and a shift."""


def size_of(part: str) -> int | None:
    """Return the size of the pieces that a part is found by, or None when it is too short or blank."""
    length = 0 if part.isspace() else len(_bytes(part))
    return next((size for size in SIZES if length >= size), None)


class Pieces:
    """Parts of texts, each filed under its rarest piece; a text is asked for all the pieces that it has."""

    def __init__(self, size: int, parts: Iterable[tuple[int, str]]) -> None:
        """File numbered parts of at least `size` bytes."""
        self._size = size
        filed = [(number, _pieces(_bytes(part), size)) for number, part in parts]
        counted = Counter(piece for _, pieces in filed for piece in pieces)
        self._numbers: dict[int, list[int]] = {}
        for number, pieces in filed:
            rarest = min(pieces, key=lambda piece: (counted[piece], piece))
            self._numbers.setdefault(rarest, []).append(number)
        self._marked = np.zeros(1 << BITS, dtype=np.bool_)
        self._marked[_places(np.array(list(self._numbers), dtype=NUMBERS[size]), size)] = True

    def find(self, text: str) -> set[int]:
        """Return the numbers of the parts that may be in a text: of all that are, and of few others."""
        raw, size = _bytes(text), self._size
        found: set[int] = set()
        for start in range(0, len(raw) - size + 1, BLOCK):
            read = _read(raw[start : start + BLOCK + size - 1], size)
            hits = self._marked.take(_places(read, size))
            if MARK in hits.tobytes():
                for piece in set(read[hits].tolist()):
                    found.update(self._numbers.get(piece, ()))
        return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _read(raw: bytes, size: int) -> Numbers:
    """Return the piece at each byte as a number; nothing is copied."""
    return np.ndarray((len(raw) - size + 1,), NUMBERS[size], raw, strides=(1,))


def _places(pieces: Numbers, size: int) -> npt.NDArray[np.integer]:
    """Return where in the table numbers are marked."""
    if size not in SPREAD:
        return pieces
    factor, shift = SPREAD[size]
    spread: Numbers = (pieces * factor) >> shift
    return spread.view(np.int64) if size == 8 else spread  # the indices of `take`, without a copy where it can be


def _pieces(raw: bytes, size: int) -> Sequence[int]:
    pieces: list[int] = _read(raw, size).tolist()
    return sorted(set(pieces))

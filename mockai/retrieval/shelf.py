"""What is searched, kept ready: the indexes of a store joined, and how its chunks are ranked. Imports numpy."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from mockai.call import Call, Json
from mockai.retrieval.indexing import SCALE, SIZE, Part, unpacked, vectors_of, words_of
from mockai.retrieval.objects import files_of
from mockai.store import Store

MOST_BYTES = 256 * 1024 * 1024
"""Of the stores that are kept ready."""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Shelf:
    """A store ready to be searched, as it was at one version."""

    version: int
    files: list[Json]
    """The records of its files that are completed."""
    spans: npt.NDArray[np.uint32]
    owners: npt.NDArray[np.int64]
    """The file that each chunk is of."""
    _vectors: npt.NDArray[np.float32]
    _lengths: Floats
    _words: npt.NDArray[np.uint32]
    _starts: npt.NDArray[np.int64]
    _chunks: npt.NDArray[np.int32]
    _times: npt.NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return sum(array.nbytes for array in (self._vectors, self._chunks, self._times, self._words)) + 2000 * len(
            self.files
        )

    def scores(self, query: str, weights: tuple[float, float]) -> Floats:
        """Return for each chunk how well it answers, 0 to 1: by its vector, and by the words it shares."""
        by_vector, by_words = weights
        total = np.zeros(len(self.owners))
        if by_vector:
            total += np.clip(self._near(query), 0.0, 1.0) * by_vector
        if by_words:
            total += self._shared(query) * by_words
        # What a machine rounds otherwise than another one must not change the order.
        rounded: Floats = np.round(total / (by_vector + by_words), 6)
        return rounded

    def _near(self, query: str) -> Floats:
        asked = vectors_of([query])[0].astype(np.float32)
        products = self._vectors @ asked  # whole numbers below 2 to the 24th: exact, in whatever order they are added
        made: Floats = products.astype(np.float64) / (SCALE * SCALE)
        return made

    def _shared(self, query: str) -> Floats:
        """Return BM25 as a share of what a chunk could reach that has every word of the query many times."""
        count = len(self.owners)
        total, most = np.zeros(count), 0.0
        if not count:
            return total
        room = K1 * (1 - B + B * self._lengths / max(float(self._lengths.mean()), 1.0))
        for word in dict.fromkeys(words_of(query)):
            at = int(np.searchsorted(self._words, word))
            here = at < len(self._words) and self._words[at] == word
            low, high = (self._starts[at], self._starts[at + 1]) if here else (0, 0)
            rarity = float(np.log1p((count - (high - low) + 0.5) / (high - low + 0.5)))
            most += rarity
            chunks, times = self._chunks[low:high], self._times[low:high].astype(np.float64)
            total[chunks] += rarity * times * (K1 + 1) / (times + room[chunks]) / (K1 + 1)
        made: Floats = total / most if most else total
        return made


class _Shelves:
    """The stores that were searched last, up to so many bytes."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Shelf] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str], version: int) -> Shelf | None:
        with self._lock:
            shelf = self._known.get(key)
            if shelf is None or shelf.version != version:
                return None
            self._known.move_to_end(key)
            return shelf

    def put(self, key: tuple[str, str], shelf: Shelf) -> None:
        with self._lock:
            self._known[key] = shelf
            self._known.move_to_end(key)
            while len(self._known) > 1 and sum(entry.size for entry in self._known.values()) > MOST_BYTES:
                self._known.popitem(last=False)


_shelves: WeakKeyDictionary[Store, _Shelves] = WeakKeyDictionary()
_opening = threading.Lock()


def shelf_of(call: Call, store: Json) -> Shelf:
    """Return what is searched of a store; it is read anew when the store has changed since."""
    with _opening:
        known = _shelves.setdefault(call.store, _Shelves())
    key = (call.tenant, store["id"])
    shelf = known.get(key, store["version"])
    if shelf is None:
        shelf = _read(call, store)
        known.put(key, shelf)
    return shelf


def _read(call: Call, store: Json) -> Shelf:
    records, parts = [], []
    for record in files_of(call, store["id"], 1_000_000, status="completed"):
        chunks = call.store.read(call.tenant, f"{record['blob']}/index")
        if chunks is not None:
            records.append(record)
            parts.append(unpacked(b"".join(chunks)))
    return joined(store["version"], records, parts)


def joined(version: int, records: list[Json], parts: Sequence[Part]) -> Shelf:
    """Return the indexes of files as one: their words in order, and which chunks hold each."""
    counts = np.array([len(part.spans) for part in parts], np.int64)
    firsts = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    words = _joined([part.words for part in parts], np.uint32)
    order = np.argsort(words, kind="stable")
    words = words[order]
    starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(words)), bool), words[1:] != words[:-1])))
    holders = _joined([part.owners + first for part, first in zip(parts, firsts, strict=False)], np.int32)
    return Shelf(
        version,
        records,
        _joined([part.spans for part in parts], np.uint32, (0, 2)),
        np.repeat(np.arange(len(parts)), counts),
        _joined([part.vectors for part in parts], np.float32, (0, SIZE)),
        _joined([part.lengths for part in parts], np.float64),
        words[starts],
        np.append(starts, len(words)),
        holders[order],
        _joined([part.times for part in parts], np.uint8)[order],
    )


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: type[Any], empty: tuple[int, ...] = (0,)) -> npt.NDArray[Any]:
    return np.concatenate(arrays).astype(kind) if arrays else np.zeros(empty, kind)

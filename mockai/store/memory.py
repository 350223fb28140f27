"""The store in memory: the default. Nothing survives the process."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from mockai.store import Json, Order, UnknownCursorError
from mockai.store.blobs import Folder, pour
from mockai.wire.codec import dumps, loads


@dataclass(slots=True)
class _Entry:
    number: int
    parent: str
    tags: Mapping[str, str]
    raw: bytes


@dataclass(slots=True)
class _Collection:
    """The documents of one kind: by id, and per index the insertion numbers in rising order."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    indexes: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def keys_of(self, entry: _Entry) -> Iterator[tuple[str, str]]:
        yield ("", "")
        yield ("parent", entry.parent)
        for name, value in entry.tags.items():
            yield (f"tag {name}", value)

    def add(self, id: str, entry: _Entry) -> None:
        self.entries[id], self.ids[entry.number] = entry, id
        for key in self.keys_of(entry):
            numbers = self.indexes[key]
            if not numbers or numbers[-1] < entry.number:
                numbers.append(entry.number)
            else:
                numbers.insert(bisect_left(numbers, entry.number), entry.number)

    def remove(self, id: str) -> _Entry:
        entry = self.entries.pop(id)
        del self.ids[entry.number]
        for key in self.keys_of(entry):
            numbers = self.indexes[key]
            del numbers[bisect_left(numbers, entry.number)]
            if not numbers:
                del self.indexes[key]
        return entry

    def replace(self, id: str, entry: _Entry) -> None:
        self.remove(id)
        self.add(id, entry)


class MemoryStore:
    """A `Store` of encoded documents in dictionaries, under one lock."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.RLock()
        self._collections: dict[tuple[str, str], _Collection] = defaultdict(_Collection)
        self._number = 0
        self._counters: dict[str, count[int]] = {}
        self._contents: dict[tuple[str, str], bytes | Path] = {}
        self._folder = Folder()
        self._doomed: list[Path] = []
        self._undo: list[Callable[[], object]] | None = None

    def put(
        self, tenant: str, kind: str, doc: Json, *, parent: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        """Insert or replace a document."""
        id, raw = doc["id"], dumps(doc)
        with self._lock:
            collection = self._collections[tenant, kind]
            known = collection.entries.get(id)
            if known is None:
                self._number += 1
                number = self._number
                self._on_undo(lambda: collection.remove(id))
            else:
                number = known.number
                collection.remove(id)
                self._on_undo(lambda: collection.replace(id, known))
            collection.add(id, _Entry(number, parent, dict(tags or {}), raw))

    def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """Return a copy of a document, or None."""
        with self._lock:
            collection = self._collections.get((tenant, kind))
            entry = collection.entries.get(id) if collection else None
        return None if entry is None else _decoded(entry)

    def delete(self, tenant: str, kind: str, id: str) -> bool:
        """Remove a document; return whether it was there."""
        with self._lock:
            collection = self._collections[tenant, kind]
            if id not in collection.entries:
                return False
            entry = collection.remove(id)
            self._on_undo(lambda: collection.add(id, entry))
            return True

    def list(
        self,
        tenant: str,
        kind: str,
        *,
        parent: str | None = None,
        order: Order = "desc",
        after: str | None = None,
        before: str | None = None,
        limit: int = 20,
        where: Mapping[str, str] | None = None,
    ) -> list[Json]:
        """Return one page."""
        with self._lock:
            collection = self._collections[tenant, kind]
            low, high = _bounds(collection, order, after, before)
            keys = [("", "")] if parent is None else [("parent", parent)]
            keys += [(f"tag {name}", value) for name, value in (where or {}).items()]
            indexes = [collection.indexes.get(key, []) for key in keys]
            shortest = min(indexes, key=len)
            others = [index for index in indexes if index is not shortest]
            page: list[_Entry] = []
            for number in _walk(shortest, low, high, order):
                if len(page) >= limit:
                    break
                if all(_holds(index, number) for index in others):
                    page.append(collection.entries[collection.ids[number]])
        return [_decoded(entry) for entry in page]

    def count(self, tenant: str, kind: str, *, parent: str | None = None) -> int:
        """Return how many documents there are."""
        with self._lock:
            indexes = self._collections[tenant, kind].indexes
            return len(indexes.get(("", "") if parent is None else ("parent", parent), ()))

    def write(self, tenant: str, name: str, chunks: Iterable[bytes]) -> int:
        """Keep a content under a name; return its size in bytes."""
        content, size = self._folder.take(chunks)
        with self.transaction():
            self._place((tenant, name), content)
        return size

    def read(self, tenant: str, name: str, start: int = 0) -> Iterator[bytes] | None:
        """Return a content from byte `start` on, in chunks, or None."""
        with self._lock:
            content = self._contents.get((tenant, name))
            return None if content is None else pour(content, start)

    def discard(self, tenant: str, name: str) -> None:
        """Remove a content."""
        with self.transaction():
            self._place((tenant, name), None)

    def _place(self, key: tuple[str, str], content: bytes | Path | None) -> None:
        before = self._contents.pop(key, None)
        if content is not None:
            self._contents[key] = content
        if isinstance(before, Path):
            self._doomed.append(before)
        self._on_undo(lambda: self._restore(key, before))

    def _restore(self, key: tuple[str, str], content: bytes | Path | None) -> None:
        placed = self._contents.pop(key, None)
        if isinstance(placed, Path):
            placed.unlink(missing_ok=True)
        if content is not None:
            self._contents[key] = content

    def counter(self, tenant: str) -> Callable[[], int]:
        """Return what gives the next number of the tenant at each call."""
        return self._counters.setdefault(tenant, count(1)).__next__

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; undo in reverse on an exception."""
        with self._lock:
            if self._undo is not None:
                yield
                return
            self._undo = []
            try:
                yield
            except BaseException:
                steps, self._undo = self._undo, None
                for step in reversed(steps):
                    step()
                self._doomed.clear()
                raise
            finally:
                self._undo = None
            while self._doomed:
                self._doomed.pop().unlink(missing_ok=True)

    def _on_undo(self, step: Callable[[], object]) -> None:
        if self._undo is not None:
            self._undo.append(step)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._collections.clear()
            self._contents.clear()
            self._folder.close()


def _decoded(entry: _Entry) -> Json:
    document: Json = loads(entry.raw)
    return document


def _bounds(
    collection: _Collection, order: Order, after: str | None, before: str | None
) -> tuple[int | None, int | None]:
    """Return the numbers between which the page lies, both exclusive."""
    if order == "desc":
        after, before = before, after
    return _number(collection, after), _number(collection, before)


def _number(collection: _Collection, id: str | None) -> int | None:
    if id is None:
        return None
    entry = collection.entries.get(id)
    if entry is None:
        raise UnknownCursorError(id)
    return entry.number


def _walk(numbers: list[int], low: int | None, high: int | None, order: Order) -> Iterator[int]:
    first = 0 if low is None else bisect_right(numbers, low)
    last = len(numbers) if high is None else bisect_left(numbers, high)
    positions = range(first, last) if order == "asc" else range(last - 1, first - 1, -1)
    return (numbers[at] for at in positions)


def _holds(numbers: list[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number

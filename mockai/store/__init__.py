"""State: JSON documents, ordered by insertion, always within a tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

Json = dict[str, Any]
Order = Literal["asc", "desc"]


class StoreError(Exception):
    """A store that cannot be opened. The message says what, where and what to do."""


class UnknownCursorError(LookupError):
    """The `after` or `before` of a page names no document."""


def open_store(where: str) -> Store:
    """Return the store that `memory` or `sqlite:PATH` names. Raises `StoreError`."""
    kind, _, path = where.partition(":")
    if where == "memory":
        from mockai.store.memory import MemoryStore

        return MemoryStore()
    if kind == "sqlite" and Path(path).name:
        from mockai.store.sqlite import SqliteStore

        return SqliteStore(Path(path))
    raise StoreError(f"{where!r} names no store; use `memory` or `sqlite:PATH`")


class Store(Protocol):
    """Keeps the documents of every tenant. Every method is safe to call from any thread.

    A document is a JSON object with an `id`, unique within its tenant and kind. `parent` groups documents
    (the messages of a thread); `tags` are strings that a list can be filtered by.
    """

    def put(
        self, tenant: str, kind: str, doc: Json, *, parent: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        """Insert a document, or replace the one of the same id in its place in the order."""

    def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """Return a copy of a document, or None."""

    def delete(self, tenant: str, kind: str, id: str) -> bool:
        """Remove a document; return whether it was there."""

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
        """Return at most `limit` documents in order; the cost does not grow with the collection.

        `desc` is newest first. `after` and `before` are ids that bound the page, exclusively, in the order asked
        for. Raises `UnknownCursorError` when one names no document.
        """

    def count(self, tenant: str, kind: str, *, parent: str | None = None) -> int:
        """Return how many documents there are."""

    def write(self, tenant: str, name: str, chunks: Iterable[bytes]) -> int:
        """Keep a content under a name, in place of what was there; return its size in bytes.

        What is above 1 MiB goes to disk chunk by chunk.
        """

    def read(self, tenant: str, name: str, start: int = 0) -> Iterator[bytes] | None:
        """Return a content from byte `start` on, in chunks, or None. A deletion does not disturb a reading."""

    def discard(self, tenant: str, name: str) -> None:
        """Remove a content and free its space; nothing happens when there is none."""

    def counter(self, tenant: str) -> Callable[[], int]:
        """Return what gives the next number of the tenant at each call. No number comes twice."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make what is read and written inside one step: nobody else writes in between; nested ones join.

        An exception undoes what was written inside.
        """

    def close(self) -> None:
        """Release what the store holds."""

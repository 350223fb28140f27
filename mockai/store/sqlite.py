"""The store in a SQLite file: survives restarts and kills, and serves several processes on one machine.

In WAL mode with `synchronous=NORMAL` a commit outlives the death of the process; only a power cut may lose the last
ones, and never half of one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mockai.store import Json, Order, StoreError, UnknownCursorError
from mockai.store.blobs import Folder, pour
from mockai.wire.codec import dumps, loads

VERSION = 2
RESERVED = 1000
"""Numbers of a counter that a process takes at once, so that most ids cost no write."""
WAIT = 10.0
"""Seconds that a write waits for another process."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, raw BLOB NOT NULL,
    UNIQUE (tenant, kind, id)
);
CREATE INDEX IF NOT EXISTS by_kind ON documents (tenant, kind, number);
CREATE INDEX IF NOT EXISTS by_parent ON documents (tenant, kind, parent, number);
CREATE TABLE IF NOT EXISTS tags (
    tenant TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name, value, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_of ON tags (number);
CREATE TABLE IF NOT EXISTS contents (
    tenant TEXT NOT NULL, name TEXT NOT NULL, raw BLOB, file TEXT, PRIMARY KEY (tenant, name)
);
CREATE TABLE IF NOT EXISTS counters (tenant TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
"""


class SqliteStore:
    """A `Store` in one file; each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises `StoreError` when it is something else, or of a newer version."""
        self._path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._reserved: dict[str, tuple[int, int]] = {}
        self._folder = Folder(path.with_name(path.name + ".contents"))
        try:
            connection = self._connection()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise StoreError(f"{path}: was written by a newer mockai (format {version}); use that one")
            connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")
            self._folder.sweep(file for (file,) in connection.execute("SELECT file FROM contents WHERE file NOTNULL"))
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path}: cannot be used as a store ({error}); name another file") from None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection, self._local.depth, self._local.doomed = connection, 0, []
            with self._lock:
                self._all.append(connection)
        return connection

    def put(
        self, tenant: str, kind: str, doc: Json, *, parent: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        """Insert or replace a document."""
        with self.transaction():
            execute = self._connection().execute
            (number,) = execute(
                "INSERT INTO documents (tenant, kind, id, parent, raw) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, kind, id) DO UPDATE SET parent = excluded.parent, raw = excluded.raw"
                " RETURNING number",
                (tenant, kind, doc["id"], parent, dumps(doc)),
            ).fetchone()
            execute("DELETE FROM tags WHERE number = ?", (number,))
            for name, value in (tags or {}).items():
                execute("INSERT INTO tags VALUES (?, ?, ?, ?, ?)", (tenant, kind, name, value, number))

    def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """Return a copy of a document, or None."""
        found = self._connection().execute(
            "SELECT raw FROM documents WHERE tenant = ? AND kind = ? AND id = ?", (tenant, kind, id)
        )
        row = found.fetchone()
        return None if row is None else loads(row[0])

    def delete(self, tenant: str, kind: str, id: str) -> bool:
        """Remove a document; return whether it was there."""
        with self.transaction():
            execute = self._connection().execute
            row = execute(
                "DELETE FROM documents WHERE tenant = ? AND kind = ? AND id = ? RETURNING number", (tenant, kind, id)
            ).fetchone()
            if row is not None:
                execute("DELETE FROM tags WHERE number = ?", row)
            return row is not None

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
        if order == "desc":
            after, before = before, after
        query = "SELECT raw FROM documents AS d"
        values: list[Any] = []
        for at, (name, value) in enumerate((where or {}).items()):
            query += (
                f" JOIN tags AS t{at} ON t{at}.number = d.number AND t{at}.tenant = d.tenant AND t{at}.kind = d.kind"
                f" AND t{at}.name = ? AND t{at}.value = ?"
            )
            values += (name, value)
        query += " WHERE d.tenant = ? AND d.kind = ?"
        values += (tenant, kind)
        for condition, bound in (
            ("d.parent = ?", parent),
            ("d.number > ?", self._number(tenant, kind, after)),
            ("d.number < ?", self._number(tenant, kind, before)),
        ):
            if bound is not None:
                query += f" AND {condition}"
                values.append(bound)
        query += f" ORDER BY d.number {'ASC' if order == 'asc' else 'DESC'} LIMIT ?"
        return [loads(raw) for (raw,) in self._rows(query, (*values, limit))]

    def _rows(self, query: str, values: Sequence[Any]) -> Sequence[Any]:
        return self._connection().execute(query, values).fetchall()

    def _number(self, tenant: str, kind: str, id: str | None) -> int | None:
        if id is None:
            return None
        rows = self._rows("SELECT number FROM documents WHERE tenant = ? AND kind = ? AND id = ?", (tenant, kind, id))
        if not rows:
            raise UnknownCursorError(id)
        return int(rows[0][0])

    def count(self, tenant: str, kind: str, *, parent: str | None = None) -> int:
        """Return how many documents there are."""
        query, values = "SELECT count(*) FROM documents WHERE tenant = ? AND kind = ?", [tenant, kind]
        if parent is not None:
            query += " AND parent = ?"
            values.append(parent)
        return int(self._rows(query, values)[0][0])

    def write(self, tenant: str, name: str, chunks: Iterable[bytes]) -> int:
        """Keep a content under a name; return its size in bytes."""
        content, size = self._folder.take(chunks)
        raw, file = (None, content.name) if isinstance(content, Path) else (content, None)
        with self.transaction():
            self._doom(tenant, name)
            self._connection().execute(
                "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", (tenant, name, raw, file)
            )
        return size

    def read(self, tenant: str, name: str, start: int = 0) -> Iterator[bytes] | None:
        """Return a content from byte `start` on, in chunks, or None."""
        rows = self._rows("SELECT raw, file FROM contents WHERE tenant = ? AND name = ?", (tenant, name))
        if not rows:
            return None
        raw, file = rows[0]
        try:
            return pour(raw if file is None else self._folder.path / file, start)
        except FileNotFoundError:
            return None  # deleted between the two readings

    def discard(self, tenant: str, name: str) -> None:
        """Remove a content."""
        with self.transaction():
            self._doom(tenant, name)
            self._connection().execute("DELETE FROM contents WHERE tenant = ? AND name = ?", (tenant, name))

    def _doom(self, tenant: str, name: str) -> None:
        """Note the file of a content: it goes when the transaction holds."""
        rows = self._rows("SELECT file FROM contents WHERE tenant = ? AND name = ? AND file NOTNULL", (tenant, name))
        self._local.doomed += [self._folder.path / file for (file,) in rows]

    def counter(self, tenant: str) -> Callable[[], int]:
        """Return what gives the next number of the tenant at each call."""
        return partial(self._next, tenant)

    def _next(self, tenant: str) -> int:
        """Return the next number of those that this process has reserved."""
        with self._lock:
            number, end = self._reserved.get(tenant, (0, 0))
            if number < end:
                self._reserved[tenant] = (number + 1, end)
                return number
        (end,) = self._rows(
            "INSERT INTO counters VALUES (?, 1 + ?)"
            " ON CONFLICT (tenant) DO UPDATE SET next = next + ? RETURNING next",
            (tenant, RESERVED, RESERVED),
        )[0]
        with self._lock:
            # Another thread may have reserved meanwhile: its numbers are left unused, none comes twice.
            self._reserved[tenant] = (end - RESERVED + 1, end)
        return int(end) - RESERVED

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the write lock of the file; roll back on an exception."""
        connection = self._connection()
        if self._local.depth:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        self._local.depth = 1
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        else:
            connection.execute("COMMIT")
            for file in self._local.doomed:
                file.unlink(missing_ok=True)
        finally:
            self._local.depth = 0
            self._local.doomed.clear()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

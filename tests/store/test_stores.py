"""One test body over every store, and what only the file promises."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mockai.store import Store, StoreError, UnknownCursorError
from mockai.store.blobs import INLINE
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import RESERVED, SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")
    yield made
    made.close()


def ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["id"] for document in documents]


def test_documents_are_copies(store: Store) -> None:
    document = {"id": "a", "list": [1]}
    store.put("t", "k", document)
    document["list"].append(2)  # type: ignore[attr-defined] # a document may hold anything
    first = store.get("t", "k", "a")
    assert first == {"id": "a", "list": [1]}
    first["list"].append(3)
    assert store.get("t", "k", "a") == {"id": "a", "list": [1]}
    assert store.get("t", "k", "b") is None


def test_tenants_and_kinds_are_apart(store: Store) -> None:
    store.put("t", "k", {"id": "a"})
    assert store.get("other", "k", "a") is None
    assert store.get("t", "other", "a") is None
    assert store.list("other", "k") == []
    assert not store.delete("other", "k", "a")
    assert store.delete("t", "k", "a")
    assert not store.delete("t", "k", "a")
    assert store.count("t", "k") == 0


def test_a_replaced_document_keeps_its_place(store: Store) -> None:
    for name in "abc":
        store.put("t", "k", {"id": name})
    store.put("t", "k", {"id": "a", "new": True}, tags={"x": "1"})
    assert ids(store.list("t", "k", order="asc")) == ["a", "b", "c"]
    assert ids(store.list("t", "k", where={"x": "1"})) == ["a"]
    store.put("t", "k", {"id": "a"}, tags={"x": "2"})
    assert store.list("t", "k", where={"x": "1"}) == []


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_visit_each_document_once(store: Store, order: Any) -> None:
    names = [f"n{number}" for number in range(23)]
    for name in names:
        store.put("t", "k", {"id": name}, parent="even" if int(name[1:]) % 2 == 0 else "odd")
    wanted = names if order == "asc" else names[::-1]
    seen: list[str] = []
    while page := store.list("t", "k", order=order, after=seen[-1] if seen else None, limit=5):
        seen += ids(page)
    assert seen == wanted
    assert ids(store.list("t", "k", order=order, before=wanted[3], limit=10)) == wanted[:3]
    assert ids(store.list("t", "k", order=order, after=wanted[1], before=wanted[4])) == wanted[2:4]
    even = [name for name in wanted if int(name[1:]) % 2 == 0]
    assert ids(store.list("t", "k", parent="even", order=order, limit=100)) == even
    assert store.count("t", "k", parent="odd") == 11
    with pytest.raises(UnknownCursorError):
        store.list("t", "k", after="nope")


def test_tags_filter_together(store: Store) -> None:
    for number in range(12):
        store.put("t", "k", {"id": str(number)}, tags={"half": str(number % 2), "third": str(number % 3)})
    assert ids(store.list("t", "k", order="asc", where={"half": "0", "third": "0"})) == ["0", "6"]
    store.delete("t", "k", "0")
    assert ids(store.list("t", "k", order="asc", where={"half": "0", "third": "0"})) == ["6"]


def test_an_exception_undoes_a_transaction(store: Store) -> None:
    store.put("t", "k", {"id": "a", "old": True})
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.put("t", "k", {"id": "a", "old": False})
        store.put("t", "k", {"id": "b"})
        with store.transaction():
            store.delete("t", "k", "a")
        raise ZeroDivisionError
    assert store.get("t", "k", "a") == {"id": "a", "old": True}
    assert ids(store.list("t", "k")) == ["a"]


def test_no_update_is_lost_and_no_number_comes_twice(store: Store) -> None:
    store.put("t", "k", {"id": "sum", "value": 0})
    numbers: list[int] = []

    def work() -> None:
        for _ in range(50):
            numbers.append(store.counter("t")())
            with store.transaction():
                document = store.get("t", "k", "sum")
                assert document is not None
                document["value"] += 1
                store.put("t", "k", document)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("t", "k", "sum") == {"id": "sum", "value": 200}
    assert len(set(numbers)) == 200


# --- the file ------------------------------------------------------------------------------------


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "state.db")
    first.put("t", "k", {"id": "a", "text": "héllo"}, parent="p", tags={"x": "1"})
    taken = first.counter("t")()
    first.close()
    again = SqliteStore(tmp_path / "state.db")
    assert again.list("t", "k", parent="p", where={"x": "1"}) == [{"id": "a", "text": "héllo"}]
    assert again.counter("t")() > taken
    again.close()


KILLER = """
import os, random, signal, sys
from pathlib import Path
from mockai.store.sqlite import SqliteStore

def write(turn, out):
    store = SqliteStore(Path(sys.argv[1]))
    for number in range(10**6):
        identifier = f"{turn}-{number}"
        with store.transaction():
            store.put("t", "half", {"id": identifier + "a"}, tags={"of": identifier})
            store.put("t", "half", {"id": identifier + "b"}, tags={"of": identifier})
        print(identifier, store.counter("ids")(), file=out, flush=True)

rng = random.Random(1)
for turn in range(50):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write(turn, open(writing, "w"))
    os.close(writing)
    with open(reading) as acknowledged:
        for _ in range(rng.randint(1, 40)):
            print(acknowledged.readline(), end="")
        os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""
"""Kills 50 writers, each at a moment of its own, and prints what they acknowledged before. A process of its own forks
them: it has no threads, and nobody imports 50 times."""


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    acknowledged, numbers = zip(*(line.split() for line in done.stdout.splitlines()), strict=True)
    assert {identifier.split("-")[0] for identifier in acknowledged} == {str(turn) for turn in range(50)}
    store = SqliteStore(path)
    (verdict,) = store._connection().execute("PRAGMA integrity_check").fetchone()
    assert verdict == "ok"
    assert len(set(numbers)) == len(numbers)
    for identifier in acknowledged:
        assert len(store.list("t", "half", where={"of": identifier})) == 2
    assert store.count("t", "half") % 2 == 0
    store.close()


def test_processes_share_one_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    program = """
import sys
from pathlib import Path
from mockai.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
for _ in range(100):
    with store.transaction():
        document = store.get("t", "k", "sum") or {"id": "sum", "value": 0}
        document["value"] += 1
        store.put("t", "k", document)
    print(store.counter("t")())
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    numbers = [line for writer in writers for line in writer.communicate(timeout=60)[0].split()]
    assert len(set(numbers)) == 300
    store = SqliteStore(path)
    assert store.get("t", "k", "sum") == {"id": "sum", "value": 300}
    assert store.counter("t")() > RESERVED
    store.close()


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("this is no database, it is a text of some length " * 100)
    with pytest.raises(StoreError, match="notes.txt: cannot be used as a store"):
        SqliteStore(other)
    newer = tmp_path / "newer.db"
    store = SqliteStore(newer)
    store._connection().execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="newer mockai"):
        SqliteStore(newer)


def content(store: Store, name: str, start: int = 0) -> bytes | None:
    chunks = store.read("t", name, start)
    return None if chunks is None else b"".join(chunks)


def files_of(store: Store) -> list[Path]:
    folder = store._folder  # type: ignore[attr-defined] # both stores have one
    return sorted(folder.path.iterdir())


@pytest.mark.parametrize("size", [0, 5, INLINE, INLINE + 1, 3 * INLINE])
def test_contents_read_back_from_any_byte(store: Store, size: int) -> None:
    chunks = [b"abcdefg"[at % 7 : at % 7 + 1] * 1000 for at in range(size // 1000)] + [b"x" * (size % 1000)]
    whole = b"".join(chunks)
    assert store.write("t", "a", iter(chunks)) == size
    assert content(store, "a") == whole
    assert content(store, "a", size // 2) == whole[size // 2 :]
    assert content(store, "a", size + 1) == b""
    assert store.read("other", "a") is None
    assert len(files_of(store)) == (size > INLINE)


def test_a_content_that_goes_frees_its_space_and_disturbs_no_reader(store: Store) -> None:
    store.write("t", "a", [b"x" * (INLINE + 1)])
    reading = store.read("t", "a")
    store.write("t", "a", [b"y" * (INLINE + 2)])
    assert len(files_of(store)) == 1
    store.discard("t", "a")
    store.discard("t", "a")
    assert files_of(store) == []
    assert store.read("t", "a") is None
    assert reading is not None
    assert b"".join(reading) == b"x" * (INLINE + 1)


def test_an_exception_brings_contents_back(store: Store) -> None:
    store.write("t", "a", [b"x" * (INLINE + 1)])
    store.write("t", "b", [b"small"])
    with pytest.raises(RuntimeError), store.transaction():
        store.discard("t", "a")
        store.write("t", "b", [b"other"])
        store.write("t", "c", [b"new"])
        raise RuntimeError
    assert content(store, "a") == b"x" * (INLINE + 1)
    assert content(store, "b") == b"small"
    assert store.read("t", "c") is None


def test_a_content_that_fails_to_arrive_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (INLINE + 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write("t", "a", broken())
    assert store.read("t", "a") is None
    assert files_of(store) == []


def test_what_a_crash_left_in_the_folder_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path)) as store:
        store.write("t", "a", [b"x" * (INLINE + 1)])
        left, fresh = store._folder.path / "left", store._folder.path / "fresh"
        left.touch()
        fresh.touch()
        os.utime(left, (1, 1))
    with closing(SqliteStore(path)) as store:
        assert content(store, "a") == b"x" * (INLINE + 1)
        assert not left.exists()
        assert fresh.exists()

"""Work that goes on between requests: a queue in the store, one worker at a time for each piece.

What takes effort (the lines of a batch, the epochs of a fine-tuning job) is done in slices: each reading of the
object does one. The worker at the edge is one more reader, which goes on until the work is done. A piece is claimed
by a lease: when the process that holds it dies, the lease runs out and another one resumes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mockai.call import Call
from mockai.clock import Clock, SystemClock
from mockai.store import Json, Store

TENANT, KIND = "", "work"
SLICE = 0.04
"""Seconds of effort that one reading may spend."""
LEAST = 8
"""Parts of work that a slice does in any case."""
LEASE = 30.0
"""Seconds after which the piece of a process that died is taken over."""
MOST_KEPT = 64
"""Objects whose work is kept between slices; with more of them at once, each would begin anew at its every turn."""
MOST_PENDING = 1000

State = TypeVar("State")


class Slice:
    """The time that one reading may spend. Small work is done in one slice, however slow the machine is."""

    def __init__(self, seconds: float = SLICE) -> None:
        """Begin now."""
        self._end = time.perf_counter() + seconds
        self._asked = 0

    def over(self) -> bool:
        """Return whether the time is spent; asked between two parts of the work, never before the first ones."""
        self._asked += 1
        return self._asked > LEAST and time.perf_counter() >= self._end


class Work:
    """The queue of one store, as one process sees it."""

    def __init__(self, store: Store, wall: Clock | None = None) -> None:
        """Take part in the work of `store`. Leases run on the machine's clock: another one may stand still."""
        self._store = store
        self._wall = wall or SystemClock()
        self._owner = f"{os.uname().nodename} {os.getpid()} {store.counter('workers')()}"
        self.worked = 0
        """How many parts of work were done: the worker sees by it whether there is more to do."""
        # A part of one object's work may look at another object: a batch whose lines search a vector store.
        self._turn, self._lock = threading.RLock(), threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def add(self, call: Call, path: str, at: float) -> None:
        """Have the object at `path` (`/batches/batch_abc`) read at `at` (Unix seconds) and again until `done`."""
        id = f"{call.tenant} {path}"
        with self._store.transaction():
            known = self._store.get(TENANT, KIND, id) or {"id": id, "owner": None, "until": 0.0}
            owner = {"tenant": call.tenant, "organization": call.organization, "project": call.project}
            self._store.put(TENANT, KIND, {**known, **owner, "path": path, "at": at})

    def done(self, call: Call, path: str) -> None:
        """Take the object off the queue."""
        id = f"{call.tenant} {path}"
        self._store.delete(TENANT, KIND, id)
        with self._lock:
            self._kept.pop(id, None)

    def due(self, now: float) -> list[Json]:
        """Return what is to be read now and is not in the hands of another process."""
        wall = self._wall.now()
        pieces = self._store.list(TENANT, KIND, order="asc", limit=MOST_PENDING)
        return [piece for piece in pieces if piece["at"] <= now and self._free(piece, wall)]

    def _free(self, piece: Json, wall: float) -> bool:
        owner = piece["owner"]
        return owner in (None, self._owner) or piece["until"] <= wall or _is_dead(owner)

    @contextmanager
    def claim(self, call: Call, path: str) -> Iterator[bool]:
        """Give whether the work on an object is the caller's now; no other process or thread has it meanwhile.

        Threads take turns: who reads an object while its slice is worked on sees what the slice has done.
        """
        with self._turn:
            yield self._lease(f"{call.tenant} {path}")

    def settle(
        self,
        call: Call,
        path: str,
        labour: Callable[[Slice], bool],
        move: Callable[[], bool],
        budget: Slice | None = None,
    ) -> None:
        """Bring an object up to date: do a slice of its work, and let happen what fell due.

        `labour` does a part of the work and returns whether there was any; `move` returns whether a step was taken.
        At the pace `step` a reading takes one step.
        """
        budget = budget or Slice()
        with self.claim(call, path) as mine:
            while True:
                worked = mine and labour(budget)
                self.worked += worked
                moved = move()
                if call.pace == "step" or budget.over() or not (worked or moved):
                    return

    def _lease(self, id: str) -> bool:
        wall = self._wall.now()
        with self._store.transaction():
            piece = self._store.get(TENANT, KIND, id)
            if piece is None or not self._free(piece, wall):
                return False
            if piece["owner"] != self._owner or piece["until"] - wall < LEASE / 2:
                self._store.put(TENANT, KIND, {**piece, "owner": self._owner, "until": wall + LEASE})
        return True

    def keep(self, call: Call, path: str, make: Callable[[], State]) -> State:
        """Return what this process keeps between two slices of an object, made anew if it was not kept."""
        id = f"{call.tenant} {path}"
        with self._lock:
            known = self._kept.pop(id, None)
        state: State = make() if known is None else known
        with self._lock:
            self._kept[id] = state
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return state


def _is_dead(owner: str) -> bool:
    """Return whether an owner was a process of this machine that is gone: nobody has to wait for its lease."""
    machine, process, _ = owner.split(" ")
    if machine != os.uname().nodename:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

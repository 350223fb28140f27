"""What is said in a thread: chat messages with their tokens, newest first. Long threads are remembered.

What a message says never changes once it is written, so only what is new has to be read again; that nothing was
deleted meanwhile is told by the number of messages.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

from mockai.api.assistants.objects import MESSAGE
from mockai.call import Call, Json
from mockai.engine import accounting
from mockai.engine.catalogue import Model
from mockai.store import Store, UnknownCursorError

PAGE = 100
"""Messages that are read at a time."""
REMEMBERED = 8
"""Threads that are remembered of one store."""
LEAST, MOST = 2 * PAGE, 50_000
"""Messages of a thread that is worth remembering, and those of all that are."""


class Line(NamedTuple):
    """One message."""

    id: str
    run_id: str | None
    chat: Json
    cost: int
    """Tokens."""


@dataclass(frozen=True, slots=True)
class _Memory:
    count: int
    """Messages of the whole thread."""
    lines: Sequence[Line]
    """The newest of them, the newest first."""


Key = tuple[str, str, str]
_LOCK = threading.Lock()
_MEMORIES: WeakKeyDictionary[Store, OrderedDict[Key, _Memory]] = WeakKeyDictionary()


class Conversation:
    """Reads a thread, as far as it is wanted."""

    def __init__(self, call: Call, thread_id: str, model: Model) -> None:
        """Read the thread for this model, which counts the tokens."""
        self._call, self._thread, self._model = call, thread_id, model
        self._key = (call.tenant, thread_id, model.id)
        self._count = call.store.count(call.tenant, MESSAGE, parent=thread_id)
        self._seen: list[Line] = []
        self._final = True

    def __iter__(self) -> Iterator[Line]:
        """Yield the messages, newest first."""
        with _LOCK:
            memory = _MEMORIES.setdefault(self._call.store, OrderedDict()).get(self._key)
        page: list[Json] = []
        while page := self._page(self._seen[-1].id if self._seen else None):
            for message in page:
                if memory is not None and message["id"] == memory.lines[0].id:
                    known, memory = memory, None
                    if known.count + len(self._seen) == self._count:
                        for line in known.lines:
                            self._seen.append(line)
                            yield line
                        break
                self._final = self._final and message["status"] != "in_progress"
                chat = chat_of(message)
                line = Line(message["id"], message["run_id"], chat, accounting.message_cost(chat, self._model))
                self._seen.append(line)
                yield line

    def _page(self, after: str | None) -> list[Json]:
        call = self._call
        try:
            return call.store.list(call.tenant, MESSAGE, parent=self._thread, after=after, limit=PAGE)
        except UnknownCursorError:  # it was deleted just now
            return []

    def remember(self) -> None:
        """Keep what was read for the next run of the thread."""
        if not self._final or not LEAST <= len(self._seen) <= MOST:
            return
        with _LOCK:
            memories = _MEMORIES.setdefault(self._call.store, OrderedDict())
            memories[self._key] = _Memory(self._count, tuple(self._seen))
            memories.move_to_end(self._key)
            while len(memories) > REMEMBERED or sum(len(memory.lines) for memory in memories.values()) > MOST:
                memories.popitem(last=False)


# --- in chat form --------------------------------------------------------------------------------


def chat_of(message: Json) -> Json:
    """Return a message as chats have it."""
    content = message["content"]
    if all(part["type"] == "text" for part in content):
        return {"role": message["role"], "content": "\n".join(part["text"]["value"] for part in content)}
    return {"role": message["role"], "content": [_part_of(part) for part in content]}


def _part_of(part: Json) -> Json:
    kind = part["type"]
    if kind == "text":
        return {"type": "text", "text": part["text"]["value"]}
    if kind == "refusal":
        return {"type": "refusal", "refusal": part["refusal"]}
    url = part["image_url"]["url"] if kind == "image_url" else part["image_file"]["file_id"]
    return {"type": "image_url", "image_url": {"url": url, "detail": part[kind].get("detail") or "auto"}}

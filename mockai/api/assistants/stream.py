"""Streams of runs: the story as it happens (assistants.md §6). Before each beat the run is read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockai.api.assistants import beta
from mockai.api.assistants.life import Watch, following
from mockai.api.assistants.story import CLOSED, Event
from mockai.call import Beat, Call, Stream
from mockai.wire import codec
from mockai.wire.errors import ApiError
from mockai.wire.sse import NAMED_DONE

PAUSE = b""
V1_NAMES = {"thread.run.incomplete": "thread.run.completed"}
"""What version 1 called the events of states that it did not have."""


def stream(call: Call, watch: Watch, opening: Iterable[Event] = ()) -> Stream:
    """Return the stream of a run that `watch` follows, after some events of its own."""
    watch.prepare()
    return Stream(_beats(call, watch, opening), done=NAMED_DONE)


def _beats(call: Call, watch: Watch, opening: Iterable[Event]) -> Iterator[Beat]:
    for name, data in opening:
        yield Beat(0.0, data, name)
    now, names = call.now, V1_NAMES if beta.version(call) == 1 else {}
    while True:
        record = watch.settle(now, step=True)
        for name, data in watch.story.events():
            yield Beat(now - call.now, data, names.get(name, name))
        if record is None:
            gone = ApiError(404, f"No thread found with id '{call.path['thread_id']}'.")
            yield Beat(now - call.now, codec.dumps(gone.body), "error")
            return
        if record["life"]["state"] in CLOSED:
            return
        now = following(record, watch.scripts, now)
        yield Beat(now - call.now, PAUSE)

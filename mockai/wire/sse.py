"""Server-sent events: the one encoder of frames."""

from typing import Any

from mockai.wire.codec import dumps

DONE = b"data: [DONE]\n\n"
NAMED_DONE = b"event: done\ndata: [DONE]\n\n"


def frame(data: Any, event: str | None = None) -> bytes:
    """Return one event: `data` is a JSON value, or bytes that are JSON already; LF only, no id line.

    No bytes at all are no event.
    """
    if data == b"":
        return b""
    raw = data if isinstance(data, bytes) else dumps(data)
    if event is None:
        return b"data: %b\n\n" % raw
    return b"event: %b\ndata: %b\n\n" % (event.encode(), raw)

"""The bodies of requests at the edge: read within a limit, and decoded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

from mockai.routing import Match
from mockai.wire import codec, errors

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


async def read(receive: Receive, limit: int) -> bytes:
    """Return a whole body. Raises the API's 413, and `ClientDisconnect`."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise errors.too_large(limit)
        return body
    chunks = []
    size = 0
    while message["type"] == "http.request":
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise errors.too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()
    raise ClientDisconnect


def decode(raw: bytes, content_type: bytes, match: Match) -> Any:
    """Return the JSON object of a body; None for an empty one or one of another content type."""
    body: Any = None
    if raw and (not content_type or b"json" in content_type.lower()):
        try:
            body = codec.loads(raw)
        except codec.Fault:
            raise errors.not_json() from None
        if not isinstance(body, dict) or codec.repeats(raw, body):
            raise errors.not_json()
    if match.deployment is not None and body is not None:
        body.setdefault("model", match.deployment)
    return body

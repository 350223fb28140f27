"""Recordings at the edge: a request that was recorded gets its recorded answer, before anything looks at it.

The whole request is compared, not what a resource reads of it: faults of every kind were recorded too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mockai.call import Recorded
from mockai.form import MAX_FORM
from mockai.recording import Request, Response
from mockai.recording.forms import FormReader, Tally, boundary_of
from mockai.recording.redaction import ORGANIZATION, PROJECT, REQUEST
from mockai.rules import replies
from mockai.tenancy import Identity, Tenancy
from mockai.wire import errors, headers
from mockai.wire.errors import ApiError
from mockai.writer import Message, Pause, Receive, Scope, Writer, disconnect

if TYPE_CHECKING:
    from mockai.rules.ruleset import RuleSet

Serve = Callable[[Scope, Receive, Writer, Recorded], Awaitable[None]]

log = logging.getLogger("mockai")

# Length and framing are those of the answer as it is written now.
_FRAMING = frozenset({"content-length", "transfer-encoding"})


class Replay:
    """Answers from the recordings of a set of rules."""

    def __init__(self, tenancy: Tenancy, speed: float, pause: Pause) -> None:
        """Tell callers apart by `tenancy`; send streams at `speed` times the recorded one, at once for 0.

        `pause` waits so many seconds, unless the client leaves or the server stops meanwhile.
        """
        self._tenancy, self._speed, self._pause = tenancy, speed, pause

    async def __call__(self, rules: RuleSet, scope: Scope, receive: Receive, reply: Writer, serve: Serve) -> None:
        """Answer a request that was recorded; `serve` answers any other, and those that an earlier rule is for.

        Raises the 503 of --strict where the recordings are all that there is.
        """
        deck = rules.deck
        assert deck is not None, "only sets with recordings come here"
        asked = await read(scope, receive)
        identity = self._tenancy.known(dict(scope["headers"]))
        found = deck.find(asked.request, identity.tenant if identity else "")
        explain = partial(deck.explain, asked.request)
        if found is None and rules.strict and not rules.rules:
            text = f"No recorded exchange answers this request: {explain()}."
            log.warning("%s", text)
            raise ApiError(503, text, code="no_fixture_match", headers=replies.NO_RETRY)
        if found is None or found.after:
            earlier = None if found is None else rules.before(found.after)
            recorded = Recorded(earlier, explain)
            try:
                await serve(scope, again(asked, receive), reply, recorded)
            except (ApiError, replies.UnclaimedError):
                if found is None or recorded.overruled:
                    raise
            else:
                return
        await self._send(found.take().response, identity, reply, receive, head=scope["method"] == "HEAD")

    async def _send(
        self, response: Response, identity: Identity | None, reply: Writer, receive: Receive, *, head: bool
    ) -> None:
        request_id, send = reply.exchange.request_id, reply.starts()
        pieces = [own(chunk.data, identity, request_id) for chunk in response.chunks]
        told = lines(response, identity, request_id)
        if len(pieces) == 1:
            told += b"content-length: %d\r\n" % len(pieces[0])
        await send({"type": "http.response.start", "status": response.status, "headers": headers.pairs(told)})
        async for at in self._due(response, receive):
            await send({"type": "http.response.body", "body": b"" if head else pieces[at], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _due(self, response: Response, receive: Receive) -> AsyncIterator[int]:
        """Yield the numbers of the chunks, each when it is due; no more when the client has left."""
        clock, speed = asyncio.get_running_loop().time, self._speed
        begun = clock()
        gone: asyncio.Task[None] | None = None
        try:
            for number, chunk in enumerate(response.chunks):
                wait = chunk.at / speed - (clock() - begun) if speed > 0 else 0.0
                if wait > 0:
                    gone = gone or asyncio.ensure_future(disconnect(receive))
                    await self._pause(wait, gone)
                    if gone.done():
                        return
                yield number
        finally:
            if gone is not None:
                gone.cancel()


class Asked(NamedTuple):
    """A request that was read to its end."""

    request: Request
    body: list[bytes]


async def read(scope: Scope, receive: Receive) -> Asked:
    """Read a request as the recordings look at it."""
    raw: Iterable[tuple[bytes, bytes]] = scope["headers"]
    named: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1")
        named[key] = f"{named[key]}, {value.decode('latin-1')}" if key in named else value.decode("latin-1")
    boundary = boundary_of(named.get("content-type", ""))
    form, tally = FormReader(boundary) if boundary else None, Tally()
    body, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > MAX_FORM:
            raise errors.too_large(MAX_FORM)
        body.append(chunk)
        tally.add(chunk)
        if form is not None and chunk:
            try:
                form.add(chunk)
            except ValueError:
                form = None
    query: bytes = scope["query_string"]
    target = scope["raw_path"].decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    whole = tally.body()
    parts = None if form is None else form.parts()
    kept = whole if parts is None and whole.size else None
    return Asked(Request(scope["method"], target, named, kept, parts), body)


def again(asked: Asked, receive: Receive) -> Receive:
    """Return a way to receive the body that was read; then the client's own."""
    pending = [*asked.body] or [b""]

    async def received() -> Message:
        if pending:
            chunk = pending.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(pending)}
        return await receive()

    return received


def lines(response: Response, identity: Identity | None, request_id: str) -> bytes:
    """Return the header lines of a recorded answer, with what is the caller's own."""
    told = {name: value for name, value in response.headers.items() if name not in _FRAMING}
    told["x-request-id"] = request_id
    if identity is not None and "openai-version" in told:
        told |= {
            "openai-organization": identity.organization,
            "openai-project": identity.project,
            "openai-processing-ms": str(max(1, round(response.chunks[0].at * 1000))),
        }
    return headers.block(told)


def own(data: bytes, identity: Identity | None, request_id: str) -> bytes:
    """Return bytes with what was taken out of the recording replaced by what is the caller's."""
    if b"<redacted:" not in data:
        return data
    data = data.replace(REQUEST.encode(), request_id.encode())
    if identity is not None:
        data = data.replace(ORGANIZATION.encode(), identity.organization.encode())
        data = data.replace(PROJECT.encode(), identity.project.encode())
    return data

"""One answer on its way out: its header lines, its body, and its stream, paced.

An answer that is whole leaves in one write; beats that are due together leave together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from mockai.call import Answer, Beat, Binary, Call, Reply, Stream
from mockai.clock import Clock
from mockai.tenancy import Identity
from mockai.wire import codec, headers, sse
from mockai.wire.errors import ApiError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pause = Callable[[float, "asyncio.Task[None]"], Awaitable[None]]
"""Waits so many seconds, unless the client leaves or the server stops meanwhile."""
Direct = Callable[[int, bytes, bytes], None]
"""Writes a whole response: status, header lines and body."""
Whole = tuple[int, bytes, bytes]
"""A response ready to be written: status, header lines, body."""

# Beats that are due together leave in one write, up to about this many bytes.
WRITE_SIZE = 64 * 1024


class Exchange:
    """What the headers of an answer tell: when the request came, its id, its caller, its call."""

    __slots__ = ("_clock", "call", "identity", "now", "request_id")

    def __init__(self, clock: Clock, request_id: str = "(none)") -> None:
        self._clock, self.now, self.request_id = clock, clock.now(), request_id
        self.identity: Identity | None = None
        self.call: Call | None = None

    def lines(self, content_type: str, extra: Mapping[str, str] | None = None) -> bytes:
        """Return the header lines of an answer, but for its length."""
        identity, call = self.identity, self.call
        if identity is None:
            lines = (
                headers.common(content_type, None, None, None) + b"x-request-id: %b\r\n" % self.request_id.encode()
            )
            return lines + headers.block(extra) if extra else lines
        spent = call.spent if call is not None else None
        took = int((self._clock.now() - self.now) * 1000) or 1
        lines = b"%bx-request-id: %b\r\nopenai-processing-ms: %d\r\n" % (
            headers.common(content_type, identity.organization, identity.project, spent),
            self.request_id.encode(),
            took,
        )
        if call is not None and call.reply_headers:
            lines += headers.block(call.reply_headers)
        return lines + headers.block(extra) if extra else lines

    def json(
        self, status: int, body: Any, extra: Mapping[str, str] | None = None, content_type: str = "application/json"
    ) -> Whole:
        """Return a JSON answer, or bytes of another content type, ready to be written."""
        payload = body if isinstance(body, bytes) else codec.dumps(body)
        lines = self.lines(content_type, extra)
        return status, b"%bcontent-length: %d\r\n" % (lines, len(payload)), payload

    def failed(self, error: ApiError) -> Whole:
        """Return an error, ready to be written."""
        return self.json(error.status, b"" if error.blank else error.body, error.headers)

    def whole(self, answer: Answer) -> Whole:
        """Return an answer of a hot operation, ready to be written; a stream as its only chunk."""
        if isinstance(answer, dict):
            return self.json(200, answer)
        if isinstance(answer, Reply):
            return self.json(answer.status, answer.body, None, answer.content_type)
        if isinstance(answer, Stream):
            if answer.at_once is not None:
                return self.chunked(answer, answer.at_once() + (answer.done or b""))
            frames = [_framed(beat) for beat in answer.beats]
            return self.chunked(answer, b"".join(frames) + (answer.done or b""))
        raise TypeError("a hot operation answers JSON or a stream")

    def chunked(self, answer: Stream, body: bytes) -> Whole:
        """Return a stream that is all there."""
        lines = self.lines(answer.content_type) + b"transfer-encoding: chunked\r\n"
        return answer.status, lines, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


class Writer:
    """Writes one response."""

    __slots__ = ("_direct", "_head", "_send", "exchange", "started")

    def __init__(self, scope: Scope, send: Send, exchange: Exchange) -> None:
        self._send, self.exchange = send, exchange
        self._head = scope["method"] == "HEAD"
        # The listener's short way for an answer that is whole: one write, nothing parsed again.
        self._direct: Direct | None = scope.get("mockai.direct")
        self.started = False

    def starts(self) -> Send:
        """Return the way to the client, for an answer that is written elsewhere."""
        self.started = True
        return self._send

    async def _whole(self, status: int, lines: bytes, body: bytes) -> None:
        """Send a response that is all there."""
        self.started = True
        if self._head:
            body = b""
        if self._direct is not None:
            self._direct(status, lines, body)
            return
        await self._send({"type": "http.response.start", "status": status, "headers": headers.pairs(lines)})
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, lines: bytes) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers.pairs(lines)})

    async def error(self, error: ApiError) -> None:
        """Send an error body."""
        await self._whole(*self.exchange.failed(error))

    async def preflight(self, methods: Iterable[str]) -> None:
        """Answer a CORS preflight as recorded."""
        allowed = {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": ", ".join(sorted({*methods, "OPTIONS"})),
            "access-control-allow-headers": "*",
            "access-control-max-age": "86400",
        }
        await self._whole(200, headers.ALWAYS + headers.block(allowed) + b"content-length: 0\r\n", b"")

    async def answer(self, answer: Answer, pause: Pause, receive: Receive) -> None:
        """Send what a resource answered."""
        if isinstance(answer, Stream):
            await self._stream(answer, pause, receive)
        elif isinstance(answer, Binary):
            await self._binary(answer)
        else:
            await self._whole(*self.exchange.whole(answer))

    async def _binary(self, answer: Binary) -> None:
        extra = {} if answer.size is None else {"content-length": str(answer.size)}
        if answer.filename is not None:
            extra["content-disposition"] = headers.attachment(answer.filename)
        await self._start(200, self.exchange.lines(answer.content_type, extra))
        for chunk in () if self._head else answer.chunks:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _stream(self, answer: Stream, pause: Pause, receive: Receive) -> None:
        clock = asyncio.get_running_loop().time
        begun, size = clock(), 0
        pending: list[bytes] = []
        gone: asyncio.Task[None] | None = None
        try:
            for beat in answer.beats:
                wait = beat.at - (clock() - begun) if beat.at > 0.0 else 0.0
                if wait > 0.0 or size > WRITE_SIZE:
                    gone = gone or asyncio.ensure_future(disconnect(receive))
                    await self._write(answer, pending)
                    size = 0
                    if wait > 0.0:
                        await pause(wait, gone)
                    if gone.done():
                        return
                chunk = _framed(beat)
                pending.append(chunk)
                size += len(chunk)
            if answer.done is not None:
                pending.append(answer.done)
            await self._last(answer, b"".join(pending))
        finally:
            if gone is not None:
                gone.cancel()
            if answer.close is not None:
                answer.close()

    async def _last(self, answer: Stream, body: bytes) -> None:
        """Send the end of a stream; where nothing had to wait, that is all of it, in one write."""
        if self.started:
            await self._send({"type": "http.response.body", "body": body})
        elif self._direct is not None and not self._head:
            self.started = True
            self._direct(*self.exchange.chunked(answer, body))
        else:
            await self._start(answer.status, self.exchange.lines(answer.content_type))
            await self._send({"type": "http.response.body", "body": b"" if self._head else body})

    async def _write(self, answer: Stream, pending: list[bytes]) -> None:
        """Send what is pending, and let other requests have their turn."""
        if not self.started:
            await self._start(answer.status, self.exchange.lines(answer.content_type))
        if pending:
            await self._send({"type": "http.response.body", "body": b"".join(pending), "more_body": True})
            pending.clear()
        await asyncio.sleep(0)


def _framed(beat: Beat) -> bytes:
    raw: bytes = beat.data if beat.framed else sse.frame(beat.data, beat.event)
    return raw


async def disconnect(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        continue

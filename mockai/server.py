"""The async edge: route, authenticate, read the body, call the resource, write the answer.

Only this module sleeps or awaits. A resource is a plain function from a `Call` to an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import ClientDisconnect

from mockai.call import Answer, Binary, Call, Operation, Reply, Stream
from mockai.clock import Clock
from mockai.form import read_form
from mockai.routing import Match, Router
from mockai.settings import Settings
from mockai.store import Store
from mockai.tenancy import Identity, Tenancy
from mockai.wire import codec, errors, headers, sse
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Direct = Callable[[int, bytes, bytes], None]
"""Writes a whole response: status, header lines and body."""

log = logging.getLogger("mockai")

# A JSON body above this many bytes is worked on in a thread, so that it does not hold the event loop.
LARGE_BODY = 32 * 1024
# Beats that are due together leave in one write, up to about this many bytes.
WRITE_SIZE = 64 * 1024
_BODILESS = {"GET", "HEAD", "DELETE"}


class Edge:
    """The ASGI application of the API."""

    def __init__(self, operations: Iterable[Operation], *, settings: Settings, clock: Clock, store: Store) -> None:
        """Serve `operations` over one store and one clock."""
        if settings.validate == "schema":
            operations = [replace(entry, body=entry.body and entry.body.relaxed()) for entry in operations]
        self.router = Router(operations)
        self.settings, self.clock, self.store = settings, clock, store
        self.tenancy = Tenancy(settings.keys)
        self.stopping = asyncio.Event()
        self._requests = Ids(settings.seed, "", lambda: store.next("requests"))
        self._makers: dict[str, Ids] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        now = self.clock.now()
        reply = _Writer(scope, send, self._requests.hex("req_"), now, self.clock)
        try:
            await self._answer(scope, receive, reply, now)
        except ApiError as error:
            await reply.error(error)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if reply.started:
                raise
            await reply.error(errors.server_error(reply.request_id))

    async def _answer(self, scope: Scope, receive: Receive, reply: _Writer, now: float) -> None:
        method: str = scope["method"]
        raw_path = scope["raw_path"].decode("latin-1")
        match = self.router.match(raw_path)
        if match is None:
            raise errors.invalid_url(method, scope["path"])
        if method == "OPTIONS":
            return await reply.preflight(match.methods)
        operation = match.methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise errors.wrong_method(method, scope["path"], sorted(match.methods))
        received = dict(scope["headers"])
        identity = self.tenancy.identify(f"{operation.method} {operation.path}", received)
        reply.identity = identity
        call = Call(
            operation=operation,
            now=now,
            body=None,
            path=match.path,
            query=_query(scope["query_string"]),
            headers=received,
            tenant=identity.tenant,
            organization=identity.organization,
            project=identity.project,
            request_id=reply.request_id,
            ids=self._ids(identity.tenant),
            store=self.store,
            settings=self.settings,
        )
        reply.call = call
        if operation.form:
            async with read_form(call, scope, receive):
                return await reply.answer(await anyio.to_thread.run_sync(operation.run, call), self, receive)
        raw = b"" if method in _BODILESS else await _read(receive, self.settings.max_body)
        call.body = _decode(raw, received.get(b"content-type", b""), match)
        if len(raw) > LARGE_BODY or operation.heavy(call):
            answer = await anyio.to_thread.run_sync(operation.run, call)
        else:
            answer = operation.run(call)
        return await reply.answer(answer, self, receive)

    def _ids(self, tenant: str) -> Ids:
        maker = self._makers.get(tenant)
        if maker is None:
            maker = Ids(self.settings.seed, tenant, lambda: self.store.next(tenant))
            if len(self._makers) > 10_000:
                self._makers.clear()
            self._makers[tenant] = maker
        return maker

    async def pause(self, seconds: float, gone: asyncio.Task[None]) -> None:
        """Sleep until the time is over, the client has gone or the server stops, whichever comes first."""
        if self.stopping.is_set():
            return
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait((stop, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()


def _query(raw: bytes) -> Mapping[str, list[str]]:
    return parse_qs(raw.decode("latin-1"), keep_blank_values=True) if raw else {}


async def _read(receive: Receive, limit: int) -> bytes:
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


def _decode(raw: bytes, content_type: bytes, match: Match) -> Any:
    """Return the JSON object of a body; None for an empty one or one of another content type."""
    body: Any = None
    if raw and (not content_type or b"json" in content_type.lower()):
        try:
            body = codec.loads(raw)
        except codec.Fault:
            raise errors.not_json() from None
        if not isinstance(body, dict):
            raise errors.not_json()
    if match.deployment is not None and body is not None:
        body.setdefault("model", match.deployment)
    return body


class _Writer:
    """Writes one response."""

    __slots__ = ("_clock", "_direct", "_head", "_now", "_send", "call", "identity", "request_id", "started")

    def __init__(self, scope: Scope, send: Send, request_id: str, now: float, clock: Clock) -> None:
        self._send, self._now, self._clock = send, now, clock
        self._head = scope["method"] == "HEAD"
        # The listener's short way for an answer that is whole: one write, nothing parsed again.
        self._direct: Direct | None = scope.get("mockai.direct")
        self.request_id = request_id
        self.identity: Identity | None = None
        self.call: Call | None = None
        self.started = False

    def _headers(self, content_type: str, extra: Mapping[str, str] | None = None) -> bytes:
        lines = b"content-type: %b\r\n%bx-request-id: %b\r\n" % (
            content_type.encode(),
            headers.ALWAYS,
            self.request_id.encode(),
        )
        identity, call = self.identity, self.call
        if identity is not None:
            took = max(1, int((self._clock.now() - self._now) * 1000))
            caller = headers.of_caller(identity.organization, identity.project)
            lines += b"openai-processing-ms: %d\r\n%b" % (took, caller)
        if call is not None:
            if call.spent is not None:
                lines += headers.rate_limit(*call.spent)
            if call.reply_headers:
                lines += headers.block(call.reply_headers)
        return lines + headers.block(extra) if extra else lines

    async def _whole(self, status: int, lines: bytes, body: bytes) -> None:
        """Send a response that is all there."""
        self.started = True
        lines += b"content-length: %d\r\n" % len(body)
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

    async def json(self, status: int, body: Any, extra: Mapping[str, str] | None = None) -> None:
        """Send a JSON body."""
        payload = body if isinstance(body, bytes) else codec.dumps(body)
        await self._whole(status, self._headers("application/json", extra), payload)

    async def error(self, error: ApiError) -> None:
        """Send an error body."""
        await self.json(error.status, error.body, error.headers)

    async def preflight(self, methods: Iterable[str]) -> None:
        """Answer a CORS preflight as recorded."""
        allowed = {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": ", ".join(sorted({*methods, "OPTIONS"})),
            "access-control-allow-headers": "*",
            "access-control-max-age": "86400",
        }
        await self._whole(200, headers.ALWAYS + headers.block(allowed), b"")

    async def answer(self, answer: Answer, edge: Edge, receive: Receive) -> None:
        """Send what a resource answered."""
        if isinstance(answer, dict):
            await self.json(200, answer)
        elif isinstance(answer, Stream):
            await self._stream(answer, edge, receive)
        elif isinstance(answer, Reply):
            await self.json(answer.status, answer.body)
        else:
            await self._binary(answer)

    async def _binary(self, answer: Binary) -> None:
        extra = {} if answer.size is None else {"content-length": str(answer.size)}
        if answer.filename is not None:
            extra["content-disposition"] = _attachment(answer.filename)
        await self._start(200, self._headers(answer.content_type, extra))
        for chunk in () if self._head else answer.chunks:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _stream(self, answer: Stream, edge: Edge, receive: Receive) -> None:
        clock = asyncio.get_running_loop().time
        begun, size = clock(), 0
        pending: list[bytes] = []
        gone: asyncio.Task[None] | None = None
        try:
            for beat in answer.beats:
                wait = beat.at - (clock() - begun) if beat.at > 0.0 else 0.0
                if wait > 0.0 or size > WRITE_SIZE:
                    gone = gone or asyncio.ensure_future(_disconnect(receive))
                    await self._write(answer, pending)
                    size = 0
                    if wait > 0.0:
                        await edge.pause(wait, gone)
                    if gone.done():
                        return
                chunk = sse.frame(beat.data, beat.event)
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
            lines = self._headers(answer.content_type) + b"transfer-encoding: chunked\r\n"
            self.started = True
            self._direct(200, lines, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            await self._start(200, self._headers(answer.content_type))
            await self._send({"type": "http.response.body", "body": b"" if self._head else body})

    async def _write(self, answer: Stream, pending: list[bytes]) -> None:
        """Send what is pending, and let other requests have their turn."""
        if not self.started:
            await self._start(200, self._headers(answer.content_type))
        if pending:
            await self._send({"type": "http.response.body", "body": b"".join(pending), "more_body": True})
            pending.clear()
        await asyncio.sleep(0)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _attachment(filename: str) -> str:
    plain = filename.encode("ascii", "replace").decode().replace('"', "'")
    return f'attachment; filename="{plain}"'

"""The async edge: route, authenticate, read the body, call the resource, write the answer.

Only this module sleeps or awaits. A resource is a plain function from a `Call` to an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import ClientDisconnect

from mockai import bodies
from mockai.call import Answer, Beat, Binary, Call, Handler, Json, Operation, Recorded, Reply, Stream
from mockai.clock import SCALE, Clock
from mockai.form import read_form
from mockai.replay import Replay, disconnect
from mockai.routing import Match, Router, of_day
from mockai.rules import replies
from mockai.rules.ruleset import RuleSet
from mockai.settings import Settings
from mockai.store import Store
from mockai.tenancy import Identity, Tenancy
from mockai.wire import codec, errors, headers, sse
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids
from mockai.work import Work

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Direct = Callable[[int, bytes, bytes], None]
"""Writes a whole response: status, header lines and body."""
RawHeaders = Iterable[tuple[bytes, bytes]]
Whole = tuple[int, bytes, bytes]
"""A response ready to be written: status, header lines, body."""

log = logging.getLogger("mockai")

# A JSON body above this many bytes is worked on in a thread, so that it does not hold the event loop.
LARGE_BODY = 32 * 1024
# Beats that are due together leave in one write, up to about this many bytes.
WRITE_SIZE = 64 * 1024
NOTHING: Mapping[Any, Any] = MappingProxyType({})
_BODILESS = {"GET", "HEAD", "DELETE"}


class Edge:
    """The ASGI application of the API."""

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        rules: RuleSet | None = None,
    ) -> None:
        """Serve `operations` over one store and one clock; a request that meets a rule gets what that says."""
        operations = [*operations]
        if settings.validate == "schema":
            operations = [replace(entry, body=entry.body and entry.body.relaxed()) for entry in operations]
        self._all = Router(operations)
        day = settings.as_of
        self.router = self._all if day is None else Router(of_day(operations, day))
        self.settings, self.clock, self.store = settings, clock, store
        self.rules = rules
        self.tenancy = Tenancy(settings.keys)
        self._replay = Replay(self.tenancy, settings.replay_speed, self.pause)
        self.work = Work(store)
        self.stopping = asyncio.Event()
        self._requests = Ids(settings.seed, "", lambda: store.next("requests"))
        self._makers: dict[str, Ids] = {}
        self.hot = frozenset(path.encode() for path in self.router.paths(lambda operation: operation.hot))
        """Paths whose POST the listener may hand to `quick`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        reply = _Writer(scope, send, self._exchange())
        try:
            await self._answer(scope, receive, reply)
        except ApiError as error:
            await reply.error(error)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if reply.started:
                raise
            await reply.error(errors.server_error(reply.exchange.request_id))

    def _exchange(self) -> _Exchange:
        return _Exchange(self.clock, self._requests.hex("req_"))

    async def _answer(self, scope: Scope, receive: Receive, reply: _Writer) -> None:
        rules = self.rules
        if rules is None or rules.deck is None:
            return await self._serve(scope, receive, reply)
        return await self._replay(rules, scope, receive, reply, self._serve)

    async def _serve(self, scope: Scope, receive: Receive, reply: _Writer, recorded: Recorded | None = None) -> None:
        method: str = scope["method"]
        match = self.router.match(scope["raw_path"].decode("latin-1"))
        if match is None:
            raise self._unknown(scope)
        if method == "OPTIONS":
            return await reply.preflight(match.methods)
        operation = match.methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise errors.wrong_method(method, scope["path"], sorted(match.methods))
        call = self._call(operation, match, scope["headers"], scope["query_string"], reply.exchange)
        call.recorded = recorded
        if operation.form:
            async with read_form(call, scope, receive):
                return await reply.answer(await anyio.to_thread.run_sync(self.run, call), self, receive)
        raw = b"" if method in _BODILESS else await bodies.read(receive, self.settings.max_body)
        if len(raw) > LARGE_BODY:
            answer = await anyio.to_thread.run_sync(self._read_and_run, call, raw, match)
        else:
            call.body = bodies.decode(raw, call.headers.get(b"content-type", b""), match)
            heavy = operation.heavy(call)
            answer = await anyio.to_thread.run_sync(self.run, call) if heavy else self.run(call)
        return await reply.answer(answer, self, receive)

    def _read_and_run(self, call: Call, raw: bytes, match: Match) -> Answer:
        call.body = bodies.decode(raw, call.headers.get(b"content-type", b""), match)
        return self.run(call)

    def _unknown(self, scope: Scope) -> ApiError:
        path = self.router.moved(scope["raw_path"].decode("latin-1"))
        if path is None:
            return errors.invalid_url(scope["method"], scope["path"])
        host, query = dict(scope["headers"]).get(b"host", b""), scope["query_string"]
        return errors.moved(f"http://{host.decode('latin-1')}{path}{'?' if query else ''}{query.decode('latin-1')}")

    def run(self, call: Call) -> Answer:
        """Answer a call: by a rule, or by its operation. Raises `ApiError`."""
        rules = self.rules
        return call.operation.run(call) if rules is None else replies.run(rules, call)

    def _call(
        self, operation: Operation, match: Match, raw_headers: RawHeaders, query: bytes, exchange: _Exchange
    ) -> Call:
        """Authenticate, and return the call without its body. Raises the API's 401."""
        received = dict(raw_headers)
        identity = exchange.identity = self.tenancy.identify(operation, received)
        call = self._made(operation, identity, exchange.now, exchange.request_id)
        call.path, call.query, call.headers = match.path, _query(query), received
        if operation.liveness == "retired":
            call.reply_headers[headers.LIVENESS] = operation.liveness
        exchange.call = call
        return call

    def _made(self, operation: Operation, identity: Identity, now: float, request_id: str) -> Call:
        return Call(
            operation=operation,
            now=now,
            body=None,
            path=NOTHING,
            query=NOTHING,
            headers=NOTHING,
            tenant=identity.tenant,
            organization=identity.organization,
            project=identity.project,
            request_id=request_id,
            ids=self._ids(identity.tenant),
            store=self.store,
            settings=self.settings,
            host=self,
        )

    # --- the way from inside

    def perform(self, call: Call, path: str, body: Json, ids: Ids, now: float) -> tuple[int, Json]:
        """Run another POST operation for the same caller, and return its status and body."""
        match = self._all.match(path)
        assert match is not None, path
        inner = self._made(match.methods["POST"], Identity(call.organization, call.project, call.tenant), now, "")
        inner.body, inner.ids = body, ids
        return self._inside(match, "POST", inner, self.run)

    def call_of(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Call:
        """Return a call of an operation without a body, for who would send these headers. Raises the API's 401."""
        match = self._all.match(path)
        assert match is not None, path
        operation = match.methods[method]
        call = self._made(operation, self.tenancy.identify(operation, headers), self.clock.now(), "")
        call.headers = headers
        return call

    def look(self, piece: Json) -> None:
        """Read an object as its owner would: that does a slice of its work."""
        match = self._all.match(piece["path"])
        assert match is not None, piece["path"]
        owner = Identity(piece["organization"], piece["project"], piece["tenant"])
        call = self._made(match.methods["GET"], owner, self.clock.now(), "")
        self._inside(match, "GET", call, call.operation.run)  # no request of a user: no rule counts it

    def _inside(self, match: Match, method: str, call: Call, run: Handler) -> tuple[int, Json]:
        call.operation, call.path = match.methods[method], match.path
        try:
            answer = run(call)
            if isinstance(answer, dict):
                return 200, answer
            if isinstance(answer, Reply):
                return answer.status, codec.loads(answer.body) if isinstance(answer.body, bytes) else answer.body
            raise TypeError(f"{call.operation.route} answers no JSON")
        except ApiError as error:
            return error.status, error.body
        except Exception:
            log.exception("%s failed", call.operation.route)
            return 500, errors.server_error(call.request_id).body

    # --- the short way of the hot operations

    def quick(self, url: bytes, raw_headers: RawHeaders, raw: bytes) -> Whole | None:
        """Answer a POST whose body is all there, without a task: status, header lines, body.

        None hands it back: work for a thread, or a stream that has to wait.
        """
        if self.rules is not None and self.rules.deck is not None:
            return None
        match = self.router.match(url.decode("latin-1"))
        assert match is not None, "only the paths of `hot` come here"
        operation = match.methods["POST"]
        exchange = self._exchange()
        try:
            call = self._call(operation, match, raw_headers, b"", exchange)
            call.body = bodies.decode(raw, call.headers.get(b"content-type", b""), match)
            waits = call.body is not None and call.body.get("stream") and SCALE[self.settings.pace] > 0
            if waits or operation.heavy(call):
                return None
            return exchange.whole(self.run(call))
        except ApiError as error:
            return exchange.failed(error)
        except Exception:
            log.exception("POST %s failed", url.decode("latin-1"))
            return exchange.failed(errors.server_error(exchange.request_id))

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


class _Exchange:
    """What the headers of an answer tell: when the request came, its id, its caller, its call."""

    __slots__ = ("_clock", "call", "identity", "now", "request_id")

    def __init__(self, clock: Clock, request_id: str) -> None:
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


class _Writer:
    """Writes one response."""

    __slots__ = ("_direct", "_head", "_send", "exchange", "started")

    def __init__(self, scope: Scope, send: Send, exchange: _Exchange) -> None:
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

    async def answer(self, answer: Answer, edge: Edge, receive: Receive) -> None:
        """Send what a resource answered."""
        if isinstance(answer, Stream):
            await self._stream(answer, edge, receive)
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

    async def _stream(self, answer: Stream, edge: Edge, receive: Receive) -> None:
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
                        await edge.pause(wait, gone)
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

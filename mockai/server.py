"""The async edge: route, authenticate, read the body, call the resource, write the answer.

Only this module and `writer` sleep or await. A resource is a plain function from a `Call` to an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import ClientDisconnect

from mockai import bodies, orders
from mockai.call import Answer, Call, Handler, Json, Operation, Recorded, Reply
from mockai.clock import SCALE, Clock
from mockai.form import read_form
from mockai.heads import Head, Heads
from mockai.routing import Match, Router, of_day
from mockai.settings import Settings
from mockai.store import Store
from mockai.tenancy import Identity, Tenancy
from mockai.wire import codec, errors, headers
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids
from mockai.work import Work
from mockai.writer import Exchange, Receive, Scope, Send, Whole, Writer

if TYPE_CHECKING:
    from mockai.replay import Replay
    from mockai.rules.ruleset import RuleSet

RawHeaders = Iterable[tuple[bytes, bytes]]

log = logging.getLogger("mockai")

# A JSON body above this many bytes is worked on in a thread, so that it does not hold the event loop.
LARGE_BODY = 32 * 1024
NOTHING: Mapping[Any, Any] = MappingProxyType({})
LENGTH = b"content-length"
SHOWN, TOLD = 200, 100
"""Characters of an unknown path that are logged, and how many of them."""
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
        self.work = Work(store)
        self.stopping = asyncio.Event()
        self._requests = Ids(settings.seed, "", store.counter("requests"))
        self._told: set[str] = set()
        self._makers: dict[str, Ids] = {}
        hot = self.router.paths(lambda operation: operation.hot)
        self.hot = {path.encode(): match for path, match in hot.items()}
        """Paths whose POST the listener may hand to `quick`."""
        self.heads = Heads()
        """The heads of such requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        reply = Writer(scope, send, Exchange(self.clock))
        try:
            reply.exchange.request_id = self._requests.hex("req_")
            await self._answer(scope, receive, reply)
        except ApiError as error:
            await reply.error(error)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the server ends, and waits no longer for what is missing
            if reply.started:
                raise
            await reply.error(errors.stopping())
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if reply.started:
                raise
            await reply.error(errors.server_error(reply.exchange.request_id))

    async def _answer(self, scope: Scope, receive: Receive, reply: Writer) -> None:
        rules = self.rules
        if rules is None or rules.deck is None:
            return await self._serve(scope, receive, reply)
        return await self._replay(rules, scope, receive, reply, self._serve)

    @cached_property
    def _replay(self) -> Replay:
        from mockai.replay import Replay  # with rules and recordings, which take a while to load

        return Replay(self.tenancy, self.settings.replay_speed, self.pause)

    async def _serve(self, scope: Scope, receive: Receive, reply: Writer, recorded: Recorded | None = None) -> None:
        method: str = scope["method"]
        match = self.router.match(scope["raw_path"].decode("latin-1"))
        if match is None:
            raise self._unknown(scope)
        if method == "OPTIONS":
            return await reply.preflight(match.methods)
        operation = match.methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise self._wrong_method(method, scope["path"], match.methods)
        call = self._call(Head(match, operation, dict(scope["headers"])), reply.exchange)
        query = scope["query_string"]
        call.query = _query(query) if query else NOTHING
        call.recorded = recorded
        if operation.form:
            async with read_form(call, scope, receive):
                return await reply.answer(await anyio.to_thread.run_sync(self.run, call), self.pause, receive)
        raw = b"" if method in _BODILESS else await bodies.read(receive, self.settings.max_body)
        if len(raw) > LARGE_BODY:
            answer = await anyio.to_thread.run_sync(self._read_and_run, call, raw, match)
        else:
            call.body = bodies.decode(raw, call.headers.get(b"content-type", b""), match)
            heavy = operation.heavy(call)
            answer = await anyio.to_thread.run_sync(self.run, call) if heavy else self.run(call)
        return await reply.answer(answer, self.pause, receive)

    def _read_and_run(self, call: Call, raw: bytes, match: Match) -> Answer:
        call.body = bodies.decode(raw, call.headers.get(b"content-type", b""), match)
        return self.run(call)

    def unserved(self, method: str, path: str) -> ApiError:
        """Return what the API says to a method that no path has."""
        match = self.router.match(path)
        if match is None and not self.router.gone(path):
            return errors.invalid_url(method, path)
        return self._wrong_method(method, path, match.methods if match is not None else {})

    def _wrong_method(self, method: str, path: str, served: Iterable[str]) -> ApiError:
        return errors.gone() if self.router.gone(path) else errors.wrong_method(method, path, sorted(served))

    def _unknown(self, scope: Scope) -> ApiError:
        if self.router.gone(scope["path"]):
            return errors.gone()
        asked = scope["raw_path"].decode("latin-1")
        path = self.router.moved(asked)
        if path is None:
            self._tell(f"{scope['method']} {asked[:SHOWN]}")
            return errors.invalid_url(scope["method"], scope["path"])
        host, query = dict(scope["headers"]).get(b"host", b""), scope["query_string"]
        return errors.moved(f"http://{host.decode('latin-1')}{path}{'?' if query else ''}{query.decode('latin-1')}")

    def _tell(self, asked: str) -> None:
        """Log, once, what is not emulated."""
        if asked not in self._told and len(self._told) < TOLD:
            self._told.add(asked)
            log.warning("%s is not emulated: see «What is not emulated» in the README", asked)

    def run(self, call: Call) -> Answer:
        """Answer a call: by a rule, or by its operation. Raises `ApiError`."""
        rules = self.rules
        return call.operation.run(call) if rules is None else self._ruled(rules, call)

    @cached_property
    def _ruled(self) -> Callable[[RuleSet, Call], Answer]:
        from mockai.rules.replies import run  # rules are loaded where there are some

        return run

    def _call(self, head: Head, exchange: Exchange) -> Call:
        """Authenticate, and return the call without its body. Raises the API's 401."""
        operation = head.operation
        identity = exchange.identity = head.identity or self.tenancy.identify(operation, head.headers)
        if head.identity is None:
            orders.check(head.headers)
            head.identity = identity
        call = exchange.call = self._made(operation, identity, exchange.now, exchange.request_id)
        call.path, call.headers = head.match.path, head.headers
        if operation.liveness == "retired":
            call.reply_headers[headers.LIVENESS] = operation.liveness
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
            ids=self._makers.get(identity.tenant) or self._ids(identity.tenant),
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

    def head(self, url: bytes, raw_headers: RawHeaders) -> Head:
        """Return the head of a POST to a path of `hot`."""
        match = self.hot[url]
        return Head(match, match.methods["POST"], dict(raw_headers))

    def quick(self, head: Head, raw: bytes) -> Whole | None:
        """Answer a POST whose body is all there, without a task: status, header lines, body.

        None hands it back: work for a thread, or a stream that has to wait.
        """
        rules = self.rules  # once: a reload puts another set there
        if rules is not None and (rules.deck is not None or rules.paced):
            return None
        operation, exchange = head.operation, Exchange(self.clock)
        try:
            exchange.request_id = self._requests.hex("req_")
            call = self._call(head, exchange)
            if rules is not None:  # they may look at it, and that of the head is its first request's
                call.headers = {**head.headers, LENGTH: b"%d" % len(raw)}
            call.body = bodies.decode(raw, head.headers.get(b"content-type", b""), head.match)
            waits = call.body is not None and call.body.get("stream") and SCALE[self.settings.pace] > 0
            if waits or (operation.weigh is not None and operation.weigh(call)):
                return None
            answer = operation.run(call) if rules is None else self._ruled(rules, call)
            return exchange.json(200, answer) if type(answer) is dict else exchange.whole(answer)
        except ApiError as error:
            return exchange.failed(error)
        except Exception:
            log.exception("%s failed", operation.route)
            return exchange.failed(errors.server_error(exchange.request_id))

    def _ids(self, tenant: str) -> Ids:
        if len(self._makers) > 10_000:
            self._makers.clear()
        maker = self._makers[tenant] = Ids(self.settings.seed, tenant, self.store.counter(tenant))
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
    return parse_qs(raw.decode("latin-1"), keep_blank_values=True)

"""A connection with a short way for what is hot: without a task, and turn by turn of the loop."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from mockai.heads import Found
from mockai.protocol import Protocol
from mockai.server import LARGE_BODY, Edge
from mockai.wire import errors
from mockai.wire.errors import ApiError

COPIED = 16 * 1024
"""Bytes up to which a body is copied behind its head, rather than given to the loop beside it."""


class Turn:
    """One turn of a loop: first all is read, then all is worked on, then all is written.

    What is done in one go finds its code and data in the processor's caches. With a write after each request the same
    work was measured to take 72 µs instead of 43; reading in between cost another tenth.
    """

    of: ClassVar[WeakKeyDictionary[AbstractEventLoop, Turn]] = WeakKeyDictionary()
    """The turn of each loop."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._asked: list[QuickProtocol] = []
        self._answered: list[tuple[QuickProtocol, tuple[bytes, ...], bool]] = []
        self._due = False

    def ask(self, protocol: QuickProtocol) -> None:
        """Take note of a connection whose request is there."""
        self._awake(protocol)
        self._asked.append(protocol)

    def answer(self, protocol: QuickProtocol, buffers: tuple[bytes, ...], keep_alive: bool) -> None:
        """Take the answer of a connection."""
        self._awake(protocol)
        self._answered.append((protocol, buffers, keep_alive))

    def _awake(self, protocol: QuickProtocol) -> None:
        if not self._due:
            self._due = True
            protocol.loop.call_soon(self._run)

    def _run(self) -> None:
        try:
            self.end()
        finally:
            self._due = False

    def work(self) -> None:
        """Work on every request that is there, in the order in which they came."""
        asked, self._asked = self._asked, []
        for protocol in asked:
            protocol.work()

    def end(self) -> None:
        """Work on what was asked, and write what was answered."""
        self.work()
        answered, self._answered = self._answered, []
        for protocol, buffers, keep_alive in answered:
            transport = protocol.transport
            if not transport.is_closing():
                for buffer in buffers:
                    transport.write(buffer)
                if not keep_alive:
                    transport.close()


class QuickProtocol(Protocol):
    """HTTP/1.1 with a short way for what is hot.

    A hot request (`Edge.hot`) whose body is all there is answered without a task; where its head is known it is not
    even parsed. Every other one goes the usual way. All write a response that is whole in one write.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **options)
        self._edge: Edge = self.app.edge
        self._turn = Turn.of.setdefault(self.loop, Turn())
        self._between = True
        """No request is under way in the parser."""
        self._known: Found | None = None
        """A request with a known head, to be worked on at the end of the turn, or before whatever comes next."""
        self._raw = b""
        """The bytes of that request."""
        self._read: Found | None = None
        """A hot request that was parsed, and answered."""
        self._collected: list[bytes] | None = None
        """The body of a hot request, as far as it has come."""
        self._quick = True
        """A hot request may go the short way."""
        self._idle_since: float | None = None

    # --- the shortest way: a request with a known head

    def data_received(self, data: bytes) -> None:
        """Keep a whole request with a known head until the end of the turn; parse everything else."""
        if self._known is not None:
            self._turn.work()
        at_first = self._between
        if at_first and len(data) <= LARGE_BODY and self._idle():
            self._known = self._edge.heads.find(data)
            if self._known is not None:
                self._idle_since, self._raw = None, data
                self._turn.ask(self)
                return
        super().data_received(data)
        read, self._read = self._read, None
        if at_first and read is not None:
            self._edge.heads.learn(data, *read)

    def work(self) -> None:
        """Answer the request that was kept."""
        if self._known is None:
            return
        (head, body), self._known = self._known, None
        whole = self._edge.quick(head, body)
        if whole is not None:
            self._write(*whole, True, self.server_state.default_headers)
            self.on_response_complete()
        elif not self.transport.is_closing():
            self._quick = False
            super().data_received(self._raw)
            self._quick = True
        self._raw = b""

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    # --- the short way

    def on_message_begin(self) -> None:
        """Note the beginning of a request; what only the usual way needs is made there."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._heading = True
        self._between = False

    def _begin_usual(self) -> None:
        url, received, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue, self._heading = url, expects, False
        self.headers.extend(received)
        super().begin()

    def begin(self) -> None:
        """Keep a hot request back until its body is there."""
        if self._quick and self.url in self._edge.hot and self._idle() and not self.expect_100_continue:
            parser = self.parser
            if parser.get_method() == b"POST" and parser.get_http_version() == "1.1":
                self._collected = []
                return
        self._begin_usual()

    def on_body(self, body: bytes) -> None:
        """Collect the body of a hot request; a large one goes the usual way."""
        if self._collected is None:
            super().on_body(body)
            return
        self._collected.append(body)
        if sum(map(len, self._collected)) > LARGE_BODY:
            self._hand_over()

    def on_message_complete(self) -> None:
        """Answer a hot request."""
        self._between = True
        if self._collected is not None:
            head, body = self._edge.head(self.url, self.headers), b"".join(self._collected)
            whole = self._edge.quick(head, body)
            if whole is not None:
                self._collected = None
                keep_alive = self.parser.should_keep_alive()
                self._read = (head, body) if keep_alive else None
                self._write(*whole, keep_alive, self.server_state.default_headers)
                self.on_response_complete()
                return
            self._hand_over()
        super().on_message_complete()

    def _hand_over(self) -> None:
        """Go the usual way with what was kept back."""
        body, self._collected = b"".join(self._collected or ()), None
        self._begin_usual()
        if body:
            super().on_body(body)

    # --- the usual way

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Offer the application a way to write a whole response: `scope["mockai.direct"]`."""
        cycle.scope["mockai.direct"] = partial(self._respond, cycle)  # type: ignore[typeddict-unknown-key]
        super()._start_asgi_task(cycle, app)

    def _respond(self, cycle: RequestResponseCycle, status: int, lines: bytes, body: bytes) -> None:
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        self._write(status, lines, body, cycle.keep_alive, cycle.default_headers)
        cycle.message_event.set()
        cycle.on_response()

    def _write(
        self, status: int, lines: bytes, body: bytes, keep_alive: bool, common: list[tuple[bytes, bytes]]
    ) -> None:
        parts = [STATUS_LINE[status]]
        for name, value in common:
            parts += (name, b": ", value, b"\r\n")
        parts += (lines, b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
        if len(body) > COPIED:
            self._turn.answer(self, (b"".join(parts), body), keep_alive)
        else:
            parts.append(body)
            self._turn.answer(self, (b"".join(parts),), keep_alive)

    # --- idle connections: one timer a connection, instead of one a response

    def on_response_complete(self) -> None:
        """Be ready for the next request, or begin to wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_idle(self.timeout_keep_alive)

    def _wait_idle(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long; look at a busy one again later."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        since = self._idle_since
        left = self.timeout_keep_alive if since is None else since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait_idle(left)
        else:
            self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    # --- the end of a connection

    def shutdown(self) -> None:
        """Answer what is there, and close."""
        self._turn.end()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Do what was asked, though nobody waits for it any more; forget the timer."""
        self._turn.work()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def eof_received(self) -> None:
        """Answer a client that ended its side: what it asked, or that its body has no end."""
        self._turn.end()
        cycle = self.cycle
        waiting = cycle is not None and cycle.more_body and not cycle.response_started
        if waiting:
            cycle.response_started = cycle.response_complete = True
        if waiting or self._collected is not None:
            self._collected = None
            self.refuse(errors.cut_off())

    # --- wrong HTTP

    def wrong_method(self, method: str, path: str) -> ApiError:
        """Return what the API says to a method that no path has."""
        return self._edge.unserved(method, path)

    def refuse(self, error: ApiError) -> None:
        """Answer an error after what was answered before, and close."""
        self._turn.end()
        super().refuse(error)

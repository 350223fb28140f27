"""A connection with a short way for what is hot: without a task, and turn by turn of the loop."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from mockai.heads import Head
from mockai.protocol import Protocol
from mockai.server import LARGE_BODY, Edge
from mockai.wire import errors
from mockai.wire.errors import ApiError

log = logging.getLogger("mockai")

COPIED = 16 * 1024
"""Bytes up to which a body is copied behind its head, rather than given to the loop beside it."""


class Turn:
    """One turn of a loop: first all is read, then all is worked on, then all is written.

    What is done in one go finds its code and data in the processor's caches. With a write after each request the same
    work was measured to take 72 µs instead of 43; reading in between cost another tenth.
    """

    _turns: ClassVar[WeakKeyDictionary[AbstractEventLoop, Turn]] = WeakKeyDictionary()

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._asking: list[QuickProtocol] = []
        self._answers: list[tuple[QuickProtocol, tuple[bytes, ...], bool]] = []
        self._due = False

    @classmethod
    def of(cls, loop: AbstractEventLoop) -> Turn:
        """Return the turn of a loop."""
        return cls._turns.setdefault(loop, cls())

    def ask(self, protocol: QuickProtocol) -> None:
        """Take note of a connection whose request is there."""
        self._awake(protocol)
        self._asking.append(protocol)

    def answer(self, protocol: QuickProtocol, buffers: tuple[bytes, ...], keep_alive: bool) -> None:
        """Take the answer of a connection."""
        self._awake(protocol)
        self._answers.append((protocol, buffers, keep_alive))

    def _awake(self, protocol: QuickProtocol) -> None:
        if not self._due:
            self._due = True
            protocol.loop.call_soon(self._run)

    def _run(self) -> None:
        self.end()
        self._due = False

    def work(self) -> None:
        """Work on every request that is there, in the order in which they came. What fails harms no other."""
        asking, self._asking = self._asking, []
        for protocol in asking:
            try:
                protocol.work()
            except Exception:
                log.exception("a request failed")
                protocol.transport.close()

    def end(self) -> None:
        """Work on what was asked, and write what was answered."""
        self.work()
        answers, self._answers = self._answers, []
        for protocol, buffers, keep_alive in answers:
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
        self._turn = Turn.of(self.loop)
        self._between = True
        """No request is under way in the parser."""
        self._known: tuple[Head, bytes, bytes] | None = None
        """A request with a known head, its body and all its bytes: it is worked on at the end of the turn, or before
        whatever comes next."""
        self._parsed: Head | None = None
        """The head of a hot request that was parsed and answered just now."""
        self._body: bytearray | None = None
        """The body of a hot request, as far as it has come."""
        self._short = True
        """A hot request may go the short way."""
        self._refusal: ApiError | None = None
        """What is said when everything before has been answered; it ends the connection."""
        self._closing = False
        """The last answer has been given, or the client waits for no more than what is under way."""
        self._idle_since: float | None = None

    # --- the shortest way: a request with a known head

    def data_received(self, data: bytes) -> None:
        """Keep a whole request with a known head until the end of the turn; parse everything else."""
        if self._known is not None:
            self._turn.work()
        if self._closing or self._refusal is not None:
            return
        at_first = self._between
        if at_first and len(data) <= LARGE_BODY and self._idle():
            found = self._edge.heads.find(data)
            if found is not None:
                self._known, self._idle_since = (*found, data), None
                self._turn.ask(self)
                return
        super().data_received(data)
        parsed, self._parsed = self._parsed, None
        if at_first and parsed is not None:
            self._edge.heads.learn(data, parsed)

    def work(self) -> None:
        """Answer the request that was kept."""
        if self._known is None:
            return
        (head, body, data), self._known = self._known, None
        whole = self._edge.quick(head, body)
        if whole is not None:
            self._write(*whole, True, self.server_state.default_headers)
            self.on_response_complete()
        elif not self.transport.is_closing():  # what takes long is not done for who has gone
            self._short = False
            super().data_received(data)
            self._short = True

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
        self._idle_since = None

    def _begin_usual(self) -> None:
        url, received, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue, self._heading = url, expects, False
        self.headers.extend(received)
        super().begin()

    def begin(self) -> None:
        """Keep a hot request back until its body is there."""
        if self._short and self.url in self._edge.hot and self._idle() and not self.expect_100_continue:
            parser = self.parser
            if parser.get_method() == b"POST" and parser.get_http_version() == "1.1":
                self._body = bytearray()
                return
        self._begin_usual()

    def on_body(self, body: bytes) -> None:
        """Collect the body of a hot request; a large one goes the usual way."""
        if self._body is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > LARGE_BODY:
            self._hand_over()

    def on_message_complete(self) -> None:
        """Answer a hot request."""
        self._between = True
        if self._body is not None:
            head, body = self._edge.head(self.url, self.headers), bytes(self._body)
            whole = self._edge.quick(head, body)
            if whole is not None:
                self._body = None
                keep_alive = self.parser.should_keep_alive()
                self._parsed = head if keep_alive else None
                self._write(*whole, keep_alive, self.server_state.default_headers)
                self.on_response_complete()
                return
            self._hand_over()
        super().on_message_complete()

    def _hand_over(self) -> None:
        """Go the usual way with what was kept back."""
        body, self._body = bytes(self._body or b""), None
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
        self._closing = self._closing or not keep_alive
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
        if not self.flow.write_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self.refuse(self._refusal)
        elif self._closing:
            self._turn.end()
            self.transport.close()
        else:
            self._be_idle()

    def _be_idle(self) -> None:
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

    # --- a client that is slow to read is not read from

    def pause_writing(self) -> None:
        """Read no more requests while answers are waiting to be taken."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self.flow.resume_reading()

    # --- the end of a connection

    def shutdown(self) -> None:
        """Answer what is there and what is on its way, and close."""
        self._turn.end()
        if self._body is not None:
            self._hand_over()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Do what was asked and takes no time, though nobody waits for it any more; forget the timer."""
        self._turn.work()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a client that ended its side: what it asked, or that its body has no end.

        Returns whether the other side stays open: there is something to come. A stream under way ends: who reads one
        keeps both sides open, and who has gone ends its own first.
        """
        self._turn.end()
        cycle = self.cycle
        cut = self._body is not None or (cycle is not None and cycle.more_body and not cycle.response_started)
        self._body = None
        if cut:
            self.refuse(errors.cut_off())
        self._closing = True
        waiting = not self._idle() and (bool(self.pipeline) or not self.cycle.response_started)
        return waiting and not self.transport.is_closing()

    # --- wrong HTTP

    def wrong_method(self, method: str, path: str) -> ApiError:
        """Return what the API says to a method that no path has."""
        return self._edge.unserved(method, path)

    def refuse(self, error: ApiError) -> None:
        """Answer an error after what was asked before, and close."""
        self._turn.end()
        cycle = self.cycle
        cut = cycle is not None and cycle.more_body and not cycle.response_started
        earlier = bool(self.pipeline) or (not self._idle() and not cut)
        if cut and self.pipeline:
            self.pipeline.popleft()  # the request that is refused itself
        elif cut:
            cycle.response_started = cycle.response_complete = True
        if earlier:
            self._refusal = error
        else:
            super().refuse(error)

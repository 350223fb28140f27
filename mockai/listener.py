"""The listening side: uvicorn, tuned so that wrong HTTP and a stop are answered as the API would."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from mockai.protocol import Protocol
from mockai.server import LARGE_BODY, Edge
from mockai.wire import errors
from mockai.wire.errors import ApiError

BACKLOG = 2048
IDLE = 75
"""Seconds after which an idle connection is closed."""
COPIED = 16 * 1024
"""Bytes up to which a body is copied behind its head, rather than given to the loop beside it."""
LOOK = 0.5
"""Seconds between two looks of a worker for its parent."""
GRACE = 5
"""Seconds that open streams have to end after a signal."""


Outbox = list[tuple["QuickProtocol", tuple[bytes, ...], bool]]


class QuickProtocol(Protocol):
    """HTTP/1.1 with a short way for what is hot.

    A hot request (`Edge.hot`) whose body is all there is answered at once, without a task; every other one goes
    the usual way. Both write a response that is whole in one write.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **options)
        self._edge: Edge = self.app.edge
        self._collected: list[bytes] | None = None
        self._idle_since: float | None = None
        self._outbox = self._outboxes.setdefault(self.loop, [])

    _outboxes: ClassVar[WeakKeyDictionary[AbstractEventLoop, Outbox]] = WeakKeyDictionary()
    """Responses of this turn of each loop. They leave together when every request that was there has been
    worked on: with a write after each, the same work was measured to take 72 µs instead of 43."""

    # --- the short way

    def on_message_begin(self) -> None:
        """Note the beginning of a request; what only the usual way needs is made there."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._heading = True

    def _begin_usual(self) -> None:
        url, received, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue, self._heading = url, expects, False
        self.headers.extend(received)
        super().begin()

    def begin(self) -> None:
        """Keep a hot request back until its body is there."""
        idle = self.cycle is None or self.cycle.response_complete
        if self.url in self._edge.hot and idle and not self.expect_100_continue:
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
        if self._collected is not None:
            whole = self._edge.quick(self.url, self.headers, b"".join(self._collected))
            if whole is not None:
                self._collected = None
                self._write(*whole, self.parser.should_keep_alive(), self.server_state.default_headers)
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
        outbox = self._outbox
        if len(body) > COPIED:
            outbox.append((self, (b"".join(parts), body), keep_alive))
        else:
            parts.append(body)
            outbox.append((self, (b"".join(parts),), keep_alive))
        if len(outbox) == 1:
            self.loop.call_soon(_flush, outbox)

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer of a connection that is gone."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    # --- wrong HTTP

    def wrong_method(self, method: str, path: str) -> ApiError:
        """Return what the API says to a method that no path has."""
        return self._edge.unserved(method, path)

    def refuse(self, error: ApiError) -> None:
        """Answer an error after what was answered before, and close."""
        _flush(self._outbox)
        super().refuse(error)

    def eof_received(self) -> None:
        """Answer a client that ended its side in the middle of a body."""
        cycle = self.cycle
        waiting = cycle is not None and cycle.more_body and not cycle.response_started
        if waiting:
            cycle.response_started = cycle.response_complete = True
        if waiting or self._collected is not None:
            self._collected = None
            self.refuse(errors.cut_off())


def _flush(outbox: Outbox) -> None:
    """Write what the turn has answered."""
    answered = outbox[:]
    outbox.clear()
    for protocol, buffers, keep_alive in answered:
        transport = protocol.transport
        if not transport.is_closing():
            for buffer in buffers:
                transport.write(buffer)
            if not keep_alive:
                transport.close()


class Listener(uvicorn.Server):
    """A uvicorn server that tells the application at once when it has to stop."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, and let paced streams run to their end without pauses."""
        super().handle_exit(sig, frame)
        application = self.config.loaded_app if self.config.loaded else None
        stop = getattr(application, "stop", None)
        if stop is not None:
            stop()


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)  # from here on clients may connect, and wait until the application is up
    except OSError:
        listening.close()
        raise
    return listening


def serve(application: Any, listening: socket.socket, log_level: str) -> None:
    """Serve until SIGINT or SIGTERM, then exit with status 0."""
    run(application, listening, lambda: sys.exit(0), http=QuickProtocol, log_level=log_level)


class _Worker(Process):
    """A process of several, which stops as a single one does."""

    def __init__(self, *arguments: Any) -> None:
        """Take what uvicorn gives, in the parent."""
        super().__init__(*arguments)
        self._parent = os.getpid()

    @property
    def server(self) -> uvicorn.Server:
        """Return the server that runs in the process."""
        if self._server is None:
            self._server = Listener(self.config)
        return self._server

    def always_pong(self) -> None:
        """Tell the parent that this process lives; end it when the parent is gone, for nobody else would."""
        while os.getppid() == self._parent:
            if self.child_conn.poll(LOOK):
                self.pong()
        os.kill(os.getpid(), signal.SIGTERM)


class _Workers(Multiprocess):
    """The parent of several processes: it starts them, replaces one that died, and ends them."""

    def init_processes(self) -> None:
        """Start the processes."""
        for _ in range(self.processes_num):
            worker = _Worker(self.config, self.sockets)
            worker.start()
            self.processes.append(worker)


def serve_many(make: Callable[[], Any], listening: socket.socket, log_level: str, workers: int) -> None:
    """Serve in several processes, each with the application that `make` returns, until SIGINT or SIGTERM."""
    options: dict[str, Any] = {"factory": True, "workers": workers, "log_level": log_level}
    _Workers(config(make, http=QuickProtocol, **options), [listening]).run()


def pass_on(application: Any, listening: socket.socket, log_level: str, end: Callable[[], None]) -> None:
    """Serve an application that passes other servers' answers on, with no header of our own; then call `end`."""
    run(application, listening, end, http=Protocol, date_header=False, log_level=log_level)


def run(application: Any, listening: socket.socket, end: Callable[[], None], **options: Any) -> None:
    """Serve in this process until it is told to stop, then call `end`."""
    gc.set_threshold(20_000, 20, 50)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end())
    Listener(config(application, **options)).run(sockets=[listening])


def config(application: Any, **options: Any) -> uvicorn.Config:
    """Return how uvicorn serves an application."""
    return uvicorn.Config(application, **_CONFIG, **options)


_CONFIG: dict[str, Any] = {
    "loop": "uvloop",
    "ws": "none",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": GRACE,
    "timeout_keep_alive": IDLE,
    "lifespan": "on",
}

"""The listening side: uvicorn, tuned so that wrong HTTP and a stop are answered as the API would."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from mockai.wire import codec, errors

BACKLOG = 2048
GRACE = 5
"""Seconds that open streams have to end after a signal."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose own refusals have the API's error body."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or a body cut short, and close."""
        body = codec.dumps(errors.not_json().body)
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Offer the application a short way to answer: `scope["mockai.direct"]`."""
        cycle.scope["mockai.direct"] = partial(self._respond, cycle)  # type: ignore[typeddict-unknown-key]
        super()._start_asgi_task(cycle, app)

    def _respond(self, cycle: RequestResponseCycle, status: int, lines: bytes, body: bytes) -> None:
        """Write a whole response at once, and be ready for the next request."""
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        head = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            head += (name, b": ", value, b"\r\n")
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        cycle.transport.write(b"".join((*head, lines, close, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def eof_received(self) -> None:
        """Answer a client that ended its side in the middle of a body."""
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_started:
            cycle.response_started = cycle.response_complete = True
            self.send_400_response("truncated body")


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
    config = uvicorn.Config(
        application,
        http=Protocol,
        loop="uvloop",
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=75,
        lifespan="on",
    )
    # What was loaded at the start stays: the garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    Listener(config).run(sockets=[listening])

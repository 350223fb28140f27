"""The listening side: uvicorn, tuned so that wrong HTTP and a stop are answered as the API would."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from mockai.protocol import Protocol
from mockai.quick import QuickProtocol
from mockai.settings import SettingsError

BACKLOG = 2048
IDLE = 75
"""Seconds after which an idle connection is closed."""
LOOK = 0.5
"""Seconds between two looks of a worker for its parent."""
GRACE = 5
"""Seconds that open streams have to end after a signal."""


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
    """Return a listening socket; port 0 takes a free one. Raises `SettingsError` when it cannot be had."""
    if not host:
        raise SettingsError("--host is empty; name an address of this machine, or 0.0.0.0 for all of them")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)  # from here on clients may connect, and wait until the application is up
    except (OSError, TypeError) as error:  # the latter for what is no name at all
        listening.close()
        raise SettingsError(_unheard(host, port, error)) from None
    return listening


def _unheard(host: str, port: int, error: OSError | TypeError) -> str:
    reason = error.strerror if isinstance(error, OSError) else "not a host name"
    wrong_host = isinstance(error, (socket.gaierror, TypeError)) or error.errno == errno.EADDRNOTAVAIL
    advice = "give --host an address of this machine" if wrong_host else "choose another --port, or 0 for a free one"
    return f"cannot listen on {host}:{port}: {reason}; {advice}"


def serve(application: Any, listening: socket.socket, log_level: str) -> None:
    """Serve until SIGINT or SIGTERM, then exit with status 0."""
    run(application, listening, _leave, http=QuickProtocol, log_level=log_level)


def _leave() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)  # a signal may come before anybody awaits what is to be served
    sys.exit(0)


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
        with suppress(EOFError, OSError):  # the pipe may end before another parent is seen
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

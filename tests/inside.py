"""A real server on the loopback in a thread of the test's process: the command line as told, without a start each time.

What a test does to a process (kills, signals, measures, its environment, what it prints) needs `tests.server`.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from mockai import listener
from tests.command import mockai


class Inside(listener.Listener):
    """A server in a thread."""

    def __init__(self, application: Any, listening: socket.socket, _end: Any, **options: Any) -> None:
        super().__init__(listener.config(application, log_config=None, **options))
        self.port: int = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.run, kwargs={"sockets": [listening]})
        self._up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = asyncio.Event()
        self._up.set()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Wait to be left, without a look at it ten times a second."""
        await self.on_tick(0)
        await self._left.wait()

    def _leave(self) -> None:
        self.handle_exit(SIGTERM, None)
        self._left.set()

    def __enter__(self) -> "Inside":
        self._thread.start()
        assert self._up.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leave)
        self._thread.join(20)
        assert not self._thread.is_alive()


@contextmanager
def serving(*flags: str) -> Iterator[Inside]:
    with _told("serve", *flags) as server:
        yield server


@contextmanager
def recording(upstream: str, out: Path, *flags: str) -> Iterator[Inside]:
    """Run the recorder in front of `upstream` (without /v1)."""
    with _told("record", "--upstream", f"{upstream}/v1", "--out", str(out), *flags) as server:
        yield server


def _told(command: str, *flags: str) -> Inside:
    servers: list[Inside] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listener, "run", lambda *arguments, **options: servers.append(Inside(*arguments, **options)))
        done = mockai(command, "--port", "0", *flags)
    assert servers, done
    return servers[0]

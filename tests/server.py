"""A real server in a process of its own, on a free port of the loopback."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Served:
    process: "subprocess.Popen[str]"
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and return the exit status and what was logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, log


@contextmanager
def serving(*flags: str, **environment: str) -> Iterator[Served]:
    with _running("serve", *flags, **environment) as served:
        assert served.process.stdout is not None
        assert served.process.stdout.readline().startswith("export OPENAI_API_KEY=")
        yield served


@contextmanager
def recording(upstream: str, out: Path, *flags: str) -> Iterator[Served]:
    """Run the recorder in front of `upstream` (without /v1)."""
    with _running("record", "--upstream", f"{upstream}/v1", "--out", str(out), *flags) as served:
        yield served


@contextmanager
def _running(command: str, *flags: str, **environment: str) -> Iterator[Served]:
    line = [sys.executable, "-m", "mockai", command, "--port", "0", *flags]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(line, env={**os.environ, **environment}, **pipes)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r"export OPENAI_BASE_URL=(http://\S+)/v1\n", first)
        assert found, (first, process.poll())
        yield Served(process, found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)  # longer only where a process that it started lives on

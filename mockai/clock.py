"""Time: the one clock of a server, and the pace at which simulated work goes by."""

import threading
import time
from typing import Literal, Protocol

Pace = Literal["instant", "fast", "real", "step"]

# How much of its nominal duration simulated work takes. `step` takes none: each read moves one step.
SCALE: dict[Pace, float] = {"instant": 0.0, "fast": 0.1, "real": 1.0, "step": 0.0}


class Clock(Protocol):
    """Tells the time as Unix seconds."""

    def now(self) -> float:
        """Return the current Unix time in seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    now = staticmethod(time.time)
    """Returns the current Unix time in seconds."""


class ManualClock:
    """A clock that moves only when it is told to: tests reach a deadline at once and repeat byte for byte."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        """Start at `start` (Unix seconds; by default 2026-01-01 00:00:00 UTC)."""
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the current Unix time in seconds."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Move forward by `seconds` (>= 0) and return the new time."""
        if seconds < 0:
            raise ValueError("a clock does not go back: seconds must be >= 0")
        with self._lock:
            self._now += seconds
            return self._now

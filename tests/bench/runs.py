"""Runs: how many a second, and what a long thread costs. One client on one connection, at the pace `instant`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
from rich.table import Table

HEADERS = {"authorization": "Bearer sk-bench", "openai-beta": "assistants=v2"}
LONG = 10_000
"""Messages of the long thread."""
AT_ONCE = 32
"""Initial messages of a thread that is made with some."""


class Desk:
    """A client that makes threads and runs."""

    def __init__(self, http: httpx2.Client) -> None:
        """Make an assistant."""
        self._http = http
        self.assistant = self._post("/assistants", {"model": "gpt-4o-mini"})["id"]

    def _post(self, path: str, body: Any) -> Any:
        answer = self._http.post(f"/v1{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def thread(self, messages: int) -> str:
        """Make a thread of so many messages."""
        first = [{"role": "user", "content": f"Message {at}"} for at in range(min(messages, AT_ONCE))]
        id: str = self._post("/threads", {"messages": first})["id"]
        for at in range(AT_ONCE, messages):
            self.say(id, f"Message {at} of a long conversation about many things.")
        return id

    def say(self, thread: str, text: str) -> None:
        """Add a message."""
        self._post(f"/threads/{thread}/messages", {"role": "user", "content": text})

    def run(self, thread: str) -> None:
        """Start a run and poll until it has completed."""
        run = self._post(f"/threads/{thread}/runs", {"assistant_id": self.assistant})
        while run["status"] != "completed":
            run = self._http.get(f"/v1/threads/{thread}/runs/{run['id']}").json()

    def stream(self, thread: str) -> None:
        """Start a run and read its stream to the end."""
        body = {"assistant_id": self.assistant, "stream": True}
        answer = self._http.post(f"/v1/threads/{thread}/runs", json=body)
        assert answer.text.endswith("event: done\ndata: [DONE]\n\n")


def table(url: str, seconds: float) -> Table:
    """Measure, and return the rows."""
    rows = Table("runs", "measured")
    with httpx2.Client(base_url=url, headers=HEADERS, timeout=120) as http:
        desk = Desk(http)
        for name, act in (("created and completed", desk.run), ("streamed", desk.stream)):
            rows.add_row(f"runs {name}, a thread each", f"{_rate(desk, act, seconds):,.0f} a second")
        for messages in (10, LONG):
            thread = desk.thread(messages)
            first = _milliseconds(partial(desk.run, thread), times=1)
            adding = _milliseconds(partial(desk.say, thread, "One more message, please."))
            running = _milliseconds(partial(desk.run, thread))
            rows.add_row(f"thread of {messages:,} messages: add one", f"{adding:.1f} ms")
            rows.add_row(f"thread of {messages:,} messages: the first run", f"{first:.1f} ms")
            rows.add_row(f"thread of {messages:,} messages: a run", f"{running:.1f} ms")
    return rows


def _rate(desk: Desk, act: Callable[[str], None], seconds: float) -> float:
    """Return how many times a second `act` is done, each on a thread that was made before."""
    done, spent = 0, 0.0
    while spent < seconds:
        threads = [desk.thread(1) for _ in range(20)]
        begun = time.perf_counter()
        for thread in threads:
            act(thread)
        spent += time.perf_counter() - begun
        done += len(threads)
    return done / spent


def _milliseconds(act: Callable[[], None], times: int = 5) -> float:
    """Return the median."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)

"""The worker at the edge: goes on with the work of the queue between requests."""

from __future__ import annotations

import threading

from mockai.server import Edge

POLL = 0.1
"""Seconds between two looks at a queue without work."""
BREATH = 0.002
"""Seconds between two slices, for whoever waits."""


class Worker(threading.Thread):
    """A thread that reads what is due, as its owner would, until nothing is."""

    def __init__(self, edge: Edge) -> None:
        """Work on the queue of one server. At the pace `step` every step belongs to a reader: nothing is done."""
        super().__init__(name="mockai-worker", daemon=True)
        self._edge, self._end = edge, threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        edge, pause = self._edge, POLL
        while edge.settings.pace != "step" and not self._end.wait(pause):
            worked = edge.work.worked
            for piece in edge.work.due(edge.clock.now()):
                if self._end.is_set():
                    return
                edge.look(piece)
            pause = BREATH if edge.work.worked > worked else POLL

    def stop(self) -> None:
        """End after the present slice."""
        self._end.set()
        if self.is_alive():
            self.join()

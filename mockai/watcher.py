"""The watcher at the edge: reads the rules again when a file of theirs changes."""

from __future__ import annotations

import logging
import threading

from mockai.api import OPERATIONS
from mockai.rules.load import files_of
from mockai.rules.serving import rules_of
from mockai.server import Edge
from mockai.settings import SettingsError

POLL = 0.3
"""Seconds between two looks at the files."""

log = logging.getLogger("mockai")


class Watcher(threading.Thread):
    """A thread that puts a new set of rules in the place of the old one, whole, or leaves the old one."""

    def __init__(self, edge: Edge) -> None:
        """Watch the files and folders of the server's settings, beginning with what they are now."""
        super().__init__(name="mockai-watcher", daemon=True)
        self._edge, self._end = edge, threading.Event()
        self._seen = self._state()

    def run(self) -> None:
        """Watch until `stop`."""
        while not self._end.wait(POLL):
            self.look()

    def look(self) -> None:
        """Read the rules again if a file has changed, come or gone since the last look."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            rules = rules_of(self._edge.settings, {operation.name for operation in OPERATIONS})
        except SettingsError as error:
            for line in str(error).splitlines():
                log.error("%s", line)
            log.error("the rules stay as they were, until this is mended")
            return
        self._edge.rules = rules
        log.warning("read %d rules again", len(rules.rules))

    def _state(self) -> dict[str, tuple[int, int, int]]:
        state = {}
        for path in self._edge.settings.fixtures:
            try:
                for file in files_of(path):
                    known = file.stat()
                    state[str(file)] = (known.st_mtime_ns, known.st_size, known.st_ino)
            except OSError:
                state[str(path)] = (0, 0, 0)  # gone for now: reading tells
        return state

    def stop(self) -> None:
        """End after the present look."""
        self._end.set()
        if self.is_alive():
            self.join()

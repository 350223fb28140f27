"""The heads of hot requests. A client sends the same one again and again, so each is parsed once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mockai.call import Operation
from mockai.routing import Match
from mockai.tenancy import Identity

END = b"\r\n\r\n"
MOST = 1_000
"""Heads that are kept,"""
LONGEST = 4_096
"""and the bytes that one of them may have."""
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d{1,7})\r\n")


class Head:
    """The head of a request: its route, its headers, and its caller once that one is known.

    All requests with these very bytes share it: nobody writes to `headers`.
    """

    __slots__ = ("headers", "identity", "match", "operation")

    def __init__(self, match: Match, operation: Operation, headers: Mapping[bytes, bytes]) -> None:
        """Take what was parsed; names are in lower case."""
        self.match, self.operation, self.headers = match, operation, headers
        self.identity: Identity | None = None


class Heads:
    """Heads as bytes, but for the length of the body, and what they were parsed to."""

    def __init__(self) -> None:
        """Begin without any."""
        self._known: dict[bytes, Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return the head and the body of data that are one whole request with a known head, else None."""
        parts = _split(data)
        head = None if parts is None else self._known.get(parts[0])
        return None if parts is None or head is None else (head, parts[1])

    def learn(self, data: bytes, head: Head) -> None:
        """Remember the head of the request that was parsed last, if `data` are that request and nothing else."""
        parts = _split(data)
        if parts is None or len(parts[0]) > LONGEST:
            return
        while len(self._known) >= MOST:  # the one that was learned first is forgotten
            self._known.pop(next(iter(self._known)), None)
        self._known[parts[0]] = head


def _split(data: bytes) -> tuple[bytes, bytes] | None:
    """Return a head without the length of its body, and the body; None for what is not just one whole request."""
    end = data.find(END) + len(END)
    length = _LENGTH.search(data, 0, end)
    if length is None or len(data) - end != int(length[1]):
        return None
    begin, behind = length.span(1)
    return data[:begin] + data[behind:end], data[end:]

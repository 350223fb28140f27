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

Found = tuple["Head", bytes]
"""A head and the body that came with it."""


class Head:
    """The head of a request: its route, its headers, and its caller once that one is known."""

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

    def find(self, data: bytes) -> Found | None:
        """Return the head and the body of data that are one whole request with a known head, else None."""
        end = data.find(END) + len(END)
        length = _LENGTH.search(data, 0, end)
        if length is None or len(data) - end != int(length[1]):
            return None
        head = self._known.get(_key(data, end, length))
        return None if head is None else (head, data[end:])

    def learn(self, data: bytes, head: Head, body: bytes) -> None:
        """Remember a head, if `data` were one whole request with it."""
        end = data.find(END) + len(END)
        length = _LENGTH.search(data, 0, end)
        # Of two requests in one piece of data it is the second that was parsed last, and its body is no such rest.
        if length is None or end > LONGEST or data[end:] != body or len(body) != int(length[1]):
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[_key(data, end, length)] = head


def _key(data: bytes, end: int, length: re.Match[bytes]) -> bytes:
    begin, behind = length.span(1)
    return data[:begin] + data[behind:end]

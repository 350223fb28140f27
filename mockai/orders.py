"""What a request orders of the mock itself: the headers `X-Mockai-*`, which the real API does not know."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NoReturn

from mockai.wire.errors import ApiError

FINISH_REASON, RUN, BATCH, FINE_TUNING = (
    "x-mockai-finish-reason",
    "x-mockai-run",
    "x-mockai-batch",
    "x-mockai-fine-tuning",
)
ORDERS: Mapping[str, tuple[str, ...]] = {
    FINISH_REASON: ("stop", "length", "tool_calls", "function_call", "content_filter", "refusal"),
    RUN: ("fail", "rate_limit", "expire", "incomplete", "cancel"),
    BATCH: ("expire",),
    FINE_TUNING: ("fail",),
}
"""The headers and what each may say. One that an endpoint has no use for has no effect there."""
CALLING = ("tool_calls", "function_call")
_PREFIX = b"x-mockai-"
_plain: set[bytes] = set()
"""Names that were seen and are no orders: nearly every request has just some of these, and is done with one look."""
_MOST_PLAIN = 1_000


def check(headers: Mapping[bytes, bytes]) -> None:
    """Raise a 400 of our own for an order that is unknown or says what it cannot; names are in lower case."""
    if _plain.issuperset(headers):
        return
    for name, value in headers.items():
        if name.startswith(_PREFIX):
            _check(name.decode("latin-1"), value.decode("latin-1"))
        elif len(_plain) < _MOST_PLAIN:
            _plain.add(name)


def offers_tools(order: str | None, body: Mapping[str, Any]) -> None:
    """Raise a 400 of our own for a finish reason that only a call of a tool has, where the request offers none."""
    if order in CALLING and not body.get("tools") and not body.get("functions"):
        _refuse(FINISH_REASON, f"{order!r} cannot be done: the request offers no tools")


def _check(name: str, value: str) -> None:
    values = ORDERS.get(name)
    if values is None:
        near = difflib.get_close_matches(name, ORDERS, n=1, cutoff=0.0)[0]
        _refuse(name, f"there is no such header; did you mean {near} ({', '.join(ORDERS[near])})?")
    if value not in values:
        _refuse(name, f"{value!r} is nothing to ask for; use one of {', '.join(values)}")


def _refuse(name: str, reason: str) -> NoReturn:
    raise ApiError(400, f"{name}: {reason}", param=name)

"""Paging: the query of a list, its faults, and its envelopes, in one place (errors.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mockai.wire import errors

Json = dict[str, Any]
Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Page:
    """What one page was asked for."""

    limit: int
    order: Order
    after: str | None
    before: str | None


def parse(query: Mapping[str, list[str]], *, default: int = 20, maximum: int = 100, order: Order = "desc") -> Page:
    """Read `limit order after before`. Raises the API's fault of a bad or repeated value.

    A limit of 0 is an empty page.
    """
    for name in ("limit", "order", "after", "before"):
        if len(query.get(name, ())) > 1:
            raise errors.duplicate_parameter(name)
    return Page(
        _limit(query, default, maximum),
        _order(query, order),
        _first(query, "after") or None,
        _first(query, "before") or None,
    )


def _first(query: Mapping[str, list[str]], name: str) -> str | None:
    values = query.get(name)
    return values[0] if values else None


def _limit(query: Mapping[str, list[str]], default: int, maximum: int) -> int:
    text = _first(query, "limit")
    if not text:
        return default
    try:
        limit = int(text)
    except ValueError:
        raise errors.wrong_type("limit", "an integer", text) from None
    if limit < 0:
        raise errors.out_of_range("limit", "integer", "below", 0, limit)
    if limit > maximum:
        raise errors.out_of_range("limit", "integer", "above", maximum, limit)
    return limit


def _order(query: Mapping[str, list[str]], default: Order) -> Order:
    text = _first(query, "order")
    if not text:
        return default
    if text == "asc":
        return "asc"
    if text == "desc":
        return "desc"
    raise errors.bad_value("order", text, ("asc", "desc"))


def fetch(page: Page, read: Callable[[int], Sequence[Json]]) -> tuple[list[Json], bool]:
    """Return the documents of a page and whether more follow; `read(limit)` returns the first `limit` of them."""
    found = list(read(page.limit + 1))
    return found[: page.limit], len(found) > page.limit


def envelope(data: Sequence[Json], has_more: bool) -> Json:
    """Return the list object with cursors; an empty page has null ones."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": list(data), "first_id": first, "last_id": last, "has_more": has_more}

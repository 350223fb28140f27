"""Pages of the assistants family (assistants.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mockai.call import Call, Json
from mockai.store import UnknownCursorError
from mockai.wire import pages
from mockai.wire.errors import ApiError


def page(
    call: Call,
    kind: str,
    noun: str,
    show: Callable[[Json], Json],
    *,
    parent: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Json:
    """Return one page of what is kept. What an unknown cursor is told is not known: here, that it is not found."""
    wanted = pages.parse(call.query)

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant,
            kind,
            parent=parent,
            order=wanted.order,
            after=wanted.after,
            before=wanted.before,
            limit=limit,
            where=where,
        )

    try:
        found, more = pages.fetch(wanted, read)
    except UnknownCursorError as cursor:
        if call.settings.missing != "phantom":
            raise ApiError(404, f"No {noun} found with id '{cursor}'.") from None
        found, more = [], False
    return pages.envelope([show(entry) for entry in found], more)


def within(call: Call, noun: str, oldest_first: Sequence[Json]) -> Json:
    """Return one page of a few objects that are all there."""
    wanted = pages.parse(call.query)
    rows = [*oldest_first] if wanted.order == "asc" else [*reversed(oldest_first)]
    ids = [row["id"] for row in rows]
    for cursor in filter(None, (wanted.after, wanted.before)):
        if cursor not in ids and call.settings.missing != "phantom":
            raise ApiError(404, f"No {noun} found with id '{cursor}'.")
    start = ids.index(wanted.after) + 1 if wanted.after in ids else 0
    end = ids.index(wanted.before) if wanted.before in ids else len(rows)
    found, more = pages.fetch(wanted, lambda limit: rows[start:end][:limit])
    return pages.envelope(found, more)

"""Pages of the assistants family (assistants.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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

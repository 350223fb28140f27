"""Filters on the attributes of files: comparisons, and compounds of them (vector_stores.md §5)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from mockai.wire.schema import Array, Bool, Decimal, Enum, Node, Object, OneOf, Str, Tagged

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
MEMBERSHIPS = ("in", "nin")
COMPOUNDS = ("and", "or")
WITHOUT = {"ne", "nin"}
"""What a file without the attribute satisfies."""
NESTED = 10
"""Compounds that may stand in one another."""


def _nodes(depth: int) -> Node:
    single = OneOf(Str(), Decimal(), Bool())
    listed = Array(OneOf(Str(), Decimal()), of="strings or numbers")
    variants: dict[str, Node] = {name: _comparison(single) for name in COMPARISONS}
    variants |= {name: _comparison(listed) for name in MEMBERSHIPS}
    if depth:
        inner = _nodes(depth - 1)
        for name in COMPOUNDS:
            variants[name] = Object({"type": Enum(name), "filters": Array(inner)}, required=("filters",))
    return Tagged(variants)


def _comparison(value: Node) -> Object:
    return Object({"type": Enum(*COMPARISONS, *MEMBERSHIPS), "key": Str(), "value": value}, required=("key", "value"))


FILTERS = _nodes(NESTED)
"""The schema of `filters`."""


def holds(asked: Any, attributes: Mapping[str, Any]) -> bool:
    """Return whether a file with these attributes passes a filter that its schema has accepted."""
    kind = asked["type"]
    if kind in COMPOUNDS:
        each = (holds(entry, attributes) for entry in asked["filters"])
        return all(each) if kind == "and" else any(each)
    value = attributes.get(asked["key"])
    if value is None:
        return kind in WITHOUT
    if kind in MEMBERSHIPS:
        return any(_alike(value, entry) and value == entry for entry in asked["value"]) is (kind == "in")
    if not _alike(value, asked["value"]):
        return bool(kind == "ne")
    return COMPARISONS[kind](value, asked["value"])


def _alike(left: Any, right: Any) -> bool:
    """Return whether two values can be compared: strings with strings, numbers with numbers, and so on."""
    kinds = [bool if isinstance(value, bool) else str if isinstance(value, str) else float for value in (left, right)]
    return kinds[0] is kinds[1]

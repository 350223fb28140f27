"""The older validator of the API: what /completions and /embeddings say of a body, as a JSON Schema library does.

Recorded for `dimensions`, reported for most others (errors.md §4). Its order is not known: it is the newer one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.schema import LEAST, MOST, Array, Bool, Decimal, Enum, Int, Map, Node, Object, OneOf, Str, is_huge


@dataclass(frozen=True, slots=True)
class Older(Object):
    """An object whose faults are told in the older words."""

    def _first_fault(self, value: dict[str, Any], prefix: str) -> None:
        raise _of_object(self, value, prefix.removesuffix("."))

    def _relaxed(self) -> Node:
        fields = {name: node.relaxed() for name, node in self.fields.items()}
        return Older(fields, self.required, open=True)


def _of(node: Node, value: Any, path: str) -> ApiError | None:
    """Return the fault of a value, or None. A node that has no older words here keeps its own."""
    try:
        node.check(value, path)
    except ApiError as newer:
        return next((tell(node, value, path) for kind, tell in _TELL.items() if isinstance(node, kind)), newer)
    return None


def _of_object(node: Any, value: Any, path: str) -> ApiError:
    if not isinstance(value, dict):
        return errors.not_of_type(path, value, "object")
    for name in node.required:
        if name not in value:
            return errors.required_property(name)
    unknown = [name for name in value if name not in node.fields]
    if unknown and not node.open:
        return errors.additional_properties(unknown)
    given = [name for name in node.fields if value.get(name) is not None or (name in value and name in node.required)]
    return _first(_of(node.fields[name], value[name], f"{path}.{name}" if path else name) for name in given)


def _first(faults: Iterable[ApiError | None]) -> ApiError:
    return next(fault for fault in faults if fault is not None)


def _of_number(node: Any, value: Any, path: str) -> ApiError:
    noun, kinds = ("integer", int) if isinstance(node, Int) else ("number", int | float)
    if isinstance(value, bool) or not (isinstance(value, kinds) or is_huge(value)):
        return errors.not_of_type(path, value, noun)
    least, most = (LEAST if node.minimum is None else node.minimum), (MOST if node.maximum is None else node.maximum)
    side, bound = ("minimum", least) if value < least else ("maximum", most)
    return errors.beyond(path, value, side, bound)


def _of_enum(node: Any, value: Any, path: str) -> ApiError:
    if not isinstance(value, str):
        return errors.not_of_type(path, value, "string")
    return errors.older(f"{value!r} is not one of {list(node.values)}", path)


def _of_map(node: Any, value: Any, path: str) -> ApiError:
    if not isinstance(value, dict):
        return errors.not_of_type(path, value, "object")
    return _first(_of(node.value, entry, f"{path}.{name}") for name, entry in value.items())


def _of_array(node: Any, value: Any, path: str) -> ApiError:
    if not isinstance(value, list):
        return errors.not_of_type(path, value, "array")
    if len(value) < node.min_length:
        return errors.older(f"{value!r} is too short", path)
    if node.max_length is not None and len(value) > node.max_length:
        return errors.older(f"{value!r} is too long", path)
    return _first(_of(node.item, entry, f"{path}.{index}") for index, entry in enumerate(value))


def _of_one(node: Any, value: Any, path: str) -> ApiError:
    return errors.older(f"{value!r} is not valid under any of the given schemas", path)


def _plain(name: str) -> Callable[[Any, Any, str], ApiError]:
    return lambda node, value, path: errors.not_of_type(path, value, name)


_TELL: Mapping[type[Node], Callable[[Any, Any, str], ApiError]] = {
    Str: _plain("string"),
    Enum: _of_enum,
    Bool: _plain("boolean"),
    Array: _of_array,
    Int: _of_number,
    Decimal: _of_number,
    Map: _of_map,
    Object: _of_object,
    OneOf: _of_one,
}

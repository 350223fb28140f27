"""How version 1 checked a body: every fault at once, worded as its library worded them (assistants.md §8, §9.6).

A number or a boolean where a string belongs is taken as Python writes it: metadata of `true` becomes "True"
(recorded). What that library had no words for is told as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mockai.wire.errors import ApiError
from mockai.wire.schema import Array, Bool, Decimal, Enum, Int, Map, Node, Object, Str, Tagged

Place = tuple[str | int, ...]

MISSING = "field required (type=value_error.missing)"
NULL = "none is not an allowed value (type=type_error.none.not_allowed)"
UNKNOWN = "extra fields not permitted (type=value_error.extra)"
NO_STRING = "str type expected (type=type_error.str)"
NO_INTEGER = "value is not a valid integer (type=type_error.integer)"
NO_NUMBER = "value is not a valid float (type=type_error.float)"
NO_BOOLEAN = "value could not be parsed to a boolean (type=type_error.bool)"
NO_LIST = "value is not a valid list (type=type_error.list)"
NO_DICT = "value is not a valid dict (type=type_error.dict)"


def refusal(*found: tuple[Place, str]) -> ApiError:
    """Return the answer to faults: where each is, from the body on, and what it is."""
    noun = "error" if len(found) == 1 else "errors"
    lines = [f"{' -> '.join(map(str, ('body', *place)))}\n  {text}" for place, text in found]
    return ApiError(400, f"{len(found)} validation {noun} for Request\n" + "\n".join(lines))


def no_choice(value: Any, permitted: tuple[str, ...]) -> str:
    """Return what is wrong with a value that is none of those permitted."""
    names = ", ".join(map(repr, permitted))
    given = f"type=value_error.const; given={value}; permitted={permitted}"
    return f"unexpected value; permitted: {names} ({given})"


@dataclass(frozen=True, slots=True)
class Body(Node):
    """The body of a request of version 1. Checking writes what it takes into the body."""

    node: Node

    @property
    def noun(self) -> str:
        """Return the noun."""
        return self.node.noun

    def check(self, value: Any, path: str) -> None:
        """Raise all faults as one."""
        check = _Check()
        check.walk(self.node, value, ())
        if check.found:
            raise refusal(*check.found)

    def _relaxed(self) -> Node:
        return Body(self.node.relaxed())


@dataclass(slots=True)
class _Check:
    found: list[tuple[Place, str]] = field(default_factory=list)

    def walk(self, node: Node, value: Any, place: Place) -> Any:
        """Return a value as it is taken, and note its faults."""
        known: Callable[[Any, Any, Place], Any] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if known is not None:
            return known(node, value, place)
        node.check(value, _path(place))
        return value

    def _no(self, place: Place, text: str) -> None:
        self.found.append((place, text))

    def _bound(self, place: Place, side: str, bound: int, of: str, kind: str) -> None:
        self._no(
            place, f"ensure this value has at {side} {bound} {of} (type=value_error.{kind}; limit_value={bound})"
        )

    def _str(self, node: Str, value: Any, place: Place) -> Any:
        text = str(value) if isinstance(value, (int, float)) else value
        if not isinstance(text, str):
            self._no(place, NO_STRING)
        elif len(text) < node.min_length:
            self._bound(place, "least", node.min_length, "characters", "any_str.min_length")
        elif node.max_length is not None and len(text) > node.max_length:
            self._bound(place, "most", node.max_length, "characters", "any_str.max_length")
        elif node.pattern is not None:
            node.check(text, _path(place))
        return text

    def _int(self, node: Int, value: Any, place: Place) -> Any:
        self._number(type(value) is int, NO_INTEGER, node, value, place)
        return value

    def _decimal(self, node: Decimal, value: Any, place: Place) -> Any:
        self._number(type(value) in (int, float), NO_NUMBER, node, value, place)
        return value

    def _number(self, good: bool, text: str, node: Int | Decimal, value: Any, place: Place) -> None:
        if not good:
            self._no(place, text)
        elif node.minimum is not None and value < node.minimum:
            text = f"greater than or equal to {node.minimum} (type=value_error.number.not_ge"
            self._no(place, f"ensure this value is {text}; limit_value={node.minimum})")
        elif node.maximum is not None and value > node.maximum:
            text = f"less than or equal to {node.maximum} (type=value_error.number.not_le"
            self._no(place, f"ensure this value is {text}; limit_value={node.maximum})")

    def _bool(self, node: Bool, value: Any, place: Place) -> Any:
        if type(value) is not bool:
            self._no(place, NO_BOOLEAN)
        return value

    def _enum(self, node: Enum, value: Any, place: Place) -> Any:
        if value not in node.values:
            self._no(place, no_choice(value, node.values))
        return value

    def _array(self, node: Array, value: Any, place: Place) -> Any:
        if not isinstance(value, list):
            self._no(place, NO_LIST)
            return value
        if len(value) < node.min_length:
            self._bound(place, "least", node.min_length, "items", "list.min_items")
        elif node.max_length is not None and len(value) > node.max_length:
            self._bound(place, "most", node.max_length, "items", "list.max_items")
        else:
            value[:] = [self.walk(node.item, entry, (*place, at)) for at, entry in enumerate(value)]
        return value

    def _map(self, node: Map, value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            self._no(place, NO_DICT)
            return value
        for name, entry in value.items():
            if entry is None:
                self._no((*place, name), NULL)
            else:
                value[name] = self.walk(node.value, entry, (*place, name))
        if not self.found:
            node.check(value, _path(place))  # too many or too long keys
        return value

    def _object(self, node: Object, value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            self._no(place, NO_DICT)
            return value
        for name, inner in node.fields.items():
            if name not in value:
                if name in node.required:
                    self._no((*place, name), MISSING)
            elif value[name] is not None:
                value[name] = self.walk(inner, value[name], (*place, name))
            elif name in node.required:
                self._no((*place, name), NULL)
        if not node.open:
            for name in sorted(value.keys() - node.fields.keys()):
                self._no((*place, name), UNKNOWN)
        return value

    def _tagged(self, node: Tagged, value: Any, place: Place) -> Any:
        name = value.get(node.tag) if isinstance(value, dict) else None
        if isinstance(name, str) and name in node.variants:
            return self.walk(node.variants[name], value, place)
        node.check(value, _path(place))  # reported of tools: told as by version 2
        return value


def _path(place: Place) -> str:
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path

"""Requests are declared: small nodes that find the fault the API would find, in the order it would.

Order inside an object: required keys, unknown keys (in body order, with a spelling hint), then the fields as
declared. `null` counts as absent for an optional field. A node is immutable; `check` raises `ApiError`.

Source of the order: chat.md §8, errors.md §4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mockai.wire import errors

_RELAXED: dict[int, tuple[Node, Node]] = {}
"""Each node and what it is relaxed, by the node's identity: declarations last, and share large parts."""


class Node:
    """A declaration of one value."""

    __slots__ = ()

    @property
    def noun(self) -> str:
        """Return what the API says it expected, with its article."""
        raise AttributeError("every node has a noun")

    def check(self, value: Any, path: str) -> None:
        """Raise the API's fault if `value`, found at `path`, is not what is declared."""

    def relaxed(self) -> Node:
        """Return the node that asks only for types, enums and required keys."""
        known = _RELAXED.get(id(self))
        if known is None:
            known = _RELAXED[id(self)] = (self, self._relaxed())
        return known[1]

    def _relaxed(self) -> Node:
        return self


@dataclass(frozen=True, slots=True)
class Anything(Node):
    """Any JSON value."""

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "a value"


@dataclass(frozen=True, slots=True)
class Later(Node):
    """A value whose faults are told after the schema, in words of their own; relaxed it is `node`."""

    node: Node

    @property
    def noun(self) -> str:
        """Return the noun."""
        return self.node.noun

    def _relaxed(self) -> Node:
        return self.node.relaxed()


@dataclass(frozen=True, slots=True)
class Str(Node):
    """A string, its length counted in characters."""

    max_length: int | None = None
    min_length: int = 0
    pattern: str | None = None

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "a string"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind, length or pattern."""
        if not isinstance(value, str):
            raise errors.wrong_type(path, "a string", value)
        if len(value) < self.min_length:
            raise errors.string_length(path, value, self.min_length, "below")
        if self.max_length is not None and len(value) > self.max_length:
            raise errors.string_length(path, value, self.max_length, "above")
        if self.pattern is not None and re.search(self.pattern, value) is None:
            raise errors.pattern(path, self.pattern)

    def _relaxed(self) -> Node:
        return Str()


LEAST, MOST = -(2**63), 2**63 - 1
"""The bounds of an integer that has no narrower ones."""


def is_huge(value: Any) -> bool:
    """Return whether a number was an integer of more than 64 bits: the codec reads one as a decimal."""
    return type(value) is float and abs(value) >= 2**63 and value.is_integer()


@dataclass(frozen=True, slots=True)
class Int(Node):
    """An integer within bounds, both inclusive."""

    minimum: int | None = None
    maximum: int | None = None

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "an integer"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind or range."""
        if type(value) is not int:
            raise self._beyond(value, path) if is_huge(value) else errors.wrong_type(path, "an integer", value)
        if self.minimum is not None and value < self.minimum:
            raise errors.out_of_range(path, "integer", "below", self.minimum, value)
        if self.maximum is not None and value > self.maximum:
            raise errors.out_of_range(path, "integer", "above", self.maximum, value)

    def _beyond(self, value: float, path: str) -> errors.ApiError:
        if value < 0:
            return errors.out_of_range(
                path, "integer", "below", LEAST if self.minimum is None else self.minimum, value
            )
        return errors.out_of_range(path, "integer", "above", MOST if self.maximum is None else self.maximum, value)

    def _relaxed(self) -> Node:
        return Int()


@dataclass(frozen=True, slots=True)
class Decimal(Node):
    """A number within bounds, both inclusive."""

    minimum: float | None = None
    maximum: float | None = None

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "a decimal"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind or range."""
        if type(value) is not float and type(value) is not int:
            raise errors.wrong_type(path, "a decimal", value)
        if self.minimum is not None and value < self.minimum:
            raise errors.out_of_range(path, "decimal", "below", self.minimum, value)
        if self.maximum is not None and value > self.maximum:
            raise errors.out_of_range(path, "decimal", "above", self.maximum, value)

    def _relaxed(self) -> Node:
        return Decimal()


@dataclass(frozen=True, slots=True)
class Bool(Node):
    """A boolean."""

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "a boolean"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind."""
        if type(value) is not bool:
            raise errors.wrong_type(path, "a boolean", value)


@dataclass(frozen=True, slots=True, init=False)
class Enum(Node):
    """One of some strings, listed in the API's order."""

    values: tuple[str, ...]
    documented: tuple[str, ...]
    """Further values, which the reference knows and the API refuses."""

    def __init__(self, *values: str, documented: tuple[str, ...] = ()) -> None:
        """Declare the values."""
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "documented", documented)

    @property
    def noun(self) -> str:
        """Return the noun: `one of 'a', 'b', or 'c'`, long names shortened."""
        return "one of " + errors.quoted([errors.shortened(value) for value in self.values], "or")

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind or value."""
        if not isinstance(value, str):
            raise errors.wrong_type(path, self.noun, value)
        if value not in self.values:
            raise errors.bad_value(path, value, self.values)

    def _relaxed(self) -> Node:
        return Enum(*self.values, *self.documented)


@dataclass(frozen=True, slots=True)
class Array(Node):
    """An array of like items. `of` is the noun of its items in the plural."""

    item: Node
    min_length: int = 0
    max_length: int | None = None
    of: str = "objects"

    @property
    def noun(self) -> str:
        """Return the noun."""
        return f"an array of {self.of}"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind, length, or the first item that has one."""
        if not isinstance(value, list):
            raise errors.wrong_type(path, self.noun, value)
        if len(value) < self.min_length:
            raise errors.array_length(path, len(value), self.min_length, "below")
        if self.max_length is not None and len(value) > self.max_length:
            raise errors.array_length(path, len(value), self.max_length, "above")
        item = self.item
        if isinstance(item, Anything):
            return
        for index, entry in enumerate(value):
            item.check(entry, f"{path}[{index}]")

    def _relaxed(self) -> Node:
        return Array(self.item.relaxed(), of=self.of)


@dataclass(frozen=True, slots=True)
class Map(Node):
    """An object with free keys."""

    value: Node
    max_properties: int | None = None
    max_key: int | None = None
    of: str = "an object"

    @property
    def noun(self) -> str:
        """Return the noun."""
        return self.of

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind, of too many or too long keys, or of the first value that has one."""
        if not isinstance(value, dict):
            raise errors.wrong_type(path, self.of, value)
        if self.max_properties is not None and len(value) > self.max_properties:
            raise errors.too_many_properties(path, len(value), self.max_properties)
        for name, entry in value.items():
            if self.max_key is not None and len(name) > self.max_key:
                raise errors.property_name_too_long(path, name, self.max_key)
            self.value.check(entry, f"{path}.{name}")

    def _relaxed(self) -> Node:
        return Map(self.value.relaxed(), of=self.of)


@dataclass(frozen=True, slots=True)
class Object(Node):
    """An object with declared keys.

    `open` objects ignore unknown keys. `required` keys are reported in the order given.
    """

    fields: Mapping[str, Node]
    required: Sequence[str] = ()
    open: bool = False

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "an object"

    def check(self, value: Any, path: str) -> None:
        """Raise the first fault: kind, missing key, unknown key, then field by field."""
        if not isinstance(value, dict):
            raise errors.wrong_type(path, "an object", value)
        prefix = f"{path}." if path else ""
        if not self._good(value, prefix):
            self._first_fault(value, prefix)

    def _good(self, value: dict[str, Any], prefix: str) -> bool:
        """Return whether there is no fault: the quick look, in the order of the body."""
        for name in self.required:
            if name not in value:
                return False
        try:
            for name, entry in value.items():
                node = self.fields.get(name)
                if node is None:
                    if not self.open:
                        return False
                elif entry is not None:
                    node.check(entry, prefix + name)
                elif name in self.required:
                    return False
        except errors.ApiError:
            return False
        return True

    def _first_fault(self, value: dict[str, Any], prefix: str) -> None:
        for name in self.required:
            if name not in value:
                raise errors.missing(prefix + name)
        if not self.open:
            for name in value:
                if name not in self.fields:
                    raise errors.unknown_parameter(prefix + name, spelling(name, self.fields, value))
        for name, node in self.fields.items():
            entry = value.get(name)
            if entry is not None or (name in value and name in self.required):
                node.check(entry, prefix + name)

    def _relaxed(self) -> Node:
        fields = {name: node.relaxed() for name, node in self.fields.items()}
        return Object(fields, self.required, open=True)


@dataclass(frozen=True, slots=True)
class Tagged(Node):
    """One of several objects, told apart by the string under `tag`.

    `untyped` names the variant of an object without the tag; without it the tag is required.
    """

    variants: Mapping[str, Node]
    tag: str = "type"
    untyped: str | None = None

    @property
    def noun(self) -> str:
        """Return the noun."""
        return "an object"

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind, of the tag, or of the variant that the tag names."""
        if not isinstance(value, dict):
            raise errors.wrong_type(path, "an object", value)
        name: Any = value.get(self.tag, self.untyped)
        if not isinstance(name, str) or name not in self.variants:
            raise self._fault(value, name, f"{path}.{self.tag}" if path else self.tag)
        self.variants[name].check(value, path)

    def _fault(self, value: Mapping[str, Any], name: Any, path: str) -> errors.ApiError:
        if self.tag not in value:
            return errors.missing(path)
        if not isinstance(name, str):
            return errors.wrong_type(path, Enum(*self.variants).noun, name)
        return errors.bad_value(path, name, tuple(self.variants))

    def _relaxed(self) -> Node:
        return replace(self, variants={name: node.relaxed() for name, node in self.variants.items()})


@dataclass(frozen=True, slots=True, init=False)
class OneOf(Node):
    """One of several nodes of different JSON kinds: the kind of the value chooses."""

    nodes: tuple[Node, ...]
    _by_kind: Mapping[type, Node] = field(repr=False, compare=False)

    def __init__(self, *nodes: Node) -> None:
        """Declare the nodes in the order in which the API names them."""
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "_by_kind", {kind: node for node in nodes for kind in _kinds(node)})

    @property
    def noun(self) -> str:
        """Return the noun: articles fall away after the first."""
        first, *rest = (node.noun for node in self.nodes)
        return "one of " + " or ".join([first, *(noun.removeprefix("an ").removeprefix("a ") for noun in rest)])

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind, or that of the node of the value's kind."""
        node = self._by_kind.get(type(value)) or (self._by_kind.get(int) if is_huge(value) else None)
        if node is None:
            raise errors.wrong_type(path, self.noun, value)
        node.check(value, path)

    def _relaxed(self) -> Node:
        return OneOf(*(node.relaxed() for node in self.nodes))


_JSON_KINDS: Mapping[type[Node], tuple[type, ...]] = {
    Str: (str,),
    Enum: (str,),
    Int: (int,),
    Decimal: (int, float),
    Bool: (bool,),
    Array: (list,),
    Map: (dict,),
    Object: (dict,),
    Tagged: (dict,),
}


def _kinds(node: Node) -> tuple[type, ...]:
    if isinstance(node, OneOf):
        return tuple(node._by_kind)
    return next(kinds for kind, kinds in _JSON_KINDS.items() if isinstance(node, kind))


METADATA = Map(Str(max_length=512), max_properties=16, max_key=64, of="an object")


def spelling(name: str, known: Mapping[str, Node], body: Mapping[str, Any]) -> list[str]:
    """Return the known keys within two edits of `name` that the body does not hold: nearest first."""
    if len(name) > 64:
        return []
    near = [(distance(name, other), other) for other in known if other not in body]
    return [other for edits, other in sorted(near) if edits <= 2]


def distance(left: str, right: str) -> int:
    """Return the number of insertions, deletions and substitutions between two words."""
    if abs(len(left) - len(right)) > 2:
        return 3
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]

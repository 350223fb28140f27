"""Requests drawn from the schema nodes: valid ones, and ones that break exactly one rule."""

from typing import Any

from hypothesis import strategies as st

from mockai.wire.schema import Anything, Array, Bool, Decimal, Enum, Int, Later, Map, Node, Object, OneOf, Str, Tagged

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
NAMES = st.from_regex(r"\A[a-zA-Z0-9_-]{1,12}\Z")


_MADE: dict[int, tuple[Node, st.SearchStrategy[Any]]] = {}
"""Each node and its strategy, by the node's identity: schemas share large parts."""


def valid(node: Node) -> st.SearchStrategy[Any]:
    """Return values that the node accepts."""
    if id(node) not in _MADE:
        _MADE[id(node)] = (node, next(make for kind, make in _VALID.items() if isinstance(node, kind))(node))
    return _MADE[id(node)][1]


def _string(node: Any) -> st.SearchStrategy[Any]:
    if node.pattern:
        return NAMES
    longest = min(node.max_length or 12, 12)
    return TEXT.map(lambda text: text[:longest].ljust(node.min_length, "x"))


def _integer(node: Any) -> st.SearchStrategy[Any]:
    low = node.minimum if node.minimum is not None else -3
    high = node.maximum if node.maximum is not None else low + 40
    return st.integers(low, min(high, low + 40))


def _decimal(node: Any) -> st.SearchStrategy[Any]:
    low = node.minimum if node.minimum is not None else -3
    high = node.maximum if node.maximum is not None else low + 10
    return st.floats(low, high, allow_nan=False) | st.integers(int(low), int(high))


def _array(node: Any) -> st.SearchStrategy[Any]:
    return st.lists(valid(node.item), min_size=node.min_length, max_size=min(node.max_length or 3, 3))


def _map(node: Any) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, valid(node.value), max_size=2)


def _object(node: Any, tag: str = "", name: str = "") -> st.SearchStrategy[Any]:
    fields = {key: valid(entry) for key, entry in node.fields.items() if key != tag}
    fixed = {key: fields.pop(key) for key in node.required if key in fields}
    if tag:
        fixed[tag] = st.just(name)
    return st.fixed_dictionaries(fixed, optional=dict(fields))


def _tagged(node: Any) -> st.SearchStrategy[Any]:
    return st.one_of([_object(variant, node.tag, name) for name, variant in node.variants.items()])


_VALID: dict[type[Node], Any] = {
    Anything: lambda node: st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXT),
    Later: lambda node: valid(node.node),
    Str: _string,
    Int: _integer,
    Decimal: _decimal,
    Bool: lambda node: st.booleans(),
    Enum: lambda node: st.sampled_from(node.values),
    Array: _array,
    Map: _map,
    Object: _object,
    Tagged: _tagged,
    OneOf: lambda node: st.one_of([valid(entry) for entry in node.nodes]),
}


def few(node: Object, keep: tuple[str, ...], most: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies with the keys of `keep` and at most `most` of the others."""
    others = sorted(set(node.fields) - set(keep) - {"model"})
    chosen = st.lists(st.sampled_from(others), unique=True, max_size=most)

    def build(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({name: valid(node.fields[name]) for name in (*keep, *names)})

    return chosen.flatmap(build)


WRONG: dict[type[Node], list[Any]] = {
    Str: [7, [], {}],
    Later: [7, [], {}],
    Int: ["x", 1.5, True],
    Decimal: ["x", []],
    Bool: ["x", 1],
    Enum: ["no such value", 7],
    Array: ["x", 7],
    Map: ["x", 7],
    Object: ["x", 7],
    Tagged: ["x", {"type": "no such type"}],
    OneOf: [True],
}


def broken(node: Object) -> st.SearchStrategy[dict[str, Any]]:
    """Return one wrong field: of another kind, or unknown to the object."""
    pairs = [(name, value) for name, entry in node.fields.items() for value in WRONG.get(type(entry), [])]
    return st.sampled_from(pairs).map(lambda pair: {pair[0]: pair[1]}) | st.just({"zzz_unknown_key": 1})

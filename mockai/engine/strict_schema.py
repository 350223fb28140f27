"""The faults of a schema for strict structured outputs, in the API's words (errors.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")  # a tuple: wrong ones may have no hash
UNSUPPORTED = (
    *("oneOf", "allOf", "not", "dependentRequired", "dependentSchemas"),
    *("if", "then", "else", "patternProperties"),
)
NOT_AT_ROOT = ("oneOf", "anyOf", "allOf", "enum", "not")
MOST_LEVELS, MOST_PROPERTIES = 10, 5000


def fault(schema: Any) -> str | None:
    """Return the first fault of a strict schema as the tail of the API's message; None if there is none.

    Recorded or reported texts: `additionalProperties`, `required`, extra required keys, `oneOf`, arrays without
    items, a root that is no object. The others are unverified. `default` was refused until 2025.
    """
    broken = invalid(schema) or _unsupported((), schema)
    if broken is not None:
        return broken
    if schema.get("type") != "object":
        return _no_object(schema)
    count = 0
    for path, node in _walk(schema, ()):
        found = _node_fault(path, node) or _without_items(path, node)
        if found is not None:
            return found
        count += len(node.get("properties") or ())
        if count > MOST_PROPERTIES:
            return f"schema has too many properties. Expected at most {MOST_PROPERTIES}, but got {count} instead."
    return None


def loose_fault(schema: Any) -> str | None:
    """Return the first fault of parameters that need not be strict, in the same form. An empty schema has none."""
    broken = invalid(schema)
    if broken is not None or not schema:
        return broken
    kind = schema.get("type")
    if kind != "object" and not isinstance(kind, list):
        return _no_object(schema)
    if not schema.keys().isdisjoint(NOT_AT_ROOT):
        names = "/".join(f"'{name}'" for name in NOT_AT_ROOT)
        return f"schema must have type 'object' and not have {names} at the top level."
    if "properties" not in schema:
        return "In context=(), object schema missing properties."
    return next((found for path, node in _walk(schema, ()) if (found := _without_items(path, node))), None)


def _no_object(schema: Json) -> str:
    return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."


def _without_items(path: Path, node: Json) -> str | None:
    kind = node.get("type")
    if "items" in node or kind is None:
        return None
    if isinstance(kind, list) and "array" in kind:
        path = (*path, "type", str(kind.index("array")))
    elif kind != "array":
        return None
    return f"In context={path!r}, array schema missing items."


def _unsupported(path: Path, node: Json) -> str | None:
    found = next((keyword for keyword in UNSUPPORTED if keyword in node), None)
    return None if found is None else f"In context={path!r}, '{found}' is not permitted."


def _node_fault(path: Path, node: Json) -> str | None:
    context = f"In context={path!r}, "
    if path.count("properties") > MOST_LEVELS:
        return f"{context}the schema exceeds {MOST_LEVELS} levels of nesting."
    refused = _unsupported(path, node)
    if refused is not None:
        return refused
    kind = node.get("type")
    properties = node.get("properties")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind) and properties is None:
        return None
    if node.get("additionalProperties") is not False:
        return f"{context}'additionalProperties' is required to be supplied and to be false."
    names = list(properties) if isinstance(properties, dict) else []
    required = node.get("required") or []
    absent = next((name for name in names if name not in required), None)
    if absent is not None:
        rule = "'required' is required to be supplied and to be an array including every key in properties."
        return f"{context}{rule} Missing '{absent}'."
    extra = next((name for name in required if name not in names), None)
    return None if extra is None else f"{context}Extra required key '{extra}' supplied."


def invalid(schema: Any) -> str | None:
    """Return what makes `schema` no JSON Schema at all; None if it is one. The texts are unverified."""
    if not isinstance(schema, dict):
        return f"{schema!r} is not of type 'object', 'boolean'. Please ensure it is a valid JSON Schema."
    for path, node in _walk(schema, ()):
        wrong = _wrong_keyword(node)
        if wrong is not None:
            return f"In context={path!r}, {wrong}. Please ensure it is a valid JSON Schema."
    return None


def _wrong_keyword(node: Json) -> str | None:
    kinds = node.get("type")
    for kind in kinds if isinstance(kinds, list) else [] if kinds is None else [kinds]:
        if not isinstance(kind, str) or kind not in TYPES:
            return f"{kind!r} is not valid under any of the given schemas"
    if "properties" in node and not isinstance(node["properties"], dict):
        return f"{node['properties']!r} is not of type 'object'"
    required = node.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return f"{required!r} is not of type 'array'"
    if "enum" in node and not isinstance(node["enum"], list):
        return f"{node['enum']!r} is not of type 'array'"
    return None


def _walk(schema: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    """Yield every sub-schema with its path, parents first; not deeper than any real schema goes."""
    pending: list[tuple[Path, Json]] = [(path, schema)]
    while pending:
        path, node = pending.pop(0)
        yield path, node
        if len(path) > 200:
            continue
        children: list[tuple[Path, Any]] = []
        for name in ("properties", "$defs", "definitions", "patternProperties"):
            group = node.get(name)
            if isinstance(group, dict):
                children += [((*path, name, key), entry) for key, entry in group.items()]
        for name in ("items", "additionalProperties", "not"):
            children.append(((*path, name), node.get(name)))
        for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
            group = node.get(name)
            if isinstance(group, list):
                children += [((*path, name, str(at)), entry) for at, entry in enumerate(group)]
        pending = [(where, child) for where, child in children if isinstance(child, dict)] + pending

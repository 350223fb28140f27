"""The faults of a schema for strict structured outputs, in the API's words (errors.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")  # a tuple: wrong ones may have no hash
UNSUPPORTED = ("allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties")
MOST_LEVELS, MOST_PROPERTIES = 10, 5000


def fault(schema: Any) -> str | None:
    """Return the first fault of a strict schema as the tail of the API's message; None if there is none.

    Recorded or reported texts: `additionalProperties`, `required`, extra required keys. The others are unverified.
    """
    broken = invalid(schema)
    if broken is not None:
        return broken
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    count = 0
    for path, node in _walk(schema, ()):
        found = _node_fault(path, node)
        if found is not None:
            return found
        count += len(node.get("properties") or ())
        if count > MOST_PROPERTIES:
            return f"schema has too many properties. Expected at most {MOST_PROPERTIES}, but got {count} instead."
    return None


def _node_fault(path: Path, node: Json) -> str | None:
    context = f"In context={path!r}, "
    if path.count("properties") > MOST_LEVELS:
        return f"{context}the schema exceeds {MOST_LEVELS} levels of nesting."
    for keyword in UNSUPPORTED:
        if keyword in node:
            return f"{context}'{keyword}' is not permitted."
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

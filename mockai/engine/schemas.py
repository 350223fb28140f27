"""JSON Schemas as they are read: references, merging, kinds, bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mockai.engine import patterns
from mockai.engine.draw import Draw

Json = dict[str, Any]


def pointed(root: Any, reference: str) -> Any:
    """Return what a `$ref` within the schema leads to; {} for one that leads nowhere."""
    if not reference.startswith("#"):
        return {}
    node = root
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return {}
    return node


_NARROWER: Mapping[str, Callable[[float, float], float]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), min),
}


def merge(left: Any, right: Any) -> Json:
    """Return a schema that asks for both: properties and required keys add up, bounds take the narrower."""
    merged = dict(as_dict(left))
    for key, value in as_dict(right).items():
        known = merged.get(key)
        if key == "properties" and isinstance(known, dict) and isinstance(value, dict):
            both = {name: merge(known[name], value[name]) for name in known if name in value}
            merged[key] = {**known, **value, **both}
        elif key == "required" and isinstance(known, list) and isinstance(value, list):
            merged[key] = [*known, *(name for name in value if name not in known)]
        elif key in _NARROWER and isinstance(known, (int, float)) and isinstance(value, (int, float)):
            merged[key] = _NARROWER[key](known, value)
        elif key == "enum" and isinstance(known, list) and isinstance(value, list):
            merged[key] = [entry for entry in known if entry in value] or known
        else:
            merged[key] = value
    return merged


def as_dict(schema: Any) -> Json:
    """Return a schema, or {} for what is none."""
    return schema if isinstance(schema, dict) else {}


_KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def kind_of(schema: Json, rng: Draw | None) -> str:
    """Return the type of the values of a schema; null where it may be that and there is no draw."""
    kind = schema.get("type")
    if isinstance(kind, list):
        useful = [entry for entry in kind if entry != "null"]
        if not useful or (rng is None and "null" in kind):
            return "null"
        return str(useful[0])
    if isinstance(kind, str):
        return kind
    return next((name for name, keys in _KEYWORDS.items() if any(key in schema for key in keys)), "string")


_PYTHON_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def is_of(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type, or of one of several."""
    names = kind if isinstance(kind, list) else [kind]
    if isinstance(value, bool):
        return kind is None or "boolean" in names
    return kind is None or any(isinstance(value, _PYTHON_KINDS.get(str(name), ())) for name in names)


def weight(schema: Any) -> int:
    """Return how much a branch would bring with it; the plainest one ends a recursion."""
    if not isinstance(schema, dict):
        return 0
    if schema.get("type") == "null":
        return 0
    if "$ref" in schema:
        return 1000
    return 10 * len(schema.get("required") or ()) + (5 if schema.get("type") in ("object", "array") else 1)


def for_key(schema: Json, key: str, extra: Any) -> Any:
    """Return the schema of a key that is no declared property."""
    found = schema.get("patternProperties")
    if isinstance(found, dict):
        for pattern, entry in found.items():
            if key in _simple_keys(str(pattern)):
                return entry
    return extra if isinstance(extra, dict) else {"type": "string"}


def _simple_keys(pattern: str) -> Iterable[str]:
    made = patterns.matching(pattern, Draw("key", pattern))
    return () if made is None else (made,)


def spare_keys(properties: Json, schema: Json) -> Iterable[str]:
    """Yield keys that an object may have."""
    yield from properties
    found = schema.get("patternProperties")
    for pattern in found if isinstance(found, dict) else ():
        yield from _simple_keys(str(pattern))
    if schema.get("additionalProperties") is not False:
        yield from (f"key{number}" for number in range(1, 60))


def singular(name: str) -> str:
    """Return the name of one of several."""
    if name.endswith("ies") and len(name) > 5:
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 3 else name


def whole_number(value: Any, default: int) -> int:
    """Return a number of things."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else default


def bounds_of(schema: Json, kind: str) -> tuple[float, float]:
    """Return the least and the largest number that a schema allows, as far as it says."""
    bounds = {
        name: schema[name]
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if isinstance(schema.get(name), (int, float)) and not isinstance(schema.get(name), bool)
    }
    gap = 1 if kind == "integer" else 1e-7
    lows = [
        bounds[name] + (gap if name == "exclusiveMinimum" else 0) for name in bounds if "Min" in name or "min" in name
    ]
    highs = [
        bounds[name] - (gap if name == "exclusiveMaximum" else 0) for name in bounds if "Max" in name or "max" in name
    ]
    if kind == "integer":
        lows = [math.ceil(bounds["minimum"])] if "minimum" in bounds else []
        lows += [math.floor(bounds["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in bounds else []
        highs = [math.floor(bounds["maximum"])] if "maximum" in bounds else []
        highs += [math.ceil(bounds["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in bounds else []
    if lows and highs:
        return max(lows), min(highs)
    if lows:
        return max(lows), max(lows) + 100
    if highs:
        return min(highs) - 100, min(highs)
    return 1, 100


def multiple_of(low: float, high: float, step: float, kind: str, rng: Draw) -> int | float:
    """Return a multiple of `step` between two bounds."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    times = rng.randint(first, max(first, last))
    value = times * step
    if kind == "integer" or isinstance(step, int):
        whole = round(value)
        for offset in range(1000):
            if kind != "integer" or float(times * step).is_integer():
                break
            times = first + offset
            whole = round(times * step)
        return whole
    return round(value, 12)

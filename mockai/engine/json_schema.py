"""Values for a JSON Schema: each satisfies the schema, and takes from the prompt what fits.

Depth and work are bounded. What cannot be satisfied is filled as well as it goes; nothing raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from mockai.engine import patterns
from mockai.engine.draw import Draw
from mockai.engine.mentions import words
from mockai.engine.slots import EVENTS, Slots

Json = dict[str, Any]

DEEP = 6  # from here on, optional things are left out and the plainest branch is taken
DEEPEST = 24
MOST_VALUES = 2000
MOST_OFFERED = 10  # values of the prompt that an array takes
OPTIONAL = 0.35  # how often an optional property without a value from the prompt is there

FORMATS = {
    "date": "2026-03-14",
    "date-time": "2026-03-14T09:26:53Z",
    "time": "09:26:53Z",
    "duration": "P3D",
    "email": "ada@example.com",
    "idn-email": "ada@example.com",
    "hostname": "api.example.com",
    "idn-hostname": "api.example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uri": "https://example.com/page",
    "uri-reference": "/page",
    "iri": "https://example.com/page",
    "iri-reference": "/page",
    "url": "https://example.com/page",
    "uri-template": "https://example.com/{id}",
    "json-pointer": "/name",
    "relative-json-pointer": "0",
    "regex": "^[a-z]+$",
}
# What a property's name makes likely, when the prompt offers nothing.
HINTS: dict[str, tuple[str, ...]] = {
    "name": ("Ada Lovelace", "Alan Turing", "Grace Hopper"),
    "author": ("Jane Austen", "Mark Twain"),
    "city": ("Paris", "Tokyo", "Lima"),
    "location": ("Paris, France", "Tokyo, Japan", "Boston, MA"),
    "country": ("France", "Japan", "Peru"),
    "email": ("ada@example.com",),
    "date": ("2026-03-14", "2026-07-01"),
    "time": ("09:30", "14:00"),
    "title": ("A Short Guide", "First Steps", "The Open Question"),
    "description": ("A short description of the main points.",),
    "summary": ("The main point, in one sentence.",),
    "explanation": ("Divide both sides by the same number, and the value of x is left.",),
    "reason": ("It fits the question best.",),
    "answer": ("The answer is yes.",),
    "output": ("x = 1",),
    "category": ("general", "science", "travel"),
    "color": ("blue", "green", "red"),
    "currency": ("USD", "EUR"),
    "language": ("English", "French"),
    "url": ("https://example.com/page",),
    "phone": ("+1 555 0100",),
    "unit": ("celsius", "metric"),
    "joke": ("Why did the number cross the road? To get to the other side of the equation.",),
    "sentiment": ("positive", "neutral"),
    "code": ("A1", "B2"),
}
PLAIN = ("value", "sample", "example", "first", "second", "open", "simple", "small")


def fill(schema: Any, rng: Draw, slots: Slots | None = None, *, complete: bool = False) -> Any:
    """Return a value that satisfies `schema`, its keys in the order of `properties`.

    `complete` puts in every optional property.
    """
    return _Filler(schema, rng, slots or Slots(""), complete).value(schema, "", "", 0)


def fill_object(rng: Draw, slots: Slots, prompt: str) -> Json:
    """Return an object for JSON mode without a schema: with the keys that the prompt names, else a small one."""
    keys = _keys_asked_for(prompt) or ["answer", "confidence"]
    properties: Json = {key: {"type": "number" if _numeric(key) else "string"} for key in keys}
    value = fill({"type": "object", "properties": properties, "required": keys}, rng, slots)
    return value if isinstance(value, dict) else {}


_NAMED = r"[\"'`]?[A-Za-z_]\w{0,39}[\"'`]?"
_LISTED = re.compile(
    r"\b(?:keys?|fields?|properties)\b:?\s{0,3}(?:(?:are|called|named)\b:?\s{0,3})?"
    rf"({_NAMED}(?:(?:\s{{0,3}},\s{{0,3}}(?:and\s{{1,3}})?|\s{{1,3}}and\s{{1,3}}){_NAMED}){{0,19}})"
)


def _keys_asked_for(prompt: str) -> list[str]:
    tail = prompt[-4000:]
    quoted = re.findall(r"[\"'`]([A-Za-z_]\w{0,39})[\"'`]\s{0,3}:", tail)
    if quoted:
        return list(dict.fromkeys(quoted))[:20]
    listed = _LISTED.search(tail)
    found = re.findall(r"[A-Za-z_]\w{0,39}", listed[1]) if listed is not None else []
    return list(dict.fromkeys(word for word in found if word.lower() not in ("and", "or", "the", "for", "a", "of")))


def _numeric(key: str) -> bool:
    return bool(
        set(words(key)) & {"age", "count", "number", "price", "score", "confidence", "total", "year", "amount"}
    )


class _Filler:
    def __init__(self, root: Any, rng: Draw, slots: Slots, complete: bool) -> None:
        self.root, self.rng, self.slots, self.complete = root, rng, slots, complete
        self.made = 0

    def value(self, schema: Any, name: str, description: str, depth: int) -> Any:
        """Return a value for `schema`, which stands under the property `name`."""
        self.made += 1
        if not isinstance(schema, dict) or depth > DEEPEST or self.made > MOST_VALUES:
            return self._text(name) if schema is True or not isinstance(schema, dict) else None
        schema = self._resolved(schema, depth)
        description = schema.get("description") or description
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._enum(schema, name)
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                rest = {field: entry for field, entry in schema.items() if field != key}
                branch = self._branch(schema[key], depth)
                return self.value(_merged(rest, self._resolved(branch, depth)), name, str(description), depth + 1)
        return self._typed(schema, name, str(description), depth)

    def _resolved(self, schema: Any, depth: int) -> Json:
        """Follow references and fold `allOf` in."""
        for _ in range(20):
            if not isinstance(schema, dict):
                return {}
            if isinstance(schema.get("$ref"), str):
                rest = {field: entry for field, entry in schema.items() if field != "$ref"}
                schema = _merged(_pointed(self.root, schema["$ref"]), rest)
            elif isinstance(schema.get("allOf"), list):
                rest = {field: entry for field, entry in schema.items() if field != "allOf"}
                for part in schema["allOf"]:
                    rest = _merged(rest, self._resolved(part, depth + 1) if depth < DEEPEST else {})
                schema = rest
            else:
                return schema
        return schema if isinstance(schema, dict) else {}

    def _branch(self, branches: list[Any], depth: int) -> Any:
        useful = [branch for branch in branches if branch != {"type": "null"} and branch is not False] or branches
        if depth < DEEP:
            return useful[0] if len(useful) == 1 else self.rng.choice(useful)
        return min(branches, key=lambda branch: (_weight(branch), repr(branch)))

    def _enum(self, schema: Json, name: str) -> Any:
        fitting = [value for value in schema["enum"] if _is_of(value, schema.get("type"))] or schema["enum"]
        offered = self.slots.value(name, {"enum": fitting})
        return self.rng.choice(fitting) if offered is None else offered

    def _typed(self, schema: Json, name: str, description: str, depth: int) -> Any:
        kind = _kind(schema, self.rng if depth < DEEP else None)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, description, depth)
        if kind == "string":
            return self._string(schema, name, description)
        if kind in ("integer", "number"):
            return self._number(schema, name, kind, description)
        if kind == "boolean":
            offered = self.slots.value(name, {"type": kind}) if name else None
            return self.rng.chance(0.5) if offered is None else offered
        return None

    # --- objects and arrays

    def _object(self, schema: Json, depth: int) -> Json:
        properties = _as_dict(schema.get("properties"))
        needed = schema.get("required")
        required = [key for key in needed if isinstance(key, str)] if isinstance(needed, list) else []
        about = " ".join(EVENTS & set(words(str(schema.get("title") or ""))))
        made: Json = {}
        for key, entry in properties.items():
            if entry is False:
                continue
            if key in required or self.complete or self._wanted(key, entry, depth):
                made[key] = self.value(entry, key, about, depth + 1)
        extra = schema.get("additionalProperties", True)
        for key in required:
            if key not in made:
                made[key] = self.value(_for_key(schema, key, extra), key, "", depth + 1)
        least = schema.get("minProperties")
        spare = (key for key in _spare_keys(properties, schema) if key not in made)
        for key in spare:
            if not isinstance(least, int) or len(made) >= min(least, 50):
                break
            entry = properties[key] if key in properties else _for_key(schema, key, extra)
            made[key] = self.value(entry, key, "", depth + 1)
        return made

    def _wanted(self, key: str, entry: Any, depth: int) -> bool:
        if depth >= DEEP or not isinstance(entry, dict):
            return False
        if "default" in entry:
            return False
        offered = self.slots.several(key, entry, str(entry.get("description") or ""))
        if offered and (entry.get("type") != "string" or "enum" in entry or len(offered[0]) < 60):
            return True
        return "enum" not in entry and self.rng.chance(OPTIONAL)

    def _array(self, schema: Json, name: str, description: str, depth: int) -> list[Any]:
        low, high = _whole(schema.get("minItems"), 0), _whole(schema.get("maxItems"), 1 << 30)
        prefix = schema.get("prefixItems")
        fixed = prefix if isinstance(prefix, list) else []
        items = schema.get("items", True)
        made = [self.value(entry, name, "", depth + 1) for entry in fixed[:high]]
        if items is False:
            return made
        offered = self._offered(name, items, depth)
        made += offered[: max(0, high - len(made))]
        wanted = max(low, len(made) if made else (0 if depth >= DEEP else 2))
        contains = schema.get("contains")
        if isinstance(contains, dict):
            count = _whole(schema.get("minContains"), 1)
            made += [
                self.value(_merged(_as_dict(items), contains), name, "", depth + 1) for _ in range(min(count, 50))
            ]
        size = min(max(wanted, low), high, 200)
        attempts = 0
        while len(made) < size and attempts < size * 8 + 20:
            attempts += 1
            value = self.value(items, _singular(name), description, depth + 1)
            if schema.get("uniqueItems") and value in made:
                value = self._varied(items, value, made)
                if value is None:
                    continue
            made.append(value)
        return made

    def _offered(self, name: str, items: Any, depth: int) -> list[Any]:
        """Return what the prompt offers for the items of an array, if these are plain values."""
        plain = self._resolved(items, depth)
        if not name or depth >= DEEP or "const" in plain:
            return []
        found = self.slots.several(_singular(name), plain, str(plain.get("description") or ""))
        return list({repr(value): value for value in found}.values())[:MOST_OFFERED]

    def _varied(self, items: Any, value: Any, made: list[Any]) -> Any:
        """Return another value near `value` that is not there yet; None when there is none."""
        plain = isinstance(items, dict) and not ({"enum", "const", "pattern", "format"} & set(items))
        if plain and isinstance(value, str) and not isinstance(items.get("maxLength"), int):
            return f"{value} {len(made) + 1}"
        enum = self._resolved(items, 0).get("enum")
        return next((entry for entry in enum if entry not in made), None) if isinstance(enum, list) else None

    # --- scalars

    def _string(self, schema: Json, name: str, description: str) -> str:
        low, high = _whole(schema.get("minLength"), 0), _whole(schema.get("maxLength"), 1 << 30)
        pattern, form = schema.get("pattern"), schema.get("format")
        offered = self.slots.value(name, schema, description) if name else None
        if isinstance(offered, str):
            return offered
        if isinstance(pattern, str):
            for _ in range(8):
                text = patterns.matching(pattern, self.rng)
                if text is not None and low <= len(text) <= high:
                    return text
        if form == "uuid":
            raw = f"{self.rng.getrandbits(128):032x}"
            return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
        if isinstance(form, str) and form in FORMATS:
            return FORMATS[form]
        text = self._text(name)
        if len(text) > high:
            text = text[:high].rstrip() or "x" * min(high, 1)
        while len(text) < min(low, 10_000):
            text += f" {self.rng.choice(PLAIN)}"
            text = text[: max(low, min(len(text), high))]
        return text[:high]

    def _text(self, name: str) -> str:
        for word in reversed(words(name)):
            if word in HINTS:
                return self.rng.choice(HINTS[word])
        return self.rng.choice(PLAIN) if not name else f"{self.rng.choice(PLAIN)} {' '.join(words(name))}".strip()

    def _number(self, schema: Json, name: str, kind: str, description: str) -> int | float:
        offered = self.slots.value(name, schema | {"type": kind}, description) if name else None
        if isinstance(offered, (int, float)):
            return offered
        low, high = _limits(schema, kind)
        step = schema.get("multipleOf")
        if isinstance(step, (int, float)) and step > 0 and not isinstance(step, bool):
            return _multiple(low, high, step, kind, self.rng)
        if kind == "integer":
            return self.rng.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))
        drawn = low + (high - low) * self.rng.uniform(0.1, 0.9)
        rounded = round(drawn, 2)
        return rounded if low < rounded < high else drawn


def _pointed(root: Any, reference: str) -> Any:
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


def _merged(left: Any, right: Any) -> Json:
    """Return a schema that asks for both: properties and required keys add up, bounds take the narrower."""
    merged = dict(_as_dict(left))
    for key, value in _as_dict(right).items():
        known = merged.get(key)
        if key == "properties" and isinstance(known, dict) and isinstance(value, dict):
            both = {name: _merged(known[name], value[name]) for name in known if name in value}
            merged[key] = {**known, **value, **both}
        elif key == "required" and isinstance(known, list) and isinstance(value, list):
            merged[key] = [*known, *(name for name in value if name not in known)]
        elif key in ("minimum", "exclusiveMinimum", "minLength", "minItems") and isinstance(known, (int, float)):
            merged[key] = max(known, value)
        elif key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems") and isinstance(known, (int, float)):
            merged[key] = min(known, value)
        elif key == "enum" and isinstance(known, list) and isinstance(value, list):
            merged[key] = [entry for entry in known if entry in value] or known
        else:
            merged[key] = value
    return merged


def _as_dict(schema: Any) -> Json:
    return schema if isinstance(schema, dict) else {}


_KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _kind(schema: Json, rng: Draw | None) -> str:
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


def _is_of(value: Any, kind: Any) -> bool:
    names = kind if isinstance(kind, list) else [kind]
    if isinstance(value, bool):
        return kind is None or "boolean" in names
    return kind is None or any(isinstance(value, _PYTHON_KINDS.get(str(name), ())) for name in names)


def _weight(schema: Any) -> int:
    """Return how much a branch would bring with it; the plainest one ends a recursion."""
    if not isinstance(schema, dict):
        return 0
    if schema.get("type") == "null":
        return 0
    if "$ref" in schema:
        return 1000
    return 10 * len(schema.get("required") or ()) + (5 if schema.get("type") in ("object", "array") else 1)


def _for_key(schema: Json, key: str, extra: Any) -> Any:
    found = schema.get("patternProperties")
    if isinstance(found, dict):
        for pattern, entry in found.items():
            if key in _simple_keys(str(pattern)):
                return entry
    return extra if isinstance(extra, dict) else {"type": "string"}


def _simple_keys(pattern: str) -> Iterable[str]:
    made = patterns.matching(pattern, Draw("key", pattern))
    return () if made is None else (made,)


def _spare_keys(properties: Json, schema: Json) -> Iterable[str]:
    yield from properties
    found = schema.get("patternProperties")
    for pattern in found if isinstance(found, dict) else ():
        yield from _simple_keys(str(pattern))
    if schema.get("additionalProperties") is not False:
        yield from (f"key{number}" for number in range(1, 60))


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") and len(name) > 3 else name


def _whole(value: Any, default: int) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else default


def _limits(schema: Json, kind: str) -> tuple[float, float]:
    bounds = {
        name: schema[name]
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if isinstance(schema.get(name), (int, float)) and not isinstance(schema.get(name), bool)
    }
    gap = 1 if kind == "integer" else 1e-9
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


def _multiple(low: float, high: float, step: float, kind: str, rng: Draw) -> int | float:
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

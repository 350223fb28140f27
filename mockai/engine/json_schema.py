"""Values for a JSON Schema: each satisfies the schema, and takes from the prompt what fits.

Depth and work are bounded. What cannot be satisfied is filled as well as it goes; nothing raises.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any

from mockai.engine import interpreter, patterns
from mockai.engine.draw import Draw
from mockai.engine.mentions import words
from mockai.engine.samples import FORMATS, HINTS, PLAIN
from mockai.engine.schemas import (
    as_dict,
    bounds_of,
    for_key,
    is_of,
    kind_of,
    merge,
    multiple_of,
    pointed,
    singular,
    spare_keys,
    weight,
    whole_number,
)
from mockai.engine.slots import Slots, fits
from mockai.engine.vocabulary import EVENTS

Json = dict[str, Any]

DEEP = 6  # from here on, optional things are left out and the plainest branch is taken
DEEPEST = 24
MOST_VALUES = 2000
MOST_FOLDED = 20_000
"""Parts of `allOf` that are folded in: where each refers to others twice, there are thousands of millions."""
NULL = {"type": "null"}
SCALARS = ("string", "integer", "number", "boolean")
ANSWERS = frozenset("answer result solution".split())
"""What a calculation comes to."""
CERTAINTIES = frozenset("confidence probability likelihood certainty".split())
"""What lies between 0 and 1."""
_LIMITS = frozenset("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split())
_BOUND = frozenset("enum const pattern format minLength maxLength".split())
MOST_FAILED = 30  # draws of an item that is there already
NO_SLOTS = Slots("")
MOST_OFFERED = 10  # values of the prompt that an array takes
OPTIONAL = 0.35  # how often an optional property without a value from the prompt is there


def fill(schema: Any, rng: Draw, slots: Slots | None = None, *, complete: bool = False) -> Any:
    """Return a value that satisfies `schema`, its keys in the order of `properties`.

    `complete` puts in every optional property.
    """
    return _Filler(schema, rng, slots or Slots(""), complete).value(schema, "", "", 0)


class _Filler:
    def __init__(self, root: Any, rng: Draw, slots: Slots, complete: bool) -> None:
        self.root, self.rng, self.slots, self.complete = root, rng, slots, complete
        self.made = 0
        self.folded = 0
        self.hopeless: set[str] = set()
        """Patterns for which no string was found."""

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
                branch = self._branch(schema[key], name, str(description), depth)
                if branch == NULL:
                    return None
                return self.value(merge(rest, self._resolved(branch, depth)), name, str(description), depth + 1)
        return self._typed(schema, name, str(description), depth)

    def _resolved(self, schema: Any, depth: int) -> Json:
        """Follow references and fold `allOf` in."""
        for _ in range(20):
            if not isinstance(schema, dict):
                return {}
            if isinstance(schema.get("$ref"), str):
                rest = {field: entry for field, entry in schema.items() if field != "$ref"}
                schema = merge(pointed(self.root, schema["$ref"]), rest)
            elif isinstance(schema.get("allOf"), list):
                rest = {field: entry for field, entry in schema.items() if field != "allOf"}
                for part in schema["allOf"]:
                    self.folded += 1
                    if depth < DEEPEST and self.folded <= MOST_FOLDED:
                        rest = merge(rest, self._resolved(part, depth + 1))
                schema = rest
            else:
                return schema
        return schema if isinstance(schema, dict) else {}

    def _branch(self, branches: list[Any], name: str, description: str, depth: int) -> Any:
        """Return the branch of which the prompt says most; of a value or null, null where it says nothing."""
        useful = [branch for branch in branches if branch != NULL and branch is not False] or branches
        if depth >= DEEP:
            return min(branches, key=lambda branch: (weight(branch), repr(branch)))
        plain = [self._resolved(branch, depth) for branch in useful]
        if len(useful) == 1:
            return NULL if NULL in branches and self._nulls(plain[0], name, description) else useful[0]
        said = [self._evidence(branch, name, description) for branch in plain]
        return self.rng.choice([branch for branch, much in zip(useful, said, strict=True) if much == max(said)])

    def _nulls(self, schema: Json, name: str, description: str) -> bool:
        """Return whether null stands for a plain value, as the prompt offers none."""
        plain = bool(name and self.slots.text) and schema.get("type") in SCALARS
        return plain and not self.slots.offers(name, schema, description)

    def _evidence(self, schema: Json, name: str, description: str) -> int:
        """Return how much of a branch the prompt speaks of."""
        properties = as_dict(schema.get("properties"))
        if properties:
            fixed = [entry.get("const") for entry in properties.values() if isinstance(entry, dict)]
            named = [*properties, schema.get("title"), *(value for value in fixed if isinstance(value, str))]
            return sum(self.slots.says(str(entry)) for entry in named if entry)
        return int(schema.get("type") in SCALARS and bool(self.slots.several(name, schema, description)))

    def _enum(self, schema: Json, name: str) -> Any:
        fitting = [value for value in schema["enum"] if is_of(value, schema.get("type"))] or schema["enum"]
        offered = self.slots.value(name, {"enum": fitting})
        return self.rng.choice(fitting) if offered is None else offered

    def _typed(self, schema: Json, name: str, description: str, depth: int) -> Any:
        kind = kind_of(schema, self.rng if depth < DEEP else None)
        nullable = isinstance(schema.get("type"), list) and "null" in schema["type"]
        if nullable and self._nulls(schema | {"type": kind}, name, description):
            return None
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
        properties = as_dict(schema.get("properties"))
        needed = schema.get("required")
        required = [key for key in needed if isinstance(key, str)] if isinstance(needed, list) else []
        about = "event" if EVENTS & set(words(str(schema.get("title") or ""))) else ""
        made: Json = {}
        for key, entry in properties.items():
            if entry is False:
                continue
            if key in required or self.complete or self._wanted(key, entry, depth):
                made[key] = self.value(entry, key, about, depth + 1)
        extra = schema.get("additionalProperties", True)
        for key in required:
            if key not in made:
                made[key] = self.value(for_key(schema, key, extra), key, "", depth + 1)
        least = schema.get("minProperties")
        spare = (key for key in spare_keys(properties, schema) if key not in made)
        for key in spare:
            if not isinstance(least, int) or len(made) >= min(least, 50):
                break
            entry = properties[key] if key in properties else for_key(schema, key, extra)
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
        low, high = whole_number(schema.get("minItems"), 0), whole_number(schema.get("maxItems"), 1 << 30)
        prefix = schema.get("prefixItems")
        fixed = prefix if isinstance(prefix, list) else []
        items = schema.get("items", True)
        if isinstance(items, list):  # so until draft 2019-09
            fixed, items = items, schema.get("additionalItems", True)
        made = [self.value(entry, name, "", depth + 1) for entry in fixed[:high]]
        if items is False:
            return made
        offered = self._offered(name, items, depth)
        made += offered[: max(0, high - len(made))]
        asked = self.slots.counted(name) if name else None
        wanted = max(low, len(made) if made else (0 if depth >= DEEP else min(asked or 2, MOST_OFFERED)))
        contains = schema.get("contains")
        if isinstance(contains, dict):
            count = whole_number(schema.get("minContains"), 1)
            made += [self.value(merge(as_dict(items), contains), name, "", depth + 1) for _ in range(min(count, 50))]
        size = min(max(wanted, low), high, 200)
        unique, failed, slots = bool(schema.get("uniqueItems")), 0, self.slots
        while len(made) < size and failed < MOST_FAILED:
            value = self.value(items, singular(name), description, depth + 1)
            if unique and value in made:
                failed += 1
                self.slots = NO_SLOTS  # what the prompt offers is there already
                value = self._varied(items, value, made)
                if value is None:
                    continue
            made.append(value)
        self.slots = slots
        return made

    def _offered(self, name: str, items: Any, depth: int) -> list[Any]:
        """Return what the prompt offers for the items of an array, if these are plain values."""
        plain = self._resolved(items, depth)
        if not name or depth >= DEEP or "const" in plain:
            return []
        found = self.slots.several(singular(name), plain, str(plain.get("description") or ""))
        if plain.get("type") == "string" and not _BOUND & set(plain):
            things = self.slots.listed(name)
            found = things if len(things) > len(found) or set(found) == set(self.slots.quoted) else found
        distinct: list[Any] = []
        for value in found:
            if value not in distinct:
                distinct.append(value)
            if len(distinct) == MOST_OFFERED:
                break
        return distinct

    def _varied(self, items: Any, value: Any, made: list[Any]) -> Any:
        """Return another value near `value` that is not there yet; None when there is none."""
        plain = isinstance(items, dict) and not ({"enum", "const", "pattern", "format"} & set(items))
        if plain and isinstance(value, str) and not isinstance(items.get("maxLength"), int):
            return f"{value} {len(made) + 1}"
        enum = self._resolved(items, 0).get("enum")
        return next((entry for entry in enum if entry not in made), None) if isinstance(enum, list) else None

    # --- scalars

    def _string(self, schema: Json, name: str, description: str) -> str:
        low, high = whole_number(schema.get("minLength"), 0), whole_number(schema.get("maxLength"), 1 << 30)
        pattern, form = schema.get("pattern"), schema.get("format")
        offered = self.slots.value(name, schema, description) if name else None
        if isinstance(offered, str):
            return offered
        answer = self._answer(name)
        if answer is not None and pattern is None and form is None and low <= len(answer) <= high:
            return answer
        if isinstance(pattern, str):
            ahead = "(?=" in pattern or "(?!" in pattern  # what a draw does not look at
            for _ in range(0 if pattern in self.hopeless else 64 if ahead else 8):
                text = patterns.matching(pattern, self.rng)
                if text is not None and low <= len(text) <= high and (not ahead or patterns.fits(pattern, text)):
                    return text
            self.hopeless.add(pattern)
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

    @cached_property
    def _worked_out(self) -> tuple[str, Fraction] | None:
        """Return what the equation or the calculation of the prompt comes to."""
        return interpreter.result(self.slots.text)

    def _answer(self, name: str) -> str | None:
        """Return the answer to the equation or the calculation of the prompt."""
        if not ANSWERS & set(words(name)) or self._worked_out is None:
            return None
        variable, value = self._worked_out
        exact = Fraction(str(float(value))) == value
        shown = f"{float(value):.15g}" if exact else str(value)
        return f"{variable} = {shown}" if variable else shown

    def _text(self, name: str) -> str:
        for word in reversed(words(name)):
            if word in HINTS:
                return self.rng.choice(HINTS[word])
        return self.rng.choice(PLAIN) if not name else f"{self.rng.choice(PLAIN)} {' '.join(words(name))}".strip()

    def _number(self, schema: Json, name: str, kind: str, description: str) -> int | float:
        if ANSWERS & set(words(name)) and self._worked_out is not None:
            value = self._worked_out[1]
            number = int(value) if value.denominator == 1 else float(value)
            if fits(number, kind, schema):
                return _written(number)
        offered = self.slots.value(name, schema | {"type": kind}, description) if name else None
        if isinstance(offered, (int, float)):
            return offered
        return _written(self._drawn(schema, name, kind))

    def _drawn(self, schema: Json, name: str, kind: str) -> int | float:
        """Return any number within the bounds."""
        low, high = bounds_of(schema, kind)
        if kind == "number" and CERTAINTIES & set(words(name)) and not _LIMITS & set(schema):
            return round(self.rng.uniform(0.5, 0.99), 2)
        step = schema.get("multipleOf")
        if isinstance(step, (int, float)) and step > 0 and not isinstance(step, bool) and math.isfinite(high / step):
            return multiple_of(low, high, step, kind, self.rng)
        if kind == "integer":
            return self.rng.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))
        drawn = low + (high - low) * self.rng.uniform(0.1, 0.9)
        rounded = round(drawn, 2)
        return rounded if low < rounded < high else drawn


def _written(number: float) -> int | float:
    """Return a number as it can be written: a whole one beyond 64 bits as the nearest float, which is whole, too."""
    return float(number) if abs(number) >= 2**63 else number

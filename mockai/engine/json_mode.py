"""JSON mode without a schema: the object that the messages ask for, by an example or by the names of its keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mockai.engine import json_schema
from mockai.engine.draw import Draw
from mockai.engine.mentions import words
from mockai.engine.slots import Slots
from mockai.wire.codec import loads, pretty

Json = dict[str, Any]

READ = 6000
"""Characters that are read of the end of a text."""
_ORDERS = re.compile(r"\b(?:answer|format\w*|output|provide|reply|respond|return)\b[^{]{0,120}?\bJSON\b", re.I)
"""Says what an answer is to look like."""
READ_SCHEMA = 100_000
MOST_KEYS = 20
DEEPEST = 8
PLAIN: Json = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["answer", "confidence"],
}
"""What is answered where nobody says what is wanted."""

_TYPES = {
    **dict.fromkeys(("string", "str", "text", "date"), "string"),
    **dict.fromkeys(("integer", "int"), "integer"),
    **dict.fromkeys(("number", "float", "decimal"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
}
_NUMERIC = frozenset("age amount confidence count number price probability score total year".split())

_KEY = r"[A-Za-z_]\w{0,39}"
_BARE_KEY = re.compile(_KEY)
_NAMED = rf"[\"'`]?{_KEY}[\"'`]?(?: \([\w /]{{1,40}}\))?"
_NAMES = rf"{_NAMED}(?:(?:, (?:and )?| and ){_NAMED}){{0,19}}"
_BULLET = re.compile(
    rf"^[ \t]*(?:[-*•]|\d{{1,2}}[.)])[ \t]+[\"'`]?({_KEY})[\"'`]?[ \t]*[:(–-][ \t]*([^\n)]{{0,80}})", re.M
)
_LISTS = (
    re.compile(rf"\b(?i:keys?|fields?|properties)\b:?\s{{0,3}}(?:(?:are|called|named)\b:?\s{{0,3}})?({_NAMES})"),
    re.compile(rf"\b(?i:json)(?i: object| only)?(?: that has| with| containing| of| having)(?: only)? ({_NAMES})"),
    re.compile(
        rf"\b(?i:extract|return|give|get|find)(?: me| the| a| an| their| its)* ({_NAMES}) (?:as|in) (?:a )?(?i:json)"
    ),
)
_NAME = re.compile(rf"[\"'`]?({_KEY})[\"'`]?(?: \(([\w /]+)\))?")
_QUOTED = re.compile(rf"[\"`]({_KEY})[\"`]")
_NO_KEYS = frozenset("a an and exactly for json keys no object of only or the these this two three your".split())


@dataclass(frozen=True, slots=True)
class Asked:
    """An object that is asked for, as a schema, and the words that ask."""

    schema: Json
    told: str


def fill(texts: Sequence[str], rng: Draw) -> Json:
    """Return the object that one of the texts asks for; the first of them is the one that is answered."""
    asked = next((found for found in map(asked_for, texts) if found is not None), Asked(PLAIN, ""))
    left = [text.replace(asked.told, " ") if asked.told else text for text in texts]
    value = json_schema.fill(asked.schema, rng, Slots(left[0], left[1:]) if left else None)
    return value if isinstance(value, dict) else {}


def fenced(texts: Sequence[str], rng: Draw) -> str | None:
    """Return an object as text, where one of the texts asks for JSON by its schema; None where none does.

    Its values are those of the first text, which is the one that is answered.
    """
    asked = next((found for text in texts if _ORDERS.search(text) and (found := schema_in(text))), None)
    if asked is None:
        return None
    value = json_schema.fill(asked.schema, rng, Slots(texts[0].replace(asked.told, " ")))
    return f"```json\n{pretty(value).decode()}\n```"


def asked_for(text: str) -> Asked | None:
    """Return the object that a text asks for: an example or a schema of it, or a list of its keys."""
    declared = schema_in(text)
    text = text[-READ:]
    return declared or _example(text) or _bullets(text) or _list(text)


def _of(types: dict[str, Any], told: str) -> Asked | None:
    kept = {name: schema for name, schema in types.items() if name.lower() not in _NO_KEYS}
    if not kept:
        return None
    kept = dict(list(kept.items())[:MOST_KEYS])
    return Asked({"type": "object", "properties": kept, "required": list(kept)}, told)


def _typed(name: str, told: str) -> Json:
    """Return the schema of a key by what is said of it, or by its name."""
    said = words(told)
    kind = next((_TYPES[word] for word in said if word in _TYPES), None)
    kind = kind or next((_TYPES[word[:-1]] for word in said if word[:-1] in _TYPES), None)
    if {"list", "array", "lists"} & set(said):
        return {"type": "array", "items": {"type": kind or "string"}}
    return {"type": kind or ("number" if _NUMERIC & set(words(name)) else "string")}


def _bullets(text: str) -> Asked | None:
    if "json" not in text.lower():
        return None
    found = list(_BULLET.finditer(text))
    told = text[found[0].start() : found[-1].end()] if found else ""
    return _of({entry[1]: _typed(entry[1], entry[2]) for entry in found}, told)


def _list(text: str) -> Asked | None:
    for pattern in _LISTS:
        found = pattern.search(text)
        if found is None:
            continue
        begin = max(text.rfind(mark, 0, found.start()) for mark in (". ", "\n")) + 1
        asked = _of({name: _typed(name, kind) for name, kind in _NAME.findall(found[1])}, text[begin : found.end()])
        if asked is not None:
            return asked
    quoted = list(dict.fromkeys(_QUOTED.findall(text))) if "json" in text.lower() else []
    return _of({name: _typed(name, "") for name in quoted}, "") if len(quoted) > 1 else None


# --- a schema of the object ----------------------------------------------------------------------

_MARK = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"|[{}]")


def schema_in(text: str) -> Asked | None:
    """Return the last JSON Schema of an object that a text has: what comes before may be an example of one."""
    if '"properties"' not in text:
        return None
    last = None
    open_at: list[int] = []
    for mark in _MARK.finditer(text[:READ_SCHEMA]):
        if mark[0] == "{":
            open_at.append(mark.start())
        elif mark[0] == "}" and open_at:
            at = open_at.pop()
            if not open_at and (schema := _declared(text[at : mark.end()])) is not None:
                last = Asked(schema, text[at : mark.end()])
    return last


def _declared(told: str) -> Json | None:
    """Return the text as the JSON Schema that it may be; of an object, even where it does not say so."""
    try:
        schema = loads(told.encode())
    except ValueError:
        return None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not all(isinstance(entry, dict) for entry in properties.values()):
        return None
    is_one = schema.get("type", "object") == "object" and (
        "type" in schema or isinstance(schema.get("required"), list)
    )
    return {"type": "object", **schema} if is_one else None


# --- an example of the object --------------------------------------------------------------------


def _example(text: str) -> Asked | None:
    at = text.find("{")
    while at >= 0:
        reader = _Example(text, at)
        try:
            schema = reader.value(0)
        except ValueError:
            schema = {}
        if schema.get("properties"):
            told = text[at : reader.at]
            return Asked(schema, told)
        at = text.find("{", max(reader.at, at + 1))
    return None


class _Example:
    """Reads an example of a value as people write them, and returns a schema of it. Raises ValueError."""

    _SPACE = re.compile(r"(?:\s+|//[^\n]*)*")
    _STRING = re.compile(r"\"([^\"\n]{0,200})\"|'([^'\n]{0,200})'")
    _BARE = re.compile(r"[^,\]}\n\"'{\[]{1,80}(?:\[\])?")

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def _next(self) -> str:
        """Return the next character that is no space."""
        space = self._SPACE.match(self.text, self.at)
        self.at = space.end() if space is not None else self.at
        return self.text[self.at : self.at + 1]

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"nothing to read at {self.at}")
        self.at = found.end()
        return found

    def value(self, depth: int) -> Json:
        """Read a value."""
        mark = self._next()
        if depth > DEEPEST:
            raise ValueError("too deep")
        if mark == "{":
            return self._object(depth)
        if mark == "[":
            return self._array(depth)
        if mark in ('"', "'"):
            choices = [self._string()]
            while self._next() == "|":
                self.at += 1
                if self._next() not in ('"', "'"):
                    break
                choices.append(self._string())
            return _meant("|".join(choices), quoted=True)
        return _meant(self._take(self._BARE)[0].strip(), quoted=False)

    def _string(self) -> str:
        found = self._take(self._STRING)
        return found[1] if found[1] is not None else found[2]

    def _inside(self, end: str) -> Iterator[str]:
        """Yield at each thing between brackets what it begins with; who asks reads it."""
        self.at += 1
        while (mark := self._next()) != end:
            if not mark:
                raise ValueError(f"no {end} at the end")
            if mark in ",.…":
                self.at += 1
            else:
                yield mark
        self.at += 1

    def _object(self, depth: int) -> Json:
        properties: Json = {}
        for mark in self._inside("}"):
            key = self._string() if mark in "\"'" else self._take(_BARE_KEY)[0]
            if self._next() == "?":
                self.at += 1
            if self._next() != ":":
                raise ValueError("a key without a value")
            self.at += 1
            properties[key] = self.value(depth + 1)
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _array(self, depth: int) -> Json:
        items = [self.value(depth + 1) for _ in self._inside("]")]
        return {"type": "array", "items": items[0] if items else {"type": "string"}}


def _meant(said: str, *, quoted: bool) -> Json:
    """Return what an example of a plain value stands for."""
    said = said.strip("<> ")
    if said.endswith("[]"):
        return {"type": "array", "items": _meant(said[:-2], quoted=quoted)}
    choices = [choice.strip("\"' ") for choice in re.split(r"\s*[|/]\s*", said)]
    if len(choices) > 1 and all(0 < len(choice) <= 40 for choice in choices) and "|" in said:
        named = {_TYPES.get(choice, choice) for choice in choices}
        if named <= {*_TYPES.values(), "null"}:
            return {"type": sorted(named, key=lambda kind: kind == "null")}
        return {"enum": choices}
    if said.lower() in _TYPES:
        return {"type": _TYPES[said.lower()]}
    if not quoted and said in ("true", "false"):
        return {"type": "boolean"}
    if not quoted and re.fullmatch(r"-?\d+(\.\d+)?", said):
        return {"type": "number" if "." in said else "integer"}
    return {"type": "string"}

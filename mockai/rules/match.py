"""What a rule wants of a request: conditions, each with the words that explain a miss.

The table `CONDITIONS` is the vocabulary of `match` in rule files; a format of its own may add conditions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from fnmatch import translate
from operator import attrgetter
from typing import Any

from mockai.rules.literals import required
from mockai.rules.request import Request
from mockai.wire.codec import dumps_text

SHOWN = 60
"""Characters of a value in an explanation."""
SHORT = 3
"""Letters of words that say nothing about how near two texts are."""
GLOB = re.compile(r"[*?\[]")
SNAPSHOT = re.compile(r"-\d")


class RuleError(ValueError):
    """A value that a rule cannot have. The message says what is wrong; `hint` what to do."""

    def __init__(self, text: str, hint: str = "", path: tuple[str | int, ...] = ()) -> None:
        """Hold the words; `path` leads from the entry to the value."""
        super().__init__(text)
        self.text, self.hint, self.path = text, hint, path


@dataclass(frozen=True, slots=True)
class Key:
    """How a condition is found without looking at every rule: only requests with `value` among theirs can meet it."""

    kind: str
    value: str
    values: Callable[[Request], Any]
    """Reads the request's values of this kind: strings, or for a `part` the one text (or None)."""
    part: bool = False
    """The value is a part of the text."""
    whole: bool = True
    """To have it is to meet the condition: it is all that is wanted."""
    folded: bool = False
    """The part is one of what `folded` makes of the text."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One demand on a request."""

    name: str
    wanted: str
    """What is wanted, as explanations show it."""
    read: Callable[[Request], Any]
    test: Callable[[Any], bool]
    """Judges what was read; anything may come, None included."""
    keys: tuple[Key, ...] = ()
    """What a request that meets the demand has, each."""

    @property
    def key(self) -> Key | None:
        """Return the key that says as much as the demand does, if there is one."""
        return self.keys[0] if self.keys and self.keys[0].whole else None

    def holds(self, request: Request) -> bool:
        """Return whether the request meets the demand."""
        return self.test(self.read(request))

    def nearness(self, request: Request) -> float:
        """Return how much of the demand is there: -1 without anything to look at, 1 for every long word."""
        found = self.read(request)
        if found is None:
            return -1.0
        words = {word for word in self.wanted.strip('"').lower().split() if len(word) > SHORT}
        return len(words & set(str(found).lower().split())) / len(words) if words else 0.0

    def difference(self, request: Request) -> str:
        """Explain why the request does not meet the demand."""
        return f"{self.name}: wanted {self.wanted}, got {shown(self.read(request))}"


@dataclass(frozen=True, slots=True)
class Match:
    """All conditions of a rule; none at all is met by every request to its endpoints."""

    conditions: tuple[Condition, ...] = ()
    judged: tuple[Condition, ...] = field(init=False, repr=False, compare=False)
    """The same, those first that only compare texts."""

    def __post_init__(self) -> None:
        """Put them in order."""
        judged = sorted(self.conditions, key=lambda condition: condition.key is None)
        object.__setattr__(self, "judged", tuple(judged))

    def holds(self, request: Request) -> bool:
        """Return whether the request meets every condition."""
        for condition in self.judged:  # noqa: SIM110 - every request comes here, and a loop is quicker
            if not condition.test(condition.read(request)):
                return False
        return True

    def missed(self, request: Request) -> list[Condition]:
        """Return the conditions that the request does not meet."""
        return [condition for condition in self.conditions if not condition.holds(request)]


def shown(value: Any) -> str:
    """Return a value for people, on one line, shortened."""
    if value is None:
        return "nothing"
    text = dumps_text(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


# --- kinds of conditions -------------------------------------------------------------------------


def expression(name: str, text: str) -> re.Pattern[str] | None:
    """Return the pattern of `/…/` with the flags i, m and s behind it, or None for other text."""
    found = re.fullmatch(r"/(.*)/([a-z]*)", text, re.S)
    if found is None:
        return None
    flags = 0
    for letter in found[2]:
        if letter not in "ims":
            raise RuleError(
                f"{name}: {letter!r} is no flag of a regular expression", "use i, m or s behind the last /"
            )
        flags |= {"i": re.I, "m": re.M, "s": re.S}[letter]
    try:
        return re.compile(found[1], flags)
    except re.error as error:
        hint = "escape it with a backslash, or leave the slashes out to look for plain text"
        raise RuleError(f"{name}: {text} is no regular expression ({error})", hint) from None


def text(name: str, wanted: Any, read: Callable[[Request], str | None]) -> list[Condition]:
    """Demand a part of a text or a /pattern/; of a list, every entry."""
    if isinstance(wanted, list):
        return [condition for entry in wanted for condition in text(name, entry, read)]
    if not isinstance(wanted, str):
        raise RuleError(f"{name}: {shown(wanted)} is no text", "write it in quotes")
    pattern = expression(name, wanted)
    if pattern is not None:
        search, keys = pattern.search, _required(name, pattern, read)
        return [Condition(name, wanted, read, lambda found: found is not None and search(found) is not None, keys)]
    key = Key(name, wanted, read, part=True)
    return [Condition(name, shown(wanted), read, lambda found: found is not None and wanted in found, (key,))]


def _required(name: str, pattern: re.Pattern[str], read: Callable[[Request], str | None]) -> tuple[Key, ...]:
    """Return what a text has that the pattern is found in."""
    fold = bool(pattern.flags & re.I)
    parts = required(pattern.pattern, fold=fold)
    return tuple(Key(name, part, read, part=True, whole=False, folded=fold) for part in parts)


def exact(name: str, wanted: Any, read: Callable[[Request], str | None]) -> list[Condition]:
    """Demand a string, exactly."""
    if not isinstance(wanted, str):
        raise RuleError(f"{name}: {shown(wanted)} is no text", "write it in quotes")
    key = Key(name, wanted, lambda request: _one(read(request)))
    return [Condition(name, shown(wanted), read, lambda found: found == wanted, (key,))]


def _one(value: str | None) -> Collection[str]:
    return () if value is None else (value,)


def model(name: str, wanted: Any) -> list[Condition]:
    """Demand a model: a glob, a /pattern/, or a name, which also stands for its dated snapshots."""
    if not isinstance(wanted, str) or not wanted:
        raise RuleError(
            f"{name}: {shown(wanted)} is no model", "write a name, a glob such as gpt-4o*, or a /pattern/"
        )
    pattern = expression(name, wanted)
    if pattern is None and GLOB.search(wanted):
        pattern = re.compile(translate(wanted))
    if pattern is not None:
        search = pattern.search
        return [
            Condition(
                name, wanted, attrgetter("model"), lambda found: found is not None and search(found) is not None
            )
        ]

    def test(found: str | None) -> bool:
        if found is None or not found.startswith(wanted):
            return False
        return len(found) == len(wanted) or SNAPSHOT.match(found, len(wanted)) is not None

    return [Condition(name, wanted, attrgetter("model"), test, (Key(name, wanted, _models),))]


def _models(request: Request) -> Collection[str]:
    """Return the names that stand for the model: its own, and it without what follows a `-` and a digit."""
    name = request.model
    if name is None:
        return ()
    return (name, *(name[: found.start()] for found in SNAPSHOT.finditer(name)))


def tool(name: str, wanted: Any) -> list[Condition]:
    """Demand that a tool of this name is offered."""
    if not isinstance(wanted, str):
        raise RuleError(f"{name}: {shown(wanted)} is no name", "write the name of a tool that the request offers")
    key = Key(name, wanted, attrgetter("tools"))
    return [Condition(name, wanted, lambda request: request.tools, lambda found: wanted in found, (key,))]


def flag(name: str, wanted: Any, read: Callable[[Request], bool]) -> list[Condition]:
    """Demand yes or no."""
    if not isinstance(wanted, bool):
        raise RuleError(f"{name}: {shown(wanted)} is neither true nor false")
    key = Key(name, str(wanted), lambda request: (str(read(request)),))
    return [Condition(name, shown(wanted), read, lambda found: found is wanted, (key,))]


def number(name: str, wanted: Any, read: Callable[[Request], int]) -> list[Condition]:
    """Demand a number."""
    if type(wanted) is not int:
        raise RuleError(f"{name}: {shown(wanted)} is no whole number", "count from 0")
    key = Key(name, str(wanted), lambda request: (str(read(request)),))
    return [Condition(name, shown(wanted), read, lambda found: found == wanted, (key,))]


def header(name: str, wanted: Any) -> list[Condition]:
    """Demand headers: of each name a value, or a /pattern/."""
    if not isinstance(wanted, dict) or not wanted:
        raise RuleError(f"{name}: {shown(wanted)} is no mapping of headers", "write `header: {x-name: value}`")
    return [condition for each, value in wanted.items() for condition in _header(str(each).lower(), value)]


def _header(name: str, value: Any) -> list[Condition]:
    label = f"header.{name}"

    def read(request: Request) -> str | None:
        return request.header(name)

    if isinstance(value, str) and expression(label, value) is not None:
        return text(label, value, read)
    return exact(label, str(value) if type(value) is int else value, read)


CONDITIONS: dict[str, Callable[[str, Any], list[Condition]]] = {
    "toolCallId": lambda name, wanted: exact(name, wanted, attrgetter("call_id")),
    "header": header,
    "context": lambda name, wanted: exact(name, wanted, lambda request: request.header("x-aimock-context")),
    "model": model,
    "toolName": tool,
    "responseFormat": lambda name, wanted: exact(name, wanted, attrgetter("form")),
    "hasToolResult": lambda name, wanted: flag(name, wanted, attrgetter("has_result")),
    "turnIndex": lambda name, wanted: number(name, wanted, attrgetter("turn")),
    "systemMessage": lambda name, wanted: text(name, wanted, attrgetter("system")),
    "toolResultContains": lambda name, wanted: text(name, wanted, attrgetter("result_text")),
    "inputText": lambda name, wanted: text(name, wanted, attrgetter("input")),
    "userMessage": lambda name, wanted: text(name, wanted, attrgetter("user")),
}
"""What `match` may say, in the order in which it is judged: what is compared at a glance, before what is searched."""

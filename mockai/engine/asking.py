"""Which of the offered tools a message asks for: clause by clause, by the words that it shares with them.

Each clause asks for the one tool that it scores best with, if for any; a clause that asks for none goes on with what
the one before it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mockai.engine import mentions
from mockai.engine.accounting import name_of
from mockai.engine.mentions import words
from mockai.engine.slots import TEXTS, Slots

Json = dict[str, Any]

ENOUGH = 2.0
NAME_WEIGHT, DESCRIPTION_WEIGHT, PARAMETER_WEIGHT = 2.0, 1.0, 1.0
RELATED = 0.5  # what a related word counts, as a share of the word itself
OFFER_WEIGHT, CHOICE_WEIGHT = 1.0, 1.0  # a value for a parameter; a value of an enum
NAMED_WHOLLY = 100.0
READ = 4000
MOST_CLAUSES = 24

# Words that say nothing about what a tool is for.
STOP_WORDS = frozenset(
    (
        "a about all also am an and any are as at be but by can could current currently data did do does each for "
        "from function get gets give given has have hello her hi his how i if in info information input into is "
        "it its just like make me my need new no not now of off on one or our out please return returns set so "
        "some tell that the their them then there these they this to today tool type up us use used user value "
        "want was we what when where which who whom why will with would you your e g eg etc"
    ).split()
)
# Those of them that say something in the name of a tool.
NOUNS = frozenset("data function info information input today tool type user value".split())
PREPOSITIONS = frozenset("about as at between by for from given in into of on that to using via with".split())
# Words that ask for the same: one in a message counts for the others in a name.
RELATIONS = (
    "weather forecast temperature rain rainy raining snow sunny hot cold warm umbrella degrees climate",
    "stock share ticker trading traded quote",
    "price cost costs",
    "search find look lookup query browse",
    "create add make schedule plan new",
    "delete remove cancel erase clear",
    "update change edit modify rename",
    "send message mail email write text",
    "todo task remind reminder",
    "calculate calculator compute evaluate math arithmetic solve",
    "sum plus add",
    "multiply times product",
    "divide divided",
    "subtract minus difference",
    "list show display",
    "read open view show",
    "run execute",
    "directory folder",
    "flight fly flying",
    "time clock oclock",
    "music song play listen",
    "translate translation translator",
    "event meeting appointment",
)
# What signs between numbers say.
_CALCULATES = "calculate calculator compute evaluate math arithmetic expression"
SIGNS = (
    (re.compile(r"\d\s*[*×]\s*\d|\d (?:x|times) \d"), f"multiply times product {_CALCULATES}"),
    (re.compile(r"\d\s*\+\s*\d|\d plus \d"), f"add plus sum {_CALCULATES}"),
    (re.compile(r"(?<![\d:])\d+(?:\.\d+)? - \d+(?![\d:])"), f"subtract minus difference {_CALCULATES}"),
    (re.compile(r"\d\s*÷\s*\d|\d / \d|(?:what's|what is|calculate) \d+/\d", re.I), f"divide {_CALCULATES}"),
    (re.compile(r"\d\s*(?:\^|\*\*)\s*\d"), f"power {_CALCULATES}"),
    (re.compile(r"\d\s?(?:%|percent) of \W?\d", re.I), f"percent percentage {_CALCULATES}"),
    (re.compile(r"[$€£¥]\s?\d"), "price cost amount"),
)

# --- what is said --------------------------------------------------------------------------------


def stem(word: str) -> str:
    """Return a word without its ending, so that «files» is «file» and «reminder» is «remind»."""
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    return word


_ENDINGS = (
    *((ending, 5) for ending in ("ers", "er", "ors", "or")),
    *((ending, 3) for ending in ("ations", "ation", "ings", "ing", "ies", "es", "ed", "s", "e", "y")),
)


def stems(found: Sequence[str]) -> set[str]:
    """Return the stems of the words that say something."""
    return {stem(word) for word in found if word not in STOP_WORDS and len(word) > 1}


def _related() -> Mapping[str, set[int]]:
    index: dict[str, set[int]] = {}
    for number, group in enumerate(RELATIONS):
        for word in group.split():
            index.setdefault(stem(word), set()).add(number)
    return index


_GROUPS = _related()


class Said:
    """A text as it is compared with tools."""

    def __init__(self, text: str, shown: str | None = None) -> None:
        """Take in `text`; `shown` is the same without what it quotes."""
        self.text, self.lowered = text, text.lower()
        shown = text if shown is None else shown
        spoken = words(shown)
        for sign, meaning in SIGNS:
            if sign.search(shown):
                spoken += meaning.split()
        self.words = frozenset(spoken)
        self.stems = stems(spoken)
        self.groups = {group for entry in self.stems for group in _GROUPS.get(entry, ())}

    @cached_property
    def slots(self) -> Slots:
        """Return the values that the text offers."""
        return Slots(self.text)


# --- what is offered -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """A declared tool, as it is compared with texts."""

    tool: Json
    name: str
    named: Mapping[str, float]
    """The stems of its name and what they weigh."""
    plain: Mapping[str, float]
    """Common words of its name, which count as they are."""
    described: set[str]
    parameters: set[str]
    verb: str
    """The first word of its name."""
    properties: Json

    @staticmethod
    def of(tool: Json) -> Profile:
        """Read a declaration."""
        inner = tool.get("function") or tool.get("custom") or {}
        parts = words(name_of(tool))
        description = words(str(inner.get("description") or "")[:2000])
        named = stems(parts)
        plain = [word for word in parts if word in NOUNS]
        if not any(len(word) > 2 for word in named):  # the name says nothing: what the description begins with does
            plain = [word for word in parts if word in STOP_WORDS and len(word) > 2]
            named = stems(_headline(description))
        described = stems(description) - named
        declared = inner.get("parameters")
        properties = declared.get("properties") if isinstance(declared, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        keys = [word for key in list(properties)[:100] for word in words(key)]
        return Profile(
            tool,
            name_of(tool).lower(),
            dict.fromkeys(named, NAME_WEIGHT),
            dict.fromkeys(plain, NAME_WEIGHT * RELATED),
            described,
            stems(keys) - named - described,
            parts[0] if parts else "",
            properties,
        )

    def score(self, said: Said) -> float:
        """Return how much a text asks for the tool."""
        if self.is_named(said):
            return NAMED_WHOLLY
        name = sum([weight * _share(entry, said) for entry, weight in self.named.items()])
        name += sum([weight for word, weight in self.plain.items() if word in said.words])
        points = (
            name
            + DESCRIPTION_WEIGHT * len(said.stems & self.described)
            + PARAMETER_WEIGHT * len(said.stems & self.parameters)
        )
        if points:
            points += CHOICE_WEIGHT if self._is_chosen_from(said) else 0.0
        if name and points < ENOUGH:
            points += OFFER_WEIGHT if self._is_offered(said) else 0.0
        return points

    def is_named(self, said: Said) -> bool:
        """Return whether the text has the very name of the tool."""
        name = self.name
        if len(name) < 4 or name not in said.lowered:
            return False
        return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said.lowered) is not None

    def offers(self, said: Said) -> Iterator[tuple[str, Json, list[Any]]]:
        """Yield what a text offers for each plain parameter, but for the text itself."""
        for key, entry in list(self.properties.items())[:100]:
            if isinstance(entry, dict) and entry.get("type") != "boolean":
                values = said.slots.several(key, entry, str(entry.get("description") or ""))
                yield key, entry, [value for value in values if value != said.text.strip()]

    def _is_chosen_from(self, said: Said) -> bool:
        choices = [
            choice
            for entry in self.properties.values()
            if isinstance(entry, dict) and isinstance(entry.get("enum"), list)
            for choice in entry["enum"]
            if isinstance(choice, str) and len(choice) > 2
        ]
        return any((found := stems(words(choice))) and found <= said.stems for choice in choices)

    def _is_offered(self, said: Said) -> bool:
        return any(
            values for key, entry, values in self.offers(said) if "enum" not in entry and TEXTS.isdisjoint(words(key))
        )


def _headline(description: Sequence[str]) -> list[str]:
    """Return what a description begins with: the thing, without what it is of."""
    head: list[str] = []
    for word in description[:8]:
        if word in PREPOSITIONS and stems(head):
            break
        head.append(word)
    return head


def _share(entry: str, said: Said) -> float:
    if entry in said.stems:
        return 1.0
    return RELATED if not said.groups.isdisjoint(_GROUPS.get(entry, ())) else 0.0


# --- clauses -------------------------------------------------------------------------------------

# What a clause may begin with that asks for something of its own.
OPENERS = frozenset(
    (
        "are book calculate can check could create delete do does find get give how is list look make please remind "
        "run search send set show tell translate turn update what when where which who will would write"
    ).split()
)
_BREAK = re.compile(
    r"(?P<end>(?<=[.!?])[\"')\]]*\s+|\s*[\n;]+\s*)"
    r"|(?P<turn>,?\s+(?:and\s+)?(?:then|also|but|next|afterwards|after that|finally|just|instead|now)\b,?\s+)"
    r"|(?P<joint>,\s+(?:(?:and|or|plus)\s+)?|\s+(?:and|(?<!\d )plus|as well as)\s+)",
    re.I,
)
_CONTENT = re.compile(r"\b(?:about|saying|says|regarding|reading)\b|:(?=\s)", re.I)
"""What follows, where what stands before asks for a tool, is what that tool is to work on."""
_THANKS = re.compile(r"\W*(?:thanks?|thank you|thx|cheers)\b", re.I)
_DENIES = re.compile(r"\W*(?:please )?(?:do not|don't|don’t|never|no need to)\b(?! forget)", re.I)
_TELLS = re.compile(
    r"\W*(?:the|it|its|this|that|these|those|my|our|his|her|their|he|she|they)\b[^?]*"
    r"\b(?:is|are|was|were|should|will|must|has|have)\b[^?]*$",
    re.I,
)
_WRITES = re.compile(
    r"\W*(?:(?:please|now|can you|could you|just)\W+)*(?:tell|write|compose|make up|sing)\b.{0,24}?"
    r"\b(joke|poem|story|haiku|song|essay|limerick|riddle)s?\b",
    re.I,
)
"""What a model makes up by itself."""


PARAGRAPH = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message; `shown` is it without what it quotes."""

    text: str
    shown: str
    start: int
    begins: int
    """What it begins: a paragraph (2), a sentence (1), or neither."""


def clauses(text: str, verbs: frozenset[str]) -> list[Clause]:
    """Split a text where sentences end, at «then», and at commas and «and»; at verbs a new sentence begins."""
    shown = _without_quotes(text)
    cuts = [(0, 0, PARAGRAPH)]
    for found in _BREAK.finditer(shown):
        if len(cuts) == MOST_CLAUSES:
            break
        after = words(shown[found.end() : found.end() + 24])[:1]
        sentence = found["joint"] is None or not verbs.isdisjoint(after)
        cuts.append((found.start(), found.end(), PARAGRAPH if found[0].count("\n") > 1 else int(sentence)))
    ends = [start for start, _, _ in cuts[1:]] + [len(text)]
    return [
        Clause(text[start:end], shown[start:end], start, begins)
        for (_, start, begins), end in zip(cuts, ends, strict=True)
        if shown[start:end].strip()
    ]


def _without_quotes(text: str) -> str:
    for entry in mentions.quoted(text):
        for left, right in ('""', "''", "``", "“”"):
            text = text.replace(f"{left}{entry}{right}", f"{left}{'_' * len(entry)}{right}")
    return text


# --- what is asked for ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A tool that a message asks for, and the part of the message that does."""

    profile: Profile
    start: int
    end: int
    opening: Said


def asked(text: str, tools: Sequence[Json]) -> list[tuple[Profile, str]]:
    """Return the tools that a message asks for, each with the part of the message that does, in its order."""
    text = text[-READ:]
    profiles = [Profile.of(tool) for tool in tools]
    verbs = OPENERS | {profile.verb for profile in profiles if len(profile.verb) > 2}
    found: list[Asked] = []
    rest: list[Clause] = []
    busy = 0  # what of the text has come to what its tool works on, or asks for nothing: sentence or paragraph
    for clause in clauses(text, verbs):
        busy = busy if clause.begins < busy else 0
        idle = _is_idle(clause, profiles)
        if not busy and not idle:
            rest.append(clause)
            opening = None if _TELLS.match(clause.shown) else _opening(clause, profiles)
            if opening is not None and _is_new(opening[0], opening[1], found):
                found.append(Asked(opening[0], clause.start, 0, opening[1]))
            busy = 0 if opening is None else opening[2]
        busy = max(busy, int(idle))
        if found:
            found[-1] = replace(found[-1], end=clause.start + len(clause.text))
    if found:
        return [(entry.profile, text[entry.start : entry.end]) for entry in found]
    whole = " ".join(clause.text for clause in rest)
    best = best_of(Said(whole), profiles) if whole else None
    return [] if best is None else [(best, text)]


def best_of(said: Said, profiles: Sequence[Profile], enough: float = ENOUGH) -> Profile | None:
    """Return the tool that a text asks for most, if for any; of equals one whose verb is said, then the first."""
    scored = [(profile.score(said), profile.verb in said.words, profile) for profile in profiles]
    points, _, best = max(scored, key=lambda entry: entry[:2], default=(0.0, False, None))
    return best if points >= enough else None


def _opening(clause: Clause, profiles: Sequence[Profile]) -> tuple[Profile, Said, int] | None:
    """Return the tool that a clause asks for, what asks for it, and how much behind it is what the tool works on."""
    for content in _CONTENT.finditer(clause.shown):
        head = Said(clause.text[: content.start()], clause.shown[: content.start()])
        best = best_of(head, profiles)
        if best is not None:
            return best, Said(clause.text, clause.shown), PARAGRAPH if content[0] == ":" else 1
    said = Said(clause.text, clause.shown)
    best = best_of(said, profiles)
    return None if best is None else (best, said, 0)


def _is_idle(clause: Clause, profiles: Sequence[Profile]) -> bool:
    """Return whether a clause gives thanks, denies, or asks for what the model writes by itself."""
    if _THANKS.match(clause.shown) or _DENIES.match(clause.shown):
        return True
    written = _WRITES.match(clause.shown)
    if written is None:
        return False
    kind = stem(written[1].lower())
    return not any(kind in profile.named or kind in profile.described for profile in profiles)


def _is_new(profile: Profile, said: Said, found: Sequence[Asked]) -> bool:
    """Return whether a clause asks for one more call: of another tool, or with another value than before."""
    before = next((entry for entry in reversed(found) if entry.profile is profile), None)
    if before is None:
        return True
    told = {key: values for key, _, values in profile.offers(before.opening)}
    for key, _, values in profile.offers(said):
        if values and told.get(key) and values[0] not in told[key]:
            return True
    return _orders(said.text) == _orders(before.opening.text) == stem(profile.verb)


def _orders(text: str) -> str:
    """Return the stem of the verb that a text begins with; none where it speaks of something before: «add it»."""
    found = [word for word in words(text[:60]) if word not in ("please", "now", "can", "could", "you", "also", "and")]
    return "" if found[1:2] and found[1] in ("it", "him", "her", "them", "this", "that") else stem("".join(found[:1]))

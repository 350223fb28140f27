"""How much a text asks for a tool: by the words that it shares with the declaration, and by its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mockai.engine import mentions
from mockai.engine.accounting import name_of
from mockai.engine.mentions import words
from mockai.engine.shares import Shares
from mockai.engine.slots import Slots
from mockai.engine.stems import stem_of
from mockai.engine.vocabulary import FORMULAS, IDENTIFIERS, TEXTS

Json = dict[str, Any]

NAME_WEIGHT, DESCRIPTION_WEIGHT, PARAMETER_WEIGHT = 2.0, 1.0, 1.0
RELATED = 0.5  # what a related word counts, as a share of the word itself
OFFER_WEIGHT, CHOICE_WEIGHT = 1.0, 1.0  # a value for a parameter; a value of an enum
SMALL_WEIGHT = 0.1  # what the smallest words of a name count, once others of it are said
NAMED_WHOLLY = 100.0

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
# Verbs that say little alone: «list three colors» is no directory. They count half where a name has other words.
PLAIN_VERBS = (
    "add check create delete fetch find list look lookup make order plan query read retrieve search send set show "
    "turn update view write"
).split()
READS = frozenset("check fetch find get list lookup query read retrieve search show view".split())
"""Verbs of tools that change nothing."""
DESTRUCTIVE = frozenset("cancel close delete destroy drop erase purge remove revoke terminate wipe".split())
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

_MIXED = re.compile(r"[a-z].*\d|\d.*[a-z]", re.I)
"""Letters and figures, as ids have them."""
_CALLED = r"\b(?:call|use|using|run|invoke|execute) (?:the )?(?:tool |function )?[`\"']?"
"""What stands before the name of a tool that is a word as any other."""
FREE = TEXTS | {"title", "summary"}
"""Parameters that any text is a value for."""
QUERIES = frozenset("query question search prompt keyword topic".split())

# --- what is said --------------------------------------------------------------------------------


def stems(found: Sequence[str]) -> set[str]:
    """Return the stems of the words that say something."""
    return {stem_of(word) for word in found if word not in STOP_WORDS and len(word) > 1}


def _related() -> Mapping[str, frozenset[int]]:
    index: dict[str, frozenset[int]] = {}
    for number, group in enumerate(RELATIONS):
        for word in group.split():
            index[stem_of(word)] = index.get(stem_of(word), frozenset()) | {number}
    return index


_GROUPS = _related()
_PLAIN = frozenset(map(stem_of, PLAIN_VERBS))
NONE: frozenset[int] = frozenset()


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
        self.opening = stem_of(next((word for word in words(shown[:60]) if word not in STOP_WORDS), ""))
        self._groups = {entry: groups for entry in self.stems if (groups := _GROUPS.get(entry))}
        self.groups = frozenset(group for groups in self._groups.values() for group in groups)

    def near(self, groups: frozenset[int]) -> set[str]:
        """Return the words that belong to some of these groups of related ones."""
        return {entry for entry, own in self._groups.items() if not groups.isdisjoint(own)}

    @cached_property
    def slots(self) -> Slots:
        """Return the values that the text offers."""
        return Slots(self.text)


# --- what is offered -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a declaration, as stems."""

    named: frozenset[str]
    """Those of the name."""
    plain: frozenset[str]
    """Common words of the name, which count half, and as they are."""
    small: frozenset[str]
    """The rest of the name, which tells equals apart: «on» and «off»."""
    described: frozenset[str]
    parameters: frozenset[str]
    verb: str
    """The first word of the name."""
    all: frozenset[str]
    """All stems of the declaration."""
    groups: frozenset[int]
    """What is related to the name."""
    faint: frozenset[str]
    """Plain verbs of the name, beside other words."""
    destroys: frozenset[str]
    """Verbs of the name that undo what cannot be redone."""

    def weight(self, entry: str) -> float:
        """Return how much a word of the name counts."""
        return RELATED if entry in self.faint else 1.0


@lru_cache(maxsize=1024)
def _wording(name: str, description: str, keys: tuple[str, ...]) -> Wording:
    parts, described = words(name), words(description)
    named = stems(parts)
    plain = [word for word in parts if word in NOUNS]
    if not any(len(word) > 2 for word in named):  # the name says nothing: what the description begins with does
        plain = [word for word in parts if word in STOP_WORDS and len(word) > 2]
        named = stems(_headline(described))
    other = stems(described) - named
    parameters = stems([word for key in keys for word in words(key)]) - named - other
    return Wording(
        named=frozenset(named),
        plain=frozenset(plain),
        small=frozenset(word for word in parts if word in STOP_WORDS) - set(plain),
        described=frozenset(other),
        parameters=frozenset(parameters),
        verb=parts[0] if parts else "",
        all=frozenset(named | other | parameters),
        destroys=frozenset(map(stem_of, DESTRUCTIVE.intersection(parts[:1] + parts[-1:]))),
        faint=frozenset(named & _PLAIN if named - _PLAIN else ()),
        groups=frozenset(group for entry in named for group in _GROUPS.get(entry, ())),
    )


def _headline(description: Sequence[str]) -> list[str]:
    """Return what a description begins with: the thing, without what it is of."""
    head: list[str] = []
    for word in description[:8]:
        if word in PREPOSITIONS and stems(head):
            break
        head.append(word)
    return head


class Profile:
    """A declared tool, as it is compared with texts."""

    def __init__(self, tool: Json) -> None:
        """Read a declaration."""
        inner = tool.get("function") or tool.get("custom") or {}
        declared = inner.get("parameters")
        properties = declared.get("properties") if isinstance(declared, dict) else None
        self.tool, self.name = tool, name_of(tool)
        required = declared.get("required") if isinstance(declared, dict) else None
        self.required: Sequence[Any] = required if isinstance(required, list) else ()
        self.properties: Json = properties if isinstance(properties, dict) else {}
        description = str(inner.get("description") or "")[:2000]
        self.words = _wording(self.name, description, tuple(self.properties)[:100])

    @cached_property
    def shares(self) -> Shares:
        """Return how its parameters share out the numbers of a text."""
        return Shares(self.properties, self.required)

    def score(self, said: Said) -> float:
        """Return how much a text asks for the tool."""
        if self.is_named(said):
            return NAMED_WHOLLY
        if self._is_strange_to(said):
            return 0.0
        own = self.words
        direct = own.named & said.stems
        near = said.near(own.groups) - own.named
        loose = [
            RELATED * own.weight(entry)
            for entry in own.named - direct
            if any(_GROUPS.get(entry, NONE) & _GROUPS[word] for word in near)
        ]
        name = NAME_WEIGHT * (
            sum(own.weight(entry) for entry in direct)
            + sum(sorted(loose, reverse=True)[: len(near)])
            + RELATED * len(own.plain & said.words)
        )
        name += SMALL_WEIGHT * len(said.words & self.words.small) if name else 0.0
        described = said.stems & own.described
        points = (
            name
            + DESCRIPTION_WEIGHT * len(described)
            - DESCRIPTION_WEIGHT * RELATED * (said.opening in described & _PLAIN)
            + PARAMETER_WEIGHT * len(said.stems & self.words.parameters)
        )
        if points:
            points += CHOICE_WEIGHT if self.is_chosen_from(said) else 0.0
        if (name or (points and self._is_identified(said))) and self._is_offered(said):
            points += OFFER_WEIGHT
            points += NAME_WEIGHT * RELATED if said.opening in own.faint else 0.0
        elif name and self._misses(said):
            points -= OFFER_WEIGHT
        return points

    def _is_strange_to(self, said: Said) -> bool:
        """Return whether nothing that a text says has to do with the tool, which is soon found out."""
        own = self.words
        return (
            own.all.isdisjoint(said.stems) and own.groups.isdisjoint(said.groups) and own.plain.isdisjoint(said.words)
        )

    def shared(self, said: Said) -> set[str]:
        """Return the stems of a text that speak of the tool."""
        return (said.stems & self.words.all) | said.near(self.words.groups)

    def spares(self, said: Said) -> bool:
        """Return whether the tool destroys something, and a text says nothing of that."""
        verbs = self.words.destroys
        if not verbs:
            return False
        related = frozenset(group for verb in verbs for group in _GROUPS.get(verb, NONE))
        return related.isdisjoint(said.groups) and not any(word.startswith(tuple(verbs)) for word in said.words)

    def is_named(self, said: Said) -> bool:
        """Return whether the text has the very name of the tool."""
        name = self.name.lower()
        if name not in said.lowered:
            return False
        before = r"(?<!\w)" if len(name) > 3 and len(words(self.name)) > 1 else _CALLED
        return re.search(rf"{before}{re.escape(name)}(?!\w)", said.lowered) is not None

    def offers(self, said: Said) -> Iterator[tuple[str, Json, list[Any]]]:
        """Yield what a text offers for each plain parameter, but for the text itself."""
        for key, entry in list(self.properties.items())[:100]:
            if isinstance(entry, dict) and entry.get("type") != "boolean":
                values = said.slots.several(key, entry, str(entry.get("description") or ""))
                own = self.shares.of(key, values, said.slots)
                yield key, entry, [value for value in own if value != said.text.strip()]

    def is_chosen_from(self, said: Said) -> bool:
        """Return whether a text has one of the values that a parameter is to be chosen from."""
        choices = [
            choice
            for entry in self.properties.values()
            if isinstance(entry, dict) and isinstance(entry.get("enum"), list)
            for choice in entry["enum"]
            if isinstance(choice, str) and len(choice) > 2
        ]
        return any((found := stems(words(choice))) and found <= said.stems for choice in choices)

    def _is_identified(self, said: Said) -> bool:
        """Return whether a text speaks of the very thing of which a parameter wants the id: «it is order_12».

        One that looks like an id, and words of what is looked up, will do: «the status of A-12». Where a choice has
        to be made, too, it has to be said.
        """
        needed = [entry for key, entry in self.properties.items() if key in self.required and isinstance(entry, dict)]
        if any("enum" in entry for entry in needed) and not self.is_chosen_from(said):
            return False
        for key in self.properties:
            of, _, end = key.lower().rpartition("_")
            if end in IDENTIFIERS and of and not said.words.isdisjoint(words(of)):
                told = rf"\b(?:{'|'.join(map(re.escape, words(of)))}) \d"
                return bool(said.slots.found(mentions.identifiers)) or re.search(told, said.lowered) is not None
            if end in IDENTIFIERS and self.words.verb in READS and self._is_described(said):
                return any(map(_MIXED.search, said.slots.found(mentions.identifiers)))
        return False

    def _is_described(self, said: Said) -> bool:
        """Return whether a text has words of the description that say something: «status», but not «find»."""
        return not (said.stems & self.words.described) <= _PLAIN

    def _is_offered(self, said: Said) -> bool:
        """Return whether a text has a value; one that opens with the verb is a query itself: «search for cats».

        So does one that opens with a related verb, and speaks of what the tool is for: «find articles on cats».
        """
        opens = said.opening in self.words.named or (
            not _GROUPS.get(said.opening, NONE).isdisjoint(_GROUPS.get(stem_of(self.words.verb), NONE))
            and self._is_described(said)
        )
        return any(
            bool(values) if FREE.isdisjoint(words(key)) else opens and not QUERIES.isdisjoint(words(key))
            for key, entry, values in self.offers(said)
            if "enum" not in entry
        )

    def _misses(self, said: Said) -> bool:
        """Return whether a tool needs numbers, or something to calculate, and the text has no figures."""
        needed = [(key, entry) for key, entry in self.properties.items() if key in self.required]
        return not any(map(str.isdigit, said.text)) and any(
            key in FORMULAS - {"code"} or (isinstance(entry, dict) and entry.get("type") in ("integer", "number"))
            for key, entry in needed
        )

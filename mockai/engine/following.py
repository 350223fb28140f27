"""Questions that go on from the last call without its words: «And in London?»."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mockai.engine.accounting import name_of
from mockai.engine.asking import OPENERS
from mockai.engine.mentions import words
from mockai.engine.profiles import Profile, Said, stems
from mockai.engine.tools import CONJUNCTIONS, MOST_CALLS, Decision, several
from mockai.engine.vocabulary import SOURCES, TARGETS

Json = dict[str, Any]

_LEADS = re.compile(
    r"\W*(?:(?:ok|okay|great|nice)\W+)?(?:(?:and|or|now|also|then|what about|how about|(?:the )?same)\b[\s,]*)+", re.I
)
MOST_WORDS, LONGEST = 12, 200
# What makes it another question.
ELSE = (OPENERS - {"please"}) | frozenset("i me my we us you your he she they thank thanks".split())
# What may stand beside the new value and changes nothing.
BESIDE = frozenset("tomorrow yesterday tonight next week morning evening too well instead both near with".split())


def decide(text: str, tools: Sequence[Json], name: str, given: Json) -> list[Decision]:
    """Return the calls of the tool that was last called with `given`, with what the text puts in place of that."""
    tool = next((tool for tool in tools if name_of(tool) == name and "function" in tool), None)
    lead = _LEADS.match(text)
    rest = "" if lead is None else text[lead.end() :].strip()
    spoken = words(rest) if len(rest) <= LONGEST else []
    if tool is None or not 0 < len(spoken) <= MOST_WORDS or not ELSE.isdisjoint(spoken):
        return []
    profile = Profile(tool)
    taken = _taken(profile, rest)
    if not taken:
        return []
    known = {key: value for key, value in given.items() if key in profile.properties}
    listed = several(profile, rest)
    if listed is None:
        return [Decision(tool, {**known, **taken})]
    key, values = listed
    return [Decision(tool, {**known, **taken, key: value}) for value in values][:MOST_CALLS]


def _taken(profile: Profile, text: str) -> Json:
    """Return the new values, each for one parameter; none where the text says more than these."""
    directed = _directed(words(text))
    taken: dict[str, Any] = {}
    rest = text
    offers = [(key, values) for key, _, values in profile.offers(Said(text)) if values]
    for key, values in sorted(offers, key=lambda offer: directed.isdisjoint(words(offer[0]))):
        fresh = [value for value in values if value not in taken.values()]
        if fresh:
            taken[key] = fresh[0]
        for value in sorted(map(str, values), key=len, reverse=True):
            rest = re.sub(re.escape(value), " ", rest, flags=re.I)
    known = {*profile.words.named, *profile.words.described, *profile.words.parameters, *stems(list(BESIDE))}
    return taken if stems(words(rest)) - CONJUNCTIONS <= known else {}


def _directed(spoken: Sequence[str]) -> frozenset[str]:
    """Return the words of parameters that are meant first: «to Rome» is the end of a journey."""
    if "to" in spoken:
        return TARGETS
    return SOURCES if "from" in spoken else frozenset()

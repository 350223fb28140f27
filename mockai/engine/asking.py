"""Which of the offered tools a message asks for, clause by clause.

Each clause asks for the one tool that it scores best with, if for any; a clause that asks for none goes on with what
the one before it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from mockai.engine import mentions
from mockai.engine.mentions import words
from mockai.engine.profiles import READS, Profile, Said
from mockai.engine.stems import stem_of

Json = dict[str, Any]

ENOUGH = 2.0
READ = 4000
MOST_CLAUSES = 24

# --- clauses -------------------------------------------------------------------------------------

QUESTIONS = frozenset("are did do does how is was were what when where which who will".split())
# What a clause may begin with that asks for something of its own.
OPENERS = QUESTIONS | frozenset(
    (
        "book calculate can check could create delete find get give list look make please remind run search send set "
        "show tell translate turn update would write"
    ).split()
)
_BREAK = re.compile(
    r"(?P<end>(?<=[.!?])[\"')\]]*+\s++(?:(?:and\s++)?(?:then|also|next|finally|now)\b,?\s++)?|(?<!\s)\s*?[\n;]\s*+)"
    r"|(?P<turn>(?<!\s),?\s++(?:and\s++)?(?:then|also|but|afterwards|after that)\b,?\s++"
    r"|(?<!\s)(?:,\s++|\s++and\s++)(?:next|finally|just|instead|now)\b,?\s++)"
    r"|(?P<joint>(?<!\s)(?:,\s++(?:(?:and|or|plus)\s++)?|\s++(?:and|(?<!\d )plus|as well as)\s++))",
    re.I,
)
_CONTENT = re.compile(r"\b(?:about|saying|says|regarding|reading)\b|:(?=\s)|(?<=\bme) (?:to|that)\b", re.I)
"""What follows, where what stands before asks for a tool, is what that tool is to work on."""
_IDLE = re.compile(
    r"\W*(?:thanks?|thank you|thx|cheers|i (?:really |just )?(?:love|like|hate|enjoy)(?! to)|i will|i'll|i’ll"
    r"|(?:please )?(?:do not|don't|don’t|never|no need to)(?! forget))\b",
    re.I,
)
"""Gives thanks, an opinion or a promise, or denies."""
_TELLS = re.compile(
    r"\W*(?:the|it|its|this|that|these|those|my|our|his|her|their|he|she|they)\b[^?]*?"
    r"\b(?:is|are|was|were|should|will|must|has|have)\b",
    re.I,
)
_ASIDE = r"\W*(?:(?:please|now|can you|could you|just)\W+)*"
_WRITES = re.compile(
    rf"{_ASIDE}(?:(?:tell|write|compose|create|make up|sing)\b.{{0,24}}?"
    r"\b(joke|poem|story|haiku|song|essay|limerick|riddle|function|program|script|sentence)s?\b"
    r"|(summarize|summarise|translate|rewrite|rephrase|paraphrase|proofread|explain|classify)\b[^:]*:)",
    re.I,
)
"""What a model makes up by itself, or works on by itself: all that follows."""


PARAGRAPH, EVERYTHING = 2, 3


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
    profiles = [Profile(tool) for tool in tools]
    verbs = OPENERS | {profile.words.verb for profile in profiles if len(profile.words.verb) > 2}
    found: list[Asked] = []
    rest: list[Clause] = []
    busy = 0  # what of the text has come to what its tool works on, or asks for nothing: sentence or paragraph
    broad: Profile | None = None  # what the sentence as a whole asks for
    parts = clauses(text, verbs)
    for at, clause in enumerate(parts):
        if clause.begins:
            broad = _broad(parts[at:], profiles)
        busy = busy if clause.begins < busy else 0
        idle = _idle(clause, profiles)
        if not busy and not idle:
            rest.append(clause)
            tells = "?" not in clause.shown and _TELLS.match(clause.shown)
            opening = None if tells else _opening(clause, profiles, broad)
            if opening is not None and _is_new(opening[0], opening[1], found):
                found.append(Asked(opening[0], clause.start, 0, opening[1]))
            busy = 0 if opening is None else opening[2]
        busy = max(busy, idle)
        if found:
            found[-1] = replace(found[-1], end=clause.start + len(clause.text))
    if found:
        return [(entry.profile, text[entry.start : entry.end]) for entry in found]
    whole = _said(rest)
    best = best_of(whole if whole.stems else Said(whole.text), profiles)
    return [] if best is None else [(best, text)]


def best_of(said: Said, profiles: Sequence[Profile], enough: float = ENOUGH) -> Profile | None:
    """Return the tool that a text asks for most, if for any.

    Of equals a question wants one that reads, an order the one of which the verb is said, or a choice, or else one
    that reads. One that destroys something is asked for by its own verb only.
    """
    asks = not QUESTIONS.isdisjoint(words(said.text[:24])[:1])

    def rank(profile: Profile) -> tuple[float, bool, bool, bool, bool]:
        reads = profile.words.verb in READS
        points, says = profile.score(said), profile.words.verb in said.words
        return (points, reads and asks, says, points >= enough and profile.is_chosen_from(said), reads)

    ranked = [(rank(profile), profile) for profile in profiles if not profile.spares(said)]
    (points, *_), best = max(ranked, key=lambda entry: entry[0], default=((0.0, False), None))
    return best if points >= enough else None


def _broad(parts: Sequence[Clause], profiles: Sequence[Profile]) -> Profile | None:
    """Return the tool that the first sentence asks for as a whole, where it has several clauses."""
    sentence = [parts[0], *takewhile(lambda clause: not clause.begins, parts[1:])]
    return best_of(_said(sentence), profiles) if len(sentence) > 1 else None


def _said(parts: Sequence[Clause]) -> Said:
    return Said(" ".join(clause.text for clause in parts), " ".join(clause.shown for clause in parts))


def _opening(clause: Clause, profiles: Sequence[Profile], broad: Profile | None) -> tuple[Profile, Said, int] | None:
    """Return the tool that a clause asks for, what asks for it, and how much behind it is what the tool works on.

    That of the sentence is taken where all that the clause says speaks of it, too.
    """
    said = Said(clause.text, clause.shown)
    for content in _CONTENT.finditer(clause.shown):
        head = Said(clause.text[: content.start()], clause.shown[: content.start()])
        best = best_of(head, profiles)
        if best is not None:
            return best, said, PARAGRAPH if content[0] == ":" else 1
    best = best_of(said, profiles)
    if best is not None and broad is not None and best.shared(said) <= broad.words.all:
        best = broad
    return None if best is None else (best, said, 0)


def _idle(clause: Clause, profiles: Sequence[Profile]) -> int:
    """Return how much asks for nothing, or for what the model does by itself: none, the sentence, or everything."""
    if _IDLE.match(clause.shown):
        return 1
    own = _WRITES.match(clause.shown)
    if own is None:
        return 0
    kind = stem_of((own[1] or own[2]).lower())
    if any(kind in profile.words.named or kind in profile.words.described for profile in profiles):
        return 0
    return 1 if own[1] else EVERYTHING


def _is_new(profile: Profile, said: Said, found: Sequence[Asked]) -> bool:
    """Return whether a clause asks for one more call: of another tool, or with another value than before."""
    before = next((entry for entry in reversed(found) if entry.profile is profile), None)
    if before is None:
        return True
    told = {key: values for key, _, values in profile.offers(before.opening)}
    for key, _, values in profile.offers(said):
        if values and told.get(key) and values[0] not in told[key]:
            return True
    return _orders(said.text) == _orders(before.opening.text) == stem_of(profile.words.verb)


def _orders(text: str) -> str:
    """Return the stem of the verb that a text begins with; none where it speaks of something before: «add it»."""
    found = [word for word in words(text[:60]) if word not in ("please", "now", "can", "could", "you", "also", "and")]
    return (
        "" if found[1:2] and found[1] in ("it", "him", "her", "them", "this", "that") else stem_of("".join(found[:1]))
    )

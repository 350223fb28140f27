"""What a message leaves no choice about: what it orders to be said, and plain sums.

An order has a text («Reply with exactly: pong»), or a few to choose from («Answer yes or no»).
Only plain orders count. What hangs on a condition («reply with 'none' if there is nothing») is left to the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mockai.engine import conversation, interpreter
from mockai.engine.draw import Draw
from mockai.engine.mentions import NO_CODES
from mockai.engine.slots import Slots

READ = 1000
"""Characters that are read at the end of a message, and of its beginning."""
LONGEST_SUM = 200
"""Characters of a message that asks for a sum and nothing else."""
SUM_ENDS = frozenset("0123456789)=?.! \n")
"""How such a message ends."""


def _written(verbs: str) -> frozenset[str]:
    """Return verbs as they stand in a text."""
    return frozenset(f"{each}{end}" for verb in verbs.split() for each in (verb, verb.title()) for end in ("", ":"))


PLAIN_VERBS = _written("answer reply respond repeat echo choose")
"""Verbs that may be an order by themselves,"""
VERBS = PLAIN_VERBS | _written("say output print return write classify label pick categorize categorise rate")
"""and those that may be one with a word such as «only»."""
SYSTEM = ("system", "developer")
"""Roles of the messages that order something for all that follows."""

_START = r"(?:^|[.!?:;,\n—-]\s*|\b(?:and|please|always|simply|just|only|must|should) )"
_QUOTED = r"\"[^\"\n]+\"|“[^”\n]+”|'[^'\n]+'(?!\w)|`[^`\n]+`"
_VERB = r"(?P<verb>say|answer|reply|respond|output|print|return|write|repeat|echo)\b(?: (?:back|to me))?"
_MANNER = (
    r"with|by saying|exactly|verbatim|only|just|simply|nothing but|and|after me|the|this|a|single|following|same"
)
_NOUN = r"(?P<noun>words?|phrase|text|sentence|string|message|letter|number)"
_TEXT = re.compile(
    rf"(?P<order>{_START}{_VERB}(?: (?:{_MANNER}))*(?: {_NOUN})?(?: (?:exactly|only|verbatim|after me))?"
    rf"(?P<colon>:)?)\s+(?:(?P<quoted>{_QUOTED})|(?P<bare>\S[^\n]*))",
    re.I,
)
_STRICT = re.compile(r"\b(?:exactly|verbatim|only|just|nothing but|after me|word|repeat|echo)\b", re.I)
_NOTHING_ELSE = re.compile(r",? (?:only|and nothing else)[.!]?$", re.I)
_ENDS = re.compile(r"[.!]?\s*(?:\n|$)")
_OR = re.compile(r",? or\b|, [\"'`“]")
_CONDITION = re.compile(r"\b(?:if|when|whenever|unless|otherwise|(?<!nothing )else|until)\b", re.I)
# What stands bare behind «say» or «the word», and is not what is to be said.
_NOT_SAID = frozenset("anything count it itself list more nothing order please so something that this what".split())

_OPTION = rf"(?:{_QUOTED}|\w[\w-]*)"
_CHOOSE = (
    r"(?:answer|reply|respond|output|return|say|classify|label|choose|pick|categori[sz]e|rate)\b[^.\n?!:]{0,80}?"
)
_ONE_OF = (
    r"\bone (?:of|label|category|class|option|value|word)\b[^.\n?!:]{0,40}:|\bone of(?: the (?:words?|labels?))?"
)
_AS = r"with|as|only|just|exactly|either|between|words?|letters?|answer|reply|respond|return|output|say"
_CHOICE = re.compile(
    rf"{_START}{_CHOOSE}(?:(?:{_ONE_OF}) (?P<some>{_OPTION}(?:, {_OPTION}){{0,20}}(?:,? or |, ){_OPTION})"
    rf"|\b(?:{_AS}):? (?P<either>{_OPTION}(?:, {_OPTION}){{0,20}},? or {_OPTION})"
    r"|(?<=answer|.reply|espond) (?P<closed>yes or no|true or false))"
    r"(?=\s*(?:$|[.!?:;,\n(]| (?:only|and nothing|as the|based|depending)\b))",
    re.I,
)
_BETWEEN = re.compile(r",? or (?=[\w\"'`“])|, (?=[\w\"'`“])")
_SUM = re.compile(
    r"\s*(?:what(?:['’]s| is)|how much is|calculate|compute|evaluate|solve(?: for [a-z]:?)?)?:?\s*(?=[\d(])"
    r"(?:[\d\s().^*/+=-]|(?<![a-z])[a-z](?![a-z]))*?[\s=]*[?.!]?\s*"
    r"(?P<bare>(?:answer|reply|respond|give|return)\b[\w ]*\b(?:just|only)\b[\w ]*\bnumber[\w ]*[.!]?\s*)?",
    re.I,
)
_QUESTION = re.compile(r"\((yes|true|y) ?(?:/|or) ?(no|false|n)\)[?.:]?\s*$", re.I)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be said: one text, or one of several."""

    options: tuple[str, ...]
    listed: str = ""
    """The options as they stand in the order."""

    def obeyed(self, texts: Sequence[str], rng: Draw) -> str:
        """Return what to say: of several, what the texts (the latest first) speak for, or else any."""
        if len(self.options) == 1:
            return self.options[0]
        first, *earlier = [text.replace(self.listed, " ") for text in texts]
        said = Slots(first, earlier).value("", {"enum": list(self.options)})
        return said if isinstance(said, str) else rng.choice(self.options)


def order(messages: Sequence[Any]) -> Order | None:
    """Return what the last message of the user orders to be said, or one of the system; None if none does."""
    asked = False
    for message in reversed(messages):
        role = message["role"]
        if role in SYSTEM or (role == "user" and not asked):
            asked = asked or role == "user"
            text = conversation.text_of(message.get("content"))
            found = read(text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}")
            if found is not None:
                return found
    return None


def read(text: str) -> Order | None:
    """Return what a text orders to be said; None if it orders nothing."""
    if len(text) <= LONGEST_SUM and text[-1:] in SUM_ENDS and (asked := _SUM.fullmatch(text)) is not None:
        return _sum(text, bare=asked["bare"] is not None)
    question = _QUESTION.search(text) if text.rstrip(" ?.:\n")[-1:] == ")" else None
    if question is not None:
        return Order(question.groups())
    if not _may_order(text):
        return None
    for found in _TEXT.finditer(text):
        said = _said(text, found)
        if said and not _hangs(text, found):
            return Order((said,))
    for found in _CHOICE.finditer(text):
        if not _hangs(text, found):
            listed = found["some"] or found["either"] or found["closed"]
            return Order(tuple(part.strip("\"'`“”") for part in _BETWEEN.split(listed)), listed)
    return None


def _may_order(text: str) -> bool:
    """Return whether a verb of an order is there, and it is one: the patterns take many times as long."""
    verbs = VERBS.intersection(text.split())
    if not verbs:
        return False
    strict = "nly" in text or "ust " in text or "xactly" in text or "erbatim" in text or "word" in text
    strict = strict or " or " in text or "ne of" in text or "ne label" in text or "nothing" in text
    return strict or not verbs.isdisjoint(PLAIN_VERBS)


def _sum(text: str, *, bare: bool) -> Order | None:
    """Return what a sum or an equation comes to, in a sentence or bare; None if it is none."""
    found = interpreter.result(text)
    if found is None:
        return None
    value = found[1]
    number = str(value if value.denominator == 1 else float(value))
    return Order((number if bare else interpreter.code(text).answer,))


def _said(text: str, found: re.Match[str]) -> str | None:
    """Return the words that are to be said: between quotes, behind a colon, or one word that is called one."""
    strict = _STRICT.search(found["order"]) is not None
    if found["quoted"]:
        rest = text[found.end() : found.end() + 40]
        sure = _OR.match(rest) is None if strict else bool(_ENDS.match(rest) or _NOTHING_ELSE.match(rest))
        return found["quoted"][1:-1] if sure else None
    bare = found["bare"].strip()
    strict = strict or _NOTHING_ELSE.search(bare) is not None
    bare = _NOTHING_ELSE.sub("", bare)
    single = re.fullmatch(r"([\w-]+)[.!]?", bare)
    if single is not None:
        plain = single[1].isupper() and single[1] not in NO_CODES - {"OK"}
        named = strict and (found["noun"] or found["colon"] or found["verb"].lower() == "say")
        return single[1] if (plain or named) and single[1].lower() not in _NOT_SAID else None
    whole = strict and found["colon"] and found["noun"] != "word" and not bare.endswith("?")
    return bare if whole and " or " not in bare[:40] else None


def _hangs(text: str, found: re.Match[str]) -> bool:
    """Return whether a condition stands in the sentence of an order."""
    start = max(text.rfind(mark, 0, found.start() + 1) for mark in ".!?\n") + 1
    end = min((at for mark in ".!?\n" if (at := text.find(mark, found.end())) >= 0), default=len(text))
    return any(_CONDITION.search(text, *span) for span in ((start, found.start()), (found.end(), end)))

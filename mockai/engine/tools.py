"""Which tools an answer calls, with what arguments, and how it uses their results.

The rule of `auto`: call the tools that the last user message names: by their name, or by enough of the words of name,
description and parameters; small talk calls none. After the results, talk; where only one call may come at a time,
after the results of all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mockai.engine import json_schema, patterns
from mockai.engine.accounting import name_of
from mockai.engine.draw import Draw
from mockai.engine.mentions import words
from mockai.engine.slots import Slots
from mockai.wire.codec import loads

Json = dict[str, Any]

ENOUGH = 2.0
NAME_WEIGHT, DESCRIPTION_WEIGHT, PARAMETER_WEIGHT = 2.0, 1.0, 1.0
NEAR_BEST = 0.6  # of several tools, those are called that score at least this share of the best
MOST_CALLS = 8

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


@dataclass(frozen=True, slots=True)
class Decision:
    """One tool to call. `arguments` is None when they have yet to be filled."""

    tool: Json
    arguments: Json | None = None


def decide(text: str, tools: Sequence[Json]) -> list[Decision]:
    """Return the calls that the last user message `text` asks for, in the order of the tools."""
    scores = [(score(text, tool), tool) for tool in tools]
    best = max((points for points, _ in scores), default=0.0)
    if best < ENOUGH:
        return []
    chosen = [tool for points, tool in scores if points >= max(ENOUGH, best * NEAR_BEST)]
    decisions = [decision for tool in chosen for decision in _spread(text, tool)]
    return decisions[:MOST_CALLS]


def left(decisions: Sequence[Decision], called: Sequence[str]) -> list[Decision]:
    """Return what is yet to be called, where the tools of these names have been called one after the other."""
    done = Counter(called)
    remaining = []
    for decision in decisions:
        name = name_of(decision.tool)
        if done[name]:
            done[name] -= 1
        else:
            remaining.append(decision)
    return remaining


def choose_required(text: str, tools: Sequence[Json], rng: Draw) -> Decision:
    """Return the best tool when one has to be called, however little the text asks for it."""
    best = max(score(text, tool) for tool in tools)
    return Decision(rng.choice([tool for tool in tools if score(text, tool) == best]))


def score(text: str, tool: Json) -> float:
    """Return how much a text asks for a tool: weighted words that it shares with the declaration."""
    inner = tool.get("function") or tool.get("custom") or {}
    name = str(inner.get("name") or "")
    if name and len(name) > 3 and name.lower() in text.lower():
        return 100.0
    spoken = _stems(words(text[-4000:]))
    named = _stems(words(name))
    described = _stems(words(str(inner.get("description") or "")[:2000])) - named
    properties = (inner.get("parameters") or {}).get("properties")
    keys = list(properties)[:100] if isinstance(properties, dict) else []
    parameters = _stems([word for key in keys for word in words(key)]) - named - described
    return (
        NAME_WEIGHT * len(spoken & named)
        + DESCRIPTION_WEIGHT * len(spoken & described)
        + PARAMETER_WEIGHT * len(spoken & parameters)
    )


def _stems(found: Sequence[str]) -> set[str]:
    return {_stem(word) for word in found if word not in STOP_WORDS and len(word) > 1}


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _spread(text: str, tool: Json) -> list[Decision]:
    """Make one call for each of several values: «in San Francisco, Tokyo, and in Paris» is three."""
    parameters = (tool.get("function") or {}).get("parameters") or {}
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    slots = Slots(text)
    for key, entry in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(entry, dict) or not _spreads(key, entry, parameters.get("required")):
            continue
        values = slots.several(key, entry, str(entry.get("description") or ""))
        listed = _listed(text, values, _stems(words(name_of(tool))))
        if len(listed) > 1:
            return [Decision(tool, _with(parameters, text, key, value)) for value in listed]
    return [Decision(tool)]


def _spreads(key: str, entry: Json, required: Any) -> bool:
    """Return whether several values of a property are as many calls: texts, ids, and choices that have to be made."""
    if "enum" in entry:
        return isinstance(required, list) and key in required
    kind = entry.get("type")
    return (
        "string" in kind if isinstance(kind, list) else kind == "string" or (kind == "integer" and "id" in words(key))
    )


CONJUNCTIONS = frozenset("and or plus with versus vs than nor compared".split())
ASIDES = STOP_WORDS | frozenset(["near", "well", "too", "even", "both"])
"""What may stand between two values of a list: «in Paris, and also in Oslo»."""
_DIRECTIONS = frozenset(["to", "from", "into", "until"])


def _listed(text: str, values: Sequence[Any], topic: set[str]) -> list[Any]:
    """Return the values, in the order of the text, up to the first that is not joined to the one before."""
    places = sorted((at, value) for value in values if (at := text.find(str(value))) >= 0)
    listed: list[Any] = []
    end = 0
    for at, value in places:
        if len(listed) == MOST_CALLS or (listed and not _joins(text[end:at], topic)):
            break
        listed.append(value)
        end = at + len(str(value))
    return listed


def _joins(joint: str, topic: set[str]) -> bool:
    """Return whether what stands between two values makes a list of them: commas, «and», the topic again."""
    between = set(words(joint))
    if between & _DIRECTIONS or len(joint) > 60:
        return False
    rest = between - CONJUNCTIONS - ASIDES
    joined = between & CONJUNCTIONS or re.match(r"\s*[,;/&]", joint) is not None or "as well as" in joint
    return bool(joined) and _stems(list(rest)) <= topic


def _with(parameters: Json, text: str, key: str, value: Any) -> Json:
    made = arguments(parameters, text, Draw("spread", key, value), strict=False)
    made[key] = value
    properties = parameters.get("properties")
    return {name: made[name] for name in properties if name in made} if isinstance(properties, dict) else made


def arguments(parameters: Json, text: str, rng: Draw, strict: bool) -> Json:
    """Return arguments that satisfy the parameter schema, with values from the text where they fit."""
    if not parameters:
        return {}
    value = json_schema.fill({"type": "object", **parameters}, rng, Slots(text), complete=strict)
    return value if isinstance(value, dict) else {}


def custom_input(tool: Json, text: str, rng: Draw) -> str:
    """Return the free text that a custom tool is called with; a regex grammar is kept to."""
    form = (tool.get("custom") or {}).get("format") or {}
    grammar = form.get("grammar") or {}
    if grammar.get("syntax") == "regex":
        return patterns.matching(str(grammar.get("definition") or ""), rng) or ""
    slots = Slots(text)
    return str(slots.quoted[0]) if slots.quoted else text.strip() or name_of(tool)


# --- results -------------------------------------------------------------------------------------


def answer_from_results(results: Sequence[tuple[str, Any, str]], question: str, rng: Draw) -> str:
    """Return a text that uses what the tools returned: each of `results` is a name, arguments and an output."""
    opening = rng.choice(("Here is what I found.", "Here are the results.", "This is what I found out."))
    return " ".join([opening, *(_sentence(name, given, output) for name, given, output in results)])


def _sentence(name: str, given: Any, output: str) -> str:
    topic = " ".join(words(name)) or "tool"
    subject = _subject(given)
    try:
        value = loads(output)
    except ValueError:
        return f"{_about(topic, subject)} {output.strip()}"
    if isinstance(value, dict):
        facts = [f"{_label(key)} is {_shown(entry)}" for key, entry in list(value.items())[:20] if entry != subject]
        return (
            f"{_about(topic, subject)} {_joined(facts)}." if facts else f"{_about(topic, subject)} {output.strip()}"
        )
    return f"{_about(topic, subject)} {_shown(value)}"


def _subject(given: Any) -> str:
    texts = [value for value in given.values() if isinstance(value, str)] if isinstance(given, dict) else []
    return texts[0] if texts and len(texts[0]) <= 80 else ""


def _about(topic: str, subject: str) -> str:
    return f"For {subject}:" if subject else f"The result of {topic}:"


def _label(key: str) -> str:
    return " ".join(words(key)) or key


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_label(key)} {_shown(entry)}" for key, entry in list(value.items())[:20])
    if isinstance(value, list):
        return ", ".join(_shown(entry) for entry in value[:20])
    return (
        {True: "yes", False: "no", None: "unknown"}[value]
        if value is None or value is True or value is False
        else str(value)
    )


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

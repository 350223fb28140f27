"""Which tools an answer calls, with what arguments, and how it uses their results.

The rule of `auto`: each clause of the last user message calls the tool that it names: by its name, or by enough of
the words of name, description and parameters; small talk calls none. After the results, talk; where only one call may
come at a time, after the results of all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mockai.engine import asking, json_schema, patterns
from mockai.engine.accounting import name_of
from mockai.engine.draw import Draw
from mockai.engine.mentions import words
from mockai.engine.profiles import STOP_WORDS, Profile, Said, stems
from mockai.engine.schemas import as_dict
from mockai.engine.shares import Shared, Shares
from mockai.engine.slots import Slots
from mockai.wire.codec import loads

Json = dict[str, Any]

MOST_CALLS = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """One tool to call. `arguments` is None when they have yet to be filled, from `part` of the message first."""

    tool: Json
    arguments: Json | None = None
    part: str = ""


def decide(text: str, tools: Sequence[Json], earlier: Sequence[str] = ()) -> list[Decision]:
    """Return the calls that the last user message `text` asks for, in its order; `earlier` texts have values, too."""
    asked = asking.asked(text, tools)
    return [decision for profile, part in asked for decision in _spread([text, *earlier], part, profile)][:MOST_CALLS]


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


def choose_required(text: str, tools: Sequence[Json], called: Sequence[str], rng: Draw) -> Decision:
    """Return the best tool when one has to be called, however little the text asks for it.

    After the results of those that were `called`, the last that was not, or else the last: agents that take their
    answer as a call declare it behind their other tools, and are done when it comes.
    """
    if called:
        return Decision(next((tool for tool in reversed(tools) if name_of(tool) not in called), tools[-1]))
    said = Said(text[-asking.READ :])
    scores = [Profile(tool).score(said) for tool in tools]
    return Decision(rng.choice([tool for tool, points in zip(tools, scores, strict=True) if points == max(scores)]))


def _spread(texts: Sequence[str], part: str, profile: Profile) -> list[Decision]:
    """Make one call for each of several values: «in San Francisco, Tokyo, and in Paris» is three."""
    found = several(profile, part, texts[0])
    if found is None:
        return [Decision(profile.tool, None, part)]
    key, values = found
    parameters = profile.tool["function"]["parameters"]
    return [Decision(profile.tool, _with(parameters, texts, part, key, value)) for value in values]


def several(profile: Profile, *places: str) -> tuple[str, list[Any]] | None:
    """Return the parameter for which the first of the texts with values lists several, and these; None without."""
    parameters = (profile.tool.get("function") or {}).get("parameters") or {}
    topic = stems(words(profile.name))
    for key, entry in profile.properties.items():
        if not isinstance(entry, dict) or not _spreads(key, entry, parameters.get("required")):
            continue
        for place in places:
            values = Shared(place, (), profile.shares).several(key, entry, str(entry.get("description") or ""))
            listed = _listed(place, values, topic)
            if len(listed) > 1 and not _is_list(listed, place, profile):
                return key, listed
            if values:
                break
    return None


def _spreads(key: str, entry: Json, required: Any) -> bool:
    """Return whether several values of a property are as many calls: texts, ids, and choices that have to be made."""
    if "enum" in entry:
        return isinstance(required, list) and key in required
    kind = entry.get("type")
    return (
        "string" in kind if isinstance(kind, list) else kind == "string" or (kind == "integer" and "id" in words(key))
    )


def _is_list(values: Sequence[Any], text: str, profile: Profile) -> bool:
    """Return whether a parameter that takes a list wants these values: «with Ann and Joe»."""
    for key, entry in profile.properties.items():
        items = entry.get("items") if isinstance(entry, dict) and entry.get("type") == "array" else None
        if isinstance(items, dict):
            offered = Slots(text).several(key.removesuffix("s"), items, str(items.get("description") or ""))
            if all(value in offered for value in values):
                return True
    return False


_COMMA = re.compile(r"\s*[,;/&]|\s*\n[ \t]*(?:[-*•]|\d{1,2}[.)])?[ \t]*$")
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
    joined = between & CONJUNCTIONS or _COMMA.match(joint) is not None or "as well as" in joint
    return bool(joined) and stems(list(rest)) <= topic


def _with(parameters: Json, texts: Sequence[str], part: str, key: str, value: Any) -> Json:
    made = arguments(parameters, texts[0], Draw("spread", key, value), strict=False, part=part, earlier=texts[1:])
    made[key] = value
    properties = parameters.get("properties")
    return {name: made[name] for name in properties if name in made} if isinstance(properties, dict) else made


def arguments(
    parameters: Json, text: str, rng: Draw, strict: bool, part: str = "", earlier: Sequence[str] = ()
) -> Json:
    """Return arguments that satisfy the parameter schema.

    Their values are those of `part` of the text, else of all of it, else of the `earlier` texts, the latest first.
    """
    if not parameters:
        return {}
    texts = [part, text, *earlier] if part and part != text else [text, *earlier]
    slots = Shared(
        texts[0], texts[1:], Shares(as_dict(parameters.get("properties")), parameters.get("required") or ())
    )
    value = json_schema.fill({"type": "object", **parameters}, rng, slots, complete=strict)
    return value if isinstance(value, dict) else {}


_FENCED = re.compile(r"```[\w+-]{0,20}\n(.{1,4000}?)\n?```", re.S)


def custom_input(tool: Json, text: str, rng: Draw) -> str:
    """Return the free text that a custom tool is called with: code, a quote, what follows a colon, or all of it.

    A regex grammar is kept to.
    """
    form = (tool.get("custom") or {}).get("format") or {}
    grammar = form.get("grammar") or {}
    if grammar.get("syntax") == "regex":
        return patterns.matching(str(grammar.get("definition") or ""), rng) or ""
    fenced = _FENCED.search(text[-asking.READ :])
    if fenced is not None:
        return fenced[1].strip()
    quoted = Slots(text).quoted
    if quoted:
        return quoted[0]
    head, _, rest = text.partition(": ")
    return (rest if "\n" not in head else text).strip() or text.strip() or name_of(tool)


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

"""What is doubtful in rules that load: those that can never be met, and words that mean something else here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from mockai.rules.entries import ENDPOINTS
from mockai.rules.load import Problem
from mockai.rules.match import Condition
from mockai.rules.rule import TALKING, Rule
from mockai.wire.codec import loads

LOOKS_LIKE_A_PATTERN = re.compile(r"\.[*+]|\\[dws]|^\^|\$$|\(\?")

ANSWERED = (*TALKING, *ENDPOINTS, "embeddings.create", "moderations.create")
"""What rules have words for; they are meant more often than the rest."""


def lint(rules: Collection[Rule], operations: Collection[str]) -> list[Problem]:
    """Return warnings about rules; `operations` are the names of all operations."""
    found = [problem for rule in rules for problem in _alone(rule, operations)]
    found += _unreachable(rules)
    found += _gaps(rules)
    return sorted(found, key=lambda problem: (problem.path, problem.line))


def _warning(rule: Rule, text: str, hint: str = "") -> Problem:
    path, _, line = rule.where.rpartition(":")
    return Problem(path, int(line), text, hint, "warning")


# --- a rule alone --------------------------------------------------------------------------------


def _alone(rule: Rule, operations: Collection[str]) -> Iterator[Problem]:
    known = {*operations, "runs"}
    named = () if rule.endpoints == rule.responses[0].endpoints else rule.endpoints
    lost = [glob for glob in named if not any(fnmatchcase(name, glob) for name in known)]
    for glob in lost:
        never = ", so the rule is never met" if len(lost) == len(named) else ""
        yield _warning(rule, f"endpoint: nothing is called `{glob}` here{never}", _meant(glob, known))
    if lost:
        return
    for response in rule.responses:
        direct = response.direct and rule.endpoints != ("runs",)
        if not direct and not any(_fits(glob, response.endpoints) for glob in rule.endpoints):
            text = f"endpoint: {', '.join(rule.endpoints)} takes nothing from this response"
            yield _warning(rule, text, f"such a response answers {', '.join(response.endpoints)}")
        for call in response.calls:
            if not _is_json(call.arguments):
                yield _warning(
                    rule, f"the arguments of `{call.name}` are no JSON", "leave them so to test your parser"
                )
    for condition in rule.match.conditions:
        key = condition.key
        if key is not None and key.part and LOOKS_LIKE_A_PATTERN.search(key.value):
            text = f"{condition.name}: {condition.wanted} is looked for as plain text"
            yield _warning(rule, text, f"write /{key.value}/ for a regular expression")


def _meant(glob: str, known: Collection[str]) -> str:
    """Return what somebody may have meant by an endpoint that there is not."""
    served = [*(name for name, operation in ENDPOINTS.items() if operation in known), *known]

    def likeness(name: str) -> float:
        ratio = SequenceMatcher(None, glob, name).ratio()
        return ratio + 0.5 * (glob in name) + 0.1 * (name in ANSWERED)

    near = max([*served, *ENDPOINTS.values()], key=lambda name: (likeness(name), name))
    if likeness(near) < 0.6:
        return "`mockai routes` lists the operations"
    return f"did you mean `{near}`?" if near in served else f"the server has no `{near}`"


def _fits(glob: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in names)


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


# --- rules behind others -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Demands:
    """The conditions of a rule in a form that can be compared."""

    rule: Rule
    all: frozenset[tuple[str, str]]
    parts: tuple[tuple[str, str], ...]
    models: tuple[str, ...]

    def implied_by(self, other: _Demands) -> bool:
        """Return whether every request that meets the other's conditions meets these."""
        for name, value in self.all - other.all:
            wider = (name, value) in self.parts and any(
                name == kind and value in longer for kind, longer in other.parts
            )
            covered = name == "model" and value.endswith("*") and any(fnmatchcase(one, value) for one in other.models)
            if not wider and not covered:
                return False
        return True


def _demands(rule: Rule) -> _Demands:
    conditions = rule.match.conditions
    parts = [condition for condition in conditions if condition.key is not None and condition.key.part]
    models = [condition.key.value for condition in conditions if condition.name == "model" and condition.key]
    return _Demands(rule, frozenset(map(_pair, conditions)), tuple(map(_pair, parts)), tuple(models))


def _pair(condition: Condition) -> tuple[str, str]:
    # What is shown may be shortened, so it is the key that tells conditions apart, where there is one.
    return condition.name, condition.wanted if condition.key is None else condition.key.value


def _unreachable(rules: Collection[Rule]) -> Iterator[Problem]:
    """Name rules behind an earlier one that is met by all that they are met by, and never ends."""
    endless: list[tuple[str, _Demands]] = []  # each with a text that the demands of a narrower rule hold
    for rule in rules:
        mine = _demands(rule)
        text = "\n".join(value for _, value in mine.all)
        for earlier in [demands for telling, demands in endless if telling in text]:
            if set(rule.endpoints) <= set(earlier.rule.endpoints) and earlier.implied_by(mine):
                told = f"is never met: the rule at {earlier.rule.where} comes first and is met by the same requests"
                yield _warning(rule, told, "put the narrower rule first, or give the other one `times`")
                break
        else:
            if rule.times is None and rule.sequence is None:
                plain = [value for name, value in mine.all if name != "model"]
                endless.append((max(plain, key=len, default=""), mine))


def _gaps(rules: Collection[Rule]) -> Iterator[Problem]:
    """Name the steps of a sequence that are never come to."""
    steps: dict[str, set[int]] = {}
    for rule in rules:
        if rule.sequence is not None:
            steps.setdefault(rule.group, set()).add(rule.sequence)
    for rule in rules:
        missing = set(range(rule.sequence or 0)) - steps.get(rule.group, set())
        if missing:
            text = f"sequenceIndex {rule.sequence} is never come to: no rule of the same match has {min(missing)}"
            yield _warning(rule, text, "number the rules of a sequence from 0 on, without gaps")

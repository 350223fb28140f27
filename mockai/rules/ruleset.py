"""The rules of a server: which one a request meets, how often each was used, and why none was met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mockai.call import Call
from mockai.recording.lookup import Deck
from mockai.rules.index import Index
from mockai.rules.match import shown
from mockai.rules.request import Request
from mockai.rules.rule import Response, Rule

USES, POSITIONS = "rule_uses", "rule_positions"
"""Kinds under which the store keeps, by tenant, how often a rule was used, and how far a sequence is."""
LOOKED_AT = 2000
"""Rules that are looked at to explain a miss."""
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Claim:
    """A rule that a request met, and which of its responses it gets."""

    rule: Rule
    response: Response


@dataclass(frozen=True, slots=True)
class Miss:
    """The rule that came nearest to a request, and what kept it from being met."""

    rule: Rule
    differences: list[str]


class RuleSet:
    """Rules in their order. The set never changes: a reload makes another one."""

    def __init__(self, rules: Iterable[Rule] = (), *, strict: bool = False, deck: Deck | None = None) -> None:
        """Take the rules; `strict` refuses what meets none, and of every operation where there are recordings.

        `deck` holds recorded exchanges. The edge asks it first, and it says which rules come before.
        """
        self.rules, self.deck = tuple(rules), deck
        self.strict = strict
        self.paced = any(
            chunk.at > 0
            for rule in self.rules
            for response in rule.responses
            for chunk in (response.raw.chunks if response.raw is not None else ())
        )
        """Some raw answer comes in pieces, with waits between them."""
        self._indexes: dict[str, Index] = {}
        self._first: dict[int, RuleSet] = {}

    def prepare(self) -> None:
        """Have what the rules speak of at hand: thousands take a while, which no request is to wait for."""
        for endpoint in {glob for rule in self.rules for glob in rule.endpoints if not set(glob) & set("*?[")}:
            self.index(endpoint)

    def index(self, endpoint: str) -> Index:
        """Return the rules that speak of an endpoint."""
        index = self._indexes.get(endpoint)
        if index is None:
            index = self._indexes[endpoint] = Index(rule for rule in self.rules if rule.speaks_of(endpoint))
        return index

    def before(self, number: int) -> RuleSet:
        """Return the first rules alone; uses are counted together."""
        first = self._first.get(number)
        if first is None:
            first = self._first[number] = RuleSet(self.rules[:number])
        return first

    def claim(self, call: Call, endpoint: str | None = None, body: Any = None) -> Claim | None:
        """Return the first rule that a request meets, and count its use; None when it meets none.

        Without `endpoint` the request is the call itself. The turn of a run asks with the endpoint `runs` and a
        chat body: model, messages, tools.
        """
        name = endpoint or call.operation.name
        index = self._indexes.get(name) or self.index(name)
        if not index.rules:
            return None
        request = _request(call, endpoint, body)
        reached: dict[str, int] = {}
        for rule in index.candidates(request):
            if rule.sequence is not None and rule.group not in reached:  # read once: a sequence may be long
                reached[rule.group] = _counted(call, POSITIONS, rule.group)
            if rule.sequence is not None and rule.sequence != reached[rule.group]:
                continue
            if rule.match.holds(request):
                claimed = self._count(call, rule) if rule.counted else Claim(rule, rule.responses[0])
                if claimed is not None:
                    return claimed
        return None

    def give_back(self, call: Call, claim: Claim) -> None:
        """Undo a claim: the request was refused before the rule could answer."""
        rule = claim.rule
        if rule.counted:
            with call.store.transaction():
                _add(call, USES, rule.identity, -1)
                if rule.sequence is not None:
                    _add(call, POSITIONS, rule.group, -1)

    def nearest(self, call: Call, endpoint: str | None = None, body: Any = None) -> Miss | None:
        """Return the rule that a request missed by the fewest differences; of several, that in the nearest words."""
        index = self.index(endpoint or call.operation.name)
        request = _request(call, endpoint, body)
        best: tuple[tuple[float, ...], Miss] | None = None
        for rule in index.rules[:LOOKED_AT]:
            missed, spent = rule.match.missed(request), _spent(call, rule)
            met = len(rule.match.conditions) - len(missed)
            rank = (len(missed), len(spent), -met - sum(condition.nearness(request) for condition in missed))
            if best is None or rank < best[0]:
                best = rank, Miss(rule, [*(condition.difference(request) for condition in missed), *spent])
        return None if best is None else best[1]

    def _count(self, call: Call, rule: Rule) -> Claim | None:
        """Count a use; None when the rule has none left, or it is not its turn."""
        with call.store.transaction():
            if _spent(call, rule):
                return None
            used = _add(call, USES, rule.identity, 1)
            if rule.sequence is not None:
                _add(call, POSITIONS, rule.group, 1)
        return Claim(rule, rule.responses[min(used, len(rule.responses) - 1)])


def _request(call: Call, endpoint: str | None, body: Any) -> Request:
    if endpoint is None:
        return Request(call.operation.name, call.body, call.headers, call.path, call.query)
    return Request(endpoint, body, call.headers, NOTHING, NOTHING)


def _spent(call: Call, rule: Rule) -> list[str]:
    """Explain why the uses that were counted keep a rule from being met."""
    differences = []
    if rule.times is not None:
        used = _counted(call, USES, rule.identity)
        if used >= rule.times:
            differences.append(f"times: wanted at most {rule.times}, used {used} already")
    if rule.sequence is not None:
        at = _counted(call, POSITIONS, rule.group)
        if at != rule.sequence:
            differences.append(f"sequenceIndex: wanted {rule.sequence}, got {shown(at)}")
    return differences


def _counted(call: Call, kind: str, id: str) -> int:
    found = call.store.get(call.tenant, kind, id)
    return 0 if found is None else int(found["count"])


def _add(call: Call, kind: str, id: str, step: int) -> int:
    """Count, and return what was counted before."""
    before = _counted(call, kind, id)
    call.store.put(call.tenant, kind, {"id": id, "count": before + step})
    return before

"""What came of the contracts, and what that says about each operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mockai.api import OPERATIONS

Outcome = Literal["verified", "failed", "unsupported", "skipped", "unverified"]
ORDER: tuple[Outcome, ...] = ("verified", "failed", "unsupported", "skipped", "unverified")
NAMES = tuple(operation.name for operation in OPERATIONS)


@dataclass(slots=True)
class Result:
    """What came of one contract: plain data, so that it can travel between processes."""

    id: str
    """Where the contract is: `test_chat.py::test_json_mode_parses`."""
    title: str
    operations: list[str]
    kind: Literal["fault", "shape", "law"]
    outcome: Outcome
    reason: str = ""
    """Why it failed, or why it was not asked."""
    evidence: str = ""
    confidence: str = ""
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    """Of a contract that failed: what was sent and answered."""
    details: str = ""


@dataclass(slots=True)
class Results:
    """Every result of a run."""

    contracts: dict[str, Result] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Keep a result; a contract whose set-up or tidying failed too has failed."""
        known = self.contracts.get(result.id)
        if known is None or known.outcome == "verified" or result.outcome == "failed":
            self.contracts[result.id] = result

    def operations(self) -> dict[str, tuple[Outcome, Counter[Outcome]]]:
        """Return what each operation that was asked for came to, and how its contracts did."""
        counts: dict[str, Counter[Outcome]] = {}
        for result in self.contracts.values():
            for name in result.operations:
                counts.setdefault(name, Counter())[result.outcome] += 1
        ranked = sorted(counts, key=lambda name: NAMES.index(name) if name in NAMES else len(NAMES))
        return {name: (_of(counts[name]), counts[name]) for name in ranked}

    def failed(self) -> list[Result]:
        """Return the contracts that the target breaks."""
        return [result for result in self.contracts.values() if result.outcome == "failed"]

    def summary(self) -> list[str]:
        """Return the numbers of a run in two lines: nothing is green by silence."""
        found = Counter(outcome for outcome, _ in self.operations().values())
        contracts = Counter(result.outcome for result in self.contracts.values())
        return [f"operations: {_listed(found)}", f"contracts: {_listed(contracts)}"]

    def reasons(self) -> list[tuple[int, str]]:
        """Return why contracts were not asked, with how many there are of each, the most frequent first."""
        told = Counter(result.reason for result in self.contracts.values() if result.outcome in ORDER[2:])
        return [(number, reason) for reason, number in told.most_common()]


def _of(counts: Counter[Outcome]) -> Outcome:
    """Return the outcome of an operation: one failure fails it; what was verified outweighs what was not asked."""
    for outcome in ("failed", "verified", "unsupported", "skipped"):
        if counts[outcome]:
            return outcome
    return "unverified"


def _listed(counts: Counter[Outcome]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER)


def chosen(wanted: Sequence[str], area: str, operations: Iterable[str]) -> bool:
    """Return whether a contract belongs to one of the areas or operations that were asked for."""
    return any(
        name == area or any(f"{known}.".startswith(f"{name}.") or name in known.split(".") for known in operations)
        for name in wanted
    )

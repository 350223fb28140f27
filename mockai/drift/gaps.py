"""Differences that are known, each with its reason: a YAML list of `exchange`, `kind`, `where` and `reason`.

`*` stands for any text. An entry whose exchange is there and that nothing needs any more is told, so that the list
stays true.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from mockai.drift.differences import SEVERITY, Difference


class GapsError(Exception):
    """A list of gaps that cannot be used. The message says where and what to do."""


@dataclass(slots=True)
class Gap:
    """A known difference."""

    exchange: str
    kind: str
    where: str
    reason: str
    used: bool = field(default=False)

    def covers(self, name: str, difference: Difference) -> bool:
        """Return whether this difference is meant."""
        return (
            _fits(self.exchange, name) and _fits(self.kind, difference.kind) and _fits(self.where, difference.where)
        )


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.S) is not None


class Gaps:
    """The known differences."""

    def __init__(self, entries: Sequence[Gap] = ()) -> None:
        """Take the entries; the first that covers a difference counts."""
        self._entries = entries

    def reason(self, name: str, difference: Difference) -> str | None:
        """Return why a difference is known, or None."""
        for gap in self._entries:
            if gap.covers(name, difference):
                gap.used = True
                return gap.reason
        return None

    def stale(self, names: Sequence[str]) -> list[Gap]:
        """Return the entries that were not needed, though their exchanges were there."""
        named = [gap for gap in self._entries if not gap.used and gap.exchange != "*"]
        return [gap for gap in named if any(_fits(gap.exchange, name) for name in names)]


def read_gaps(path: Path) -> Gaps:
    """Read a list of gaps. Raises `GapsError`."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise GapsError(f"{path}: cannot be read as YAML ({error})".replace("\n", " ")) from None
    entries = []
    for number, entry in enumerate(content if isinstance(content, list) else [None], 1):
        names = entry.keys() if isinstance(entry, dict) else set()
        if not {"exchange", "reason"} <= names <= {"exchange", "kind", "where", "reason"}:
            text = "needs `exchange` and `reason`, and may have `kind` and `where`"
            raise GapsError(f"{path}: entry {number} {text}")
        kind = str(entry.get("kind", "*"))
        if "*" not in kind and kind not in SEVERITY:
            raise GapsError(f"{path}: entry {number} has the kind {kind!r}; kinds are {', '.join(SEVERITY)}")
        entries.append(Gap(str(entry["exchange"]), kind, str(entry.get("where", "*")), str(entry["reason"])))
    return Gaps(entries)

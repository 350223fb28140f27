"""Recorded exchanges with the real API give the same answers here, but for the differences that are listed."""

import asyncio
from functools import cache
from pathlib import Path

import pytest

from mockai.drift.gaps import Gaps, read_gaps
from mockai.drift.play import Outcome, Player
from mockai.drift.sources import exchanges
from tests.recorded import FOLDER

KNOWN = Path(__file__).parents[2] / "fixtures" / "known-gaps.yaml"
ENTRIES = exchanges(FOLDER) if FOLDER.is_dir() else []


@cache
def outcomes() -> dict[str, Outcome]:
    return {entry.recorded.name: entry for entry in asyncio.run(Player().play(ENTRIES))}


@cache
def known() -> Gaps:
    return read_gaps(KNOWN)


def test_recordings_are_there_or_their_absence_is_told() -> None:
    if not ENTRIES:
        pytest.skip(f"no folder of recorded exchanges at {FOLDER.name}: nothing to compare")
    compared = [entry for entry in outcomes().values() if not entry.recorded.absent]
    served = [entry for entry in compared if not any(one.kind == "not served" for one in entry.differences)]
    assert len(served) >= 60


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_every_difference_is_listed(name: str) -> None:
    assert [entry for entry in outcomes()[name].differences if known().reason(name, entry) is None] == []


def test_the_list_holds_no_gap_that_is_none() -> None:
    if not ENTRIES:
        pytest.skip(f"no folder of recorded exchanges at {FOLDER.name}: nothing to compare")
    gaps = read_gaps(KNOWN)
    for name, outcome in outcomes().items():
        for entry in outcome.differences:
            gaps.reason(name, entry)
    stale = gaps.stale([entry.name for entry in ENTRIES])
    assert [gap for gap in stale if not gap.reason.startswith("in progress")] == []

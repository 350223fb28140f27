"""`mockai drift`: recorded exchanges against the mock, and a table of what differs."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockai.commands import UsageError
from mockai.commands.variables import Configured

if TYPE_CHECKING:
    from mockai.drift.differences import Difference
    from mockai.drift.gaps import Gap
    from mockai.drift.sources import Recorded

KNOWN = Path("fixtures/known-gaps.yaml")
MINOR, MAJOR = 1, 3
"""Exit statuses; 2 is a mistake on the command line."""


@click.command(cls=Configured, prefix="MOCKAI_DRIFT")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--known",
    type=click.Path(path_type=Path),
    help="List of known differences. Default: fixtures/known-gaps.yaml, where it is there.",
)
@click.option("--all", "everything", is_flag=True, help="Show known differences too, with their reasons.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def drift(folder: Path, known: Path | None, everything: bool, as_json: bool) -> None:
    """Send recorded requests to the mock and print what differs from the recorded answers.

    FOLDER holds recordings of `mockai record`, or JSON files of `request` and `response`. Ends with status 0 when
    every difference is known, 1 when unlisted ones are minor, 3 when one is major.
    """
    from mockai.drift.gaps import Gaps, GapsError, read_gaps
    from mockai.drift.play import Player
    from mockai.drift.sources import SourceError, exchanges

    try:
        path = known or (KNOWN if KNOWN.is_file() else None)
        gaps = read_gaps(path) if path is not None else Gaps()
        entries = exchanges(folder)
    except (SourceError, GapsError) as error:
        raise UsageError(str(error)) from None
    rows: list[Row] = []
    with _quiet():
        outcomes = asyncio.run(Player().play(entries))
    for outcome in outcomes:
        name = outcome.recorded.name
        rows += [(name, difference, gaps.reason(name, difference)) for difference in outcome.differences]
    stale = gaps.stale([entry.name for entry in entries])
    new = [row for row in rows if row[2] is None]
    if as_json:
        _print_json(entries, rows, stale)
    else:
        _print(entries, rows if everything else new, stale, len(new), len(rows) - len(new))
    major = any(difference.severity == "major" for _, difference, _ in new)
    sys.exit(MAJOR if major else MINOR if new else 0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the mock's log silent: what the requests ask for is no news here."""
    log = logging.getLogger("mockai")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


Row = tuple[str, "Difference", "str | None"]


def _print_json(entries: list[Recorded], rows: list[Row], stale: list[Gap]) -> None:
    from mockai.wire import codec

    found: list[dict[str, Any]] = [
        {
            "exchange": name,
            "severity": difference.severity,
            "kind": difference.kind,
            "where": difference.where,
            "recorded": difference.recorded,
            "here": difference.here,
            "known": reason,
        }
        for name, difference, reason in rows
    ]
    skipped = [{"exchange": entry.name, "reason": entry.absent} for entry in entries if entry.absent]
    unused = [{"exchange": gap.exchange, "kind": gap.kind, "where": gap.where} for gap in stale]
    report = {"exchanges": len(entries), "differences": found, "skipped": skipped, "stale": unused}
    click.echo(codec.pretty(report))


def _print(entries: list[Recorded], rows: list[Row], stale: list[Gap], new: int, known: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 160)
    if rows:
        table = Table("severity", "exchange", "kind", "where", "recorded", "here", "known because", box=None)
        for name, difference, reason in sorted(rows, key=lambda row: row[1].severity):
            cells = (difference.severity, name, difference.kind, difference.where)
            table.add_row(*map(Text, (*cells, difference.recorded, difference.here, reason or "")))
        console.print(table)
    skipped = [entry for entry in entries if entry.absent]
    for entry in skipped:
        console.print(Text(f"not compared: {entry.name}: {entry.absent}"))
    for gap in stale:
        console.print(Text(f"no gap any more, strike it from the list: {gap.exchange} · {gap.kind} · {gap.where}"))
    console.print(f"{len(entries)} exchanges, {len(skipped)} not compared: {new} unlisted differences, {known} known")

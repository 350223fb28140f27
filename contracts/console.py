"""The terminal of `mockai contracts`: a progress bar, a table by operation, and the files that were asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from contracts.judge import Judge
from contracts.page import page
from mockai import __version__

COLOURS = {
    "verified": "green",
    "failed": "bold red",
    "unsupported": "yellow",
    "skipped": "bright_black",
    "unverified": "magenta",
}


class Console:
    """A plugin that shows how a run goes on, and what came of it."""

    def __init__(self, report: Path | None, evidence: Path | None) -> None:
        """Write the report and the evidence where asked."""
        self.report, self.evidence = report, evidence
        self.judge: Judge | None = None
        self.error = ""
        self.out = rich.console.Console(highlight=False)
        self.err = rich.console.Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.progress = Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal)
        self.task: TaskID | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Find the judge."""
        self.judge = config.pluginmanager.get_plugin("contracts-judge")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin the bar, and print what the judge has to say from now on."""
        judge = self.judge or session.config.pluginmanager.get_plugin("contracts-judge")
        self.judge = judge
        assert judge is not None
        judge.out = self.err.print
        self.task = self.progress.add_task(f"contracts against {judge.target.name}", total=len(session.items))
        self.progress.start()

    def pytest_runtest_logfinish(self) -> None:
        """Move the bar."""
        if self.task is not None:
            self.progress.advance(self.task)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep why the run was ended."""
        self.error = str(excinfo.value) or "interrupted"

    def pytest_sessionfinish(self) -> None:
        """End the bar."""
        self.progress.stop()

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Keep what went wrong in the suite itself."""
        self.error = f"the suite itself failed: {str(excrepr).strip().splitlines()[-1]}"

    # --- the end

    def finish(self, status: int) -> int:
        """Print the table, write the files, and return the exit status."""
        self.progress.stop()
        judge = self.judge
        if self.error or judge is None or not judge.results.contracts:
            if self.error:
                self.err.print(f"Error: {self.error}", markup=False)
            return 2
        self.out.print(self.table(judge))
        for result in judge.results.failed():
            self.out.print(f"✗ {result.id}", style="red", markup=False, soft_wrap=True)
            self.out.print("  " + result.reason.partition("\n")[0][:160], markup=False, soft_wrap=True)
        for line in judge.lines():
            self.out.print(line, markup=False, soft_wrap=True)
        if self.report is not None:
            self.report.write_text(page(judge.target.name, judge.results, judge.lines(), today()), "utf-8")
            self.out.print(f"report: {self.report}", markup=False)
        if self.evidence is not None:
            write_evidence(self.evidence, judge)
            self.out.print(f"evidence: {self.evidence}", markup=False)
        return status

    def table(self, judge: Judge) -> Table:
        """Return the outcome of each operation, and how many contracts came to what."""
        table = Table("operation", "outcome", "verified", "failed", "not asked", box=None, pad_edge=False)
        for name, (outcome, counts) in judge.results.operations().items():
            asked = counts["verified"] + counts["failed"]
            colour = COLOURS[outcome]
            numbers = (counts["verified"], counts["failed"], counts.total() - asked)
            table.add_row(name, f"[{colour}]{outcome}[/]", *(str(number) if number else "" for number in numbers))
        return table


def today() -> str:
    """Return the date of the run."""
    return datetime.now(UTC).date().isoformat()


def write_evidence(path: Path, judge: Judge) -> None:
    """Note in `path` what this run verified; what other runs noted there stays."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    operations = known.get("operations", {})
    for name, (outcome, counts) in judge.results.operations().items():
        entry = operations.setdefault(name, {"live": "never"})
        if outcome == "verified" or judge.target.kind != "live":
            entry[judge.target.name] = {
                "outcome": outcome,
                "date": today(),
                "contracts": {name: number for name, number in counts.items() if number},
                "sdk": f"openai-python {openai.__version__}",
                "suite": __version__,
            }
    content = {"format": 1, "operations": dict(sorted(operations.items()))}
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")

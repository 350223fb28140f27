"""The part of the suite that says what came of each contract, and of the whole run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contracts.facts import Fault
from contracts.results import Outcome, Result, Results
from contracts.snapshots import Snapshots
from contracts.target import Target, served
from contracts.wire import Wire, operation_of
from mockai.api import OPERATIONS

FOLDER = Path(__file__).parent
SHOWN = 8
"""Exchanges of a failed contract that the report shows, the last ones."""
PATHS = {operation.name: operation.path for operation in OPERATIONS}


def is_contract(item: pytest.Item) -> bool:
    """Return whether a test belongs to this suite."""
    return item.path.parent == FOLDER


def operations_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the operations that a contract is about: of a row that has a path, the one that the path leads to."""
    claimed = tuple(name for marker in item.iter_markers("operation") for name in marker.args)
    callspec = getattr(item, "callspec", None)
    row: dict[str, Any] = callspec.params if callspec else {}
    asked = operation_of(row.get("method", "POST"), row["path"]) if "path" in row else None
    return (asked.name,) if asked is not None and asked.name in claimed else claimed


def area_of(item: pytest.Item) -> str:
    """Return the area of a contract: its file's name."""
    return item.path.stem.removeprefix("test_").removesuffix("_faults")


def row_of(item: pytest.Item) -> Fault | None:
    """Return the row of the table of faults that a contract checks."""
    callspec = getattr(item, "callspec", None)
    return next((value for value in callspec.params.values() if isinstance(value, Fault)), None) if callspec else None


class Judge:
    """A plugin that holds the target, watches the contracts and sums up."""

    def __init__(self, target: Target, snapshots: Snapshots | None = None) -> None:
        """Judge what `target` does; `snapshots` keeps what it answers."""
        self.target, self.snapshots = target, snapshots
        self.wire = Wire(target)
        self.wire.snapshots = snapshots
        self.results = Results()
        self.out: Callable[[str], None] | None = None
        """Prints a line; None leaves it to pytest."""
        self._open = ExitStack()
        self._client: httpx2.Client | None = None

    def client(self) -> httpx2.Client:
        """Return the bare client; the first time, start the mock or reach for the target."""
        if self._client is None:
            wire, target = self.wire, self.target
            wire.base = target.url or self._open.enter_context(served())
            client = httpx2.Client(base_url=wire.base, headers=target.headers, timeout=60, transport=wire)
            self._client = self._open.enter_context(client)
            self._open.callback(wire.inner.close)
            if target.kind != "mock":
                try:
                    wire.learn(client)
                except httpx2.TransportError as error:
                    pytest.exit(f"cannot reach {wire.base} ({error}): is the server running?", returncode=2)
                wire.begin()
        return self._client

    def say(self, config: pytest.Config, line: str) -> None:
        """Print a line where the terminal is."""
        if self.out is not None:
            self.out(line)
            return
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    # --- one contract

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin a contract, unless the run has been stopped."""
        if is_contract(item):
            self.wire.begin()
            if self.wire.stopped:
                pytest.skip(self.wire.stopped)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Hide secrets, tell what the target does not have from what it does wrong, and note the result."""
        outcome = yield
        if not is_contract(item):
            return
        report: pytest.TestReport = outcome.get_result()
        if report.failed and report.longrepr is not None:
            text = str(report.longrepr)
            if self.target.hidden(text) != text:
                report.longrepr = self.target.hidden(text)
        missing = self._missing(report)
        if missing:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {missing}")
        if report.when == "call" and report.passed and self._idle(item):
            report.outcome, report.longrepr = "failed", "calls none of the operations that it is marked for"
        if report.when == "call" or not report.passed:
            result = self._result(item, call, report, missing)
            report.user_properties.append(("contract", dataclasses.asdict(result)))

    def _idle(self, item: pytest.Item) -> bool:
        """Return whether a contract is about operations that it never asks for."""
        claimed = operations_of(item)
        asked = any(exchange.operation in claimed for exchange in self.wire.exchanges)
        return self.target.kind == "mock" and bool(claimed) and not asked

    def _missing(self, report: pytest.TestReport) -> str:
        """Return why a contract is unsupported: it failed, or held by chance, where there is no such endpoint."""
        if report.skipped:
            return ""
        absent = [exchange for exchange in self.wire.exchanges if exchange.absent]
        if not absent or (report.passed and len(absent) < len(self.wire.exchanges)):
            return ""
        first = absent[0]
        return f"unsupported: {first.method} {PATHS.get(first.operation or '', first.path)} answered {first.status}"

    def _result(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, missing: str
    ) -> Result:
        row, exchanges = row_of(item), self.wire.exchanges
        outcome: Outcome = "verified" if report.passed else "failed" if report.failed else "skipped"
        if missing:
            outcome = "unsupported"
        elif self.wire.stopped and outcome == "skipped":
            outcome = "unverified"
        reason = missing
        if not reason and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if outcome == "failed" and call.excinfo is not None:
            reason = self.target.hidden(call.excinfo.exconly())
        doc = (getattr(item, "function", item).__doc__ or item.name).strip().partition("\n")[0]
        return Result(
            id=f"{item.path.name}::{item.name}",
            title=row.message if row else doc,
            operations=self._operations(item),
            kind="fault" if row else "shape" if "sdk" in getattr(item, "fixturenames", ()) else "law",
            outcome=outcome,
            reason=reason,
            evidence=row.evidence if row else "",
            confidence=row.confidence if row else "",
            exchanges=[dataclasses.asdict(entry) for entry in exchanges[-SHOWN:]] if outcome == "failed" else [],
            details=str(report.longrepr) if outcome == "failed" else "",
        )

    def _operations(self, item: pytest.Item) -> list[str]:
        """Return the operations that a result counts for: those of the marker that were called."""
        called = {exchange.operation for exchange in self.wire.exchanges if exchange.operation}
        claimed = operations_of(item)
        return [name for name in claimed if name in called] or list(claimed) or sorted(called)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the results, also those of other processes."""
        for name, value in report.user_properties:
            if name == "contract" and isinstance(value, dict):
                self.results.add(Result(**value))

    # --- the whole run

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Delete what was made, and let nothing be green that was not verified."""
        if self._client is not None and self.target.kind != "mock":
            for way in self.wire.tidy(self._client):
                self.say(session.config, f"contracts: could not undo: {way}")
        self._open.close()
        if exitstatus == pytest.ExitCode.OK and self.target.kind != "mock" and self.silent():
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def silent(self) -> bool:
        """Return whether the run says less than it seems: nothing was verified, or it was stopped."""
        found = {result.outcome for result in self.results.contracts.values()}
        return bool(found) and ("verified" not in found or bool(self.wire.stopped))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell what was verified, and what was not."""
        if not self.results.contracts:
            return
        terminalreporter.section(f"contracts against {self.target.name}")
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """Return the numbers of the run, and why contracts were not asked."""
        lines = self.results.summary()
        lines += [f"{number:5} × {reason}" for number, reason in self.results.reasons()[:12]]
        if self.target.kind == "live":
            lines.append(f"spent: ${self.wire.spent:.4f} of ${self.target.budget:.2f}")
        if self.snapshots is not None:
            lines += self.snapshots.lines()
        if self.wire.stopped:
            lines.append(f"stopped: {self.wire.stopped}")
        return lines

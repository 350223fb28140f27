"""Rules: what a thousand of them cost a chat that meets none."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

COUNT = 1000
KINDS: tuple[Callable[[int], dict[str, Any]], ...] = (
    lambda number: {"userMessage": f"What is the answer to question number {number}?"},
    lambda number: {"userMessage": f"ticket {number}", "model": "gpt-4o*"},
    lambda number: {"userMessage": f"marker-{number:04}"},
    lambda number: {"userMessage": f"/^order (no|number) {number}$/i"},
    lambda number: {"systemMessage": f"You are agent {number}.", "hasToolResult": False},
)
"""How the rules are told apart: by a sentence, a word and a model, a name, a pattern, the system message."""


def write(folder: Path) -> Path:
    """Write the rules to a file."""
    rules = [
        {"match": KINDS[number % len(KINDS)](number), "response": {"content": f"Answer {number}."}}
        for number in range(COUNT)
    ]
    path = folder / "rules.json"
    path.write_text(json.dumps({"rules": rules}))
    return path


def add(
    table: Table, name: str, plain: Callable[[], float], ruled: Callable[[], float], rounds: int, target: float | None
) -> None:
    """Measure a server without rules and one with them in turn, and add the row."""
    pairs = [(plain(), ruled()) for _ in range(rounds)]
    ratio = statistics.median(there / without for without, there in pairs)
    without, there = (statistics.median(column) for column in zip(*pairs, strict=True))
    wanted = "" if target is None else f"≥ {target:.2f} {'✓' if ratio >= target else '✗'}"
    table.add_row(name, f"{without:,.0f}", f"{there:,.0f}", f"{ratio:.2f}", wanted)

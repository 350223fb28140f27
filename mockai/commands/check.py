"""`mockai check`: rule files, and what is wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Read rules and print what is wrong with them, a line for each: file, line, what, and what to do.

    PATHS are rule files and folders of them, in the order that `mockai serve -f` gets. Ends with status 1 when there
    is an error, 0 when there are warnings only.
    """
    from mockai.api import OPERATIONS
    from mockai.rules.lint import lint
    from mockai.rules.load import load

    loaded = load(paths)
    problems = [*loaded.problems, *lint(loaded.rules, {operation.name for operation in OPERATIONS})]
    for problem in sorted(problems, key=lambda problem: (problem.path, problem.line)):
        hint = f"; {problem.hint}" if problem.hint else ""
        click.echo(f"{problem.path}:{problem.line}: {problem.severity}: {problem.text}{hint}")
    errors = len(loaded.errors)
    found = f"{_many(errors, 'error')}, {_many(len(problems) - errors, 'warning')}"
    click.echo(f"{_many(len(loaded.rules), 'rule')} in {_many(len(loaded.files), 'file')}: {found}")
    sys.exit(1 if errors else 0)


def _many(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"

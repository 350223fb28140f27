"""The command line in the process of the test: the same words, answers and exit statuses, without a start each time."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from mockai.cli import main


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def mockai(*words: str, cwd: Path | None = None) -> Done:
    """Run a command that does not serve."""
    with contextlib.chdir(cwd or Path.cwd()):
        result = CliRunner().invoke(main, words, prog_name="mockai")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)

"""The command line in the process of the test: the same words, answers and exit statuses, without a start each time."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from mockai.cli import main

ROOT = Path(__file__).parents[1]


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def mockai(*words: str, cwd: Path | None = None, **environment: str) -> Done:
    """Run a command that does not serve."""
    with contextlib.chdir(cwd or Path.cwd()):
        result = CliRunner(env=environment).invoke(main, words, prog_name="mockai")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def contracts(*flags: str, **environment: str) -> Done:
    """Run the contract suite as `pytest contracts` does."""
    words = ["contracts", "-q", *(f"-pno:{name}" for name in ("cacheprovider", "randomly", "xdist")), *flags]
    words.append("-Wignore::pytest.PytestAssertRewriteWarning")  # modules of this process are what they are
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name in ("PYTEST_ADDOPTS", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        status = pytest.main(words)
    return Done(int(status), out.getvalue(), err.getvalue())

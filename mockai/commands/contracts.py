"""The command `mockai contracts`: run the contract suite against a server, and report by operation."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import click

from mockai.commands import UsageError

NEEDED = ("pytest", "openai", "httpx2")
INSTALL = "pip install 'mockai-server[contracts]', or in a clone: pip install '.[contracts]'"
PACKAGE = Path(__file__).parents[1]
# In a wheel the suite lies inside the package; in a source tree beside it.
PLACES = (PACKAGE / "_suite" / "contracts", PACKAGE.parent / "contracts")


@click.command()
@click.option("--target", default="mock", show_default=True, metavar="TARGET", help="mock, live, or a base URL.")
@click.option("--api-key", metavar="KEY", help="API key for the target; live takes OPENAI_API_KEY.")
@click.option("--only", default="", metavar="AREAS", help="Areas or operations: chat,embeddings.create")
@click.option("--budget", default=0.25, show_default=True, help="USD that a live run may cost.")
@click.option("--restricted", is_flag=True, help="Live: ask restricted operations (fine-tuning) too.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a report as one HTML file.")
@click.option(
    "--json", "evidence", type=click.Path(path_type=Path, dir_okay=False), help="Write what was verified as JSON."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep every exchange as a snapshot in a folder, for `mockai drift`.",
)
def contracts(evidence: Path | None, **options: Any) -> None:
    """Check any OpenAI-compatible server with the contract suite.

    Exit status: 0 all verified, 1 contracts failed, 2 the target cannot be used, 5 nothing was verified.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"needs {', '.join(missing)}; run: {INSTALL}")
    folder = next((place for place in PLACES if (place / "conftest.py").is_file()), None)
    if folder is None:
        raise UsageError(f"the contract suite is not installed; run: {INSTALL}")
    sys.path.insert(0, str(folder.parent))
    import pytest

    from contracts.console import Console

    console = Console(options["report"], evidence)
    status = pytest.main(_arguments(folder, options), plugins=[console])
    sys.exit(console.finish(int(status)))


def _arguments(folder: Path, options: dict[str, Any]) -> list[str]:
    """Return pytest's arguments: nothing of the caller's configuration, no files written, no terminal of its own."""
    arguments = [str(folder), f"--rootdir={folder.parent}", f"--config-file={folder / 'suite.ini'}"]
    for plugin in ("terminal", "cacheprovider", "randomly", "xdist"):
        arguments += ["-p", f"no:{plugin}"]
    arguments += [f"--target={options['target']}", f"--only={options['only']}", f"--budget={options['budget']}"]
    if options["api_key"]:
        arguments.append(f"--api-key={options['api_key']}")
    if options["record"]:
        arguments.append(f"--record={options['record']}")
    if options["restricted"]:
        arguments.append("--restricted")
    return arguments

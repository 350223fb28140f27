"""The command line: `mockai serve`, `mockai routes`, and what `mockai.commands` holds."""

from __future__ import annotations

import gc
import logging
from datetime import date
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

import click

from mockai import __version__
from mockai.commands import UsageError
from mockai.commands.check import check
from mockai.commands.contracts import contracts
from mockai.commands.drift import drift
from mockai.commands.record import record
from mockai.commands.variables import Configured
from mockai.settings import Settings, SettingsError, read_keys

if TYPE_CHECKING:
    from mockai.app import Application


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockai")
def main() -> None:
    """Run a mock OpenAI server that behaves."""


@main.command(cls=Configured, prefix="MOCKAI")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--seed", default=0, show_default=True, help="Server seed: another seed, other answers.")
@click.option("--vary", is_flag=True, help="Answer differently each time when a request has no seed.")
@click.option(
    "--pace",
    default="instant",
    show_default=True,
    type=click.Choice(["instant", "fast", "real", "step"]),
    help="How fast streams and simulated work go by.",
)
@click.option(
    "--clock",
    default="system",
    show_default=True,
    type=click.Choice(["system", "manual"]),
    help="The machine's clock, or one that stands still at 2026-01-01.",
)
@click.option("--model", "models", multiple=True, metavar="NAME", help="Serve a model of this name too.")
@click.option("--any-model", is_flag=True, help="Serve every model name.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    help="YAML file of known API keys; others get the real 401. Default: any key is welcome.",
)
@click.option(
    "--store",
    default="memory",
    show_default=True,
    metavar="STORE",
    help="Where objects are kept: `memory`, or `sqlite:PATH`, which survives restarts.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="YAML file of objects to start with, under ids of your own.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that serve one state; more than one need --store sqlite:PATH.",
)
@click.option(
    "--missing",
    default="error",
    show_default=True,
    type=click.Choice(["error", "phantom"]),
    help="Unknown ids: the real 404, or an answer from a template for that one request.",
)
@click.option(
    "--validate",
    default="api",
    show_default=True,
    type=click.Choice(["api", "schema"]),
    help="Check requests as the API does, or only types, enums and required keys.",
)
@click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    callback=lambda context, option, value: _day(value),
    help="Serve the endpoints that the real API had on this day, as it had them. Default: everything that ever was.",
)
@click.option(
    "-f",
    "--fixtures",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Rules or recordings: a file, or a folder of them. May be given again; the first rule that matches wins.",
)
@click.option("-w", "--watch", is_flag=True, help="Read the rules again when a file changes.")
@click.option(
    "--replay-speed",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="How fast recorded answers come: 0 at once, 1 as recorded, 2 twice as fast.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse what matches no rule and would be made up; with recordings, whatever matches none (503).",
)
@click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="How much is logged, on standard error.",
)
def serve(keys: Path | None, models: tuple[str, ...], state: Path | None, **flags: Any) -> None:
    """Serve the API; prints the two lines that point an SDK at it."""
    gc.disable()  # What is loaded now stays: the collector would look at it again and again.
    try:
        application, listening = _ready(keys, models, state, flags)
    finally:
        gc.freeze()
        gc.enable()
    from mockai import listener

    settings = application.settings
    _announce(settings, listening.getsockname()[1])
    if settings.workers == 1:
        listener.serve(application, listening, settings.log_level)
    else:
        application.store.close()  # each process opens its own
        listener.serve_many(partial(_again, settings), listening, settings.log_level, settings.workers)


def _ready(
    keys: Path | None, models: tuple[str, ...], state: Path | None, flags: dict[str, Any]
) -> tuple[Application, socket]:
    """Return the server that the flags describe, and the socket that it listens on."""
    from mockai import listener
    from mockai.app import Application
    from mockai.store import StoreError

    _log(flags["log_level"])
    try:
        flags["fixtures"] = tuple(flags["fixtures"])
        settings = Settings(keys=read_keys(keys) if keys else {}, models=models, **flags)
        _go_together(settings)
        application = Application(settings)
        rules = application.edge.rules
        if settings.workers > 1 and rules is not None and rules.deck is not None:
            text = "recordings are replayed in their order, which several processes would each begin anew"
            raise SettingsError(f"--workers {settings.workers} with recordings: {text}; leave --workers out")
        if state is not None:
            from mockai.state import load  # takes a while to load

            load(application.edge, state)
        return application, listener.bind(settings.host, settings.port)
    except (SettingsError, StoreError, OSError) as error:
        raise UsageError(str(error)) from None


def _log(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="mockai: %(message)s")


def _again(settings: Settings) -> Application:
    """Return the server in one of several processes. What is doubtful in its rules has been told by the first."""
    from mockai.app import Application

    _log(settings.log_level)
    log = logging.getLogger("mockai")
    log.setLevel(logging.ERROR)
    application = Application(settings)
    log.setLevel(logging.NOTSET)
    return application


def _go_together(settings: Settings) -> None:
    """Raise `SettingsError` for flags that exclude each other."""
    if settings.workers > 1 and settings.store == "memory":
        text = "needs --store sqlite:PATH: what one process keeps in memory, the others do not see"
        raise SettingsError(f"--workers {settings.workers} {text}")
    if settings.clock == "manual" and settings.pace in ("fast", "real"):
        text = "the manual clock stands still, so work would never end; use --pace instant or step"
        raise SettingsError(f"--clock manual with --pace {settings.pace}: {text}")


def _day(text: str | None) -> str | None:
    """Return a day that is one."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day; write it as 2026-08-26") from None


def _announce(settings: Settings, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    key = next(iter(settings.keys), "sk-mockai")
    click.echo(f"export OPENAI_BASE_URL=http://{host}:{port}/v1")
    click.echo(f"export OPENAI_API_KEY={key}")
    log = logging.getLogger("mockai")
    if settings.missing == "phantom":
        log.warning("lenient: --missing phantom answers for ids that do not exist")
    if settings.validate == "schema":
        log.warning("lenient: --validate schema checks types, enums and required keys only")


@main.command()
def routes() -> None:
    """Print every operation, with its liveness on the real API and the days of its life."""
    from rich.console import Console
    from rich.table import Table

    from mockai.api import OPERATIONS

    table = Table("method", "path", "operation", "on the real API", "since", "until", box=None, pad_edge=False)
    for entry in OPERATIONS:
        table.add_row(entry.method, f"/v1{entry.path}", entry.name, entry.liveness, entry.since, entry.until)
    Console(width=200).print(table)


main.add_command(contracts)
main.add_command(record)
main.add_command(drift)
main.add_command(check)

"""`mockai record`: a proxy in front of another server that writes fixtures."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from mockai.commands import UsageError
from mockai.commands.variables import Configured
from mockai.settings import SettingsError

if TYPE_CHECKING:
    from mockai.recorder import Mode

MODES = ("none", "once", "new_episodes", "all")


@click.command(cls=Configured, prefix="MOCKAI_RECORD")
@click.option(
    "--upstream",
    default="https://api.openai.com/v1",
    show_default=True,
    metavar="URL",
    help="The server that is recorded.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the recording: one file for each resource, or for each X-Test-Id.",
)
@click.option(
    "--mode",
    default="once",
    show_default=True,
    type=click.Choice(MODES),
    help="none: replay only. once: record when the folder is empty, else replay only. new_episodes: replay what is "
    "there, record the rest. all: record everything anew.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=4011, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--redact", "patterns", multiple=True, metavar="REGEX", help="Take out what matches, too.")
@click.option("--redact-emails", "emails", is_flag=True, help="Take out what looks like an e-mail address.")
@click.option("--keep-header", "headers", multiple=True, metavar="NAME", help="Write this header, too.")
@click.option(
    "--log-level",
    default="warning",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="How much is logged, on standard error; info tells each exchange.",
)
def record(
    upstream: str,
    out: Path,
    mode: Mode,
    host: str,
    port: int,
    patterns: tuple[str, ...],
    emails: bool,
    headers: tuple[str, ...],
    log_level: str,
) -> None:
    """Pass requests on to another server and write what goes by, without its secrets.

    Ends with status 1 when an exchange could not be written.
    """
    from mockai import listener
    from mockai.clock import SystemClock
    from mockai.recorder import Recorder
    from mockai.recording.lookup import Deck
    from mockai.recording.redaction import Redaction
    from mockai.recording.tape import TapeError, TapeWriter, read_folder

    logging.basicConfig(level=log_level.upper(), format="mockai: %(message)s")
    # The libraries tell more than their user asked for.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    _check(upstream)
    try:
        redaction = Redaction(emails, frozenset(map(str.lower, headers)), tuple(map(re.compile, patterns)))
        tapes = read_folder(out) if mode != "all" else []
        writes = mode in ("all", "new_episodes") or (mode == "once" and not tapes)
        writer = TapeWriter(out, _public(upstream), redaction, anew=mode == "all") if writes else None
        recorder = Recorder(
            upstream,
            writer=writer,
            deck=Deck(tapes) if tapes or writer is None else None,
            redaction=redaction,
            clock=SystemClock(),
        )
        listening = listener.bind(host, port)
    except re.error as error:
        raise UsageError(f"--redact {error.pattern!r} is no regular expression: {error}") from None
    except (TapeError, SettingsError, OSError) as error:
        raise UsageError(str(error)) from None
    shown = f"[{host}]" if ":" in host else host
    click.echo(
        f"export OPENAI_BASE_URL=http://{shown}:{listening.getsockname()[1]}{urlsplit(upstream).path.rstrip('/')}"
    )
    if writer is None:
        logging.getLogger("mockai").warning(
            "%s: replays %d exchanges, records nothing", out, sum(len(t.exchanges) for t in tapes)
        )
    listener.pass_on(recorder, listening, log_level, lambda: sys.exit(1 if recorder.refused else 0))


def _check(upstream: str) -> None:
    try:
        parts = urlsplit(upstream)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"--upstream {upstream!r} is no base URL; write it like https://api.openai.com/v1")


def _public(upstream: str) -> str:
    """Return the upstream's URL without a user and password."""
    parts = urlsplit(upstream)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

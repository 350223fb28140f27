"""Snapshots: the exchanges of a run, kept as recordings with their date, the target and the version of the SDK.

`mockai drift` compares them with the mock, and so does the project's own test.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai

from contracts.target import Target
from mockai.clock import SystemClock
from mockai.recording import Body, Chunk, Exchange, Part, Request, Response
from mockai.recording.forms import FormReader, boundary_of
from mockai.recording.redaction import Redaction, SecretError
from mockai.recording.tape import TapeWriter

FOLDER = Path("fixtures/snapshots")


class Snapshots:
    """Writes what goes by; files of an earlier run are replaced as soon as there is something new for them."""

    def __init__(self, folder: Path, target: Target) -> None:
        """Write to a folder of the target's own. Raises `TapeError` when it cannot be made."""
        self.folder = folder / _named(target)
        about = {"target": target.name, "sdk": f"openai {openai.__version__}"}
        self._writer = TapeWriter(self.folder, target.url or "mock", Redaction(), anew=True, about=about)
        self._clock = SystemClock()
        self.written = 0
        self.refused: list[str] = []
        """What was not written, and why."""

    def add(self, request: httpx2.Request, sent: bytes, response: httpx2.Response, answer: bytes) -> None:
        """Keep an exchange without its secrets."""
        target = request.url.raw_path.decode("ascii")
        headers = {name.lower(): value for name, value in request.headers.items()}
        form = _form(headers.get("content-type", ""), sent)
        body = Body.of(sent) if form is None and sent else None
        asked = Request(request.method, target, headers, body, form)
        told = {name.lower(): value for name, value in response.headers.items()}
        got = Response(response.status_code, told, (Chunk(0.0, answer),))
        try:
            self._writer.add(Exchange(asked, got, self._writer.moment(self._clock.now())))
        except (SecretError, OSError) as error:
            self.refused.append(f"{request.method} {target.partition('?')[0]}: {error}")
        else:
            self.written += 1

    def lines(self) -> list[str]:
        """Return what to tell of it."""
        lines = [f"snapshots: {self.written} exchanges in {self.folder}"]
        return lines + [f"not written: {each}" for each in self.refused]


def _named(target: Target) -> str:
    if target.kind != "url":
        return target.kind
    return re.sub(r"[^\w.]+", "-", urlsplit(target.url or "").netloc.rpartition("@")[2]).strip("-")


def _form(content_type: str, sent: bytes) -> tuple[Part, ...] | None:
    boundary = boundary_of(content_type)
    if not boundary:
        return None
    reader = FormReader(boundary)
    try:
        reader.add(sent)
    except ValueError:
        return None
    return reader.parts()

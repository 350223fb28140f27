"""Recorded requests, sent to a mock in this process one after another, ids in step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from mockai.app import Application
from mockai.clock import ManualClock
from mockai.drift.differences import Difference, Event, compare, parsed
from mockai.drift.sources import Recorded
from mockai.recording import Chunk, Request, Response
from mockai.recording.forms import encoded
from mockai.recording.lookup import path_of
from mockai.recording.redaction import CREDENTIALS
from mockai.server import Edge
from mockai.settings import KeyOwner, Settings

KEY = "sk-drift"
REDACTED = b"<redacted:"
WORKED = 1.0
"""Seconds between two exchanges in which work is done."""
LONGEST = 3600.0
"""Seconds that a pause is taken for at the most: parts of a recording may be years apart."""
SENT = ("content-type", "openai-beta", "accept", "x-mockai-finish-reason", "x-test-id")
_WRONG_KEY = re.compile(r"Incorrect API key provided: (\S+?)\. You can find")
_ID = re.compile(r"[a-z][a-z_]{0,20}[-_][0-9A-Za-z]{4,}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one exchange."""

    recorded: Recorded
    differences: list[Difference]


class Player:
    """Sends recorded requests to three mocks: a plain one, one that knows every id, and one that knows its keys."""

    def __init__(self) -> None:
        """Start the mocks, each with a clock that stands still."""
        self._plain = Application(Settings(clock="manual"))
        self._phantom = Application(Settings(clock="manual", missing="phantom"))
        self._closed = Application(Settings(clock="manual", keys={KEY: KeyOwner("mockai", "proj_mockai")}))
        self._ids: dict[str, str] = {}
        self._last: datetime | None = None

    async def play(self, entries: Iterable[Recorded]) -> list[Outcome]:
        """Send every exchange again and compare."""
        return [Outcome(entry, await self._one(entry)) for entry in entries]

    def _wait(self, recorded: str) -> None:
        """Let pass what passed before an exchange was recorded; in a second or more, work is done."""
        try:
            now = datetime.fromisoformat(recorded).replace(tzinfo=UTC)
        except ValueError:
            return  # it does not say when
        gap = 0.0 if self._last is None else max(0.0, (now - self._last).total_seconds())
        self._last = now
        for application in (self._plain, self._phantom, self._closed):
            assert isinstance(application.clock, ManualClock)
            application.clock.advance(min(gap, LONGEST))
            if gap >= WORKED:
                _work(application.edge)

    async def _one(self, entry: Recorded) -> list[Difference]:
        request, response = entry.exchange.request, entry.exchange.response
        self._wait(entry.exchange.recorded)
        match = self._plain.edge.router.match(request.path.partition("?")[0])
        if match is None or request.method not in match.methods:
            if not compare(response, await self._send(self._plain, request, KEY)):
                return []  # an unknown path there, too
            return [Difference("not served", "", f"{request.method} {path_of(request.path)}", "")]
        if entry.absent:
            return []
        here = await self._answer(request, response)
        for recorded_id, id in _pairs(parsed(response.body), parsed(here.body)):
            self._ids.setdefault(recorded_id, id)
        text = self._mapped(response.body.decode("latin-1")).encode("latin-1")
        found = compare(replace(response, chunks=(Chunk(0.0, text),)), here)
        # What was redacted had other tokens.
        return [entry for entry in found if entry.kind != "token count" or not _redacted(request)]

    async def _answer(self, request: Request, response: Response) -> Response:
        wrong = _WRONG_KEY.search(response.body.decode("latin-1"))
        if response.status == 401 and wrong is not None:
            answer = await self._send(self._closed, request, wrong[1].replace("*", "x"))
            masked = _WRONG_KEY.search(answer.body.decode("latin-1"))
            if masked is None or masked[1].split("*")[0] != wrong[1].split("*")[0]:
                return answer
            # How many characters were masked is the secret of whoever recorded.
            same = answer.body.replace(masked[1].encode("latin-1"), wrong[1].encode("latin-1"))
            return replace(answer, chunks=(Chunk(0.0, same),))
        keyless = response.status == 401 and not any(request.headers.get(name) for name in CREDENTIALS)
        first = await self._send(self._plain, request, "" if keyless else KEY)
        missed = compare(response, first)
        if not missed or response.status == 404:
            return first
        # The recording may begin in the middle: its objects were made before.
        second = await self._send(self._phantom, request, KEY)
        if second.status != response.status:
            return first
        nearer = first.status != response.status or len(compare(response, second)) < len(missed)
        return second if nearer else first

    async def _send(self, application: Application, request: Request, key: str) -> Response:
        transport = httpx2.ASGITransport(application)
        headers = {name: request.headers[name] for name in SENT if name in request.headers}
        content = b""
        if request.form is not None:
            content, headers["content-type"] = encoded(request.form)
        elif request.body is not None:
            content = request.body.data or b""
            if "multipart" not in headers.get("content-type", ""):
                content = self._mapped(content.decode("latin-1")).encode("latin-1")
        if key:
            headers["authorization"] = f"Bearer {key}"
        url = f"http://mock{self._mapped(request.path)}"
        async with httpx2.AsyncClient(transport=transport) as client:
            answer = await client.request(request.method, url, headers=headers, content=content)
        return Response(answer.status_code, dict(answer.headers), (Chunk(0.0, answer.content),))

    def _mapped(self, text: str) -> str:
        return _ID.sub(lambda found: self._ids.get(found[0], found[0]), text)


def _redacted(request: Request) -> bool:
    bodies = [request.body, *(part.body for part in request.form or ())]
    return any(REDACTED in (body.data or b"") for body in bodies if body is not None)


def _work(edge: Edge) -> None:
    """Do what is due, as the worker of a server does."""
    worked = -1
    while edge.work.worked != worked:
        worked = edge.work.worked
        for piece in edge.work.due(edge.clock.now()):
            edge.look(piece)


def _pairs(recorded: Any, here: Any) -> Iterator[tuple[str, str]]:
    """Yield the ids that stand in the same place of two answers."""
    if isinstance(recorded, Event) and isinstance(here, Event):
        yield from _pairs(recorded.data, here.data)
    elif isinstance(recorded, dict) and isinstance(here, dict):
        for name in recorded.keys() & here.keys():
            first, second = recorded[name], here[name]
            if name == "id" or name.endswith("_id"):
                if isinstance(first, str) and isinstance(second, str) and _ID.fullmatch(first) and first != second:
                    yield first, second
            else:
                yield from _pairs(first, second)
    elif isinstance(recorded, (list, tuple)) and isinstance(here, (list, tuple)):
        for pair in zip(recorded, here, strict=False):
            yield from _pairs(*pair)

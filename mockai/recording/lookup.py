"""From a request to the exchange that answers it: compared without what differs between two equal calls.

Key order, spacing, multipart boundaries, SDK headers and fields that only name the end user do not count. Equal
requests get their answers in the recorded order; the last one is repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from mockai.recording.exchange import Body, Exchange, Request
from mockai.recording.redaction import CREDENTIALS, Redaction
from mockai.recording.scrubbing import redacted_request
from mockai.recording.tape import Tape
from mockai.wire import codec

VOLATILE = frozenset({"user", "safety_identifier", "prompt_cache_key"})
"""Fields of a JSON body that do not count."""
HEADERS = ("openai-beta", "x-mockai-finish-reason", "x-test-id")
"""Headers that count, beside the kind of the body and whether there are credentials."""
_PREFIXES = ("/openai/v1/", "/v1/")
MOST_COMPARED = 200
"""Recorded requests that are looked at to explain a miss."""

Facts = dict[str, Any]


def path_of(target: str) -> str:
    """Return a path without its query and without the prefix of the API's version."""
    path = target.partition("?")[0]
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            return path[len(prefix) - 1 :]
    return path


def facts(request: Request) -> Facts:
    """Return what counts of a request, by name; equal requests have equal facts."""
    query = sorted(parse_qsl(request.path.partition("?")[2], keep_blank_values=True))
    found: Facts = {"method": request.method, "path": path_of(request.path)}
    found |= {f"query {name}": value for name, value in query}
    found |= {f"header {name}": request.headers[name] for name in HEADERS if name in request.headers}
    found["credentials"] = any(request.headers.get(name) for name in CREDENTIALS)
    if request.form is not None:
        for at, part in enumerate(request.form):
            found[f"form {at} {part.name}"] = (part.filename, part.body.sha256)
    elif request.body is not None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        found["header content-type"] = kind
        found |= _body(request.body)
    return found


def _body(body: Body) -> Facts:
    try:
        value = codec.loads(body.data or b"")
    except codec.Fault:
        return {"body": body.sha256}
    if not isinstance(value, dict):
        return {"body": codec.dumps_text(value)}
    return {f"body.{name}": entry for name, entry in value.items() if name not in VOLATILE}


def _key(found: Facts) -> bytes:
    return codec.canonical(found)


@dataclass(frozen=True, slots=True)
class Miss:
    """Why no recorded exchange answers a request."""

    nearest: Exchange | None
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in one line."""
        if self.nearest is None:
            return "no recorded exchange has this method and path"
        at = self.nearest
        return f"the nearest is {at.request.method} {at.request.path} ({at.where}): {'; '.join(self.differences)}"


@dataclass(slots=True)
class _Same:
    """Exchanges of equal requests, in their order."""

    after: int
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(slots=True)
class _Redacted:
    """Exchanges that were recorded under one redaction."""

    redaction: Redaction
    by_key: dict[bytes, _Same] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The answers that a caller may get to a request."""

    take: Callable[[], Exchange]
    """Returns the next one, which counts as told."""
    after: int
    """How many rules come before the recording."""


class Deck:
    """All exchanges that may be replayed, and how far each caller has come."""

    def __init__(self, tapes: Iterable[Tape]) -> None:
        """Index the exchanges of the tapes."""
        self._by_redaction: dict[Redaction, _Redacted] = {}
        self._all: list[tuple[Exchange, Redaction]] = []
        self._told: dict[tuple[str, bytes], int] = {}
        self._lock = threading.Lock()
        for tape in tapes:
            for exchange in tape.exchanges:
                self.add(exchange, tape.redaction, tape.after)

    def __len__(self) -> int:
        """Return how many exchanges there are."""
        return len(self._all)

    def add(self, exchange: Exchange, redaction: Redaction, after: int = 0) -> None:
        """Add one exchange, which so many rules come before."""
        group = self._by_redaction.setdefault(redaction, _Redacted(redaction))
        group.by_key.setdefault(_key(facts(exchange.request)), _Same(after)).exchanges.append(exchange)
        self._all.append((exchange, redaction))

    def find(self, request: Request, caller: str) -> Found | None:
        """Return what `caller` may get to this request, or None."""
        for group in self._by_redaction.values():
            key = _key(facts(redacted_request(request, group.redaction)))
            found = group.by_key.get(key)
            if found is not None:
                return Found(partial(self._take, caller, key, found.exchanges), found.after)
        return None

    def _take(self, caller: str, key: bytes, found: list[Exchange]) -> Exchange:
        with self._lock:
            at = self._told.get((caller, key), 0)
            self._told[caller, key] = at + 1
        return found[min(at, len(found) - 1)]

    def explain(self, request: Request) -> Miss:
        """Return what the nearest recorded request has otherwise."""
        best: tuple[int, Miss] | None = None
        for exchange, redaction in self._candidates(request):
            asked = facts(redacted_request(request, redaction))
            found = tuple(differences(facts(exchange.request), asked))
            if best is None or len(found) < best[0]:
                best = (len(found), Miss(exchange, found))
        return Miss(None) if best is None else best[1]

    def _candidates(self, request: Request) -> list[tuple[Exchange, Redaction]]:
        path = path_of(request.path)
        segments = path.count("/")
        same, near = [], []
        for exchange, redaction in self._all:
            if exchange.request.method != request.method:
                continue
            other = path_of(exchange.request.path)
            if other == path:
                same.append((exchange, redaction))
            elif other.count("/") == segments and other.split("/")[1] == path.split("/")[1]:
                near.append((exchange, redaction))
        return (same or near)[:MOST_COMPARED]


def differences(recorded: Any, asked: Any, where: str = "") -> Iterator[str]:
    """Yield where two values differ, in words."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            at = f"{where}.{name}" if where else name
            if name not in asked:
                yield f"{at} is missing"
            elif name not in recorded:
                yield f"{at} was not sent then"
            else:
                yield from differences(recorded[name], asked[name], at)
    elif isinstance(recorded, list) and isinstance(asked, list) and len(recorded) == len(asked):
        for at, pair in enumerate(zip(recorded, asked, strict=True)):
            yield from differences(*pair, f"{where}[{at}]")
    elif recorded != asked:
        yield f"{where} was {_short(recorded)}, now {_short(asked)}"


def _short(value: Any) -> str:
    text = codec.dumps_text(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""The way to the target: every request of the suite goes through here.

It keeps what was sent and answered for the report, and on the live API holds the budget, waits as 429 asks,
bounds every wait and deletes what was made.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from contracts import prices
from contracts.snapshots import Snapshots
from contracts.target import Target
from mockai.api import OPERATIONS
from mockai.call import Operation
from mockai.routing import Router

ROUTER = Router(OPERATIONS)
KEPT = 64 * 1024
"""Bytes of a body that are kept for the report."""
LONGEST = 120.0
"""Seconds that one contract may take."""
MOST_WAITS = 4
"""How often one request waits for a rate limit."""
NO_FIXTURE = "no fixture match"
NOWHERE = "/no-such-endpoint-of-any-server"


@dataclass(slots=True)
class Exchange:
    """One request and what came back."""

    method: str
    path: str
    """Relative to the base URL, with the query."""
    operation: str | None
    """The operation by its name in the SDK; None for a path that is none."""
    request: str
    status: int | None = None
    """None: no answer."""
    kind: str = ""
    """The content type of the answer."""
    answer: str = ""
    absent: bool = False
    """The target answered as it answers paths that it does not know."""


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a request is for; `path` is relative to the base URL."""
    match = ROUTER.match(path.partition("?")[0])
    return match.methods.get(method) if match else None


class Wire(httpx2.BaseTransport):
    """A transport that watches, waits and counts."""

    def __init__(self, target: Target, inner: httpx2.BaseTransport | None = None) -> None:
        """Send through `inner`, by default over the network."""
        self.target = target
        self.base = ""
        self.inner = inner or httpx2.HTTPTransport(retries=1)
        self.exchanges: list[Exchange] = []
        self.spent = 0.0
        """USD."""
        self.stopped = ""
        """Why nothing more is asked of the target; empty while it is."""
        self.unknown: dict[str, tuple[int, str]] = {}
        """How the target answers paths that it does not know, by method."""
        self.made: dict[str, str] = {}
        """Objects to delete in the end: their path, and the method and path that do it."""
        self.batches: set[str] = set()
        """Paths of batches: they make files for a while after they were met last."""
        self.snapshots: Snapshots | None = None
        """Keeps what goes by, where that is asked for."""
        self._polls: Counter[str] = Counter()
        self._since = time.monotonic()

    def begin(self) -> None:
        """Begin another contract."""
        self.exchanges = []
        self._polls.clear()
        self._since = time.monotonic()

    # --- one request

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and keep what came back."""
        sent = request.read()
        path = request.url.raw_path.decode("ascii").removeprefix(httpx2.URL(self.base).path.rstrip("/"))
        operation = operation_of(request.method, path)
        name = None if operation is None else operation.name
        exchange = Exchange(request.method, path, name, self._shown(request, sent))
        self.exchanges.append(exchange)
        cost = self._reserve(operation, sent)
        self._pace(request.method, path)
        request.headers["accept-encoding"] = "identity"
        response = self._patiently(request)
        exchange.status, exchange.kind = response.status_code, response.headers.get("content-type", "")
        assert isinstance(response.stream, httpx2.SyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Tee(response.stream, lambda answer: self._over(exchange, cost, request, sent, response, answer)),
            extensions=response.extensions,
        )

    def _shown(self, request: httpx2.Request, sent: bytes) -> str:
        if "multipart" in request.headers.get("content-type", ""):
            sent = b"\n".join(line[:200] for line in sent[:KEPT].split(b"\r\n") if not line.startswith(b"--"))
        return self.target.hidden(sent[:KEPT].decode("utf-8", "replace"))

    def _reserve(self, operation: Operation | None, sent: bytes) -> float:
        """Return what the request may cost, if the budget allows it."""
        if self.target.kind != "live" or operation is None or operation.name not in prices.EXPECTED:
            return 0.0
        try:
            cost = prices.worst(json.loads(sent))
        except ValueError:
            return 0.0
        if self.spent + cost > self.target.budget:
            self.stopped = f"the budget of ${self.target.budget:.2f} is used up (${self.spent:.4f} spent)"
            pytest.skip(self.stopped)
        return cost

    def _pace(self, method: str, path: str) -> None:
        """Bound the time of a contract, and look at the same object less and less often."""
        if time.monotonic() - self._since > LONGEST:
            pytest.fail(f"the contract took longer than {LONGEST:.0f} s")
        if method == "GET" and self.target.kind != "mock":
            seen = self._polls[path]
            self._polls[path] += 1
            if seen:
                time.sleep(min(2.0, 0.02 * 2**seen))

    def _patiently(self, request: httpx2.Request) -> httpx2.Response:
        """Send; on the live API wait as long as its rate limit asks, within bounds."""
        for attempt in range(MOST_WAITS):
            response = self.inner.handle_request(request)
            if response.status_code != 429 or self.target.kind != "live":
                return response
            body = response.read()
            if b"insufficient_quota" in body:
                self.stopped = "the live API says insufficient_quota: the account has no credit"
                pytest.skip(self.stopped)
            response.close()
            time.sleep(min(30.0, _seconds(response.headers.get("retry-after")) or 2.0**attempt))
        return self.inner.handle_request(request)

    # --- after it

    def _over(
        self,
        exchange: Exchange,
        cost: float,
        request: httpx2.Request,
        sent: bytes,
        response: httpx2.Response,
        answer: bytes,
    ) -> None:
        self.ended(exchange, answer, cost)
        if self.snapshots is not None:
            self.snapshots.add(request, sent, response, answer)

    def ended(self, exchange: Exchange, answer: bytes, cost: float) -> None:
        """Note an answer that is all there, or as much of it as was read."""
        exchange.answer = self.target.hidden(answer[:KEPT].decode("utf-8", "replace"))
        exchange.absent = self._is_absent(exchange)
        body = _parsed(answer)
        if cost and exchange.status == 200:
            usage = body.get("usage") if isinstance(body, dict) else None
            self.spent += prices.actual(str(body.get("model")), usage) if usage else cost
        if exchange.status is not None and exchange.status < 300 and isinstance(body, dict):
            self._note(exchange, body)

    def _is_absent(self, exchange: Exchange) -> bool:
        if exchange.status in (405, 501):
            return True
        if exchange.status in (404, 503) and NO_FIXTURE in exchange.answer.lower().replace("_", " "):
            return True  # a server of canned answers that has none for this request
        known = self.unknown.get("GET" if exchange.method == "HEAD" else exchange.method)
        if exchange.status is None or exchange.status < 400 or known is None:
            return False
        return known == (exchange.status, _plain(exchange.answer, exchange.method, exchange.path))

    def learn(self, client: httpx2.Client) -> None:
        """Ask for a path that no server has, to know later which operations the target does not have."""
        for method in ("GET", "POST", "DELETE"):
            answer = client.request(method, NOWHERE, json={} if method == "POST" else None)
            if answer.status_code >= 400:
                self.unknown[method] = (answer.status_code, _plain(answer.text, method, NOWHERE))

    def _note(self, exchange: Exchange, body: dict[str, Any]) -> None:
        """Remember what was made, and forget what was deleted."""
        place = exchange.path.partition("?")[0]
        if exchange.method == "DELETE" or place.endswith("/cancel"):
            self.made.pop(place.removesuffix("/cancel"), None)
        if body.get("object") == "batch":
            self.batches.add(f"/batches/{body.get('id')}")
            for name in ("output_file_id", "error_file_id"):
                if body.get(name):
                    self.made[f"/files/{body[name]}"] = f"DELETE /files/{body[name]}"
        if exchange.method != "POST":
            return
        if isinstance(body.get("file"), dict):  # a completed upload has become a file
            self.made.pop(place.removesuffix("/complete"), None)
            self.made[f"/files/{body['file'].get('id')}"] = f"DELETE /files/{body['file'].get('id')}"
        path = f"{place}/{body.get('id')}"
        if place == "/chat/completions" and not (_parsed(exchange.request.encode()) or {}).get("store"):
            return
        for method, way in (("DELETE", path), ("POST", f"{path}/cancel")):
            if isinstance(body.get("id"), str) and operation_of(method, way):
                self.made[path] = f"{method} {way}"
                return

    def tidy(self, client: httpx2.Client) -> list[str]:
        """Delete what is left of what was made, the newest first; return what could not be deleted."""
        left = []
        self.snapshots = None
        self.begin()

        def undone(way: str) -> bool:
            method, _, path = way.partition(" ")
            try:
                status = client.request(method, path).status_code
            except (httpx2.HTTPError, pytest.skip.Exception, pytest.fail.Exception):
                return False
            return 200 <= status < 300 or status in (400, 404, 409)

        made = [*self.made.values()][::-1]
        left += [way for way in made if not undone(way)]
        # What a batch has written by now is seen when it is looked at once more.
        looks = [f"GET {path}" for path in sorted(self.batches)]
        left += [way for way in looks if not undone(way)]
        return left + [way for way in [*self.made.values()] if way not in made and not undone(way)]


class _Tee(httpx2.SyncByteStream):
    """Hands a body on, and keeps it."""

    def __init__(self, inner: httpx2.SyncByteStream, ended: Callable[[bytes], None]) -> None:
        self.inner, self.ended = inner, ended
        self.kept = bytearray()
        self.told = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.inner:
            self.kept += chunk
            yield chunk

    def close(self) -> None:
        """Close the body; what came of it is the answer."""
        self.inner.close()
        if not self.told:
            self.told = True
            self.ended(bytes(self.kept))


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _plain(answer: str, method: str, path: str) -> str:
    """Return an answer without what it repeats of the request, and without digits."""
    place = path.partition("?")[0]
    for part in (f"/v1{place}", place, place.lstrip("/"), method):
        answer = answer.replace(part, "")
    return "".join(letter for letter in answer if not letter.isdigit())

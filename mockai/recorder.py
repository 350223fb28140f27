"""The recorder: a proxy in front of another server that writes down what goes by.

The client sees what the server sent: status, headers and bytes, each chunk as it comes. Only `accept-encoding` is
narrowed to what can be written down readable.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import anyio.to_thread
import httpx2
from starlette.types import Receive, Scope, Send

from mockai.clock import Clock
from mockai.recording import Chunk, Exchange, Request, Response
from mockai.recording.forms import MOST_KEPT, FormReader, Tally, boundary_of
from mockai.recording.lookup import Deck
from mockai.recording.redaction import Redaction, SecretError
from mockai.recording.tape import TapeWriter
from mockai.wire import codec, sse

log = logging.getLogger("mockai")

Mode = Literal["none", "once", "new_episodes", "all"]
RawHeaders = list[tuple[bytes, bytes]]

# Headers of one connection, not of the message.
HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade".split()
)
OWN_PATHS = ("/health", "/ready")
"""What the proxy answers itself: whether it is up is no exchange with the upstream."""
ENCODINGS = ("gzip", "deflate")
CONNECT = 10.0
"""Seconds to reach the upstream. How long an answer may take is the client's decision."""


class Recorder:
    """The proxy as an ASGI application."""

    def __init__(
        self, upstream: str, *, writer: TapeWriter | None, deck: Deck | None, redaction: Redaction, clock: Clock
    ) -> None:
        """Forward to `upstream`; `writer` writes what went by, `deck` answers what it knows.

        Without a writer nothing is forwarded: a request that the deck does not know is refused.
        """
        parts = urlsplit(upstream)
        self._origin, self._prefix = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._host = parts.netloc.rpartition("@")[2].encode()
        self._writer, self._deck, self._redaction, self._clock = writer, deck, redaction, clock
        self._transport = httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=None))
        self.refused = 0
        """Exchanges that were not written, as they held a secret or the disk did not take them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one exchange on."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["path"] in OWN_PATHS:
            await _answer(send, 200, {"status": "ok"})
            return
        asked = _Asked(scope, receive)
        if self._deck is not None and await self._replayed(asked, send, self._deck):
            return
        if self._writer is not None:
            await self._forward(asked, send, self._writer)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self._transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _replayed(self, asked: _Asked, send: Send, deck: Deck) -> bool:
        """Answer from the recordings; whether the request is answered."""
        await asked.read()
        request = asked.request()
        found = deck.find(request, "")
        if found is not None:
            await _replay(found.take().response, send)
            return True
        if self._writer is None:
            await _refuse(send, 503, f"No recorded exchange answers this request: {deck.explain(request)}")
            return True
        return False

    # --- forwarding

    def _target(self, target: str) -> str:
        """Return the path at the upstream: its own prefix is not doubled."""
        prefix = self._prefix
        return target if target == prefix or target.startswith((f"{prefix}/", f"{prefix}?")) else prefix + target

    async def _forward(self, asked: _Asked, send: Send, writer: TapeWriter) -> None:
        target = self._target(asked.target)
        outgoing = httpx2.Request(
            asked.method,
            self._origin,
            headers=_forwarded(asked.headers, self._host),
            stream=_Upstream(asked.chunks()),
            extensions={"target": target.encode("latin-1"), "timeout": {"connect": CONNECT}},
        )
        begun = asyncio.get_running_loop().time()
        try:
            answer = await self._transport.handle_async_request(outgoing)
        except _GoneError:
            return
        except (httpx2.TransportError, OSError) as error:
            text = f"The upstream {self._origin} gave no answer: {str(error).rstrip('.') or type(error).__name__}."
            log.error("%s %s: %s", asked.method, asked.target, text)
            await _refuse(send, 502, text, "upstream_unreachable")
            return
        passing = _Passing(asked, answer, begun)
        gone = asyncio.ensure_future(asked.gone())
        passed = asyncio.ensure_future(passing.run(send, lambda: self._write(passing, writer)))
        try:
            await asyncio.wait((gone, passed), return_when=asyncio.FIRST_COMPLETED)
            if passed.done():
                passed.result()
            else:
                log.warning("not written: %s %s: the client left before the end", asked.method, asked.target)
        except (httpx2.TransportError, OSError) as error:
            # The client's connection ends as the upstream's did: returning here closes it.
            log.error("not written: %s %s: the upstream broke off (%r)", asked.method, asked.target, error)
        finally:
            gone.cancel()
            passed.cancel()
            await answer.aclose()

    async def _write(self, passing: _Passing, writer: TapeWriter) -> None:
        asked = passing.asked
        response = passing.response()
        if response is None:
            log.warning("not written: %s %s: %s", asked.method, asked.target, passing.trouble)
            self.refused += 1
            return
        exchange = Exchange(asked.request(), response, writer.moment(self._clock.now()))
        try:
            path = await anyio.to_thread.run_sync(writer.add, exchange)
        except SecretError as error:
            self.refused += 1
            log.error(
                "not written: %s %s: %s; --redact PATTERN takes it out",
                asked.method,
                asked.target.partition("?")[0],
                error,
            )
        except OSError as error:
            self.refused += 1
            log.error("not written: %s %s: %s", asked.method, asked.target.partition("?")[0], error)
        else:
            log.info("%s %s %d -> %s", asked.method, asked.target.partition("?")[0], response.status, path)


class _GoneError(Exception):
    """The client left while it was sending."""


class _Asked:
    """A request, read as it is passed on."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        query: bytes = scope["query_string"]
        self.target = scope["raw_path"].decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        self.headers: RawHeaders = scope["headers"]
        self._receive = receive
        self._read: list[bytes] | None = None
        self._tally = Tally()
        boundary = boundary_of(self._header(b"content-type"))
        self._form = FormReader(boundary) if boundary else None

    def _header(self, name: bytes) -> str:
        return b", ".join(value for key, value in self.headers if key == name).decode("latin-1")

    async def read(self) -> None:
        """Read the whole body before it is passed on."""
        self._read = [chunk async for chunk in self.chunks()]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        for chunk in self._read or ():
            yield chunk
        more = self._read is None
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            chunk, more = message.get("body", b""), message.get("more_body", False)
            if chunk:
                self._note(chunk)
                yield chunk

    def _note(self, chunk: bytes) -> None:
        self._tally.add(chunk)
        if self._form is not None:
            try:
                self._form.add(chunk)
            except ValueError:
                self._form = None  # no form, whatever it says: written as plain bytes

    def request(self) -> Request:
        """Return what was sent."""
        headers = {name.decode("latin-1"): self._header(name) for name, _ in self.headers}
        form = self._form.parts() if self._form is not None else None
        body = self._tally.body()
        whole = None if form is not None or not body.size else body
        return Request(self.method, self.target, headers, whole, form)

    async def gone(self) -> None:
        """Return when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            continue


class _Upstream(httpx2.AsyncByteStream):
    """A request body for the transport."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk


class _Passing:
    """An answer on its way to the client."""

    def __init__(self, asked: _Asked, answer: httpx2.Response, begun: float) -> None:
        self.asked, self._answer, self._begun = asked, answer, begun
        self._chunks: list[Chunk] = []
        self._size = 0
        self.trouble = f"its answer has more than {MOST_KEPT} bytes"

    async def run(self, send: Send, write: Callable[[], Any]) -> None:
        """Pass the answer on, and write it before the client sees its end."""
        answer = self._answer
        raw = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP]
        written = self.asked.method == "HEAD"
        if written:  # its client takes the head for the end
            await write()
        await send({"type": "http.response.start", "status": answer.status_code, "headers": raw})
        length = answer.headers.get("content-length", "")
        whole = int(length) if length.isdigit() and self.asked.method != "HEAD" else None
        tail = b""
        clock = asyncio.get_running_loop().time
        stream = answer.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        async for chunk in stream:
            self._size += len(chunk)
            if self._size <= MOST_KEPT:
                self._chunks.append(Chunk(clock() - self._begun, chunk))
            tail = (tail + chunk)[-len(sse.DONE) :]
            if not written and (self._size == whole or tail == sse.DONE):
                await write()  # what the client takes for the end: it may leave now
                written = True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if not written:
            await write()
        await send({"type": "http.response.body", "body": b""})

    def response(self) -> Response | None:
        """Return what the server answered, decoded; None where it cannot be written."""
        if self._size > MOST_KEPT:
            return None
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._answer.headers.raw
        }
        try:
            chunks = _decoded(self._chunks, headers.get("content-encoding", ""))
        except (ValueError, zlib.error) as error:
            self.trouble = f"its answer cannot be decoded ({error})"
            return None
        streamed = "json" not in headers.get("content-type", "") and "content-length" not in headers
        if not streamed or len(chunks) < 2:
            first = chunks[0].at if chunks else 0.0
            chunks = [Chunk(first, b"".join(chunk.data for chunk in chunks))]
        return Response(self._answer.status_code, headers, tuple(chunks))


def _decoded(chunks: Sequence[Chunk], encoding: str) -> list[Chunk]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return list(chunks)
    if encoding not in ENCODINGS:
        raise ValueError(f"content-encoding {encoding}")
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    decoded = [Chunk(chunk.at, decoder.decompress(chunk.data)) for chunk in chunks]
    return [chunk for chunk in decoded if chunk.data]


def _forwarded(headers: RawHeaders, host: bytes) -> RawHeaders:
    """Return a request's headers as the upstream gets them."""
    connection = {
        token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")
    }
    kept = [(b"host", host)]
    chunked = False
    for name, value in headers:
        if name == b"transfer-encoding":
            chunked = True
        elif name == b"accept-encoding":
            kept.append((name, _narrowed(value)))
        elif name not in HOP and name not in connection and name not in (b"host", b"expect"):
            kept.append((name, value))
    return [*kept, (b"transfer-encoding", b"chunked")] if chunked else kept


def _narrowed(value: bytes) -> bytes:
    wanted = [entry.strip() for entry in value.decode("latin-1").split(",")]
    kept = [entry for entry in wanted if entry.partition(";")[0].strip().lower() in ENCODINGS]
    return ", ".join(kept or ["identity"]).encode()


async def _replay(response: Response, send: Send) -> None:
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    for chunk in response.chunks:
        await send({"type": "http.response.body", "body": chunk.data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, status: int, text: str, code: str = "no_fixture_match") -> None:
    await _answer(send, status, {"error": {"message": text, "type": "mockai_error", "param": None, "code": code}})


async def _answer(send: Send, status: int, told: object) -> None:
    body = codec.dumps(told)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

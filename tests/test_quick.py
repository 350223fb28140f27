"""The short way answers as the usual one does, whatever came before and whatever comes next."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from mockai import listener
from mockai.app import Application
from mockai.heads import LONGEST, MOST, Head, Heads
from mockai.quick import QuickProtocol
from mockai.server import LARGE_BODY
from mockai.settings import Settings
from tests.inside import serving

Send = Callable[[bytes], None]


class Wire(asyncio.Transport):
    """A connection that keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closing, self.reading = b"", False, [True]

    def write(self, data: Any) -> None:
        assert not self.closing
        self.written += data

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading.append(False)

    def resume_reading(self) -> None:
        self.reading.append(True)

    def answers(self) -> list[tuple[int, Any]]:
        """Return the status and the JSON of each answer with a length."""
        rest, read = self.written, []
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            length = int(lines[b"content-length"])
            read.append((int(head.split()[1]), json.loads(rest[:length])))
            rest = rest[length:]
        return read


class Connections:
    """Connections of one application, without a network: what comes in one turn of the loop is told, not hoped for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, application: Application) -> None:
        self.loop, self.edge = loop, application.edge
        self._config = listener.config(application, http=QuickProtocol, log_config=None)
        self._config.load()

    def open(self) -> tuple[QuickProtocol, Wire]:
        protocol = QuickProtocol(config=self._config, server_state=ServerState(), app_state={}, _loop=self.loop)
        wire = Wire()
        protocol.connection_made(wire)
        return protocol, wire

    def stored(self) -> int:
        """Return how many completions are kept."""
        create = self.edge.hot[b"/v1/chat/completions"].methods["POST"]
        tenant = self.edge.tenancy.identify(create, {b"authorization": b"Bearer k"}).tenant
        return len([*self.edge.store.list(tenant, "chat.completion")])

    def turn(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def connections() -> Iterator[Connections]:
    with asyncio.Runner() as runner:
        yield Connections(runner.get_loop(), Application(Settings(clock="manual")))


def request(text: str, *headers: str, path: str = "/v1/chat/completions", **more: Any) -> bytes:
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Authorization: Bearer k",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def contents(wire: Wire) -> list[str]:
    return [body["choices"][0]["message"]["content"] for _, body in wire.answers()]


TEXTS = ["Say hello.", "Name a river in Europe, and say why.", "Why?"]


@pytest.fixture
def expected(connections: Connections) -> list[str]:
    """Return what each of `TEXTS` is answered on a connection of its own, and make the head known."""
    said = []
    for text in TEXTS:
        protocol, wire = connections.open()
        protocol.data_received(request(text))
        connections.turn()
        said += contents(wire)
    assert len({*said}) == len(TEXTS)
    return said


def test_a_known_head_is_answered_at_the_end_of_the_turn(connections: Connections, expected: list[str]) -> None:
    opened = [connections.open() for _ in TEXTS]
    for (protocol, wire), text in zip(opened, TEXTS, strict=True):
        protocol.data_received(request(text))
        assert wire.written == b""
    connections.turn()
    assert [contents(wire) for _, wire in opened] == [[said] for said in expected]


def test_what_comes_on_a_connection_before_the_turn_ends_is_answered_after(
    connections: Connections, expected: list[str]
) -> None:
    protocol, wire = connections.open()
    for text in TEXTS:
        protocol.data_received(request(text))
    protocol.data_received(b"GET /v1/models/gpt-4o-mini HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n")
    connections.turn(5)
    assert [status for status, _ in wire.answers()] == [200] * 4
    assert wire.answers()[3][1]["object"] == "model"
    assert [body["choices"][0]["message"]["content"] for _, body in wire.answers()[:3]] == expected


@pytest.mark.parametrize("pieces", [1, 2, 3, 200])
def test_requests_in_a_row_are_answered_in_a_row(connections: Connections, expected: list[str], pieces: int) -> None:
    protocol, wire = connections.open()
    raw = b"".join(map(request, TEXTS))
    size = -(-len(raw) // pieces)
    for at in range(0, len(raw), size):
        protocol.data_received(raw[at : at + size])
    connections.turn()
    assert contents(wire) == expected


def test_a_body_in_pieces_is_waited_for(connections: Connections, expected: list[str]) -> None:
    raw = request(TEXTS[1])
    protocol, wire = connections.open()
    protocol.data_received(raw[:-5])
    connections.turn()
    assert wire.written == b""
    protocol.data_received(raw[-5:])
    connections.turn()
    assert contents(wire) == [expected[1]]


def test_garbage_after_a_known_head_is_told_after_its_answer(connections: Connections, expected: list[str]) -> None:
    protocol, wire = connections.open()
    protocol.data_received(request(TEXTS[0]))
    protocol.data_received(b"GARBAGE\r\n\r\n")
    connections.turn()
    assert [status for status, _ in wire.answers()] == [200, 400]
    assert wire.answers()[0][1]["choices"][0]["message"]["content"] == expected[0]
    assert wire.closing


@pytest.mark.parametrize("end", ["eof_received", "shutdown"])
@pytest.mark.usefixtures("expected")
def test_a_connection_that_ends_gets_what_it_asked_for(connections: Connections, end: str) -> None:
    protocol, wire = connections.open()
    protocol.data_received(request(TEXTS[0]))
    getattr(protocol, end)()
    assert len(contents(wire)) == 1


@pytest.mark.usefixtures("expected")
def test_what_a_client_asked_is_done_though_it_has_gone(connections: Connections) -> None:
    protocol, wire = connections.open()
    other, kept = connections.open()
    protocol.data_received(request("Keep this.", store=True))
    other.data_received(request(TEXTS[0]))
    wire.close()
    protocol.connection_lost(None)
    connections.turn()
    assert wire.written == b""
    assert len(contents(kept)) == 1
    assert connections.stored() == 1


@pytest.mark.parametrize(
    ("header", "status"), [("X-Mockai-Finish-Reason: content_filter", 200), ("X-Mockai-Finish-Reason: nothing", 400)]
)
def test_a_known_head_keeps_its_headers(connections: Connections, header: str, status: int) -> None:
    protocol, wire = connections.open()
    for _ in range(3):
        protocol.data_received(request("Hello", header))
        connections.turn()
        protocol.data_received(request("Hello"))
        connections.turn()
    assert [got for got, _ in wire.answers()] == [status, 200] * 3
    if status == 200:
        assert [body["choices"][0]["finish_reason"] for _, body in wire.answers()] == ["content_filter", "stop"] * 3


def test_another_caller_is_another_head(connections: Connections) -> None:
    protocol, wire = connections.open()
    for _ in range(2):
        for key in ("Bearer k", "Bearer j", "Nothing"):
            protocol.data_received(request("Hello").replace(b"Bearer k", key.encode()))
            connections.turn()
    assert [status for status, _ in wire.answers()] == [200, 200, 401] * 2


def test_what_takes_long_goes_the_usual_way() -> None:
    with serving() as served, socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        read = connection.makefile("rb")
        for n in (1, 5, 1, 5):
            connection.sendall(request("Hello", n=n))
            assert read.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := read.readline()) != b"\r\n":
                name, _, value = line.partition(b": ")
                length = int(value) if name == b"content-length" else length
            assert len(json.loads(read.read(length))["choices"]) == n


def test_a_stream_that_waits_goes_the_usual_way() -> None:
    with serving("--pace", "fast") as served:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
                connection.sendall(request("Hello", stream=True, max_tokens=5))
                received = b""
                while b"[DONE]" not in received:
                    received += connection.recv(65536)
            assert received.count(b"data: {") == 7


@pytest.mark.usefixtures("expected")
def test_a_request_that_fails_harms_no_other(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quick = connections.edge.quick

    def failing(head: Head, raw: bytes) -> Any:
        if b"fail" in raw:
            raise OSError("the disk is full")
        return quick(head, raw)

    monkeypatch.setattr(connections.edge, "quick", failing)
    opened = [connections.open() for _ in range(3)]
    for (protocol, _), text in zip(opened, ("one", "fail", "three"), strict=True):
        protocol.data_received(request(text))
    connections.turn()
    assert [len(wire.answers()) for _, wire in opened] == [1, 0, 1]
    assert [wire.closing for _, wire in opened] == [False, True, False]
    assert "the disk is full" in caplog.text


def test_what_fails_before_there_is_an_id_is_told(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked:
        def hex(self, prefix: str) -> str:
            raise OSError(f"database is locked: no id {prefix}")

    monkeypatch.setattr(connections.edge, "_requests", Locked())
    protocol, wire = connections.open()
    protocol.data_received(request("Hello"))
    protocol.data_received(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n")
    connections.turn(5)
    assert [(status, body["error"]["type"]) for status, body in wire.answers()] == [(500, "server_error")] * 2
    assert "database is locked" in caplog.text


HEAVY: dict[str, Any] = {"n": 5, "max_tokens": 5}
MODEL = b"GET /v1/models/gpt-4o-mini HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n"


def asked(*parts: bytes, half_close: bool = False) -> list[int]:
    """Return the statuses of what a server answers until it closes or says no more."""
    with serving() as served, socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


@pytest.mark.parametrize(
    ("parts", "half_close", "statuses"),
    [
        ([MODEL + b"GARBAGE\r\n\r\n"], False, [200, 400]),
        ([request("Hello", **HEAVY) + b"GARBAGE\r\n\r\n"], False, [200, 400]),
        ([request("Hello", **HEAVY), b"GARBAGE\r\n\r\n", MODEL], False, [200, 400]),
        ([request("Hello", **HEAVY) + MODEL + b"GARBAGE\r\n\r\n"], False, [200, 200, 400]),
        ([request("Hello", **HEAVY) + request("Hello")[:-3]], True, [200, 400]),
        ([MODEL + b"POST /v1/files HTTP/1.1\r\nContent-Length: 9\r\n\r\n123"], True, [200, 400]),
        ([request("Hello", **HEAVY)], True, [200]),
        ([request("Hello", **HEAVY) + request("Hello")], True, [200, 200]),
        ([request("Hello")], True, [200]),
        ([request("Hello", "Connection: close") + request("Hello")], False, [200]),
        ([request("Hello", "Connection: close", **HEAVY) + MODEL], False, [200]),
    ],
)
def test_every_request_is_answered_before_the_end(parts: list[bytes], half_close: bool, statuses: list[int]) -> None:
    assert asked(*parts, half_close=half_close) == statuses


def test_nothing_is_done_after_the_last_answer(connections: Connections, expected: list[str]) -> None:
    protocol, wire = connections.open()
    protocol.data_received(request(TEXTS[0], "Connection: close"))
    protocol.data_received(request("Keep this.", store=True))
    connections.turn(3)
    assert contents(wire) == expected[:1]
    assert connections.stored() == 0


def test_a_client_that_reads_nothing_is_not_read_from(connections: Connections, expected: list[str]) -> None:
    protocol, wire = connections.open()
    protocol.pause_writing()
    protocol.data_received(request(TEXTS[0]))
    connections.turn()
    assert wire.reading == [True, False]
    protocol.resume_writing()
    assert wire.reading == [True, False, True]
    assert contents(wire) == expected[:1]


def test_a_connection_is_not_idle_while_a_request_is_under_way(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol, wire = connections.open()
    protocol.data_received(request("Hello") + request("Hello", **HEAVY)[:-2])
    monkeypatch.setattr(protocol, "timeout_keep_alive", 1e-6)
    protocol.timeout_keep_alive_handler()
    assert not wire.closing
    protocol.data_received(b'"}]}'[-2:])


def test_a_body_in_tiny_chunks_does_not_hold_the_loop(connections: Connections) -> None:
    protocol, wire = connections.open()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    begun = time.thread_time()
    protocol.data_received(head + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n")
    assert time.thread_time() - begun < 1
    assert [status for status, _ in wire.answers()] in ([], [401])


# --- heads ---------------------------------------------------------------------------------------


def head() -> Head:
    edge = Application(Settings()).edge
    return edge.head(b"/v1/chat/completions", [])


HEAD = head()


def test_a_head_is_known_with_any_length() -> None:
    heads, first, other = Heads(), request("Hello"), request("Hello again, and again")
    heads.learn(first, HEAD)
    assert heads.find(other) == (HEAD, other.partition(b"\r\n\r\n")[2])
    for cut in range(1, len(other)):
        assert heads.find(other[:cut]) is None
        assert heads.find(other[cut:]) is None
    assert heads.find(other + b"x") is None
    assert heads.find(other + first) is None
    assert heads.find(other.replace(b"Bearer k", b"Bearer j")) is None


def test_a_header_behind_the_length_is_part_of_the_head() -> None:
    heads, raw = Heads(), request("Hello").replace(b"\r\n\r\n", b"\r\nX-Test-Id: a\r\n\r\n")
    heads.learn(raw, HEAD)
    assert heads.find(raw) is not None
    assert heads.find(raw.replace(b"X-Test-Id: a", b"X-Test-Id: b")) is None


@pytest.mark.parametrize(
    "more",
    [{"n": 5}, {"temperature": 2}, {"response_format": {"type": "json_object"}}, {"tools": [{"type": "function"}]}],
)
def test_what_may_take_long_is_handed_back(connections: Connections, more: dict[str, Any]) -> None:
    head = connections.edge.head(b"/v1/chat/completions", [(b"authorization", b"Bearer k")])
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "json"}]}
    assert connections.edge.quick(head, json.dumps(body).encode()) is not None
    assert connections.edge.quick(head, json.dumps({**body, **more}).encode()) is None


def test_what_is_no_single_request_teaches_nothing() -> None:
    heads, raw = Heads(), request("Hello")
    for data in (raw + raw, b"\r\n\r\n" + raw, raw[:-1], raw + b"x", raw.replace(b"Content-Length", b"X")):
        heads.learn(data, HEAD)
        assert heads.find(data) is None
    assert heads.find(raw) is None


def test_heads_are_bounded() -> None:
    heads = Heads()
    kept = [request("Hello", f"X-Id: {at}") for at in range(MOST + 1)]
    for raw in kept:
        heads.learn(raw, HEAD)
    assert [raw for raw in kept if heads.find(raw) is None] == kept[:1]
    long = request("Hello", f"X: {'x' * LONGEST}")
    heads.learn(long, HEAD)
    assert heads.find(long) is None


def test_a_large_body_with_a_known_head_goes_the_usual_way(connections: Connections) -> None:
    protocol, wire = connections.open()
    protocol.data_received(request("Hello"))
    connections.turn()
    protocol.data_received(request("x" * LARGE_BODY))
    assert protocol.cycle is not None
    assert len(wire.answers()) == 1


class Parsed:
    """What a parser makes of one request."""

    def __init__(self, data: bytes) -> None:
        self.url, self.headers, self.body, self.ended = b"", list[tuple[bytes, bytes]](), b"", 0
        try:
            httptools.HttpRequestParser(self).feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.ended = -1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


LINES = (
    "Content-Length: {}",
    "content-length: {}",
    "Content-Length: ",
    "X: Content-Length: {}",
    "X: y",
    "Host: x",
    "",
)
REQUESTS = st.tuples(
    st.sampled_from([b"{}", b"{  }", b"\r\n\r\n{}", b""]),
    st.lists(st.sampled_from(LINES), max_size=4),
)


def built(parts: tuple[bytes, list[str]]) -> bytes:
    body, lines = parts
    text = "\r\n".join(["POST /v1/embeddings HTTP/1.1", *(line.format(len(body)) for line in lines), "", ""])
    return text.encode() + body


@given(st.lists(REQUESTS, min_size=2, max_size=6))
def test_a_known_head_says_what_the_parser_would_say(requests: list[tuple[bytes, list[str]]]) -> None:
    heads, learned = Heads(), list[tuple[Head, Parsed]]()
    for data in map(built, requests):
        parsed, found = Parsed(data), heads.find(data)
        if found is not None:
            (first,) = (before for known, before in learned if known is found[0])
            assert (parsed.ended, parsed.url, parsed.body) == (1, first.url, found[1])
            assert [pair for pair in parsed.headers if pair[0] != b"content-length"] == [
                pair for pair in first.headers if pair[0] != b"content-length"
            ]
        elif parsed.ended == 1:
            known = Head(HEAD.match, HEAD.operation, dict(parsed.headers))
            learned.append((known, parsed))
            heads.learn(data, known)

"""Wrong HTTP gets the API's error body, which says what is wrong."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.inside import Inside, serving
from tests.server import Served
from tests.server import serving as serving_in_a_process

KEY = "Host: x\r\nAuthorization: Bearer k\r\n"
POST = f"POST /v1/chat/completions HTTP/1.1\r\n{KEY}Content-Type: application/json\r\n"
GET = f"GET /v1/models HTTP/1.1\r\n{KEY}"
SOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n"
PLAIN = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
LONG = "x" * 70_000


@pytest.fixture(scope="module")
def served() -> Iterator[Inside]:
    with serving() as served:
        yield served


def raw(served: Inside | Served, request: str, *, half_close: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(request.encode())
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def read(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Return the status, the headers and the JSON of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, json.loads(body)


WRONG = {
    "cut chunk": (POST + 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"mod\r\n', 400, "closed before its end"),
    "cut body": (POST + 'Content-Length: 100\r\n\r\n{"model":', 400, "closed before its end"),
    "bad chunk": (POST + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "framing of the body"),
    "no HTTP": ("GARBAGE\r\n\r\n", 400, "request line"),
    "bad header": (f"{GET}No Colon\r\n\r\n", 400, "headers"),
    "bad version": ("GET /v1/models HTTP/9.9\r\n\r\n", 400, "request line"),
    "unknown method": (f"FOO /v1/models HTTP/1.1\r\n{KEY}\r\n", 405, "Not allowed to FOO on /v1/models."),
    "lower case": (f"get /v1/models?a=b HTTP/1.1\r\n{KEY}\r\n", 405, "Not allowed to get on /v1/models."),
    "known method": (
        f"PROPFIND /v1/models HTTP/1.1\r\n{KEY}Connection: close\r\n\r\n",
        405,
        "Not allowed to PROPFIND",
    ),
    "unknown path": (f"FOO /v1/nothing HTTP/1.1\r\n{KEY}\r\n", 404, "Invalid URL (FOO /v1/nothing)"),
    "connect": (f"CONNECT example.com:443 HTTP/1.1\r\n{KEY}\r\n", 405, "Not allowed to CONNECT"),
    "no path at all": ("OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n", 404, "Invalid URL (OPTIONS *)"),
    "no path": (f"GET http://x HTTP/1.1\r\n{KEY}\r\n", 400, "URL"),
    "bad URL": (f"GET /v1/caf\u00e9 HTTP/1.1\r\n{KEY}\r\n", 400, "URL"),
    "long URL": (f"GET /v1/{LONG} HTTP/1.1\r\n{KEY}\r\n", 414, "URL length"),
    "long query": (f"GET /v1/models?q={LONG} HTTP/1.1\r\n{KEY}\r\n", 414, "URL length"),
    "long header": (f"{GET}X: {LONG}\r\n\r\n", 431, "request headers"),
    "many headers": (
        GET + "".join(f"X-{at}: {'y' * 40}\r\n" for at in range(2_000)) + "\r\n",
        431,
        "request headers",
    ),
    "long header, hot": (f"{POST}X: {LONG}\r\nContent-Length: 2\r\n\r\n{{}}", 431, "request headers"),
    "endless header": (f"{GET}X: {LONG * 8}", 431, "request headers"),
    "websocket": (f"GET /v1/realtime?model=x HTTP/1.1\r\n{KEY}{SOCKET}\r\n", 501, "Realtime"),
    "websocket anywhere": (f"GET /v1/models HTTP/1.1\r\n{KEY}{SOCKET}\r\n", 501, "WebSocket"),
    "own path": (f"POST /health HTTP/1.1\r\n{KEY}Connection: close\r\n\r\n", 405, "Not allowed to POST on /health."),
}


@pytest.mark.parametrize(("request_text", "status", "text"), WRONG.values(), ids=WRONG)
def test_wrong_http_gets_the_error_body(served: Inside, request_text: str, status: int, text: str) -> None:
    answered, headers, body = read(raw(served, request_text, half_close="closed before" in text))
    assert (answered, headers["content-type"]) == (status, "application/json")
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert text in body["error"]["message"]


def test_a_wrong_method_is_told_what_is_served(served: Inside) -> None:
    assert read(raw(served, f"FOO /v1/models HTTP/1.1\r\n{KEY}\r\n"))[1]["allow"] == "GET"


def test_a_large_head_within_the_limit_is_read(served: Inside) -> None:
    headers = {"authorization": "Bearer k", "x-large": "y" * 65_000}
    assert httpx2.get(f"{served.url}/v1/models?q={'z' * 65_000}", headers=headers).status_code == 200


@pytest.mark.parametrize("body", ["", '{"model": "text-embedding-3-small", "input": "x"}'])
def test_another_upgrade_is_answered_as_http_1_and_so_is_what_follows(served: Inside, body: str) -> None:
    length = f"Content-Length: {len(body)}\r\n\r\n{body}"
    first = f"POST /v1/embeddings HTTP/1.1\r\n{KEY}{PLAIN}{length}" if body else f"{GET}{PLAIN}\r\n"
    answers = raw(served, f"{first}{GET}Connection: close\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200") == 2
    assert b'"object":"list"' in answers


def test_refusals_leave_the_server_well_and_its_log_quiet() -> None:
    with serving_in_a_process() as served:
        for wanted in ("websocket", "cut body", "long URL"):
            raw(served, WRONG[wanted][0], half_close=wanted == "cut body")
        raw(served, f"{GET}{PLAIN}Connection: close\r\n\r\n")
        assert httpx2.get(f"{served.url}/health").status_code == 200
        status, log = served.stop()
    assert (status, log) == (0, "")

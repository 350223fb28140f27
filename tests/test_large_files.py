"""512 MB go through a real server, both ways, and its memory does not notice."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from mockai.api.files import MOST
from tests.server import Served, serving

CHUNK = bytes(range(256)) * 4096
KEY = "authorization: Bearer sk-large\r\n"
HEAD = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'
HEAD += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("state") / "state.db"
    with serving("--store", "memory" if request.param == "memory" else f"sqlite:{path}") as found:
        yield found


def resident(served: Served) -> int:
    """Return the most memory that the server has had, in bytes."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def upload(served: Served, chunks: int, rest: bytes = b"") -> httpx2.Response:
    size = len(HEAD) + chunks * len(CHUNK) + len(rest) + len(TAIL)
    request = f"POST /v1/files HTTP/1.1\r\nhost: mock\r\n{KEY}content-type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(f"{request}content-length: {size}\r\nconnection: close\r\n\r\n".encode() + HEAD)
        for _ in range(chunks):
            connection.sendall(CHUNK)
        connection.sendall(rest + TAIL)
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = raw.partition(b"\r\n\r\n")
    return httpx2.Response(int(head.split()[1]), content=body)


def test_half_a_gigabyte_goes_through_and_one_byte_more_does_not(served: Served) -> None:
    small = upload(served, 1).json()
    headers = {"authorization": "Bearer sk-large"}
    httpx2.get(f"{served.url}/v1/files/{small['id']}/content", headers=headers)
    before = resident(served)
    answer = upload(served, MOST // len(CHUNK))
    assert answer.status_code == 200
    file = answer.json()
    assert file["bytes"] == MOST
    received, expected = hashlib.blake2b(), hashlib.blake2b()
    with httpx2.stream("GET", f"{served.url}/v1/files/{file['id']}/content", headers=headers) as download:
        for chunk in download.iter_raw(1 << 20):
            received.update(chunk)
    for _ in range(MOST // len(CHUNK)):
        expected.update(CHUNK)
    assert received.digest() == expected.digest()
    refused = upload(served, MOST // len(CHUNK), b"x")
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "File is too large.")
    assert resident(served) - before <= 64 * 1024 * 1024

"""512 MB go through a real server, both ways, and its memory does not notice."""

import socket
from pathlib import Path

import httpx2

from mockai.api.files import MOST
from tests.server import Served, serving

CHUNK = bytes(range(256)) * 4096
KEY = "authorization: Bearer sk-large\r\n"
HEADERS = {"authorization": "Bearer sk-large"}
HEAD = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'
HEAD += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


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


def begin(served: Served) -> int:
    """Have the server load what it needs, its token ranks too; return its memory."""
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hello."}]}
    assert httpx2.post(f"{served.url}/v1/chat/completions", headers=HEADERS, json=chat).status_code == 200
    small = upload(served, 1).json()
    httpx2.get(f"{served.url}/v1/files/{small['id']}/content", headers=HEADERS)
    return resident(served)


def go_through(served: Served, chunks: int) -> None:
    """Upload a file and download it again."""
    answer = upload(served, chunks)
    assert answer.status_code == 200
    file = answer.json()
    assert file["bytes"] == chunks * len(CHUNK)
    received = 0
    with httpx2.stream("GET", f"{served.url}/v1/files/{file['id']}/content", headers=HEADERS) as download:
        for chunk in download.iter_raw():
            at = received % 256
            assert chunk == CHUNK[at : at + len(chunk)]
            received += len(chunk)
    assert received == file["bytes"]


def test_half_a_gigabyte_goes_through_and_one_byte_more_does_not() -> None:
    with serving() as served:
        before = begin(served)
        go_through(served, MOST // len(CHUNK))
        refused = upload(served, MOST // len(CHUNK), b"x")
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "File is too large.")
        assert resident(served) - before <= 64 * 1024 * 1024


def test_a_store_file_holds_no_contents_in_memory(tmp_path: Path) -> None:
    """Both stores lay large contents in the same kind of folder: a quarter of the size shows it."""
    with serving("--store", f"sqlite:{tmp_path / 'state.db'}") as served:
        before = begin(served)
        go_through(served, MOST // len(CHUNK) // 4)
        assert resident(served) - before <= 64 * 1024 * 1024

"""A tiny server that answers what a test wrote down, byte for byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Script = Callable[[socket.socket, bytes], None]


@dataclass(slots=True)
class Upstream:
    url: str
    received: list[bytes] = field(default_factory=list)
    """Whole requests, in the order in which they came."""


@contextmanager
def upstream(script: Script) -> Iterator[Upstream]:
    """Serve one request a connection: `script` gets the connection and the raw request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Upstream(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    request = _read(connection)
                    served.received.append(request)
                    if request:
                        script(connection, request)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield served
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _read(connection: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = connection.recv(65536)
        if not more:
            return b""
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
        if line.lower().startswith(b"transfer-encoding:"):
            while not body.endswith(b"0\r\n\r\n"):
                body += connection.recv(65536)
            return head + b"\r\n\r\n" + body
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def whole(body: bytes, *lines: str, status: str = "200 OK") -> Script:
    """Answer this."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *lines])

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(f"{head}\r\n\r\n".encode("latin-1") + body)

    return script

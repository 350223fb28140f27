"""A client in the process of the test."""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx2
from starlette.testclient import TestClient
from starlette.types import Message


class Client(TestClient):
    """Starlette's, but the application runs once for a request and is asked for nothing meanwhile: a fifth of the cost.

    A stream is read when it has ended; what a test does beside an open stream needs a server.
    """

    __test__ = False

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the whole answer."""
        exchange = _Exchange(request)
        if self.portal is None:
            asyncio.run(exchange.run(self.app))
        else:
            self.portal.call(exchange.run, self.app)
        return exchange.response()


class _Exchange:
    def __init__(self, request: httpx2.Request) -> None:
        self.request = request
        self.sent: list[Message] = []
        self.body: bytes | None = request.read()

    async def run(self, app: Any) -> None:
        url = self.request.url
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": self.request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": "",
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in self.request.headers.raw],
            "client": ("testclient", 50000),
            "server": (url.host, url.port or 80),
            "extensions": {},
            "state": {},
        }
        self.done = asyncio.Event()
        try:
            await app(scope, self.receive, self.send)
        finally:
            self.done.set()

    async def receive(self) -> Message:
        if self.body is None:
            await self.done.wait()
            return {"type": "http.disconnect"}
        body, self.body = self.body, None
        return {"type": "http.request", "body": body}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("more_body"):
            await asyncio.sleep(0)  # as a socket does, let others go on
        elif message["type"] == "http.response.body":
            self.done.set()

    def response(self) -> httpx2.Response:
        start, *rest = self.sent
        content = b"" if self.request.method == "HEAD" else b"".join(bytes(message["body"]) for message in rest)
        return httpx2.Response(start["status"], headers=start["headers"], content=content, request=self.request)

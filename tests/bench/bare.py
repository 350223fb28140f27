"""The yardstick: an ASGI application that answers constant bytes of a given size, and does nothing else."""

import os
from typing import Any

SIZE = int(os.environ.get("BARE_SIZE", "400"))
KIND = os.environ.get("BARE_KIND", "application/json")
BODY = b"x" * SIZE
HEADERS = [(b"content-type", KIND.encode()), (b"content-length", str(SIZE).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the request, write the bytes."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})

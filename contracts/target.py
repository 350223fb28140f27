"""What the suite runs against: the mock, the URL of any other server, or the live API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

LIVE_URL = "https://api.openai.com/v1"
KEY = "sk-contracts"


class TargetError(Exception):
    """A target that cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test, and what may be asked of it."""

    kind: Literal["mock", "url", "live"]
    url: str | None
    """The base URL, `/v1` included; None for the mock, which is started on a free port."""
    key: str
    organization: str | None = None
    project: str | None = None
    budget: float = 0.25
    """What a live run may cost, in USD."""
    restricted: bool = False
    """Ask the live API for restricted operations (fine-tuning) too."""

    @property
    def name(self) -> str:
        """Return how reports call the target."""
        return self.kind if self.url is None or self.kind == "live" else self.url

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a bare request."""
        found = {"authorization": f"Bearer {self.key}"}
        if self.organization:
            found["openai-organization"] = self.organization
        if self.project:
            found["openai-project"] = self.project
        return found

    def hidden(self, text: str) -> str:
        """Return `text` without the key, the organization and the project."""
        for secret in (self.key, self.organization, self.project):
            if secret and secret != KEY and len(secret) > 3:
                text = text.replace(secret, "[hidden]")
        return re.sub(r"\bsk-[\w*-]{16,}", "[hidden]", text)


def choose(
    name: str, key: str | None, *, budget: float = 0.25, restricted: bool = False, environment: Mapping[str, str]
) -> Target:
    """Return the target that the flags name. Raises `TargetError`."""
    if name == "mock":
        return Target("mock", None, key or KEY)
    if name == "live":
        if not environment.get("OPENAI_API_KEY"):
            raise TargetError("--target live needs a key; set OPENAI_API_KEY")
        url = environment.get("OPENAI_BASE_URL") or LIVE_URL
        return Target(
            "live",
            url.rstrip("/"),
            environment["OPENAI_API_KEY"],
            environment.get("OPENAI_ORG_ID") or None,
            environment.get("OPENAI_PROJECT_ID") or None,
            budget,
            restricted,
        )
    address = urlsplit(name)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise TargetError(f"--target {name!r} is neither `mock`, `live` nor a URL such as http://localhost:8000/v1")
    if address.hostname.endswith("openai.com"):
        raise TargetError("the live API is asked with --target live, which tells the cost and keeps a budget")
    return Target("url", name.rstrip("/"), key or KEY)


@contextmanager
def served() -> Iterator[str]:
    """Start the mock on a free port, and yield its base URL."""
    command = [sys.executable, "-m", "mockai", "serve", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if not found:
            raise TargetError("the mock did not start")
        try:
            yield found[0]
        finally:
            process.terminate()

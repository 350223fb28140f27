"""One suite, several targets: `pytest contracts` runs against the mock, `--target URL` against any other server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import openai
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose the target."""
    group = parser.getgroup("contracts")
    group.addoption("--target", default="mock", help="mock (default), or the URL of an OpenAI-compatible server")
    group.addoption("--api-key", default="sk-contracts", help="API key for the target")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    """The base URL of the server under test, `/v1` included."""
    chosen: str = request.config.getoption("--target")
    if chosen != "mock":
        yield chosen.rstrip("/")
        return
    command = [sys.executable, "-m", "mockai", "serve", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the mock did not start"
        yield found[0]
        process.terminate()


@pytest.fixture(scope="session")
def api_key(request: pytest.FixtureRequest) -> str:
    """The key that the target takes."""
    key: str = request.config.getoption("--api-key")
    return key


@pytest.fixture(scope="session")
def sdk(target: str, api_key: str) -> Iterator[openai.OpenAI]:
    """The official SDK, which refuses every answer that does not fit its types."""
    with openai.OpenAI(base_url=target, api_key=api_key, max_retries=0, _strict_response_validation=True) as client:
        yield client


@pytest.fixture(scope="session")
def http(target: str, api_key: str) -> Iterator[httpx2.Client]:
    """Bare HTTP, for texts, headers and framing."""
    headers = {"authorization": f"Bearer {api_key}"}
    with httpx2.Client(base_url=target, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def is_mock(request: pytest.FixtureRequest) -> bool:
    """Whether the target is the mock itself, which can be asked for more than any server."""
    return bool(request.config.getoption("--target") == "mock")

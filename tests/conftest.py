"""Fixtures of the whole suite: an application on a manual clock, and a client that talks to it in process."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.settings import Settings
from tests.client import Client

settings.register_profile(
    "mockai", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("mockai")
MANY = 200
"""Examples of a law about whatever a client may send; the other laws of the API take hypothesis's own 100."""

KEY = {"authorization": "Bearer sk-test"}


def client_of(application: Application) -> TestClient:
    return Client(application, base_url="http://mock", headers=KEY, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(Application(Settings(clock="manual"))) as client:
        yield client

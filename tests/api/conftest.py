"""Fixtures of the endpoints that keep something: a server on a clock that stands still, over either store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.clock import ManualClock
from mockai.settings import Settings
from mockai.store import Store
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import SqliteStore
from tests.conftest import client_of

Start = Callable[..., TestClient]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def start(clock: ManualClock, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start another server over the same store and clock, with settings of its own."""
    clients: list[TestClient] = []
    close = store.close
    monkeypatch.setattr(store, "close", lambda: None)  # the first that ends would take it from the others

    def begin(**settings: Any) -> TestClient:
        client = client_of(Application(Settings(**settings), clock=clock, store=store)).__enter__()
        clients.append(client)
        return client

    yield begin
    for client in clients:
        client.__exit__(None, None, None)
    close()


@pytest.fixture
def fresh(start: Start) -> TestClient:
    return start()

"""The API of a day: `--as-of` (assistants.md §1; the days are those of the official SDK)."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api import OPERATIONS, eras
from mockai.app import Application
from mockai.call import Operation
from mockai.clock import ManualClock
from mockai.settings import Settings
from tests.client import Client
from tests.conftest import KEY

SOME = {"batch_id": "batch_x", "upload_id": "upload_x", "vector_store_id": "vs_x", "completion_id": "chatcmpl-x"}


def of(day: str | None, **settings: Any) -> TestClient:
    """Return a client of the API of a day."""
    app = Application(Settings(as_of=day, **settings), clock=ManualClock())
    return Client(app, base_url="http://mock", headers={**KEY, "openai-beta": "assistants=v2"})


def ask(client: TestClient, operation: Operation) -> Any:
    names = {name: SOME.get(name, "x") for name in _names(operation.path)}
    body: Any = {} if operation.method == "POST" else None
    return client.request(operation.method, "/v1" + operation.path.format(**names), json=body)


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def test_the_days_are_days() -> None:
    assert {eras.entry(operation.name) for operation in OPERATIONS} == set(eras.SINCE)
    for day in (*filter(None, eras.SINCE.values()), *eras.UNTIL.values()):
        assert date.fromisoformat(day).isoformat() == day
    for operation in OPERATIONS:
        assert (operation.until != "") == (operation.liveness == "retired"), operation.route


@pytest.mark.parametrize("day", sorted(set(filter(None, eras.SINCE.values()))))
def test_an_endpoint_comes_on_its_day(day: str) -> None:
    """The day before it is an unknown path, or a method that its path does not know."""
    early, late = of(before(day)), of(day)
    for operation in OPERATIONS:
        if operation.since != day:
            continue
        answer = ask(early, operation)
        words = ("Invalid URL (", "Not allowed to ")
        assert answer.json()["error"]["message"].startswith(words), operation.route
        assert answer.status_code == (404 if "Invalid" in answer.text else 405)
        came = ask(late, operation)
        assert not any(text in came.text for text in words), operation.route


def test_a_retired_endpoint_answers_nothing_from_its_last_day_on() -> None:
    client = of(eras.ENDED)
    for operation in OPERATIONS:
        answer = ask(client, operation)
        gone = (answer.status_code, answer.content, answer.headers.get("content-length")) == (404, b"", "0")
        assert gone == (operation.liveness == "retired"), operation.route
        assert ("x-mockai-liveness" in answer.headers) == gone


@pytest.mark.parametrize(
    ("day", "path"), [(eras.ENDED, "/v1/assistants"), (eras.UNTIL["fine_tunes"], "/v1/fine-tunes")]
)
def test_an_endpoint_answers_until_its_last_day(day: str, path: str) -> None:
    last = of(before(day)).get(path)
    assert (last.status_code, last.headers["x-mockai-liveness"]) == (200, "retired")
    assert of(day).get(path).status_code == 404


def test_without_a_day_everything_is_served() -> None:
    client = of(None)
    for operation in OPERATIONS:
        assert ask(client, operation).text not in ("", "Invalid URL"), operation.route
    wrong = client.post("/v1/threads", content=b"{", headers={"content-type": "application/json"})
    assert (wrong.status_code, wrong.headers["x-mockai-liveness"]) == (400, "retired")


@pytest.mark.parametrize(("day", "status"), [("2025-03-10", 400), ("2025-03-11", 200), (None, 200)])
def test_vector_stores_were_a_beta_once(day: str | None, status: int) -> None:
    client = of(day)
    assert client.get("/v1/vector_stores").status_code == 200
    client.headers["openai-beta"] = ""
    answer = client.get("/v1/vector_stores")
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["code"] == "invalid_beta"


def test_work_goes_on_whatever_the_day() -> None:
    """What the server does inside knows no day: a batch runs its lines, a state file makes its objects."""
    client = of("2024-04-15")
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    content = json.dumps({**line, "body": body}).encode()
    file = client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", content)}).json()["id"]
    asked = {"input_file_id": file, "endpoint": line["url"], "completion_window": "24h"}
    batch = client.post("/v1/batches", json=asked).json()["id"]
    for _ in range(20):
        shown = client.get(f"/v1/batches/{batch}").json()
        if shown["status"] == "completed":
            break
    assert shown["request_counts"] == {"total": 1, "completed": 1, "failed": 0}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/assistants"),
        ("GET", "/v1/threads/thread_x/foo"),
        ("GET", "/assistants/a/b/c"),
        ("GET", "/v1/fine-tunes/x/y/z"),
    ],
)
def test_nothing_is_left_where_all_has_ended(method: str, path: str) -> None:
    gone = of("2026-09-01").request(method, path)
    assert (gone.status_code, gone.content) == (404, b"")
    assert of(None).request(method, path).content != b""

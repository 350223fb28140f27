"""Calls that the tests of vector stores make."""

from typing import Any

from starlette.testclient import TestClient

STORES = "/v1/vector_stores"


def upload(client: TestClient, name: str = "a.txt", text: str | bytes = "The sea is wide.") -> str:
    answer = client.post("/v1/files", data={"purpose": "assistants"}, files={"file": (name, text)})
    id: str = answer.json()["id"]
    return id


def made(client: TestClient, *file_ids: str, **more: Any) -> str:
    answer = client.post(STORES, json={"file_ids": list(file_ids), **more})
    assert answer.status_code == 200, answer.text
    return f"{STORES}/{answer.json()['id']}"


def get(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def settled(client: TestClient, path: str) -> Any:
    while (shown := get(client, path))["status"] == "in_progress":
        pass
    return shown


def error(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def counts(**known: int) -> dict[str, int]:
    zero = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    return {**zero, **known, "total": sum(known.values())}

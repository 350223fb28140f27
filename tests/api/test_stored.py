"""Stored completions: read, change, list, page, delete (chat.md §11)."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.settings import Settings
from tests.conftest import client_of
from tests.recorded import exchanges, shape

PATH = "/v1/chat/completions"


@pytest.fixture
def fresh() -> Any:
    with client_of(Application(Settings(clock="manual"))) as client:
        yield client


def keep(client: TestClient, **body: Any) -> dict[str, Any]:
    request = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "store": True, **body}
    answer: dict[str, Any] = client.post(PATH, json=request).json()
    return answer


def test_a_stored_completion_reads_back_in_the_recorded_shape(fresh: TestClient) -> None:
    kept = keep(fresh, metadata={"run": "1"})
    read = fresh.get(f"{PATH}/{kept['id']}").json()
    assert read["choices"][0]["message"]["content"] == kept["choices"][0]["message"]["content"]
    assert read["usage"]["total_tokens"] == kept["usage"]["total_tokens"]
    assert (read["metadata"], read["temperature"], read["presence_penalty"]) == ({"run": "1"}, 1.0, 0.0)
    for entry in exchanges("stored_chat_get"):
        plain = fresh.get(f"{PATH}/{keep(fresh)['id']}").json()
        assert list(plain) == list(entry.answer)
        assert shape(plain) == shape(entry.answer)


def test_what_is_not_stored_is_not_found(fresh: TestClient) -> None:
    kept = keep(fresh, store=False)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/messages")):
        error = fresh.request(method, f"{PATH}/{kept['id']}{path}").json()["error"]
        assert error == {
            "message": f"Completion {kept['id']} not found",
            "type": "invalid_request_error",
            "param": "completion_id",
            "code": "not_found",
        }


def test_metadata_is_replaced_and_checked(fresh: TestClient) -> None:
    kept = keep(fresh, metadata={"a": "1"})
    changed = fresh.post(f"{PATH}/{kept['id']}", json={"metadata": {"b": "2"}}).json()
    assert changed["metadata"] == {"b": "2"}
    assert fresh.get(f"{PATH}/{kept['id']}").json() == changed
    assert fresh.post(f"{PATH}/{kept['id']}", json={}).json()["error"]["code"] == "missing_required_parameter"
    assert fresh.post(f"{PATH}/{kept['id']}", json={"metadata": {"b": 2}}).json()["error"]["code"] == "invalid_type"


def test_a_deleted_completion_is_gone(fresh: TestClient) -> None:
    kept = keep(fresh)
    assert fresh.delete(f"{PATH}/{kept['id']}").json() == {
        "object": "chat.completion.deleted",
        "id": kept["id"],
        "deleted": True,
    }
    assert fresh.get(f"{PATH}/{kept['id']}").status_code == 404
    assert fresh.get(PATH).json()["data"] == []


def test_pages_visit_each_completion_once_newest_first(fresh: TestClient) -> None:
    ids = [keep(fresh)["id"] for _ in range(7)]
    for order, wanted in (("desc", ids[::-1]), ("asc", ids)):
        seen: list[str] = []
        after = ""
        while True:
            page = fresh.get(PATH, params={"limit": 3, "order": order, **({"after": after} if after else {})}).json()
            seen += [entry["id"] for entry in page["data"]]
            assert page["last_id"] == seen[-1]
            if not page["has_more"]:
                break
            after = page["last_id"]
        assert seen == wanted
    assert fresh.get(PATH, params={"limit": 0}).json() == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": True,
    }


def test_lists_filter_by_model_and_metadata(fresh: TestClient) -> None:
    red = keep(fresh, metadata={"colour": "red"})["id"]
    keep(fresh, metadata={"colour": "blue"})
    other = keep(fresh, model="gpt-4o", metadata={"colour": "red"})["id"]
    by_colour = fresh.get(PATH, params={"metadata[colour]": "red"}).json()["data"]
    assert [entry["id"] for entry in by_colour] == [other, red]
    by_model = fresh.get(PATH, params={"model": "gpt-4o-2024-08-06"}).json()["data"]
    assert [entry["id"] for entry in by_model] == [other]
    assert fresh.get(PATH, params={"limit": 101}).json()["error"]["code"] == "integer_above_max_value"
    assert fresh.get(PATH, params={"after": "nope"}).status_code == 404


def test_messages_are_the_input(fresh: TestClient) -> None:
    parts = [{"type": "text", "text": "Whose logo is this?"}, {"type": "text", "text": "Say it."}]
    kept = keep(fresh, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}])
    page = fresh.get(f"{PATH}/{kept['id']}/messages").json()
    assert [entry["id"] for entry in page["data"]] == [f"{kept['id']}-0", f"{kept['id']}-1"]
    assert page["data"][0]["content"] == "Be brief."
    assert page["data"][0]["content_parts"] is None
    assert page["data"][1]["content"] == "Whose logo is this? Say it."
    assert list(page["data"][1]["content_parts"][0]) == ["type", "text", "image_url", "input_audio", "file"]
    reverse = fresh.get(f"{PATH}/{kept['id']}/messages", params={"order": "desc", "limit": 1}).json()
    assert reverse["data"][0]["role"] == "user"
    assert reverse["has_more"] is True

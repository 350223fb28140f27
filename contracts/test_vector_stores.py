"""Vector stores, on any honest server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types import VectorStore
from openai.types.vector_stores import VectorStoreFile

from contracts.facts import Fault, check_fault

TEXTS = {
    "returns.txt": "Goods may be returned within thirty days. Refunds are paid to the same card.",
    "tides.md": "# Tides\nThe moon pulls the sea twice a day; spring tides follow the full moon.",
    "bread.txt": "Knead the dough for ten minutes, let it rise for an hour, then bake it hot.",
}
PATIENCE = 60.0
"""Seconds that a real server may take for three small files."""


@pytest.fixture
def files(sdk: openai.OpenAI) -> Iterator[dict[str, str]]:
    """Three small files by name; gone after the test."""
    made = {
        name: sdk.files.create(file=(name, text.encode()), purpose="assistants").id for name, text in TEXTS.items()
    }
    yield made
    for id in made.values():
        sdk.files.delete(id)


@pytest.fixture
def store(sdk: openai.OpenAI, files: dict[str, str]) -> Iterator[VectorStore]:
    """A store of the three files, indexed."""
    made = sdk.vector_stores.create(name="contract", file_ids=list(files.values()), metadata={"k": "v"})
    wait(lambda: sdk.vector_stores.retrieve(made.id).status == "completed")
    yield sdk.vector_stores.retrieve(made.id)
    sdk.vector_stores.delete(made.id)


def wait(done: Callable[[], bool]) -> None:
    """Look until it is done."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "not done in time"
        time.sleep(0.02)


@pytest.mark.operation("vector_stores.create", "vector_stores.delete")
def test_a_new_store(http: httpx2.Client) -> None:
    """Keys in the order of 2025, defaults, id (vector_stores.md §2, recorded)."""
    answer = http.post("/vector_stores", json={})
    assert "access-control-allow-origin" not in answer.headers
    made = answer.json()
    keys = (
        "id object created_at name description usage_bytes file_counts status expires_after expires_at last_active_at"
    )
    assert list(made) == [*keys.split(), "metadata"]
    assert made["id"].startswith("vs_")
    assert (made["name"], made["description"], made["metadata"], made["usage_bytes"]) == (None, None, {}, 0)
    assert (made["status"], made["file_counts"]["total"]) == ("completed", 0)
    assert made["last_active_at"] == made["created_at"]
    http.delete(f"/vector_stores/{made['id']}")


@pytest.mark.operation("vector_stores.create", "vector_stores.list", "vector_stores.retrieve", "vector_stores.delete")
def test_a_store_with_files_moves_to_completed(sdk: openai.OpenAI, files: dict[str, str]) -> None:
    """It is made in progress; every file ends completed (vector_stores.md §2, §3, recorded)."""
    made = sdk.vector_stores.create(name="moves", file_ids=list(files.values()))
    assert (made.status, made.file_counts.in_progress, made.file_counts.total) == ("in_progress", 3, 3)
    wait(lambda: sdk.vector_stores.retrieve(made.id).status == "completed")
    found = sdk.vector_stores.retrieve(made.id)
    assert (found.file_counts.completed, found.file_counts.in_progress) == (3, 0)
    assert found.usage_bytes >= sum(map(len, TEXTS.values()))
    assert made.id in [entry.id for entry in sdk.vector_stores.list(limit=5).data]
    assert sdk.vector_stores.delete(made.id).object == "vector_store.deleted"
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.retrieve(made.id)
    assert sdk.files.retrieve(files["tides.md"]).id == files["tides.md"]


@pytest.mark.operation("vector_stores.create", "vector_stores.list", "vector_stores.delete")
def test_a_page_visits_each_store_once(sdk: openai.OpenAI) -> None:
    """Three stores in pages of one, the newest first, and the other way round."""
    made = [sdk.vector_stores.create(name=f"page {number}").id for number in range(3)]
    seen = [store.id for store, _ in zip(sdk.vector_stores.list(limit=1), range(20), strict=False)]
    assert [id for id in seen if id in made] == made[::-1]
    assert len(seen) == len(set(seen))
    back = [store.id for store in sdk.vector_stores.list(limit=2, before=made[0], order="desc").data]
    assert set(back) <= set(seen)
    for id in made:
        sdk.vector_stores.delete(id)


@pytest.mark.operation("vector_stores.create", "vector_stores.update", "vector_stores.delete")
def test_expiry_and_changes(sdk: openai.OpenAI) -> None:
    """`expires_at` counts from `last_active_at`, which a change leaves alone (vector_stores.md §2, §3, recorded)."""
    made = sdk.vector_stores.create(name="old", expires_after={"anchor": "last_active_at", "days": 3})
    assert made.expires_at == (made.last_active_at or 0) + 3 * 86_400
    changed = sdk.vector_stores.update(
        made.id, name="new", metadata={"a": "b"}, expires_after={"anchor": "last_active_at", "days": 1}
    )
    assert (changed.name, changed.metadata, changed.last_active_at) == ("new", {"a": "b"}, made.last_active_at)
    assert changed.expires_at == (made.last_active_at or 0) + 86_400
    sdk.vector_stores.delete(made.id)


@pytest.mark.operation(
    "vector_stores.delete",
    "vector_stores.files.list",
    "vector_stores.files.retrieve",
    "vector_stores.files.update",
    "vector_stores.files.delete",
    "vector_stores.files.content",
)
def test_the_files_of_a_store(sdk: openai.OpenAI, store: VectorStore, files: dict[str, str]) -> None:
    """The file, its list, its attributes, its text, its removal (vector_stores.md §2, §5)."""
    id = files["tides.md"]
    found = sdk.vector_stores.files.retrieve(id, vector_store_id=store.id)
    assert (found.object, found.status, found.last_error) == ("vector_store.file", "completed", None)
    assert found.chunking_strategy is not None
    assert found.chunking_strategy.to_dict() == {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    }
    listed = sdk.vector_stores.files.list(store.id, limit=2, filter="completed")
    assert {entry.id for entry in listed} == set(files.values())
    changed = sdk.vector_stores.files.update(id, vector_store_id=store.id, attributes={"year": 1999, "old": True})
    assert changed.attributes == {"year": 1999, "old": True}
    text = "".join(part.text or "" for part in sdk.vector_stores.files.content(id, vector_store_id=store.id))
    assert "The moon pulls the sea" in text
    gone = sdk.vector_stores.files.delete(id, vector_store_id=store.id)
    assert (gone.id, gone.object) == (id, "vector_store.file.deleted")
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.files.retrieve(id, vector_store_id=store.id)


@pytest.mark.operation(
    "vector_stores.create", "vector_stores.delete", "vector_stores.files.create", "vector_stores.files.retrieve"
)
def test_a_file_is_attached(sdk: openai.OpenAI, files: dict[str, str]) -> None:
    """Attributes and chunking as asked; in progress at first (vector_stores.md §2, recorded)."""
    store = sdk.vector_stores.create(name="attach")
    sizes: Any = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
    made = sdk.vector_stores.files.create(
        store.id,
        file_id=files["bread.txt"],
        attributes={"lang": "en"},
        chunking_strategy={"type": "static", "static": sizes},
    )
    assert (made.status, made.usage_bytes, made.attributes) == ("in_progress", 0, {"lang": "en"})
    assert made.chunking_strategy is not None
    assert made.chunking_strategy.to_dict() == {"type": "static", "static": sizes}
    done: VectorStoreFile = sdk.vector_stores.files.poll(made.id, vector_store_id=store.id)
    assert done.status == "completed"
    sdk.vector_stores.delete(store.id)


@pytest.mark.operation("vector_stores.delete", "vector_stores.search", "vector_stores.files.update")
def test_a_search_finds_the_right_text(sdk: openai.OpenAI, store: VectorStore, files: dict[str, str]) -> None:
    """The page, its scores, filters and threshold (vector_stores.md §5, documented)."""
    page = sdk.vector_stores.search(store.id, query="How many days do I have to return goods?")
    assert page.object == "vector_store.search_results.page"
    told: Any = page.model_extra or {}
    assert told["search_query"] == ["How many days do I have to return goods?"]
    scores = [hit.score for hit in page.data]
    assert (page.data[0].file_id, page.data[0].filename) == (files["returns.txt"], "returns.txt")
    assert "thirty days" in page.data[0].content[0].text
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    sdk.vector_stores.files.update(files["bread.txt"], vector_store_id=store.id, attributes={"kind": "recipe"})
    filtered = sdk.vector_stores.search(
        store.id,
        query=["moon", "dough"],
        filters={"type": "and", "filters": [{"type": "eq", "key": "kind", "value": "recipe"}]},
        max_num_results=1,
        ranking_options={"ranker": "auto", "score_threshold": 0.0},
    )
    assert [hit.file_id for hit in filtered.data] == [files["bread.txt"]]
    only: Any = {"type": "eq", "key": "kind", "value": "recipe"}
    everything = sdk.vector_stores.search(store.id, query="What pulls the sea?", filters=only)
    assert {hit.file_id for hit in everything.data} == {files["bread.txt"]}


@pytest.mark.operation(
    "vector_stores.create",
    "vector_stores.delete",
    "vector_stores.file_batches.create",
    "vector_stores.file_batches.retrieve",
    "vector_stores.file_batches.cancel",
    "vector_stores.file_batches.list_files",
)
def test_a_batch_of_files(http: httpx2.Client, sdk: openai.OpenAI, files: dict[str, str]) -> None:
    """The batch, its counts and its files; a cancel after the end changes nothing (vector_stores.md §2, §3, recorded).

    The object is called `vector_store.file_batch`, against the published schema, which the strict SDK insists on.
    """
    store = sdk.vector_stores.create(name="batch")
    path = f"/vector_stores/{store.id}/file_batches"
    made = http.post(path, json={"file_ids": list(files.values())}).json()
    assert list(made) == ["id", "object", "created_at", "status", "vector_store_id", "file_counts"]
    assert made["id"].startswith("vsfb_")
    assert (made["object"], made["status"]) == ("vector_store.file_batch", "in_progress")
    assert made["file_counts"] == {"in_progress": 3, "completed": 0, "failed": 0, "cancelled": 0, "total": 3}
    wait(lambda: bool(http.get(f"{path}/{made['id']}").json()["status"] == "completed"))
    listed = http.get(f"{path}/{made['id']}/files").json()
    assert {entry["id"] for entry in listed["data"]} == set(files.values())
    assert http.post(f"{path}/{made['id']}/cancel").json()["status"] == "completed"
    sdk.vector_stores.delete(store.id)


@pytest.mark.operation(
    "vector_stores.create",
    "vector_stores.delete",
    "vector_stores.files.create",
    "vector_stores.files.list",
    "vector_stores.files.retrieve",
    "vector_stores.file_batches.create",
    "vector_stores.file_batches.retrieve",
)
def test_the_helpers_of_the_sdk(target: str, api_key: str, wire: httpx2.BaseTransport) -> None:
    """`upload_and_poll` of files and of batches ends with everything indexed; not strict, for the name of a batch."""
    with openai.OpenAI(base_url=target, api_key=api_key, http_client=httpx2.Client(transport=wire)) as sdk:
        store = sdk.vector_stores.create(name="helpers")
        file = sdk.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.txt", b"The sea is wide."))
        assert file.status == "completed"
        # One file is uploaded by the helper: of several the ids come in the order in which their uploads end.
        known = sdk.files.create(file=("b.txt", b"Snow falls."), purpose="assistants")
        batch = sdk.vector_stores.file_batches.upload_and_poll(
            store.id, files=[("c.txt", b"Rain falls.")], file_ids=[known.id]
        )
        assert sdk.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id) == batch
        assert (batch.status, batch.file_counts.completed) == ("completed", 2)
        for entry in sdk.vector_stores.files.list(store.id):
            sdk.files.delete(entry.id)
        sdk.vector_stores.delete(store.id)


MISSING = [
    ("GET", "/vector_stores/vs_nope", "No vector store found with id 'vs_nope'."),
    ("POST", "/vector_stores/vs_nope", "No vector store found with id 'vs_nope'."),
    ("DELETE", "/vector_stores/vs_nope", "No vector store found with id 'vs_nope'."),
    ("GET", "/vector_stores/vs_nope/files", "No vector store found with id 'vs_nope'."),
]


@pytest.mark.operation(
    "vector_stores.retrieve", "vector_stores.update", "vector_stores.delete", "vector_stores.files.list"
)
@pytest.mark.parametrize(("method", "path", "message"), MISSING, ids=lambda value: str(value)[:40])
def test_an_unknown_store(http: httpx2.Client, method: str, path: str, message: str) -> None:
    """404 with the reported text; its full stop is inferred (vector_stores.md §6)."""
    answer = http.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, message)


@pytest.mark.operation("vector_stores.delete", "vector_stores.files.retrieve", "vector_stores.files.delete")
def test_an_unknown_file(http: httpx2.Client, store: VectorStore) -> None:
    """404 with the reported text (vector_stores.md §6)."""
    for method in ("GET", "DELETE"):
        answer = http.request(method, f"/vector_stores/{store.id}/files/file-nope")
        message = f"No file found with id 'file-nope' in vector store '{store.id}'."
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, message)


FAULTS = [
    (
        "/vector_stores",
        Fault(
            {"metadata": {str(at): "x" for at in range(17)}},
            400,
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
            "metadata",
            "object_above_max_properties",
            "vector_stores.md §6 (recorded on Responses)",
            "inferred",
        ),
    ),
    (
        "/vector_stores",
        Fault(
            {"file_ids": [f"file-{at}" for at in range(1084)]},
            400,
            "Invalid 'file_ids': array too long. Expected an array with maximum length 500, but got an array with length 1084 instead.",
            "file_ids",
            "array_above_max_length",
            "vector_stores.md §6 (open-chat-studio#954 with the limit of 2024), §7",
            "inferred",
        ),
    ),
    (
        "/vector_stores",
        Fault(
            {"expires_after": {"anchor": "last_active_at", "days": 366}},
            400,
            "Invalid 'expires_after.days': integer above maximum value. Expected a value <= 365, but got 366 instead.",
            "expires_after.days",
            "integer_above_max_value",
            "vector_stores.md §2 (bound documented, text of the family)",
            "unverified",
        ),
    ),
    (
        "/vector_stores",
        Fault(
            {"file_ids": ["file-nope"]},
            404,
            "No such File object: file-nope",
            "file_ids",
            None,
            "vector_stores.md §6 (text not found; that of the files endpoints)",
            "unverified",
        ),
    ),
    (
        "/vector_stores/vs_x.y/search",
        Fault(
            {"query": "x"},
            400,
            "Invalid 'vector_store_id': 'vs_x.y'. Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained additional characters.",
            "vector_store_id",
            "invalid_value",
            "vector_stores.md §6, litellm#34788",
            "reported",
        ),
    ),
    (
        "/vector_stores/vs_nope/search",
        Fault(
            {"query": "x", "max_num_results": 51},
            400,
            "Invalid 'max_num_results': integer above maximum value. Expected a value <= 50, but got 51 instead.",
            "max_num_results",
            "integer_above_max_value",
            "vector_stores.md §5 (bound documented, text of the family)",
            "unverified",
        ),
    ),
    (
        "/vector_stores/vs_nope/search",
        Fault(
            {"query": "x", "filters": {"type": "like", "key": "a", "value": "b"}},
            400,
            "Invalid value: 'like'. Supported values are: 'eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'and', and 'or'.",
            "filters.type",
            "invalid_value",
            "vector_stores.md §5 (text not found)",
            "unverified",
        ),
    ),
    (
        "/vector_stores/vs_nope/files",
        Fault(
            {
                "file_id": "file-x",
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 1},
                },
            },
            400,
            "Invalid 'chunking_strategy.static.max_chunk_size_tokens': integer below minimum value. Expected a value >= 100, but got 99 instead.",
            "chunking_strategy.static.max_chunk_size_tokens",
            "integer_below_min_value",
            "vector_stores.md §7 (bound documented, text of the family)",
            "unverified",
        ),
    ),
]


@pytest.mark.operation("vector_stores.create", "vector_stores.search", "vector_stores.files.create")
@pytest.mark.parametrize(("path", "row"), FAULTS, ids=str)
def test_fault(http: httpx2.Client, path: str, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, path, row)


@pytest.mark.operation("vector_stores.delete", "vector_stores.file_batches.retrieve")
def test_a_batch_id_of_another_kind(http: httpx2.Client, store: VectorStore) -> None:
    """400 with the reported text (vector_stores.md §6, PF 19182372807)."""
    answer = http.get(f"/vector_stores/{store.id}/file_batches/vs_abc")
    message = "Invalid 'batch_id': 'vs_abc'. Expected an ID that begins with 'vsfb_'."
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


@pytest.mark.operation("vector_stores.create")
def test_a_file_that_cannot_be_searched(http: httpx2.Client, sdk: openai.OpenAI) -> None:
    """Refused by its extension (reported in public code of 2024 and 2026, param and code included)."""
    file = sdk.files.create(file=("picture.png", b"\x89PNG"), purpose="assistants")
    answer = http.post("/vector_stores", json={"file_ids": [file.id]})
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "Files with extensions [.png] are not supported for retrieval. See https://platform.openai.com/docs/assistants/tools/file-search/supported-files",
        "type": "invalid_request_error",
        "param": "file_ids",
        "code": "unsupported_file",
    }
    sdk.files.delete(file.id)

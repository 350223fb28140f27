"""Vector stores at their endpoints: recorded shapes, lives, faults, races, and what is freed (vector_stores.md)."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from starlette.testclient import TestClient

from mockai.api.vector_stores.search import SEARCH
from mockai.app import Application
from mockai.clock import ManualClock
from mockai.lifecycle import faults
from mockai.retrieval.objects import BATCH_LIFE, DAY, FILE_LIFE, STORE_LIFE
from mockai.settings import Settings
from mockai.store import Store
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import SqliteStore
from tests.api.conftest import Start
from tests.api.vector_stores import STORES, counts, error, get, made, settled, upload
from tests.conftest import client_of
from tests.recorded import exchanges, shape
from tests.strategies import valid

# --- objects and lives ---------------------------------------------------------------------------


@pytest.mark.parametrize("machine", [STORE_LIFE, FILE_LIFE, BATCH_LIFE])
def test_the_lives_are_good_tables(machine: Any) -> None:
    assert faults(machine) == []


def test_recorded_exchanges_are_answered_alike(fresh: TestClient) -> None:
    for entry in exchanges("vector_stores-create"):
        answer = fresh.post(entry.path, json={**entry.body, "file_ids": [upload(fresh)]}).json()
        assert list(answer) == list(entry.answer)
        assert shape(answer) == shape(entry.answer)
        same = ("name", "description", "usage_bytes", "file_counts", "status", "expires_after", "metadata")
        assert {name: answer[name] for name in same} == {name: entry.answer[name] for name in same}
        assert answer["id"].startswith(f"vs_{answer['created_at']:08x}")
        assert answer["expires_at"] == answer["last_active_at"] + 3 * DAY
    for entry in exchanges("vector_stores-files-list"):
        path = made(fresh, upload(fresh), upload(fresh))
        settled(fresh, path)
        answer = get(fresh, f"{path}/files")
        assert list(answer) == list(entry.answer)
        assert shape(answer) == shape(entry.answer)
        for mine, recorded in zip(answer["data"], entry.answer["data"], strict=True):
            assert list(mine) == list(recorded)
            assert {**mine, **volatile(recorded)} == recorded


def volatile(file: Any) -> Any:
    """Ids and times differ; `usage_bytes` held 1,024 more in September 2025 than from October on."""
    return {name: file[name] for name in ("id", "created_at", "vector_store_id", "usage_bytes")}


def test_files_finish_one_by_one_on_the_clock(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    path = made(client, *(upload(client) for _ in range(5)))
    assert get(client, path)["file_counts"] == counts(in_progress=5)
    clock.advance(1)
    assert get(client, path)["file_counts"] == counts(in_progress=3, completed=2)
    clock.advance(1)
    done = get(client, path)
    assert (done["status"], done["file_counts"]) == ("completed", counts(completed=5))
    assert done["usage_bytes"] == 5 * len("The sea is wide.")


def test_one_look_tells_what_many_tell(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    often, once = (made(client, upload(client), upload(client)) for _ in range(2))
    for _ in range(40):
        clock.advance(0.1)
        get(client, often)
    assert {**get(client, often), "id": ""} == {**get(client, once), "id": ""}


def test_each_reading_is_a_step_at_the_pace_of_steps(start: Start) -> None:
    client = start(pace="step")
    path = made(client, upload(client), upload(client))
    seen = [get(client, path) for _ in range(3)]
    assert [shown["file_counts"]["completed"] for shown in seen] == [1, 2, 2]
    assert [shown["status"] for shown in seen] == ["in_progress", "completed", "completed"]


def test_a_file_that_fails_tells_why_and_the_store_completes(fresh: TestClient) -> None:
    bad = upload(fresh, "bad.pdf", "no pdf")
    path = made(fresh, bad)
    done = settled(fresh, path)
    assert (done["status"], done["file_counts"], done["usage_bytes"]) == ("completed", counts(failed=1), 0)
    file = get(fresh, f"{path}/files/{bad}")
    assert (file["status"], file["usage_bytes"]) == ("failed", 0)
    assert file["last_error"] == {"code": "invalid_file", "message": "The file could not be parsed."}
    assert get(fresh, f"{path}/files?filter=failed")["data"] == [file]
    assert error(fresh.get(f"{path}/files/{bad}/content"), 404)["message"] == "Not found"


def test_a_file_that_is_deleted_leaves_every_store(fresh: TestClient) -> None:
    file, other = upload(fresh), upload(fresh, "b.txt", "Bread is baked.")
    paths = [made(fresh, file, other), made(fresh, file)]
    for path in paths:
        settled(fresh, path)
    before = fresh.post(f"{paths[0]}/search", json={"query": "sea"}).json()["data"]
    assert [hit["file_id"] for hit in before] == [file, other]
    assert fresh.delete(f"/v1/files/{file}").status_code == 200
    assert [get(fresh, path)["file_counts"] for path in paths] == [counts(completed=1), counts()]
    assert [get(fresh, path)["usage_bytes"] for path in paths] == [15, 0]
    hits = fresh.post(f"{paths[0]}/search", json={"query": "sea", "max_num_results": 1}).json()["data"]
    assert [hit["file_id"] for hit in hits] == [other]


def test_a_file_that_goes_before_it_is_indexed_does_not_stop_the_others(start: Start) -> None:
    client = start(pace="real")
    files = [upload(client) for _ in range(3)]
    path = made(client, *files)
    client.delete(f"{path}/files/{files[0]}")
    client.delete(f"/v1/files/{files[1]}")
    assert get(client, path)["file_counts"] == counts(in_progress=1)
    client.delete(f"{path}/files/{files[2]}")
    assert (get(client, path)["status"], get(client, path)["file_counts"]) == ("completed", counts())


def test_a_file_that_is_attached_again_begins_anew(fresh: TestClient) -> None:
    file = upload(fresh)
    path = made(fresh, file, file)
    assert settled(fresh, path)["file_counts"] == counts(completed=1)
    sizes = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}}
    body = {"file_id": file, "attributes": {"a": 1}, "chunking_strategy": sizes}
    again = fresh.post(f"{path}/files", json=body).json()
    assert (again["status"], again["attributes"], again["chunking_strategy"]) == ("in_progress", {"a": 1}, sizes)
    assert get(fresh, f"{path}/files/{file}")["status"] == "completed"
    assert get(fresh, path)["file_counts"] == counts(completed=1)


def test_expiry_comes_with_the_clock(fresh: TestClient, clock: ManualClock, store: Store) -> None:
    file = upload(fresh)
    path = made(fresh, file, expires_after={"anchor": "last_active_at", "days": 1})
    settled(fresh, path)
    clock.advance(DAY - 1)
    assert get(fresh, path)["status"] == "completed"
    clock.advance(1)
    (listed,) = get(fresh, STORES)["data"]
    assert listed["status"] == get(fresh, path)["status"] == "expired"
    for answer in (
        fresh.post(f"{path}/search", json={"query": "x"}),
        fresh.post(f"{path}/files", json={"file_id": file}),
    ):
        assert error(answer, 400)["message"].startswith(f"Vector store '{listed['id']}' has expired")
    assert contents_of(store) == [file]


def test_a_store_that_expires_before_it_is_indexed_cancels_the_rest(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    path = made(client, expires_after={"anchor": "last_active_at", "days": 1})
    clock.advance(DAY - 1)
    client.post(f"{path}/file_batches", json={"file_ids": [upload(client) for _ in range(4)]})
    clock.advance(100)
    shown = get(client, path)
    assert (shown["status"], shown["file_counts"]) == ("expired", counts(completed=2, cancelled=2))


# --- batches -------------------------------------------------------------------------------------


def test_a_batch_counts_its_own_files(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    path = made(client, upload(client))
    clock.advance(10)
    files = [{"file_id": upload(client), "attributes": {"n": at}} for at in range(3)]
    batch = client.post(f"{path}/file_batches", json={"files": files}).json()
    assert batch["id"].startswith(f"vsfb_ibj_{batch['created_at']:08x}")
    one = f"{path}/file_batches/{batch['id']}"
    clock.advance(1)
    assert get(client, one)["file_counts"] == counts(in_progress=1, completed=2)
    assert get(client, path)["file_counts"] == counts(in_progress=1, completed=3)
    assert [file["attributes"] for file in get(client, f"{one}/files?order=asc&filter=completed")["data"]] == [
        {"n": 0},
        {"n": 1},
    ]
    cancelled = client.post(f"{one}/cancel").json()
    assert (cancelled["status"], cancelled["file_counts"]) == ("cancelled", counts(completed=2, cancelled=1))
    assert (get(client, path)["status"], get(client, path)["file_counts"]) == (
        "completed",
        counts(completed=3, cancelled=1),
    )
    clock.advance(100)
    assert get(client, one) == cancelled
    assert client.post(f"{one}/cancel").json() == cancelled
    assert get(client, f"{one}/files?filter=cancelled")["data"][0]["id"] == files[2]["file_id"]


def test_a_file_that_moves_to_another_batch_is_cancelled_in_the_first(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    path, file = made(client), upload(client)
    first, second = (
        f"{path}/file_batches/{client.post(f'{path}/file_batches', json={'file_ids': [file]}).json()['id']}"
        for _ in range(2)
    )
    assert (get(client, first)["status"], get(client, first)["file_counts"]) == ("completed", counts(cancelled=1))
    clock.advance(10)
    assert (get(client, second)["status"], get(client, second)["file_counts"]) == ("completed", counts(completed=1))
    assert get(client, path)["file_counts"] == counts(completed=1)


def test_parallel_readers_and_writers_agree(fresh: TestClient) -> None:
    path = made(fresh)
    files = [upload(fresh, f"{at}.txt", f"Text number {at} of many.") for at in range(60)]

    def attach(mine: list[str]) -> None:
        for file in mine:
            assert fresh.post(f"{path}/files", json={"file_id": file}).status_code == 200
            get(fresh, path)

    threads = [threading.Thread(target=attach, args=(files[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settled(fresh, path)["file_counts"] == counts(completed=60)
    assert {file["id"] for file in get(fresh, f"{path}/files?limit=100")["data"]} == set(files)
    hits = fresh.post(f"{path}/search", json={"query": "number 37", "max_num_results": 1}).json()["data"]
    assert hits[0]["filename"] == "37.txt"


# --- search --------------------------------------------------------------------------------------


@pytest.fixture
def animals(fresh: TestClient) -> str:
    path = made(fresh)
    for name in ("cat", "dog", "horse", "cow", "goat"):
        body = {
            "file_id": upload(fresh, f"{name}.txt", f"The {name} is an animal."),
            "attributes": {"legs": 4, "name": name},
        }
        fresh.post(f"{path}/files", json=body)
    settled(fresh, path)
    return path


def test_a_search_can_be_paged_through(fresh: TestClient, animals: str) -> None:
    body = {"query": "animal", "max_num_results": 2}
    page = fresh.post(f"{animals}/search", json=body).json()
    assert list(page) == ["object", "search_query", "data", "has_more", "next_page"]
    assert list(page["data"][0]) == ["file_id", "filename", "score", "attributes", "content"]
    found = [hit["filename"] for hit in page["data"]]
    while page["has_more"]:
        page = fresh.post(f"{animals}/search?page={page['next_page']}", json=body).json()
        found += [hit["filename"] for hit in page["data"]]
    assert len(found) == len(set(found)) == 5
    assert page["next_page"] is None
    assert error(fresh.post(f"{animals}/search?page=x", json=body), 400)["param"] == "page"


def test_queries_may_be_several_or_rewritten(fresh: TestClient, animals: str) -> None:
    several = fresh.post(f"{animals}/search", json={"query": ["dog", "goat"], "max_num_results": 2}).json()
    assert several["search_query"] == ["dog", "goat"]
    assert {hit["filename"] for hit in several["data"]} == {"dog.txt", "goat.txt"}
    rewritten = fresh.post(f"{animals}/search", json={"query": "What is a horse?", "rewrite_query": True}).json()
    assert rewritten["search_query"] == ["horse"]
    assert rewritten["data"][0]["filename"] == "horse.txt"


def test_rankers_and_thresholds(fresh: TestClient, animals: str) -> None:
    def scores(**options: Any) -> list[float]:
        body = {"query": "The dog", "ranking_options": options}
        return [hit["score"] for hit in fresh.post(f"{animals}/search", json=body).json()["data"]]

    assert scores(ranker="auto") == scores(ranker="default-2024-11-15") != scores(ranker="none")
    best = scores()[0]
    assert scores(score_threshold=best) == [best]
    assert scores(score_threshold=1) == []


def test_filters_follow_changed_attributes(fresh: TestClient, animals: str) -> None:
    body = {"query": "animal", "filters": {"type": "in", "key": "name", "value": ["cat", "cow"]}}
    hits = fresh.post(f"{animals}/search", json=body).json()["data"]
    assert {hit["filename"] for hit in hits} == {"cat.txt", "cow.txt"}
    fresh.post(f"{animals}/files/{hits[0]['file_id']}", json={"attributes": {"name": "lion"}})
    assert len(fresh.post(f"{animals}/search", json=body).json()["data"]) == 1
    assert (
        error(fresh.post(f"{animals}/files/{hits[0]['file_id']}", json={}), 400)["code"]
        == "missing_required_parameter"
    )


@limits(max_examples=60)
@given(body=valid(SEARCH))
def test_every_search_of_the_schema_is_answered(client: TestClient, body: Any) -> None:
    path = made(client, upload(client))
    settled(client, path)
    answer = client.post(f"{path}/search", json=body)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) <= 1
    wrong = client.post(f"{path}/search", json={**body, "max_num_results": 0})
    assert error(wrong, 400)["code"] == "integer_below_min_value"


def test_an_empty_store_answers_nothing(fresh: TestClient) -> None:
    page = fresh.post(f"{made(fresh)}/search", json={"query": "x"}).json()
    assert (page["data"], page["has_more"]) == ([], False)


# --- lists, faults, tenants ----------------------------------------------------------------------


def test_lists_page_both_ways(fresh: TestClient) -> None:
    ids = [fresh.post(STORES, json={"name": str(at)}).json()["id"] for at in range(5)]

    def page(query: str) -> list[str]:
        return [entry["id"] for entry in get(fresh, f"{STORES}?{query}")["data"]]

    assert page("limit=2") == ids[:2:-1]
    assert page(f"limit=2&after={ids[3]}") == [ids[2], ids[1]]
    assert page(f"order=asc&before={ids[2]}") == ids[:2]
    assert page("limit=0") == []
    assert error(fresh.get(f"{STORES}?after=vs_nope"), 404)["message"] == "No vector store found with id 'vs_nope'."
    path = made(fresh, *(upload(fresh) for _ in range(3)))
    files = [entry["id"] for entry in get(fresh, f"{path}/files?order=asc")["data"]]
    assert [entry["id"] for entry in get(fresh, f"{path}/files?after={files[2]}")["data"]] == files[1::-1]
    assert "No file found with id 'x' in vector store" in error(fresh.get(f"{path}/files?after=x"), 404)["message"]
    assert error(fresh.get(f"{path}/files?filter=x"), 400)["code"] == "invalid_value"


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("", {"file_ids": "x"}, "file_ids", "invalid_type"),
        ("", {"name": 7}, "name", "invalid_type"),
        ("", {"names": "x"}, "names", "unknown_parameter"),
        ("", {"chunking_strategy": {"type": "other"}}, "chunking_strategy.type", "invalid_value"),
        ("/{vs}/files", {}, "file_id", "missing_required_parameter"),
        ("/{vs}/files", {"file_id": "x", "attributes": {"a": []}}, "attributes.a", "invalid_type"),
        ("/{vs}/files", {"file_id": "x", "attributes": {"a": "b" * 513}}, "attributes.a", "string_above_max_length"),
        (
            "/{vs}/files",
            {
                "file_id": "x",
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 101},
                },
            },
            "chunking_strategy.static.chunk_overlap_tokens",
            "integer_above_max_value",
        ),
        ("/{vs}/file_batches", {}, "file_ids", "missing_required_parameter"),
        ("/{vs}/file_batches", {"file_ids": []}, "file_ids", "empty_array"),
        ("/{vs}/file_batches", {"file_ids": ["a"], "files": [{"file_id": "a"}]}, "files", "invalid_parameter"),
        ("/{vs}/search", {}, "query", "missing_required_parameter"),
        ("/{vs}/search", {"query": 7}, "query", "invalid_type"),
        ("/{vs}/search", {"query": []}, "query", "empty_array"),
        ("/{vs}/search", {"query": "x", "filters": {"type": "eq", "key": "a"}}, "filters.value", "missing_required_parameter"),
        ("/{vs}/search", {"query": "x", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold", "decimal_above_max_value"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(fresh: TestClient, path: str, body: Any, param: str, code: str) -> None:
    store = made(fresh).rsplit("/", 1)[1]
    found = error(fresh.post(f"{STORES}{path.format(vs=store)}", json=body), 400)
    assert (found["param"], found["code"]) == (param, code)


def test_several_files_that_cannot_be_searched_are_named_together(fresh: TestClient) -> None:
    files = [upload(fresh, name, b"\x89") for name in ("a.png", "b.zip", "c.png", "D.PDF")]
    found = error(fresh.post(STORES, json={"file_ids": files}), 400)
    assert found["message"].startswith("Files with extensions [.png, .zip, .PDF] are not supported for retrieval.")
    assert get(fresh, STORES)["data"] == []


def test_another_key_sees_nothing(fresh: TestClient) -> None:
    path, file = made(fresh, upload(fresh)), upload(fresh)
    other = {"authorization": "Bearer sk-other"}
    for answer in (
        fresh.get(path, headers=other),
        fresh.post(f"{path}/search", json={"query": "x"}, headers=other),
        fresh.delete(path, headers=other),
        fresh.post(STORES, json={"file_ids": [file]}, headers=other),
    ):
        assert answer.status_code == 404
    assert fresh.get(STORES, headers=other).json()["data"] == []


# --- space and restarts --------------------------------------------------------------------------


def contents_of(store: Store) -> list[str]:
    """Return the names of everything that takes space beside the documents."""
    if isinstance(store, MemoryStore):
        return sorted(name for _, name in store._contents)
    assert isinstance(store, SqliteStore)
    return sorted(name for (name,) in store._rows("SELECT name FROM contents", ()))


def test_deleting_frees_space(fresh: TestClient, store: Store) -> None:
    files = [upload(fresh) for _ in range(3)]
    path = made(fresh, *files)
    settled(fresh, path)
    assert len(contents_of(store)) == 3 + 2 * 3
    fresh.delete(f"{path}/files/{files[0]}")
    assert len(contents_of(store)) == 3 + 2 * 2
    fresh.post(f"{path}/files", json={"file_id": files[1]})
    settled(fresh, path)
    assert len(contents_of(store)) == 3 + 2 * 2
    fresh.post(f"{path}/file_batches", json={"file_ids": files})
    assert fresh.delete(path).json() == {"id": path.split("/")[-1], "object": "vector_store.deleted", "deleted": True}
    assert contents_of(store) == sorted(files)
    assert fresh.get(path).status_code == 404
    assert store.list("", "work") == []


def test_a_store_survives_a_restart(tmp_path: Any) -> None:
    where = f"sqlite:{tmp_path / 'state.db'}"
    with client_of(Application(Settings(store=where), clock=ManualClock())) as client:
        path = made(client, upload(client, "tides.txt", "The moon pulls the sea."))
        settled(client, path)
        first = client.post(f"{path}/search", json={"query": "moon"}).json()
    with client_of(Application(Settings(store=where), clock=ManualClock())) as client:
        assert client.post(f"{path}/search", json={"query": "moon"}).json() == first
        assert first["data"][0]["filename"] == "tides.txt"


# --- leniently -----------------------------------------------------------------------------------


def test_phantoms_are_answered_and_leave_nothing(start: Start) -> None:
    client = start(missing="phantom", validate="schema")
    assert get(client, f"{STORES}/any id")["status"] == "completed"
    assert client.post(f"{STORES}/x/files", json={"file_id": "f"}).json()["status"] == "in_progress"
    assert client.post(f"{STORES}/x/files/f", json={"attributes": {"a": 1}}).json()["attributes"] == {"a": 1}
    assert client.post(f"{STORES}/x/search", json={"query": "q"}).json()["data"] == []
    batch = client.post(f"{STORES}/x/file_batches", json={"file_ids": ["f"]}).json()
    assert batch["object"] == get(client, f"{STORES}/x/file_batches/b")["object"] == "vector_store.files_batch"
    assert client.post(f"{STORES}/x/file_batches/b/cancel").json()["status"] == "cancelled"
    assert get(client, f"{STORES}/x/files?after=nope")["data"] == get(client, STORES)["data"] == []
    assert client.delete(f"{STORES}/x").json()["deleted"]
    real = client.post(STORES, json={"file_ids": ["f"]}).json()
    assert (real["name"], real["status"]) == ("", "completed")
    assert [entry["id"] for entry in get(client, STORES)["data"]] == [real["id"]]


STRETCHED = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/vector_stores", {"chunking_strategy": STRETCHED}, "chunking_strategy"),
        (
            "/threads",
            {"tool_resources": {"file_search": {"vector_stores": [{"chunking_strategy": STRETCHED}]}}},
            "tool_resources.file_search.vector_stores[0].chunking_strategy",
        ),
    ],
)
def test_an_overlap_is_refused_where_it_stands(fresh: TestClient, path: str, body: Any, param: str) -> None:
    answer = fresh.post(f"/v1{path}", json=body, headers={"openai-beta": "assistants=v2"})
    assert answer.json()["error"]["param"] == f"{param}.static.chunk_overlap_tokens"

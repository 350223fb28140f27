"""Batches: what is refused, how they live, and that a line is answered as a live request (batches.md)."""

import json
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api.batches.life import MACHINE
from mockai.app import Application
from mockai.clock import ManualClock
from mockai.lifecycle import faults
from mockai.settings import Settings
from tests.api.conftest import Start
from tests.conftest import client_of
from tests.recorded import exchanges, shape

CHAT = "/v1/chat/completions"


def line(at: int, **changes: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Question {at}"}], "max_tokens": 5}
    return {"custom_id": f"r{at}", "method": "POST", "url": CHAT, "body": body, **changes}


def jsonl(lines: list[Any]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in lines)


def send(client: TestClient, content: bytes, purpose: str = "batch") -> str:
    answer = client.post("/v1/files", data={"purpose": purpose}, files={"file": ("b.jsonl", content)})
    id: str = answer.json()["id"]
    return id


def create(client: TestClient, file: str, headers: Any = None, **changes: Any) -> Any:
    body = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h", **changes}
    return client.post("/v1/batches", json=body, headers=headers)


def batch_of(client: TestClient, lines: list[Any], **changes: Any) -> Any:
    made = create(client, send(client, jsonl(lines)), **changes).json()
    return client.get(f"/v1/batches/{made['id']}").json()


def rows(client: TestClient, file: str | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    return [json.loads(row) for row in client.get(f"/v1/files/{file}/content").text.splitlines()]


def test_the_life_is_a_good_table() -> None:
    assert faults(MACHINE) == []


def test_create_answers_in_the_recorded_shape(fresh: TestClient) -> None:
    file = send(fresh, jsonl([line(1)]))
    for entry in exchanges("batches-create-2025", "batches-cancel-2025"):
        made = create(fresh, file, metadata={"testMetadataKey": "test metadata value"}).json()
        if entry.path.endswith("cancel"):
            made = fresh.post(f"/v1/batches/{made['id']}/cancel").json()
        assert list(made) == list(entry.answer)
        assert shape(made) == shape(entry.answer)
        assert made["status"] == entry.answer["status"]
        assert made["expires_at"] - made["created_at"] == 86_400
    made = create(fresh, file).json()
    assert made["id"].startswith(f"batch_{made['created_at']:08x}")
    assert made["metadata"] is None


def test_a_batch_runs_its_lines_and_files_the_answers(fresh: TestClient) -> None:
    wrong = line(2, body={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}], "temperature": 9})
    done = batch_of(fresh, [line(1), wrong, line(3)])
    assert done["status"] == "completed"
    assert done["model"] == "gpt-4o-mini-2024-07-18"
    assert done["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    assert (done["errors"], done["failed_at"]) == (None, None)
    good, bad = rows(fresh, done["output_file_id"]), rows(fresh, done["error_file_id"])
    assert {row["custom_id"] for row in good} == {"r1", "r3"}
    assert [list(row) for row in good + bad] == [["id", "custom_id", "response", "error"]] * 3
    assert bad[0]["response"]["status_code"] == 400
    assert bad[0]["response"]["body"]["error"]["code"] == "decimal_above_max_value"
    assert bad[0]["error"] is None
    assert done["usage"]["total_tokens"] == sum(row["response"]["body"]["usage"]["total_tokens"] for row in good)
    file = fresh.get(f"/v1/files/{done['output_file_id']}").json()
    assert (file["purpose"], file["expires_at"]) == ("batch_output", None)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (CHAT, {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hello"}], "seed": 3, "n": 2}),
        ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "max_tokens": 9}),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
        ("/v1/moderations", {"input": "I will hurt you"}),
    ],
)
def test_a_line_is_answered_as_a_live_request(fresh: TestClient, url: str, body: dict[str, Any]) -> None:
    done = batch_of(fresh, [{"custom_id": "a", "method": "POST", "url": url, "body": body}], endpoint=url)
    (row,) = rows(fresh, done["output_file_id"])
    live, batched = fresh.post(url, json=body).json(), row["response"]["body"]
    assert list(live) == list(batched)
    volatile = {"id", "created"}
    assert {k: v for k, v in live.items() if k not in volatile} == {
        k: v for k, v in batched.items() if k not in volatile
    }


def test_the_same_session_gives_the_same_files(clock: ManualClock) -> None:
    outputs = []
    for _ in range(2):
        with client_of(Application(Settings(seed=7), clock=ManualClock())) as client:
            done = batch_of(client, [line(at) for at in range(40)])
            outputs.append(client.get(f"/v1/files/{done['output_file_id']}/content").content)
    assert outputs[0] == outputs[1]


NO_MODEL = {"messages": [{"role": "user", "content": "x"}]}
LINE_FAULTS = [
    ("not json", "invalid_json_line", None, "This line is not parseable as valid JSON."),
    ("[]", "invalid_json_line", None, "This line is not parseable as valid JSON."),
    *(
        (
            json.dumps({k: v for k, v in line(2).items() if k != name}),
            "missing_required_parameter",
            name,
            f"Missing required parameter: '{name}'.",
        )
        for name in ("custom_id", "method", "url", "body")
    ),
    (
        json.dumps(line(1)),
        "duplicate_custom_id",
        "custom_id",
        "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.",
    ),
    (
        json.dumps(line(2, url="/v1/embeddings")),
        "invalid_url",
        "url",
        "The URL provided for this request does not match the batch endpoint.",
    ),
    (json.dumps(line(2, body=NO_MODEL)), "invalid_request", "body.model", "Model parameter is required."),
    (
        json.dumps(line(2, body={"model": "gpt-4o-mini"})),
        "invalid_request",
        "body.messages",
        "Messages parameter is required.",
    ),
    (
        json.dumps(line(2, body={**line(2)["body"], "stream": True})),
        "streaming_unsupported",
        "body.stream",
        "Chat Completions: Streaming is not supported in the Batch API.",
    ),
    (
        json.dumps(line(2, body={**line(2)["body"], "model": "gpt-4o"})),
        "mismatched_model",
        "body.model",
        "The model 'gpt-4o' for this request does not match the rest of the batch. Each batch must contain requests for a single model.",
    ),
]


@pytest.mark.parametrize(("wrong", "code", "param", "message"), LINE_FAULTS, ids=lambda value: str(value)[:30])
def test_a_wrong_line_fails_the_whole_batch(
    fresh: TestClient, wrong: str, code: str, param: str | None, message: str
) -> None:
    file = send(fresh, jsonl([line(1)]) + wrong.encode() + b"\n" + jsonl([line(3)]))
    made = create(fresh, file).json()
    assert made["status"] == "validating"
    failed = fresh.get(f"/v1/batches/{made['id']}").json()
    assert failed["status"] == "failed"
    assert failed["errors"] == {
        "object": "list",
        "data": [{"code": code, "message": message, "param": param, "line": 2}],
    }
    assert failed["request_counts"] == {"total": 0, "completed": 0, "failed": 0}
    assert (failed["output_file_id"], failed["error_file_id"], failed["in_progress_at"]) == (None, None, None)


def test_several_wrong_lines_are_listed_in_order(fresh: TestClient) -> None:
    failed = batch_of(fresh, [line(1, body={**line(1)["body"], "model": "nope"}), {}, line(3)])
    assert [(entry["code"], entry["line"]) for entry in failed["errors"]["data"]] == [
        ("model_not_found", 1),
        ("missing_required_parameter", 2),
    ]
    text = "The provided model 'nope' is not supported by the Batch API."
    assert failed["errors"]["data"][0]["message"] == text


def test_files_that_cannot_be_used_fail_the_batch(fresh: TestClient) -> None:
    for id in ("file-nope", send(fresh, jsonl([line(1)]), "fine-tune")):
        made = create(fresh, id).json()
        failed = fresh.get(f"/v1/batches/{made['id']}").json()
        (error,) = failed["errors"]["data"]
        assert (error["code"], error["param"], error["line"]) == ("invalid_request", "file_id", None)
        assert error["message"].startswith(f"Cannot find file {id}, or organization ")


def test_a_file_that_goes_before_its_lines_ran_fails_the_batch(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    file = send(client, jsonl([line(1), line(2)]))
    made = create(client, file).json()
    clock.advance(2)
    assert client.get(f"/v1/batches/{made['id']}").json()["status"] == "in_progress"
    client.delete(f"/v1/files/{file}")
    clock.advance(200)
    assert client.get(f"/v1/batches/{made['id']}").json()["status"] == "failed"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"endpoint": "/v1/invalid/endpoint"}, "endpoint", "invalid_value"),
        ({"completion_window": "48h"}, "completion_window", "invalid_value"),
        ({"metadata": {"tags": ["x"]}}, "metadata.tags", "invalid_type"),
        ({"input_file_id": None}, "input_file_id", "invalid_type"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 1}},
            "output_expires_after.seconds",
            "integer_below_min_value",
        ),
    ],
)
def test_a_wrong_request_is_refused(fresh: TestClient, changes: Any, param: str, code: str) -> None:
    error = create(fresh, **{"file": "file-x", **changes}).json()["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_a_batch_moves_through_its_states_on_the_clock(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    made = create(client, send(client, jsonl([line(at) for at in range(10)]))).json()
    path, begun = f"/v1/batches/{made['id']}", made["created_at"]
    assert client.get(path).json()["status"] == "validating"
    clock.advance(1)
    running = client.get(path).json()
    assert (running["status"], running["request_counts"]["total"]) == ("in_progress", 10)
    assert running["in_progress_at"] == begun + 1
    counts = []
    for _ in range(3):
        clock.advance(36)
        counts.append(client.get(path).json()["request_counts"]["completed"])
    assert counts == [3, 6, 9]
    clock.advance(12)
    assert client.get(path).json()["status"] == "finalizing"
    clock.advance(1000)
    done = client.get(path).json()
    stamps = [done[f"{state}_at"] - begun for state in ("in_progress", "finalizing", "completed")]
    assert (done["status"], stamps) == ("completed", [1, 121, 122])


@pytest.mark.parametrize("late", [0, 2 * 86_400])
def test_one_look_tells_what_many_tell(start: Start, clock: ManualClock, late: int) -> None:
    """However late it is: a batch that had the time to run does not expire because nobody looked."""
    client = start(pace="real")
    file = send(client, jsonl([line(1), line(2)]))
    often, once = create(client, file).json(), create(client, file).json()
    for _ in range(200):
        clock.advance(1)
        client.get(f"/v1/batches/{often['id']}")
    clock.advance(late)
    a, b = client.get(f"/v1/batches/{often['id']}").json(), client.get(f"/v1/batches/{once['id']}").json()
    own = ("id", "output_file_id")
    assert {k: v for k, v in a.items() if k not in own} == {k: v for k, v in b.items() if k not in own}


def test_each_reading_is_a_step_at_the_pace_of_steps(start: Start) -> None:
    client = start(pace="step")
    made = create(client, send(client, jsonl([line(1)]))).json()
    states = [client.get(f"/v1/batches/{made['id']}").json()["status"] for _ in range(4)]
    assert states == ["in_progress", "finalizing", "completed", "completed"]


def test_cancelling_keeps_what_has_run(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    made = create(client, send(client, jsonl([line(at) for at in range(10)]))).json()
    path = f"/v1/batches/{made['id']}"
    clock.advance(61)
    client.get(path)
    cancelled = client.post(f"{path}/cancel").json()
    assert (cancelled["status"], cancelled["cancelling_at"]) == ("cancelling", made["created_at"] + 61)
    assert client.post(f"{path}/cancel").json()["status"] == "cancelling"
    clock.advance(606)
    done = client.get(path).json()
    assert (done["status"], done["cancelled_at"]) == ("cancelled", made["created_at"] + 667)
    assert done["finalizing_at"] is None
    good, bad = rows(client, done["output_file_id"]), rows(client, done["error_file_id"])
    assert len(good) == done["request_counts"]["completed"] == 5
    assert done["request_counts"]["failed"] == 0
    assert [(row["response"], row["error"]["code"]) for row in bad] == [(None, "batch_cancelled")] * 5
    assert {row["custom_id"] for row in good + bad} == {f"r{at}" for at in range(10)}
    assert client.post(f"{path}/cancel").json()["status"] == "cancelled"


def test_cancelling_before_any_work_leaves_no_files(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    made = create(client, send(client, jsonl([line(1)]))).json()
    assert client.post(f"/v1/batches/{made['id']}/cancel").json()["status"] == "cancelling"
    clock.advance(606)
    done = client.get(f"/v1/batches/{made['id']}").json()
    assert (done["status"], done["output_file_id"], done["error_file_id"]) == ("cancelled", None, None)
    assert done["request_counts"]["total"] == 0


def test_what_has_ended_cannot_be_cancelled(fresh: TestClient) -> None:
    for lines, status in (([line(1)], "completed"), ([{}], "failed")):
        made = batch_of(fresh, lines)
        answer = fresh.post(f"/v1/batches/{made['id']}/cancel")
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            409,
            f"Cannot cancel a batch with status '{status}'.",
        )


def test_a_batch_can_be_made_to_expire(fresh: TestClient, clock: ManualClock) -> None:
    made = create(
        fresh, send(fresh, jsonl([line(at) for at in range(5)])), headers={"X-Mockai-Batch": "expire"}
    ).json()
    path = f"/v1/batches/{made['id']}"
    running = fresh.get(path).json()
    assert (running["status"], running["request_counts"]["completed"]) == ("in_progress", 2)
    clock.advance(86_401)
    done = fresh.get(path).json()
    assert done["status"] == "expired"
    assert (done["finalizing_at"], done["completed_at"]) == (done["expires_at"] + 1, None)
    assert len(rows(fresh, done["output_file_id"])) == 2
    bad = rows(fresh, done["error_file_id"])
    assert [row["error"]["code"] for row in bad] == ["batch_expired"] * 3
    wrong = create(fresh, "file-x", headers={"X-Mockai-Batch": "explode"})
    assert wrong.status_code == 400


def test_only_failures_make_no_output_file(fresh: TestClient) -> None:
    wrong = {**line(1)["body"], "temperature": 9}
    done = batch_of(fresh, [line(1, body=wrong)])
    assert (done["status"], done["output_file_id"]) == ("completed", None)
    assert done["request_counts"] == {"total": 1, "completed": 0, "failed": 1}
    assert len(rows(fresh, done["error_file_id"])) == 1


def test_lists_page_newest_first(fresh: TestClient) -> None:
    file = send(fresh, jsonl([line(1)]))
    made = [create(fresh, file).json()["id"] for _ in range(3)]
    page = fresh.get("/v1/batches?limit=2").json()
    for entry in exchanges("batches-list-page"):
        assert list(page) == list(entry.answer)
        assert list(page["data"][0]) == list(entry.answer["data"][0])
    assert [batch["id"] for batch in page["data"]] == made[:0:-1]
    assert page["has_more"]
    assert [batch["id"] for batch in fresh.get(f"/v1/batches?after={made[1]}").json()["data"]] == made[:1]
    assert fresh.get("/v1/batches?after=batch_nope").status_code == 404
    for path in ("/v1/batches/batch_nope", "/v1/batches/batch_nope/cancel"):
        answer = fresh.request("POST" if path.endswith("cancel") else "GET", path)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "No batch found with id 'batch_nope'."


def test_parallel_readers_run_each_line_once(fresh: TestClient) -> None:
    made = create(fresh, send(fresh, jsonl([line(at) for at in range(3000)]))).json()
    path = f"/v1/batches/{made['id']}"
    totals: list[int] = []

    def read() -> None:
        while (batch := fresh.get(path).json())["status"] != "completed":
            totals.append(batch["request_counts"]["completed"])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = fresh.get(path).json()
    found = rows(fresh, done["output_file_id"])
    assert done["request_counts"]["completed"] == len(found) == 3000
    assert len({row["custom_id"] for row in found}) == len({row["id"] for row in found}) == 3000
    assert done["usage"]["output_tokens"] == sum(
        row["response"]["body"]["usage"]["completion_tokens"] for row in found
    )


def test_the_expiry_of_outputs_can_be_asked_for(fresh: TestClient) -> None:
    done = batch_of(fresh, [line(1)], output_expires_after={"anchor": "created_at", "seconds": 3600})
    file = fresh.get(f"/v1/files/{done['output_file_id']}").json()
    assert file["expires_at"] == file["created_at"] + 3600


def test_a_batch_for_what_is_not_served_says_so_when_it_is_validated(fresh: TestClient) -> None:
    failed = batch_of(fresh, [line(0, url="/v1/responses")], endpoint="/v1/responses")
    assert (failed["status"], failed["errors"]["data"][0]["code"]) == ("failed", "unsupported_endpoint")

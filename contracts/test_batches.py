"""Batches, on any honest server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types import FileObject

from contracts.facts import Fault, check_fault

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 5}
LINES = [
    {"custom_id": f"request-{at}", "method": "POST", "url": "/v1/chat/completions", "body": BODY} for at in range(2)
]


@pytest.fixture
def file(sdk: openai.OpenAI) -> Iterator[FileObject]:
    """Two requests; gone after the test."""
    content = "".join(json.dumps(line) + "\n" for line in LINES)
    made = sdk.files.create(file=("requests.jsonl", content.encode()), purpose="batch")
    yield made
    sdk.files.delete(made.id)


@pytest.mark.operation("batches.create", "batches.list", "batches.retrieve", "batches.cancel")
def test_a_batch_begins_validates_and_can_be_found(sdk: openai.OpenAI, file: FileObject) -> None:
    """The object, the list and a legal order of states (batches.md §2, §3, recorded)."""
    made = sdk.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"k": "v"}
    )
    assert (made.status, made.expires_at) == ("validating", made.created_at + 86_400)
    assert made.id in [entry.id for entry in sdk.batches.list(limit=5).data]
    found = sdk.batches.retrieve(made.id)
    assert found.status in ("validating", "in_progress", "finalizing", "completed")
    assert found.metadata == {"k": "v"}
    try:
        assert sdk.batches.cancel(made.id).status in ("cancelling", "cancelled")
    except openai.ConflictError as error:
        assert "Cannot cancel a batch with status 'completed'." in error.message


@pytest.mark.operation("batches.create", "batches.retrieve")
def test_the_mock_runs_a_batch_at_once(sdk: openai.OpenAI, file: FileObject, is_mock: bool) -> None:
    """Output lines in the reported shape (batches.md §6); a real server takes its time, up to 24 hours."""
    if not is_mock:
        pytest.skip("a batch may take 24 hours: only the mock is asked to finish one")
    made = sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    while made.status != "completed":
        made = sdk.batches.retrieve(made.id)
    assert made.request_counts is not None
    assert (made.request_counts.total, made.request_counts.completed) == (2, 2)
    assert made.output_file_id is not None
    rows = [json.loads(line) for line in sdk.files.content(made.output_file_id).text.splitlines()]
    assert {row["custom_id"] for row in rows} == {"request-0", "request-1"}
    assert all(row["id"].startswith("batch_req_") and row["error"] is None for row in rows)
    assert all(row["response"]["body"]["object"] == "chat.completion" for row in rows)


REQUEST: dict[str, Any] = {
    "input_file_id": "file-unknown",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
}


@pytest.mark.operation("batches.create")
def test_a_wrong_endpoint(http: httpx2.Client) -> None:
    """The list of endpoints grows, its form stays (batches.md §2, llama-stack)."""
    answer = http.post("/batches", json={**REQUEST, "endpoint": "/v1/invalid/endpoint"})
    error = answer.json()["error"]
    start = "Invalid value: '/v1/invalid/endpoint'. Supported values are: '/v1/chat/completions', '/v1/completions', "
    assert answer.status_code == 400
    assert error["message"].startswith(start)
    assert (error["param"], error["code"]) == ("endpoint", "invalid_value")


@pytest.mark.operation("batches.create")
@pytest.mark.parametrize(
    "row",
    [
        Fault(
            {**REQUEST, "metadata": {"tags": ["a"]}},
            400,
            "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
            "metadata.tags",
            "invalid_type",
            "batches.md §2, llama-stack",
            "reported",
        ),
        Fault(
            {**REQUEST, "completion_window": "48h"},
            400,
            "Invalid value: '48h'. Supported values are: '24h'.",
            "completion_window",
            "invalid_value",
            "batches.md §2 (status reported, text unknown)",
            "unverified",
        ),
    ],
    ids=str,
)
def test_fault(http: httpx2.Client, row: Fault) -> None:
    """Each wrong request gets the API's own words."""
    check_fault(http, "/batches", row)


@pytest.mark.operation("batches.create", "batches.retrieve")
def test_nothing_of_the_file_is_looked_at_when_a_batch_is_created(sdk: openai.OpenAI, is_mock: bool) -> None:
    """An unknown file gives 200 and then fails (batches.md §2, reported)."""
    made = sdk.batches.create(**REQUEST)
    assert made.status == "validating"
    if is_mock:
        failed = sdk.batches.retrieve(made.id)
        assert failed.errors is not None
        assert failed.errors.data is not None
        assert (failed.status, failed.errors.data[0].param) == ("failed", "file_id")


@pytest.mark.operation("batches.retrieve", "batches.cancel")
def test_an_unknown_batch(http: httpx2.Client) -> None:
    """404 with the reported text (batches.md §4)."""
    for method, path in (("GET", "/batches/batch_nope"), ("POST", "/batches/batch_nope/cancel")):
        answer = http.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"] == {
            "message": "No batch found with id 'batch_nope'.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }

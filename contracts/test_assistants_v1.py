"""Version 1 of assistants, on any server that still has it: bare HTTP, as the SDK of today speaks version 2 only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from contracts.facts import Confidence, Fault, check_fault

CODE: Any = {"type": "code_interpreter"}
RETRIEVAL: Any = {"type": "retrieval"}


@pytest.fixture
def first(target: str, api_key: str, wire: httpx2.BaseTransport) -> Iterator[httpx2.Client]:
    """Bare HTTP with the header of the first version."""
    headers = {"authorization": f"Bearer {api_key}", "openai-beta": "assistants=v1"}
    with httpx2.Client(base_url=target, headers=headers, timeout=60, transport=wire) as client:
        yield client


@pytest.fixture
def file_id(first: httpx2.Client) -> Iterator[str]:
    """A file; gone after the test."""
    upload = {"file": ("a.txt", b"The sea is salt.")}
    made = first.post("/files", data={"purpose": "assistants"}, files=upload).json()["id"]
    yield made
    first.delete(f"/files/{made}")


@pytest.mark.operation(
    "beta.assistants.files.create",
    "beta.assistants.files.list",
    "beta.assistants.files.retrieve",
    "beta.assistants.files.delete",
)
def test_files_of_an_assistant(first: httpx2.Client, file_id: str) -> None:
    """Objects and pages (assistants.md §8, recorded); what an unknown one is told is unverified."""
    assistant = first.post("/assistants", json={"model": "gpt-4-turbo", "tools": [CODE]}).json()
    assert list(assistant) == (
        "id object created_at name description model instructions tools file_ids metadata".split()
    )
    path = f"/assistants/{assistant['id']}/files"
    made = first.post(path, json={"file_id": file_id}).json()
    assert made == {
        "id": file_id,
        "object": "assistant.file",
        "created_at": made["created_at"],
        "assistant_id": assistant["id"],
    }
    assert first.get(f"{path}/{file_id}").json() == made
    page = {"object": "list", "data": [made], "first_id": file_id, "last_id": file_id, "has_more": False}
    assert first.get(path).json() == page
    gone = first.delete(f"{path}/{file_id}").json()
    assert gone == {"id": file_id, "object": "assistant.file.deleted", "deleted": True}
    assert first.get(f"{path}/{file_id}").status_code == 404
    first.delete(f"/assistants/{assistant['id']}")


@pytest.mark.operation("beta.threads.messages.files.list", "beta.threads.messages.files.retrieve")
def test_files_of_a_message(first: httpx2.Client, file_id: str) -> None:
    """Objects, pages and the 404 (assistants.md §8, §9.2, recorded)."""
    thread = first.post("/threads", json={}).json()["id"]
    body = {"role": "user", "content": "Hello", "file_ids": [file_id]}
    message = first.post(f"/threads/{thread}/messages", json=body).json()
    path = f"/threads/{thread}/messages/{message['id']}/files"
    one = first.get(f"{path}/{file_id}").json()
    assert one == {
        "id": file_id,
        "object": "thread.message.file",
        "created_at": one["created_at"],
        "message_id": message["id"],
    }
    assert first.get(path).json()["data"] == [one]
    unknown = first.get(f"{path}/file-x")
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (
        404,
        "No message file found with id 'file-x'.",
    )
    first.delete(f"/threads/{thread}")


@pytest.mark.operation("beta.assistants.retrieve")
def test_version_2_reads_what_version_1_made(first: httpx2.Client, file_id: str) -> None:
    """Files become resources of tools, `retrieval` becomes `file_search` (assistants.md §8; the migration guide)."""
    body = {"model": "gpt-4-turbo", "tools": [CODE, RETRIEVAL], "file_ids": [file_id]}
    made = first.post("/assistants", json=body).json()["id"]
    seen = first.get(f"/assistants/{made}", headers={"openai-beta": "assistants=v2"}).json()
    assert [tool["type"] for tool in seen["tools"]] == ["code_interpreter", "file_search"]
    assert seen["tool_resources"]["code_interpreter"] == {"file_ids": [file_id]}
    (store,) = seen["tool_resources"]["file_search"]["vector_store_ids"]
    first.delete(f"/assistants/{made}")
    first.delete(f"/vector_stores/{store}", headers={"openai-beta": "assistants=v2"})


def refused(
    path: str,
    body: Any,
    message: str,
    confidence: Confidence,
    *,
    param: str | None = None,
    code: str | None = None,
) -> Any:
    """Return one row."""
    return pytest.param(
        path, Fault(body, 400, message, param, code, "assistants.md §9.4-§9.6", confidence), id=message[:70]
    )


def library(place: str, text: str) -> str:
    """Return the message of one fault, as the library of version 1 wrote it."""
    return f"1 validation error for Request\n{place}\n  {text}"


FAULTS = [
    refused(
        "/assistants",
        {"model": "gpt-4o"},
        "The requested model 'gpt-4o' cannot be used with the Assistants API in v1. Follow the migration guide to "
        "upgrade to v2: https://platform.openai.com/docs/assistants/migration.",
        "reported",
        param="model",
        code="unsupported_model",
    ),
    refused(
        "/assistants",
        {"model": "gpt-4", "tools": [CODE, {"type": "file_search"}]},
        "Invalid value: 'file_search'. Supported values are: 'code_interpreter', 'function', and 'retrieval'.",
        "reported",
        param="tools[1].type",
        code="invalid_value",
    ),
    refused(
        "/assistants",
        {"model": "gpt-4", "instructions": "x" * 32_769},
        library(
            "body -> instructions",
            "ensure this value has at most 32768 characters (type=value_error.any_str.max_length; limit_value=32768)",
        ),
        "inferred",
    ),
    refused(
        "/threads/runs",
        {"assistant_id": "asst_x", "thread": {"messages": {}}},
        library("body -> thread -> messages", "value is not a valid list (type=type_error.list)"),
        "reported",
    ),
    refused(
        "/threads/runs",
        {"assistant_id": "asst_x", "thread": {"messages": [{"role": "user", "content": "x"}] * 33}},
        library(
            "body -> thread -> messages",
            "ensure this value has at most 32 items (type=value_error.list.max_items; limit_value=32)",
        ),
        "reported",
    ),
    refused(
        "/threads/thread_x/runs/run_x/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_x", "output": {}}]},
        library("body -> tool_outputs -> 0 -> output", "str type expected (type=type_error.str)"),
        "reported",
    ),
    refused(
        "/threads/thread_x/runs/run_x/submit_tool_outputs",
        {"tool_outputs": [{"output": "x"}]},
        library("body -> tool_outputs -> 0 -> tool_call_id", "field required (type=value_error.missing)"),
        "reported",
    ),
]


@pytest.mark.operation(
    "beta.assistants.create", "beta.threads.create_and_run", "beta.threads.runs.submit_tool_outputs"
)
@pytest.mark.parametrize(("path", "fault"), FAULTS)
def test_wrong_requests_are_refused(first: httpx2.Client, path: str, fault: Fault) -> None:
    """Each with the text of that time."""
    check_fault(first, path, fault)


@pytest.mark.operation("beta.assistants.files.create")
def test_a_form_is_no_body(first: httpx2.Client) -> None:
    """Recorded: multipart where JSON belongs (assistants.md §8)."""
    answer = first.post("/assistants/asst_x/files", files={"file": ("a.txt", b"x")})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == library("body", "value is not a valid dict (type=type_error.dict)")


@pytest.mark.operation("beta.assistants.files.list")
def test_version_2_has_no_files_of_assistants(first: httpx2.Client) -> None:
    """Reported of a client that asked with the second version's header (assistants.md §9.1)."""
    answer = first.get("/assistants/asst_x/files", headers={"openai-beta": "assistants=v2"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "The v1 Assistants API has been deprecated. "
        "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration."
    )

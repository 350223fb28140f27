"""Assistants, threads and messages, on any server that still has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from contracts.facts import Confidence, Fault, check_fault

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the whole API is deprecated


@pytest.fixture
def beta(target: str, api_key: str, wire: httpx2.BaseTransport) -> Iterator[httpx2.Client]:
    """Bare HTTP with the header of the second version."""
    headers = {"authorization": f"Bearer {api_key}", "openai-beta": "assistants=v2"}
    with httpx2.Client(base_url=target, headers=headers, timeout=60, transport=wire) as client:
        yield client


@pytest.fixture
def loose_sdk(target: str, api_key: str, wire: httpx2.BaseTransport) -> Iterator[openai.OpenAI]:
    """The official SDK as users have it: its type of messages demands keys that the wire does not have."""
    http_client = httpx2.Client(transport=wire)
    with openai.OpenAI(base_url=target, api_key=api_key, max_retries=0, http_client=http_client) as client:
        yield client


@pytest.mark.operation(
    "beta.assistants.create",
    "beta.assistants.list",
    "beta.assistants.retrieve",
    "beta.assistants.update",
    "beta.assistants.delete",
)
def test_an_assistant_is_made_changed_listed_and_deleted(sdk: openai.OpenAI) -> None:
    """The object and its defaults (assistants.md §3, §4, recorded)."""
    made = sdk.beta.assistants.create(model="gpt-4o-mini", name="Math Tutor", tools=[{"type": "code_interpreter"}])
    assert "instructions" in made.model_fields_set
    assert (made.top_p, made.temperature, made.response_format, made.metadata) == (1.0, 1.0, "auto", {})
    assert made.tool_resources is not None
    assert made.tool_resources.code_interpreter is not None
    assert made.tool_resources.code_interpreter.file_ids == []
    assert sdk.beta.assistants.retrieve(made.id) == made
    changed = sdk.beta.assistants.update(made.id, name="Tutor", metadata={"k": "v"})
    assert (changed.name, changed.metadata, changed.created_at) == ("Tutor", {"k": "v"}, made.created_at)
    assert made.id in [entry.id for entry in sdk.beta.assistants.list(limit=5).data]
    assert sdk.beta.assistants.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.beta.assistants.retrieve(made.id)


@pytest.mark.operation(
    "beta.threads.create",
    "beta.threads.retrieve",
    "beta.threads.update",
    "beta.threads.delete",
    "beta.threads.messages.create",
    "beta.threads.messages.list",
    "beta.threads.messages.retrieve",
    "beta.threads.messages.update",
    "beta.threads.messages.delete",
)
def test_a_thread_and_its_messages(sdk: openai.OpenAI, loose_sdk: openai.OpenAI, beta: httpx2.Client) -> None:
    """What is kept of a thread (assistants.md §4, recorded); messages are read as they are on the wire."""
    thread = sdk.beta.threads.create(messages=[{"role": "user", "content": "Hello"}], metadata={"k": "v"})
    assert thread.metadata == {"k": "v"}
    found = sdk.beta.threads.retrieve(thread.id)
    assert found.metadata == {"k": "v"}
    assert found.tool_resources is not None
    assert found.tool_resources.code_interpreter is not None  # unlike the answer of its creation
    assert sdk.beta.threads.update(thread.id, metadata={"k": "w"}).metadata == {"k": "w"}
    path = f"/threads/{thread.id}/messages"
    added = beta.post(path, json={"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}).json()
    assert list(added) == (
        "id object created_at assistant_id thread_id run_id role content attachments metadata".split()
    )
    assert (added["role"], added["assistant_id"], added["run_id"]) == ("assistant", None, None)
    texts = [entry["content"][0]["text"]["value"] for entry in beta.get(path).json()["data"]]
    assert texts == ["Hi", "Hello"]
    changed = beta.post(f"{path}/{added['id']}", json={"metadata": {"a": "b"}}).json()
    assert (changed["metadata"], changed["file_ids"]) == ({"a": "b"}, [])
    assert "attachments" not in changed  # a quirk of the real answer
    one: Any = {"thread_id": thread.id}
    loose_sdk.beta.threads.messages.update(added["id"], metadata={"a": "c"}, **one)
    assert loose_sdk.beta.threads.messages.retrieve(added["id"], **one).metadata == {"a": "c"}
    assert loose_sdk.beta.threads.messages.delete(added["id"], **one).deleted
    with pytest.raises(openai.NotFoundError):
        loose_sdk.beta.threads.messages.retrieve(added["id"], **one)
    assert sdk.beta.threads.delete(thread.id).deleted
    assert beta.get(path).status_code == 404


@pytest.mark.operation("beta.threads.create", "beta.threads.messages.list", "beta.threads.delete")
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_visits_each_message_once(sdk: openai.OpenAI, beta: httpx2.Client, order: str) -> None:
    """Five messages in pages of two, in either order."""
    texts = [f"Number {number}" for number in range(5)]
    thread = sdk.beta.threads.create(messages=[{"role": "user", "content": text} for text in texts])
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "order": order}
    while len(seen) <= len(texts):
        page = beta.get(f"/threads/{thread.id}/messages", params=query).json()
        seen += [entry["content"][0]["text"]["value"] for entry in page["data"]]
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert seen == (texts if order == "asc" else texts[::-1])
    before: dict[str, Any] = {"limit": 1, "order": order, "before": page["last_id"]}
    assert len(beta.get(f"/threads/{thread.id}/messages", params=before).json()["data"]) == 1
    assert sdk.beta.threads.delete(thread.id).deleted


def refused(
    path: str,
    body: Any,
    message: str,
    evidence: str,
    confidence: Confidence,
    *,
    status: int = 400,
    param: str | None = None,
    code: str | None = None,
) -> Any:
    """Return one row."""
    return pytest.param(path, Fault(body, status, message, param, code, evidence, confidence), id=message[:50])


MODEL = {"model": "gpt-4o-mini"}
FAULTS = [
    refused(
        "/assistants",
        {},
        "Missing required parameter: 'model'.",
        "assistants.md §9.4",
        "inferred",
        param="model",
        code="missing_required_parameter",
    ),
    refused(
        "/assistants",
        {"model": "gpt-nope"},
        "The requested model 'gpt-nope' does not exist.",
        "assistants.md §9.5; the code is unverified",
        "reported",
        param="model",
        code="model_not_found",
    ),
    refused(
        "/assistants",
        {"model": "text-embedding-3-small"},
        "The requested model 'text-embedding-3-small' cannot be used with the Assistants API.",
        "assistants.md §9.5",
        "reported",
        param="model",
        code="unsupported_model",
    ),
    refused(
        "/assistants",
        {"model": "gpt-5.1"},
        "The requested model 'gpt-5.1' cannot be used with the Assistants API.",
        "assistants.md §9.5",
        "reported",
        param="model",
        code="unsupported_model",
    ),
    refused(
        "/assistants",
        {**MODEL, "reasoning_effort": ""},
        "Invalid value: ''. Supported values are: 'low', 'medium', and 'high'.",
        "assistants.md §9.4",
        "reported",
        param="reasoning_effort",
        code="invalid_value",
    ),
    refused(
        "/assistants",
        {**MODEL, "tools": [{"type": "retrieval"}]},
        "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'function', and 'file_search'.",
        "assistants.md §9.4",
        "reported",
        param="tools[0].type",
        code="invalid_value",
    ),
    refused(
        "/assistants",
        {**MODEL, "tool_resources": {"file_search": {"file_ids": []}}},
        "Unknown parameter: 'tool_resources.file_search.file_ids'.",
        "assistants.md §9.4",
        "reported",
        param="tool_resources.file_search.file_ids",
        code="unknown_parameter",
    ),
    refused(
        "/assistants",
        {**MODEL, "tools": [{"type": "code_interpreter"}] * 129},
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 129 instead.",
        "assistants.md §9.4",
        "inferred",
        param="tools",
        code="array_above_max_length",
    ),
    refused(
        "/assistants",
        {**MODEL, "tool_resources": {"code_interpreter": {"file_ids": ["file-x"]}}},
        "Files [file-x] were not found",
        "assistants.md §9.2",
        "reported",
        status=404,
    ),
    refused(
        "/assistants/asst_x",
        {"name": "x"},
        "No assistant found with id 'asst_x'.",
        "assistants.md §9.2",
        "reported",
        status=404,
    ),
    refused(
        "/threads/undefined/messages",
        {"role": "user", "content": "x"},
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "assistants.md §9.4",
        "reported",
        param="thread_id",
        code="invalid_value",
    ),
    refused(
        "/threads//messages",  # repeated slashes are one: a thread of the name `messages` is modified
        {"role": "user", "content": "x"},
        "Unknown parameter: 'role'.",
        "assistants.md §9.4",
        "reported",
        param="role",
        code="unknown_parameter",
    ),
    refused(
        "/threads/thread_x",
        {"metadata": {"modified": True}},
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        "assistants.md §9.4",
        "recorded",
        param="metadata.modified",
        code="invalid_type",
    ),
    refused(
        "/threads/thread_x",
        {"metadata": {}},
        "No thread found with id 'thread_x'.",
        "assistants.md §9.2",
        "recorded",
        status=404,
    ),
    refused(
        "/threads",
        {"role": "user"},
        "Unknown parameter: 'role'.",
        "assistants.md §9.4",
        "reported",
        param="role",
        code="unknown_parameter",
    ),
    refused(
        "/threads",
        {"messages": [{"role": "human", "content": "x"}]},
        "Invalid value: 'human'. Supported values are: 'user' and 'assistant'.",
        "assistants.md §9.4",
        "reported",
        param="messages[0].role",
        code="invalid_value",
    ),
    refused(
        "/threads",
        {"metadata": {str(at): "x" for at in range(17)}},
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
        "assistants.md §9.4",
        "reported",
        param="metadata",
        code="object_above_max_properties",
    ),
    refused(
        "/threads",
        {"messages": [{"role": "user", "content": "x", "attachments": [{"file_id": "x", "tools": []}]}]},
        "Invalid 'messages[0].attachments[0].file_id': 'x'. Expected an ID that begins with 'file'.",
        "assistants.md §9.4",
        "reported",
        param="messages[0].attachments[0].file_id",
        code="invalid_value",
    ),
]


@pytest.fixture
def table_file(sdk: openai.OpenAI) -> Iterator[str]:
    """A file that is not searched, and no picture; gone after the test."""
    made = sdk.files.create(file=("table.csv", b"a,b"), purpose="assistants")
    yield made.id
    sdk.files.delete(made.id)


@pytest.mark.operation("beta.threads.create")
def test_files_of_other_kinds_are_refused(beta: httpx2.Client, table_file: str) -> None:
    """Each by its extension (assistants.md §9.5, reported; of the address only the first words are known)."""
    store: Any = {"file_search": {"vector_stores": [{"file_ids": [table_file]}]}}
    error = beta.post("/threads", json={"tool_resources": store}).json()["error"]
    assert (error["param"], error["code"]) == ("file_ids", "unsupported_file")
    assert error["message"] == (
        "Files with extensions [.csv] are not supported for retrieval. "
        "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
    )
    picture: Any = {"type": "image_file", "image_file": {"file_id": table_file}}
    address: Any = {"type": "image_url", "image_url": {"url": "https://example.com/a.svg"}}
    for part, text in (
        (picture, "Invalid message content: Expected file type to be a supported format: .jpeg, .jpg, .png, .gif, "),
        (address, "Invalid 'messages[0].content[0].image_url.url'. Expected url to end in a supported format"),
    ):
        answer = beta.post("/threads", json={"messages": [{"role": "user", "content": [part]}]})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(text)


@pytest.mark.operation(
    "beta.assistants.create",
    "beta.assistants.update",
    "beta.threads.create",
    "beta.threads.update",
    "beta.threads.messages.create",
)
@pytest.mark.parametrize(("path", "fault"), FAULTS)
def test_wrong_requests_are_refused(beta: httpx2.Client, path: str, fault: Fault) -> None:
    """Each with the API's own text."""
    check_fault(beta, path, fault)


@pytest.mark.operation("beta.assistants.list")
def test_the_beta_header_is_needed(http: httpx2.Client) -> None:
    """400 with its code (assistants.md §9.1, reported)."""
    answer = http.get("/assistants")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid_beta"
    assert error["message"].startswith("You must provide the 'OpenAI-Beta' header to access the Assistants API.")


@pytest.mark.operation("beta.threads.list")
def test_threads_are_listed_for_nobody(beta: httpx2.Client) -> None:
    """401 for every API key (assistants.md §2, reported; the end of the text and the kind are unverified)."""
    answer = beta.get("/threads")
    assert answer.status_code == 401
    text = "Your request to GET /v1/threads must be made with a session key (that is, it can only be made from the browser)"
    assert answer.json()["error"]["message"].startswith(text)

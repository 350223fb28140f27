"""Files and uploads, on any honest server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx2
import openai
import pytest
from openai.types import FileObject

from contracts.facts import Fault

LINE = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'


@pytest.fixture
def file(sdk: openai.OpenAI) -> Iterator[FileObject]:
    """A file that is gone after the test."""
    made = sdk.files.create(file=("train.jsonl", LINE), purpose="fine-tune")
    yield made
    sdk.files.delete(made.id)


@pytest.mark.operation("files.create", "files.list", "files.retrieve", "files.delete", "files.content")
def test_a_file_is_created_read_listed_and_deleted(sdk: openai.OpenAI, file: FileObject) -> None:
    """The File object, its content and its end (files.md §1, §4, recorded)."""
    assert (file.object, file.purpose, file.filename, file.bytes) == ("file", "fine-tune", "train.jsonl", len(LINE))
    assert sdk.files.retrieve(file.id) == file
    assert sdk.files.content(file.id).read() == LINE
    assert file.id in [entry.id for entry in sdk.files.list(purpose="fine-tune", limit=100)]
    gone = sdk.files.create(file=("b.jsonl", LINE), purpose="batch")
    assert gone.expires_at == gone.created_at + 2_592_000
    assert sdk.files.delete(gone.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.files.retrieve(gone.id)


@pytest.mark.operation("files.create", "files.list", "files.delete")
def test_a_page_visits_each_file_once(sdk: openai.OpenAI) -> None:
    """Newest first, one at a time (files.md §4, documented)."""
    made = [sdk.files.create(file=(f"{at}.jsonl", LINE), purpose="vision").id for at in range(3)]
    visited = [entry.id for entry in sdk.files.list(purpose="vision", limit=1)]
    assert [id for id in visited if id in made] == made[::-1]
    whole = [entry.id for entry in sdk.files.list(purpose="vision", limit=100) if entry.id in made]
    assert whole == made[::-1]
    for id in made:
        sdk.files.delete(id)


@pytest.mark.operation("files.retrieve", "files.delete", "files.content")
def test_an_unknown_file(http: httpx2.Client) -> None:
    """404 with the recorded text, for any string (files.md §4, recorded)."""
    for method, path in (("GET", "/files/fake_id"), ("DELETE", "/files/fake_id"), ("GET", "/files/fake_id/content")):
        answer = http.request(method, path)
        message = "No such File object: fake_id"
        assert answer.status_code == 404
        assert answer.json()["error"] == {
            "message": message,
            "type": "invalid_request_error",
            "param": "id",
            "code": None,
        }
        assert answer.json()["detail"] == {"message": message, "code": None}
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.operation("files.list")
def test_a_slash_too_much_is_an_unknown_path(http: httpx2.Client) -> None:
    """404 with method and path (files.md §4, recorded until 2023)."""
    assert http.get("/files").status_code == 200
    answer = http.get("/files/")
    error = {"message": "Invalid URL (GET /v1/files/)", "type": "invalid_request_error", "param": None, "code": None}
    assert (answer.status_code, answer.json()["error"]) == (404, error)


FORMS = [
    (
        {"purpose": "fine-tune"},
        b"plain text",
        Fault(
            None,
            400,
            "Invalid file format for Fine-Tuning API. Must be .jsonl",
            None,
            None,
            "files.md §3, PF 29216055728",
            "reported",
        ),
    ),
    (
        {"purpose": "batch"},
        b"plain text",
        Fault(
            None,
            400,
            "Invalid file format for Batch API. Must be .jsonl",
            None,
            None,
            "files.md §3, PF 4704783516",
            "reported",
        ),
    ),
    (
        {"purpose": "world_domination"},
        LINE,
        Fault(
            None,
            400,
            "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
            "purpose",
            None,
            "files.md §3, openai-dotnet",
            "recorded",
        ),
    ),
    (
        {},
        LINE,
        Fault(None, 400, "'purpose' is a required property", None, None, "files.md §3, openai-python#65", "reported"),
    ),
    (
        {"purpose": "batch"},
        None,
        Fault(None, 400, "'file' is a required property", None, None, "files.md §3, openai-client#94", "reported"),
    ),
    (
        {"purpose": "vision"},
        b"",
        Fault(None, 400, "File is empty.", None, None, "files.md §3, openai-go#434", "reported"),
    ),
]


@pytest.mark.operation("files.create")
@pytest.mark.parametrize(("fields", "content", "row"), FORMS, ids=lambda value: str(value)[:40])
def test_a_wrong_form(http: httpx2.Client, fields: dict[str, str], content: bytes | None, row: Fault) -> None:
    """Each wrong form gets the API's own words."""
    files = {"file": ("a.jsonl", content)} if content is not None else {"other": (None, b"")}
    data = fields if content is not None else {}
    answer = http.post("/files", data=data, files=files)
    assert (answer.status_code, answer.json()["error"]["message"]) == (row.status, row.message)
    assert answer.json()["error"]["param"] == row.param


@pytest.mark.operation("files.delete", "files.content", "uploads.create", "uploads.parts.create", "uploads.complete")
def test_an_upload_in_parts(sdk: openai.OpenAI) -> None:
    """Parts join in the order of their ids (files.md §5, recorded)."""
    whole = LINE * 3
    upload = sdk.uploads.create(
        purpose="fine-tune", filename="big.jsonl", bytes=len(whole), mime_type="application/jsonl"
    )
    assert (upload.status, upload.expires_at) == ("pending", upload.created_at + 3600)
    second = sdk.uploads.parts.create(upload.id, data=whole[100:])
    first = sdk.uploads.parts.create(upload.id, data=whole[:100])
    done = sdk.uploads.complete(
        upload.id, part_ids=[first.id, second.id], md5=hashlib.md5(whole, usedforsecurity=False).hexdigest()
    )
    assert done.file is not None
    assert (done.status, done.file.bytes) == ("completed", len(whole))
    assert sdk.files.content(done.file.id).read() == whole
    sdk.files.delete(done.file.id)


@pytest.mark.operation("uploads.create", "uploads.parts.create", "uploads.cancel")
def test_a_cancelled_upload(sdk: openai.OpenAI) -> None:
    """A cancelled upload has no file and takes no part (files.md §5, recorded; the refusal is unverified)."""
    upload = sdk.uploads.create(purpose="batch", filename="b.jsonl", bytes=3, mime_type="application/jsonl")
    cancelled = sdk.uploads.cancel(upload.id)
    assert (cancelled.status, cancelled.file) == ("cancelled", None)
    with pytest.raises(openai.BadRequestError):
        sdk.uploads.parts.create(upload.id, data=b"abc")

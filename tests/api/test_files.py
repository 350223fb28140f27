"""Files and uploads: every purpose, fault, page and deadline (files.md)."""

import base64
import hashlib
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai import contents
from mockai.api import OPERATIONS
from mockai.clock import ManualClock
from mockai.store import Store
from mockai.tenancy import Tenancy
from tests.recorded import exchanges, shape

JSONL = b'{"messages": []}\n'


def send(client: TestClient, purpose: str, content: bytes, name: str = "a.jsonl", **fields: str) -> Any:
    return client.post("/v1/files", data={"purpose": purpose, **fields}, files={"file": (name, content)})


def test_a_file_has_its_recorded_shape_and_reads_back(fresh: TestClient) -> None:
    made = send(fresh, "batch", JSONL)
    assert made.headers["access-control-allow-origin"] == "*"
    file = made.json()
    for entry in exchanges("files-upload-batch-2025"):
        assert list(file) == list(entry.answer)
        assert shape(file) == shape(entry.answer)
        assert file["expires_at"] - file["created_at"] == entry.answer["expires_at"] - entry.answer["created_at"]
    assert fresh.get(f"/v1/files/{file['id']}").json() == file
    assert fresh.get(f"/v1/files/{file['id']}/content").content == JSONL
    assert file["bytes"] == len(JSONL)


def test_the_purpose_decides_what_can_be_downloaded(fresh: TestClient) -> None:
    for purpose, name in (("fine-tune", "s.jsonl"), ("vision", "a.png"), ("evals", "e.jsonl"), ("batch", "b.jsonl")):
        file = send(fresh, purpose, JSONL, name).json()
        answer = fresh.get(f"/v1/files/{file['id']}/content")
        assert answer.content == JSONL
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    for purpose in ("assistants", "user_data"):
        file = send(fresh, purpose, b"text", "a.txt").json()
        answer = fresh.get(f"/v1/files/{file['id']}/content")
        message = f"Not allowed to download files of purpose: {purpose}"
        assert answer.status_code == 400
        assert answer.json()["error"] == {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        assert answer.json()["detail"] == {"message": message, "code": None}


def test_results_of_fine_tuning_come_in_base64(fresh: TestClient, store: Store) -> None:
    tenant = Tenancy({}).identify(OPERATIONS[0], {b"authorization": b"Bearer sk-test"}).tenant
    file = {**send(fresh, "fine-tune", JSONL).json(), "purpose": "fine-tune-results"}
    store.put(tenant, contents.KIND, file)
    assert base64.b64decode(fresh.get(f"/v1/files/{file['id']}/content").content) == JSONL


@pytest.mark.parametrize(
    ("purpose", "content", "name", "message"),
    [
        ("fine-tune", b"plain text\n", "a.txt", "Invalid file format for Fine-Tuning API. Must be .jsonl"),
        ("batch", b"\n{}", "a.jsonl", "Invalid file format for Batch API. Must be .jsonl"),
        ("vision", b"", "a.png", "File is empty."),
        ("assistants", b"x", "a.cs", "Invalid extension cs. Supported formats: "),
        (
            "world_domination",
            b"x",
            "a",
            "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
        ),
    ],
)
def test_contents_are_checked(fresh: TestClient, purpose: str, content: bytes, name: str, message: str) -> None:
    answer = send(fresh, purpose, content, name)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(message)
    assert fresh.get("/v1/files").json()["data"] == []


def test_only_the_beginning_of_a_file_is_looked_at(fresh: TestClient) -> None:
    assert send(fresh, "batch", b'{"a": 1}\nnot json\n').status_code == 200
    assert send(fresh, "fine-tune", b'\xef\xbb\xbf{"a": 1}', "no extension").status_code == 200
    name = send(fresh, "user_data", b"x", "\u4f60\u597d.txt").json()["filename"]
    assert name == "\u4f60\u597d.txt"


def test_missing_and_unknown_parts(fresh: TestClient) -> None:
    part = {"file": ("a.txt", b"x")}
    for answer, message in (
        (fresh.post("/v1/files", json={"purpose": "batch"}), "'file' is a required property"),
        (fresh.post("/v1/files", data={"purpose": "batch"}), "'file' is a required property"),
        (fresh.post("/v1/files", files=part), "'purpose' is a required property"),
        (
            fresh.post("/v1/files", files=part, data={"purpose": "vision", "filename": "x"}),
            "Additional properties are not allowed ('filename' was unexpected)",
        ),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == message


WHOLE = (
    b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{"custom_id": "1"}\r\n--b--\r\n'
)


def test_a_form_that_is_cut_off_is_told_so(fresh: TestClient) -> None:
    def post(content: bytes, kind: str = "multipart/form-data; boundary=b") -> Any:
        return fresh.post("/v1/files", content=content, headers={"content-type": kind})

    assert post(WHOLE).status_code == post(WHOLE[:-2]).status_code == 200
    for size in (2, 10, 80, 140, len(WHOLE) - 7, len(WHOLE) - 3):
        answer = post(WHOLE[:size])
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
        assert "It is incomplete" in answer.json()["error"]["message"]
    assert "Missing boundary" in post(WHOLE, "multipart/form-data").json()["error"]["message"]
    assert "Invalid multipart data" in post(b"no form").json()["error"]["message"]
    assert post(b"").json()["error"]["message"] == "'file' is a required property"
    assert fresh.get("/v1/files").json()["data"][0]["bytes"] == 18


def test_files_expire_on_the_clock(fresh: TestClient, clock: ManualClock, store: Store) -> None:
    expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    file = send(fresh, "vision", b"x" * 2_000_000, "a.png", **expiry).json()
    kept = send(fresh, "vision", b"y", "b.png").json()
    assert file["expires_at"] == file["created_at"] + 3600
    clock.advance(3599)
    assert len(fresh.get("/v1/files").json()["data"]) == 2
    clock.advance(1)
    assert [entry["id"] for entry in fresh.get("/v1/files").json()["data"]] == [kept["id"]]
    assert fresh.get(f"/v1/files/{file['id']}").status_code == 404
    assert list(store._folder.path.iterdir()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"expires_after": "x"}, "expires_after"),
        ({"expires_after[anchor]": "created_at"}, "expires_after.seconds"),
        ({"expires_after[anchor]": "now", "expires_after[seconds]": "3600"}, "expires_after.anchor"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "60"}, "expires_after.seconds"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "2592001"}, "expires_after.seconds"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "soon"}, "expires_after.seconds"),
    ],
)
def test_a_wrong_expiry_is_refused(fresh: TestClient, fields: dict[str, str], param: str) -> None:
    answer = send(fresh, "vision", b"x", **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_lists_filter_and_page(fresh: TestClient) -> None:
    made = [send(fresh, "vision" if at % 2 else "evals", JSONL, f"{at}.png").json()["id"] for at in range(5)]
    whole = fresh.get("/v1/files").json()
    assert list(whole) == ["object", "data", "has_more", "first_id", "last_id"]
    assert [file["id"] for file in whole["data"]] == made[::-1]
    assert [file["id"] for file in fresh.get("/v1/files?purpose=vision&order=asc").json()["data"]] == made[1::2]
    page = fresh.get(f"/v1/files?limit=2&after={made[3]}").json()
    assert ([file["id"] for file in page["data"]], page["has_more"]) == ([made[2], made[1]], True)
    assert fresh.get("/v1/files?after=nope").status_code == 404
    assert fresh.get("/v1/files?limit=10001").json()["error"]["code"] == "integer_above_max_value"
    assert fresh.get("/v1/files?limit=0").json()["data"] == []


def test_a_deleted_file_is_gone(fresh: TestClient) -> None:
    id = send(fresh, "vision", b"x").json()["id"]
    assert fresh.delete(f"/v1/files/{id}").json() == {"object": "file", "deleted": True, "id": id}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        answer = fresh.request(method, f"/v1/files/{id}{path}")
        assert answer.status_code == 404
        error = {
            "message": f"No such File object: {id}",
            "type": "invalid_request_error",
            "param": "id",
            "code": None,
        }
        assert answer.json() == {"error": error, "detail": {"message": error["message"], "code": None}}


def test_files_belong_to_a_project(fresh: TestClient) -> None:
    id = send(fresh, "vision", b"x").json()["id"]
    assert fresh.get(f"/v1/files/{id}", headers={"authorization": "Bearer sk-other"}).status_code == 404


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb", "a\n\nb\n", "\n", "one\ntwo\nthree"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_do_not_depend_on_the_chunks(text: str, size: int) -> None:
    raw = text.encode()
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert list(contents.lines(chunks)) == raw.splitlines(keepends=True)


# --- uploads -------------------------------------------------------------------------------------

UPLOAD = {"purpose": "fine-tune", "filename": "big.jsonl", "bytes": 6, "mime_type": "text/jsonl"}


def begin(client: TestClient, **changes: Any) -> Any:
    return client.post("/v1/uploads", json={**UPLOAD, **changes}).json()


def part(client: TestClient, upload: Any, data: bytes) -> Any:
    return client.post(f"/v1/uploads/{upload['id']}/parts", files={"data": data}).json()


def complete(client: TestClient, upload: Any, parts: list[Any], **more: Any) -> Any:
    ids = [entry["id"] for entry in parts]
    return client.post(f"/v1/uploads/{upload['id']}/complete", json={"part_ids": ids, **more})


def test_parts_join_in_the_order_of_their_ids(fresh: TestClient) -> None:
    upload = begin(fresh)
    second, first = part(fresh, upload, b"def"), part(fresh, upload, b"abc")
    done = complete(fresh, upload, [first, second], md5=hashlib.md5(b"abcdef").hexdigest())
    assert done.status_code == 200
    answer = done.json()
    for entry in exchanges("uploads-complete"):
        assert list(answer) == list(entry.answer)
        assert shape(answer) == shape(entry.answer)
        assert list(answer["file"]) == list(entry.answer["file"])
    for entry in exchanges("uploads-part"):
        assert list(first) == list(entry.answer)
    assert upload["expires_at"] == upload["created_at"] + 3600
    assert "file" not in upload
    assert answer["file"]["created_at"] == upload["created_at"]
    assert fresh.get(f"/v1/files/{answer['file']['id']}/content").content == b"abcdef"
    assert upload["id"].startswith(f"upload_{upload['created_at']:08x}")


def test_a_large_upload_is_byte_identical(fresh: TestClient, store: Store) -> None:
    pieces = [bytes([at]) * 1_500_000 for at in range(4)]
    upload = begin(fresh, bytes=6_000_000)
    parts: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda at=at: parts.update({at: part(fresh, upload, pieces[at])})) for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer = complete(fresh, upload, [parts[at] for at in range(4)]).json()
    assert fresh.get(f"/v1/files/{answer['file']['id']}/content").content == b"".join(pieces)
    assert len(list(store._folder.path.iterdir())) == 1  # type: ignore[attr-defined]


def test_what_does_not_fit_is_refused_and_can_be_mended(fresh: TestClient) -> None:
    upload, other = begin(fresh), begin(fresh)
    one, foreign = part(fresh, upload, b"abc"), part(fresh, other, b"def")
    for parts in ([one], [one, foreign], [one, one], [one, {"id": "part_x"}]):
        assert complete(fresh, upload, parts).status_code == 400
    two = part(fresh, upload, b"def")
    assert complete(fresh, upload, [one, two], md5="0" * 32).json()["error"]["param"] == "md5"
    assert complete(fresh, upload, [one, two]).json()["status"] == "completed"


@pytest.mark.parametrize("end", ["complete", "cancel", "expire"])
def test_what_has_ended_takes_nothing_more(fresh: TestClient, clock: ManualClock, end: str) -> None:
    upload = begin(fresh)
    one = part(fresh, upload, b"abcdef")
    if end == "complete":
        assert complete(fresh, upload, [one]).status_code == 200
    elif end == "cancel":
        answer = fresh.post(f"/v1/uploads/{upload['id']}/cancel").json()
        assert (answer["status"], "file" in answer) == ("cancelled", False)
    else:
        clock.advance(3600)
    assert complete(fresh, upload, [one]).status_code == 400
    assert fresh.post(f"/v1/uploads/{upload['id']}/cancel").status_code == 400
    assert fresh.post(f"/v1/uploads/{upload['id']}/parts", files={"data": b"x"}).status_code == 400


def test_the_parts_of_an_expired_upload_are_freed(fresh: TestClient, clock: ManualClock, store: Store) -> None:
    part(fresh, begin(fresh), b"x" * 2_000_000)
    clock.advance(3600)
    begin(fresh)
    assert list(store._folder.path.iterdir()) == []  # type: ignore[attr-defined]


def test_two_completions_make_one_file(fresh: TestClient) -> None:
    upload = begin(fresh, bytes=3_000_000)
    parts = [part(fresh, upload, b"x" * 3_000_000)]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(complete(fresh, upload, parts).status_code)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400]
    assert len(fresh.get("/v1/files").json()["data"]) == 1


def test_unknown_uploads_and_wrong_requests(fresh: TestClient) -> None:
    for path in ("complete", "cancel", "parts"):
        body: dict[str, Any] = {"files": {"data": b"x"}} if path == "parts" else {"json": {"part_ids": []}}
        answer = fresh.post(f"/v1/uploads/upload_x/{path}", **body)
        assert answer.status_code == 404
        assert list(answer.json()["error"]) == ["message", "type", "param", "code"]
    for name in UPLOAD:
        body = {key: value for key, value in UPLOAD.items() if key != name}
        assert fresh.post("/v1/uploads", json=body).json()["error"]["param"] == name
    assert begin(fresh, bytes=9 * 1024**3)["error"]["code"] == "integer_above_max_value"

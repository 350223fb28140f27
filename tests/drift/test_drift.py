"""Each kind of difference is found and weighed, and what is the model's mood is none."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockai.drift.differences import SEVERITY, compare
from mockai.recording import Chunk, Response
from mockai.recording.tape import read_folder
from tests.command import Done, mockai
from tests.inside import recording, serving

CHUNK: dict[str, Any] = {"id": "c", "choices": [{"delta": {"role": "assistant"}, "finish_reason": None}]}


def response(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {"content-type": "application/json", **headers}, (Chunk(0.0, raw),))


def stream(*events: str) -> bytes:
    return "".join(f"event: {name}\ndata: {{}}\n\n" for name in events).encode()


@pytest.mark.parametrize(
    ("recorded", "here", "kind", "where"),
    [
        (response({}), response({}, 404), "status", ""),
        (response({"a": {"b": 1}}), response({"a": {}}), "missing key", "a.b"),
        (response({"a": [{}]}), response({"a": [{"b": 1}]}), "extra key", "a[].b"),
        (response({"a": 1}), response({"a": "1"}), "type", "a"),
        (response({"a": 1}), response({"a": None}), "null", "a"),
        (response({"object": "list"}), response({"object": "page"}), "enum", "object"),
        (response({"data": [{"type": "a"}]}), response({"data": [{"type": "b"}]}), "enum", "data[].type"),
        (
            response({"error": {"message": "x"}}, 400),
            response({"error": {"message": "y"}}, 400),
            "error text",
            "error.message",
        ),
        (response({}, 200, **{"openai-version": "1"}), response({}), "header", "openai-version"),
        (
            response({"usage": {"prompt_tokens": 1}}),
            response({"usage": {"prompt_tokens": 2}}),
            "token count",
            "usage.prompt_tokens",
        ),
        (response({"b": 1, "a": 1}), response({"a": 1, "b": 1}), "key order", ""),
        (response(stream("a", "b")), response(stream("b", "a")), "event order", ""),
        (response(b"data: " + json.dumps(CHUNK).encode()), response(b'data: {"choices": []}'), "event order", ""),
    ],
)
def test_a_difference_has_its_kind(recorded: Response, here: Response, kind: str, where: str) -> None:
    assert (kind, where) in [(found.kind, found.where) for found in compare(recorded, here)]
    assert compare(recorded, recorded) == []
    assert kind in SEVERITY


@pytest.mark.parametrize(
    ("recorded", "here"),
    [
        ({"content": "a", "id": "x", "created": 1}, {"content": "b", "id": "y", "created": 2}),
        ({"data": [{"a": 1}]}, {"data": [{"a": 2}, {"a": 3}]}),
        ({"data": []}, {"data": [{"a": 2}]}),
        ({"metadata": {"a": "1"}}, {"metadata": {}}),
    ],
)
def test_mood_is_no_difference(recorded: Any, here: Any) -> None:
    assert compare(response(recorded), response(here)) == []


def test_repeated_events_count_once() -> None:
    assert compare(response(stream("a", "b", "b")), response(stream("a", "b", "b", "b"))) == []


# --- the command


def drift(*arguments: str | Path, cwd: Path) -> Done:
    return mockai("drift", *map(str, arguments), cwd=cwd)


def entry(answer: Any, path: str = "/v1/models/gpt-4o-mini", status: int = 200) -> dict[str, Any]:
    return {
        "request": {"method": "GET", "path": path, "headers": {}, "body": None},
        "response": {"status": status, "headers": {}, "body": answer},
    }


MODEL = {"id": "gpt-4o-mini", "object": "model", "created": 1721172741, "owned_by": "system"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [(MODEL, 0), ({**MODEL, "object": "x"}, 1), ({**MODEL, "more": 1}, 3)],
    ids=["none", "minor", "major"],
)
def test_the_exit_status_is_the_severity(tmp_path: Path, answer: Any, status: int) -> None:
    (tmp_path / "a.json").write_text(json.dumps(entry(answer)))
    done = drift(tmp_path, cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert "1 exchanges" in done.stdout
    printed = json.loads(drift(tmp_path, "--json", cwd=tmp_path).stdout)
    assert bool(printed["differences"]) is (status > 0)
    assert logging.getLogger("mockai").level == logging.NOTSET  # quiet only while it plays


def test_recordings_are_played_in_the_order_of_their_times(tmp_path: Path) -> None:
    """The file of a batch is made first, though `batches.yaml` comes before `files.yaml`."""
    line = '{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"a"}}'
    files: dict[str, Any] = {"files": {"file": ("a.jsonl", line)}, "data": {"purpose": "batch"}}
    key = {"authorization": "Bearer sk-test"}
    with (
        serving() as mock,
        recording(mock.url, tmp_path) as served,
        httpx2.Client(base_url=f"{served.url}/v1", headers=key) as client,
    ):
        file = client.post("/files", **files).json()["id"]
        body = {"input_file_id": file, "endpoint": "/v1/embeddings", "completion_window": "24h"}
        batch = client.post("/batches", json=body).json()["id"]
        assert client.get(f"/batches/{batch}").json()["input_file_id"] == file
    printed = json.loads(drift(tmp_path, "--json", cwd=tmp_path).stdout)
    assert (printed["exchanges"], printed["differences"]) == (3, [])
    times = [exchange.recorded for tape in read_folder(tmp_path) for exchange in tape.exchanges]
    assert len(set(times)) == len(times)


def test_a_known_gap_is_no_news_and_a_stale_one_is(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([entry({**MODEL, "more": 1}), entry({}, "/v1/nothing")]))
    known = tmp_path / "known.yaml"
    known.write_text(
        '- {exchange: "a[0]", kind: missing key, where: "mo*", reason: because}\n'
        '- {exchange: "a[1]", kind: not served, reason: never}\n'
        '- {exchange: "a[0]", kind: status, reason: was so}\n'
        '- {exchange: "b", reason: elsewhere}\n'
    )
    done = drift(tmp_path, "--known", known, cwd=tmp_path)
    assert done.returncode == 0
    assert "strike it from the list: a[0] · status" in done.stdout
    assert "b ·" not in done.stdout
    assert "because" in drift(tmp_path, "--known", known, "--all", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["holds no recorded exchanges"]),
        ({"a.json": "{"}, ["a.json", "is not JSON"]),
        ({"a.json": '[{"request":{"method":"GET"},"response":{"status":200}}]'}, ["a.json", "entry 0"]),
        ({"known.yaml": "- {reason: x}", "a.json": "[]"}, ["entry 1", "exchange"]),
        ({"known.yaml": "- {exchange: a, kind: bogus, reason: x}"}, ["bogus", "missing key"]),
    ],
)
def test_mistakes_are_one_line_and_status_2(tmp_path: Path, files: dict[str, str], words: list[str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    flags = ("--known", "known.yaml") if "known.yaml" in files else ()
    done = drift(tmp_path, *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_a_recording_of_the_mock_drifts_nowhere(tmp_path: Path) -> None:
    headers = {"authorization": "Bearer sk-one-two-three"}
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
    with (
        serving("--seed", "5") as mock,
        recording(mock.url, tmp_path) as served,
        httpx2.Client(base_url=f"{served.url}/v1", headers=headers) as http,
    ):
        kept = http.post("/chat/completions", json={**chat, "store": True, "metadata": {"a": "b"}}).json()
        http.get(f"/chat/completions/{kept['id']}")
        http.post("/chat/completions", json={**chat, "stream": True, "stream_options": {"include_usage": True}})
        http.post("/chat/completions", json={**chat, "temperature": 9})
        file = http.post("/files", data={"purpose": "vision"}, files={"file": ("a.png", b"\x89PNG")}).json()
        http.get(f"/files/{file['id']}")
        http.delete(f"/files/{file['id']}")
        http.get(f"/files/{file['id']}")
        http.get("/assistants/asst_none", headers={"openai-beta": "assistants=v2"})
    done = drift(tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "9 exchanges, 0 not compared: 0 unlisted" in done.stdout

"""Recorded exchanges with the real API give the same status, error, shape and token counts here."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.settings import KeyOwner, Settings
from tests.conftest import client_of
from tests.recorded import FOLDER, Exchange, chunks, exchanges, shape

PREFIXES = ("chat", "completions", "embeddings", "moderation", "models", "stored")
OTHER_ROUTES = ("/v1/responses", "/v1/images", "/v1/vector_stores")

# Exchanges whose answer depends on what is not in the request, or that the mock answers otherwise on purpose.
EXCEPTIONS = {
    "chat_errors[6]": "the request body was left out of the recording",
    "chat_errors[16]": "the request body was left out of the recording",
    "chat_errors[12]": "nothing is downloaded here: an image behind a URL counts as a good one",
    "chat_refusal": "the model chose to refuse; the mock refuses when it is asked to (X-Mockai-Finish-Reason)",
    "chat_refusal_stream": "the model chose to refuse; the mock refuses when it is asked to (X-Mockai-Finish-Reason)",
    "stored_chat_get": "needs the stored completion of the recording (tests/api/test_stored.py has the shape)",
    "stored_chat_messages_page": "needs the stored completion of the recording (tests/api/test_stored.py)",
    "models_list": "the list of another day (tests/engine/test_catalogue.py compares the entries)",
}
# Token counts that the rules of chat.md §9 give within their stated error, not exactly.
INEXACT = {"chat_json_schema": "the ledger counts a schema as its tokens + 4, within -14..+20"}

FOUND = [entry for entry in exchanges(*PREFIXES) if not entry.path.startswith(OTHER_ROUTES)]
REPLAYED = [entry for entry in FOUND if entry.name not in EXCEPTIONS]


@pytest.fixture(scope="module")
def closed() -> Any:
    owner = KeyOwner("example-org", "proj_example")
    with client_of(Application(Settings(clock="manual", keys={"sk-known": owner}))) as client:
        yield client


def test_recordings_are_there_or_their_absence_is_told() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no folder of recorded exchanges at {FOLDER.name}: nothing to replay")
    assert len(REPLAYED) >= 25
    assert set(EXCEPTIONS) <= {entry.name for entry in FOUND}


def send(client: TestClient, entry: Exchange) -> tuple[int, Any]:
    response = client.request(entry.method, entry.path, json=entry.body)
    return response.status_code, chunks(response.text) if entry.streamed else response.json()


@pytest.mark.parametrize("entry", REPLAYED, ids=lambda entry: entry.name)
def test_answers_as_recorded(entry: Exchange, client: TestClient, closed: TestClient) -> None:
    if entry.status == 401:
        key = entry.answer["error"]["message"].split(": ")[1].split(". You")[0]
        status, answer = send_with_key(closed, entry, key)
        assert answer["error"]["message"].split("*")[0] == entry.answer["error"]["message"].split("*")[0]
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
        return
    status, answer = send(client, entry)
    assert status == entry.status
    if status >= 400:
        assert answer["error"] == entry.answer["error"]
        return
    for mine, recorded in pairs(answer, entry):
        assert shape(mine) == shape(recorded)
    if entry.name not in INEXACT:
        assert prompt_tokens(answer) == prompt_tokens(entry.answer)


def send_with_key(client: TestClient, entry: Exchange, key: str) -> tuple[int, Any]:
    key = key.replace("*", "x")
    response = client.request(entry.method, entry.path, json=entry.body, headers={"authorization": f"Bearer {key}"})
    return response.status_code, response.json()


def pairs(answer: Any, entry: Exchange) -> list[tuple[Any, Any]]:
    if not entry.streamed:
        return [(answer, entry.answer)]
    opening, closing = (0, 1), (-1,)  # what lies between depends on the length of the text
    return [(answer[at], entry.answer[at]) for at in (*opening, *closing)]


def prompt_tokens(answer: Any) -> Any:
    last = answer[-1] if isinstance(answer, list) else answer
    return (last.get("usage") or {}).get("prompt_tokens") if isinstance(last, dict) else None


@pytest.mark.parametrize(
    "entry", [entry for entry in REPLAYED if entry.streamed and "logprobs" not in entry.name], ids=lambda e: e.name
)
def test_chunks_have_their_keys_in_the_recorded_order(entry: Exchange, client: TestClient) -> None:
    _, answer = send(client, entry)
    assert list(answer[0]) == list(entry.answer[0])
    assert list(answer[0]["choices"][0]) == list(entry.answer[0]["choices"][0])


@pytest.mark.parametrize(
    "entry", [entry for entry in REPLAYED if not entry.streamed and entry.status == 200], ids=lambda e: e.name
)
def test_bodies_have_their_keys_in_the_recorded_order(entry: Exchange, client: TestClient) -> None:
    _, answer = send(client, entry)
    known = [key for key in entry.answer if key in answer]
    if sorted(entry.answer) != list(entry.answer):  # some recorders sort the keys
        assert list(answer) == known

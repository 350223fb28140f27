"""Recordings are replayed by `mockai serve -f`: the same answers, ids included, in the recorded order."""

import time
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.inside import Inside, recording, serving
from tests.roundtrip import there_and_back
from tests.server import serving as serving_in_a_process
from tests.upstream import upstream, whole

KEY = "sk-replay-0123456789"
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
LINE = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'


def sdk(served: Inside, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0, _strict_response_validation=True)


def session(client: openai.OpenAI) -> list[Any]:
    """Do what depends on ids that come back, and return what was seen."""
    kept = client.chat.completions.create(**CHAT, store=True, seed=8)
    file = client.files.create(file=("a.jsonl", LINE), purpose="fine-tune")
    stored = client.chat.completions.retrieve(kept.id).model_dump(exclude={"request_id"})
    seen = [kept, stored, file, client.files.content(file.id).read()]
    seen += [list(client.chat.completions.create(**CHAT, stream=True)), client.files.delete(file.id)]
    with pytest.raises(openai.NotFoundError) as gone:
        client.files.retrieve(file.id)
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(**CHAT, temperature=7)
    return [*seen, gone.value.body, wrong.value.body]


def test_a_session_is_replayed_ids_and_faults_included(tmp_path: Path) -> None:
    with serving("--seed", "4") as mock, recording(mock.url, tmp_path) as served, sdk(served) as client:
        recorded = session(client)
    with serving("-f", str(tmp_path), "--strict", "--seed", "9") as replay:
        for key in (KEY, "sk-another-key-01"):
            with sdk(replay, key) as client:
                assert session(client) == recorded


def test_without_strict_the_engine_answers_what_was_not_recorded(tmp_path: Path) -> None:
    with serving() as mock, recording(mock.url, tmp_path) as served, sdk(served) as client:
        client.chat.completions.create(**CHAT)
    with serving("-f", str(tmp_path)) as replay, sdk(replay) as client:
        assert client.chat.completions.create(**CHAT, seed=3).choices
        assert client.files.create(file=("a.jsonl", LINE), purpose="fine-tune").bytes == len(LINE)


def test_strict_explains_a_miss(tmp_path: Path) -> None:
    with serving() as mock, recording(mock.url, tmp_path) as served, sdk(served) as client:
        client.chat.completions.create(**CHAT)
    with serving("-f", str(tmp_path), "--strict") as replay, sdk(replay) as client:
        with pytest.raises(openai.InternalServerError) as miss:
            client.chat.completions.create(**{**CHAT, "max_tokens": 21})
        assert miss.value.status_code == 503
        assert miss.value.code == "no_fixture_match"
        assert "body.max_tokens was 20, now 21" in str(miss.value)
        with pytest.raises(openai.InternalServerError, match="no recorded exchange has this method and path"):
            client.models.list()


def test_answers_come_in_turn_and_their_secrets_are_the_caller_s(tmp_path: Path) -> None:
    answer = b'{"organization_id":"acme-inc","project_id":"proj_AbCdEf123456","n":%d}'
    for number in (1, 2):
        script = whole(answer % number, "content-type: application/json", "openai-version: 2020-10-01")
        mode = "all" if number == 1 else "new_episodes"
        with upstream(script) as up, recording(up.url, tmp_path, "--mode", mode) as served:
            httpx2.get(f"{served.url}/v1/jobs?page={number}", headers={"api-key": KEY})
    with serving("-f", str(tmp_path), "--strict") as replay:
        first = httpx2.get(f"{replay.url}/v1/jobs?page=1", headers={"api-key": KEY})
        second = httpx2.get(f"{replay.url}/v1/jobs?page=2", headers={"api-key": KEY})
    assert (first.json()["n"], second.json()["n"]) == (1, 2)
    assert first.json()["organization_id"] == first.headers["openai-organization"] == "mockai"
    assert first.json()["project_id"] == first.headers["openai-project"]


def test_the_recorded_times_are_kept_on_demand(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "mockai: recording\nformat: 1\n...\n---\nrequest: {method: GET, path: /v1/x}\n"
        "response: {status: 200, headers: {content-type: text/event-stream}, "
        "chunks: [{at: 0.1, text: a}, {at: 0.4, text: b}]}\n...\n"
    )
    took = []
    for speed in ("0", "2"):
        with serving("-f", str(tmp_path), "--replay-speed", speed) as replay:
            begun = time.perf_counter()
            assert httpx2.get(f"{replay.url}/v1/x").text == "ab"
            took.append(time.perf_counter() - begun)
    assert took[1] >= 0.2


def test_the_first_that_matches_wins_in_the_order_of_the_flags(tmp_path: Path) -> None:
    recordings, rules = tmp_path / "recordings", tmp_path / "rules.yaml"
    with serving() as mock, recording(mock.url, recordings) as served, sdk(served) as client:
        said = client.chat.completions.create(**CHAT).choices[0].message.content
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**CHAT, temperature=7)
    rules.write_text(
        "rules: [{match: {userMessage: Hello, model: gpt-4o-mini}, times: 1, response: {content: Told.}}]"
    )

    def answers(*paths: Path) -> list[str | None]:
        flags = [flag for path in paths for flag in ("-f", str(path))]
        with serving(*flags, "--strict") as replay, sdk(replay) as client:
            found = [client.chat.completions.create(**CHAT).choices[0].message.content for _ in range(2)]
            with pytest.raises(openai.BadRequestError, match="temperature"):  # recorded, and no rule is used up by it
                client.chat.completions.create(**CHAT, temperature=7)
            with pytest.raises(openai.APIStatusError) as miss:
                client.chat.completions.create(**{**CHAT, "max_tokens": 21, "model": "gpt-4o"})
            assert miss.value.code == "no_fixture_match"
            assert 'model: wanted gpt-4o-mini, got "gpt-4o"' in str(miss.value)
            assert "Of the recordings, the nearest is POST" in str(miss.value)
            assert "body.max_tokens was 20, now 21" in str(miss.value)
        return found

    assert answers(rules, recordings) == ["Told.", said]
    assert answers(recordings, rules) == [said, said]


def test_a_replay_that_waits_ends_with_the_server(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "mockai: recording\nformat: 1\n...\n---\nrequest: {method: GET, path: /v1/x}\n"
        "response: {status: 200, headers: {content-type: text/event-stream}, "
        "chunks: [{at: 0, text: a}, {at: 600, text: b}]}\n...\n"
    )
    with serving_in_a_process("-f", str(tmp_path), "--replay-speed", "1") as replay:
        with httpx2.stream("GET", f"{replay.url}/v1/x") as answer:
            pieces = answer.iter_text()
            assert next(pieces) == "a"
            replay.process.terminate()
            assert "".join(pieces) == "b"  # not cut off, nor ten minutes later
        assert replay.stop()[0] == 0


def test_contracts_pass_against_their_own_recording(tmp_path: Path) -> None:
    """Of some areas here; `make roundtrip` takes all."""
    assert [" passed" in line for line in there_and_back(tmp_path, "uploads,embeddings")] == [True] * 2

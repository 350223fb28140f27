"""The targets of the contract suite; a mock on the loopback stands in for the live API."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contracts.results import Result, Results
from contracts.target import Target, TargetError, choose
from contracts.wire import Wire
from tests.command import Done, contracts
from tests.inside import Inside, serving

KEY = "sk-live-0123456789abcdefghij"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}


@pytest.fixture(scope="module")
def served() -> Iterator[Inside]:
    with serving() as server:
        yield server


def live(served: Inside, *flags: str, key: str = KEY) -> Done:
    return contracts(
        "--target", "live", *flags, OPENAI_BASE_URL=f"{served.url}/v1", OPENAI_API_KEY=key, OPENAI_ORG_ID="org-secret"
    )


def test_live_without_a_key_is_refused() -> None:
    done = contracts("--target", "live", "--only", "files")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr == "ERROR: --target live needs a key; set OPENAI_API_KEY\n\n"


def test_live_tells_the_cost_first_and_tidies_up(served: Inside) -> None:
    done = live(served, "--only", "files,chat")
    assert done.returncode == 0, done.stdout
    assert done.stdout.index("expected cost $0.0") < done.stdout.index("verified")
    assert re.search(r"spent: \$0\.00\d+ of \$0\.25", done.stdout)
    headers = {"authorization": f"Bearer {KEY}"}
    assert httpx2.get(f"{served.url}/v1/files", headers=headers).json()["data"] == []
    assert httpx2.get(f"{served.url}/v1/chat/completions", headers=headers).json()["data"] == []


def test_live_stops_at_the_budget(served: Inside) -> None:
    done = live(served, "--only", "chat", "--budget", "0.0005")
    assert done.returncode == 5, done.stdout
    assert "stopped: the budget of $0.00 is used up" in done.stdout
    assert re.search(r"contracts: \d+ verified, 0 failed, 0 unsupported, 0 skipped, [1-9]\d* unverified", done.stdout)


def test_no_secret_is_told_even_when_everything_fails(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("keys: {sk-other: {project: proj_a}}\n")
    with serving("--keys", str(keys)) as closed:
        done = live(closed, "--only", "moderations,models", "--tb", "long", "--showlocals")
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "0 verified" in text
    assert KEY not in text
    assert "org-secret" not in text


def test_a_dead_port_is_one_clear_line() -> None:
    done = contracts("--target", "http://127.0.0.1:1/v1", "--only", "files")
    assert done.returncode == 2
    assert "cannot reach http://127.0.0.1:1/v1" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("localhost:8000", "neither"), ("ftp://x/v1", "neither"), ("https://api.openai.com/v1", "--target live")],
)
def test_a_target_that_cannot_be_used_says_why(name: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        choose(name, None, environment={})


def test_the_live_target_comes_from_the_environment() -> None:
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_ORG_ID": "org-a", "OPENAI_PROJECT_ID": "proj_b"}
    target = choose("live", None, environment=environment)
    assert target.url == "https://api.openai.com/v1"
    assert target.headers["openai-organization"] == "org-a"
    assert target.headers["openai-project"] == "proj_b"
    assert target.hidden(f"{KEY} of org-a in proj_b") == "[hidden] of [hidden] in [hidden]"


# --- the wire, without a network


def client(wire: Wire) -> httpx2.Client:
    wire.base = "http://target/v1"
    return httpx2.Client(base_url=wire.base, transport=wire)


def wire_to(kind: Any, answers: Any) -> Wire:
    target = Target(kind, "http://target/v1", KEY)
    return Wire(target, httpx2.MockTransport(answers))


def test_a_rate_limit_is_waited_for_on_the_live_api_only(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("contracts.wire.time.sleep", waits.append)
    left = [httpx2.Response(429, headers={"retry-after": "3"}), httpx2.Response(429), httpx2.Response(200, json={})]
    wire = wire_to("live", lambda request: left.pop(0))
    assert client(wire).post("/moderations", json={}).status_code == 200
    assert waits == [3.0, 2.0]
    other = wire_to("url", lambda request: httpx2.Response(429))
    assert client(other).post("/moderations", json={}).status_code == 429


def test_an_account_without_credit_stops_the_run() -> None:
    wire = wire_to("live", lambda request: httpx2.Response(429, json={"error": {"code": "insufficient_quota"}}))
    with pytest.raises(pytest.skip.Exception, match="no credit"):
        client(wire).post("/moderations", json={})
    assert "insufficient_quota" in wire.stopped


def test_a_contract_that_waits_for_ever_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = wire_to("mock", lambda request: httpx2.Response(200, json={}))
    monkeypatch.setattr("contracts.wire.LONGEST", -1.0)
    with pytest.raises(pytest.fail.Exception, match="took longer"):
        client(wire).get("/batches/batch_a")


def test_what_a_batch_wrote_is_deleted_too() -> None:
    gone = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":
            gone.append(request.url.path)
        batch = {"id": "batch_1", "object": "batch", "output_file_id": None, "error_file_id": "file-e"}
        return httpx2.Response(200, json=batch if request.method == "GET" else {**batch, "error_file_id": None})

    wire = wire_to("live", answer)
    with client(wire) as http:
        http.post("/batches", json={})
        assert wire.tidy(http) == []
    assert gone == ["/v1/files/file-e"]


def test_what_was_made_is_deleted_the_newest_first() -> None:
    gone = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE" or request.url.path.endswith("/cancel"):
            gone.append(request.url.path)
            return httpx2.Response(200, json={})
        return httpx2.Response(200, json={"id": request.url.path[-5:] + "-1"})

    wire = wire_to("live", answer)
    with client(wire) as http:
        http.post("/files", json={})
        http.post("/batches", json={})
        http.post("/chat/completions", json={**CHAT, "store": False})
        http.post("/chat/completions", json={**CHAT, "store": True})
        assert wire.tidy(http) == []
    assert gone == ["/v1/chat/completions/tions-1", "/v1/batches/tches-1/cancel", "/v1/files/files-1"]


def test_what_a_contract_deletes_itself_is_not_deleted_again() -> None:
    wire = wire_to("live", lambda request: httpx2.Response(200, json={"id": "file-a"}))
    with client(wire) as http:
        http.post("/files", json={})
        http.delete("/files/file-a")
        assert wire.made == {}


def test_money_is_counted_by_usage() -> None:
    body = {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}}
    wire = wire_to("live", lambda request: httpx2.Response(200, json=body))
    client(wire).post("/chat/completions", json=CHAT)
    assert wire.spent == pytest.approx(0.75)


def test_an_endpoint_that_is_not_there_is_told_from_one_that_fails() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/files/file-a":
            return httpx2.Response(404, json={"error": {"message": "No such File object: file-a"}})
        if request.url.path == "/v1/embeddings":
            return httpx2.Response(404, json={"error": {"message": "No fixture matched", "code": "no_fixture_match"}})
        return httpx2.Response(404, json={"error": f"cannot {request.method} {request.url.path}"})

    wire = wire_to("url", answer)
    with client(wire) as http:
        wire.learn(http)
        wire.begin()
        http.get("/files/file-a")
        http.post("/batches", json={})
        http.post("/embeddings", json={})
    assert [exchange.absent for exchange in wire.exchanges] == [False, True, True]


def test_an_operation_is_verified_only_when_nothing_failed() -> None:
    results = Results()
    for number, outcome in enumerate(("verified", "failed", "skipped", "unsupported")):
        for name in ("files.create", "files.list")[: 1 + (outcome != "failed")]:
            results.add(Result(f"{name}{number}", "", [name], "law", outcome))  # type: ignore[arg-type]
    found = {name: outcome for name, (outcome, _) in results.operations().items()}
    assert found == {"files.create": "failed", "files.list": "verified"}
    assert results.summary()[0] == "operations: 1 verified, 1 failed, 0 unsupported, 0 skipped, 0 unverified"

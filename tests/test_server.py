"""The edge: every wrong request gets the API's own error body."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api import OPERATIONS
from mockai.app import Application
from mockai.settings import KeyOwner, Settings
from mockai.wire import errors
from tests.conftest import client_of

JSON = {"content-type": "application/json"}
CHAT = "/v1/chat/completions"
GOOD = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def is_error(response: Any, status: int, message: str | None = None, code: str | None = None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"]["code"] == code
    if message is not None:
        assert body["error"]["message"] == message


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"not json",
        b'{"model": "gpt-4o-mini", "messages": [',
        b'\xff\xfe{"model":"x"}',
        b'{"model":"gpt-4o-mini","temperature":NaN}',
        b'{"model":"gpt-4o-mini","model":"gpt-4o","messages":[]}',
        b"{" + b",".join(b'"k%d":1' % at for at in range(100)) + b',"k7":2}',
        b'{"model":"gpt-4o-mini","temperature":Infinity}',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[]",
        b'"text"',
        b"7",
        b"null",
        b'{"model":"\\ud800"}',
        b'{"model": 7}',
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_is_no_json_object_is_not_parsed(client: TestClient, raw: bytes) -> None:
    response = client.post(CHAT, content=raw, headers=JSON)
    is_error(response, 400, errors.NOT_JSON)


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"", JSON),
        (b"{}", JSON),
        (b'{"model": null}', JSON),
        (b'{"model": ""}', JSON),
        (b"model=gpt-4o-mini", {"content-type": "application/x-www-form-urlencoded"}),
        (b'{"model":"gpt-4o-mini"}', {"content-type": "text/plain"}),
    ],
)
def test_without_a_readable_model_the_model_is_asked_for(client: TestClient, raw: bytes, headers: Any) -> None:
    is_error(client.post(CHAT, content=raw, headers=headers), 400, "you must provide a model parameter")


def test_of_equal_keys_within_the_body_the_last_wins(client: TestClient) -> None:
    raw = b'{"model":"gpt-4o-mini","messages":[{"role":"model","role":"user","content":"model"}],"user":"messages"}'
    assert client.post(CHAT, content=raw, headers=JSON).status_code == 200


def test_a_body_above_the_limit_is_refused() -> None:
    with client_of(Application(Settings(max_body=1000))) as client:
        is_error(client.post(CHAT, content=b" " * 1001, headers=JSON), 413, code="request_too_large")
        assert client.post(CHAT, json=GOOD).status_code == 200


def test_a_fault_of_our_own_is_the_api_s_500_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    application = Application(Settings())
    monkeypatch.setattr("mockai.engine.accounting.prompt_of", lambda *_: 1 / 0)
    with client_of(application) as client:
        response = client.post(CHAT, json=GOOD)
    is_error(response, 500)
    assert response.json()["error"]["type"] == "server_error"
    assert response.headers["x-request-id"] in response.json()["error"]["message"]
    assert "Traceback" not in response.text


# --- routes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/nope", "/nope", "/", "/v1", "/v1/", "/v1/chat/completions/", "/v1/models/a/b"])
def test_an_unknown_path_names_method_and_path(client: TestClient, path: str) -> None:
    is_error(client.get(path), 404, f"Invalid URL (GET {path})")
    is_error(client.post(path, content=b"x"), 404, f"Invalid URL (POST {path})")


@pytest.mark.parametrize("path", ["//v1/models", "/v1//models", "/openai//v1/models", "/v1/models//gpt-4o"])
def test_repeated_slashes_are_one(client: TestClient, path: str) -> None:
    assert client.get(f"http://mock{path}").status_code == 200


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/fine_tuning/jobs/", "/v1/fine_tuning/jobs"),
        ("/v1/fine_tuning/jobs/a%2Fb/events//?limit=1&after=c", "/v1/fine_tuning/jobs/a%2Fb/events?limit=1&after=c"),
        ("/fine_tuning/jobs/", "/fine_tuning/jobs"),
        ("/v1/fine_tuning/nothing/", None),
        ("/v1/models/", None),
    ],
)
def test_only_fine_tuning_redirects_from_a_slash_at_the_end(
    client: TestClient, path: str, location: str | None
) -> None:
    answer = client.get(path, follow_redirects=False)
    if location is None:
        is_error(answer, 404, f"Invalid URL (GET {path})")
    else:
        assert (answer.status_code, answer.headers["location"]) == (307, f"http://mock{location}")
        assert answer.content == b""


def test_an_unknown_path_needs_no_key() -> None:
    with TestClient(Application(Settings()), base_url="http://mock") as client:
        is_error(client.get("/v1/nope"), 404, "Invalid URL (GET /v1/nope)")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/models"), ("PUT", CHAT), ("PATCH", "/v1/embeddings")])
def test_a_wrong_method_is_told(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path, content=b"{}")
    text = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
    is_error(response, 405, text)
    assert "GET" in response.headers["allow"] or "POST" in response.headers["allow"]


@pytest.mark.parametrize("path", ["/models", "/v1/models", "/openai/v1/models"])
def test_paths_answer_with_and_without_their_prefix(client: TestClient, path: str) -> None:
    assert client.get(path).json()["object"] == "list"


def test_azure_deployments_name_the_model_in_the_path() -> None:
    with TestClient(Application(Settings()), base_url="http://mock") as client:
        path = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"
        response = client.post(path, json={"messages": GOOD["messages"]}, headers={"api-key": "k"})
        assert response.json()["model"] == "gpt-4o-mini-2024-07-18"


def test_head_is_get_without_a_body(client: TestClient) -> None:
    head, get = client.head("/v1/models/gpt-4o"), client.get("/v1/models/gpt-4o")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_cors_preflight_as_recorded() -> None:
    with TestClient(Application(Settings()), base_url="http://mock") as client:
        response = client.options(CHAT, headers={"origin": "http://x", "access-control-request-method": "POST"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-methods"] == "GET, OPTIONS, POST"
    assert response.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_health_needs_no_key(path: str) -> None:
    with TestClient(Application(Settings()), base_url="http://mock") as client:
        assert client.get(path).json() == {"status": "ok"}


def test_operations_have_distinct_routes_and_names() -> None:
    routes = [(operation.method, operation.path) for operation in OPERATIONS]
    assert len(set(routes)) == len(routes)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


# --- headers -------------------------------------------------------------------------------------


def test_response_headers_as_recorded(client: TestClient) -> None:
    headers = client.post(CHAT, json=GOOD).headers
    assert headers["openai-version"] == "2020-10-01"
    assert headers["x-request-id"].startswith("req_")
    assert len(headers["x-request-id"]) == 36
    assert headers["openai-project"].startswith("proj_")
    assert int(headers["openai-processing-ms"]) >= 1
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-ratelimit-limit-requests"] == "30000"
    assert headers["x-ratelimit-reset-requests"] == "2ms"
    assert "openai-model" not in headers


def test_request_ids_differ(client: TestClient) -> None:
    assert len({client.get("/v1/models/gpt-4o").headers["x-request-id"] for _ in range(20)}) == 20


# --- who is calling ------------------------------------------------------------------------------


@pytest.fixture
def anonymous() -> Iterator[TestClient]:
    keys = {
        "sk-a": KeyOwner("acme", "proj_a"),
        "sk-b": KeyOwner("acme", "proj_b"),
        "sk-a2": KeyOwner("acme", "proj_a"),
    }
    with TestClient(Application(Settings(keys=keys)), base_url="http://mock") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "text", "challenge"),
    [
        ("POST", CHAT, errors.NO_KEY_CHAT, False),
        ("POST", "/v1/embeddings", errors.NO_KEY_CHAT, False),
        ("GET", "/v1/models", "Missing bearer authentication in header", True),
        ("GET", CHAT, "Missing bearer or basic authentication in header", True),
    ],
)
def test_a_missing_key(anonymous: TestClient, method: str, path: str, text: str, challenge: bool) -> None:
    for headers in ({}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "Token x"}):
        response = anonymous.request(method, path, headers=headers)
        is_error(response, 401, text)
        assert ("www-authenticate" in response.headers) is challenge
        assert "openai-version" not in response.headers


def test_a_wrong_key_is_masked(anonymous: TestClient) -> None:
    response = anonymous.post(CHAT, json=GOOD, headers={"authorization": "Bearer sk-wrong-api-key"})
    text = "Incorrect API key provided: sk-wrong****-key. You can find your API key at https://platform.openai.com/account/api-keys."
    is_error(response, 401, text, "invalid_api_key")


@pytest.mark.parametrize("value", ["Bearer sk-a", "bearer sk-a", "Basic OnNrLWE="])
def test_a_known_key_is_welcome(anonymous: TestClient, value: str) -> None:
    response = anonymous.post(CHAT, json=GOOD, headers={"authorization": value})
    assert response.status_code == 200
    assert response.headers["openai-organization"] == "acme"
    assert response.headers["openai-project"] == "proj_a"


@pytest.mark.parametrize("value", ["Basic !", "Basic \u00e9\u00e9", "Basic YWJj", "Digest x", "\u00e9"])
def test_credentials_that_hold_no_key_are_a_missing_key(anonymous: TestClient, value: str) -> None:
    response = anonymous.get("/v1/models", headers={b"authorization": value.encode("latin-1")})
    is_error(response, 401, errors.NO_BEARER)


@pytest.mark.parametrize(
    ("header", "code", "text"),
    [
        (
            "openai-organization",
            "mismatched_organization",
            "OpenAI-Organization header should match organization for API key",
        ),
        ("openai-project", "mismatched_project", "OpenAI-Project header should match project for API key"),
    ],
)
def test_another_organization_or_project_is_refused(anonymous: TestClient, header: str, code: str, text: str) -> None:
    is_error(anonymous.get("/v1/models", headers={"authorization": "Bearer sk-a", header: "other"}), 401, text, code)
    own = {"openai-organization": "acme", "openai-project": "proj_a"}
    assert anonymous.get("/v1/models", headers={"authorization": "Bearer sk-a", **own}).status_code == 200


def test_what_is_not_emulated_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with client_of(Application(Settings(clock="manual"))) as client:
        for _ in range(2):
            client.post("/v1/responses", json={})
        client.get("/v1/a%0Ab" + "c" * 300)
        client.get("/v1/models/nope")
        client.get("/v1/fine_tuning/jobs/")
        assert [message.partition(" is not")[0] for message in caplog.messages] == [
            "POST /v1/responses",
            "GET /v1/a%0Ab" + "c" * 191,
        ]
        for number in range(200):
            client.get(f"/v1/nothing{number}")
        assert len(caplog.messages) == 100


def test_projects_do_not_see_each_other(anonymous: TestClient) -> None:
    def headers(key: str, test: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} | ({"x-test-id": test} if test else {})

    stored = anonymous.post(CHAT, json={**GOOD, "store": True}, headers=headers("sk-a")).json()["id"]
    path = f"{CHAT}/{stored}"
    assert anonymous.get(path, headers=headers("sk-a")).status_code == 200
    assert anonymous.get(path, headers=headers("sk-a2")).status_code == 200
    is_error(anonymous.get(path, headers=headers("sk-b")), 404, f"Completion {stored} not found", "not_found")
    is_error(anonymous.get(path, headers=headers("sk-a", "t1")), 404, code="not_found")


def test_two_servers_of_one_seed_repeat_each_other() -> None:
    def session() -> list[bytes]:
        with client_of(Application(Settings(seed=7, clock="manual"))) as client:
            return [client.post(CHAT, json={**GOOD, "n": number}).content for number in range(1, 5)]

    assert session() == session()


def test_a_key_may_be_a_value_too_and_stand_in_several_objects(client: TestClient) -> None:
    messages = [{"role": "user", "content": 'my "model" of messages'}, {"role": "user", "content": "user"}]
    body = {
        "model": "gpt-4o-mini",
        "messages": messages,
        "user": "model",
        "metadata": {"model": "user"},
        "store": True,
    }
    assert client.post("/v1/chat/completions", json=body).status_code == 200
    deep = b'{"model":"gpt-4o-mini","model2":' + b"[" * 900 + b'"model"' + b"]" * 900 + b"}"
    assert (
        client.post("/v1/chat/completions", content=deep, headers={"content-type": "application/json"}).status_code
        == 400
    )


def test_a_half_sent_request_is_answered_when_the_server_ends() -> None:
    sent: list[Any] = []

    async def ending() -> None:
        application = Application(Settings(clock="manual"))
        waiting, asked = asyncio.Event(), asyncio.Event()

        async def receive() -> Any:
            asked.set()
            await waiting.wait()

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"authorization", b"Bearer k"), (b"content-type", b"application/json"), (b"content-length", b"9")]
        scope = {"type": "http", "method": "POST", "path": CHAT, "raw_path": CHAT.encode(), "query_string": b""}
        task = asyncio.create_task(application({**scope, "headers": headers, "http_version": "1.1"}, receive, send))
        await asked.wait()
        task.cancel()
        await task

    asyncio.run(ending())
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["error"]["message"] == errors.stopping().body["error"]["message"]

"""What a rule says comes out of the operation as if the engine had said it."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.testclient import TestClient

from mockai.app import Application
from mockai.engine import tokens
from mockai.settings import Settings
from tests.rules.serve import SCENARIOS, WEATHER, chat, ruled, said

SAY = """
rules:
  - match: {userMessage: counting}
    response: {content: "one two three four five six"}
"""
TEXT = "one two three four five six"


def post(client: TestClient, path: str = "/v1/chat/completions", **body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(client: TestClient, **body: Any) -> list[Any]:
    text = client.post("/v1/chat/completions", json={**body, "stream": True}).text
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_content_is_counted_and_streamed_token_by_token(tmp_path: Path) -> None:
    with ruled(SAY, folder=tmp_path) as client:
        whole = post(client, **chat("Do some counting, please."))
        chunks = events(client, **chat("Do some counting, please.", stream_options={"include_usage": True}))
    size = tokens.count("o200k_base", TEXT)
    assert whole["choices"][0]["message"]["content"] == TEXT
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"]["completion_tokens"] == size
    pieces = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]]
    assert "".join(pieces) == TEXT
    assert sum(map(bool, pieces)) == size
    assert chunks[-1]["usage"] == whole["usage"]


def test_limits_stops_counts_and_log_probabilities_act_on_a_told_text(tmp_path: Path) -> None:
    with ruled(SAY, folder=tmp_path) as client:
        cut = post(client, **chat("counting", max_tokens=2))["choices"][0]
        stopped = post(client, **chat("counting", stop=[" four"]))["choices"][0]
        several = post(client, **chat("counting", n=3))["choices"]
        scored = post(client, **chat("counting", logprobs=True, top_logprobs=2))["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == ("one two", "length")
    assert (stopped["message"]["content"], stopped["finish_reason"]) == ("one two three", "stop")
    assert [choice["message"]["content"] for choice in several] == [TEXT] * 3
    assert "".join(entry["token"] for entry in scored["logprobs"]["content"]) == TEXT


def test_a_text_in_front_of_tool_calls(tmp_path: Path) -> None:
    with ruled(SCENARIOS / "weather.yaml") as client:
        body = chat("What is the weather in Oslo?", tools=[WEATHER])
        message = post(client, **body)["choices"][0]
        chunks = events(client, **body)
        after: dict[str, Any] = chat("", tools=[WEATHER])
        result = {"role": "tool", "tool_call_id": "call_oslo", "content": "4"}
        after["messages"] = [*body["messages"], message["message"], result]
        final = post(client, **after)["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    assert message["message"]["content"] == "Let me look that up."
    (call,) = message["message"]["tool_calls"]
    assert (call["id"], call["function"]) == ("call_oslo", {"name": "get_weather", "arguments": '{"city":"Oslo"}'})
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Let me look that up."
    called = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert called[0]["id"] == "call_oslo"
    assert "".join(entry["function"]["arguments"] for entry in called) == '{"city":"Oslo"}'
    assert sum("role" in delta for delta in deltas) == 1
    assert final["message"]["content"] == "It is 4 degrees and raining in Oslo."


def test_the_official_sdk_reads_every_shape(tmp_path: Path) -> None:
    rules = """
    - {match: {userMessage: refuse}, response: {refusal: I will not.}}
    - {match: {userMessage: two}, response: {toolCalls: [{name: a}, {name: b, arguments: '{"x": 1}'}]}}
    - {match: {userMessage: both}, response: {content: First., toolCalls: [{name: a}]}}
    """
    with ruled(rules, folder=tmp_path) as client:
        sdk = openai.OpenAI(
            api_key="k", base_url="http://mock/v1", http_client=client, _strict_response_validation=True
        )
        for word, finish in (("refuse", "stop"), ("two", "tool_calls"), ("both", "tool_calls")):
            messages: Any = [{"role": "user", "content": word}]
            whole = sdk.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0]
            with sdk.chat.completions.stream(model="gpt-4o-mini", messages=messages) as stream:
                streamed = stream.get_final_completion().choices[0]
            assert whole.finish_reason == streamed.finish_reason == finish
            assert whole.message.content == streamed.message.content
            assert (whole.message.refusal or "") == (streamed.message.refusal or "")
            names = [[call.function.name for call in one.message.tool_calls or ()] for one in (whole, streamed)]  # type: ignore[union-attr] # no custom tools here
            assert names[0] == names[1] == {"refuse": [], "two": ["a", "b"], "both": ["a"]}[word]


def test_what_a_rule_gives_of_the_envelope(tmp_path: Path) -> None:
    rules = """
    - match: {}
      response: {content: Hi, id: "chatcmpl-\\"x", created: 7, model: my-model, systemFingerprint: fp_1,
                 usage: {prompt_tokens: 100}}
    """
    with ruled(rules, folder=tmp_path) as client:
        whole = post(client, **chat("Hello"))
        chunk = events(client, **chat("Hello"))[0]
    shown = [whole[name] for name in ("id", "created", "model", "system_fingerprint")]
    assert shown == ['chatcmpl-"x', 7, "my-model", "fp_1"]
    assert [chunk[name] for name in ("id", "created", "model", "system_fingerprint")] == shown
    assert whole["usage"]["prompt_tokens"] == 100
    assert whole["usage"]["total_tokens"] == 101


def test_a_finish_reason_alone_shapes_the_answer_of_the_engine(tmp_path: Path) -> None:
    with ruled("- {match: {}, response: {finishReason: length}}", folder=tmp_path) as client, ruled() as plain:
        told = post(client, **chat("Hello"))["choices"][0]
        own = post(plain, **chat("Hello"))["choices"][0]
    assert told["finish_reason"] == "length"
    assert own["message"]["content"].startswith(told["message"]["content"])


def test_a_finish_reason_that_calls_nothing_and_one_that_makes_a_call_legacy(tmp_path: Path) -> None:
    rules = """
    - {match: {userMessage: nothing}, response: {content: Hi, finishReason: function_call}}
    - {match: {userMessage: something}, response: {toolCalls: [{name: f}], finishReason: function_call}}
    """
    with ruled(rules, folder=tmp_path) as client:
        bodies = [chat("nothing"), chat("something")]
        said, called = (post(client, **body)["choices"][0] for body in bodies)
        streams = [[chunk["choices"][0]["delta"] for chunk in events(client, **body)] for body in bodies]
    assert (said["finish_reason"], said["message"]["content"]) == ("function_call", "Hi")
    assert called["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert not any("function_call" in message for message in (said["message"], *streams[0]))
    assert streams[1][0]["function_call"] == {"name": "f", "arguments": ""}
    assert not any("tool_calls" in message for message in (called["message"], *streams[1]))


def test_legacy_completions_embeddings_and_moderations(tmp_path: Path) -> None:
    rules = """
    - {match: {userMessage: Once}, response: {content: " upon a time"}}
    - {match: {inputText: bicycle}, response: {embedding: [0.6, 0, -0.8]}}
    - {match: {inputText: quarrel}, response: {moderation: {violence: 0.9}}}
    """
    with ruled(rules, folder=tmp_path) as client:
        completion = post(client, "/v1/completions", model="gpt-3.5-turbo-instruct", prompt="Once", stop=" time")
        asked = {"model": "text-embedding-3-small", "input": ["a bicycle", "two"]}
        floats = post(client, "/v1/embeddings", **asked)
        sdk = openai.OpenAI(api_key="k", base_url="http://mock/v1", http_client=client)
        vectors = sdk.embeddings.create(model="text-embedding-3-small", input="a bicycle")
        judged = post(client, "/v1/moderations", input="a quarrel")["results"][0]
    assert completion["choices"][0]["text"] == " upon a"
    assert completion["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert [entry["embedding"] for entry in floats["data"]] == [[0.6, 0.0, -0.8]] * 2
    assert vectors.data[0].embedding == pytest.approx([0.6, 0.0, -0.8])
    assert judged["flagged"] is True
    assert [name for name, flagged in judged["categories"].items() if flagged] == ["violence"]


def test_errors_and_raw_bodies_on_any_endpoint() -> None:
    with ruled(SCENARIOS / "retries.yaml") as client:
        overloaded = client.get("/v1/files", headers={"x-case": "outage 1"})
        posted = client.post(
            "/v1/files", headers={"x-case": "outage"}, files={"file": ("a.txt", b"x")}, data={"purpose": "user_data"}
        )
        proxy = client.get("/v1/models", headers={"x-case": "proxy"})
        fine = client.get("/v1/files")
    assert overloaded.status_code == posted.status_code == 503
    assert overloaded.json()["error"] == {
        "message": "The engine is currently overloaded.",
        "type": "server_error",
        "param": None,
        "code": None,
    }
    assert (proxy.status_code, proxy.headers["content-type"]) == (502, "text/html")
    assert proxy.text == "<html><body>Bad Gateway</body></html>"
    assert "a proxy in the way" in proxy.headers["x-mockai-rule"]
    assert fine.status_code == 200


def test_a_raw_stream_is_sent_byte_for_byte(tmp_path: Path) -> None:
    rules = """
    - match: {userMessage: raw}
      response:
        raw:
          headers: {x-own: "1", Content-Length: "3"}
          chunks: ["data: {}\\n\\n", {at: 0.0, data: "data: half"}, {at: 0.0, base64: AAEC}]
    """
    with ruled(rules, folder=tmp_path) as client:
        answer = client.post("/v1/chat/completions", json=chat("raw", stream=True))
    assert answer.content == b"data: {}\n\ndata: half\x00\x01\x02"
    assert answer.headers["x-own"] == "1"
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_a_direct_answer_needs_no_valid_request_but_a_key(tmp_path: Path) -> None:
    rules = "- {match: {}, response: {error: {status: 418, message: Tea., code: teapot}}}"
    with ruled(rules, folder=tmp_path) as client:
        invalid = client.post("/v1/chat/completions", json={"messages": "none"})
        keyless = client.post("/v1/chat/completions", json={}, headers={"authorization": ""})
    assert (invalid.status_code, invalid.json()["error"]["code"]) == (418, "teapot")
    assert keyless.status_code == 401


def test_a_refused_request_does_not_use_a_rule_up(tmp_path: Path) -> None:
    rules = "- {match: {userMessage: once}, times: 1, response: {content: Now.}}"
    with ruled(rules, folder=tmp_path) as client:
        assert client.post("/v1/chat/completions", json=chat("once", temperature=9)).status_code == 400
        assert said(client, "once") == "Now."
        assert said(client, "once") != "Now."


def test_the_lines_of_a_batch_meet_rules(tmp_path: Path) -> None:
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat("counting")}
    with ruled(SAY, folder=tmp_path) as client:
        file = client.post(
            "/v1/files", files={"file": ("a.jsonl", json.dumps(line).encode())}, data={"purpose": "batch"}
        ).json()
        body = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = client.post("/v1/batches", json=body).json()
        for _ in range(20):
            batch = client.get(f"/v1/batches/{batch['id']}").json()
        output = client.get(f"/v1/files/{batch['output_file_id']}/content").json()
    assert output["response"]["body"]["choices"][0]["message"]["content"] == TEXT


@pytest.mark.parametrize(
    "given",
    [
        "{raw: {status: 502, body: Bad Gateway}}",
        "{status: 502, raw: {body: Bad Gateway}}",
        "{raw: {status: 502, contentType: text/plain, chunks: [Bad, {at: 0, data: ' Gateway'}]}}",
        "{status: 502, raw: {contentType: text/plain, chunks: [Bad Gateway]}}",
    ],
)
@pytest.mark.parametrize("endpoint", ["chat", "files.list"])
def test_a_raw_answer_has_the_status_that_it_says(given: str, endpoint: str, tmp_path: Path) -> None:
    rules = f"rules: [{{match: {{endpoint: {endpoint}}}, response: {given}}}]"
    with ruled(rules, folder=tmp_path) as client:
        if endpoint == "chat":
            answer = client.post("/v1/chat/completions", json=chat("raw"))
        else:
            answer = client.get("/v1/files")
    assert (answer.status_code, answer.text) == (502, "Bad Gateway")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("at", "waits"), [(0.0, False), (1.5, True)])
def test_raw_pieces_that_have_to_wait_do_not_leave_at_once(tmp_path: Path, at: float, waits: bool) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"- match: {{}}\n  response:\n    raw: {{chunks: [a, {{at: {at}, data: b}}]}}\n")
    edge = Application(Settings(fixtures=(path,))).edge
    head = edge.head(b"/v1/chat/completions", [(b"authorization", b"Bearer k")])
    assert (edge.quick(head, b"{}") is None) is waits

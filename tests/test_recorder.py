"""The recorder passes on what it gets, as it comes, and writes it down."""

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from mockai.recording import Exchange
from mockai.recording.tape import read_folder
from tests.command import mockai
from tests.inside import Inside, recording, serving
from tests.server import Served
from tests.server import recording as recording_in_a_process
from tests.upstream import upstream, whole

KEY = "sk-live-0123456789abcdef"
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 30}

LINE = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'


@pytest.fixture(scope="module")
def mock() -> Iterator[Inside]:
    with serving("--seed", "3") as served:
        yield served


def sdk(served: Inside | Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True)


def told(out: Path) -> list[Exchange]:
    return [entry for tape in read_folder(out) for entry in tape.exchanges]


def test_the_python_sdk_sees_no_difference(mock: Inside, tmp_path: Path) -> None:
    with recording_in_a_process(mock.url, tmp_path) as served, sdk(served) as client, sdk(mock) as direct:
        answer = client.chat.completions.create(**CHAT)
        assert answer.choices == direct.chat.completions.create(**CHAT).choices
        streamed = [chunk.choices[0].delta for chunk in client.chat.completions.create(**CHAT, stream=True)]
        assert streamed == [chunk.choices[0].delta for chunk in direct.chat.completions.create(**CHAT, stream=True)]
        file = client.files.create(file=("a.jsonl", LINE), purpose="fine-tune")
        assert client.files.content(file.id).read() == LINE
        with pytest.raises(openai.NotFoundError, match="No such File object: file-none"):
            client.files.retrieve("file-none")
        status, _ = served.stop()
    assert status == 0
    entries = told(tmp_path)
    assert [(entry.request.method, entry.response.status) for entry in entries] == [
        ("POST", 200),
        ("POST", 200),
        ("POST", 200),
        ("GET", 200),
        ("GET", 404),
    ]
    assert entries[1].response.body.endswith(b"data: [DONE]\n\n")
    assert [part.name for part in entries[2].request.form or ()] == ["purpose", "file"]
    text = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    assert KEY not in text
    assert text.count(file.id) == 1


NODE = """
import OpenAI, { toFile } from "openai";
const client = new OpenAI();
const whole = await client.chat.completions.create(body);
let text = "";
for await (const chunk of await client.chat.completions.create({ ...body, stream: true }))
  text += chunk.choices[0].delta.content ?? "";
const file = await client.files.create({ file: await toFile(Buffer.from(line), "a.jsonl"), purpose: "fine-tune" });
console.log(text === whole.choices[0].message.content, line === await (await client.files.content(file.id)).text());
"""


@pytest.mark.skipif(
    not os.environ.get("MOCKAI_NODE_SDK"), reason="MOCKAI_NODE_SDK names no folder with the npm package openai"
)
def test_the_node_sdk_sees_no_difference(mock: Inside, tmp_path: Path) -> None:
    values = f"const body = {json.dumps(CHAT)}, line = {json.dumps(LINE.decode())};"
    program = values + NODE
    script = Path(os.environ["MOCKAI_NODE_SDK"]) / f"recorder-{os.getpid()}.mjs"
    node = shutil.which("node")
    assert node
    try:
        script.write_text(program)
        with recording(mock.url, tmp_path) as served:
            environment = {**os.environ, "OPENAI_BASE_URL": f"{served.url}/v1", "OPENAI_API_KEY": KEY}
            done = subprocess.run(
                [node, str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
            )
    finally:
        script.unlink(missing_ok=True)
    assert done.stdout == "true true\n", done.stderr
    assert [entry.response.status for entry in told(tmp_path)] == [200] * 4


def test_the_client_sees_the_bytes_of_the_upstream(tmp_path: Path) -> None:
    body = gzip.compress(b'{"id": "x",  "odd": "spacing"}')
    lines = (
        "content-type: application/json",
        "content-encoding: gzip",
        "set-cookie: a=1",
        "set-cookie: b=2",
        "x-odd: é",
    )
    with (
        upstream(whole(body, *lines, status="418 I am a teapot")) as up,
        recording(up.url, tmp_path) as served,
        httpx2.stream("GET", f"{served.url}/v1/a%2Fb?x=%20y&x=2", headers={"x-mine": "kept"}) as answer,
    ):
        raw = b"".join(answer.iter_raw())
    assert raw == body
    assert answer.status_code == 418
    assert [(name, value) for name, value in answer.headers.raw if name != b"connection"] == [
        (b"content-length", str(len(body)).encode()),
        *[tuple(line.encode("latin-1").split(b": ")) for line in lines],
    ]
    (asked,) = up.received
    assert asked.startswith(b"GET /v1/a%2Fb?x=%20y&x=2 HTTP/1.1\r\n")
    assert b"x-mine: kept\r\n" in asked
    (entry,) = told(tmp_path)
    assert entry.response.body == b'{"id": "x",  "odd": "spacing"}'


def test_a_stream_is_passed_on_as_it_comes_and_its_times_are_kept(tmp_path: Path) -> None:
    seen = threading.Event()

    def script(connection: socket.socket, request: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.sendall(head + b"9\r\ndata: 1\n\n\r\n")
        assert seen.wait(20)  # the client has the first event before the second exists
        connection.sendall(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    with (
        upstream(script) as up,
        recording(up.url, tmp_path) as served,
        httpx2.stream("POST", f"{served.url}/v1/responses", json={}) as answer,
    ):
        pieces = answer.iter_raw()
        assert next(pieces) == b"data: 1\n\n"
        seen.set()
        assert b"".join(pieces) == b"data: 2\n\n"
    (entry,) = told(tmp_path)
    assert [chunk.data for chunk in entry.response.chunks] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert 0 < entry.response.chunks[0].at <= entry.response.chunks[1].at


@pytest.mark.parametrize("stream", [False, True])
def test_a_kill_loses_at_most_what_is_in_flight(mock: Inside, tmp_path: Path, stream: bool) -> None:
    with recording_in_a_process(mock.url, tmp_path) as served, sdk(served) as client:
        for number in range(5):
            answer = client.chat.completions.create(**CHAT, seed=number, stream=stream)
            if stream:
                for _ in answer:
                    pass
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
    seeds = [json.loads(entry.request.body.data or b"")["seed"] for entry in told(tmp_path) if entry.request.body]
    assert seeds == [0, 1, 2, 3, 4]


def test_an_answer_that_breaks_off_breaks_off_and_is_not_written(tmp_path: Path) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")

    with upstream(script) as up, recording_in_a_process(up.url, tmp_path) as served:
        with pytest.raises(httpx2.RemoteProtocolError), httpx2.stream("GET", f"{served.url}/v1/x") as answer:
            for _ in answer.iter_raw():
                pass
        _, log = served.stop()
    assert "broke off" in log
    assert "Traceback" not in log
    assert told(tmp_path) == []


def test_an_upstream_that_is_not_there_is_a_502(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with recording(f"http://127.0.0.1:{port}", tmp_path) as served:
        answer = httpx2.get(f"{served.url}/v1/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")


def test_a_head_is_an_exchange(mock: Inside, tmp_path: Path) -> None:
    with recording_in_a_process(mock.url, tmp_path) as served:
        httpx2.head(f"{served.url}/v1/models", headers={"authorization": "Bearer k"})
        status, log = served.stop()
    assert (status, "not written" in log) == (0, False)
    assert [entry.request.method for entry in told(tmp_path)] == ["HEAD"]


def test_whether_it_is_up_is_no_exchange(mock: Inside, tmp_path: Path) -> None:
    with recording(mock.url, tmp_path) as served:
        answers = [httpx2.get(f"{served.url}{path}") for path in ("/health", "/ready")]
    assert [answer.json() for answer in answers] == [{"status": "ok"}] * 2
    assert not list(tmp_path.glob("*.yaml"))


def test_a_websocket_is_refused_and_any_other_upgrade_passes(mock: Inside, tmp_path: Path) -> None:
    socket = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": "x",
        "sec-websocket-version": "13",
    }
    other = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABk"}
    with recording_in_a_process(mock.url, tmp_path) as served:
        refused = httpx2.get(f"{served.url}/v1/realtime", headers=socket)
        passed = httpx2.get(f"{served.url}/v1/models", headers={"authorization": f"Bearer {KEY}", **other})
        _, log = served.stop()
    assert (refused.status_code, refused.json()["error"]["code"]) == (501, "websocket_not_supported")
    assert passed.status_code == 200
    assert "WebSocket" not in log
    assert "pgrade" not in log


def test_a_secret_is_passed_on_but_not_written_and_the_end_says_so(mock: Inside, tmp_path: Path) -> None:
    with recording_in_a_process(mock.url, tmp_path) as served, sdk(served) as client:
        leaky: Any = [{"role": "user", "content": "AKIAABCDEFGHIJKLMNOP"}]
        assert client.chat.completions.create(model="gpt-4o-mini", messages=leaky).choices
        status, log = served.stop()
    assert status == 1
    assert "an AWS access key" in log
    assert "AKIAABCDEFGHIJKLMNOP" not in log
    assert told(tmp_path) == []


def ask(served: Inside, seed: int) -> httpx2.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx2.post(f"{served.url}/v1/chat/completions", json={**CHAT, "seed": seed}, headers=headers)


@pytest.mark.parametrize(
    ("mode", "known", "unknown", "exchanges"),
    [
        ("none", "replayed", 503, 1),
        ("once", "replayed", 503, 1),
        ("new_episodes", "replayed", 200, 2),
        ("all", "new", 200, 2),
    ],
)
def test_modes(mock: Inside, tmp_path: Path, mode: str, known: str, unknown: int, exchanges: int) -> None:
    with recording(mock.url, tmp_path) as served:
        first = ask(served, 1).json()
    with recording(mock.url, tmp_path, "--mode", mode) as served:
        assert (ask(served, 1).json()["id"] == first["id"]) is (known == "replayed")
        answer = ask(served, 2)
    assert answer.status_code == unknown
    if unknown == 503:
        error = answer.json()["error"]
        assert error["code"] == "no_fixture_match"
        assert "body.seed was 1, now 2" in error["message"]
    assert len(told(tmp_path)) == exchanges


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--upstream", "localhost:80"), ["--upstream", "http"]),
        (("--redact", "("), ["--redact"]),
        (("--out", "/dev/null/x"), ["/dev/null/x"]),
    ],
)
def test_mistakes_are_one_line_and_status_2(tmp_path: Path, flags: tuple[str, ...], words: list[str]) -> None:
    done = mockai("record", "--out", str(tmp_path), "--port", "0", *flags)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words)

"""The README tells the truth: its examples run, its tables are those of the code."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mockai.settings import read_keys
from tests.inside import Inside, serving
from tests.readme import README, filled
from tests.rules.serve import chat, ruled, said

TEXT = README.read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


@pytest.fixture(scope="module")
def served() -> Iterator[Inside]:
    with serving() as server:
        yield server


def environment(served: Inside) -> dict[str, str]:
    return {**os.environ, "OPENAI_BASE_URL": f"{served.url}/v1", "OPENAI_API_KEY": "sk-mockai"}


def test_python_examples_run(served: Inside) -> None:
    """Each is a program of its own; they share a process because the SDK takes long to import."""
    program = "".join(
        f"exec(compile({example!r}, 'example {number}', 'exec'), {{'__name__': '__main__'}})\n"
        for number, example in enumerate(blocks("python"))
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(served),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_curl_example_shows_the_error_of_the_api(served: Inside) -> None:
    example = next(block for block in blocks("sh") if block.startswith("curl"))
    done = subprocess.run(
        ["sh", "-c", example], env=environment(served), capture_output=True, text=True, timeout=30, check=True
    )
    assert "decimal_above_max_value" in done.stdout


def test_the_recorder_example_shows_a_recording(served: Inside, tmp_path: Path) -> None:
    example = next(block for block in blocks("sh") if "mockai record" in block)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", example.replace("4011", str(port))],
        env={**environment(served), "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "path: /v1/chat/completions" in done.stdout
    assert "id: <chatcmpl:1>" in done.stdout
    replay = next(block for block in blocks("sh") if "mockai serve --port 4012" in block)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    again = subprocess.run(
        ["sh", "-c", replay.replace("4012", str(port))],
        env={**os.environ, "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer = again.stdout.splitlines()[-1]
    assert answer.startswith('{"id":"chatcmpl-')
    assert answer in done.stdout
    drift = next(block for block in blocks("sh") if "mockai drift" in block)
    told = subprocess.run(
        ["sh", "-c", drift],
        env={**os.environ, "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 exchanges, 0 not compared: 0 unlisted differences" in told.stdout


NODE_EXAMPLES = {
    "chat": (("chat.completions.create", "stream: true", "embeddings.create"), ['{"city":"Boston"}', "true 1536"]),
    "runs": (
        ("createAndPoll", "runs.stream", "submitToolOutputsStream"),
        [
            "completed The solution to the equation 3x + 11 = 14 is x = 1.",
            "completed The solution to the equation 3x + 11 = 14 is x = 1.",
            "requires_action Here is what I found. For Boston: temperature is 18.",
        ],
    ),
}
"""What each example does, and what it prints."""


@pytest.mark.parametrize(
    ("example", "name"), [*zip(blocks("js"), NODE_EXAMPLES, strict=True)], ids=list(NODE_EXAMPLES)
)
def test_the_node_examples_are_whole(example: str, name: str) -> None:
    assert all(word in example for word in NODE_EXAMPLES[name][0])


@pytest.mark.skipif(
    not os.environ.get("MOCKAI_NODE_SDK"), reason="MOCKAI_NODE_SDK names no folder with the npm package openai"
)
@pytest.mark.parametrize(
    ("example", "name"), [*zip(blocks("js"), NODE_EXAMPLES, strict=True)], ids=list(NODE_EXAMPLES)
)
def test_the_node_examples_run(example: str, name: str, served: Inside) -> None:
    node = shutil.which("node")
    assert node
    script = Path(os.environ["MOCKAI_NODE_SDK"]) / f"example-{name}.mjs"
    script.write_text(example)
    done = subprocess.run(
        [node, str(script)], env=environment(served), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[: len(NODE_EXAMPLES[name][1])] == NODE_EXAMPLES[name][1]


def test_the_commands_are_targets_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text("utf-8")
    for target in re.findall(r"`?make (\w+)", TEXT):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_key_list_can_be_read(tmp_path: Path) -> None:
    example = next(block for block in blocks("yaml") if block.startswith("keys:"))
    path = tmp_path / "keys.yaml"
    path.write_text(example)
    assert set(read_keys(path)) == set(yaml.safe_load(example)["keys"])


def test_the_tables_are_those_of_the_code() -> None:
    assert filled(TEXT) == TEXT, "run `python -m tests.readme`"


def test_the_printed_lines_are_those_of_the_server(served: Inside) -> None:
    (example,) = blocks("text")
    assert example.splitlines()[0].replace("4010", str(served.port)) == f"export OPENAI_BASE_URL={served.url}/v1"


def test_the_rules_of_the_example_answer(tmp_path: Path) -> None:
    (example,) = blocks("json")
    path = tmp_path / "rules.json"
    path.write_text(example)
    with ruled(path) as client:
        assert said(client, "What is the capital of Norway?") == "Oslo."
        asked = chat("What's the weather in Rome?")
        called = client.post("/v1/chat/completions", json=asked).json()["choices"][0]["message"]
        assert called["tool_calls"][0]["function"]["name"] == "get_weather"
        tries = [client.post("/v1/chat/completions", json=chat("try again")) for _ in range(3)]
        assert [answer.status_code for answer in tries] == [429, 429, 200]
        assert tries[0].headers["retry-after"] == "1"
        assert client.get("/v1/files", headers={"x-case": "outage"}).text == "<h1>Bad Gateway</h1>"
        client.headers["openai-beta"] = "assistants=v2"
        assistant = client.post("/v1/assistants", json={"model": "gpt-4o-mini"}).json()
        thread = {"messages": [{"role": "user", "content": "Name every lake."}]}
        run = client.post("/v1/threads/runs", json={"assistant_id": assistant["id"], "thread": thread}).json()
        ended = client.get(f"/v1/threads/{run['thread_id']}/runs/{run['id']}").json()
        assert ended["status"] == "expired"


def test_the_rules_for_faults_answer(tmp_path: Path) -> None:
    example = next(block for block in blocks("yaml") if block.startswith("rules:"))
    assert "at: 20" in example
    with ruled(example.replace("at: 20", "at: 0"), folder=tmp_path) as client:

        def ask(test: str) -> tuple[int, str]:
            answer = client.post("/v1/chat/completions", json=chat("Hello"), headers={"x-test-id": test})
            return answer.status_code, answer.text

        assert [ask("limited")[0] for _ in range(2)] == [429, 200]
        assert [ask("down")[0] for _ in range(2)] == [500, 500]
        assert ask("slow") == (200, "{}")
        assert ask("broken") == (200, 'data: {"id": "chatcmpl-1", "choi')
        assert ask("other")[0] == 200

"""The command line: one clear line for each mistake, and clean ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest
from click.core import ParameterSource

from mockai import __version__
from mockai.api import OPERATIONS
from mockai.cli import serve
from mockai.commands.record import record
from tests import inside
from tests.command import mockai
from tests.server import serving

KEY = {"authorization": "Bearer k"}
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def test_version_and_help() -> None:
    assert __version__ in mockai("--version").stdout
    assert "serve" in mockai("--help").stdout


def test_routes_lists_every_operation() -> None:
    printed = mockai("routes").stdout
    for operation in OPERATIONS:
        assert any(
            f"/v1{operation.path}" in line and operation.method in line and operation.liveness in line
            for line in printed.splitlines()
        )


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = mockai("serve", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["cannot be read", "--keys"]),
        ("keys: [", ["is not YAML", ":2:"]),
        ("other: 1", ["no `keys:` mapping"]),
        ("keys: {sk-a: {organisation: x}}", ["sk-a", "project"]),
    ],
)
def test_a_bad_key_list_is_one_line_and_status_2(tmp_path: Path, content: str | None, words: list[str]) -> None:
    path = tmp_path / "keys.yaml"
    if content is not None:
        path.write_text(content + "\n")
    done = mockai("serve", "--port", "0", "--keys", str(path))
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bad_flag_is_status_2() -> None:
    assert mockai("serve", "--pace", "warp").returncode == 2
    assert mockai("serve", "--bogus").returncode == 2


def test_the_environment_sets_flags_and_flags_win() -> None:
    with (
        serving(MOCKAI_SEED="5", MOCKAI_CLOCK="manual") as first,
        inside.serving("--seed", "5", "--clock", "manual") as second,
    ):
        bodies = [
            httpx2.post(f"{at.url}/v1/chat/completions", json=CHAT, headers=KEY).content for at in (first, second)
        ]
    assert bodies[0] == bodies[1]


COMMANDS = [(serve, "MOCKAI_", []), (record, "MOCKAI_RECORD_", ["--out=x"])]


@pytest.mark.parametrize(
    ("command", "prefix", "words", "option"),
    [(*row, option) for row in COMMANDS for option in row[0].params],
    ids=lambda value: value.name if isinstance(value, click.Parameter | click.Command) else "",
)
def test_the_variable_of_a_flag_is_named_after_it(
    command: click.Command, prefix: str, words: list[str], option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = next(name for name in option.opts if name.startswith("--"))
    samples = {"as-of": "2026-01-01", "replay-speed": "2", "workers": "3", "port": "1234", "seed": "3"}
    choices = option.type.choices if isinstance(option.type, click.Choice) else ["1"]
    value = samples.get(flag.removeprefix("--"), choices[-1])
    monkeypatch.setenv(prefix + flag.removeprefix("--").replace("-", "_").upper(), value)
    context = command.make_context(command.name, [word for word in words if not word.startswith(flag)])
    assert option.name
    assert context.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
    told = context.params[option.name]
    assert str(told[0] if option.multiple else told).removesuffix(".0") in (value, str(option.is_flag))


def test_several_values_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names hold colons, paths spaces."""
    monkeypatch.setenv("MOCKAI_MODEL", "mine ft:gpt-4o-mini-2024-07-18:acme::AbCd1234")
    monkeypatch.setenv("MOCKAI_FIXTURES", os.pathsep.join(["my rules", "b.yaml"]))
    told = serve.make_context("serve", []).params
    assert told["models"] == ("mine", "ft:gpt-4o-mini-2024-07-18:acme::AbCd1234")
    assert told["fixtures"] == (Path("my rules"), Path("b.yaml"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MOCKAI_PROT", "did you mean MOCKAI_PORT?"),
        ("MOCKAI_F", "did you mean MOCKAI_FIXTURES?"),
        ("MOCKAI_MODELS", "did you mean MOCKAI_MODEL?"),
        ("MOCKAI_RECORD_PROT", "did you mean MOCKAI_RECORD_PORT?"),
        ("MOCKAI_ZZZZ", "`mockai serve --help` lists the flags"),
    ],
)
@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("record", "--out", "x", "--upstream", "x")])
def test_a_variable_that_no_flag_has_is_one_line_and_status_2(
    name: str, hint: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    done = mockai(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {name} is set, but no flag has that variable; {hint}\n"


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "MOCKAI_RECORDED": "x",
        "MOCKAI_NODE_SDK": "x",
        "MOCKAI_SERVICE_HOST": "10.0.0.1",
        "MOCKAI_PORT_4010_TCP_ADDR": "10.0.0.1",
        "MOCKAI_DRIFT_ALL": "1",
        "MOCKAI_PROT": "",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    done = mockai("record", "--out", "x", "--upstream", "x")
    assert done.stderr.startswith("Error: --upstream 'x' is no base URL")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_open_streams_cleanly_with_status_0(number: int) -> None:
    with serving("--pace", "real") as served:
        received: list[str] = []
        opened = threading.Event()

        def read() -> None:
            body = {**CHAT, "stream": True, "logit_bias": {"976": 100}, "max_tokens": 3000}
            with httpx2.stream(
                "POST", f"{served.url}/v1/chat/completions", json=body, headers=KEY, timeout=20
            ) as answer:
                for line in answer.iter_lines():
                    received.append(line)
                    opened.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert opened.wait(10)
        status, _ = served.stop(number)
        reader.join(10)
    assert status == 0
    assert [line for line in received if line][-1] == "data: [DONE]"
    assert json.loads([line for line in received if line][-2].removeprefix("data: "))["choices"][0]["finish_reason"]


def test_an_unknown_model_is_told_how_to_be_served() -> None:
    with serving() as served:
        httpx2.post(f"{served.url}/v1/chat/completions", json={**CHAT, "model": "mine"}, headers=KEY)
        _, log = served.stop()
    assert "--model mine" in log
    assert "--any-model" in log


def test_a_client_that_leaves_frees_its_stream() -> None:
    with serving("--pace", "real") as served:
        body = {**CHAT, "stream": True, "logit_bias": {"976": 100}, "max_tokens": 5000}
        with httpx2.stream("POST", f"{served.url}/v1/chat/completions", json=body, headers=KEY) as answer:
            next(answer.iter_lines())
        status, log = served.stop()
    assert status == 0
    assert "Traceback" not in log


def test_the_start_loads_only_what_it_needs() -> None:
    program = "import sys, mockai.cli, mockai.app, mockai.listener; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    kept_out = {"numpy", "httpx2", "openai", "rich", "pytest", "yaml", "mockai.rules", "mockai.recording"}
    assert kept_out.isdisjoint(done.stdout.split())


def test_a_store_file_survives_restarts_and_kills(tmp_path: Path) -> None:
    where = f"sqlite:{tmp_path / 'state.db'}"
    kept = []
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        with serving("--store", where) as served:
            path = f"{served.url}/v1/chat/completions"
            kept.append(httpx2.post(path, json={**CHAT, "store": True}, headers=KEY).json()["id"])
            listed = [entry["id"] for entry in httpx2.get(path, headers=KEY).json()["data"]]
            served.stop(number)
        assert listed == kept[::-1]
    assert len(set(kept)) == 3


@pytest.mark.parametrize("host", ["", "é.é..", "192.0.2.1"])
def test_a_host_that_is_not_here_is_one_line_and_status_2(host: str) -> None:
    done = mockai("serve", "--port", "0", "--host", host)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "--port" not in done.stderr


@pytest.mark.parametrize("where", ["redis:x", "sqlite:", "sqlite:/", "sqlite:.", "sqlite:/nowhere/at/all.db"])
def test_a_store_that_cannot_be_had_is_one_line_and_status_2(where: str) -> None:
    done = mockai("serve", "--port", "0", "--store", where)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("pace", ["fast", "real"])
def test_a_clock_that_stands_still_is_refused_where_work_takes_time(pace: str) -> None:
    done = mockai("serve", "--port", "0", "--clock", "manual", "--pace", pace)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: --clock manual with --pace {pace}: the manual clock stands still")


def test_a_day_that_is_none_is_one_line_and_status_2() -> None:
    done = mockai("serve", "--as-of", "2026-02-30")
    assert done.returncode == 2
    assert "'2026-02-30' is no day; write it as 2026-08-26" in done.stderr


def test_after_the_day_of_retirement_assistants_are_gone() -> None:
    with inside.serving("--as-of", "2026-08-26") as server:
        answer = httpx2.post(f"{server.url}/v1/assistants", headers=KEY, json={"model": "gpt-4o"})
        assert (answer.status_code, answer.content) == (404, b"")
        assert httpx2.get(f"{server.url}/v1/models", headers=KEY).status_code == 200

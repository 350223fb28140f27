"""`mockai contracts`: the table, the files, the exit status."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.command import mockai
from tests.inside import serving

ROOT = Path(__file__).parents[1]
SECRET = "sk-other-0123456789abcdefgh"


contracts = partial(mockai, "contracts")


class Small(BaseHTTPRequestHandler):
    """A server that knows moderations only, and answers them wrongly."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        found = self.path.endswith("/moderations")
        body = json.dumps({"id": "modr-1"} if found else {"detail": f"no {self.path}"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_DELETE = do_POST  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Small) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_the_mock_is_verified_and_evidence_is_kept(tmp_path: Path) -> None:
    report, evidence = tmp_path / "report.html", tmp_path / "evidence.json"
    evidence.write_text(json.dumps({"operations": {"embeddings.create": {"live": "never", "other": {"date": "x"}}}}))
    flags = ["--only", "embeddings", "--report", str(report), "--json", str(evidence)]
    command = [sys.executable, "-m", "mockai", "contracts", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"embeddings.create\s+verified", done.stdout)
    entry = json.loads(evidence.read_text())["operations"]["embeddings.create"]
    assert (entry["live"], entry["other"]["date"]) == ("never", "x")
    assert entry["mock"]["outcome"] == "verified"
    assert entry["mock"]["sdk"].startswith("openai-python ")
    assert "<h2>Failures</h2><p" in report.read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["evidence.json", "report.html"]


def test_another_server_is_told_what_fails_and_what_it_does_not_have(small: str, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = contracts(
        "--target", small, "--api-key", SECRET, "--only", "embeddings,moderations", "--report", str(report)
    )
    assert done.returncode == 1
    assert re.search(r"moderations.create\s+failed", done.stdout)
    assert re.search(r"embeddings.create\s+unsupported", done.stdout)
    page = report.read_text()
    assert all(
        word in page for word in ("Expected", "Request: POST /moderations", "Answer: 200", "modr-1", "Source:")
    )
    assert not re.search(r"(src|href)=.(https?:)?//|@import", page)
    assert SECRET not in page + done.stdout + done.stderr


def test_the_cost_of_a_live_run_is_told_first() -> None:
    with serving() as stand_in:
        done = contracts(
            *("--target", "live", "--only", "moderations"),
            OPENAI_API_KEY="sk-live-0123456789abcdef",
            OPENAI_BASE_URL=f"{stand_in.url}/v1",
        )
    assert done.returncode == 0, done.stderr
    assert "expected cost $0.00" in done.stderr


def test_live_without_a_key_is_one_line_and_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = contracts("--target", "live")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == "ERROR: --target live needs a key; set OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("only", "operations", "count"),
    [
        ("moderations.create", {"moderations.create"}, 3),
        ("moderations.create,models.list", {"moderations.create", "models.list", "models.retrieve"}, 4),
        ("moderations", {"moderations.create"}, 3),
    ],
)
def test_only_the_operations_that_are_named_are_asked(only: str, operations: set[str], count: int) -> None:
    done = contracts("--only", only)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^(\w+\.\S+)", done.stdout, re.M)) == operations
    assert f"contracts: {count} verified, 0 failed" in done.stdout


def test_a_dead_port_is_one_line_and_status_2() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = contracts("--target", f"http://127.0.0.1:{free.getsockname()[1]}/v1", "--only", "embeddings")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: cannot reach http://127.0.0.1:")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--only", "nonsense"), "areas are assistants, "),
        (("--only", "chat,chat.create"), "--only chat.create names no contract"),
        (("--only", "nonsense"), "operations are named as in `mockai routes` (embeddings.create)"),
        (("--target", "x"), "neither"),
    ],
)
def test_a_wrong_flag_says_what_is_right(flags: tuple[str, str], word: str) -> None:
    done = contracts(*flags)
    assert done.returncode != 0
    assert word in done.stderr + done.stdout


def test_what_is_missing_can_be_had_from_an_index_and_in_a_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockai.commands.contracts.NEEDED", ("pytest", "not_there"))
    done = contracts()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: needs not_there; run: pip install 'mockai-server[contracts]', or in a clone: pip install '.[contracts]'\n"
    )


def test_the_suite_is_in_the_wheel_without_a_top_level_name() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"contracts": "mockai/_suite/contracts"}


def test_the_workflow_of_the_readme_is_yaml_and_uses_flags_that_exist() -> None:
    (example,) = re.findall(r"```yml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    steps = [step for job in yaml.safe_load(example)["jobs"].values() for step in job["steps"]]
    (line,) = [step["run"] for step in steps if "mockai contracts" in step.get("run", "")]
    told = contracts("--help").stdout
    assert all(flag in told for flag in re.findall(r"--[a-z]+", line))


def test_the_shipped_evidence_claims_nothing_of_the_live_api() -> None:
    """Until someone with a key has run the suite against it."""
    entries = json.loads((ROOT / "contracts" / "evidence.json").read_text("utf-8"))["operations"]
    assert entries
    assert {entry["live"] for entry in entries.values()} == {"never"}

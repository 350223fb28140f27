"""Several processes serve one state: what one wrote the others read, and no id comes twice."""

import json
import multiprocessing
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockai import listener
from tests.command import mockai
from tests.server import serving

EXAMPLES = [
    {"messages": [{"role": "user", "content": f"Who is {at}?"}, {"role": "assistant", "content": f"I am {at}."}]}
    for at in range(10)
]
KEY = {"authorization": "Bearer sk-workers"}


def get(url: str, path: str) -> Any:
    """Ask on a connection of its own, so that any of the processes may answer."""
    return httpx2.get(f"{url}/v1{path}", headers=KEY, timeout=30).json()


def post(url: str, path: str, body: Any) -> Any:
    return httpx2.post(f"{url}/v1{path}", headers=KEY, json=body, timeout=30).json()


def test_the_memory_of_one_process_is_refused_for_several() -> None:
    done = mockai("serve", "--port", "0", "--workers", "2")
    assert done.returncode == 2
    assert re.search(r"Error: --workers 2 needs --store sqlite:PATH", done.stderr)


def test_recordings_are_refused_for_several(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "mockai: recording\nformat: 1\n...\n---\nrequest: {method: GET, path: /v1/x}\nresponse: {status: 200}\n...\n"
    )
    store = f"sqlite:{tmp_path / 'state.db'}"
    done = mockai("serve", "--port", "0", "--workers", "2", "--store", store, "-f", str(tmp_path / "x.yaml"))
    assert done.returncode == 2
    assert "--workers 2 with recordings" in done.stderr


def test_what_is_doubtful_is_told_once_by_all(tmp_path: Path) -> None:
    rules = tmp_path / "a.yaml"
    rules.write_text("- {match: {endpoint: chta}, response: {content: x}}\n")
    store = f"sqlite:{tmp_path / 'state.db'}"
    with serving("--workers", "2", "--store", store, "-f", str(rules)) as server:
        post(server.url, "/chat/completions", {"model": "mine", "messages": [{"role": "user", "content": "x"}]})
        _, log = server.stop()
    first, second = log.splitlines()
    assert first.startswith(f"mockai: {rules}:1: endpoint: nothing is called `chta` here")
    assert second.startswith("mockai: unknown model 'mine'")


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with serving("--workers", "2", "--store", f"sqlite:{tmp_path / 'state.db'}") as server:
        assert get(server.url, "/models")["object"] == "list"
        server.process.kill()
        server.process.wait(timeout=10)
        deadline = time.monotonic() + 20
        with pytest.raises(httpx2.TransportError):
            while time.monotonic() < deadline:
                get(server.url, "/models")


def test_a_worker_whose_pipe_ends_first_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, child = multiprocessing.Pipe()
    parent.close()
    worker = object.__new__(listener._Worker)
    worker._parent, worker.child_conn = os.getppid(), child
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *signalled: sent.append(signalled))
    worker.always_pong()
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_several_processes_serve_one_state(tmp_path: Path) -> None:
    with serving("--workers", "2", "--store", f"sqlite:{tmp_path / 'state.db'}") as server:
        url = server.url
        content = "".join(json.dumps(line) + "\n" for line in EXAMPLES).encode()
        form: Any = {"data": {"purpose": "fine-tune"}, "files": {"file": ("a.jsonl", content)}}
        file = httpx2.post(f"{url}/v1/files", headers=KEY, timeout=30, **form).json()["id"]

        def start(at: int) -> str:
            body = {"model": "gpt-4o-mini", "training_file": file, "seed": at}
            id: str = post(url, "/fine_tuning/jobs", body)["id"]
            return id

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(start, range(4)))
            assert len(set(made)) == len(made)

            def finished(id: str) -> Any:
                for _ in range(10_000):
                    job = get(url, f"/fine_tuning/jobs/{id}")
                    if job["status"] == "succeeded":
                        return job
                raise AssertionError(f"{id} does not end")

            jobs = list(pool.map(finished, [*made, *made]))
        assert len({job["fine_tuned_model"] for job in jobs}) == len(made)
        for id in made:
            told = get(url, f"/fine_tuning/jobs/{id}/events?limit=100")["data"]
            page = get(url, f"/fine_tuning/jobs/{id}/events?limit=100&after={told[-1]['id']}")["data"]
            steps = [event["data"]["step"] for event in [*told, *page] if event["type"] == "metrics"]
            assert steps == list(range(100, 0, -1))
        body = {"model": jobs[0]["fine_tuned_model"], "messages": EXAMPLES[3]["messages"][:1]}
        answers = [post(url, "/chat/completions", body)["choices"][0]["message"]["content"] for _ in range(8)]
        assert set(answers) == {"I am 3."}
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0

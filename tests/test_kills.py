"""A server is killed while it works: nothing that it acknowledged is lost, and its jobs end as if nothing had been."""

import base64
import json
import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from tests.server import serving

KILLS = 3
HEADERS = {"authorization": "Bearer sk-kills"}
SMALL, LARGE = 200, 1_500_000  # bytes: the large ones lie beside the database
STEPS = 400


def example(at: int) -> bytes:
    question, answer = f"Who came as number {at}?", f"As number {at} came the {at % 7}th of the seven sisters."
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages}).encode() + b"\n"


EXAMPLES = b"".join(map(example, range(100)))


@dataclass(slots=True)
class Acknowledged:
    """What servers said is done; filled by a client that never knows when its server dies."""

    contents: dict[str, bytes] = field(default_factory=dict)
    """Of files, by id."""
    deleted: set[str] = field(default_factory=set)
    parts: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    """Of uploads that are not complete."""
    doubtful: set[str] = field(default_factory=set)
    """What was asked for without an answer: both is right."""


def act(http: httpx2.Client, known: Acknowledged, dice: random.Random) -> None:
    """Create, delete and upload, one after the other, until the server is gone."""
    for at in count():
        content = dice.randbytes(LARGE if at % 5 == 0 else SMALL)
        if at % 3 == 2:
            upload(http, known, content)
            continue
        form: Any = {"data": {"purpose": "vision"}, "files": {"file": ("a.bin", content)}}
        known.contents[http.post("/files", **form).json()["id"]] = content
        if at % 4 == 3:
            gone = dice.choice([id for id in known.contents if id not in known.deleted])
            known.doubtful.add(gone)
            assert http.delete(f"/files/{gone}").json()["deleted"]
            known.deleted.add(gone)


def upload(http: httpx2.Client, known: Acknowledged, content: bytes) -> None:
    size = {"bytes": len(content), "filename": "u.bin", "mime_type": "image/png", "purpose": "vision"}
    id = http.post("/uploads", json=size).json()["id"]
    known.parts[id] = []
    for piece in (content[: len(content) // 3], content[len(content) // 3 :]):
        part = http.post(f"/uploads/{id}/parts", files={"data": ("p", piece)}).json()["id"]
        known.parts[id].append((part, piece))
    known.doubtful.add(id)
    answer = http.post(f"/uploads/{id}/complete", json={"part_ids": [part for part, _ in known.parts[id]]})
    known.contents[answer.json()["file"]["id"]] = content
    del known.parts[id]


def until_killed(http: httpx2.Client, known: Acknowledged, dice: random.Random) -> None:
    try:
        act(http, known, dice)
    except httpx2.TransportError:
        return


def start_job(http: httpx2.Client, file: str) -> str:
    body = {"model": "gpt-4o-mini", "training_file": file, "seed": 7, "hyperparameters": {"n_epochs": 4}}
    id: str = http.post("/fine_tuning/jobs", json=body).json()["id"]
    return id


def steps(http: httpx2.Client, job: str) -> Iterator[int]:
    """Yield the steps that a job tells of, the last first."""
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = http.get(f"/fine_tuning/jobs/{job}/events", params=query).json()
        yield from (event["data"]["step"] for event in page["data"] if event["type"] == "metrics")
        if not page["has_more"]:
            return
        query["after"] = page["data"][-1]["id"]


def result(http: httpx2.Client, job: str) -> bytes:
    """Return the measurements of a job once it has succeeded."""
    for _ in range(2000):
        shown = http.get(f"/fine_tuning/jobs/{job}").json()
        if shown["status"] not in ("validating_files", "queued", "running"):
            break
    assert shown["status"] == "succeeded"
    return base64.b64decode(http.get(f"/files/{shown['result_files'][0]}/content").content)


def check_contents(http: httpx2.Client, known: Acknowledged) -> None:
    listed = {file["id"] for file in http.get("/files", params={"purpose": "vision"}).json()["data"]}
    for id, content in known.contents.items():
        if id in known.deleted:
            assert http.get(f"/files/{id}").status_code == 404
        elif id in listed or id not in known.doubtful:
            assert http.get(f"/files/{id}/content").content == content
    for id, parts in known.parts.items():
        whole = b"".join(piece for _, piece in parts)
        answer = http.post(f"/uploads/{id}/complete", json={"part_ids": [part for part, _ in parts]})
        if answer.status_code == 200:
            assert http.get(f"/files/{answer.json()['file']['id']}/content").content == whole
        elif id not in known.doubtful:  # a part is missing that was never acknowledged
            assert "bytes in total" in answer.json()["error"]["message"]


def test_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    flags = ("--store", f"sqlite:{tmp_path / 'state.db'}")
    known, dice, jobs = Acknowledged(), random.Random(7), list[str]()
    for turn in range(KILLS):
        with serving(*flags) as served, httpx2.Client(base_url=f"{served.url}/v1", headers=HEADERS) as http:
            if turn == 0:
                form: Any = {"data": {"purpose": "fine-tune"}, "files": {"file": ("t.jsonl", EXAMPLES)}}
                file = http.post("/files", **form).json()["id"]
            jobs.append(start_job(http, file))
            client = threading.Thread(target=until_killed, args=(http, known, random.Random(turn)))
            client.start()
            with httpx2.Client(base_url=f"{served.url}/v1", headers=HEADERS) as other:
                while next(steps(other, jobs[-1]), 0) < dice.randint(1, STEPS // 2):
                    pass
            served.process.send_signal(signal.SIGKILL)
            served.process.wait()
            client.join()
    with serving(*flags) as served, httpx2.Client(base_url=f"{served.url}/v1", headers=HEADERS, timeout=30) as http:
        assert len(known.contents) > KILLS
        check_contents(http, known)
        undisturbed = result(http, start_job(http, file))
        assert [result(http, job) == undisturbed for job in jobs] == [True] * KILLS
        assert list(steps(http, jobs[-1])) == list(range(STEPS, 0, -1))

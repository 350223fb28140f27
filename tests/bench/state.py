"""State: files, pages, batches and training, for each store. One client on one connection, at the pace `instant`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
from rich.table import Table

from mockai.engine import learning
from mockai.engine.learner import train
from mockai.store import open_store

HEADERS = {"authorization": "Bearer sk-bench"}
PAGES = (100, 100_000)
LINES = 5_000
"""Lines of the batch."""
EXAMPLES = 300


class Desk:
    """A client that uploads, and waits for work."""

    def __init__(self, http: httpx2.Client) -> None:
        """Talk to one server."""
        self._http = http

    def upload(self, purpose: str, rows: list[Any]) -> str:
        """Upload lines and return the id of the file."""
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        answer = self._http.post("/v1/files", data={"purpose": purpose}, files={"file": ("a.jsonl", content)})
        id: str = answer.json()["id"]
        return id

    def there_and_back(self) -> None:
        """Create a small file and retrieve it."""
        id = self.upload("user_data", [{"a": 1}])
        self._http.get(f"/v1/files/{id}").raise_for_status()

    def finish(self, path: str, body: Any) -> float:
        """Start work and return the seconds until it has ended."""
        begun = time.perf_counter()
        made = self._http.post(path, json=body).json()
        while made["status"] not in ("completed", "succeeded"):
            made = self._http.get(f"{path}/{made['id']}").json()
        return time.perf_counter() - begun

    def batch(self) -> float:
        """Return the lines a second of a batch of short chats."""
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 20}
        head = {"method": "POST", "url": "/v1/chat/completions", "body": body}
        file = self.upload("batch", [{"custom_id": f"r{at}", **head} for at in range(LINES)])
        asked = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return LINES / self.finish("/v1/batches", asked)

    def training(self) -> float:
        """Return the tokens a second of a fine-tuning job, its validation included."""
        answer = "It is a long answer about the matter at hand, with a reason and an example to go with it. " * 4
        lines = [[("user", f"Tell me about thing {at}."), ("assistant", f"{at}: {answer}")] for at in range(EXAMPLES)]
        rows = [{"messages": [{"role": role, "content": text} for role, text in line]} for line in lines]
        file = self.upload("fine-tune", rows)
        body = {"model": "gpt-4o-mini", "training_file": file, "hyperparameters": {"n_epochs": 3}}
        seconds = self.finish("/v1/fine_tuning/jobs", body)
        job = self._http.get("/v1/fine_tuning/jobs?limit=1").json()["data"][0]
        tokens: int = job["trained_tokens"]
        return tokens / seconds


def rate(act: Callable[[], None], seconds: float) -> float:
    """Return how often something can be done in a second."""
    begun, times = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        act()
        times += 1
    return times / (time.perf_counter() - begun)


def page_cost(where: str, documents: int) -> float:
    """Return the microseconds of one page of 20 in a collection of so many documents."""
    store = open_store(where)
    try:
        with store.transaction():
            for at in range(documents):
                store.put("t", "file", {"id": f"file-{at}", "object": "file"}, tags={"purpose": "batch"})
        middle = f"file-{documents // 2}"

        def read() -> None:
            store.list("t", "file", after=middle, limit=20, where={"purpose": "batch"})

        return 1e6 / rate(read, 0.5)
    finally:
        store.close()


def rows(url: str, name: str, where: str, seconds: float, table: Table) -> None:
    """Measure one store, and add its rows."""
    with httpx2.Client(base_url=url, headers=HEADERS, timeout=120) as http:
        desk = Desk(http)
        table.add_row(f"{name}: create and retrieve a file", f"{rate(desk.there_and_back, seconds):.0f}/s")
        for documents in PAGES:
            cost = page_cost(f"{where}.{documents}" if where != "memory" else where, documents)
            table.add_row(f"{name}: a page of 20 out of {documents:,}", f"{cost:.0f} µs")
        table.add_row(f"{name}: batch lines", f"{desk.batch():.0f}/s")
        table.add_row(f"{name}: trained tokens", f"{desk.training():.0f}/s")


def learner(table: Table) -> None:
    """Measure the learner alone."""
    text = "It is a long answer about the matter at hand, with a reason and an example to go with it. " * 4
    asked = [f"Tell me about thing {at}." for at in range(EXAMPLES)]
    lessons = [[learning.lesson("o200k_base", word, word, f"{at}: {text}")] for at, word in enumerate(asked)]
    size = sum(len(lesson[0].reply) for lesson in lessons)
    begun = time.perf_counter()
    for _ in train("o200k_base", lessons, (), learning.Plan(3, 1, 2.0, 1)):
        pass
    table.add_row("the learner alone: tokens", f"{3 * size / (time.perf_counter() - begun):.0f}/s")

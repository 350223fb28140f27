"""Vector stores: how long a million characters take to be indexed, and a search over 20,000 chunks."""

from __future__ import annotations

import statistics
import time
from typing import Any

import httpx2
from rich.table import Table

from mockai.engine import tokens
from tests.passages import DOCUMENTS, QUESTIONS

CHUNKS = 20_000
SIZES = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}}
HEADERS = {"authorization": "Bearer sk-bench"}


def rows(url: str, table: Table) -> None:
    """Measure both at a server."""
    sentences = " ".join(DOCUMENTS.values())
    with httpx2.Client(base_url=f"{url}/v1", headers=HEADERS, timeout=300) as client:
        text = "".join(f"{at}. {sentences}\n" for at in range(1_000_000 // len(sentences) + 1))[:1_000_000]
        _indexed(client, text[:1000], None)  # what is loaded once
        begun = time.perf_counter()
        _indexed(client, text, None)
        took = time.perf_counter() - begun
        table.add_row("indexing 1,000,000 characters", f"{took:.2f} s", f"≤ 10 {'✓' if took <= 10 else '✗'}")
        lines = CHUNKS * 100 // tokens.count("cl100k_base", sentences)
        path = _indexed(client, "".join(f"{at}. {sentences}\n" for at in range(lines)), SIZES)
        times = []
        for question, _ in QUESTIONS:
            begun = time.perf_counter()
            client.post(f"{path}/search", json={"query": question}).raise_for_status()
            times.append((time.perf_counter() - begun) * 1000)
        client.delete(path).raise_for_status()
    took = statistics.median(times[5:])
    table.add_row(f"search over {CHUNKS:,} chunks", f"{took:.1f} ms", f"≤ 50 {'✓' if took <= 50 else '✗'}")


def _indexed(client: httpx2.Client, text: str, chunking: Any) -> str:
    form: dict[str, Any] = {"data": {"purpose": "assistants"}, "files": {"file": ("bench.txt", text.encode())}}
    file = client.post("/files", **form).json()["id"]
    made = client.post("/vector_stores", json={"file_ids": [file], "chunking_strategy": chunking}).json()
    path = f"/vector_stores/{made['id']}"
    while client.get(path).json()["status"] == "in_progress":
        time.sleep(0.01)
    return path

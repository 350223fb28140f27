"""Measure the hot path beside a bare uvicorn application, interleaved, in one run: `make bench`.

Server and load sit on separate cores. Quote the ratios: absolute figures vary with the machine.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from tests.bench import load, rules, runs, state, vector_stores

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
POOL = 1000
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = CORES[0] if len(CORES) > 1 else None
LOAD_CORE = CORES[1] if len(CORES) > 1 else None
HEADERS = {"authorization": "Bearer sk-bench"}
WORDS = Path(__file__).with_name("__main__.py").read_text("utf-8").split()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    path: str
    bodies: list[Any]
    connections: int
    target: float | None


def prompt(number: int, size: int) -> str:
    """Return a prompt of `size` words that no other number gives."""
    return f"{number} " + " ".join(WORDS[(number * 31 + at * 7) % len(WORDS)] for at in range(size))


def chat(number: int, size: int = 12, **more: Any) -> dict[str, Any]:
    """Return a chat request of its own prompt and seed."""
    messages = [{"role": "user", "content": prompt(number, size)}]
    return {"model": "gpt-4o-mini", "messages": messages, "seed": number, **more}


def embedding(number: int, texts: int) -> dict[str, Any]:
    """Return an embeddings request of `texts` inputs, base64 at 1,536 dimensions."""
    inputs = [prompt(number * 64 + at, 12) for at in range(texts)]
    return {"model": "text-embedding-3-small", "input": inputs, "encoding_format": "base64"}


def rows() -> list[Row]:
    """Return what is measured."""
    chats = [chat(number) for number in range(POOL)]
    streams = [chat(number, stream=True) for number in range(POOL)]
    return [
        Row("chat, 16 connections", "/v1/chat/completions", chats, 16, 0.45),
        Row("chat, 64 connections", "/v1/chat/completions", chats, 64, 0.45),
        Row("chat streamed, 16 connections", "/v1/chat/completions", streams, 16, 0.25),
        Row("embeddings, 1 text", "/v1/embeddings", [embedding(n, 1) for n in range(POOL)], 16, 0.45),
        Row("embeddings, 64 texts", "/v1/embeddings", [embedding(n, 64) for n in range(50)], 16, 0.10),
        Row("chat, 100 KB prompt", "/v1/chat/completions", [chat(n, 14_000) for n in range(20)], 4, None),
    ]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[tuple[str, int]]:
    """Run a server on its core; give its URL and process id when it answers."""
    pin = ["taskset", "-c", str(SERVER_CORE)] if SERVER_CORE is not None else []
    process = subprocess.Popen([*pin, *command], env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    for _ in range(2000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise RuntimeError("the server did not start")


def mock(*flags: str) -> Any:
    """Start the mock."""
    port = free_port()
    command = [sys.executable, "-m", "mockai", "serve", "--port", str(port), "--log-level", "error", *flags]
    return server(command, port)


def bare(size: int, kind: str) -> Any:
    """Start the yardstick, answering `size` bytes."""
    port = free_port()
    flags = ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.bench.bare:app",
        *flags,
        "--no-access-log",
        "--log-level",
        "error",
    ]
    return server(command, port, BARE_SIZE=str(size), BARE_KIND=kind)


def measure(url: str, row: Row, table: Table) -> None:
    """Measure one row: mock and yardstick in turn."""
    sample = [httpx2.post(url + row.path, json=body, headers=HEADERS) for body in row.bodies[:20]]
    size = round(statistics.mean(len(answer.content) for answer in sample))
    with bare(size, sample[0].headers["content-type"]) as (yardstick, _):
        pairs = [
            [load.rate(at, row.path, row.bodies, row.connections, SECONDS, LOAD_CORE) for at in (url, yardstick)]
            for _ in range(ROUNDS)
        ]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    wanted = "" if row.target is None else f"≥ {row.target:.2f} {'✓' if ratio >= row.target else '✗'}"
    table.add_row(row.name, f"{size:,}", f"{theirs:,.0f}", f"{ours:,.0f}", f"{ratio:.2f}", wanted)


def cold_start() -> float:
    """Return the seconds from the start of the process to the first chat answer, the best of three."""
    times = []
    for _ in range(3):
        port = free_port()
        begun = time.perf_counter()
        with server([sys.executable, "-m", "mockai", "serve", "--port", str(port), "--log-level", "error"], port) as (
            url,
            _,
        ):
            httpx2.post(f"{url}/v1/chat/completions", json=chat(1), headers=HEADERS).raise_for_status()
            times.append(time.perf_counter() - begun)
    return min(times)


_LOADING = """
import sys, time
begun = time.perf_counter()
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public
openai_public.load_tiktoken_bpe = lambda url, expected_hash=None: load_tiktoken_bpe(sys.argv[1], expected_hash)
tiktoken.Encoding(**openai_public.o200k_base())
print(time.perf_counter() - begun)
"""


def loading() -> float:
    """Return the seconds that tiktoken takes by itself to load the ranks of o200k, the best of three.

    That is the scale of the cold start: it took 0.44 s on the machine that the target comes from.
    """
    from mockai.engine import tokens

    pin = ["taskset", "-c", str(SERVER_CORE)] if SERVER_CORE is not None else []
    with tempfile.NamedTemporaryFile() as ranks:
        ranks.write(tokens.official_ranks("o200k_base"))
        ranks.flush()
        command = [*pin, sys.executable, "-c", _LOADING, ranks.name]
        environment = {**os.environ, "TIKTOKEN_CACHE_DIR": ""}
        runs = [subprocess.run(command, env=environment, capture_output=True, check=True) for _ in range(3)]
    return min(float(run.stdout) for run in runs)


def memory(process: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def memory_rows(table: Table) -> None:
    """Measure resident memory over 20,000 requests."""
    with mock() as (url, process):
        _requests(url, 10_000)
        half = memory(process)
        _requests(url, 10_000)
        whole = memory(process)
    table.add_row("RSS after 20,000 requests", f"{whole:.0f} MB", f"≤ 200 {'✓' if whole <= 200 else '✗'}")
    table.add_row("growth over the last 10,000", f"{whole - half:.1f} MB", f"≤ 5 {'✓' if whole - half <= 5 else '✗'}")


def _requests(url: str, count: int) -> None:
    with httpx2.Client(headers=HEADERS) as client:
        for number in range(count):
            client.post(f"{url}/v1/chat/completions", json=chat(number)).raise_for_status()


def counting() -> float:
    """Return the milliseconds that tiktoken takes for the 100 KB prompt."""
    from mockai.engine import tokens

    text = prompt(1, 14_000)
    tokens.encode("o200k_base", "warm")
    begun = time.perf_counter()
    for _ in range(10):
        tokens.encode("o200k_base", text)
    return (time.perf_counter() - begun) * 100


def kept() -> Table:
    """Measure files, pages, batches and training over each store."""
    table = Table("state", "measured")
    state.learner(table)
    with tempfile.TemporaryDirectory() as folder:
        for name, where in (("memory", "memory"), ("SQLite", f"sqlite:{folder}/bench.db")):
            with mock("--store", where) as (url, _):
                state.rows(url, name, where, SECONDS, table)
    return table


RULED = {"chat, 16 connections": 0.83, "chat, 100 KB prompt": None}
"""The rows that are measured beside rules, too, and which part of their rate has to be left."""


def ruled() -> Table:
    """Measure chat beside a thousand rules, against chat without any."""
    table = Table(f"{rules.COUNT:,} rules", "without/s", "with/s", "ratio", "target")
    with tempfile.TemporaryDirectory() as folder:
        flags = "-f", str(rules.write(Path(folder)))
        with mock() as (plain, _), mock(*flags) as (other, _):
            for row in rows():
                if row.name in RULED:
                    target = RULED[row.name]
                    rules.add(table, row.name, partial(_rate, plain, row), partial(_rate, other, row), ROUNDS, target)
    return table


def _rate(url: str, row: Row) -> float:
    return load.rate(url, row.path, row.bodies, row.connections, SECONDS, LOAD_CORE)


def main() -> None:
    """Print the tables."""
    console = Console(width=110)
    console.print(f"load by {load.GENERATOR}; {ROUNDS} rounds of {SECONDS:g} s each, one worker; cores {CORES}")
    table = Table("hot path", "bytes", "bare/s", "mockai/s", "ratio", "target")
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [row for row in rows() if wanted in row.name]
    with mock() as (url, _):
        for row in chosen:
            measure(url, row, table)
    console.print(table)
    if wanted in ("", "rules"):
        console.print(ruled())
    if wanted:
        return
    other = Table("start, memory, search", "measured", "target")
    started = cold_start()
    other.add_row(
        "cold start to the first chat answer", f"{started:.2f} s", f"≤ 0.80 {'✓' if started <= 0.8 else '✗'}"
    )
    other.add_row("tiktoken loading o200k by itself", f"{loading():.2f} s", "(0.44)")
    other.add_row("counting the 100 KB prompt", f"{counting():.1f} ms", "")
    memory_rows(other)
    with mock() as (url, _):
        vector_stores.rows(url, other)
    console.print(other)
    with mock() as (url, _):
        console.print(runs.table(url, SECONDS))
    console.print(kept())


if __name__ == "__main__":
    main()

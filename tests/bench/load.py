"""Load on one server: wrk where it is installed, else an asyncio client of our own (slower; it says so)."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

GENERATOR = "wrk" if shutil.which("wrk") else "asyncio"

_SCRIPT = """
local requests = {}
for line in io.lines("%s") do
  requests[#requests + 1] = wrk.format("POST", "%s", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer sk-bench"}, line)
end
local at = 0
request = function()
  at = at %% #requests + 1
  return requests[at]
end
"""


def rate(url: str, path: str, bodies: list[Any], connections: int, seconds: float, core: int | None) -> float:
    """Return answered requests a second; every answer has to be a 200."""
    if GENERATOR == "wrk":
        return _wrk(url, path, bodies, connections, seconds, core)
    return asyncio.run(_own(url, path, [json.dumps(body).encode() for body in bodies], connections, seconds))


def _wrk(url: str, path: str, bodies: list[Any], connections: int, seconds: float, core: int | None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        lines, script = Path(folder, "bodies"), Path(folder, "load.lua")
        lines.write_text("\n".join(json.dumps(body) for body in bodies))
        script.write_text(_SCRIPT % (lines, path))
        pin = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
        command = [*pin, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script), url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(output)
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found, output
    return float(found[1])


async def _own(url: str, path: str, bodies: list[bytes], connections: int, seconds: float) -> float:
    host, port = url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-bench\r\nContent-Type: application/json\r\n"
    end = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_worker(host, int(port), head, bodies, at, end) for at in range(connections)))
    return sum(counts) / seconds


async def _worker(host: str, port: int, head: str, bodies: list[bytes], at: int, end: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    done = 0
    while time.perf_counter() < end:
        body = bodies[(at + done * 7) % len(bodies)]
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await _answer(reader)
        done += 1
    writer.close()
    return done


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    length = re.search(rb"content-length: (\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
        return
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)

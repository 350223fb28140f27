"""When the real API had each endpoint: the days from which and until which, by the name of the operation.

The day it came is that of the official Python SDK which brought it, as the SDK's history has it; the API itself may
have had it a few days earlier. Of what is older than that history no day is told. The ends are the announced ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mockai.call import Operation

ENDED = "2026-08-26"
"""The end of assistants (assistants.md §1)."""
UNTIL: Mapping[str, str] = {"beta": ENDED, "fine_tunes": "2024-01-04"}
"""The days of the ends, by the first part of the name (fine_tuning.md §1)."""
SINCE: Mapping[str, str] = {
    "batches": "2024-04-15",
    "beta.assistants": "2023-11-06",
    "beta.threads": "2023-11-06",
    "beta.threads.messages.delete": "2024-05-01",
    "chat.completions.create": "2023-03-01",
    # stored completions
    "chat.completions": "2025-02-13",
    "completions": "",
    "embeddings": "2022-01-20",
    "files": "",
    "fine_tunes": "",
    "fine_tuning.jobs": "2023-08-22",
    "fine_tuning.jobs.checkpoints": "2024-04-15",
    "fine_tuning.jobs.pause": "2025-05-08",
    "fine_tuning.jobs.resume": "2025-05-08",
    "fine_tuning.checkpoints.permissions": "2025-04-08",
    "fine_tuning.alpha.graders": "2025-05-08",
    "models": "",
    "moderations": "2022-06-14",
    "uploads": "2024-07-22",
    "vector_stores": "2024-04-17",
    "vector_stores.files.content": "2025-03-11",
    "vector_stores.files.update": "2025-03-11",
    "vector_stores.search": "2025-03-11",
}
"""The first days. The longest name that an operation's begins with counts."""


def dated(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the operations with the days of their lives."""
    for operation in operations:
        until = UNTIL.get(operation.name.partition(".")[0], "")
        yield replace(operation, since=SINCE[entry(operation.name)], until=until)


def entry(name: str) -> str:
    """Return the entry of `SINCE` that tells of an operation. Raises `ValueError` without one."""
    return max((known for known in SINCE if f"{name}.".startswith(f"{known}.")), key=len)

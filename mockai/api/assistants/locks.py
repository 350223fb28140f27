"""The lock of a thread: one run at a time, and no new messages meanwhile (assistants.md §9.3).

The newest run of a thread is the only one that can be active, so it is the lock.
"""

from __future__ import annotations

from mockai.api.assistants import life
from mockai.api.assistants.objects import RUN
from mockai.call import Call, Json
from mockai.wire.errors import ApiError


def settle(call: Call, thread_id: str) -> None:
    """Bring the run that holds a thread up to date; not inside a transaction."""
    run = _newest(call, thread_id)
    if run is not None:
        life.settle(call, run["id"], call.now)


def _newest(call: Call, thread_id: str) -> Json | None:
    found = call.store.list(call.tenant, RUN, parent=thread_id, limit=1)
    return found[0] if found else None


def active(call: Call, thread_id: str) -> str | None:
    """Return the id of the run that holds a thread, or None."""
    run = _newest(call, thread_id)
    return run["id"] if run is not None and run["life"]["state"] in life.ACTIVE else None


def check_run(call: Call, thread_id: str) -> None:
    """Refuse a second run."""
    run = active(call, thread_id)
    if run is not None:
        raise ApiError(400, f"Thread {thread_id} already has an active run {run}.")


def check_message(call: Call, thread_id: str) -> None:
    """Refuse a message while a run is under way."""
    run = active(call, thread_id)
    if run is not None:
        raise ApiError(400, f"Can't add messages to {thread_id} while a run {run} is active.")

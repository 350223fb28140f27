"""What is kept of assistants, threads, messages, runs and steps, and under which kinds."""

from __future__ import annotations

from mockai.call import Call, Json
from mockai.wire.errors import ApiError

ASSISTANT, THREAD, MESSAGE, RUN, STEP, SCRIPT = (
    "assistant",
    "thread",
    "message",
    "run",
    "run_step",
    "run_script",
)
AT_ONCE = 500
"""Documents that are deleted in one go."""


def find_thread(call: Call) -> Json:
    """Return the thread that the path names. Raises the API's 404; a phantom is marked as such."""
    id = call.path["thread_id"]
    thread = call.store.get(call.tenant, THREAD, id)
    if thread is None:
        if call.settings.missing == "phantom":
            return {**made_thread(id, call.created, {}), "phantom": True}
        raise ApiError(404, f"No thread found with id '{id}'.")
    return thread


def made_thread(id: str, created: int, metadata: Json) -> Json:
    """Return a new thread."""
    return {"id": id, "object": "thread", "created_at": created, "metadata": metadata, "tool_resources": {}}


def put_message(call: Call, message: Json) -> None:
    """Keep a message in the shape of its events, which is more than polling shows."""
    tags = {"run_id": message["run_id"] or ""}
    call.store.put(call.tenant, MESSAGE, message, parent=message["thread_id"], tags=tags)


def has_user_message(call: Call, thread_id: str) -> bool:
    """Return whether anybody asked anything in a thread."""
    after, size = None, 10
    while True:
        page = call.store.list(call.tenant, MESSAGE, parent=thread_id, after=after, limit=size)
        if any(message["role"] == "user" for message in page):
            return True
        if len(page) < size:
            return False
        after, size = page[-1]["id"], AT_ONCE


def remove_thread(call: Call, id: str) -> None:
    """Delete a thread with its messages and its runs; a run that is under way ends with it."""
    with call.store.transaction():
        for run in _each(call, RUN, id):
            for kind in (STEP, SCRIPT):
                for entry in _each(call, kind, run["id"]):
                    call.store.delete(call.tenant, kind, entry["id"])
            call.store.delete(call.tenant, RUN, run["id"])
        for message in _each(call, MESSAGE, id):
            call.store.delete(call.tenant, MESSAGE, message["id"])
        call.store.delete(call.tenant, THREAD, id)


def _each(call: Call, kind: str, parent: str) -> list[Json]:
    return call.store.list(call.tenant, kind, parent=parent, limit=1_000_000)

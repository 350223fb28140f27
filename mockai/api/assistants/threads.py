"""Threads: create, retrieve, modify, delete (assistants.md §3, §4)."""

from __future__ import annotations

from mockai.api.assistants import beta, messages, schema, schema_v1
from mockai.api.assistants.objects import THREAD, find_thread, made_thread, remove_thread
from mockai.api.assistants.resources import NO_CODE, given, laden, metadata_of, shown_resources
from mockai.api.assistants.shapes import thread_of
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError

SESSION_ONLY = (
    "Your request to GET /v1/threads must be made with a session key "
    "(that is, it can only be made from the browser). You made it with the following key type: secret."
)


def create(call: Call) -> Json:
    """Make a thread, with its first messages."""
    return shown(call, made(call, call.body))


def made(call: Call, body: Json, at: str = "") -> Json:
    """Make and keep a thread; `at` is the path of the body inside a larger one."""
    thread = made_thread(call.ids.alnum("thread_"), call.created, metadata_of(body))
    with call.store.transaction():
        thread["tool_resources"] = shown_resources(call, body, (), expires=True)
        call.store.put(call.tenant, THREAD, thread)
        for number, message in enumerate(given(body, "messages", [])):
            messages.add(call, thread, message, f"{at}messages[{number}].")
    return thread


def shown(call: Call, thread: Json) -> Json:
    """Return a thread as the version of the call shows it."""
    return thread_of(thread, beta.version(call))


def retrieve(call: Call) -> Json:
    """Return a thread. One without resources names the interpreter, which the answers to others do not."""
    thread = find_thread(call)
    return shown(call, with_code(thread))


def with_code(thread: Json) -> Json:
    """Return a thread whose resources are never empty."""
    return {**thread, "tool_resources": thread["tool_resources"] or NO_CODE}


def list_(call: Call) -> Json:
    """Refuse: only the pages of the API's own site could list threads."""
    # The kind of error is that of other paths which gave this text.
    raise ApiError(401, SESSION_ONLY, type="server_error")


def modify(call: Call) -> Json:
    """Change metadata and tool resources."""
    body = call.body
    with call.store.transaction():
        asked = shown_resources(call, body, ())
        thread = find_thread(call)
        if body.get("metadata") is not None:
            thread["metadata"] = metadata_of(body)
        thread["tool_resources"] |= asked
        if "phantom" not in thread:
            call.store.put(call.tenant, THREAD, thread)
    return shown(call, thread)


def delete(call: Call) -> Json:
    """Delete a thread with its messages and runs."""
    id = find_thread(call)["id"]
    remove_thread(call, id)
    return {"id": id, "object": "thread.deleted", "deleted": True}


def _heavy(call: Call) -> bool:
    """A thread may hold many messages."""
    return True


_ONE = "/threads/{thread_id}"
OPERATIONS = (
    Operation(
        "POST",
        "/threads",
        create,
        "beta.threads.create",
        body=schema.THREAD,
        admit=beta.admitting(schema_v1.THREAD),
        weigh=laden,
        liveness="retired",
    ),
    Operation("GET", "/threads", list_, "beta.threads.list", admit=beta.admit, liveness="retired"),
    Operation("GET", _ONE, retrieve, "beta.threads.retrieve", admit=beta.admit, liveness="retired"),
    Operation(
        "POST",
        _ONE,
        modify,
        "beta.threads.update",
        body=schema.MODIFY_THREAD,
        admit=beta.admitting(schema_v1.MODIFY),
        weigh=laden,
        liveness="retired",
    ),
    Operation("DELETE", _ONE, delete, "beta.threads.delete", admit=beta.admit, weigh=_heavy, liveness="retired"),
)

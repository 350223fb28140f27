"""Messages: create, list, retrieve, modify, delete (assistants.md §3, §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mockai import contents
from mockai.api.assistants import beta, faults_v1, filetypes, lists, locks, schema, schema_v1
from mockai.api.assistants.objects import MESSAGE, THREAD, find_thread, put_message
from mockai.api.assistants.resources import MADE_HERE, check_files, given, metadata_of, provide
from mockai.api.assistants.shapes import quoted
from mockai.call import Call, Json, Operation
from mockai.engine.runs import SEARCHES
from mockai.wire.errors import ApiError

UNSEEN = ("status", "incomplete_details", "incomplete_at", "completed_at")
"""Keys that only events have (assistants.md §4)."""
ROLES = "2024-03-29"
"""The day from which on users could write the messages of assistants too."""
V1 = "id object created_at thread_id role content file_ids assistant_id run_id metadata".split()


def create(call: Call) -> Json:
    """Add a message to a thread that no run holds."""
    thread = find_thread(call)
    if "phantom" in thread:
        return shown(call, {**made(call, thread["id"], call.body), "phantom": True})
    locks.settle(call, thread["id"])
    with call.store.transaction():
        thread = find_thread(call)  # which may have gone or changed meanwhile
        locks.check_message(call, thread["id"])
        return shown(call, add(call, thread, call.body))


def add(call: Call, thread: Json, body: Json, at: str = "") -> Json:
    """Keep a new message of a thread, and make its attachments known to the thread's tools."""
    message = made(call, thread["id"], body, at)
    attach(call, thread, message)
    put_message(call, message)
    return message


def made(call: Call, thread_id: str, body: Json, at: str = "") -> Json:
    """Return a new message; `at` is the path of the body inside a larger one. Raises the 404 of its files."""
    _check_role(call, body["role"], at)
    attachments = given(body, "attachments", [])
    file_ids = given(body, "file_ids", [])
    for number, entry in enumerate(attachments):
        if call.settings.missing == "error" and entry.get("file_id") is not None:
            beta.check_prefix(f"{at}attachments[{number}].file_id", entry["file_id"], "file")
    check_files(call, [entry["file_id"] for entry in attachments if entry.get("file_id") is not None])
    check_files(call, file_ids)
    filetypes.check_searched(call, [entry["file_id"] for entry in attachments if _for(entry, "file_search")])
    return {
        "id": call.ids.alnum("msg_"),
        "object": "thread.message",
        "created_at": call.created,
        "assistant_id": None,
        "thread_id": thread_id,
        "run_id": None,
        "status": "completed",
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": call.created,
        "role": body["role"],
        "content": _content(call, body["content"], at),
        "attachments": attachments,
        "file_ids": file_ids,
        "metadata": metadata_of(body),
    }


def _check_role(call: Call, role: str, at: str) -> None:
    """Refuse what users could not write at first: the assistant's messages."""
    day = call.settings.as_of
    if role != "user" and day is not None and day < ROLES:
        place = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", at)]
        raise faults_v1.refusal(((*place, "role"), faults_v1.no_choice(role, ("user",))))


def _content(call: Call, content: Any, at: str) -> list[Json]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [_part(call, part, f"{at}content[{number}]") for number, part in enumerate(parts)]


def _part(call: Call, part: Json, at: str) -> Json:
    kind = part["type"]
    if kind == "text":
        return {"type": "text", "text": {"value": part["text"], "annotations": []}}
    if kind == "image_file":
        check_files(call, [part["image_file"]["file_id"]])
        filetypes.check_picture(call, part["image_file"]["file_id"])
    else:
        filetypes.check_url(call, f"{at}.image_url.url", part["image_url"]["url"])
    return {"type": kind, kind: {**part[kind], "detail": given(part[kind], "detail", "auto")}}


def attach(call: Call, thread: Json, message: Json) -> None:
    """Put the files of a message where the tools of its thread find them."""
    attachments, old = message["attachments"], message["file_ids"]
    searched = [entry["file_id"] for entry in attachments if _for(entry, "file_search")]
    computed = [entry["file_id"] for entry in attachments if _for(entry, "code_interpreter")]
    provide(call, thread["tool_resources"], computed=computed, searched=searched, expires_after=MADE_HERE)
    if old:
        thread["files"] = list(dict.fromkeys([*thread.get("files", ()), *old]))
    if searched or computed or old:
        call.store.put(call.tenant, THREAD, thread)


def bring(call: Call, thread: Json, tools: Iterable[Json]) -> None:
    """Make the files of messages of version 1 known to the thread's tools: a run tells which tools these are."""
    ids = [id for id in thread.get("files", ()) if contents.find(call, id) is not None]
    if not ids:
        return
    kinds = {tool["type"] for tool in tools}
    provide(
        call,
        thread["tool_resources"],
        computed=ids if "code_interpreter" in kinds else (),
        searched=[id for id in ids if filetypes.searched(call, id)] if kinds.intersection(SEARCHES) else (),
        expires_after=MADE_HERE,
    )
    call.store.put(call.tenant, THREAD, thread)


def _for(attachment: Json, tool: str) -> bool:
    wanted = any(entry["type"] == tool for entry in attachment.get("tools") or ())
    return wanted and attachment.get("file_id") is not None


def shown(call: Call, message: Json) -> Json:
    """Return a message as polling shows it."""
    if beta.version(call) == 1:
        return {**{name: message.get(name, []) for name in V1}, "content": quoted(message["content"])}
    # Official types demand a status that the wire does not show; a phantom is made for them.
    hidden = ("phantom", "file_ids") if "phantom" in message else (*UNSEEN, "file_ids")
    shown = {name: value for name, value in message.items() if name not in hidden}
    if message.get("file_ids"):  # of version 1, which did not tell what each is for
        shown["attachments"] = [{"file_id": id, "tools": []} for id in message["file_ids"]]
    return shown


# --- reading and changing ------------------------------------------------------------------------


def find(call: Call) -> Json:
    """Return the message that the path names, as it is kept. Raises the API's 404."""
    thread, id = find_thread(call), call.path["message_id"]
    message = call.store.get(call.tenant, MESSAGE, id)
    if message is None or message["thread_id"] != thread["id"]:
        if call.settings.missing == "phantom":
            return {**made(call, thread["id"], {"role": "user", "content": "Hello"}), "id": id, "phantom": True}
        raise ApiError(404, f"No message found with id '{id}'.")
    return message


def retrieve(call: Call) -> Json:
    """Return a message, as far as the run that writes it has come."""
    locks.settle(call, call.path["thread_id"])
    return shown(call, find(call))


def list_(call: Call) -> Json:
    """Return the messages of a thread, newest first unless `order` says otherwise; `run_id` filters."""
    thread = find_thread(call)
    locks.settle(call, thread["id"])
    run = call.query.get("run_id")
    where = {"run_id": run[0]} if run else None
    return lists.page(
        call, MESSAGE, "message", lambda message: shown(call, message), parent=thread["id"], where=where
    )


def modify(call: Call) -> Json:
    """Change the metadata. The answer has `file_ids` where every other one has `attachments`."""
    with call.store.transaction():
        message = find(call)
        if call.body.get("metadata") is not None:
            message["metadata"] = metadata_of(call.body)
            if "phantom" not in message:
                put_message(call, message)
    answer = shown(call, message)
    return {"file_ids" if name == "attachments" else name: value for name, value in answer.items()} | (
        {} if beta.version(call) == 1 else {"file_ids": []}
    )


def delete(call: Call) -> Json:
    """Delete a message."""
    id = find(call)["id"]
    call.store.delete(call.tenant, MESSAGE, id)
    return {"id": id, "object": "thread.message.deleted", "deleted": True}


def _heavy(call: Call) -> bool:
    """The turn of a run may be planned first."""
    return True


_ALL, _ONE = "/threads/{thread_id}/messages", "/threads/{thread_id}/messages/{message_id}"
OPERATIONS = (
    Operation(
        "POST",
        _ALL,
        create,
        "beta.threads.messages.create",
        body=schema.MESSAGE,
        admit=beta.admitting(schema_v1.MESSAGE),
        weigh=_heavy,
        liveness="retired",
    ),
    Operation("GET", _ALL, list_, "beta.threads.messages.list", admit=beta.admit, weigh=_heavy, liveness="retired"),
    Operation(
        "GET", _ONE, retrieve, "beta.threads.messages.retrieve", admit=beta.admit, weigh=_heavy, liveness="retired"
    ),
    Operation(
        "POST",
        _ONE,
        modify,
        "beta.threads.messages.update",
        body=schema.MODIFY,
        admit=beta.admitting(schema_v1.MODIFY),
        liveness="retired",
    ),
    Operation("DELETE", _ONE, delete, "beta.threads.messages.delete", admit=beta.admit, liveness="retired"),
)

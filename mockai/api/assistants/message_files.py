"""The files of a message, as version 1 had them: list and retrieve (assistants.md §8)."""

from __future__ import annotations

from mockai.api.assistants import beta, lists, messages
from mockai.api.assistants.assistants import present
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError


def shown(message: Json, file_id: str) -> Json:
    """Return a file of a message."""
    return {
        "id": file_id,
        "object": "thread.message.file",
        "created_at": message["created_at"],
        "message_id": message["id"],
    }


def list_(call: Call) -> Json:
    """Return the files of a message, the last one first unless `order` says otherwise."""
    message = messages.find(call)
    return lists.within(call, "message file", [shown(message, id) for id in present(call, message["file_ids"])])


def retrieve(call: Call) -> Json:
    """Return one file of a message. Raises the API's 404."""
    message, id = messages.find(call), call.path["file_id"]
    if call.settings.missing != "phantom" and id not in present(call, message["file_ids"]):
        raise ApiError(404, f"No message file found with id '{id}'.")
    return shown(message, id)


_ALL = "/threads/{thread_id}/messages/{message_id}/files"
OPERATIONS = tuple(
    Operation("GET", path, handler, f"beta.threads.messages.files.{name}", admit=beta.admit_first, liveness="retired")
    for path, handler, name in ((_ALL, list_, "list"), (f"{_ALL}/{{file_id}}", retrieve, "retrieve"))
)

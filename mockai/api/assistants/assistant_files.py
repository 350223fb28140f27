"""The files of an assistant, as version 1 had them: attach, list, retrieve, detach (assistants.md §8)."""

from __future__ import annotations

from mockai.api.assistants import assistants, beta, faults_v1, lists, schema_v1
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError


def shown(assistant_id: str, file_id: str, created: int) -> Json:
    """Return a file of an assistant; its `created_at` is when it was attached."""
    return {"id": file_id, "object": "assistant.file", "created_at": created, "assistant_id": assistant_id}


def create(call: Call) -> Json:
    """Attach a file; one that is there already stays."""
    file_id = call.body["file_id"]
    with call.store.transaction():
        assistant = assistants.find(call, call.path["assistant_id"])
        ids = list(dict.fromkeys([*assistants.present(call, assistant["files"]), file_id]))
        most = schema_v1.MOST_FILES
        if len(ids) > most:
            text = f"ensure this value has at most {most} items (type=value_error.list.max_items; limit_value={most})"
            raise faults_v1.refusal((("file_ids",), text))
        assistants.place(call, assistant, ids)
        assistants.keep(call, assistant)
    return shown(assistant["id"], file_id, assistant["files"][file_id])


def list_(call: Call) -> Json:
    """Return the files of an assistant, the last attached first unless `order` says otherwise."""
    assistant = assistants.find(call, call.path["assistant_id"])
    there = assistants.present(call, assistant["files"])
    return lists.within(call, "assistant file", [shown(assistant["id"], id, assistant["files"][id]) for id in there])


def retrieve(call: Call) -> Json:
    """Return one file of an assistant. Raises the API's 404."""
    assistant, id = assistants.find(call, call.path["assistant_id"]), call.path["file_id"]
    if id in assistants.present(call, assistant["files"]):
        return shown(assistant["id"], id, assistant["files"][id])
    if call.settings.missing == "phantom":
        return shown(assistant["id"], id, call.created)
    raise ApiError(404, f"No assistant file found with id '{id}'.")


def delete(call: Call) -> Json:
    """Detach a file, in both versions; the file itself stays."""
    with call.store.transaction():
        id = retrieve(call)["id"]
        assistant = assistants.find(call, call.path["assistant_id"])
        assistants.place(call, assistant, [other for other in assistant["files"] if other != id])
        assistants.keep(call, assistant)
    return {"id": id, "object": "assistant.file.deleted", "deleted": True}


_ALL, _ONE, _NAME = (
    "/assistants/{assistant_id}/files",
    "/assistants/{assistant_id}/files/{file_id}",
    "beta.assistants",
)
OPERATIONS = (
    Operation(
        "POST",
        _ALL,
        create,
        f"{_NAME}.files.create",
        body=schema_v1.ASSISTANT_FILE,
        admit=beta.admitting(schema_v1.ASSISTANT_FILE, beta.admit_first),
        liveness="retired",
    ),
    Operation("GET", _ALL, list_, f"{_NAME}.files.list", admit=beta.admit_first, liveness="retired"),
    Operation("GET", _ONE, retrieve, f"{_NAME}.files.retrieve", admit=beta.admit_first, liveness="retired"),
    Operation("DELETE", _ONE, delete, f"{_NAME}.files.delete", admit=beta.admit_first, liveness="retired"),
)

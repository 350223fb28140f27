"""Assistants: create, list, retrieve, modify, delete (assistants.md §3, §4)."""

from __future__ import annotations

from mockai.api.assistants import beta, filetypes, lists, models, schema
from mockai.api.assistants.objects import ASSISTANT
from mockai.api.assistants.resources import (
    check_files,
    check_format,
    given,
    metadata_of,
    shown_resources,
    shown_tool,
)
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError

V1 = ("id object created_at name description model instructions tools file_ids metadata").split()


def create(call: Call) -> Json:
    """Make an assistant."""
    assistant = _made(call, call.ids.alnum("asst_"), call.body)
    call.store.put(call.tenant, ASSISTANT, assistant)
    return shown(call, assistant)


def _made(call: Call, id: str, body: Json) -> Json:
    models.check(call, body["model"])
    tools = [shown_tool(tool) for tool in given(body, "tools", [])]
    check_format(call, tools, body.get("response_format"))
    check_files(call, given(body, "file_ids", []))
    if [tool["type"] for tool in tools if tool["type"] in ("retrieval", "code_interpreter")] == ["retrieval"]:
        filetypes.check_searched(call, given(body, "file_ids", []))
    return {
        "id": id,
        "object": "assistant",
        "created_at": call.created,
        "name": body.get("name"),
        "description": body.get("description"),
        "model": body["model"],
        "instructions": body.get("instructions"),
        "tools": tools,
        "top_p": float(given(body, "top_p", 1.0)),
        "temperature": float(given(body, "temperature", 1.0)),
        "reasoning_effort": body.get("reasoning_effort"),
        "tool_resources": shown_resources(call, body, tools),
        "file_ids": given(body, "file_ids", []),
        "metadata": metadata_of(call, body),
        "response_format": given(body, "response_format", "auto"),
    }


def shown(call: Call, assistant: Json) -> Json:
    """Return an assistant as the version of the call shows it."""
    if beta.version(call) == 1:
        return {name: assistant[name] for name in V1}
    return {name: value for name, value in assistant.items() if name != "file_ids"}


def find(call: Call, id: str) -> Json:
    """Return an assistant as it is kept. Raises the API's 404."""
    if call.settings.missing == "error" and beta.version(call) == 2:
        beta.check_prefix("assistant_id", id, "asst")
    assistant = call.store.get(call.tenant, ASSISTANT, id)
    if assistant is None:
        if call.settings.missing == "phantom":
            return phantom(call, id)
        raise ApiError(404, f"No assistant found with id '{id}'.")
    return assistant


def phantom(call: Call, id: str) -> Json:
    """Return an assistant that does not exist."""
    return _made(call, id, {"model": "gpt-4o", "instructions": "Be kind."})


def retrieve(call: Call) -> Json:
    """Return an assistant."""
    return shown(call, find(call, call.path["assistant_id"]))


def list_(call: Call) -> Json:
    """Return assistants, newest first unless `order` says otherwise."""
    return lists.page(call, ASSISTANT, "assistant", lambda assistant: shown(call, assistant))


def modify(call: Call) -> Json:
    """Change what the body names."""
    with call.store.transaction():
        before, body = find(call, call.path["assistant_id"]), call.body
        changed = {**before, **{name: value for name, value in body.items() if value is not None}}
        after = {**_made(call, before["id"], changed), "created_at": before["created_at"]}
        if body.get("metadata") is None:
            after["metadata"] = before["metadata"]
        if call.store.get(call.tenant, ASSISTANT, before["id"]) is not None:
            call.store.put(call.tenant, ASSISTANT, after)
    return shown(call, after)


def delete(call: Call) -> Json:
    """Delete an assistant; its runs stay."""
    id = find(call, call.path["assistant_id"])["id"]
    call.store.delete(call.tenant, ASSISTANT, id)
    return {"id": id, "object": "assistant.deleted", "deleted": True}


_ONE = "/assistants/{assistant_id}"
OPERATIONS = (
    Operation(
        "POST",
        "/assistants",
        create,
        "beta.assistants.create",
        body=schema.ASSISTANT,
        admit=beta.admitting(schema.ASSISTANT_V1),
        liveness="retired",
    ),
    Operation("GET", "/assistants", list_, "beta.assistants.list", admit=beta.admit, liveness="retired"),
    Operation("GET", _ONE, retrieve, "beta.assistants.retrieve", admit=beta.admit, liveness="retired"),
    Operation(
        "POST",
        _ONE,
        modify,
        "beta.assistants.update",
        body=schema.MODIFY_ASSISTANT,
        admit=beta.admitting(schema.MODIFY_ASSISTANT_V1),
        liveness="retired",
    ),
    Operation("DELETE", _ONE, delete, "beta.assistants.delete", admit=beta.admit, liveness="retired"),
)

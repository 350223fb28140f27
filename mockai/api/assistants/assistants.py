"""Assistants: create, list, retrieve, modify, delete (assistants.md §3, §4)."""

from __future__ import annotations

from collections.abc import Iterable

from mockai import contents
from mockai.api.assistants import beta, filetypes, lists, models, schema, schema_v1
from mockai.api.assistants.objects import ASSISTANT
from mockai.api.assistants.resources import (
    check_files,
    check_format,
    given,
    laden,
    metadata_of,
    provide,
    shown_resources,
    shown_tool,
    tools_of,
    withdraw,
)
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError

UNSEEN = ("files", "brought")
"""Of version 1: its files with the times at which they came, and which of them only it gave to the tools."""
V1 = ("id object created_at name description model instructions tools file_ids metadata").split()


def create(call: Call) -> Json:
    """Make an assistant."""
    with call.store.transaction():
        assistant = _made(call, call.ids.alnum("asst_"), call.body)
        place(call, assistant, given(call.body, "file_ids", []))
        call.store.put(call.tenant, ASSISTANT, assistant)
    return shown(call, assistant)


def _made(call: Call, id: str, body: Json) -> Json:
    models.check(call, body["model"])
    tools = [shown_tool(tool) for tool in given(body, "tools", [])]
    check_format(call, tools, body.get("response_format"))
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
        "files": {},
        "metadata": metadata_of(body),
        "response_format": given(body, "response_format", "auto"),
    }


def place(call: Call, assistant: Json, ids: list[str]) -> None:
    """Give an assistant just these files of version 1, in which its tools find them in version 2 too.

    The other way is none: what version 2 does to its resources, version 1 does not show.
    """
    before, kinds = assistant["files"], {tool["type"] for tool in assistant["tools"]}
    check_files(call, [id for id in ids if id not in before])
    searches = "file_search" in kinds
    if searches and "code_interpreter" not in kinds:
        filetypes.check_searched(call, ids)
    assistant["files"] = {id: before.get(id, call.created) for id in ids}
    brought, left = assistant.get("brought", {}), before.keys() - set(ids)
    # What version 2 gave the tools stays, though version 1 named it too.
    withdraw(call, assistant["tool_resources"], {tool: [*left & set(known)] for tool, known in brought.items()})
    there = present(call, ids)
    new = provide(
        call,
        assistant["tool_resources"],
        computed=there if "code_interpreter" in kinds else (),
        searched=[id for id in there if filetypes.searched(call, id)] if searches else (),
    )
    tools = dict.fromkeys([*brought, *new])
    known = {tool: [*brought.get(tool, ()), *new.get(tool, ())] for tool in tools}
    assistant["brought"] = {tool: [id for id in known[tool] if id in ids] for tool in tools}


def keep(call: Call, assistant: Json) -> None:
    """Store an assistant that was there before; a phantom is not."""
    if call.store.get(call.tenant, ASSISTANT, assistant["id"]) is not None:
        call.store.put(call.tenant, ASSISTANT, assistant)


def present(call: Call, ids: Iterable[str]) -> list[str]:
    """Return the files that have not been deleted; where unknown ids are phantoms, all."""
    return [id for id in ids if call.settings.missing == "phantom" or contents.find(call, id) is not None]


def shown(call: Call, assistant: Json) -> Json:
    """Return an assistant as the version of the call shows it."""
    version = beta.version(call)
    shown = {**assistant, "tools": tools_of(assistant["tools"], version)}
    if version == 1:
        shown["file_ids"] = present(call, shown["files"])
        return {name: shown[name] for name in V1}
    return {name: value for name, value in shown.items() if name not in UNSEEN}


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
        named = {name: value for name, value in body.items() if value is not None}
        after = _made(call, before["id"], {**before, "tool_resources": None, **named})
        after |= {name: before[name] for name in ("created_at", *UNSEEN) if name in before}
        if "tool_resources" not in named:
            after["tool_resources"] |= before["tool_resources"]
        if beta.version(call) == 1:
            place(call, after, given(body, "file_ids", present(call, before["files"])))
        keep(call, after)
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
        admit=beta.admitting(schema_v1.ASSISTANT),
        weigh=laden,
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
        admit=beta.admitting(schema_v1.MODIFY_ASSISTANT),
        weigh=laden,
        liveness="retired",
    ),
    Operation("DELETE", _ONE, delete, "beta.assistants.delete", admit=beta.admit, liveness="retired"),
)

"""Tools and what they work on: written out as the API shows them, and checked (assistants.md §4, §9.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockai import contents, retrieval
from mockai.api.assistants import filetypes
from mockai.call import Call, Json
from mockai.engine.runs import RANKER, SEARCHES
from mockai.wire import errors
from mockai.wire.errors import ApiError

RANKING: Json = {"ranker": RANKER, "score_threshold": 0.0}
NO_CODE: Json = {"code_interpreter": {"file_ids": []}}
"""The resources that a thread without any shows where it is retrieved, and runs and threads in events."""
MADE_HERE = {"anchor": "last_active_at", "days": 7}
"""A vector store that is made for a thread expires."""


def laden(call: Call) -> bool:
    """Return whether a body brings messages or files: there may be many."""
    return any(call.body.get(name) for name in ("messages", "tool_resources", "file_ids")) if call.body else False


def given(body: Json, name: str, default: Any) -> Any:
    """Return a value of a body; null stands for the default."""
    value = body.get(name)
    return default if value is None else value


def check_format(call: Call, tools: Iterable[Json], form: Any) -> None:
    """Refuse JSON beside hosted tools."""
    kind = form["type"] if isinstance(form, dict) else form
    foreign = any(tool["type"] != "function" for tool in tools)
    if kind in ("json_object", "json_schema") and foreign and call.settings.validate == "api":
        text = f"all tools must be of type `function` when `response_format` is of type `{kind}`."
        raise ApiError(400, f"Invalid tools: {text}")


def check_choice(call: Call, tools: Iterable[Json], choice: Any) -> None:
    """Refuse the choice of a tool that the run does not have. The texts are unverified; the first is that of chat."""
    if not isinstance(choice, dict) or call.settings.validate == "schema":
        return
    if choice["type"] == "function":
        name = choice["function"]["name"]
        if name not in [tool["function"]["name"] for tool in tools if tool["type"] == "function"]:
            raise errors.undeclared_function(name)
    elif choice["type"] not in [tool["type"] for tool in tools]:
        text = f"no tool of type '{choice['type']}' was specified in the 'tools' parameter."
        raise ApiError(400, f"Invalid value for 'tool_choice': {text}", param="tool_choice")


def shown_tool(tool: Json) -> Json:
    """Return a tool with its defaults."""
    if tool["type"] == "function":
        function = tool["function"]
        whole = {
            "name": function["name"],
            "description": function.get("description"),
            "parameters": given(function, "parameters", {"type": "object", "properties": {}}),
            "strict": given(function, "strict", False),
        }
        kept = {name: value for name, value in whole.items() if name in function or name != "description"}
        return {"type": "function", "function": kept}
    if tool["type"] not in SEARCHES:
        return {"type": tool["type"]}
    search = given(tool, "file_search", {})
    ranking = given(search, "ranking_options", {})
    most = {"max_num_results": search["max_num_results"]} if search.get("max_num_results") is not None else {}
    options = {
        "ranker": RANKER if ranking.get("ranker") in (None, "auto") else ranking["ranker"],
        "score_threshold": float(given(ranking, "score_threshold", 0.0)),
    }
    return {"type": "file_search", "file_search": {**most, "ranking_options": options}}


def tools_of(tools: Iterable[Json], version: int) -> list[Json]:
    """Return tools, which are kept as version 2 has them, as a version names them: search was `retrieval` once."""
    if version == 1:
        return [{"type": "retrieval"} if tool["type"] == "file_search" else tool for tool in tools]
    return [shown_tool(tool) if tool["type"] == "retrieval" else tool for tool in tools]


def shown_resources(call: Call, body: Json, tools: Iterable[Json], *, expires: bool = False) -> Json:
    """Return the `tool_resources` of a body as they are kept; a vector store that they describe is made."""
    asked = given(body, "tool_resources", {})
    kinds = {tool["type"] for tool in tools}
    shown: Json = {}
    code = asked.get("code_interpreter")
    if code is not None or "code_interpreter" in kinds:
        ids = given(code or {}, "file_ids", [])
        check_files(call, ids)
        shown["code_interpreter"] = {"file_ids": ids}
    search = asked.get("file_search")
    if search is not None:
        stores = [*given(search, "vector_store_ids", [])]
        for id in stores:
            if retrieval.find(call, id) is None and call.settings.missing != "phantom":
                raise retrieval.unknown(id)
        stores += [_made(call, wanted, expires) for wanted in given(search, "vector_stores", [])]
        shown["file_search"] = {"vector_store_ids": stores}
    return shown


def _made(call: Call, wanted: Json, expires: bool) -> str:
    ids = given(wanted, "file_ids", [])
    check_files(call, ids)
    filetypes.check_searched(call, ids)
    made = retrieval.create(
        call,
        file_ids=ids,
        metadata=wanted.get("metadata"),
        chunking_strategy=wanted.get("chunking_strategy"),
        expires_after=MADE_HERE if expires else None,
    )
    id: str = made["id"]
    return id


def provide(
    call: Call,
    resources: Json,
    *,
    computed: Iterable[str] = (),
    searched: Iterable[str] = (),
    expires_after: Json | None = None,
) -> Json:
    """Put files where tools find them: into the `tool_resources` of an assistant or a thread.

    A vector store is made at the first need, and where the one there was has expired or is gone. Returns by tool
    what it did not have before.
    """
    computed, searched = [*computed], [*searched]
    new: Json = {}
    if computed:
        known = resources.setdefault("code_interpreter", {"file_ids": []})
        new["code_interpreter"] = [id for id in dict.fromkeys(computed) if id not in known["file_ids"]]
        known["file_ids"] = [*known["file_ids"], *new["code_interpreter"]]
    if not searched:
        return new
    ids = (resources.get("file_search") or {}).get("vector_store_ids") or []
    store = retrieval.find(call, ids[0]) if ids else None
    if store is None or store["status"] == "expired":
        made = retrieval.create(call, file_ids=searched, expires_after=expires_after)
        resources["file_search"] = {"vector_store_ids": [made["id"]]}
        return {**new, "file_search": searched}
    new["file_search"] = [id for id in searched if not retrieval.holds(call, store["id"], id)]
    for file_id in new["file_search"]:
        retrieval.attach(call, store["id"], file_id)
    return new


def withdraw(call: Call, resources: Json, gone: Json) -> None:
    """Take files away from tools: `gone` tells which, by tool."""
    code = resources.get("code_interpreter")
    if code is not None:
        code["file_ids"] = [id for id in code["file_ids"] if id not in gone.get("code_interpreter", ())]
    for store_id in (resources.get("file_search") or {}).get("vector_store_ids") or ():
        for id in gone.get("file_search", ()):
            retrieval.detach(call, store_id, id)


def check_files(call: Call, ids: Iterable[str]) -> None:
    """Raise the 404 of files that are not there."""
    if call.settings.missing == "phantom":
        return
    gone = [id for id in ids if contents.find(call, id) is None]
    if gone:
        raise ApiError(404, f"Files [{', '.join(gone)}] were not found")


def metadata_of(body: Json) -> Json:
    """Return the metadata of a body."""
    return dict(given(body, "metadata", {}))

"""How objects look, in either version of the API: to who polls, and in events (assistants.md §4, §8)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from mockai.api.assistants.resources import NO_CODE, RANKING, tools_of
from mockai.api.assistants.story import Tell
from mockai.call import Json
from mockai.engine.runs import SEARCHES

V1_RUN = (
    "id object created_at assistant_id thread_id status started_at expires_at cancelled_at failed_at completed_at "
    "last_error model instructions tools file_ids metadata"
).split()
V1_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")


def telling(version: int, include: bool) -> Tell:
    """Return what turns an object into the data of its event, for a version of the API."""
    return partial(told, version=version, include=include)


def told(object: Json, *, version: int, include: bool) -> Json:
    """Return an object as events show it: a run has resources that polling does not show."""
    kind = object["object"]
    if kind == "thread.run":
        if version == 1:
            return run_of(object, 1)
        return {**run_of(object, 2), "tool_resources": NO_CODE}
    if kind == "thread.run.step":
        return step_of(object, version, include)
    if kind == "thread.message" and version == 1:
        object = {**object, "content": quoted(object["content"])}
        return {"file_ids" if name == "attachments" else name: value for name, value in object.items()}
    return object


def run_of(run: Json, version: int) -> Json:
    """Return a run as polling shows it. Version 1 had fewer keys, and no state `incomplete`."""
    run = {**run, "tools": run_tools(run["tools"], version)}
    if version != 1:
        return {name: value for name, value in run.items() if name != "file_ids"}
    shown = {name: run[name] for name in V1_RUN if name in run}
    if run["status"] == "incomplete":
        shown["status"] = "completed"
    extras = ("required_action", "incomplete_details", "usage")
    shown |= {name: run[name] for name in extras if run[name] is not None}
    return _spent(shown)


def _spent(object: Json) -> Json:
    """Return an object with the usage of version 1: three sums, nothing of what they are made of."""
    usage = object.get("usage")
    return object if usage is None else {**object, "usage": {name: usage[name] for name in V1_USAGE}}


def run_tools(tools: Iterable[Json], version: int) -> list[Json]:
    """Return tools as runs show them: the ranking options of a search have one key more than an assistant's."""
    return [_run_tool(tool) for tool in tools_of(tools, version)]


def _run_tool(tool: Json) -> Json:
    ranking = (tool.get("file_search") or {}).get("ranking_options")
    if ranking is None:
        return tool
    return {**tool, "file_search": {**tool["file_search"], "ranking_options": {**ranking, "hybrid_search": None}}}


def thread_of(thread: Json, version: int) -> Json:
    """Return a thread as a version shows it."""
    hidden = ("phantom", "files", "tool_resources") if version == 1 else ("phantom", "files")
    return {name: value for name, value in thread.items() if name not in hidden}


def step_of(step: Json, version: int, include: bool) -> Json:
    """Return a run step as a version shows it; the text of search results comes on request only."""
    calls = step["step_details"].get("tool_calls")
    if calls:
        shown = [_call_of(call, version, include) for call in calls]
        step = {**step, "step_details": {**step["step_details"], "tool_calls": shown}}
    return _spent(step) if version == 1 else step


def _call_of(call: Json, version: int, include: bool) -> Json:
    """Return a tool call: a search told nothing of itself in version 1, where it was called `retrieval`."""
    if call["type"] not in SEARCHES:
        return call
    if version == 1:
        return {"id": call["id"], "type": "retrieval", "retrieval": {}}
    search = call.get("file_search") or {"ranking_options": RANKING, "results": []}
    return {"id": call["id"], "type": "file_search", "file_search": search if include else _without_content(search)}


def _without_content(search: Json) -> Json:
    results = [{name: value for name, value in hit.items() if name != "content"} for hit in search["results"]]
    return {**search, "results": results}


def quoted(content: list[Json]) -> list[Json]:
    """Return the content of a message of version 1: its citations have a quote, which may be empty."""
    return [_quoted(part) for part in content]


def _quoted(part: Json) -> Json:
    annotations = (part.get("text") or {}).get("annotations")
    if not annotations:
        return part
    cited = [
        {**entry, "file_citation": {**entry["file_citation"], "quote": ""}} if "file_citation" in entry else entry
        for entry in annotations
    ]
    return {**part, "text": {**part["text"], "annotations": cited}}

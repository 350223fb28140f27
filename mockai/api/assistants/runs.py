"""Runs: create, retrieve, list, modify, cancel, submit tool outputs; alone and together with their thread."""

from __future__ import annotations

from collections import Counter

from mockai import orders
from mockai.api.assistants import (
    assistants,
    beta,
    life,
    lists,
    locks,
    messages,
    models,
    phantom_runs,
    schema,
    schema_v1,
    threads,
)
from mockai.api.assistants.life import Watch
from mockai.api.assistants.objects import ASSISTANT, RUN, THREAD, find_thread, has_user_message, made_thread
from mockai.api.assistants.resources import (
    check_choice,
    check_format,
    given,
    metadata_of,
    shown_resources,
    shown_tool,
)
from mockai.api.assistants.shapes import run_of, run_tools, telling
from mockai.api.assistants.story import ENDED, Event
from mockai.api.assistants.stream import stream
from mockai.call import Answer, Call, Json, Operation
from mockai.clock import Pace
from mockai.wire import codec, errors
from mockai.wire.errors import ApiError

POLL_HEADER = "openai-poll-after-ms"
POLL_AFTER: dict[Pace, int] = {"instant": 1, "step": 1, "fast": 20, "real": 200}
"""Milliseconds after which the official helpers look again. The real API does not send the header."""
RESULT_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"


def create(call: Call) -> Answer:
    """Start a run on a thread: the run, queued, or the stream of its events."""
    thread = find_thread(call)
    assistant = assistants.find(call, call.body["assistant_id"])
    record = _made(call, thread["id"], assistant)
    if "phantom" not in record:
        locks.settle(call, thread["id"])
        with call.store.transaction():
            _keep(call, record, find_thread(call))  # which may have gone or changed meanwhile
    return _answer(call, record, [])


def create_and_run(call: Call) -> Answer:
    """Make a thread, and start a run on it."""
    body = call.body
    assistant = assistants.find(call, body["assistant_id"])
    with call.store.transaction():
        if body.get("tool_resources") is not None:
            assistant = {**assistant, "tool_resources": shown_resources(call, body, ())}
        if _exists(call, ASSISTANT, assistant["id"]):
            thread = threads.made(call, given(body, "thread", {}), "thread.")
        else:
            thread = made_thread(call.ids.alnum("thread_"), call.created, {})
        record = _made(call, thread["id"], assistant)
        if "phantom" not in record:
            _keep(call, record, thread)
    return _answer(call, record, [("thread.created", codec.dumps(threads.shown(call, threads.with_code(thread))))])


def _keep(call: Call, record: Json, thread: Json) -> None:
    """Store a new run, if its thread is free and something is asked in it."""
    locks.check_run(call, thread["id"])
    for number, message in enumerate(given(call.body, "additional_messages", [])):
        messages.add(call, thread, message, f"additional_messages[{number}].")
    _check_asked(call, record["base"])
    messages.bring(call, thread, record["base"]["tools"])
    call.store.put(call.tenant, RUN, record, parent=thread["id"])


def _answer(call: Call, record: Json, opening: list[Event]) -> Answer:
    """Return a new run, or the stream of it."""
    version = beta.version(call)
    tell = telling(version, included(call))
    if not call.body.get("stream"):
        return run_of(record["base"], version)
    follows = phantom_runs.Phantom if "phantom" in record else Watch
    return stream(call, follows(call, record, tell), opening)


def _check_asked(call: Call, run: Json) -> None:
    """Refuse a run that has nothing to go by. Version 1 took it."""
    if beta.version(call) == 1 or run["instructions"] or call.settings.validate == "schema":
        return
    if not has_user_message(call, run["thread_id"]):
        text = "Run creation requires a Thread with a user message or an assistant with instructions."
        raise ApiError(400, text, code="invalid_thread")


def _made(call: Call, thread_id: str, assistant: Json) -> Json:
    """Return the record of a new run. Raises the faults that no state decides."""
    included(call)
    base = _base(call, thread_id, assistant, call.body)
    if not (_exists(call, THREAD, thread_id) and _exists(call, ASSISTANT, assistant["id"])):
        return phantom_runs.born(base, call, call.header(orders.RUN))
    return life.born(base, call, forced=call.header(orders.RUN), tool_resources=assistant["tool_resources"])


def _exists(call: Call, kind: str, id: str) -> bool:
    return call.settings.missing != "phantom" or call.store.get(call.tenant, kind, id) is not None


def _base(call: Call, thread_id: str, assistant: Json, body: Json) -> Json:
    """Return a run as its creation answers it."""
    instructions = given(body, "instructions", assistant["instructions"])
    if body.get("additional_instructions"):
        instructions = "\n".join(filter(None, (instructions, body["additional_instructions"])))
    model = given(body, "model", assistant["model"])
    tools = [shown_tool(tool) for tool in given(body, "tools", assistant["tools"])]
    form = given(body, "response_format", assistant["response_format"])
    if body.get("model") is not None:
        models.check(call, model)
    check_format(call, tools, form)
    shown = run_tools(tools, beta.version(call))
    check_choice(call, shown, body.get("tool_choice"))
    truncation = given(body, "truncation_strategy", {"type": "auto"})
    return {
        "id": call.ids.alnum("run_"),
        "object": "thread.run",
        "created_at": call.created,
        "assistant_id": assistant["id"],
        "thread_id": thread_id,
        "status": "queued",
        "started_at": None,
        "expires_at": call.created + life.WINDOW,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": model,
        "instructions": instructions,
        "tools": shown,
        "tool_resources": {},
        "metadata": metadata_of(body),
        "temperature": float(given(body, "temperature", assistant["temperature"])),
        "top_p": float(given(body, "top_p", assistant["top_p"])),
        "reasoning_effort": given(body, "reasoning_effort", assistant["reasoning_effort"]),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "truncation_strategy": {"type": truncation["type"], "last_messages": truncation.get("last_messages")},
        "incomplete_details": None,
        "usage": None,
        "response_format": form,
        "tool_choice": given(body, "tool_choice", "auto"),
        "parallel_tool_calls": given(body, "parallel_tool_calls", True),
        "file_ids": [*assistant["files"]],  # shown by version 1 only
    }


# --- reading -------------------------------------------------------------------------------------


def find(call: Call, *, step: bool = False) -> Json:
    """Return the record of the run that the path names, up to date. Raises the API's 404."""
    thread = find_thread(call)
    id = call.path["run_id"]
    record = life.find(call, id)
    if record is not None and record["thread_id"] == thread["id"]:
        record = life.settle(call, id, call.now, step=step)
    if record is None or record["thread_id"] != thread["id"]:
        if call.settings.missing == "phantom":
            return phantom_runs.completed(_phantom_base(call, id), call)
        find_thread(call)  # which may have gone meanwhile, and the run with it
        raise life.unknown(id)
    return record


def _phantom_base(call: Call, id: str) -> Json:
    """Return a run of an assistant that does not exist, as its creation would answer it."""
    assistant = assistants.phantom(call, "asst_phantom")
    return {**_base(call, call.path["thread_id"], assistant, {}), "id": id}


def retrieve(call: Call) -> Json:
    """Return a run, up to date. Official helpers are told to look again soon."""
    record = find(call, step=True)
    call.reply_headers[POLL_HEADER] = str(POLL_AFTER[call.pace])
    return run_of(record["shown"], beta.version(call))


def list_(call: Call) -> Json:
    """Return the runs of a thread, newest first unless `order` says otherwise."""
    thread = find_thread(call)
    locks.settle(call, thread["id"])
    version = beta.version(call)
    return lists.page(call, RUN, "run", lambda record: run_of(record["shown"], version), parent=thread["id"])


# --- changing ------------------------------------------------------------------------------------


def modify(call: Call) -> Json:
    """Change the metadata of a run that has ended."""
    record = find(call)
    with call.store.transaction():
        if "phantom" not in record:
            record = life.find(call, record["id"]) or record
        if record["shown"]["status"] not in ENDED:
            raise ApiError(400, f"Cannot update run with status '{record['shown']['status']}'.")
        if call.body.get("metadata") is not None:
            record["shown"]["metadata"] = metadata_of(call.body)
            if "phantom" not in record:
                call.store.put(call.tenant, RUN, record, parent=record["thread_id"])
    return run_of(record["shown"], beta.version(call))


def cancel(call: Call) -> Json:
    """Begin to cancel a run; what it wrote so far is kept."""
    record = find(call)
    if "phantom" in record:
        return run_of({**record["base"], "status": "cancelling"}, beta.version(call))
    record = Watch(call, record).happen("cancel", _can_be_cancelled)
    return run_of(record["shown"], beta.version(call))


def _can_be_cancelled(record: Json) -> None:
    status = record["shown"]["status"]
    if status not in ("queued", "in_progress", "requires_action"):
        raise ApiError(400, f"Cannot cancel run with status '{status}'.")


def submit(call: Call) -> Answer:
    """Give a waiting run the outputs of all the tools that it asked for: it goes on."""
    record, body = find(call), call.body
    outputs = {entry.get("tool_call_id"): entry.get("output") for entry in body["tool_outputs"]}
    ids = [entry.get("tool_call_id") for entry in body["tool_outputs"]]
    include = included(call)
    version = beta.version(call)
    forced = call.header(orders.RUN)
    if "phantom" in record:
        watch: Watch = phantom_runs.waiting(record["base"], call, ids)
    else:
        watch = Watch(call, record)
    watch.story.tell = telling(version, include)
    record = watch.happen("submit", lambda latest: _takes(latest, ids), outputs=outputs, forced=forced)
    return stream(call, watch) if body.get("stream") else run_of(record["shown"], version)


def _takes(record: Json, ids: list[str]) -> None:
    """Refuse outputs that a run does not wait for."""
    run = record["shown"]
    if run["status"] != "requires_action":
        raise ApiError(400, f'Runs in status "{run["status"]}" do not accept tool outputs.')
    expected = [call["id"] for call in run["required_action"]["submit_tool_outputs"]["tool_calls"]]
    if Counter(expected) != Counter(ids):
        raise ApiError(400, f"Expected tool outputs for call_ids {expected}, got {ids}")


def included(call: Call) -> bool:
    """Return whether the text of search results is asked for. Raises the API's fault of another value."""
    values = [value for name, found in call.query.items() if name in ("include[]", "include") for value in found]
    for at, value in enumerate(values):
        if value != RESULT_CONTENT and call.settings.validate == "api":
            raise errors.bad_value(f"include[{at}]", value, (RESULT_CONTENT,))
    return bool(values)


def _heavy(call: Call) -> bool:
    """A turn is planned in a thread: its conversation may be long."""
    return True


_RUNS, _RUN = "/threads/{thread_id}/runs", "/threads/{thread_id}/runs/{run_id}"
OPERATIONS = tuple(
    Operation(
        method,
        path,
        handler,
        f"beta.threads.{name}",
        body=body,
        admit=beta.admit if first is None else beta.admitting(first),
        weigh=_heavy,
        liveness="retired",
    )
    for method, path, handler, name, body, first in (
        ("POST", "/threads/runs", create_and_run, "create_and_run", schema.THREAD_AND_RUN, schema_v1.THREAD_AND_RUN),
        ("POST", _RUNS, create, "runs.create", schema.RUN, schema_v1.RUN),
        ("GET", _RUNS, list_, "runs.list", None, None),
        ("GET", _RUN, retrieve, "runs.retrieve", None, None),
        ("POST", _RUN, modify, "runs.update", schema.MODIFY, schema_v1.MODIFY),
        ("POST", f"{_RUN}/cancel", cancel, "runs.cancel", None, None),
        ("POST", f"{_RUN}/submit_tool_outputs", submit, "runs.submit_tool_outputs", schema.SUBMIT, schema_v1.SUBMIT),
    )
)

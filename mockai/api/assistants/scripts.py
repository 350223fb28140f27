"""The scripts of a run: what each of its turns does, made when the turn begins and kept (assistants.md §5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from mockai import admission, retrieval
from mockai.api.assistants import told
from mockai.api.assistants.conversation import Conversation, chat_of
from mockai.api.assistants.objects import SCRIPT, THREAD
from mockai.api.assistants.story import Script
from mockai.call import Call, Json
from mockai.engine import accounting, runs
from mockai.engine.catalogue import Model, adopt
from mockai.engine.runs import SEARCHES, Turn
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids

if TYPE_CHECKING:
    from mockai.rules.ruleset import Claim

IDS_A_TURN = 1_000
HOSTED = ("code_interpreter", *SEARCHES)
HITS = {"gpt-3.5": 5}
MOST_HITS = 20
"""Chunks that a search returns by default; five for older models."""


def of(call: Call, record: Json, wanted: int, found: list[Script]) -> None:
    """Have the scripts of the first `wanted` turns in `found`; one that is not there yet is made and kept."""
    for turn in range(len(found), wanted):
        id = f"{record['id']}/{turn}"
        script = call.store.get(call.tenant, SCRIPT, id)
        if script is None:
            made, claimed = make(call, record, found)
            script = {"id": id, **made}
            with call.store.transaction():  # whoever came first has made it
                known = call.store.get(call.tenant, SCRIPT, id)
                if known is None:
                    call.store.put(call.tenant, SCRIPT, script, parent=record["id"])
                else:
                    told.give_back(call, claimed)
                script = known or script
        found.append(Script(script))


def make(
    call: Call, record: Json, before: Sequence[Script], thread: Sequence[Json] | None = None
) -> tuple[Json, Claim | None]:
    """Return the script of the next turn, after those `before`, and the rule that told it.

    `thread` stands for the messages of a phantom.
    """
    turn = _turn(call, record, before, thread)
    claimed = told.claim(call, turn)
    try:
        script = told.script(call, turn, claimed)
    except ApiError as error:  # such as a vector store that has expired
        script = told.failed("server_error", error.message)
    ids = Ids(call.settings.seed, f"{call.tenant}/{record['id']}", count(len(before) * IDS_A_TURN).__next__)
    for act in script["acts"]:
        act["step_id"] = ids.alnum("step_")
        if act["kind"] == "message":
            act["message_id"] = ids.alnum("msg_")
        else:
            for made in act["calls"]:
                made["id"] = made.get("id") or ids.alnum("call_")
    return script, claimed


def _turn(call: Call, record: Json, before: Sequence[Script], thread: Sequence[Json] | None) -> Turn:
    run = record["base"]
    model = admission.find(call, run["model"]) or adopt(run["model"])
    spent = [act["usage"] for script in before for act in script.acts]
    choice = run["tool_choice"] if not before else "auto"
    body, prompt_left = _body(run, choice), _left(run["max_prompt_tokens"], spent, "prompt")
    tail = [message for turn, script in enumerate(before) for message in _called(record, turn, script)]
    frame = {**body, "messages": [*body["messages"], *tail]}
    taken = accounting.prompt_of(frame, model).total
    kept, size = _kept(call, run, model, taken, prompt_left) if thread is None else ([*map(chat_of, thread)], -1)
    body["messages"] += [*kept, *tail]
    if not body["messages"]:
        body["messages"].append({"role": "user", "content": ""})  # version 1 runs on nothing at all
        size = -1
    return Turn(
        body=body,
        model=model,
        seed=call.settings.seed,
        hosted=[tool for tool in run["tools"] if tool["type"] in HOSTED],
        choice=choice,
        search=_searcher(call, record),
        completion_left=_left(run["max_completion_tokens"], spent, "completion"),
        prompt_left=prompt_left,
        size=-1 if size < 0 else taken + size,
        forced=_forced(record, len(before)),
    )


def _kept(call: Call, run: Json, model: Model, taken: int, most: int | None) -> tuple[list[Json], int]:
    """Return what a run reads of its thread, in chat form and oldest first, and its tokens: as much as fits."""
    conversation = Conversation(call, run["thread_id"], model)
    # Not what this run itself wrote.
    lines = (line for line in conversation if line.run_id != run["id"] or line.chat["role"] == "user")
    last = run["truncation_strategy"].get("last_messages")
    said = ((line.chat, line.cost) for line in islice(lines, last) if line.chat["content"])
    kept, size = runs.fitting(said, taken, model, most)
    conversation.remember()
    return kept, size


def _searcher(call: Call, record: Json) -> Callable[[str], Sequence[retrieval.Hit]] | None:
    """Return what looks into the vector stores of the assistant and of the thread; version 1 has its files there."""
    run = record["base"]
    thread: Json = call.store.get(call.tenant, THREAD, run["thread_id"]) or {}
    owners = (record["tool_resources"], thread.get("tool_resources") or {})
    stores = [id for owner in owners for id in (owner.get("file_search") or {}).get("vector_store_ids") or ()]
    tool = next((tool for tool in run["tools"] if tool["type"] in SEARCHES), None)
    return partial(_search, call, stores, run["model"], tool) if stores and tool is not None else None


def _forced(record: Json, turn: int) -> str | None:
    """Return the end that was asked for by the request that began a turn."""
    if turn == 0:
        forced: str | None = record["forced"]
        return forced
    submits = [entry for entry in record["path"] if entry["event"] == "submit"]
    asked: str | None = submits[turn - 1].get("forced")
    return asked


def _left(most: int | None, spent: Sequence[Json], name: str) -> int | None:
    return None if most is None else most - sum(usage[name] for usage in spent)


def _body(run: Json, choice: Any) -> Json:
    """Return a run as a chat request without the messages of its thread."""
    body: Json = {"model": run["model"], "messages": []}
    if run["instructions"]:
        body["messages"].append({"role": "system", "content": run["instructions"]})
    functions = [tool for tool in run["tools"] if tool["type"] == "function"]
    if functions:
        named = isinstance(choice, dict)
        body["tools"] = functions
        body["tool_choice"] = "none" if named and choice["type"] != "function" else choice
        body["parallel_tool_calls"] = run["parallel_tool_calls"]
    if isinstance(run["response_format"], dict):
        body["response_format"] = run["response_format"]
    for name in ("temperature", "top_p", "reasoning_effort"):
        if run[name] is not None and run[name] != 1.0:
            body[name] = run[name]
    return body


def _called(record: Json, turn: int, script: Script) -> Iterator[Json]:
    """Yield the calls of a turn and what was submitted for them, in chat form.

    They go by their number: an answer depends on what is said, not on ids.
    """
    calls = [call for act in script.acts if act["kind"] == "function" for call in act["calls"]]
    outputs = [entry["outputs"] for entry in record["path"] if entry["event"] == "submit"]
    if not calls or turn >= len(outputs):
        return
    asked = [
        {
            "id": f"{turn}/{number}",
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for number, call in enumerate(calls)
    ]
    yield {"role": "assistant", "content": None, "tool_calls": asked}
    for number, call in enumerate(calls):
        output = outputs[turn].get(call["id"]) or ""
        yield {"role": "tool", "tool_call_id": f"{turn}/{number}", "content": output}


def _search(call: Call, stores: Sequence[str], model: str, tool: Json, query: str) -> Sequence[retrieval.Hit]:
    options: Json = tool.get("file_search") or {}
    default = next((most for name, most in HITS.items() if model.startswith(name)), MOST_HITS)
    threshold = (options.get("ranking_options") or {}).get("score_threshold") or 0.0
    limit = options.get("max_num_results") or default
    return retrieval.search(call, stores, [query], limit=limit, threshold=threshold)

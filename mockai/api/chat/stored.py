"""Stored chat completions: retrieve, update, delete, list, and their input messages (chat.md §11)."""

from __future__ import annotations

from typing import Any

from mockai.api.chat import phantom
from mockai.api.chat.body import Completion
from mockai.call import Call, Json
from mockai.engine import accounting, conversation
from mockai.engine.draw import Draw, key
from mockai.store import UnknownCursorError
from mockai.wire import pages
from mockai.wire.codec import canonical
from mockai.wire.errors import ApiError

KIND = "chat.completion"
PROMPTS = "prompt_prefix"
CACHE_SLOTS, CACHE_SECONDS = 4096, 600.0


def keep(call: Call, completion: Completion) -> None:
    """Store an answer, in the shape in which it is read back."""
    body = call.body
    document = {"id": completion.id, "shown": _shown(call, completion), "messages": body["messages"]}
    _put(call, document)


def _put(call: Call, document: Json) -> None:
    shown = document["shown"]
    tags = {"model": shown["model"]} | {f"metadata.{name}": value for name, value in shown["metadata"].items()}
    call.store.put(call.tenant, KIND, document, tags=tags)


def _shown(call: Call, completion: Completion) -> Json:
    body = call.body
    seed = body.get("seed")
    return {
        "object": "chat.completion",
        "id": completion.id,
        "model": completion.echo,
        "created": completion.created,
        "request_id": call.request_id,
        "tool_choice": body.get("tool_choice"),
        "usage": {name: completion.usage[name] for name in ("total_tokens", "completion_tokens", "prompt_tokens")},
        "seed": Draw("seed", completion.id).randrange(-(2**63), 2**63) if seed is None else seed,
        "top_p": _decimal(body.get("top_p"), 1.0),
        "temperature": _decimal(body.get("temperature"), 1.0),
        "presence_penalty": _decimal(body.get("presence_penalty"), 0.0),
        "frequency_penalty": _decimal(body.get("frequency_penalty"), 0.0),
        "system_fingerprint": completion.fingerprint,
        "input_user": body.get("user"),
        "service_tier": completion.tier,
        "tools": body.get("tools"),
        "metadata": body.get("metadata") or {},
        "choices": [_choice(completion, index) for index in range(len(completion.choices))],
        "response_format": body.get("response_format"),
    }


def _decimal(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _choice(completion: Completion, index: int) -> Json:
    message = completion.message(index)
    calls = message.get("tool_calls")
    return {
        "index": index,
        "message": {
            "content": message["content"] if message.get("refusal") is None else message["refusal"],
            "role": "assistant",
            "tool_calls": calls and [_call(entry) for entry in calls],
            "function_call": message.get("function_call"),
        },
        "finish_reason": completion.choices[index].finish,
        "logprobs": completion.body()["choices"][index].get("logprobs"),
    }


def _call(call: Json) -> Json:
    kind = call["type"]
    return {"type": kind, kind: call[kind], "id": call["id"]}


# --- reading back --------------------------------------------------------------------------------


def _find(call: Call) -> Json:
    identifier = call.path["completion_id"]
    document = call.store.get(call.tenant, KIND, identifier)
    if document is None:
        if call.settings.missing == "phantom":
            return phantom.completion(call, identifier)
        raise ApiError(404, f"Completion {identifier} not found", param="completion_id", code="not_found")
    return document


def retrieve(call: Call) -> Json:
    """Return a stored completion."""
    shown: Json = _find(call)["shown"]
    return shown


def update(call: Call) -> Json:
    """Replace the metadata of a stored completion; the body is `{metadata}`."""
    with call.store.transaction():
        document = _find(call)
        document["shown"]["metadata"] = call.body.get("metadata") or {}
        if call.store.get(call.tenant, KIND, document["id"]) is not None:
            _put(call, document)
    shown: Json = document["shown"]
    return shown


def delete(call: Call) -> Json:
    """Delete a stored completion."""
    document = _find(call)
    call.store.delete(call.tenant, KIND, document["id"])
    return {"object": "chat.completion.deleted", "id": document["id"], "deleted": True}


def list_(call: Call) -> Json:
    """Return stored completions, newest first unless `order` says otherwise; `model` and `metadata[k]` filter."""
    page = pages.parse(call.query)
    where = {}
    for name, values in call.query.items():
        if name == "model":
            where["model"] = values[0]
        elif name.startswith("metadata[") and name.endswith("]"):
            where[f"metadata.{name[9:-1]}"] = values[0]

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant, KIND, order=page.order, after=page.after, before=page.before, limit=limit, where=where
        )

    try:
        found, more = pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if call.settings.missing != "phantom":
            raise ApiError(404, f"Completion {cursor} not found", param="after", code="not_found") from None
        found, more = [], False
    return pages.envelope([document["shown"] for document in found], more)


def messages(call: Call) -> Json:
    """Return the input messages of a stored completion, oldest first unless `order` says otherwise."""
    page = pages.parse(call.query, order="asc")
    document = _find(call)
    shown = [_message(f"{document['id']}-{at}", message) for at, message in enumerate(document["messages"])]
    if page.order == "desc":
        shown.reverse()
    start = next((at + 1 for at, entry in enumerate(shown) if entry["id"] == page.after), 0)
    found, more = pages.fetch(page, lambda limit: shown[start : start + limit])
    return pages.envelope(found, more)


def _message(identifier: str, message: Json) -> Json:
    content = message.get("content")
    parts = None
    if isinstance(content, list):
        parts = [_part(part) for part in content]
        content = " ".join(part.get("text") or "" for part in content)
    return {
        "id": identifier,
        "role": message["role"],
        "content": content,
        "content_parts": parts,
        "name": message.get("name"),
    }


def _part(part: Json) -> Json:
    return {name: part.get(name) for name in ("type", "text", "image_url", "input_audio", "file")}


# --- prompt caching ------------------------------------------------------------------------------


def cached(call: Call, prompt_tokens: int) -> int:
    """Return the cached tokens of a prompt: those of the longest run of first messages seen a short time ago."""
    best, counted = 0, 0
    digest = key(call.model.snapshot, canonical([call.body.get("tools"), call.body.get("functions")]))
    for message in call.body["messages"]:
        counted += accounting.count_text(call.model, conversation.text_of(message.get("content"))) + 4
        digest = key(digest, canonical(message))
        if counted >= accounting.CACHE_FROM:
            slot = f"{int.from_bytes(digest[:2], 'big') % CACHE_SLOTS}"
            known: Any = call.store.get(call.tenant, PROMPTS, slot)
            if known and known["digest"] == digest.hex() and call.now - known["at"] <= CACHE_SECONDS:
                best = counted
            call.store.put(call.tenant, PROMPTS, {"id": slot, "digest": digest.hex(), "at": call.now})
    return accounting.cacheable(min(best, prompt_tokens))

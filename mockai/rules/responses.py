"""What `response` may say in a rule file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from mockai.rules.match import RuleError, shown
from mockai.rules.rule import EVENTS, Chunk, Failure, Raw, Response, ScriptedCall
from mockai.wire.codec import dumps, dumps_text, loads

Json = dict[str, Any]

ANSWERS = ("content", "toolCalls", "refusal", "embedding", "moderation", "event", "error", "json", "raw", "blocks")
KEYS = (
    *ANSWERS,
    *("finishReason", "usage", "id", "created", "model", "systemFingerprint", "role", "status", "retryAfter"),
    "headers",
)
# Known to aimock; read, and without effect on the answers of this API.
IGNORED = frozenset(
    "reasoning reasoningSignature redactedThinking webSearches provider nativeFinishReason fallthrough".split()
)
FINISHES = ("stop", "length", "tool_calls", "function_call", "content_filter")
ERROR_TYPES = {401: "invalid_request_error", 429: "requests"}


def response(given: Json) -> Response:
    """Return the response that a rule file describes. Raises `RuleError`."""
    if not any(given.get(name) is not None for name in ANSWERS):
        if set(given) & {"finishReason", "usage", "id", "model"}:
            return Response(**_shape(given))  # the engine's answer, with these parts given
        raise RuleError("a response answers nothing", f"give it one of {', '.join(ANSWERS)}")
    if given.get("error") is not None:
        return Response(error=_error(given), event=_event(given, ("fail",)))
    if given.get("json") is not None:
        headers = _headers(given.get("headers"), ("headers",))
        return Response(raw=Raw(_status(given, 200), dumps(given["json"]), headers=headers))
    if given.get("raw") is not None:
        return Response(raw=_raw(given["raw"], _status(given, 200)))
    return Response(**_shape(given))


def _shape(given: Json) -> Json:
    content, calls = _blocks(given["blocks"]) if given.get("blocks") is not None else (_content(given), _calls(given))
    return {
        "content": content,
        "calls": calls,
        "refusal": _text(given, "refusal"),
        "finish": _finish(given),
        "embedding": _embedding(given.get("embedding")),
        "moderation": _moderation(given.get("moderation")),
        "event": _event(given, EVENTS),
        "usage": _usage(given),
        "id": _text(given, "id"),
        "created": _whole(given, "created"),
        "model": _text(given, "model"),
        "fingerprint": _text(given, "systemFingerprint"),
    }


# --- the parts -----------------------------------------------------------------------------------


def _text(given: Json, name: str) -> str | None:
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value
    raise RuleError(f"{name}: {shown(value)} is no text", "write it in quotes", (name,))


def _whole(given: Json, name: str) -> int | None:
    value = given.get(name)
    if value is None or type(value) is int:
        return value
    raise RuleError(f"{name}: {shown(value)} is no whole number", path=(name,))


def _usage(given: Json) -> Mapping[str, Any]:
    value = given.get("usage") or {}
    if not isinstance(value, dict):
        raise RuleError(f"usage: {shown(value)} is no mapping", path=("usage",))
    for name, count in value.items():
        wanted = dict if str(name).endswith("_details") else int if str(name).endswith("_tokens") else None
        if type(count) is not wanted:
            hint = "write `usage: {prompt_tokens: 9, completion_tokens: 3}`"
            raise RuleError(f"usage: {name}: {shown(count)} counts no tokens", hint, ("usage",))
    return value


def _content(given: Json) -> str | None:
    """Return the text; anything else is written as JSON."""
    value = given.get("content")
    return value if value is None or isinstance(value, str) else dumps_text(value)


def _calls(given: Json) -> tuple[ScriptedCall, ...]:
    calls = given.get("toolCalls") or []
    if not isinstance(calls, list):
        raise RuleError("toolCalls: is no list", "write `toolCalls: [{name: …, arguments: {…}}]`", ("toolCalls",))
    return tuple(_call(call, ("toolCalls", at)) for at, call in enumerate(calls))


def _call(call: Any, path: tuple[str | int, ...]) -> ScriptedCall:
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
        raise RuleError("a tool call has no name", "write `{name: …, arguments: {…}}`", path)
    arguments = call.get("arguments", {})
    written = arguments if isinstance(arguments, str) else dumps_text(arguments)
    return ScriptedCall(call["name"], written, str(call.get("id") or ""))


def _blocks(blocks: Any) -> tuple[str | None, tuple[ScriptedCall, ...]]:
    """Return text and calls of ordered blocks; a chat answer has no order between the two."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise RuleError("blocks: is no list of blocks", path=("blocks",))
    texts: list[str] = []
    calls: list[ScriptedCall] = []
    for at, block in enumerate(blocks):
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif block.get("type") == "toolCall":
            calls.append(_call(block, ("blocks", at)))
        else:
            raise RuleError("a block is neither a text nor a toolCall", path=("blocks", at))
    return "".join(texts) if texts else None, tuple(calls)


def _finish(given: Json) -> str | None:
    value = _text(given, "finishReason")
    if value is not None and value not in FINISHES:
        raise RuleError(f"finishReason: {value!r} is none", f"use one of {', '.join(FINISHES)}", ("finishReason",))
    return value


def _event(given: Json, events: tuple[str, ...]) -> str | None:
    value = _text(given, "event")
    if value is not None and value not in events:
        text = f"event: {value!r} is no end of a run" + (" with an error" if len(events) == 1 else "")
        raise RuleError(text, f"use {'one of ' if len(events) > 1 else ''}{', '.join(events)}", ("event",))
    return value


def _embedding(value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(type(entry) in (int, float) for entry in value):
        raise RuleError("embedding: is no list of numbers", "write `embedding: [0.1, 0.2]`", ("embedding",))
    return tuple(float(entry) for entry in value)


def _moderation(value: Any) -> Mapping[str, float] | None:
    if value is None:
        return None
    numbers = isinstance(value, dict) and all(type(entry) in (int, float) for entry in value.values())
    if not numbers:
        hint = "write a score from 0 to 1 by category: `moderation: {violence: 0.98}`; {} flags nothing"
        raise RuleError("moderation: is no mapping of scores", hint, ("moderation",))
    return {str(name): float(score) for name, score in value.items()}


# --- whole answers -------------------------------------------------------------------------------


def _status(given: Json, default: int) -> int:
    status = _whole(given, "status")
    if status is None:
        return default
    if not 200 <= status <= 599:
        raise RuleError(f"status: {status} is no HTTP status that ends a request", "use 200 to 599", ("status",))
    return status


def _error(given: Json) -> Failure:
    error = given["error"]
    if isinstance(error, str):
        error = {"message": error}
    hint = "write `error: {message: …, status: 429}`"
    if not isinstance(error, dict) or error.get("message") is None:
        raise RuleError("error: has no message", hint, ("error",))
    if not isinstance(error["message"], str):
        raise RuleError(f"error: its message {shown(error['message'])} is no text", hint, ("error",))
    status = _status({"status": error.get("status", given.get("status"))}, 500)
    if status < 400:
        raise RuleError(f"error: {status} is no status of an error", "use 400 to 599", ("error",))
    default = "server_error" if status >= 500 else ERROR_TYPES.get(status, "invalid_request_error")
    headers = dict(_headers(given.get("headers"), ("headers",)))
    if (seconds := given.get("retryAfter")) is not None:
        if type(seconds) not in (int, float) or seconds < 0:
            raise RuleError(f"retryAfter: {shown(seconds)} is no number of seconds", path=("retryAfter",))
        headers["retry-after"] = str(seconds)
    return Failure(
        status,
        error["message"],
        _text(error, "type") or default,
        _text(error, "param"),
        _text(error, "code") if error.get("code") is not None else None,
        headers,
    )


def _headers(value: Any, path: tuple[str | int, ...]) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RuleError(f"headers: {shown(value)} is no mapping", "write `headers: {name: value}`", path)
    return {str(name).lower(): str(entry) for name, entry in value.items()}


def _raw(raw: Any, default: int) -> Raw:
    """Return a raw answer: `body` (text, or anything else as JSON), or `chunks` of a stream with their times."""
    if not isinstance(raw, dict) or ("body" in raw) == ("chunks" in raw):
        hint = "write `raw: {status: 502, contentType: text/html, body: …}`, or `chunks: [{at: 0.1, data: …}]`"
        raise RuleError("raw: needs either a body or chunks", hint, ("raw",))
    headers = _headers(raw.get("headers"), ("raw", "headers"))
    try:
        status = _status(raw, default)
    except RuleError as mistake:
        raise RuleError(mistake.text, mistake.hint, ("raw", *mistake.path)) from None
    stated = raw.get("contentType")
    if "chunks" in raw:
        chunks = tuple(_chunk(chunk, ("raw", "chunks", at)) for at, chunk in enumerate(raw["chunks"] or ()))
        return Raw(status, b"", str(stated or "text/event-stream; charset=utf-8"), headers, chunks)
    body = raw["body"]
    data = body.encode() if isinstance(body, str) else dumps(body)
    return Raw(status, data, str(stated or ("application/json" if _is_json(data) else "text/plain")), headers)


def _is_json(data: bytes) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True


def _chunk(chunk: Any, path: tuple[str | int, ...]) -> Chunk:
    if isinstance(chunk, str):
        return Chunk(0.0, chunk.encode())
    if isinstance(chunk, dict) and type(chunk.get("at", 0)) in (int, float):
        at = float(chunk.get("at", 0))
        if isinstance(chunk.get("data"), str):
            return Chunk(at, chunk["data"].encode())
        if isinstance(chunk.get("base64"), str):
            try:
                return Chunk(at, base64.b64decode(chunk["base64"], validate=True))
            except binascii.Error:
                raise RuleError("base64: is none", path=(*path, "base64")) from None
    raise RuleError(
        "a chunk has no data", "write a text, or `{at: seconds, data: text}`, or `{at: …, base64: …}`", path
    )

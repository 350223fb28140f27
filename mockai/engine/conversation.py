"""What a conversation says: its texts, the tools that were called in it, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mockai.engine import accounting
from mockai.wire.codec import loads

Json = dict[str, Any]

DEEPEST = 32  # of a result that is read
RESULTS = ("tool", "function")
"""Roles of the messages that tell what came of a call."""


def text_of(content: Any) -> str:
    """Return the text of a message content: a string, or the joined text parts."""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content or () if part.get("type") == "text")


def answered(messages: Sequence[Json]) -> bool:
    """Return whether tool results end the conversation."""
    return bool(messages) and messages[-1]["role"] in RESULTS


def since_asked(messages: Sequence[Json]) -> Sequence[Json]:
    """Return what came after the last message of the user."""
    last = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=-1)
    return messages[last + 1 :]


def called(messages: Sequence[Json]) -> list[str]:
    """Return the names of the tools that were called since the user spoke."""
    asked = [message for message in since_asked(messages) if message["role"] == "assistant"]
    calls = [call for message in asked for call in accounting.calls_in(message)]
    calls += [{"function": message["function_call"]} for message in asked if message.get("function_call")]
    return [accounting.name_of(call) for call in calls]


def last_call(messages: Sequence[Json]) -> tuple[str, Json] | None:
    """Return name and arguments of the last call before the user spoke, if there was one."""
    for message in reversed(messages[: len(messages) - len(since_asked(messages))]):
        if message["role"] != "assistant":
            continue  # whatever the others hold
        calls = [*accounting.calls_in(message)]
        calls += [{"function": message["function_call"]}] if message.get("function_call") else []
        if calls:
            given = parsed((calls[-1].get("function") or {}).get("arguments"))
            return accounting.name_of(calls[-1]), given if isinstance(given, dict) else {}
    return None


def results_of(messages: Sequence[Json]) -> list[tuple[str, Any, str]]:
    """Return name, arguments and output of the tool results since the user spoke, where they end the conversation."""
    if not answered(messages):
        return []
    known = {call.get("id"): call for message in messages for call in accounting.calls_in(message)}
    results = []
    for message in since_asked(messages):
        if message["role"] not in RESULTS:
            continue
        call = (known.get(message.get("tool_call_id")) if message["role"] == "tool" else None) or {}
        function = call.get("function") or call.get("custom") or {}
        name = function.get("name") or message.get("name") or "tool"
        results.append((name, parsed(function.get("arguments")), text_of(message.get("content"))))
    return results


def plainly(output: str) -> str:
    """Return what a tool returned as it is said: lines of `name: value` for the objects of JSON, at any depth."""
    try:
        return "\n".join(_lines("", loads(output), 0))
    except ValueError:
        return output


def _lines(name: str, value: Any, depth: int) -> Iterator[str]:
    if depth < DEEPEST and isinstance(value, dict):
        for key, entry in value.items():
            yield from _lines(key, entry, depth + 1)
    elif depth < DEEPEST and isinstance(value, list):
        for entry in value:
            yield from _lines(name, entry, depth + 1)
    elif isinstance(value, (str, int, float)):
        yield f"{name}: {value}" if name else str(value)


def parsed(arguments: Any) -> Any:
    """Return the arguments of a call; empty ones for what is no JSON."""
    try:
        return loads(arguments or "{}")
    except (ValueError, TypeError):
        return {}

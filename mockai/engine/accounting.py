"""Token accounting of chat: what a request and an answer cost, by the rules of chat.md §9."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mockai.engine import tokens
from mockai.engine.catalogue import Model
from mockai.wire.codec import dumps_text

Json = dict[str, Any]

PER_MESSAGE = 3  # and one for the role word
TOOLS_OVERHEAD, TOOLS_OVERHEAD_WITH_SYSTEM = 9, 5
CALL_OVERHEAD, PARALLEL_CALL_OVERHEAD = 7, 14
SCHEMA_OVERHEAD = 4
SHAPING = frozenset({"tools", "functions", "response_format"})
"""What of a body costs tokens beside its messages."""
CACHE_FROM, CACHE_STEP = 1024, 128


@dataclass(slots=True)
class Prompt:
    """What a prompt costs, in tokens."""

    messages: int
    functions: int = 0
    schema: int = 0
    audio: int = 0
    """Part of `messages` that is audio."""
    image: int = 0

    @property
    def total(self) -> int:
        """Return the prompt tokens of `usage`."""
        return self.messages + self.functions + self.schema


def prompt_of(body: Json, model: Model) -> Prompt:
    """Count the prompt of a chat request."""
    messages: list[Json] = body["messages"]
    count = Prompt(model.priming)
    for message in messages:
        _count_message(count, message, model)
    if SHAPING.isdisjoint(body):
        return count
    functions = declared_functions(body)
    if functions:
        has_system = any(message["role"] in ("system", "developer") for message in messages)
        count.functions = functions_cost(functions, model, has_system) + _named_cost(body, model)
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema is not None:
        count.schema = tokens.count(model.encoding, dumps_text(schema.get("schema") or {})) + SCHEMA_OVERHEAD
    return count


def message_cost(message: Json, model: Model) -> int:
    """Count what one message adds to a prompt."""
    count = Prompt(0)
    _count_message(count, message, model)
    return count.messages


def count_text(model: Model, text: str) -> int:
    """Count a text in the tokens of a model."""
    return tokens.count(model.encoding, text)


def declared_functions(body: Json) -> list[Json]:
    """Return the function declarations of a request: those of its tools and the legacy ones."""
    tools = [tool.get("function") or tool.get("custom") or {} for tool in body.get("tools") or ()]
    return tools + list(body.get("functions") or ())


def _named_cost(body: Json, model: Model) -> int:
    """A named choice moves the head of the call from the completion into the prompt."""
    name = named_choice(body)
    return tokens.count(model.encoding, name) + CALL_OVERHEAD if name else 0


def name_of(tool: Json) -> str:
    """Return the name of a tool or of a reference to one."""
    inner = tool.get("function") or tool.get("custom") or tool
    return str(inner.get("name") or "") if isinstance(inner, dict) else ""


def named_choice(body: Json) -> str | None:
    """Return the name of the one function that the request demands, or None."""
    choice = body.get("tool_choice") or body.get("function_call")
    if not isinstance(choice, dict) or choice.get("type") == "allowed_tools":
        return None
    inner = choice.get("function") or choice.get("custom") or choice
    name = inner.get("name")
    return name if isinstance(name, str) else None


def tools_of(body: Json) -> set[tuple[str, str]]:
    """Return kind and name of every tool of a request, legacy functions among them."""
    legacy = {("function", name_of(entry)) for entry in body.get("functions") or ()}
    return legacy | {(_kind(tool), name_of(tool)) for tool in body.get("tools") or ()}


def chosen_tools(body: Json) -> list[tuple[str, str]]:
    """Return kind and name of the tools that the tool choice speaks of: the one it demands, or those it allows."""
    choice = body.get("tool_choice") or body.get("function_call")
    if not isinstance(choice, dict):
        return []
    tools = choice["allowed_tools"]["tools"] if choice.get("type") == "allowed_tools" else [choice]
    return [(_kind(tool), name_of(tool)) for tool in tools]


def _kind(tool: Json) -> str:
    return "custom" if tool.get("type") == "custom" else "function"


def _count_message(count: Prompt, message: Json, model: Model) -> None:
    encoding = model.encoding
    count.messages += PER_MESSAGE + 1
    name = message.get("name")
    if name and isinstance(name, str):
        count.messages += 1 + tokens.count(encoding, name)
    content = message.get("content")
    if isinstance(content, str):
        count.messages += tokens.count(encoding, content)
    elif content:
        for part in content:
            _count_part(count, part, model)
    if message["role"] != "assistant":
        return  # what the others say beside their content is no member of theirs, and ignored
    if message.get("refusal"):
        count.messages += tokens.count(encoding, message["refusal"])
    calls = calls_in(message)
    if calls:
        count.messages += sum(
            _call_size(call.get("function") or call.get("custom") or {}, encoding) for call in calls
        )
        count.messages += calls_overhead(len(calls))
    elif message.get("function_call"):
        count.messages += _call_size(message["function_call"], encoding) + CALL_OVERHEAD


def calls_in(message: Json) -> Sequence[Json]:
    """Return the tool calls of a message; only an assistant's has any, whatever the others hold."""
    return (message.get("tool_calls") or ()) if message["role"] == "assistant" else ()


def _call_size(call: Json, encoding: str) -> int:
    text = call.get("arguments") or call.get("input") or ""
    return tokens.count(encoding, call.get("name") or "") + tokens.count(encoding, text)


def calls_overhead(calls: int) -> int:
    """Return what the framing of tool calls costs beside their names and arguments."""
    return CALL_OVERHEAD if calls == 1 else PARALLEL_CALL_OVERHEAD * calls


def _count_part(count: Prompt, part: Json, model: Model) -> None:
    kind = part.get("type")
    if kind == "text":
        count.messages += tokens.count(model.encoding, part["text"])
    elif kind == "refusal":
        count.messages += tokens.count(model.encoding, part["refusal"])
    elif kind == "image_url":
        image = image_cost(part["image_url"], model)
        count.messages += image
        count.image += image
    elif kind == "input_audio":
        audio = audio_cost(part["input_audio"])
        count.messages += audio
        count.audio += audio
    elif kind == "file":
        count.messages += file_cost(part["file"], model)


# --- functions -----------------------------------------------------------------------------------


def functions_cost(functions: Sequence[Json], model: Model, has_system: bool) -> int:
    """Count declared functions: the type-script-like block that stands for them, and its framing."""
    block = render_functions(functions)
    described = any("description" in entry for entry in _properties(functions))
    overhead = TOOLS_OVERHEAD_WITH_SYSTEM if has_system else TOOLS_OVERHEAD
    return tokens.count(model.encoding, block) + overhead + model.tools_overhead - (0 if described else 1)


def _properties(functions: Sequence[Json]) -> Iterator[Json]:
    for function in functions:
        properties = (function.get("parameters") or {}).get("properties")
        if isinstance(properties, dict):
            yield from (entry for entry in properties.values() if isinstance(entry, dict))


def render_functions(functions: Sequence[Json]) -> str:
    """Render declarations as the block that chat models are known to see."""
    lines = ["namespace functions {", ""]
    for function in functions:
        if function.get("description"):
            lines.append(f"// {function['description']}")
        parameters = function.get("parameters")
        name = function.get("name", "")
        if isinstance(parameters, dict) and parameters.get("properties"):
            lines += [f"type {name} = (_: {{", *_render_object(parameters, 0), "}) => any;", ""]
        else:
            lines += [f"type {name} = () => any;", ""]
    return "\n".join([*lines, "} // namespace functions"])


def _render_object(schema: Json, depth: int) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth > 20:
        return
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    for name, entry in properties.items():
        entry = entry if isinstance(entry, dict) else {}
        if entry.get("description") and depth < 2:
            yield f"// {entry['description']}"
        yield f"{name}{'' if name in needed else '?'}: {_render_type(entry, depth)},"


def _render_type(schema: Any, depth: int) -> str:
    if not isinstance(schema, dict) or depth > 20:
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(dumps_text(value) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return f"{_render_type(items, depth + 1)}[]" if items else "any[]"
    if kind == "object":
        return "\n".join(["{", *_render_object(schema, depth + 1), "}"])
    if isinstance(kind, list):
        return " | ".join(str(entry) for entry in kind)
    return {"integer": "number", None: "any"}.get(kind, str(kind))


# --- images, audio, files ------------------------------------------------------------------------

_DATA_URL = re.compile(r"data:([\w/+.-]*)[^,]{0,100},", re.ASCII)
_ASSUMED_SIZE = (1024, 1024)  # of an image that lies behind a URL: nothing is ever downloaded


def image_cost(image: Json, model: Model) -> int:
    """Count an image: a base price, and one for each 512-pixel tile at high detail."""
    base, tile = model.image_tokens
    if image.get("detail") == "low":
        return base
    width, height = image_size(data_of(image["url"])) or _ASSUMED_SIZE
    shrink = min(1.0, 2048 / max(width, height))
    shrink *= min(1.0, 768 / (min(width, height) * shrink))
    return base + tile * math.ceil(width * shrink / 512) * math.ceil(height * shrink / 512)


def data_of(url: str) -> bytes | None:
    """Return the bytes of a base64 data URL; None for another URL, empty bytes when they are broken."""
    found = _DATA_URL.match(url)
    if found is None:
        return None
    try:
        return base64.b64decode(url[found.end() :], validate=False)
    except (binascii.Error, ValueError):
        return b""


def image_size(raw: bytes | None) -> tuple[int, int] | None:
    """Return width and height in pixels of a PNG, JPEG, GIF or WebP; None when it is none of these."""
    if not raw:
        return None
    if raw[:8] == b"\x89PNG\r\n\x1a\n" and len(raw) >= 24:
        return _positive(struct.unpack(">II", raw[16:24]))
    if raw[:6] in (b"GIF87a", b"GIF89a") and len(raw) >= 10:
        return _positive(struct.unpack("<HH", raw[6:10]))
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return _ASSUMED_SIZE
    return _jpeg_size(raw) if raw[:2] == b"\xff\xd8" else None


def _positive(size: tuple[int, ...]) -> tuple[int, int]:
    return max(1, size[0]), max(1, size[1])


def _jpeg_size(raw: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(raw) and raw[at] == 0xFF:
        marker, length = raw[at + 1], int.from_bytes(raw[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", raw[at + 5 : at + 9])
            return _positive((width, height))
        at += 2 + max(2, length)
    return _ASSUMED_SIZE


def audio_cost(audio: Json) -> int:
    """Count input audio: ten tokens a second; the length is read off the size of the data."""
    seconds = len(audio.get("data") or "") * 3 / 4 / (48_000 if audio.get("format") == "wav" else 4_000)
    return max(1, math.ceil(seconds * 10))


def file_cost(file: Json, model: Model) -> int:
    """Count a file part by the text that its data holds; one behind an id by a nominal page."""
    raw = data_of(file.get("file_data") or "")
    if not raw:
        return 200
    return max(1, tokens.count(model.encoding, raw[:2_000_000].decode("utf-8", "replace")))


# --- usage ---------------------------------------------------------------------------------------


def cacheable(prompt_tokens: int) -> int:
    """Return how many tokens of a repeated prompt count as cached: none below 1,024, then steps of 128."""
    if prompt_tokens < CACHE_FROM:
        return 0
    return CACHE_FROM + (prompt_tokens - CACHE_FROM) // CACHE_STEP * CACHE_STEP

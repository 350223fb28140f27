"""The request of POST /chat/completions, declared in the order in which the API checks it (chat.md §8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.schema import (
    LEAST,
    MOST,
    Anything,
    Array,
    Bool,
    Decimal,
    Enum,
    Int,
    Later,
    Map,
    Object,
    OneOf,
    Str,
    Tagged,
)

CALL_ID = Str(max_length=64)
DESCRIPTION = Str(max_length=1_048_576)
"""What both were allowed in 2026: 40 and 1,024 characters until 2025."""
NAME = Str(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")

PART = Tagged(
    {
        "text": Object({"text": Str()}, required=("text",), open=True),
        "image_url": Object(
            {
                "image_url": Object(
                    {"url": Str(), "detail": Enum("auto", "low", "high")}, required=("url",), open=True
                )
            },
            required=("image_url",),
            open=True,
        ),
        "input_audio": Object(
            {
                "input_audio": Object(
                    {"data": Str(), "format": Enum("wav", "mp3")}, required=("data", "format"), open=True
                )
            },
            required=("input_audio",),
            open=True,
        ),
        "refusal": Object({"refusal": Str()}, required=("refusal",), open=True),
        "audio": Object({"audio": Map(Anything())}, open=True),
        "file": Object(
            {"file": Object({"file_id": Str(), "file_data": Str(), "filename": Str()}, open=True)},
            required=("file",),
            open=True,
        ),
    }
)
MOST_CHARACTERS = 10_485_760
CONTENT = OneOf(Str(max_length=MOST_CHARACTERS), Array(PART, min_length=1))

FUNCTION_CALL = Object({"name": Str(), "arguments": Str()}, required=("arguments", "name"), open=True)
TOOL_CALL = Tagged(
    {
        "function": Object({"id": CALL_ID, "function": FUNCTION_CALL}, required=("id", "function"), open=True),
        "custom": Object(
            {
                "id": CALL_ID,
                "custom": Object({"name": Str(), "input": Str()}, required=("name", "input"), open=True),
            },
            required=("id", "custom"),
            open=True,
        ),
    }
)

# Unknown members of a message are ignored; that content is there at all is checked last of everything.
MESSAGE = Tagged(
    {
        "system": Object({"content": CONTENT, "name": NAME}, open=True),
        "assistant": Object(
            {
                "content": CONTENT,
                "name": NAME,
                "refusal": Str(),
                "audio": Object({"id": Str()}, required=("id",), open=True),
                "tool_calls": Array(TOOL_CALL, min_length=1),
                "function_call": FUNCTION_CALL,
            },
            open=True,
        ),
        "user": Object({"content": CONTENT, "name": NAME}, open=True),
        "function": Object({"content": CONTENT, "name": NAME}, required=("name",), open=True),
        "tool": Object({"content": CONTENT, "tool_call_id": CALL_ID}, required=("tool_call_id",), open=True),
        "developer": Object({"content": CONTENT, "name": NAME}, required=("content",), open=True),
    },
    tag="role",
)

FUNCTION = Object(
    {"name": NAME, "description": DESCRIPTION, "parameters": Map(Anything()), "strict": Bool()}, required=("name",)
)
GRAMMAR = Object({"syntax": Enum("lark", "regex"), "definition": Str()}, required=("definition", "syntax"))
CUSTOM = Object(
    {
        "name": NAME,
        "description": Str(),
        "format": Tagged(
            {
                "text": Object({"type": Str()}),
                "grammar": Object({"type": Str(), "grammar": GRAMMAR}, required=("grammar",)),
            }
        ),
    },
    required=("name",),
)
TOOL = Tagged(
    {
        "function": Object({"type": Str(), "function": FUNCTION}, required=("function",)),
        "custom": Object({"type": Str(), "custom": CUSTOM}, required=("custom",)),
    }
)
NAMED = Object({"name": Str(min_length=1)}, required=("name",))


class Choice(Tagged):
    """A chosen tool: of a type that is not known, the API asks for its function first."""

    __slots__ = ()

    def _fault(self, value: Mapping[str, Any], name: Any, path: str) -> ApiError:
        if isinstance(name, str) and "function" not in value:
            return errors.missing(f"{path.removesuffix(self.tag)}function")
        return Tagged._fault(self, value, name, path)


TOOL_CHOICE = OneOf(
    Enum("none", "auto", "required"),
    Choice(
        {
            "function": Object({"type": Str(), "function": NAMED}, required=("function",)),
            "custom": Object({"type": Str(), "custom": NAMED}, required=("custom",)),
            "allowed_tools": Object(
                {
                    "type": Str(),
                    "allowed_tools": Object(
                        {"mode": Enum("auto", "required"), "tools": Array(Map(Anything()), min_length=1)},
                        required=("mode", "tools"),
                    ),
                },
                required=("allowed_tools",),
            ),
        }
    ),
)

JSON_SCHEMA = Object(
    {"name": NAME, "description": Str(), "schema": Map(Anything()), "strict": Bool()}, required=("name",)
)
RESPONSE_FORMAT = Tagged(
    {
        "json_object": Object({"type": Str()}),
        "json_schema": Object({"type": Str(), "json_schema": JSON_SCHEMA}, required=("json_schema",)),
        "text": Object({"type": Str()}),
    }
)

MODERATION_MODE = Object({"mode": Enum("score", "block")})
MODERATION = Object(
    {"model": Str(), "policy": Object({"input": MODERATION_MODE, "output": MODERATION_MODE})},
    required=("model",),
)

AUDIO = Object(
    {
        "format": Enum("wav", "aac", "mp3", "flac", "opus", "pcm16"),
        "voice": OneOf(Str(), Object({"id": Str()}, required=("id",))),
    },
    required=("voice", "format"),
)
LOCATION = Object({"country": Str(), "region": Str(), "city": Str(), "timezone": Str()})
WEB_SEARCH = Object(
    {
        "search_context_size": Enum("low", "medium", "high"),
        "user_location": Object(
            {"type": Enum("approximate"), "approximate": LOCATION}, required=("type", "approximate")
        ),
    }
)

METADATA = Map(Str(max_length=512), max_properties=16, max_key=64, of="a metadata object")


class Retention(Enum):
    """How long a prompt is cached: what is not listed is refused in words of its own."""

    __slots__ = ()

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind or value."""
        if isinstance(value, str) and value not in self.values:
            raise ApiError(400, f"Invalid {path} argument", param=path)
        Enum.check(self, value, path)


@dataclass(frozen=True, slots=True)
class TopLogprobs(Int):
    """The number of alternatives to show: a larger one is refused in words of its own."""

    def check(self, value: Any, path: str) -> None:
        """Raise the fault of kind or range."""
        if type(value) is int and self.maximum is not None and value > self.maximum:
            text = f"Invalid value for '{path}': must be less than or equal to {self.maximum}."
            raise ApiError(400, text, param=path)
        Int.check(self, value, path)


CREATE = Object(
    {
        "model": Str(),
        "messages": Array(MESSAGE, min_length=1),
        "functions": Array(FUNCTION, min_length=1, max_length=128, of="function definitions"),
        "function_call": OneOf(Enum("none", "auto"), NAMED),
        "tools": Array(TOOL, min_length=1, max_length=128),
        "tool_choice": TOOL_CHOICE,
        "parallel_tool_calls": Bool(),
        "max_completion_tokens": Int(minimum=1),
        "n": Int(minimum=1, maximum=128),
        "temperature": Decimal(minimum=0, maximum=2),
        "top_p": Decimal(minimum=0, maximum=1),
        "presence_penalty": Decimal(minimum=-2, maximum=2),
        "frequency_penalty": Decimal(minimum=-2, maximum=2),
        "logprobs": Bool(),
        "top_logprobs": TopLogprobs(minimum=0, maximum=20),
        "user": Str(),
        "seed": Int(minimum=LEAST, maximum=MOST),
        "moderation": MODERATION,
        "safety_identifier": Str(max_length=64),
        "prompt_cache_options": Object({"mode": Enum("implicit", "explicit"), "ttl": Enum("30m")}),
        "prompt_cache_key": Str(max_length=64),
        "prompt_cache_retention": Retention("in_memory", "24h"),
        "response_format": RESPONSE_FORMAT,
        "service_tier": Enum("auto", "default", "fast", "flex", "priority"),
        "max_tokens": Int(minimum=1),
        "reasoning_effort": Later(Str()),
        "logit_bias": Map(Decimal(minimum=-100, maximum=100)),
        "stop": OneOf(Str(), Array(Str(), max_length=4, of="strings")),
        "stream": Bool(),
        "stream_options": Object({"include_usage": Bool(), "include_obfuscation": Bool()}),
        "store": Bool(),
        "metadata": METADATA,
        "prediction": Tagged({"content": Object({"type": Str(), "content": CONTENT}, required=("content",))}),
        "verbosity": Enum("low", "medium", "high"),
        "modalities": Array(Enum("text", "audio"), min_length=1, of="strings"),
        "audio": AUDIO,
        "web_search_options": WEB_SEARCH,
    },
    required=("messages",),
)
"""`model` is not in `required`: it is looked up before the body is checked, with texts of its own."""

UPDATE = Object({"metadata": METADATA}, required=("metadata",))

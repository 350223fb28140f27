"""The requests of the assistants family (assistants.md §3); those of version 1 are in `schema_v1`."""

from mockai.retrieval import CHUNKING
from mockai.wire.schema import (
    METADATA,
    Anything,
    Array,
    Bool,
    Decimal,
    Enum,
    Int,
    Map,
    Node,
    Object,
    OneOf,
    Str,
    Tagged,
)

NAME = Str(max_length=256)
INSTRUCTIONS = Str(max_length=256_000)
TEXT = Str(max_length=256_000)
# What the reference lists came with later models, which assistants could not use.
REASONING_EFFORT = Enum("low", "medium", "high", documented=("none", "minimal", "xhigh", "max"))
TEMPERATURE, TOP_P = Decimal(0, 2), Decimal(0, 1)

FUNCTION = Object(
    {
        "name": Str(max_length=64, pattern="^[a-zA-Z0-9_-]+$"),
        "description": Str(max_length=1024),
        "parameters": Map(Anything()),
        "strict": Bool(),
    },
    required=("name",),
)
RANKING = Object(
    {"ranker": Enum("auto", "default_2024_08_21"), "score_threshold": Decimal(0, 1)}, required=("score_threshold",)
)
CODE_TOOL = Object({"type": Str()})
FUNCTION_TOOL = Object({"type": Str(), "function": FUNCTION}, required=("function",))
SEARCH_TOOL = Object(
    {"type": Str(), "file_search": Object({"max_num_results": Int(1, 50), "ranking_options": RANKING})}
)
TOOL = Tagged({"code_interpreter": CODE_TOOL, "function": FUNCTION_TOOL, "file_search": SEARCH_TOOL})
TOOLS, RUN_TOOLS = Array(TOOL, max_length=128), Array(TOOL, max_length=20)

NEW_STORE = Object(
    {"file_ids": Array(Str(), max_length=10_000, of="strings"), "chunking_strategy": CHUNKING, "metadata": METADATA}
)
CODE_RESOURCES = Object({"file_ids": Array(Str(), max_length=20, of="strings")})
TOOL_RESOURCES = Object(
    {
        "code_interpreter": CODE_RESOURCES,
        "file_search": Object(
            {
                "vector_store_ids": Array(Str(), max_length=1, of="strings"),
                "vector_stores": Array(NEW_STORE, max_length=1),
            }
        ),
    }
)
RUN_RESOURCES = Object(
    {
        "code_interpreter": CODE_RESOURCES,
        "file_search": Object({"vector_store_ids": Array(Str(), max_length=1, of="strings")}),
    }
)

JSON_SCHEMA = Object(
    {
        "name": Str(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$"),
        "description": Str(),
        "schema": Map(Anything()),
        "strict": Bool(),
    },
    required=("name",),
)
RESPONSE_FORMAT = OneOf(
    Enum("auto"),
    Tagged(
        {
            "text": Object({"type": Str()}),
            "json_object": Object({"type": Str()}),
            "json_schema": Object({"type": Str(), "json_schema": JSON_SCHEMA}, required=("json_schema",)),
        }
    ),
)
NAMED = Object({"name": Str(min_length=1)}, required=("name",))
TOOL_CHOICE = OneOf(
    Enum("none", "auto", "required"),
    Tagged(
        {
            "function": Object({"type": Str(), "function": NAMED}, required=("function",)),
            "code_interpreter": CODE_TOOL,
            "file_search": CODE_TOOL,
        }
    ),
)

DETAIL = Enum("auto", "low", "high")
PART = Tagged(
    {
        "text": Object({"type": Str(), "text": TEXT}, required=("text",)),
        "image_file": Object(
            {"type": Str(), "image_file": Object({"file_id": Str(), "detail": DETAIL}, required=("file_id",))},
            required=("image_file",),
        ),
        "image_url": Object(
            {"type": Str(), "image_url": Object({"url": Str(), "detail": DETAIL}, required=("url",))},
            required=("image_url",),
        ),
    }
)
ATTACHMENT = Object(
    {"file_id": Str(), "tools": Array(Tagged({"code_interpreter": CODE_TOOL, "file_search": CODE_TOOL}))}
)
ROLE = Enum("user", "assistant")
MESSAGE = Object(
    {
        "role": ROLE,
        "content": OneOf(TEXT, Array(PART, min_length=1)),
        "attachments": Array(ATTACHMENT),
        "metadata": METADATA,
    },
    required=("role", "content"),
)
MESSAGES = Array(MESSAGE)
THREAD = Object({"messages": MESSAGES, "tool_resources": TOOL_RESOURCES, "metadata": METADATA})
MODIFY_THREAD = Object({"tool_resources": RUN_RESOURCES, "metadata": METADATA})
MODIFY = Object({"metadata": METADATA})

_ASSISTANT: dict[str, Node] = {
    "model": Str(),
    "name": NAME,
    "description": Str(max_length=512),
    "instructions": INSTRUCTIONS,
    "reasoning_effort": REASONING_EFFORT,
    "tools": TOOLS,
    "tool_resources": TOOL_RESOURCES,
    "metadata": METADATA,
    "temperature": TEMPERATURE,
    "top_p": TOP_P,
    "response_format": RESPONSE_FORMAT,
}
ASSISTANT = Object(_ASSISTANT, required=("model",))
MODIFY_ASSISTANT = Object({**_ASSISTANT, "tool_resources": RUN_RESOURCES})

_RUN: dict[str, Node] = {
    "model": Str(),
    "instructions": INSTRUCTIONS,
    "tools": RUN_TOOLS,
    "metadata": METADATA,
    "temperature": TEMPERATURE,
    "top_p": TOP_P,
    "stream": Bool(),
    "max_prompt_tokens": Int(minimum=256),
    "max_completion_tokens": Int(minimum=1),
    "truncation_strategy": Object(
        {"type": Enum("auto", "last_messages"), "last_messages": Int(minimum=1)}, required=("type",)
    ),
    "tool_choice": TOOL_CHOICE,
    "parallel_tool_calls": Bool(),
    "response_format": RESPONSE_FORMAT,
}
RUN = Object(
    {
        "assistant_id": Str(),
        "reasoning_effort": REASONING_EFFORT,
        "additional_instructions": INSTRUCTIONS,
        "additional_messages": MESSAGES,
        **_RUN,
    },
    required=("assistant_id",),
)
THREAD_AND_RUN = Object(
    {"assistant_id": Str(), "thread": THREAD, "tool_resources": RUN_RESOURCES, **_RUN}, required=("assistant_id",)
)
SUBMIT = Object(
    {"tool_outputs": Array(Object({"tool_call_id": Str(), "output": Str()})), "stream": Bool()},
    required=("tool_outputs",),
)

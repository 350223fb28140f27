"""The requests of version 1 of the assistants family, as it began (assistants.md §8)."""

from mockai.api.assistants import schema
from mockai.api.assistants.faults_v1 import Body
from mockai.api.assistants.schema import CODE_TOOL, FUNCTION_TOOL, ROLE, TEXT
from mockai.wire.schema import METADATA, Array, Node, Object, Str, Tagged

MOST_FILES = 20
"""Files of an assistant."""

TOOL = Tagged({"code_interpreter": CODE_TOOL, "function": FUNCTION_TOOL, "retrieval": CODE_TOOL})
TOOLS = Array(TOOL, max_length=128)
INSTRUCTIONS = Str(max_length=32_768)
_MESSAGE = Object(
    {
        "role": ROLE,
        "content": TEXT,
        "file_ids": Array(Str(), max_length=10, of="strings"),
        "metadata": METADATA,
    },
    required=("role", "content"),
)
_THREAD = Object({"messages": Array(_MESSAGE, max_length=32), "metadata": METADATA})
_ASSISTANT: dict[str, Node] = {
    **{name: node for name, node in schema.ASSISTANT.fields.items() if name != "tool_resources"},
    "instructions": INSTRUCTIONS,
    "tools": TOOLS,
    "file_ids": Array(Str(), max_length=MOST_FILES, of="strings"),
}
_OF_RUNS = {"tools": TOOLS, "instructions": INSTRUCTIONS}
_AND_RUN = {name: node for name, node in schema.THREAD_AND_RUN.fields.items() if name != "tool_resources"}
_OUTPUT = Object({"tool_call_id": Str(), "output": Str()}, required=("tool_call_id",))

ASSISTANT = Body(Object(_ASSISTANT, required=("model",)))
MODIFY_ASSISTANT = Body(Object(_ASSISTANT))
ASSISTANT_FILE = Body(Object({"file_id": Str()}, required=("file_id",)))
THREAD = Body(_THREAD)
MESSAGE = Body(_MESSAGE)
MODIFY = Body(Object({"metadata": METADATA}))
RUN = Body(
    Object({**schema.RUN.fields, "additional_messages": Array(_MESSAGE), **_OF_RUNS}, required=("assistant_id",))
)
THREAD_AND_RUN = Body(Object({**_AND_RUN, "thread": _THREAD, **_OF_RUNS}, required=("assistant_id",)))
SUBMIT = Body(Object({**schema.SUBMIT.fields, "tool_outputs": Array(_OUTPUT)}, required=("tool_outputs",)))

"""The lines of a training file: what is wrong with one, and what one teaches (fine_tuning.md §6, §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockai import tuned
from mockai.call import Json
from mockai.engine import tokens
from mockai.engine.conversation import text_of
from mockai.engine.learning import Lesson, lesson
from mockai.wire import codec

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# The keys of a line, by the form of the file; the first ones are required.
CHAT = ("messages", "tools", "functions", "parallel_tool_calls")
PAIR = ("prompt", "completion")
PREFERENCE = ("input", "preferred_output", "non_preferred_output")
PER_MESSAGE, PER_EXAMPLE = 4, 1
"""Tokens beside those of the contents."""

NO_FORMAT = "Unexpected file format, expected either prompt/completion pairs or chat messages."


class FormatError(Exception):
    """What is wrong with a file, in the API's words. Texts that the ledger does not have are unverified."""


@dataclass(frozen=True, slots=True)
class Course:
    """What decides how the lines of a job are read."""

    encoding: str
    method: str
    kind: str
    """What the model is for: chat or completion."""
    longest: int
    """Tokens of an example; what is longer is cut."""
    target: str | None = None
    """For reinforcement: the template of the reference that the grader compares with."""


@dataclass(slots=True)
class Example:
    """What one line teaches."""

    lessons: list[Lesson] = field(default_factory=list)
    replies: list[tuple[list[Json], Json]] = field(default_factory=list)
    """Conversations, and the assistant message that follows each."""
    tokens: int = 0
    text: str = ""
    """All of its contents, for moderation."""


def read(line: bytes, number: int, course: Course, file_id: str) -> Example:
    """Return what line `number` (from 1) teaches. Raises `FormatError`."""
    try:
        entry = codec.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except codec.Fault:
        raise FormatError(f"Invalid file format. Line {number} is not valid JSON.") from None
    if not isinstance(entry, dict):
        raise FormatError(f"Invalid file format. Line {number} is not a JSON object.")
    if course.method == "dpo":
        return _preference(entry, number, course, file_id)
    if course.kind == "completion":
        return _pair(entry, number, course)
    return _chat(entry, number, course)


# --- forms ---------------------------------------------------------------------------------------


def _chat(entry: Json, number: int, course: Course) -> Example:
    if "messages" not in entry:
        if number == 1 and not set(PAIR) & set(entry):
            raise FormatError(NO_FORMAT)
        raise FormatError(f"Invalid file format. Example {number} is missing key 'messages'")
    graded = course.method == "reinforcement"
    if not graded:
        _no_extra(entry, CHAT, number)
    messages = _messages(entry["messages"], number)
    if not graded and messages[-1]["role"] != "assistant":
        raise FormatError(f"Invalid file format. Example {number} must end with a message from the assistant.")
    example = Example(tokens=_size(messages, course) + PER_EXAMPLE, text=_joined(messages))
    if graded and (reference := _reference(entry, course.target)):
        _learn(example, course, messages, {"role": "assistant", "content": reference})
    for at, message in enumerate(messages):
        if not graded and message["role"] == "assistant" and message.get("weight") != 0:
            _learn(example, course, messages[:at], message)
    example.tokens = min(example.tokens, course.longest)
    return example


def _pair(entry: Json, number: int, course: Course) -> Example:
    for key in PAIR:
        if key not in entry:
            if number == 1 and not set(PAIR) & set(entry):
                raise FormatError(NO_FORMAT)
            raise FormatError(f"Invalid file format. Example {number} is missing key '{key}'")
        if not isinstance(entry[key], str):
            raise FormatError(f"Invalid file format. Example {number} has a '{key}' that is not a string.")
    _no_extra(entry, PAIR, number)
    prompt = [{"role": "user", "content": entry["prompt"]}]
    size = sum(tokens.count(course.encoding, entry[key]) for key in PAIR) + PER_EXAMPLE
    example = Example(tokens=min(size, course.longest), text=f"{entry['prompt']} {entry['completion']}")
    _learn(example, course, prompt, {"role": "assistant", "content": entry["completion"]})
    return example


def _preference(entry: Json, number: int, course: Course, file_id: str) -> Example:
    if "messages" in entry and "input" not in entry:
        raise FormatError(
            f"Invalid file format. Input file {file_id} is in the fine-tune-chat format, but the specified "
            f"fine-tuning job is not using 'supervised' as the training method (provided method={course.method}). "
        )
    for key in PREFERENCE:
        if key not in entry:
            raise FormatError(f"Invalid file format. Example {number} is missing key '{key}'.")
    _no_extra(entry, PREFERENCE, number)
    given = entry["input"]
    if not isinstance(given, dict) or "messages" not in given:
        raise FormatError(f"Invalid file format. Example {number} is missing key 'messages'")
    _no_extra(given, CHAT, number)
    messages = _messages(given["messages"], number)
    good, bad = (_messages(entry[key], number)[-1] for key in PREFERENCE[1:])
    for message in (good, bad):
        if message["role"] != "assistant":
            raise FormatError(f"Invalid file format. Example {number} must end with a message from the assistant.")
    size = _size([*messages, good, bad], course) + PER_EXAMPLE
    example = Example(tokens=min(size, course.longest), text=_joined([*messages, good]))
    _learn(example, course, messages, good, worse=_said(bad))
    return example


def _no_extra(entry: Json, known: Sequence[str], number: int) -> None:
    for key in entry:
        if key not in known:
            raise FormatError(f'Invalid file format. Example {number} contains an extra "{key}".')


def _messages(value: Any, number: int) -> list[Json]:
    if not isinstance(value, list) or not value:
        raise FormatError(f"Invalid file format. Example {number} has no messages.")
    for at, message in enumerate(value, 1):
        where = f"Invalid file format. Example {number}, message {at}"
        if not isinstance(message, dict) or "role" not in message:
            raise FormatError(f"{where} Discriminator 'role' is missing in value")
        if message["role"] not in ROLES:
            allowed = ", ".join(f"'{role}'" for role in ROLES)
            raise FormatError(
                f"{where} No match for discriminator 'role' and value '{message['role']}' (allowed values: {allowed})"
            )
        _content(message, where)
    return value


def _content(message: Json, where: str) -> None:
    content, weight = message.get("content"), message.get("weight")
    calls = message.get("tool_calls") or message.get("function_call")
    if not (isinstance(content, str) or _are_parts(content) or (content is None and calls)):
        raise FormatError(f"{where} field 'content' must be a string or an array of content parts")
    if not _are_calls(message):
        raise FormatError(f"{where} has calls without a function's name and arguments")
    if weight is not None and (message["role"] != "assistant" or weight not in (0, 1)):
        raise FormatError(f"{where} field 'weight' must be 0 or 1, on messages of the assistant")


def _are_parts(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text", ""), str) for part in content
    )


def _are_calls(message: Json) -> bool:
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        return False
    functions = [call.get("function") if isinstance(call, dict) else None for call in calls or ()]
    if message.get("function_call") is not None:
        functions.append(message["function_call"])
    return all(
        isinstance(function, dict) and all(isinstance(function.get(key), str) for key in ("name", "arguments"))
        for function in functions
    )


# --- what is learned -----------------------------------------------------------------------------


def _learn(example: Example, course: Course, before: list[Json], reply: Json, worse: str | None = None) -> None:
    prompt = "\n".join(f"{message['role']}: {_said(message)}" for message in before)
    room = max(0, course.longest - _size(before, course))
    asked = tuned.last_asked(before)
    example.lessons.append(lesson(course.encoding, prompt, asked, _said(reply), worse, room))
    example.replies.append((before, reply))


def _said(message: Json) -> str:
    calls = [f"{name}({arguments})" for name, arguments in tuned.calls_of(message)]
    return " ".join([text for text in (text_of(message.get("content")),) if text] + calls)


def _joined(messages: Iterable[Json]) -> str:
    return " ".join(_said(message) for message in messages)


def _size(messages: Iterable[Json], course: Course) -> int:
    return sum(tokens.count(course.encoding, _said(message)) + PER_MESSAGE for message in messages)


def _reference(entry: Json, template: str | None) -> str:
    """Return what the grader compares an answer with, so far as the line itself says it."""
    text = template or ""
    for name, value in entry.items():
        shown = value if isinstance(value, str) else codec.dumps_text(value)
        text = text.replace(f"{{{{item.{name}}}}}", shown).replace(f"{{{{ item.{name} }}}}", shown)
    return text

"""A request as rules look at it. Nothing of it has been checked: any part may be missing or of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, overload

Json = dict[str, Any]
T = TypeVar("T")
SYSTEM = ("system", "developer")


class once(Generic[T]):  # noqa: N801 - a decorator
    """A value that is read at the first use: `functools.cached_property` without the lock of Python 3.11."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        """Take the method that reads the value."""
        self._read, self._name = read, read.__name__

    @overload
    def __get__(self, instance: None, owner: type) -> once[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object, owner: type) -> once[T] | T:
        """Read the value, and leave it where the next look finds it before this one."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._read(instance)
        return value


class Request:
    """Reads what conditions ask for, each once."""

    def __init__(
        self,
        endpoint: str,
        body: Any,
        headers: Mapping[bytes, bytes],
        path: Mapping[str, str],
        query: Mapping[str, Any],
    ) -> None:
        """Take the parts of a request; `endpoint` is the official SDK's name of the operation, or `runs`."""
        self.endpoint, self.headers, self.path, self.query = endpoint, headers, path, query
        self.body: Json = body if isinstance(body, dict) else {}
        model = self.body.get("model")
        self.model: str | None = model if isinstance(model, str) else None
        """The model that is asked for."""
        self.user, self.system = self._said()

    def header(self, name: str) -> str | None:
        """Return a header; `name` is in lower case."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    @once
    def messages(self) -> list[Json]:
        """Return the conversation: the messages of a chat or run, or the input items of a response."""
        given = self.body.get("messages")
        if given is None and self.endpoint == "responses.create":
            given = self.body.get("input")
        return [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []

    def _said(self) -> tuple[str | None, str | None]:
        """Return what the user said last, and the system and developer messages, a line end between two.

        Nearly every request is asked for both, and for nothing else.
        """
        given = self.body.get("messages")
        users, system = [], []
        for message in given if isinstance(given, list) else self.messages:
            if isinstance(message, dict):
                role, content = message.get("role"), message.get("content")
                if role == "user":
                    users.append(content)
                elif role in SYSTEM:
                    system.append(content)
        if "instructions" in self.body:
            system.append(self.body["instructions"])
        texts = [text for text in map(text_of, system) if text is not None] if system else ()
        return self._last(users), "\n".join(texts) if texts else None

    def _last(self, contents: list[Any]) -> str | None:
        """Return the last text of the user: a message that has some, or the prompt."""
        for content in reversed(contents):
            text = content if isinstance(content, str) else text_of(content)
            if text is not None:
                return text
        if self.endpoint == "completions.create":
            return _joined(self.body.get("prompt"))
        given = self.body.get("input")
        return given if self.endpoint == "responses.create" and isinstance(given, str) else None

    @once
    def input(self) -> str | None:
        """Return the text to embed or to moderate; several are joined by line ends."""
        return _joined(self.body.get("input"))

    @once
    def tools(self) -> list[str]:
        """Return the names of the tools that the request offers."""
        names = []
        for tool in [*_list(self.body.get("tools")), *_list(self.body.get("functions"))]:
            if isinstance(tool, dict):
                inner = tool.get("function") or tool.get("custom") or tool
                name = inner.get("name") if isinstance(inner, dict) else None
                names.append(name if isinstance(name, str) else str(tool.get("type")))
        return names

    @once
    def result(self) -> Json | None:
        """Return the last message when it is a tool's result."""
        last = self.messages[-1] if self.messages else {}
        return (
            last if last.get("role") in ("tool", "function") or last.get("type") == "function_call_output" else None
        )

    @property
    def call_id(self) -> str | None:
        """Return the id of the tool call that the last message is the result of."""
        if self.result is None:
            return None
        found = self.result.get("tool_call_id") or self.result.get("call_id")
        return found if isinstance(found, str) else None

    @property
    def result_text(self) -> str | None:
        """Return the text of the tool result that ends the conversation."""
        if self.result is None:
            return None
        return text_of(self.result.get("content", self.result.get("output")))

    @once
    def has_result(self) -> bool:
        """Return whether a tool's result has come since the user spoke last."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return False
            if message.get("role") in ("tool", "function") or message.get("type") == "function_call_output":
                return True
        return False

    @once
    def turn(self) -> int:
        """Return how many answers the conversation holds."""
        return sum(message.get("role") == "assistant" for message in self.messages)

    @once
    def form(self) -> str | None:
        """Return the type of the response format."""
        form = self.body.get("response_format")
        if form is None and isinstance(self.body.get("text"), dict):
            form = self.body["text"].get("format")
        kind = form.get("type") if isinstance(form, dict) else form
        return kind if isinstance(kind, str) else None


def text_of(content: Any) -> str | None:
    """Return the text of a content: a string, or joined text parts; None when it has none."""
    if isinstance(content, str):
        return content
    texts = [part["text"] for part in _list(content) if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def _joined(given: Any) -> str | None:
    if isinstance(given, str):
        return given
    texts = [text for text in map(_own_text, _list(given)) if text is not None]
    return "\n".join(texts) if texts else None


def _own_text(entry: Any) -> str | None:
    if isinstance(entry, dict):
        entry = entry.get("text")
    return entry if isinstance(entry, str) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

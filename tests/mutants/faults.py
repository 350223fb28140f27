"""The kinds of faults: each wraps the handler of an operation, or changes a piece of the machinery."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from mockai.api import OPERATIONS
from mockai.call import Answer, Beat, Call, Reply, Stream
from mockai.wire import codec
from mockai.wire.errors import ApiError

BY_NAME = {operation.name: operation for operation in OPERATIONS}
Change = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault, the contracts that ought to see it, and how to bring it about."""

    name: str
    only: str
    apply: Callable[[], Any]
    """Returns a context manager: the fault is there while it is entered."""


@contextmanager
def _handled(operation: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Wrap a handler in every copy of the operation: the server was built from the same objects."""
    entry = BY_NAME[operation]
    handler = entry.handler
    object.__setattr__(entry, "handler", wrap(handler))
    try:
        yield
    finally:
        object.__setattr__(entry, "handler", handler)


def body(operation: str, name: str, change: Change) -> Mutant:
    """Change the JSON of every good answer of an operation, in place."""

    def wrap(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def handle(call: Call) -> Answer:
            answer = handler(call)
            if isinstance(answer, Reply):
                whole = codec.loads(answer.body) if isinstance(answer.body, bytes) else answer.body
                change(whole)
                return replace(answer, body=whole)
            if isinstance(answer, dict):
                answer = codec.loads(codec.dumps(answer))  # what is kept stays as it is
                change(answer)
            return answer

        return handle

    return Mutant(f"{operation}: {name}", operation, lambda: _handled(operation, wrap))


def _leaves(whole: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Yield what holds the last key of a dotted path, and the key; `*` is every entry."""
    first, _, rest = path.partition(".")
    keys: list[Any] = [int(first)] if first.isdigit() else [first]
    if first == "*":
        keys = list(range(len(whole)) if isinstance(whole, list) else whole)
    for key in keys:
        if not rest:
            yield whole, key
        elif isinstance(whole, list) or (isinstance(whole, dict) and whole.get(key) is not None):
            yield from _leaves(whole[key], rest)


def drop(operation: str, path: str) -> Mutant:
    """Leave a key out."""

    def change(whole: Any) -> None:
        for holder, key in list(_leaves(whole, path)):
            holder.pop(key, None)

    return body(operation, f"without {path}", change)


def put(operation: str, path: str, value: Any) -> Mutant:
    """Answer a wrong value, or one of a wrong type."""
    return alter(operation, path, f"{path} = {value!r}", lambda old: value)


def alter(operation: str, path: str, name: str, new: Change) -> Mutant:
    """Change a value by what it is."""

    def change(whole: Any) -> None:
        for holder, key in list(_leaves(whole, path)):
            if not isinstance(holder, dict) or key in holder:
                holder[key] = new(holder[key])

    return body(operation, name, change)


def stream(operation: str, name: str, change: Callable[[list[Any]], Any], **more: Any) -> Mutant:
    """Change the events of a stream: a list of their data, in place."""

    def wrap(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def handle(call: Call) -> Answer:
            answer = handler(call)
            if not isinstance(answer, Stream):
                return answer
            beats = list(answer.beats)
            loads = codec.loads
            parts = [[beat.event, loads(beat.data) if isinstance(beat.data, bytes) else beat.data] for beat in beats]
            change(parts)
            fresh = iter([Beat(0.0, data, event) for event, data in parts])
            return replace(answer, beats=fresh, at_once=None, **more)

        return handle

    return Mutant(f"{operation}: {name}", operation, lambda: _handled(operation, wrap))


def status(operation: str, code: int) -> Mutant:
    """Answer every error of an operation with another status."""

    def wrap(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def handle(call: Call) -> Answer:
            try:
                return handler(call)
            except ApiError as error:
                error.status = code
                raise

        return handle

    return Mutant(f"{operation}: errors with {code}", operation, lambda: _handled(operation, wrap))


def instead(operation: str, name: str, handler: Callable[[Any, Call], Answer]) -> Mutant:
    """Do something else than the operation does."""
    return Mutant(
        f"{operation}: {name}",
        operation,
        lambda: _handled(operation, lambda real: lambda call: handler(real, call)),
    )


def patch(where: str, only: str, name: str, make: Callable[[Any], Any]) -> Mutant:
    """Change a piece of the machinery: `where` is `module:attribute`."""
    module, _, attribute = where.partition(":")

    @contextmanager
    def patched() -> Iterator[None]:
        owner = importlib.import_module(module)
        old = getattr(owner, attribute)
        setattr(owner, attribute, make(old))
        try:
            yield
        finally:
            setattr(owner, attribute, old)

    return Mutant(f"{where}: {name}", only, patched)

"""The request as a model takes it: what it refuses is found where the API comes to the field (chat.md §7, §8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mockai.api.chat.schema import CREATE, TopLogprobs
from mockai.engine.catalogue import Model
from mockai.wire import errors
from mockai.wire.schema import Int, Node

INSTEAD = {"max_tokens": "max_completion_tokens"}
LAST = frozenset({"temperature", "top_p"})
"""What the API refuses after it has seen all fields."""


@dataclass(frozen=True, slots=True)
class Refused(Node):
    """A parameter that is refused whatever its value."""

    def check(self, value: Any, path: str) -> None:
        """Raise the refusal."""
        raise errors.unsupported_parameter(path, INSTEAD.get(path))


@dataclass(frozen=True, slots=True)
class Listed(Node):
    """A value out of the list of a model; any other is refused, of whatever kind it is."""

    values: tuple[str, ...]

    def check(self, value: Any, path: str) -> None:
        """Raise the refusal of a value that is not listed."""
        if value not in self.values:
            raise errors.unsupported_value(path, value, self.values)


def narrowed(model: Model) -> Node:
    """Return the schema of a request to a model that reasons; the others take what `CREATE` declares."""
    return _narrowed(model.refuses - LAST, model.efforts, model.max_n, model.max_top_logprobs)


@lru_cache(maxsize=64)
def _narrowed(refuses: frozenset[str], efforts: tuple[str, ...], most_n: int, most_top: int) -> Node:
    fields: dict[str, Node] = {
        **CREATE.fields,
        "n": Int(minimum=1, maximum=most_n),
        "top_logprobs": TopLogprobs(minimum=0, maximum=most_top),
        "reasoning_effort": Listed(efforts),
    }
    return replace(CREATE, fields=fields | dict.fromkeys(refuses, Refused()))

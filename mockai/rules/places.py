"""Data with the line of every value: YAML and JSON files that can be complained about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from mockai.wire import codec

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


class UnreadableError(ValueError):
    """A text that is neither YAML nor JSON: `line` and what is wrong there."""

    def __init__(self, line: int, text: str) -> None:
        """Hold line and words."""
        super().__init__(text)
        self.line, self.text = line, text


@dataclass(slots=True)
class Place:
    """Where a value begins, and where what is inside it does."""

    line: int
    inside: dict[str | int, Place] = field(default_factory=dict)
    twice: list[tuple[str, int]] = field(default_factory=list)
    """Keys that a mapping has more than once, with the later line."""

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """Return the line of the value that a path of keys and positions leads to, or of the nearest around it."""
        place = self
        for step in path:
            if step not in place.inside:
                break
            place = place.inside[step]
        return place.line

    def walk(self) -> Iterator[Place]:
        """Yield this place and all inside it."""
        yield self
        for place in self.inside.values():
            yield from place.walk()


def read(text: str, *, json: bool) -> tuple[Any, Place]:
    """Return the data of a text and their places. Raises `UnreadableError`."""
    return _read_json(text) if json else _read_yaml(text)


# --- JSON ----------------------------------------------------------------------------------------


def _read_json(text: str) -> tuple[Any, Place]:
    try:
        data = codec.loads(text)
    except codec.Fault as fault:
        raise UnreadableError(fault.lineno, f"is not JSON: {fault.msg}") from None
    return data, _json_places(text)


def _json_places(text: str) -> Place:
    """Return the places of a valid JSON text."""
    line = 1
    root = Place(1)
    stack: list[Place] = []
    step: str | int = ""
    steps: list[str | int] = []
    expects_key = False
    for token in TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif token in "}]":
            stack.pop()
            step = steps.pop()
            expects_key = False
        elif token == ",":
            expects_key = isinstance(step, str)
            step = step + 1 if isinstance(step, int) else step
        elif token == ":":
            expects_key = False
        elif expects_key:
            step = codec.loads(token)
            if step in stack[-1].inside:
                stack[-1].twice.append((str(step), line))
            stack[-1].inside[step] = Place(line)
        else:
            place = Place(line)
            if stack:
                stack[-1].inside[step] = place
            else:
                root = place
            if token in "{[":
                stack.append(place)
                steps.append(step)
                step, expects_key = ("", True) if token == "{" else (0, False)
    return root


# --- YAML ----------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads dates as the text they are written in."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_yaml(text: str) -> tuple[Any, Place]:
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, Place(1)
            return loader.construct_document(node), _yaml_places(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(
            (mark.line if mark else 0) + 1, f"is not YAML: {error.problem or error.context}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(1, f"is not YAML: {str(error).splitlines()[0]}") from None


def _yaml_places(node: yaml.Node) -> Place:
    place = Place(node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        place.inside = {at: _yaml_places(entry) for at, entry in enumerate(node.value)}
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            if name in place.inside:
                place.twice.append((name, key.start_mark.line + 1))
            place.inside[name] = _yaml_places(value)
            place.inside[name].line = key.start_mark.line + 1
    return place

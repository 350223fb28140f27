"""Recorded exchanges with the real API, where a folder of them lies beside the checkout."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("MOCKAI_RECORDED", Path(__file__).parents[2] / "shared" / "api" / "recorded"))


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]
    status: int
    answer: Any
    """Parsed JSON; a list of parsed chunks for a stream; text otherwise."""
    streamed: bool
    raw: Any = None

    @property
    def events(self) -> list[tuple[str, Any]]:
        """The named events of a stream; the data of the last is text."""
        found = []
        for frame in filter(None, self.raw.split("\n\n")):
            name, data = frame.split("\n")
            text = data.removeprefix("data: ")
            found.append((name.removeprefix("event: "), text if text == "[DONE]" else json.loads(text)))
        return found


def exchanges(*prefixes: str) -> Iterator[Exchange]:
    for file in sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else ():
        if not file.name.startswith(prefixes):
            continue
        content = json.loads(file.read_text("utf-8"))
        entries = content if isinstance(content, list) else [content]
        for number, entry in enumerate(entries):
            if "request" in entry:
                name = file.stem if len(entries) == 1 else f"{file.stem}[{number}]"
                yield _exchange(name, entry)


def _exchange(name: str, entry: dict[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    answer, streamed = response["body"], False
    if isinstance(answer, str):
        if answer.startswith(("data:", "event:")):
            answer, streamed = chunks(answer), True
        else:
            with contextlib.suppress(ValueError):
                answer = json.loads(answer)
    return Exchange(
        name,
        request["method"],
        request["path"],
        request.get("body"),
        request.get("headers") or {},
        response["status"],
        answer,
        streamed,
        response["body"],
    )


def chunks(text: str) -> list[Any]:
    lines = [line[5:].strip() for line in text.split("\n") if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def shape(value: Any) -> Any:
    """Return the keys and kinds of a value; items of an array count once for each shape that occurs."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        shapes: list[Any] = []
        for entry in map(shape, value):
            if entry not in shapes:
                shapes.append(entry)
        return sorted(shapes, key=repr)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else "string"

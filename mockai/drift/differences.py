"""What differs between a recorded answer and another one, by kind and severity.

What depends on the model's mood, on ids and on the time is not compared: texts, values, the length of lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockai.recording import Response
from mockai.wire import codec

SEVERITY = {
    "not served": "major",
    "status": "major",
    "missing key": "major",
    "type": "major",
    "error text": "major",
    "event order": "major",
    "extra key": "minor",
    "null": "minor",
    "enum": "minor",
    "header": "minor",
    "token count": "minor",
    "key order": "minor",
}
"""Every kind. A client breaks on a major difference; a minor one it may never notice."""

ENUMS = frozenset("object type role status finish_reason purpose service_tier code reason".split())
COUNTS = frozenset({"prompt_tokens", "input_tokens"})
"""Tokens that depend on the request alone."""
FREE = frozenset({"metadata", "parameters", "schema", "logit_bias", "top_logprobs"})
"""Keys whose value is the caller's, or chance."""
VALUES = ("content-type", "openai-version")
PRESENT = (
    "x-request-id openai-organization openai-project openai-processing-ms access-control-allow-origin "
    "access-control-expose-headers strict-transport-security x-content-type-options content-disposition "
    "www-authenticate retry-after x-ratelimit-limit-requests x-ratelimit-limit-tokens "
    "x-ratelimit-remaining-requests x-ratelimit-remaining-tokens x-ratelimit-reset-requests x-ratelimit-reset-tokens"
).split()

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `where` is a JSON path, an event or a header."""

    kind: str
    where: str
    recorded: str
    here: str

    @property
    def severity(self) -> str:
        """Return `major` or `minor`."""
        return SEVERITY[self.kind]


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event."""

    name: str
    data: Any


def compare(recorded: Response, here: Response) -> list[Difference]:
    """Return every difference once, in the order in which it was found."""
    found = dict.fromkeys(_compare(recorded, here))
    return list(found)


def _compare(recorded: Response, here: Response) -> Iterator[Difference]:
    if recorded.status != here.status:
        yield Difference("status", "", str(recorded.status), f"{here.status} {_message(here)}".strip())
        return
    yield from _headers(recorded.headers, here.headers)
    if "octet-stream" in recorded.headers.get("content-type", ""):
        return
    first, second = parsed(recorded.body), parsed(here.body)
    if isinstance(first, tuple) and isinstance(second, tuple):
        yield from _streams(first, second)
    elif isinstance(first, tuple) or isinstance(second, tuple):
        yield Difference("type", "", _kind(first), _kind(second))
    elif recorded.status >= 400 and isinstance(first, dict) and isinstance(second, dict):
        yield from _errors(first, second)
    else:
        yield from values(first, second, "")
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _order(first, second, "")


def _message(response: Response) -> str:
    body = parsed(response.body)
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def parsed(body: bytes) -> Any:
    """Return a body as JSON, as a tuple of events, or as text; None for an empty one."""
    if body.startswith((b"data:", b"event:")):
        return tuple(_events(body.decode(errors="replace")))
    try:
        return codec.loads(body)
    except codec.Fault:
        return body.decode("latin-1") or None


def _events(text: str) -> Iterator[Event]:
    for frame in text.replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in frame.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
        if data:
            raw = "\n".join(data)
            try:
                yield Event(name, codec.loads(raw))
            except codec.Fault:
                yield Event(name, raw)


# --- headers, errors ----------------------------------------------------------------------------


def _headers(recorded: dict[str, str], here: dict[str, str]) -> Iterator[Difference]:
    for name in VALUES:
        if (
            name in recorded
            and recorded[name].replace(" ", "").lower() != here.get(name, "").replace(" ", "").lower()
        ):
            yield Difference("header", name, recorded[name], here.get(name, "missing"))
    for name in PRESENT:
        if name in recorded and name not in here:
            yield Difference("header", name, recorded[name], "missing")


def _errors(recorded: Json, here: Json) -> Iterator[Difference]:
    first, second = recorded.get("error"), here.get("error")
    if isinstance(first, dict) and isinstance(second, dict):
        for name in first.keys() & second.keys():
            if first[name] != second[name]:
                yield Difference("error text", f"error.{name}", shown(first[name]), shown(second[name]))
        yield from _keys(first, second, "error")
        yield from values(
            {name: entry for name, entry in recorded.items() if name != "error"},
            {name: entry for name, entry in here.items() if name != "error"},
            "",
        )
    else:
        yield from values(recorded, here, "")


# --- JSON ---------------------------------------------------------------------------------------


def values(recorded: Any, here: Any, where: str) -> Iterator[Difference]:
    """Yield differences of kind between two JSON values."""
    if isinstance(recorded, dict) and isinstance(here, dict):
        yield from _keys(recorded, here, where)
        for name in recorded:
            if name in here and name not in FREE:
                yield from _named(name, recorded[name], here[name], f"{where}.{name}" if where else name)
    elif isinstance(recorded, list) and isinstance(here, list):
        yield from _lists(recorded, here, f"{where}[]")
    elif (recorded is None) != (here is None):
        yield Difference("null", where, _kind(recorded), _kind(here))
    elif _kind(recorded) != _kind(here):
        yield Difference("type", where, _kind(recorded), _kind(here))


def _keys(recorded: Json, here: Json, where: str) -> Iterator[Difference]:
    for name in recorded:
        if name not in here:
            yield Difference("missing key", f"{where}.{name}" if where else name, shown(recorded[name]), "missing")
    for name in here:
        if name not in recorded:
            yield Difference("extra key", f"{where}.{name}" if where else name, "missing", shown(here[name]))


def _named(name: str, recorded: Any, here: Any, where: str) -> Iterator[Difference]:
    if name in ENUMS and isinstance(recorded, str) and isinstance(here, str):
        if recorded != here:
            yield Difference("enum", where, recorded, here)
    elif name in COUNTS and isinstance(recorded, int) and isinstance(here, int):
        if recorded != here:
            yield Difference("token count", where, str(recorded), str(here))
    else:
        yield from values(recorded, here, where)


def _lists(recorded: list[Any], here: list[Any], where: str) -> Iterator[Difference]:
    """Compare the first entry of each type; how many there are is the model's, or the account's."""
    mine = _by_type(here)
    theirs = _by_type(recorded)
    for kind, entry in theirs.items():
        if kind in mine:
            yield from values(entry, mine[kind], where)
        elif mine:
            yield Difference("enum", f"{where}.type", kind or "none", ", ".join(mine) or "none")


def _by_type(entries: list[Any]) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        kinds.setdefault(kind if isinstance(kind, str) else "", entry)
    return kinds


def _order(recorded: Json, here: Json, where: str) -> Iterator[Difference]:
    """Compare the order of the outermost keys, unless whoever recorded has sorted them."""
    common = [name for name in recorded if name in here]
    mine = [name for name in here if name in recorded]
    if common != mine and list(recorded) != sorted(recorded):
        yield Difference("key order", where, " ".join(common), " ".join(mine))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", tuple: "stream", str: "string", int: "number", float: "number"}
    return "null" if value is None else names[type(value)]


def shown(value: Any) -> str:
    """Return a value, short enough for a table."""
    text = value if isinstance(value, str) else codec.dumps_text(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


# --- streams ------------------------------------------------------------------------------------


def _streams(recorded: tuple[Event, ...], here: tuple[Event, ...]) -> Iterator[Difference]:
    first, second = _sequence(recorded), _sequence(here)
    if first != second:
        yield Difference("event order", "", " ".join(first), " ".join(second))
    mine: dict[str, list[Event]] = {}
    theirs: dict[str, list[Event]] = {}
    for stream, by_kind in ((recorded, theirs), (here, mine)):
        for event in stream:
            by_kind.setdefault(kind_of(event), []).append(event)
    for kind, events in theirs.items():
        if kind in mine:
            yield from values(events[0].data, mine[kind][0].data, kind)
            yield from values(events[-1].data, mine[kind][-1].data, kind)
            if isinstance(events[0].data, dict) and isinstance(mine[kind][0].data, dict):
                yield from _order(events[0].data, mine[kind][0].data, kind)


def _sequence(events: tuple[Event, ...]) -> list[str]:
    """Return the kinds of events in their order, repetitions once."""
    kinds: list[str] = []
    for kind in map(kind_of, events):
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return kinds


def kind_of(event: Event) -> str:
    """Return the name of an event; a nameless one is told by what it brings."""
    data = event.data
    if event.name or not isinstance(data, dict):
        return event.name or str(data)
    choices = data.get("choices") or []
    if not choices:
        return "usage" if data.get("usage") else "empty"
    choice = choices[0]
    if choice.get("finish_reason"):
        return "finish"
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return "text"
    return next(
        (name for name in ("role", "tool_calls", "function_call", "refusal", "content") if name in delta), "delta"
    )

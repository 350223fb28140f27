"""Models that were trained here, as every resource sees them: who they are, and what they answer.

A tuned model answers a prompt of its training file with the trained reply, one that is near to such a prompt with the
reply to the nearest, and everything else as its base model does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mockai.call import Call, Json
from mockai.engine import catalogue, conversation
from mockai.engine.catalogue import Model
from mockai.engine.draw import key
from mockai.wire import codec

KIND = "fine_tuned_model"
NAMES = re.compile(r"ft:|[a-z]+:ft-")
"""How the names of tuned models begin: those of jobs, and those of the older fine-tunes."""
FIRST = ("ada", "babbage", "curie", "davinci")
"""The models that the older fine-tunes were made of."""
NEAR = 0.55
"""The cosine from which on two prompts ask the same."""
WIDTH, AT_ONCE = 256, 32
_VECTORS = ("text-embedding-3-small", 1536, WIDTH)


@dataclass(slots=True)
class Answers:
    """What one training taught: replies, found by their whole conversation or by what was asked last."""

    replies: list[Json] = field(default_factory=list)
    """Assistant messages."""
    asked: list[str] = field(default_factory=list)
    """The last user message before each reply."""
    known: dict[str, int] = field(default_factory=dict)
    """From the key of a conversation, or of a last message, to a reply. What came later in the file wins."""
    rows: Any = None
    """One vector for each of `asked`, float16."""

    def learn(self, messages: Sequence[Json], reply: Json) -> None:
        """Remember a reply to a conversation."""
        at, asked = len(self.replies), last_asked(messages)
        self.replies.append(reply)
        self.asked.append(asked)
        self.known[_key(messages)] = self.known[_key(asked)] = at

    def measure(self) -> Iterator[None]:
        """Compute the vectors of the prompts; the caller may rest at each turn."""
        import numpy as np  # takes a while to load

        from mockai.engine import vectors

        parts = [np.empty((0, WIDTH), np.float16)]
        for start in range(0, len(self.asked), AT_ONCE):
            parts.append(vectors.embed(self.asked[start : start + AT_ONCE], *_VECTORS).astype(np.float16))
            yield
        self.rows = np.concatenate(parts)

    def reply(self, messages: Sequence[Json]) -> Json | None:
        """Return the reply to a conversation, or None when nothing like it was trained."""
        at = self.known.get(_key(messages))
        if at is None and messages and messages[-1].get("role") == "user":
            asked = last_asked(messages)
            at = self.known.get(_key(asked), self._nearest(asked))
        return None if at is None else self.replies[at]

    def _nearest(self, asked: str) -> int | None:
        if not asked or self.rows is None or not len(self.rows):
            return None
        import numpy as np  # takes a while to load

        from mockai.engine import vectors

        nearness = self.rows.astype(np.float32) @ vectors.embed([asked], *_VECTORS)[0]
        best = int(nearness.argmax())
        return best if nearness[best] >= NEAR else None


def _key(what: str | Sequence[Json]) -> str:
    if isinstance(what, str):
        return key("asked", what).hex()
    return key(codec.canonical([_said(message) for message in what])).hex()


def _said(message: Json) -> list[Any]:
    role = "system" if message.get("role") == "developer" else message.get("role")
    return [role, conversation.text_of(message.get("content")), [name for name, _ in calls_of(message)]]


def last_asked(messages: Iterable[Json]) -> str:
    """Return the text of the last user message; without one, that of the last message."""
    text = ""
    for message in messages:
        if message.get("role") == "user" or not text:
            text = conversation.text_of(message.get("content"))
    return text


def calls_of(message: Json) -> list[tuple[str, str]]:
    """Return name and arguments of the calls that a message makes: an assistant's, if any."""
    if message.get("role") != "assistant":
        return []
    calls = [entry.get("function") or {} for entry in message.get("tool_calls") or ()]
    if message.get("function_call"):
        calls.append(message["function_call"])
    return [(call.get("name") or "", call.get("arguments") or "{}") for call in calls]


# --- in the store --------------------------------------------------------------------------------


def write(call: Call, name: str, answers: Answers) -> None:
    """Keep what was taught under a name."""
    known = {"replies": answers.replies, "asked": answers.asked, "known": answers.known}
    call.store.write(call.tenant, name, [codec.dumps(known)])
    import numpy as np  # takes a while to load

    rows = np.empty((0, WIDTH), np.float16) if answers.rows is None else answers.rows
    call.store.write(call.tenant, f"{name}/vectors", [rows.tobytes()])


def discard(call: Call, name: str) -> None:
    """Forget what was taught, unless a model still answers so."""
    if not call.store.list(call.tenant, KIND, limit=1, where={f"answers {name}": "1"}):
        call.store.discard(call.tenant, name)
        call.store.discard(call.tenant, f"{name}/vectors")


def _read(call: Call, name: str) -> Answers:
    known = codec.loads(b"".join(call.store.read(call.tenant, name) or (b'{"replies":[],"asked":[],"known":{}}',)))
    import numpy as np  # takes a while to load

    raw = b"".join(call.store.read(call.tenant, f"{name}/vectors") or ())
    rows = np.frombuffer(raw, np.float16).reshape(-1, WIDTH)
    return Answers(known["replies"], known["asked"], known["known"], rows)


def put(call: Call, name: str, base: str, answers: Sequence[str], created: int) -> None:
    """Make a model known: `base` is the model that it falls back on, `answers` the names of what it was taught."""
    document = {"id": name, "base": base, "answers": list(answers), "created": created, "owner": call.organization}
    call.store.put(call.tenant, KIND, document, tags={f"answers {entry}": "1" for entry in answers})


def find(call: Call, name: str) -> Model | None:
    """Return a model that was trained here, or None."""
    document = call.store.get(call.tenant, KIND, name) if NAMES.match(name) else None
    return None if document is None else _model(document)


def visible(call: Call) -> list[Model]:
    """Return the caller's own models, oldest first."""
    found: list[Json] = []
    while page := call.store.list(
        call.tenant, KIND, order="asc", after=found[-1]["id"] if found else None, limit=1000
    ):
        found += page
    return [model for model in map(_model, found) if model is not None]


def _model(document: Json) -> Model | None:
    base = catalogue.find(document["base"])
    if base is None:
        return None
    return replace(
        base,
        id=document["id"],
        snapshot=document["id"],
        base=base.id,
        created=document["created"],
        owned_by=document["owner"],
        shutdown="",
        answers=tuple(document["answers"]),
    )


def delete(call: Call, name: str) -> bool:
    """Delete a model and what only it was taught; return whether it was there."""
    with call.store.transaction():
        document = call.store.get(call.tenant, KIND, name)
        if document is None:
            return False
        call.store.delete(call.tenant, KIND, name)
        for entry in document["answers"]:
            discard(call, entry)
    return True


def reply(call: Call, model: Model, messages: Sequence[Json]) -> Json | None:
    """Return the assistant message that a model was trained to give, or None for one that its base gives."""
    for name in model.answers:
        found = call.host.work.keep(call, f"/{name}", partial(_read, call, name)).reply(messages)
        if found is not None:
            return found
    return None

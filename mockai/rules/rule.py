"""A rule: whom it answers, and what. Files and recordings become these; nothing here knows a file format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mockai.call import Answer, Call
from mockai.rules.match import Match

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call that a rule asks for."""

    name: str
    arguments: str
    """JSON, or the free text of a custom tool."""
    id: str = ""
    """Empty: one is made."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a rule answers."""

    status: int
    message: str
    type: str
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a raw stream, `at` seconds after the answer began."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer byte for byte: whole, or in chunks with their times."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """What a rule answers. `error`, `raw` and `answer` stand for the whole answer; the rest shapes the engine's."""

    content: str | None = None
    calls: tuple[ScriptedCall, ...] = ()
    refusal: str | None = None
    finish: str | None = None
    """The finish reason; None leaves it to the answer."""
    embedding: tuple[float, ...] | None = None
    moderation: Mapping[str, float] | None = None
    """Scores by category; from 0.5 on a category is flagged."""
    event: str | None = None
    """How a run ends: one of `EVENTS`."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """What of the `usage` is not counted but given."""
    id: str | None = None
    created: int | None = None
    model: str | None = None
    fingerprint: str | None = None
    error: Failure | None = None
    raw: Raw | None = None
    answer: Callable[[Call], Answer] | None = None
    """Answers by itself: for rules that are made by code, such as recordings."""

    @property
    def direct(self) -> bool:
        """Return whether the response is an answer on its own, which needs no valid request."""
        return self.error is not None or self.raw is not None or self.answer is not None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Return the endpoints that a rule with this response speaks of when it names none."""
        if self.embedding is not None:
            return ("embeddings.create",)
        if self.moderation is not None:
            return ("moderations.create",)
        if self.event is not None:
            return ("runs",)
        if self.error is not None:
            return (*TALKING, "embeddings.create", "moderations.create")
        if self.raw is not None or self.answer is not None:
            return tuple(name for name in (*TALKING, "embeddings.create", "moderations.create") if name != "runs")
        if self.content is None:
            return tuple(name for name in TALKING if name != "completions.create")
        return TALKING


EVENTS = ("fail", "rate_limit", "expire", "incomplete", "cancel")
"""Ends that a run can be told to come to."""
TALKING = ("chat.completions.create", "completions.create", "responses.create", "runs")
"""Where a model talks: three operations, and the turns of a run."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. One with several responses gives them in turn, and goes on with the last."""

    match: Match
    responses: tuple[Response, ...]
    endpoints: tuple[str, ...] = ()
    """Operations by the official SDK's name, with `*` for any part of it; `runs` are the turns of a run."""
    times: int | None = None
    """How often a caller may use it."""
    sequence: int | None = None
    """Which of the requests that match is meant, the first being 0."""
    identity: str = ""
    """What its uses are counted under: equal in every process that loads the same rule."""
    group: str = ""
    """What the position of a `sequence` is counted under: shared by rules that match the same."""
    where: str = ""
    """File and line."""
    name: str = ""

    @property
    def label(self) -> str:
        """Return the name or the place of the rule, for people."""
        return f"{self.name} ({self.where})" if self.name and self.where else self.name or self.where

    def speaks_of(self, endpoint: str) -> bool:
        """Return whether the rule answers an endpoint. A run has no body, so there is no raw one for it."""
        if endpoint == "runs" and any(response.raw or response.answer for response in self.responses):
            return False
        return any(fnmatchcase(endpoint, glob) for glob in self.endpoints)

    @property
    def counted(self) -> bool:
        """Return whether uses have to be counted."""
        return self.times is not None or self.sequence is not None or len(self.responses) > 1

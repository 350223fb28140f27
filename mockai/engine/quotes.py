"""What a search found, said: the sentences that answer a question best, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from mockai.engine.mentions import words
from mockai.engine.profiles import STOP_WORDS

Json = dict[str, Any]

MOST_CITED = 2
NAME_WEIGHT = 3.0
"""How much more a name of the question counts than another of its words."""
LONGEST_SENTENCE = 400

_NAMES = re.compile(r"(?<=\S )[A-Z]\w+")


class Hit(Protocol):
    """A chunk that a search found."""

    @property
    def file_id(self) -> str:
        """The file."""

    @property
    def filename(self) -> str:
        """Its name."""

    @property
    def score(self) -> float:
        """How near it is, from 0 to 1."""

    @property
    def text(self) -> str:
        """The chunk."""


def quote(query: str, hits: Sequence[Hit]) -> tuple[str | None, list[tuple[int, Json]]]:
    """Return the sentences that answer a query best, each with its marker, and the citations with their offsets."""
    named = {word for name in _NAMES.findall(query) for word in words(name)}
    asked = {word: NAME_WEIGHT if word in named else 1.0 for word in words(query) if word not in STOP_WORDS}
    said, seen = "", set[str]()
    citations: list[tuple[int, Json]] = []
    for rank, hit in enumerate(hits):
        sentence = _best_sentence(hit.text, asked)
        if not sentence or sentence in seen or len(citations) >= MOST_CITED:
            continue
        seen.add(sentence)
        said += (" " if said else "") + sentence.rstrip(".")
        marker = f"【4:{rank}†{hit.filename}】"
        span = {"start_index": len(said), "end_index": len(said) + len(marker)}
        citation = {"type": "file_citation", "text": marker, **span, "file_citation": {"file_id": hit.file_id}}
        citations.append((len(said), citation))
        said += marker + "."
    return said or None, citations


def _best_sentence(text: str, asked: Mapping[str, float]) -> str:
    """Return the sentence or line that shares most with the question; the first of equals."""
    sentences = [part.strip(" -*#\t") for line in text[:20_000].splitlines() for part in _sentences(line)]
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        return ""
    best = max(sentences, key=lambda sentence: sum(asked.get(word, 0.0) for word in set(words(sentence))))
    return best[:LONGEST_SENTENCE]


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for at in range(1, len(line)):
        if line[at] == " " and line[at - 1] in ".!?":
            yield line[start:at]
            start = at
    yield line[start:]

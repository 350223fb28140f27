"""Stems of English words, and the topics that they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from mockai.engine.topics import TOPICS


@lru_cache(maxsize=8192)
def stem_of(word: str) -> str:
    """Return a word without its commonest endings."""
    for ending in (
        "ational",
        "ations",
        "ation",
        "ments",
        "ment",
        "ings",
        "ing",
        "ies",
        "ers",
        "er",
        "es",
        "ed",
        "ly",
        "s",
        "y",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@cache
def _topic_index() -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for topic, words in TOPICS.items():
        for word in words.split():
            index.setdefault(stem_of(word), []).append(topic)
    return index


def topics_of(stem: str) -> Iterable[str]:
    """Return the topics that a stem belongs to."""
    return _topic_index().get(stem, ())

"""Moderation scores from a readable word table: deterministic, so that flagged and unflagged both occur.

Categories and their order as recorded (embeddings.md §3, other.md §1).
"""

from __future__ import annotations

import math
import re
from typing import Any

from mockai.engine.draw import Draw

Json = dict[str, Any]

OMNI = (
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
TEXT = (
    "sexual",
    "hate",
    "harassment",
    "self-harm",
    "sexual/minors",
    "hate/threatening",
    "violence/graphic",
    "self-harm/intent",
    "self-harm/instructions",
    "harassment/threatening",
    "violence",
)
IMAGE_CATEGORIES = frozenset(
    {
        "sexual",
        "violence",
        "violence/graphic",
        "self-harm",
        "self-harm/intent",
        "self-harm/instructions",
    }
)
# From this score on, a category is flagged.
THRESHOLDS = {"harassment": 0.3, "harassment/threatening": 0.35, "violence": 0.5}
THRESHOLD = 0.4

# How much each pattern adds to a category, in log odds; the scores of a harmless text lie near e^-11.
Weights = dict[str, float]
WORDS: tuple[tuple[str, Weights], ...] = (
    (
        r"\b(?:kill|murder|shoot|stab|strangle)(?:s|ed|ing)?\b",
        {
            "violence": 10.5,
            "harassment": 5.9,
            "harassment/threatening": 5.9,
            "illicit": 5.5,
            "illicit/violent": 6.0,
            "hate": 4.0,
            "hate/threatening": 4.0,
        },
    ),
    (
        r"\b(?:want to|going to|will|gonna|i'll) (?:\w+ )?(?:kill|hurt|stab|shoot|beat|destroy)\b",
        {"violence": 3.5, "harassment": 5.2, "harassment/threatening": 5.45, "illicit": 1.24},
    ),
    (
        r"\b(?:hurt|punch|beat|attack|hit)(?:s|ed|ing)?\b (?:you|him|her|them|people)",
        {"violence": 9.5, "harassment": 5.0},
    ),
    (r"\b(?:blood|gore|gory|guts|dismember\w*|corpse|severed)\b", {"violence/graphic": 11.5, "violence": 11.0}),
    (r"\b(?:torture|massacre|behead\w*)\b", {"violence": 11.5, "violence/graphic": 9.5}),
    (
        r"\b(?:idiot|stupid|moron|loser|pathetic|worthless|disgusting|dumb)\b",
        {"harassment": 12.0, "hate": 4.0},
    ),
    (r"\b(?:shut up|i hate you|nobody likes you|you are nothing)\b", {"harassment": 12.5, "hate": 4.5}),
    (
        r"\b(?:hate|inferior|vermin|subhuman)\b.{0,40}\b(?:immigrants|women|men|race|religion|foreigners|people)\b",
        {"hate": 12.0, "harassment": 10.0},
    ),
    (
        r"\b(?:wipe out|exterminate|get rid of)\b.{0,40}\b(?:them|race|people|immigrants)\b",
        {"hate/threatening": 11.5, "hate": 11.5, "violence": 10.5},
    ),
    (
        r"\b(?:kill myself|end my life|want to die|suicide|suicidal)\b",
        {"self-harm": 11.5, "self-harm/intent": 11.5, "violence": 4.0},
    ),
    (
        r"\b(?:cut myself|cutting myself|hurt myself|self-harm|overdose)\b",
        {"self-harm": 11.5, "self-harm/intent": 10.5},
    ),
    (
        r"\bhow (?:to|can i|do i)\b.{0,40}\b(?:cut myself|hang myself|overdose|kill myself|commit suicide)\b",
        {"self-harm/instructions": 12.0, "self-harm": 3.0},
    ),
    (r"\b(?:sex|sexual|erotic|naked|nude|porn\w*|orgasm)\b", {"sexual": 11.5}),
    (r"\b(?:child|minor|teen|underage)\w*\b.{0,30}\b(?:sex\w*|nude|naked)\b", {"sexual/minors": 12.0, "sexual": 3.0}),
    (
        r"\b(?:shoplift\w*|steal|launder\w*|counterfeit|forge|hack into|phishing|fake id|pick a lock)\b",
        {"illicit": 11.5},
    ),
    (r"\b(?:cocaine|heroin|meth|methamphetamine)\b", {"illicit": 11.0}),
    (
        r"\b(?:bomb|explosive|grenade|molotov|pipe bomb)s?\b",
        {"illicit": 11.5, "illicit/violent": 11.5, "violence": 10.0},
    ),
    (
        r"\b(?:build|make|buy|get)\b.{0,30}\b(?:gun|weapon|rifle|ammunition)\b",
        {"illicit": 11.0, "illicit/violent": 11.0},
    ),
)
_COMPILED = tuple((re.compile(pattern, re.I), weights) for pattern, weights in WORDS)

BASE = -11.5
BASES = {"illicit": -9.0}  # the highest of a harmless question, as recorded
READ = 20_000  # characters


def scores(text: str) -> dict[str, float]:
    """Return a score in (0, 1) for every category of the omni models."""
    odds = {category: BASES.get(category, BASE) for category in OMNI}
    read = text[:READ]
    for pattern, weights in _COMPILED:
        if pattern.search(read):
            for category, weight in weights.items():
                odds[category] += weight
    rng = Draw("moderation", text)
    return {category: _sigmoid(odd + rng.uniform(-0.15, 0.15)) for category, odd in odds.items()}


def _sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-min(odds, 8.0)))


def result(text: str | None, *, images: int = 0, omni: bool = True) -> Json:
    """Return one result: of a text, of images alone (`text` None), or of both."""
    found = scores(text or "")
    order = OMNI if omni else TEXT
    applied = {category: _applied(category, text is not None, images) for category in order}
    shown = {category: found[category] if applied[category] else 0.0 for category in order}
    categories = {category: shown[category] >= THRESHOLDS.get(category, THRESHOLD) for category in order}
    made: Json = {"flagged": any(categories.values()), "categories": categories, "category_scores": shown}
    if omni:
        made["category_applied_input_types"] = applied
    return made


def _applied(category: str, has_text: bool, images: int) -> list[str]:
    of_text = ["text"] if has_text else []
    return [*of_text, "image"] if images and category in IMAGE_CATEGORIES else of_text

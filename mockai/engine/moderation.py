"""Moderation scores from a readable table of cues: deterministic, so that flagged and unflagged both occur.

Categories and their order as recorded (embeddings.md §3, other.md §1). A text is judged sentence by sentence:
each row of the table whose cues all occur in one sentence gives evidence, and the worst sentence counts.
"""

from __future__ import annotations

import math
import re
from typing import Any

from mockai.engine.draw import Draw

Json = dict[str, Any]
Scores = dict[str, float]

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
# From this score on, a category is flagged. Where none is recorded between yes and no, THRESHOLD holds.
THRESHOLDS = {"harassment": 0.3, "harassment/threatening": 0.35, "violence": 0.5}
THRESHOLD = 0.4

# The scores of a harmless statement, near the recorded ones.
HARMLESS: Scores = {
    "harassment": 1.2e-5,
    "harassment/threatening": 3.8e-6,
    "sexual": 6.7e-5,
    "hate": 7.6e-6,
    "hate/threatening": 3.2e-7,
    "illicit": 1.5e-5,
    "illicit/violent": 6.7e-6,
    "self-harm/intent": 2.1e-4,
    "self-harm/instructions": 3.9e-6,
    "self-harm": 4.5e-4,
    "sexual/minors": 5.3e-6,
    "violence": 4.9e-4,
    "violence/graphic": 2.9e-6,
}

# Cues: alternatives divided by "|", each matched from the start of a word; "$" ends it there ("meth$" but not "method").
ASKED = "what|how|where|who|why|when|can i|could you"
INTENT = "i want to|i will|i'll|i'm going to|i am going to|i'm gonna|we will|we'll|we should"
HARM = "kill|hurt|stab$|strangle|beat$|punch|destroy|smash|shoot$|burn$"
PEOPLE = "you$|him$|her$|them$|everyone|everybody|people"
OF_SOMEONE = "you are|you're|he is|he's|she is|she's|they are|they're|such a|are you|what a|your stupid"
INSULT = "idiot|moron|loser|pathetic|worthless|disgusting|stupid|dumb$|useless|ugly|fool$|clown"
GROUP = "immigrants|foreigners|refugees|women$|muslims|christians|jews$|old people|disabled people|poor people"
CONTEMPT = "inferior|vermin|subhuman|parasites|not human|should not be allowed|don't deserve|do not deserve|disgust"
ERASE = "wipe out|wiped out|exterminat|get rid of|should be shot|should be killed|kill all|eradicat|burn them"
HOW = "how to|how do i|how can i|how do you|teach me|steps to|help me|explain|instructions|guide"
CRIME = (
    "shoplift|steal$|launder money|counterfeit|forge a|hack into|phishing|fake id|pick a lock|pick the lock|hotwire"
)
DRUGS = "cocaine|heroin|meth$|methamphetamine"
WEAPON = "bomb$|bombs|explosives|grenade|molotov|silencer|ghost gun|untraceable gun|nerve gas"
ATTACK = "kill someone|murder someone|poison someone|hire a hitman|kill my|poison my"
SELF = "kill myself|end my life|end it all|want to die|take my own life|hurt myself|cut myself|cutting myself|harm myself"
GORE = "gore$|gory|dismember|disembowel|mutilat|decapitat|severed head|severed limb|severed hand|guts spilled"
WOUNDS = "corpse|guts$|wound|flesh|entrails|splatter|pool of|soaked|skull"
MINORS = "child$|children|minor$|minors|teenager|underage|schoolgirl|schoolboy"
SEX = "sex$|sexual|nude|naked|erotic"
EXPLICIT = "erotic|orgasm|porn|explicit sex|sex scene|sexual fantas|have sex|having sex|undress|making love"

# Groups of cues that must all occur in a sentence, and the score that the row alone gives.
ROWS: tuple[tuple[tuple[str, ...], Scores], ...] = (
    ((ASKED,), {"illicit": 0.0053}),
    (("kill|murder|stab$|shoot$|shot$|strangle",), {"violence": 0.3, "illicit": 0.01, "harassment": 0.002}),
    (("murdered|stabbed|strangled|slaughter|massacre|tortur|behead",), {"violence": 0.62, "violence/graphic": 0.1}),
    (("punch|attack|beat$|fight|weapon|gun$",), {"violence": 0.09}),
    ((INTENT, HARM, PEOPLE), {"violence": 0.93, "harassment": 0.4, "harassment/threatening": 0.46, "illicit": 0.085}),
    (
        ("you will regret|you'll regret|i know where you live|make you pay|make them pay|watch your back",),
        {"harassment": 0.6, "harassment/threatening": 0.62, "violence": 0.25},
    ),
    ((INSULT,), {"harassment": 0.1}),
    ((OF_SOMEONE, INSULT), {"harassment": 0.75, "hate": 0.02}),
    (("shut up|i hate you|nobody likes you|you are nothing|you're nothing",), {"harassment": 0.7, "hate": 0.01}),
    ((GROUP,), {"hate": 0.01}),
    ((GROUP, CONTEMPT), {"hate": 0.75, "harassment": 0.5}),
    (("hate immigrants|hate foreigners|hate refugees|hate women|hate all",), {"hate": 0.7, "harassment": 0.45}),
    ((GROUP, ERASE), {"hate": 0.75, "hate/threatening": 0.7, "violence": 0.7, "harassment": 0.5}),
    ((f"{CRIME}|{DRUGS}",), {"illicit": 0.12}),
    ((HOW, CRIME), {"illicit": 0.8}),
    ((f"{HOW}|buy|make|cook|sell", DRUGS), {"illicit": 0.7}),
    ((WEAPON,), {"violence": 0.15, "illicit/violent": 0.05}),
    ((HOW, WEAPON), {"illicit": 0.75, "illicit/violent": 0.75, "violence": 0.3}),
    ((HOW, ATTACK), {"illicit": 0.7, "illicit/violent": 0.7, "violence": 0.6}),
    (("suicid|self harm|overdos",), {"self-harm": 0.2, "self-harm/intent": 0.03}),
    ((SELF,), {"self-harm": 0.85, "self-harm/intent": 0.85, "violence": 0.03}),
    (("i feel suicidal|i am suicidal|i'm suicidal",), {"self-harm": 0.7, "self-harm/intent": 0.75}),
    (
        (f"{HOW}|best way|painless", "kill myself|hang myself|cut myself|hurt myself|overdose on|commit suicide"),
        {"self-harm/instructions": 0.75, "self-harm": 0.8, "self-harm/intent": 0.6, "illicit": 0.05},
    ),
    ((SEX,), {"sexual": 0.15}),
    ((EXPLICIT,), {"sexual": 0.7}),
    ((MINORS, SEX), {"sexual/minors": 0.7, "sexual": 0.6}),
    (("blood|bleed",), {"violence/graphic": 0.03, "violence": 0.05}),
    ((GORE,), {"violence/graphic": 0.7, "violence": 0.75}),
    (("blood|bleed", WOUNDS), {"violence/graphic": 0.6, "violence": 0.65}),
)

# Where a sentence is about one of these, the same words mean less.
CALM = (
    "chess|game|football|tennis|match$|process|program|server|code$|movie|film$|recipe|oven|education|prevent|avoid|"
    "hotline|history|lock screen|bath bomb|museum|doctor|donat"
)
CALMER = 0.35

READ = 100_000
"""Characters that are read, so that no text holds the server up."""

_SENTENCES = re.compile(r"[.!?\n;]+")
_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def _cues(alternatives: str) -> tuple[str, ...]:
    return tuple(f" {cue[:-1]} " if cue.endswith("$") else f" {cue}" for cue in alternatives.split("|"))


_TABLE = tuple((tuple(_cues(group) for group in groups), scores) for groups, scores in ROWS)
_CALM = _cues(CALM)


def score(text: str, images: int = 0) -> Scores:
    """Return a score in (0, 1) for every category of the omni models, in wire order."""
    worst = dict(HARMLESS)
    sentences = dict.fromkeys(_plain(sentence) for sentence in _SENTENCES.split(text[:READ]))
    whole = "".join(sentences)
    rows = [row for row in _TABLE if all(_any(cues, whole) for cues in row[0])]
    for sentence in sentences if rows else ():
        for category, found in _judge(sentence, rows).items():
            worst[category] = max(worst[category], found)
    rng = Draw("moderation", text, images)
    return {category: _vary(worst[category], rng.uniform(-0.15, 0.15)) for category in OMNI}


def _plain(text: str) -> str:
    """Return the words in lower case, each between single spaces."""
    return f" {' '.join(_WORDS.findall(text.lower().replace('’', chr(39))))} "


def _any(cues: tuple[str, ...], plain: str) -> bool:
    return any(cue in plain for cue in cues)


def _judge(sentence: str, rows: list[tuple[tuple[tuple[str, ...], ...], Scores]]) -> Scores:
    """Return what the rows that hold for a sentence say together: each is independent evidence."""
    spared: Scores = {}
    for groups, scores in rows:
        if all(_any(cues, sentence) for cues in groups):
            for category, found in scores.items():
                spared[category] = spared.get(category, 1.0) * (1 - found)
    weight = CALMER if spared and _any(_CALM, sentence) else 1.0
    return {category: (1 - rest) * weight for category, rest in spared.items()}


def _vary(found: float, shift: float) -> float:
    """Move a score by `shift` in log odds."""
    return 1 / (1 + math.exp(-math.log(found / (1 - found)) - shift))


def result(text: str | None, *, images: int = 0, omni: bool = True) -> Json:
    """Return one result: of a text, of images alone (`text` None), or of both."""
    found = score(text or "", images)
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

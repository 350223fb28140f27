"""The learner of fine-tuning: an online model of replies given prompts, whose losses are its own.

Each token of a reply is predicted from what stood before it: the last tokens, the words of the prompt together with
the last token, and the prompt as a whole. Each of these contexts counts what followed it; a prediction mixes the
counts, from the general ones to the particular ones, and falls back on a prior that knows only how long a token is.
Seeing an example again sharpens its counts, so more epochs end in a lower loss; words that go with one answer carry
over to prompts that were never seen. The counts lie in hashed tables of fixed size.
Imported lazily: numpy takes a while to load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mockai.engine import tokens
from mockai.engine.draw import Draw
from mockai.engine.learning import WORDS, Example, Lesson, Plan, Row

LAST, PAIR, WHOLE = 0, 1, 2 + WORDS
CONTEXTS = WHOLE + 1
PRIOR_PER_BYTE = 0.8
"""Nats a byte: what the base model is taken to know of a text that it has not seen."""
SMOOTH, SMOOTH_WHOLE, GENERAL = 1.0, 0.3, 0.3
RATE = 0.5
"""How much one look counts, at a multiplier of 1."""
MOST_MULTIPLIER = 1e6
"""With more, sums of counts would leave what a float can hold; one look is all by then."""
SMALLEST, LARGEST = 1 << 12, 1 << 21
"""Slots of the tables."""
NO_WORD = np.uint64(0)

_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


@dataclass(slots=True)
class Seen:
    """One reply against the tables: where its contexts lie, and what they say."""

    tokens: Any
    pairs: Any
    """Slots of context and token, one row a token."""
    contexts: Any
    """Slots of the contexts."""
    prior: Any


class Learner:
    """The tables, and how a lesson is measured and learned."""

    def __init__(self, encoding: str, replies: int, multiplier: float, beta: float = 0.1) -> None:
        """Make tables for about `replies` tokens of replies."""
        size = SMALLEST
        while size < min(2 * CONTEXTS * replies, LARGEST):
            size *= 2
        self._mask = np.uint64(size - 1)
        self._counts = np.zeros(size, np.float32)
        self._totals = np.zeros(size, np.float32)
        self._most = np.zeros(size, np.float32)
        self._favourite = np.full(size, -1, np.int64)
        self._rate = np.float32(RATE * min(multiplier, MOST_MULTIPLIER))
        self._encoding, self._beta = encoding, beta
        self._lengths: dict[int, int] = {}

    def see(self, lesson: Lesson, reply: Sequence[int]) -> Seen:
        """Find the contexts of a reply."""
        ids = np.array(reply, np.uint64)
        before = np.concatenate(([NO_WORD], ids[:-1] + np.uint64(1)))
        earlier = np.concatenate(([NO_WORD], before[:-1]))
        keys = np.empty((len(ids), CONTEXTS), np.uint64)
        keys[:, LAST] = before * _MIX[0]
        keys[:, PAIR] = (before * _MIX[0]) ^ (earlier * _MIX[1]) ^ np.uint64(0xA5)
        words = np.zeros(WORDS, np.uint64)
        words[: len(lesson.words)] = np.array(lesson.words, np.uint64) + np.uint64(1)
        keys[:, 2 : 2 + WORDS] = (before * _MIX[1])[:, None] ^ (words * _MIX[2])[None, :]
        whole = np.frombuffer(lesson.prompt[:8], np.uint64)[0]
        keys[:, WHOLE] = (before * _MIX[2]) ^ (earlier * _MIX[0]) ^ whole
        keys ^= keys >> np.uint64(29)
        keys *= _MIX[1]
        keys ^= keys >> np.uint64(32)
        pairs = (keys ^ ((ids + np.uint64(1)) * _MIX[0])[:, None]) * _MIX[2]
        pairs ^= pairs >> np.uint64(31)
        prior = np.exp(np.array([self._length(token) for token in reply]) * -PRIOR_PER_BYTE)
        mask = self._mask
        return Seen(ids.astype(np.int64), (pairs & mask).astype(np.int64), (keys & mask).astype(np.int64), prior)

    def _length(self, token: int) -> int:
        length = self._lengths.get(token)
        if length is None:
            length = self._lengths[token] = len(tokens.token_bytes(self._encoding, token))
        return length

    def chances(self, seen: Seen, words: int) -> tuple[Any, Any]:
        """Return the probability of each token, and whether it is what the model would have said."""
        counts, totals = self._counts[seen.pairs], self._totals[seen.contexts]
        last = (counts[:, LAST] + SMOOTH * seen.prior) / (totals[:, LAST] + SMOOTH)
        pair = (counts[:, PAIR] + SMOOTH * last) / (totals[:, PAIR] + SMOOTH)
        named = slice(2, 2 + words)
        favourites = self._favourite[seen.contexts] == seen.tokens[:, None]
        shares = self._most[seen.contexts[:, named]] / (totals[:, named] + 1.0)
        weights = shares**4
        weight = weights.sum(axis=1)
        said = (weights * counts[:, named] / np.maximum(totals[:, named], 1e-6)).sum(axis=1)
        mixed = (said + GENERAL * pair) / (weight + GENERAL)
        chance = (counts[:, WHOLE] + SMOOTH_WHOLE * mixed) / (totals[:, WHOLE] + SMOOTH_WHOLE)
        votes = (weights * favourites[:, named]).sum(axis=1) * 2 > weight
        general = np.where(
            weight > 0.01, votes, np.where(totals[:, PAIR] > 0, favourites[:, PAIR], favourites[:, LAST])
        )
        return np.minimum(chance, 1.0), np.where(totals[:, WHOLE] > 0, favourites[:, WHOLE], general)

    def measure(self, lesson: Lesson) -> tuple[float, float, int]:
        """Return the summed loss in nats, the tokens that were right, and the tokens of a lesson."""
        if not lesson.reply:
            return 0.0, 0.0, 0
        seen = self.see(lesson, lesson.reply)
        chance, right = self.chances(seen, len(lesson.words))
        if not lesson.worse:
            return float(-np.log(chance).sum()), float(right.sum()), len(lesson.reply)
        other = self.see(lesson, lesson.worse)
        worse, _ = self.chances(other, len(lesson.words))
        gain = np.log(chance / seen.prior).sum() - np.log(worse / other.prior).sum()
        margin = self._beta * float(gain)
        return float(np.log1p(np.exp(-margin))), float(margin > 0), 1

    def learn(self, lessons: Sequence[Lesson]) -> None:
        """Count what is to be said."""
        for lesson in lessons:
            if lesson.reply:
                self._count(self.see(lesson, lesson.reply), 2 + len(lesson.words))

    def _count(self, seen: Seen, used: int) -> None:
        columns = [*range(used), WHOLE]
        pairs, contexts = seen.pairs[:, columns].ravel(), seen.contexts[:, columns].ravel()
        np.add.at(self._counts, pairs, self._rate)
        np.add.at(self._totals, contexts, self._rate)
        counts = self._counts[pairs]
        leads = counts >= self._most[contexts]
        self._most[contexts[leads]] = counts[leads]
        self._favourite[contexts[leads]] = np.repeat(seen.tokens, len(columns))[leads]


# --- a run over epochs ---------------------------------------------------------------------------


def train(encoding: str, examples: Sequence[Example], checks: Sequence[Example], plan: Plan) -> Iterator[Row | None]:
    """Yield a row for each step, and None now and then between: the caller may rest at each."""
    replies = sum(len(lesson.reply) for example in examples for lesson in example)
    learner = Learner(encoding, replies, plan.multiplier, plan.beta)
    step = 0
    for epoch in range(plan.epochs):
        order = list(range(len(examples)))
        Draw("epoch", plan.seed, epoch).shuffle(order)
        for first in range(0, len(order), plan.batch_size):
            batch = _lessons(examples, order[first : first + plan.batch_size])
            step += 1
            loss, accuracy = _mean(learner, batch)
            valid: tuple[float | None, float | None] = (None, None)
            full: tuple[float | None, float | None] = (None, None)
            if checks:
                start = (step - 1) * plan.batch_size
                turn = [at % len(checks) for at in range(start, start + plan.batch_size)]
                valid = _mean(learner, _lessons(checks, turn))
            learner.learn(batch)
            if checks and first + plan.batch_size >= len(order):
                sums = np.zeros(3)
                for check in checks:
                    for lesson in check:
                        sums += learner.measure(lesson)
                    yield None
                full = (float(sums[0] / max(1, sums[2])), float(sums[1] / max(1, sums[2])))
            yield Row(step, loss, accuracy, *valid, *full)


def _lessons(examples: Sequence[Example], places: Iterable[int]) -> list[Lesson]:
    return [lesson for at in places for lesson in examples[at]]


def _mean(learner: Learner, lessons: Iterable[Lesson]) -> tuple[float, float]:
    sums = np.sum([(0.0, 0.0, 0), *map(learner.measure, lessons)], axis=0)
    return float(sums[0] / max(1, sums[2])), float(sums[1] / max(1, sums[2]))

"""What a fine-tuning job learns and how: lessons, the plan of a training, and the rows that it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mockai.engine import draw, tokens

WORDS = 12
"""Words of a prompt that are looked at."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt and the reply to learn, as tokens; `worse` is the reply to prefer it to, for preferences."""

    prompt: bytes
    """A key of the whole prompt."""
    words: tuple[int, ...]
    """Tokens of the last message of the prompt."""
    reply: tuple[int, ...]
    worse: tuple[int, ...] = ()


def lesson(
    encoding: str, prompt: str, asked: str, reply: str, worse: str | None = None, most: int = 1 << 30
) -> Lesson:
    """Return a lesson; `asked` is the last message of the prompt, `most` the tokens that a reply may have."""
    words = tuple(dict.fromkeys(tokens.encode(encoding, asked)))
    if len(words) > WORDS:
        words = words[: WORDS // 2] + words[-WORDS // 2 :]
    preferred = tuple(tokens.encode(encoding, reply)[:most])
    other = tuple(tokens.encode(encoding, worse)[:most]) if worse is not None else ()
    return Lesson(draw.key(prompt), words, preferred, other)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a training runs."""

    epochs: int
    batch_size: int
    multiplier: float
    seed: int
    beta: float = 0.1

    def steps(self, examples: int) -> int:
        """Return the number of steps over so many examples."""
        return self.epochs * self.epoch(examples)

    def epoch(self, examples: int) -> int:
        """Return the steps of one epoch."""
        return -(-examples // self.batch_size)


@dataclass(frozen=True, slots=True)
class Row:
    """What one step measured, before it learned. Losses are in nats a token (a pair, for preferences)."""

    step: int
    loss: float
    accuracy: float
    valid_loss: float | None = None
    valid_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None


def auto_epochs(examples: int) -> int:
    """Return the epochs that `auto` stands for (fine_tuning.md §8)."""
    if 3 * examples < 100:
        return max(1, min(25, 100 // max(1, examples)))
    return max(1, 25_000 // examples) if 3 * examples > 25_000 else 3


def auto_batch(examples: int) -> int:
    """Return the batch size that `auto` stands for: 1 for small files, 13 for about 19,500 examples."""
    return max(1, min(256, examples // 1500))


Example = Sequence[Lesson]
"""The lessons that one line of a file teaches: one for each reply in its conversation."""

"""The small model: a seeded trigram model over real BPE tokens, built from a few kilobytes of prose.

A state is a list: entries 0-15 are the states that follow for a throw of the dice, and behind them stand its
token's bytes, its token's id, its successors with their probabilities, which are multiples of 1/16, and a place in
which `sampling` keeps the distribution that it worked out. So drawing a token is one look-up, in tables that fit the
processor's cache. A text is over when it reaches the state `Language.end`.

What the prompt wants and what the dice say are two streams of bytes. At each position the model prefers the
successor that the prompt's byte picks, with weight `PREFERENCE`; the rest of the weight is the plain trigram model.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from mockai.engine import draw, tokens
from mockai.engine.draw import BLOCK

State = list[Any]
SIDES = 16  # of the dice
PIECE, TOKEN, SUCCESSORS, ROW = SIDES, SIDES + 1, SIDES + 2, SIDES + 3

PREFERENCE = 0.5
ENDING = 4  # of 16: how often a text ends after a full stop, so that it has 3 to 4 sentences
TRIGRAM_WEIGHT, BIGRAM_WEIGHT = 3, 1
BACKOFF = 24
SENTENCE_END = b"."
END = b""
"""The bytes of the end, and of no token."""

_VERSION = 6
_building = threading.Lock()
_built: dict[str, Language] = {}


@dataclass(frozen=True, slots=True)
class Successor:
    """A token that may follow, with its probability."""

    token: int
    state: State = field(repr=False)  # states hold each other: printed, one would be all of them, many times over
    probability: float


@dataclass(frozen=True, slots=True)
class Language:
    """The states of one encoding."""

    start: State = field(repr=False)
    end: State = field(repr=False)
    by_token: dict[int, State] = field(repr=False)
    """Some state after each token of the model: where a text goes on that left the model's paths."""
    fallback: State = field(repr=False)
    """The state after a comma, for tokens that the model does not know."""
    backoff: tuple[int, ...]
    """The most frequent tokens, which fill up lists of alternatives."""

    def after(self, token: int) -> State:
        """Return the state in which a text goes on after `token` came from outside of the model: not its end."""
        state = self.by_token.get(token, self.fallback)
        return self.fallback if state[PIECE].endswith(SENTENCE_END) else state


@cache
def prose() -> str:
    """Return the text that the model is built from: a paragraph a line."""
    return resources.files(__package__).joinpath("prose.txt").read_text("utf-8")


@cache
def version() -> str:
    """Return a digest that changes when the model or its prose does."""
    return hashlib.blake2b(f"{_VERSION}{prose()}".encode(), digest_size=8).hexdigest()


def language(encoding: str) -> Language:
    """Return the model over the tokens of `encoding`, built at its first use."""
    found = _built.get(encoding)
    if found is None:
        with _building:
            found = _built.get(encoding) or _build(encoding)
            _built[encoding] = found
    return found


def _build(encoding: str) -> Language:
    end_token = tokens.encoding(encoding).eot_token
    paragraphs = [tokens.encode(encoding, line) for line in prose().splitlines()]
    trigrams: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    bigrams: dict[int, Counter[int]] = defaultdict(Counter)
    for paragraph in paragraphs:
        before, last = -1, -1  # the beginning of a text
        for token in paragraph:
            trigrams[before, last][token] += 1
            if last >= 0:
                bigrams[last][token] += 1
            before, last = last, token
        trigrams[before, last][end_token] += 0
    end: State = [None] * SIDES + [END, end_token, (), None]
    states: dict[tuple[int, int], State] = {key: [] for key in trigrams}
    for key, state in states.items():
        _fill(state, key, states, trigrams[key], bigrams[key[1]], encoding, end)
    by_token: dict[int, State] = {}
    for (_, token), state in states.items():
        by_token.setdefault(token, state)
    frequency = Counter(token for paragraph in paragraphs for token in paragraph)
    comma = tokens.encode(encoding, ",")[0]
    backoff = tuple(token for token, _ in sorted(frequency.items(), key=lambda item: (-item[1], item[0])))
    return Language(states[-1, -1], end, by_token, by_token[comma], backoff[:BACKOFF])


def _fill(
    state: State,
    key: tuple[int, int],
    states: dict[tuple[int, int], State],
    trigram: Counter[int],
    bigram: Counter[int],
    encoding: str,
    end: State,
) -> None:
    """Fill the table of one state: its shares go to its successors in proportion to their counts."""
    piece = tokens.token_bytes(encoding, key[1]) if key[1] >= 0 else b""
    weights = Counter({token: BIGRAM_WEIGHT * count for token, count in bigram.items()})
    for token, count in trigram.items():
        weights[token] += TRIGRAM_WEIGHT * count
    weights = +weights
    final = piece.endswith(SENTENCE_END)
    table: list[State] = []
    successors: list[Successor] = []
    for token, share in _shares(weights, SIDES - ENDING if final else SIDES):
        following = states[key[1], token]
        table += [following] * share
        successors.append(Successor(token, following, share / SIDES))
    if len(table) < SIDES:
        successors.append(Successor(end[TOKEN], end, (SIDES - len(table)) / SIDES))
        table += [end] * (SIDES - len(table))
    state[:] = [*table, piece, max(key[1], 0), tuple(successors), None]


def _shares(weights: Counter[int], total: int) -> list[tuple[int, int]]:
    """Divide `total` in proportion to the weights, exactly, by largest remainder; order is by token id."""
    whole = sum(weights.values())
    if not whole:
        return []
    floors = {token: total * weight // whole for token, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda token: (-(total * weights[token] % whole), token))
    for token in by_remainder[: total - sum(floors.values())]:
        floors[token] += 1
    return [(token, floors[token]) for token in sorted(floors) if floors[token]]


# --- the two streams -----------------------------------------------------------------------------

# Of a byte of the dice the low bits are the throw, and the rest is the coin.
_COIN = bytes(0x00 if byte < 256 * PREFERENCE else 0xFF for byte in range(256))
_THROWS = int.from_bytes(bytes([SIDES - 1]) * BLOCK, "big")


def wishes(prompt_key: bytes, block: int) -> bytes:
    """Return which successor the prompt prefers at each position of a block."""
    return _throws(int.from_bytes(draw.block(prompt_key, block), "big"))


def dice(sample_key: bytes, block: int) -> tuple[bytes, bytes]:
    """Return the throws that choose a successor, and the coins between the prompt's wish and that choice.

    The lower bits of a coin, which decide nothing in the tables, are drawn by themselves.
    """
    rolled, fine = draw.block(sample_key, block), draw.block(b"fine" + sample_key, block)
    coins = [(coarse & -SIDES) | (low & SIDES - 1) for coarse, low in zip(rolled, fine, strict=True)]
    return _throws(int.from_bytes(rolled, "big")), bytes(coins)


def mixed(prompt_key: bytes, sample_key: bytes) -> Iterator[bytes]:
    """Yield, block by block, the byte that picks the successor at temperature 1."""
    for block in itertools.count():
        rolled = draw.block(sample_key, block)
        wish, choice = int.from_bytes(draw.block(prompt_key, block), "big"), int.from_bytes(rolled, "big")
        coins = int.from_bytes(rolled.translate(_COIN), "big")
        yield ((wish ^ ((wish ^ choice) & coins)) & _THROWS).to_bytes(BLOCK, "big")


def _throws(of: int) -> bytes:
    """Return bytes below `SIDES`, of the bytes of a large integer."""
    return (of & _THROWS).to_bytes(BLOCK, "big")


def wished(prompt_key: bytes) -> Iterator[bytes]:
    """Yield, block by block, the byte that picks the successor at temperature 0."""
    for block in itertools.count():
        yield wishes(prompt_key, block)

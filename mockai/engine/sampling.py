"""Drawing text from the small model: temperature, nucleus, penalties, biases, stops and log probabilities.

The plain case walks the tables of `language`. Everything else works on logits and gives the same text where it
comes down to the plain case. Penalties follow mu[j] - c[j]·frequency - (c[j] > 0)·presence (chat.md §10).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from mockai.engine import tokens
from mockai.engine.draw import BLOCK, Draw
from mockai.engine.language import (
    END,
    PIECE,
    PREFERENCE,
    ROW,
    SIDES,
    SUCCESSORS,
    TOKEN,
    Language,
    State,
    dice,
    language,
    mixed,
    wished,
    wishes,
)

BACKOFF_MASS = 1e-6  # of all alternatives together that the trigram does not know
FOREIGN = math.log(1e-9)  # the logit, before its bias, of a token that only a bias names
STEP = 8  # tokens between two looks for stop strings
FLOOR = -100.0  # log probabilities go no lower: JSON knows no infinity


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. `top_logprobs` None wants no log probabilities, 0 only those of the text."""

    temperature: float = 1.0
    top_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    ending: float = 0.0
    """What is added to the logit of the end, where a text may end: shorter texts from above 0, longer from below."""

    plain: bool = field(init=False, repr=False)
    """Whether the tables alone give the text."""

    def __post_init__(self) -> None:
        """Decide whether logits are needed."""
        certain = self.temperature == 0.0
        plain = (
            (certain or (self.temperature == 1.0 and self.top_p == 1.0))
            and not self.presence_penalty
            and not self.frequency_penalty
            and not self.logit_bias
            and self.top_logprobs is None
            and not self.ending
        )
        object.__setattr__(self, "plain", plain)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the text, its log probability, and the most likely tokens at its place, best first."""

    id: int
    logprob: float
    top: list[tuple[int, float]]


@dataclass(slots=True)
class Text:
    """What was drawn: the bytes of its tokens, and why it ended."""

    pieces: list[bytes]
    finish: Literal["stop", "length"]
    logprobs: list[TokenLogprob] | None = None

    @property
    def text(self) -> str:
        """Return the text that the pieces join to."""
        return b"".join(self.pieces).decode("utf-8", "replace")


def generate(
    encoding: str,
    prompt_key: bytes,
    sample_key: bytes,
    limit: int,
    sampling: Sampling | None = None,
    stop: Sequence[str] = (),
    after: int | None = None,
) -> Text:
    """Draw a text of at most `limit` tokens, cut before the first of the `stop` strings.

    It opens an answer, or goes on after the token `after`.
    """
    sampling = sampling or Sampling()
    stops = _Stop(stop) if stop else None
    model = language(encoding)
    state = model.start if after is None else model.after(after)
    if sampling.plain:
        blocks = wished(prompt_key) if sampling.temperature == 0.0 else mixed(prompt_key, sample_key)
        text = _walk(state, blocks, limit, stops)
    else:
        sampler = _Sampler(encoding, model, sampling)
        text = _sample(sampler, encoding, state, _rolls(prompt_key, sample_key), limit, stops)
    if stops is not None:
        _cut(text, stops)
    return text


def _walk(state: State, blocks: Iterator[bytes], limit: int, stop: _Stop | None) -> Text:
    pieces: list[bytes] = []
    append, piece = pieces.append, END
    for block in blocks:
        for throw in block:
            state = state[throw]
            piece = state[PIECE]
            if not piece:  # the end
                break
            append(piece)
        if not piece or len(pieces) >= limit or (stop is not None and stop.settled(pieces, BLOCK)):
            break
    finish: Literal["stop", "length"] = "stop" if not piece and len(pieces) < limit else "length"
    del pieces[limit:]
    return Text(pieces, finish)


class _Stop:
    """The strings before which a text is cut."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.strings = tuple(entry.encode("utf-8", "surrogatepass") for entry in stop if entry)
        self.longest = max(map(len, self.strings), default=0)

    def settled(self, pieces: Sequence[bytes], fresh: int) -> bool:
        """Return whether the text need not go on after its last `fresh` pieces.

        It must after a string that only just ended: a longer one that began before it may still be under way.
        """
        # A token has at least one byte: this tail reaches back far enough.
        tail = b"".join(pieces[-(fresh + 2 * self.longest) :])[: -self.longest]
        return any(entry in tail for entry in self.strings)

    def first(self, whole: bytes) -> int:
        """Return where the first string begins, or -1."""
        return min((at for at in map(whole.find, self.strings) if at >= 0), default=-1)


def _cut(text: Text, stop: _Stop) -> None:
    at, keep = stop.first(b"".join(text.pieces)), 0
    if at < 0:
        return
    text.finish = "stop"
    while keep < len(text.pieces) and at >= len(text.pieces[keep]):
        at -= len(text.pieces[keep])
        keep += 1
    partial = text.pieces[keep][:at] if keep < len(text.pieces) else b""
    keep_partial = 1 if partial else 0
    text.pieces = text.pieces[:keep] + [partial] * keep_partial
    if text.logprobs is not None:
        text.logprobs = text.logprobs[: keep + keep_partial]


# --- on logits -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """What may follow in a state, in the order that draws go through."""

    tokens: tuple[int, ...]
    states: tuple[State, ...]
    """The states after the first tokens; the others leave the paths of the model."""
    logits: list[float]
    """The logits where the prompt prefers none of the tokens,"""
    preferred: list[float]
    """the logit of each of the first tokens where the prompt prefers it,"""
    front: list[float]
    """and the share of its mass that then lies in front of everything else."""


def _row(model: Language, state: State) -> _Row:
    """Return the distribution in a state; it is worked out once."""
    row: _Row | None = state[ROW]
    if row is not None:
        return row
    successors = state[SUCCESSORS]
    known = tuple(successor.token for successor in successors)
    masses = [(1 - PREFERENCE) * successor.probability for successor in successors]
    spare = tuple(token for token in model.backoff if token not in known)
    logits = [math.log(mass * (1 - BACKOFF_MASS)) for mass in masses]
    logits += [math.log(BACKOFF_MASS / len(spare))] * len(spare)
    preferred = [math.log((PREFERENCE + mass) * (1 - BACKOFF_MASS)) for mass in masses]
    front = [PREFERENCE / (PREFERENCE + mass) for mass in masses]
    states = tuple(successor.state for successor in successors)
    row = state[ROW] = _Row(known + spare, states, logits, preferred, front)
    return row


class _Sampler:
    """Distributions over the next token of one text, and draws from them."""

    def __init__(self, encoding: str, model: Language, sampling: Sampling) -> None:
        self.model, self.sampling = model, sampling
        # Ids without a token can not be drawn. The order of the biases must not show in the text.
        given = sampling.logit_bias
        self.bias = {token: given[token] for token in sorted(given) if tokens.exists(encoding, token)}
        self.penalised = bool(sampling.presence_penalty or sampling.frequency_penalty)
        self.counts: Counter[int] = Counter()
        self.shift: dict[int, float] = dict(self.bias)
        if sampling.ending:
            end = model.end[TOKEN]
            self.shift[end] = self.bias.get(end, 0.0) + sampling.ending
        """What biases and penalties add to the logits."""

    def spoken(self, token: int) -> None:
        """Take note that a token is part of the text."""
        if not self.penalised:
            return
        self.counts[token] += 1
        penalty = self.counts[token] * self.sampling.frequency_penalty + self.sampling.presence_penalty
        self.shift[token] = self.bias.get(token, 0.0) - penalty

    def logits(self, row: _Row, wish: int) -> tuple[tuple[int, ...], list[float]]:
        """Return the tokens that may follow, those of the row first, and their logits; the prompt prefers `wish`."""
        ids, logits, shift = row.tokens, row.logits.copy(), self.shift
        logits[wish] = row.preferred[wish]
        if not shift:
            return ids, logits
        if self.bias:
            present = set(ids)
            foreign = [token for token in self.bias if token not in present]
            ids, logits = (*ids, *foreign), logits + [FOREIGN] * len(foreign)
        return ids, [logit + shift.get(token, 0.0) for token, logit in zip(ids, logits, strict=True)]

    def choose(self, row: _Row, wish: int, logits: list[float], choice: int, coin: int) -> int:
        """Return the place of the token that the dice of a position pick."""
        top, temperature = max(logits), self.sampling.temperature
        if temperature == 0.0:
            return logits.index(top)
        weights = [math.exp((logit - top) / temperature) for logit in logits]
        if self.sampling.top_p < 1.0:
            _narrow(weights, self.sampling.top_p)
        at = _place(choice, coin) * sum(weights)
        front = weights[wish] * row.front[wish]
        if at < front:
            return wish
        at -= front
        weights[wish] -= front
        for place, weight in enumerate(weights):
            if at < weight:
                return place
            at -= weight
        return logits.index(top)

    def logprob(self, ids: tuple[int, ...], logits: list[float], place: int) -> TokenLogprob:
        """Return the log probabilities at one position, before temperature and nucleus."""
        norm = 0.0  # a row as it is sums to one
        if self.shift:
            top = max(logits)
            norm = top + math.log(sum([math.exp(logit - top) for logit in logits]))
        best = sorted(range(len(ids)), key=logits.__getitem__, reverse=True)[: self.sampling.top_logprobs]
        shown = [(ids[entry], max(FLOOR, logits[entry] - norm)) for entry in best]
        return TokenLogprob(ids[place], max(FLOOR, logits[place] - norm), shown)


def _narrow(weights: list[float], top_p: float) -> None:
    """Leave only the nucleus: the fewest of the heaviest tokens that have the share `top_p`, but one at least."""
    wanted, kept = top_p * sum(weights), 0.0
    for rank, place in enumerate(sorted(range(len(weights)), key=weights.__getitem__, reverse=True)):
        if rank and kept >= wanted:
            weights[place] = 0.0
        else:
            kept += weights[place]


def _place(choice: int, coin: int) -> float:
    """Return where in [0, 1) the dice fall: the prompt's wish lies in front, the trigram's table behind it."""
    edge = 256 * PREFERENCE
    if coin < edge:
        return (coin + (choice + 0.5) / SIDES) / 256
    return PREFERENCE + (1 - PREFERENCE) * (choice + (coin - edge + 0.5) / (256 - edge)) / SIDES


def _rolls(prompt_key: bytes, sample_key: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield, for each position, the prompt's wish, the choice and the coin between them."""
    for block in count():
        yield from zip(wishes(prompt_key, block), *dice(sample_key, block), strict=True)


def _sample(
    sampler: _Sampler,
    encoding: str,
    state: State,
    rolls: Iterator[tuple[int, int, int]],
    limit: int,
    stop: _Stop | None,
) -> Text:
    model = sampler.model
    end, logprobs = model.end[TOKEN], sampler.sampling.top_logprobs is not None
    text = Text([], "length", [] if logprobs else None)
    # Looking for long strings at each token would take longer than drawing it.
    step = STEP if stop is None else max(STEP, stop.longest)
    while len(text.pieces) < limit:
        throw, choice, coin = next(rolls)
        row = _row(model, state)
        wish = row.tokens.index(state[throw][TOKEN])
        ids, logits = sampler.logits(row, wish)
        place = sampler.choose(row, wish, logits, choice, coin)
        token = ids[place]
        if token == end:
            text.finish = "stop"
            break
        if text.logprobs is not None:
            text.logprobs.append(sampler.logprob(ids, logits, place))
        known = place < len(row.states)
        state = row.states[place] if known else model.after(token)
        text.pieces.append(state[PIECE] if known else tokens.token_bytes(encoding, token))
        sampler.spoken(token)
        if stop is not None and len(text.pieces) % step == 0 and stop.settled(text.pieces, step):
            break
    return text


def script(encoding: str, text: str, key: bytes, limit: int, sampling: Sampling, stop: Sequence[str] = ()) -> Text:
    """Return a given text as if it had been drawn: cut at the first stop string and at the limit."""
    cuts = [at for at in map(text.find, stop) if at >= 0]
    ids = tokens.encode(encoding, text[: min(cuts)] if cuts else text)
    finish: Literal["stop", "length"] = "length" if len(ids) > limit else "stop"
    ids = ids[:limit]
    top = sampling.top_logprobs
    logprobs = None if top is None else annotate(encoding, ids, key, top)
    return Text([tokens.token_bytes(encoding, token) for token in ids], finish, logprobs)


def annotate(encoding: str, ids: Sequence[int], key: bytes, top: int) -> list[TokenLogprob]:
    """Return log probabilities for tokens that did not come from the model: mostly likely, never certain."""
    rng = Draw(key, "logprobs")
    backoff = language(encoding).backoff
    entries = []
    for token in ids:
        surprise = rng.random() ** 6 * 0.9 + 1e-4  # the mass of all other tokens
        others = [other for other in backoff if other != token]
        scale = surprise * 0.999
        ranked = [(token, math.log(1 - surprise))]
        for other in others:
            scale *= 0.5
            ranked.append((other, max(FLOOR, math.log(scale))))
        ranked.sort(key=lambda entry: -entry[1])
        entries.append(TokenLogprob(token, math.log(1 - surprise), ranked[:top]))
    return entries

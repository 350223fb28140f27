"""Drawing text from the small model: temperature, nucleus, penalties, biases, stops and log probabilities.

The plain case walks the tables of `language`. Everything else works on logits and gives the same text where it
comes down to the plain case. Penalties follow mu[j] - c[j]·frequency - (c[j] > 0)·presence (chat.md §10).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mockai.engine import tokens
from mockai.engine.draw import Draw
from mockai.engine.language import (
    PIECE,
    PREFERENCE,
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

    @property
    def plain(self) -> bool:
        """Return whether the tables alone give the text."""
        return (
            self.temperature in (0.0, 1.0)
            and (self.top_p == 1.0 or self.temperature == 0.0)
            and not self.presence_penalty
            and not self.frequency_penalty
            and not self.logit_bias
            and self.top_logprobs is None
        )


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the text, its log probability, and the most likely tokens at its place, best first."""

    id: int
    logprob: float
    top: list[tuple[int, float]]


@dataclass(slots=True)
class Text:
    """What was drawn: token ids, their bytes, and why it ended."""

    ids: list[int]
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
    model = language(encoding)
    state = model.start if after is None else model.after(after)
    if sampling.plain:
        blocks = wished(prompt_key) if sampling.temperature == 0.0 else mixed(prompt_key, sample_key)
        text = _walk(model, state, blocks, limit, stop)
    else:
        sampler = _Sampler(encoding, model, sampling)
        text = _sample(sampler, state, prompt_key, sample_key, limit, stop)
    if stop:
        _cut(text, stop)
    return text


def _walk(model: Language, state: State, blocks: Iterator[bytes], limit: int, stop: Sequence[str]) -> Text:
    end = model.end
    walked: list[State] = []
    append = walked.append
    for block in blocks:
        for byte in block:
            state = state[byte]
            if state is end:
                break
            append(state)
        if state is end or len(walked) >= limit:
            break
        if stop and _stopped([entry[PIECE] for entry in walked], stop):
            break
    finish: Literal["stop", "length"] = "stop" if state is end and len(walked) < limit else "length"
    del walked[limit:]
    return Text([entry[TOKEN] for entry in walked], [entry[PIECE] for entry in walked], finish)


def _stopped(pieces: Sequence[bytes], stop: Sequence[str]) -> bool:
    longest = max(len(entry.encode()) for entry in stop)
    # A token has at least one byte: this tail reaches back far enough for a stop string that just ended.
    tail = b"".join(pieces[-(64 + longest) :])
    return any(entry.encode() in tail for entry in stop)


def _cut(text: Text, stop: Sequence[str]) -> None:
    whole = b"".join(text.pieces)
    found = [at for at in (whole.find(entry.encode()) for entry in stop) if at >= 0]
    if not found:
        return
    text.finish = "stop"
    at, keep = min(found), 0
    while keep < len(text.pieces) and at >= len(text.pieces[keep]):
        at -= len(text.pieces[keep])
        keep += 1
    partial = text.pieces[keep][:at] if keep < len(text.pieces) else b""
    keep_partial = 1 if partial else 0
    text.pieces = text.pieces[:keep] + [partial] * keep_partial
    text.ids = text.ids[: keep + keep_partial]
    if text.logprobs is not None:
        text.logprobs = text.logprobs[: keep + keep_partial]


# --- on logits -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Candidate:
    token: int
    state: State | None
    wished: float
    """The part of the mass that comes first: what the prompt prefers."""
    mass: float
    logit: float = 0.0
    weight: float = 0.0


class _Sampler:
    """Distributions over the next token, and draws from them."""

    def __init__(self, encoding: str, model: Language, sampling: Sampling) -> None:
        self.encoding, self.model, self.sampling = encoding, model, sampling
        self.counts: Counter[int] = Counter()
        self.penalised = bool(sampling.presence_penalty or sampling.frequency_penalty)

    def candidates(self, state: State, wish: int) -> list[_Candidate]:
        """Return what may follow, in the fixed order that draws go through, with logits."""
        preferred = state[wish][TOKEN]
        known: dict[int, _Candidate] = {}
        for successor in state[SUCCESSORS]:
            first = PREFERENCE if successor.token == preferred else 0.0
            mass = first + (1 - PREFERENCE) * successor.probability
            known[successor.token] = _Candidate(successor.token, successor.state, first, mass * (1 - BACKOFF_MASS))
        spare = [token for token in self.model.backoff if token not in known]
        for token in spare:
            known[token] = _Candidate(token, None, 0.0, BACKOFF_MASS / len(spare))
        for token in self.sampling.logit_bias:
            if token not in known:
                known[token] = _Candidate(token, None, 0.0, BACKOFF_MASS / 1000)
        for candidate in known.values():
            candidate.logit = self._logit(candidate)
        return list(known.values())

    def _logit(self, candidate: _Candidate) -> float:
        sampling = self.sampling
        logit = math.log(candidate.mass) + sampling.logit_bias.get(candidate.token, 0.0)
        if self.penalised:
            count = self.counts[candidate.token]
            logit -= count * sampling.frequency_penalty + (count > 0) * sampling.presence_penalty
        return logit

    def choose(self, candidates: list[_Candidate], choice: int, coin: int) -> _Candidate:
        """Pick one candidate with the dice of its position."""
        if self.sampling.temperature == 0.0:
            return max(candidates, key=lambda candidate: candidate.logit)
        self._weigh(candidates)
        total = sum(candidate.weight for candidate in candidates)
        at = _place(choice, coin) * total
        return _pick(candidates, at)

    def _weigh(self, candidates: list[_Candidate]) -> None:
        top = max(candidate.logit for candidate in candidates)
        for candidate in candidates:
            candidate.weight = math.exp((candidate.logit - top) / self.sampling.temperature)
        if self.sampling.top_p < 1.0:
            wanted = self.sampling.top_p * sum(candidate.weight for candidate in candidates)
            for candidate in sorted(candidates, key=lambda entry: -entry.weight):
                if wanted <= 0.0 and candidate.logit < top:
                    candidate.weight = 0.0
                wanted -= candidate.weight

    def logprob(self, candidates: list[_Candidate], chosen: _Candidate) -> TokenLogprob:
        """Return the log probabilities at one position, before temperature and nucleus."""
        top = max(candidate.logit for candidate in candidates)
        norm = top + math.log(sum(math.exp(candidate.logit - top) for candidate in candidates))
        ranked = sorted(candidates, key=lambda candidate: -candidate.logit)
        shown = [(entry.token, max(FLOOR, entry.logit - norm)) for entry in ranked[: self.sampling.top_logprobs]]
        return TokenLogprob(chosen.token, max(FLOOR, chosen.logit - norm), shown)


def _place(choice: int, coin: int) -> float:
    """Return where in [0, 1) the dice fall: the prompt's wish lies in front, the trigram's table behind it."""
    edge = 256 * PREFERENCE
    if coin < edge:
        return (coin + (choice + 0.5) / SIDES) / 256
    return PREFERENCE + (1 - PREFERENCE) * (choice + (coin - edge + 0.5) / (256 - edge)) / SIDES


def _pick(candidates: list[_Candidate], at: float) -> _Candidate:
    for candidate in candidates:
        if candidate.wished:
            first = candidate.weight * candidate.wished / candidate.mass
            if at < first:
                return candidate
            at -= first
    for candidate in candidates:
        weight = candidate.weight
        if candidate.wished:
            weight -= candidate.weight * candidate.wished / candidate.mass
        if at < weight:
            return candidate
        at -= weight
    return max(candidates, key=lambda candidate: candidate.weight)


def _sample(
    sampler: _Sampler, state: State, prompt_key: bytes, sample_key: bytes, limit: int, stop: Sequence[str]
) -> Text:
    model, wanted = sampler.model, sampler.sampling.top_logprobs is not None
    text = Text([], [], "length", [] if wanted else None)
    block = 0
    while True:
        rolls = zip(wishes(prompt_key, block), *dice(sample_key, block), strict=True)
        for wish, choice, coin in rolls:
            if len(text.ids) >= limit:
                return text
            candidates = sampler.candidates(state, wish)
            chosen = sampler.choose(candidates, choice, coin)
            if chosen.token == model.end[TOKEN]:
                text.finish = "stop"
                return text
            if text.logprobs is not None:
                text.logprobs.append(sampler.logprob(candidates, chosen))
            text.ids.append(chosen.token)
            text.pieces.append(tokens.token_bytes(sampler.encoding, chosen.token))
            sampler.counts[chosen.token] += 1
            state = chosen.state if chosen.state is not None else model.after(chosen.token)
        if stop and _stopped(text.pieces, stop):
            return text
        block += 1


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

"""The laws of drawn text: seeds, limits, stops, biases, penalties and log probabilities."""

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.engine import draw, language, sampling, tokens
from mockai.engine.sampling import Sampling, Text

O200K = "o200k_base"
ENCODINGS = st.sampled_from([O200K, "cl100k_base"])
KEYS = st.integers(0, 10**9).map(lambda number: draw.key("test", number))


def generate(prompt: int, sample: int = 0, limit: int = 400, how: Sampling | None = None, **more: Any) -> Text:
    return sampling.generate(O200K, draw.key("p", prompt), draw.key("s", sample), limit, how, **more)


@given(ENCODINGS, KEYS, KEYS)
def test_text_is_canonical_repeats_and_is_cut_exactly(encoding: str, wish: bytes, dice: bytes) -> None:
    whole = sampling.generate(encoding, wish, dice, 2000)
    assert tokens.encode(encoding, whole.text) == whole.ids
    assert sampling.generate(encoding, wish, dice, 2000) == whole
    for limit in (1, 7, 64, 65):
        cut = sampling.generate(encoding, wish, dice, limit)
        assert cut.ids == whole.ids[:limit]
        assert cut.finish == ("stop" if len(whole.ids) < limit else "length")


@limits(max_examples=40)
@given(ENCODINGS, KEYS, KEYS, st.sampled_from([0.0, 1.0]))
def test_logits_give_the_same_text_as_tables(encoding: str, wish: bytes, dice: bytes, temperature: float) -> None:
    plain = sampling.generate(encoding, wish, dice, 300, Sampling(temperature=temperature))
    slow = sampling.generate(encoding, wish, dice, 300, Sampling(temperature=temperature, top_logprobs=0))
    assert (slow.ids, slow.finish) == (plain.ids, plain.finish)


def test_seeds_and_prompts_change_the_text() -> None:
    assert len({generate(1, seed).text for seed in range(50)}) > 45
    assert len({generate(prompt).text for prompt in range(50)}) > 45
    cold = Sampling(temperature=0)
    assert len({generate(prompt, 0, 400, cold).text for prompt in range(50)}) > 45
    assert len({generate(1, seed, 400, cold).text for seed in range(50)}) == 1


def test_answers_have_about_fifty_tokens() -> None:
    sizes = [len(generate(number).ids) for number in range(500)]
    assert 35 < sum(sizes) / len(sizes) < 65
    assert max(sizes) < 500


@limits(max_examples=60)
@given(KEYS, KEYS, st.data())
def test_stop_strings_cut_before_themselves_across_tokens(wish: bytes, dice: bytes, data: st.DataObject) -> None:
    whole = sampling.generate(O200K, wish, dice, 200)
    at = data.draw(st.integers(0, max(0, len(whole.text) - 1)))
    stop = whole.text[at : at + data.draw(st.integers(1, 9))]
    how = data.draw(st.sampled_from([Sampling(), Sampling(top_logprobs=1)]))
    cut = sampling.generate(O200K, wish, dice, 200, how, (stop, "never said"))
    assert stop
    assert cut.text == whole.text[: whole.text.find(stop)]
    assert cut.finish == "stop"
    assert stop not in cut.text
    assert cut.logprobs is None or len(cut.logprobs) == len(cut.pieces)


def test_a_bias_of_100_forces_and_of_minus_100_bans() -> None:
    forced = generate(1, 0, 20, Sampling(logit_bias={12345: 100}))
    assert forced.ids == [12345] * 20
    assert forced.finish == "length"
    free = generate(2, 0, 100)
    banned = generate(2, 0, 100, Sampling(logit_bias={free.ids[0]: -100, free.ids[3]: -100}))
    assert not {free.ids[0], free.ids[3]} & set(banned.ids)


def test_forced_parts_of_characters_are_kept_as_bytes() -> None:
    part = next(token for token in range(256) if tokens.token_bytes(O200K, token)[0] >= 0x80)
    text = generate(1, 0, 3, Sampling(logit_bias={part: 100}))
    assert b"".join(text.pieces) == tokens.token_bytes(O200K, part) * 3
    assert "\ufffd" in text.text


def repeats(how: Sampling) -> float:
    texts = [generate(number, 0, 120, how).ids for number in range(40)]
    return sum(count - 1 for ids in texts for count in Counter(ids).values()) / sum(map(len, texts))


def test_penalties_lessen_repetition() -> None:
    none = repeats(Sampling(top_logprobs=0))
    assert repeats(Sampling(frequency_penalty=2.0)) < none
    assert repeats(Sampling(presence_penalty=2.0)) < none
    assert repeats(Sampling(frequency_penalty=-2.0)) > none


def test_a_narrow_nucleus_and_a_low_temperature_give_the_likeliest_text() -> None:
    coldest = [generate(number, 0, 60, Sampling(temperature=0)).text for number in range(20)]
    assert [generate(number, 0, 60, Sampling(top_p=0.01)).text for number in range(20)] == coldest
    assert [generate(number, 0, 60, Sampling(temperature=0.01)).text for number in range(20)] == coldest


def test_a_high_temperature_leaves_the_beaten_path() -> None:
    known = {token for number in range(200) for token in generate(number).ids}
    hot = generate(1, 0, 300, Sampling(temperature=2.0)).ids
    assert len(set(hot)) > 20
    assert set(hot) <= known | set(language.language(O200K).backoff)


@limits(max_examples=30)
@given(
    KEYS,
    KEYS,
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.7, 1.0, 1.8]),
        top_p=st.sampled_from([0.3, 1.0]),
        presence_penalty=st.sampled_from([0.0, 1.5]),
        logit_bias=st.sampled_from([{}, {11: 5.0, 300: -100.0}]),
        top_logprobs=st.integers(0, 20),
    ),
)
def test_log_probabilities_are_a_distribution(wish: bytes, dice: bytes, how: Sampling) -> None:
    text = sampling.generate(O200K, wish, dice, 40, how)
    assert text.logprobs is not None
    assert [entry.id for entry in text.logprobs] == text.ids
    for entry in text.logprobs:
        assert len(entry.top) == how.top_logprobs
        values = [logprob for _, logprob in entry.top]
        assert values == sorted(values, reverse=True)
        assert all(-100 <= value <= 0 for value in [entry.logprob, *values])
        assert sum(map(math.exp, values)) <= 1 + 1e-9
        if values and entry.logprob > values[-1]:
            assert (entry.id, entry.logprob) in entry.top


@given(KEYS, st.lists(st.integers(0, 199_000), min_size=1, max_size=12), st.integers(0, 20))
def test_foreign_tokens_get_log_probabilities_too(key: bytes, ids: list[int], top: int) -> None:
    entries = sampling.annotate(O200K, ids, key, top)
    assert [entry.id for entry in entries] == ids
    for entry in entries:
        values = [logprob for _, logprob in entry.top]
        assert len(values) == top
        assert values == sorted(values, reverse=True)
        assert sum(map(math.exp, values)) <= 1 + 1e-9
    assert sampling.annotate(O200K, ids, key, top) == entries


def test_a_text_may_go_on_after_a_token() -> None:
    after = tokens.encode(O200K, " the")[0]
    continued = sampling.generate(O200K, b"p", b"s", 5, None, (), after)
    assert continued.pieces[0].startswith(b" ")


def test_the_version_names_the_prose() -> None:
    assert len(language.version()) == 16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "prose", lambda: "another prose")
        assert language.version.__wrapped__() != language.version()

"""The laws of drawn text: seeds, limits, stops, biases, penalties and log probabilities."""

import math
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.engine import draw, language, sampling, tokens
from mockai.engine.draw import BLOCK
from mockai.engine.sampling import Sampling, Text

O200K = "o200k_base"
ENCODINGS = st.sampled_from([O200K, "cl100k_base"])
KEYS = st.integers(0, 10**9).map(lambda number: draw.key("test", number))


def generate(prompt: int, sample: int = 0, limit: int = 400, how: Sampling | None = None, **more: Any) -> Text:
    return sampling.generate(O200K, draw.key("p", prompt), draw.key("s", sample), limit, how, **more)


def ids(text: Text) -> list[int]:
    known = tokens.encoding(O200K)
    return [known.encode_single_token(piece) for piece in text.pieces]


@given(ENCODINGS, KEYS, KEYS)
def test_text_is_canonical_repeats_and_is_cut_exactly(encoding: str, wish: bytes, dice: bytes) -> None:
    whole = sampling.generate(encoding, wish, dice, 2000)
    assert [tokens.token_bytes(encoding, token) for token in tokens.encode(encoding, whole.text)] == whole.pieces
    assert sampling.generate(encoding, wish, dice, 2000) == whole
    for limit in (1, 7, 64, 65):
        cut = sampling.generate(encoding, wish, dice, limit)
        assert cut.pieces == whole.pieces[:limit]
        assert cut.finish == ("stop" if len(whole.pieces) < limit else "length")


@limits(max_examples=40)
@given(ENCODINGS, KEYS, KEYS, st.sampled_from([0.0, 1.0]))
def test_logits_give_the_same_text_as_tables(encoding: str, wish: bytes, dice: bytes, temperature: float) -> None:
    plain = sampling.generate(encoding, wish, dice, 300, Sampling(temperature=temperature))
    slow = sampling.generate(encoding, wish, dice, 300, Sampling(temperature=temperature, top_logprobs=0))
    assert (slow.pieces, slow.finish) == (plain.pieces, plain.finish)


def test_seeds_and_prompts_change_the_text() -> None:
    assert len({generate(1, seed).text for seed in range(50)}) > 45
    assert len({generate(prompt).text for prompt in range(50)}) > 38  # with the same dice
    cold = Sampling(temperature=0)
    assert len({generate(prompt, 0, 400, cold).text for prompt in range(50)}) > 45
    assert len({generate(1, seed, 400, cold).text for seed in range(50)}) == 1


def test_answers_have_about_fifty_tokens() -> None:
    sizes = [len(generate(number).pieces) for number in range(500)]
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


@given(KEYS, KEYS)
def test_the_stop_string_that_begins_first_counts(wish: bytes, dice: bytes) -> None:
    whole = sampling.generate(O200K, wish, dice, 200).text
    longer, shorter = whole[1:9], whole[2:4]
    for how in (Sampling(), Sampling(top_logprobs=0)):
        for stop in ((shorter, longer), (longer, shorter)):
            cut = sampling.generate(O200K, wish, dice, 200, how, stop).text
            assert cut == whole[: min(whole.find(shorter), whole.find(longer))]


def test_a_stop_string_ends_a_text_that_would_go_on_and_on() -> None:
    end = tokens.encoding(O200K).eot_token
    word = tokens.encode(O200K, " and")[0]
    forced = generate(1, 0, 128_000, Sampling(logit_bias={word: 100, end: -100}), stop=("and and and",))
    assert (forced.text, forced.finish) == (" ", "stop")


def test_a_long_stop_string_that_is_under_way_beats_a_short_one_that_has_ended() -> None:
    for number in range(200):
        whole = generate(number, 0, 300).text
        for at in range(0, len(whole) - 60, 97):
            longer, shorter = whole[at : at + 60], whole[at + 1 : at + 31]
            first = min(whole.find(longer), whole.find(shorter))
            for how in (Sampling(), Sampling(top_logprobs=0))[: 2 if number < 20 else 1]:
                assert generate(number, 0, 300, how, stop=(shorter, longer)).text == whole[:first]


def test_a_stop_string_far_behind_the_first_block_is_found() -> None:
    number = next(number for number in range(2000) if len(generate(number, 0, 2000).pieces) > 2 * BLOCK + 24)
    whole = generate(number, 0, 2000)
    for at in (BLOCK - 8, BLOCK + 2, 2 * BLOCK - 6, 2 * BLOCK + 4):
        before = len(b"".join(whole.pieces[:at]).decode())
        stop = whole.text[before - 20 : before + 20]
        cut = generate(number, 0, 2000, stop=(stop,))
        assert (cut.text, cut.finish) == (whole.text[: whole.text.find(stop)], "stop")


def test_a_bias_of_100_forces_and_of_minus_100_bans() -> None:
    forced = generate(1, 0, 20, Sampling(logit_bias={12345: 100}))
    assert ids(forced) == [12345] * 20
    assert forced.finish == "length"
    free = generate(2, 0, 100)
    banned = generate(2, 0, 100, Sampling(logit_bias={ids(free)[0]: -100, ids(free)[3]: -100}))
    assert not {ids(free)[0], ids(free)[3]} & set(ids(banned))


def test_the_end_of_the_text_can_be_forced_and_banned() -> None:
    end = tokens.encoding(O200K).eot_token
    assert generate(1, 0, 20, Sampling(logit_bias={end: 100})) == Text([], "stop")
    for number in range(10):
        endless = generate(number, 0, 500, Sampling(logit_bias={end: -100}))
        assert (len(endless.pieces), endless.finish) == (500, "length")


@given(st.sampled_from([(O200K, 199_998), (O200K, 200_005), ("cl100k_base", 100_256), (O200K, 2**40)]), KEYS)
def test_a_bias_on_an_id_without_a_token_changes_nothing(gap: tuple[str, int], key: bytes) -> None:
    encoding, token = gap
    biased = sampling.generate(encoding, key, key, 60, Sampling(logit_bias={token: 100}))
    assert biased == sampling.generate(encoding, key, key, 60)


def test_the_order_of_biases_does_not_show() -> None:
    biases = {1000: 21.0, 2000: 21.0, 3000: 21.0, 4000: 21.0}
    forward = generate(1, 0, 200, Sampling(logit_bias=biases))
    assert len(set(ids(forward)) & set(biases)) > 1
    assert generate(1, 0, 200, Sampling(logit_bias=dict(reversed(biases.items())))) == forward


@limits(max_examples=40)
@given(KEYS, KEYS, st.data())
def test_biased_and_penalised_texts_are_cut_exactly_too(wish: bytes, dice: bytes, data: st.DataObject) -> None:
    how = data.draw(st.sampled_from([Sampling(0.7), Sampling(top_p=0.8), Sampling(frequency_penalty=0.5)]))
    whole = sampling.generate(O200K, wish, dice, 200, how)
    limit = data.draw(st.integers(0, 200))
    cut = sampling.generate(O200K, wish, dice, limit, how)
    assert cut.pieces == whole.pieces[:limit]
    assert cut.finish == ("stop" if len(whole.pieces) < limit else "length")


def test_forced_parts_of_characters_are_kept_as_bytes() -> None:
    part = next(token for token in range(256) if tokens.token_bytes(O200K, token)[0] >= 0x80)
    text = generate(1, 0, 3, Sampling(logit_bias={part: 100}))
    assert b"".join(text.pieces) == tokens.token_bytes(O200K, part) * 3
    assert "\ufffd" in text.text


def repeats(how: Sampling) -> float:
    texts = [ids(generate(number, 0, 120, how)) for number in range(40)]
    return sum(count - 1 for text in texts for count in Counter(text).values()) / sum(map(len, texts))


def test_penalties_lessen_repetition() -> None:
    none = repeats(Sampling(top_logprobs=0))
    assert repeats(Sampling(frequency_penalty=2.0)) < none
    assert repeats(Sampling(presence_penalty=2.0)) < none
    assert repeats(Sampling(frequency_penalty=-2.0)) > none


def test_a_narrow_nucleus_and_a_low_temperature_give_the_likeliest_text() -> None:
    coldest = [generate(number, 0, 60, Sampling(temperature=0)).text for number in range(20)]
    assert [generate(number, 0, 60, Sampling(top_p=0.01)).text for number in range(20)] == coldest
    assert [generate(number, 0, 60, Sampling(temperature=0.01)).text for number in range(20)] == coldest


def test_a_nucleus_is_the_fewest_tokens_that_reach_its_share() -> None:
    even = {1000: 100.0, 1001: 100.0, 1002: 100.0, 1003: 100.0}
    for top_p, size in ((0.0, 1), (0.2, 1), (0.3, 2), (0.7, 3), (1.0, 4)):
        drawn = set(ids(generate(1, 0, 300, Sampling(top_p=top_p, logit_bias=even))))
        assert drawn == set(sorted(even)[:size])


def test_a_high_temperature_leaves_the_beaten_path() -> None:
    surprises: list[float] = []
    drawn: set[int] = set()
    for temperature in (0.0, 0.4, 1.0, 2.0):
        how = Sampling(temperature=temperature, top_logprobs=0)
        entries = [entry for number in range(60) for entry in generate(number, 0, 80, how).logprobs or ()]
        surprises.append(-sum(entry.logprob for entry in entries) / len(entries))
        drawn.update(entry.id for entry in entries)
    assert surprises == sorted(surprises)
    assert surprises[3] > 1.5 * surprises[1]
    model = language.language(O200K)
    assert drawn <= {*model.by_token, *model.backoff}


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
    assert [entry.id for entry in text.logprobs] == ids(text)
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

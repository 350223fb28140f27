"""The small model: its states are distributions, its texts are sentences of the encoding's own tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.engine import draw, language, tokens
from mockai.engine.language import PIECE, SIDES, SUCCESSORS, TOKEN, Language, State

NAMES = ("o200k_base", "cl100k_base")
KEYS = st.integers(0, 10**9).map(lambda number: draw.key("test", number))


def reachable(model: Language) -> list[State]:
    seen: dict[int, State] = {id(model.end): model.end}
    waiting = [model.start]
    while waiting:
        state = waiting.pop()
        if id(state) not in seen:
            seen[id(state)] = state
            waiting += state[:SIDES]
    del seen[id(model.end)]
    return list(seen.values())


@pytest.mark.parametrize("name", NAMES)
def test_each_state_is_a_distribution_that_its_table_draws_from(name: str) -> None:
    model = language.language(name)
    states = reachable(model)
    assert len(states) > 500
    for state in states:
        successors = state[SUCCESSORS]
        assert sum(successor.probability for successor in successors) == 1.0
        for successor in successors:
            drawn = sum(entry is successor.state for entry in state[:SIDES])
            assert drawn == successor.probability * SIDES > 0
            assert successor.state[TOKEN] == successor.token


@pytest.mark.parametrize("name", NAMES)
def test_a_text_ends_after_a_full_stop_and_nowhere_else(name: str) -> None:
    model = language.language(name)
    for state in reachable(model):
        may_end = any(entry is model.end for entry in state[:SIDES])
        assert may_end == (state is not model.start and state[PIECE].endswith(b"."))


@pytest.mark.parametrize("name", NAMES)
def test_states_carry_the_bytes_of_their_tokens(name: str) -> None:
    model = language.language(name)
    for state in reachable(model):
        if state is not model.start:
            assert state[PIECE] == tokens.token_bytes(name, state[TOKEN])
            assert state[PIECE].decode().isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_alternatives_for_the_longest_list(name: str) -> None:
    backoff = language.language(name).backoff
    assert len(set(backoff)) == len(backoff) >= 21


def test_an_answer_begins_with_a_capital_letter() -> None:
    model = language.language("o200k_base")
    for successor in model.start[SUCCESSORS]:
        assert successor.state[PIECE][:1].isupper()


def test_a_text_goes_on_from_any_token() -> None:
    model = language.language("o200k_base")
    known = tokens.encode("o200k_base", " the")[0]
    assert model.after(known)[TOKEN] == known
    for token in (0, 150_000, tokens.encode("o200k_base", ".")[0], model.end[TOKEN]):
        state = model.after(token)
        assert all(entry is not model.end for entry in state[:SIDES])


@given(KEYS, KEYS, st.integers(0, 5))
def test_the_mixture_takes_each_throw_from_the_wish_or_from_the_dice(wish: bytes, sample: bytes, block: int) -> None:
    blocks = language.mixed(wish, sample)
    for _ in range(block):
        next(blocks)
    mixture = next(blocks)
    wanted, (choice, coins) = language.wishes(wish, block), language.dice(sample, block)
    assert len(mixture) == draw.BLOCK
    for at, throw in enumerate(mixture):
        assert throw < SIDES
        assert throw == (wanted[at] if coins[at] < 256 * language.PREFERENCE else choice[at])


def test_streams_differ_from_block_to_block_and_from_key_to_key() -> None:
    blocks = {language.wishes(draw.key("k", key), block) for key in range(20) for block in range(20)}
    assert len(blocks) == 400


def test_a_model_prints_shortly() -> None:
    model = language.language("o200k_base")
    assert len(repr(model)) < 500
    assert len(repr(model.start[SUCCESSORS])) < 10_000


def test_the_model_is_built_once() -> None:
    assert language.language("o200k_base") is language.language("o200k_base")


def test_the_version_names_the_prose() -> None:
    assert len(language.version()) == 16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "prose", lambda: "another prose")
        assert language.version.__wrapped__() != language.version()

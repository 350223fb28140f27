"""Tokens are tiktoken's, from the official ranks."""

import binascii
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.engine import tokens

ENCODINGS = ("o200k_base", "cl100k_base")


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=st.text(max_size=200))
def test_tokens_join_to_the_text(name: str, text: str) -> None:
    ids = tokens.encode(name, text)
    assert b"".join(tokens.token_bytes(name, token) for token in ids).decode() == text
    assert tokens.count(name, text) == len(ids)


@pytest.mark.parametrize("name", ENCODINGS)
def test_white_space_without_end_has_tokens_too(name: str) -> None:
    text = "x" + " " * 1_200_000 + "y"
    assert tokens.decode(name, tokens.encode(name, text)) == text


def test_known_counts() -> None:
    # "Hello, world!" is four tokens in cl100k (embeddings.md §1).
    assert tokens.encode("cl100k_base", "Hello, world!") == [9906, 11, 1917, 0]
    assert tokens.vocabulary_size("o200k_base") > 200_000


def test_special_tokens_and_lone_surrogates_are_plain_text() -> None:
    assert len(tokens.encode("o200k_base", "<|endoftext|>")) > 1
    assert tokens.count("o200k_base", "a \ud800 b") > 0


def test_a_file_with_other_ranks_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not the official ones"):
        tokens._ranks("o200k_base", "0" * 64)


def test_the_memory_of_counts_is_bounded() -> None:
    counts = tokens._Counts(3)
    for number in range(10):
        assert counts.count("o200k_base", f"text {number}") == 3
    assert len(counts._known) == 3
    assert counts.count("o200k_base", "word " * 1000) == counts.count("o200k_base", "word " * 1000) == 1001


def test_the_text_that_nobody_asks_for_is_forgotten_first() -> None:
    counts = tokens._Counts(2)
    for text in ("one", "two", "one", "three"):
        counts.count("o200k_base", text)
    assert [key[1] for key in counts._known] == ["one", "three"]


def test_long_texts_that_differ_only_in_what_utf8_can_not_hold_are_told_apart() -> None:
    counts = tokens._Counts(10)
    start = "word " * 1000
    texts = [start + "\ud800" * 3, start + "???"]
    assert len({len(tokens.encode("o200k_base", text)) for text in texts}) == 2
    assert [counts.count("o200k_base", text) for text in texts] == [
        len(tokens.encode("o200k_base", t)) for t in texts
    ]


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_ranks_are_the_files_own(name: str) -> None:
    raw = gzip.decompress((tokens._data_folder() / f"{name}.tiktoken.gz").read_bytes())
    for line in raw.splitlines()[::997]:
        encoded, rank = line.split()
        assert tokens.token_bytes(name, int(rank)) == binascii.a2b_base64(encoded)


@pytest.mark.parametrize(("name", "gap"), [("o200k_base", 199_998), ("cl100k_base", 100_256), ("o200k_base", -1)])
def test_not_every_id_stands_for_a_token(name: str, gap: int) -> None:
    assert tokens.exists(name, 0)
    assert tokens.exists(name, tokens.vocabulary_size(name) - 1)
    assert not tokens.exists(name, gap)
    assert not tokens.exists(name, tokens.vocabulary_size(name))

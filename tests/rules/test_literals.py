"""What every match of a pattern has in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.rules.literals import folded, required

PATTERNS = {
    "weather": ["weather"],
    "^order (no|number) 17$": ["order ", " 17"],
    r"colou?r of .* 7{2}1 \(please\)": ["colo", "r of ", " ", "1 (please)"],
    r"a[b\]c]d*ef+g\d\+x": ["a", "ef", "g", "+x"],
    r"(\)a)?bc": ["bc"],
    r"x{2,}yz{3": ["y", "3"],
    "[]a]bc[^]d]ef": ["bc", "ef"],
    "(?:ab)?cd(e(f)g)hi": ["cd", "hi"],
    "ab??c": ["a", "c"],
}


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS.items())
def test_runs(pattern: str, expected: list[str]) -> None:
    assert required(pattern) == expected


@pytest.mark.parametrize("pattern", ["a|b", "(?i)abc", "(?!abc)d", r"\x41bc", r"(a)b\1", ".*", "", r"\d+\s"])
def test_nothing_is_said_of_what_is_not_sure(pattern: str) -> None:
    assert required(pattern) == []


@given(data=st.data())
def test_every_match_has_them(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(sorted(PATTERNS)))
    flags = data.draw(st.sampled_from([0, re.IGNORECASE]))
    match = data.draw(st.from_regex(re.compile(pattern, flags)))
    text = folded(match) if flags else match
    for part in required(pattern, fold=bool(flags)):
        assert part in text


def test_folding_knows_every_character_that_patterns_take_for_a_letter() -> None:
    alike = re.findall("[a-z]", "".join(map(chr, range(0xD800))) + "".join(map(chr, range(0xE000, 0x110000))), re.I)
    assert len(alike) > 52
    assert {folded(char) for char in alike} == {chr(code) for code in range(ord("a"), ord("z") + 1)}
    for char in alike:
        assert re.fullmatch(folded(char), char, re.I)

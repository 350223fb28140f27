"""The older validator speaks as a JSON Schema library does (errors.md §4)."""

from typing import Any

import pytest

from mockai.wire.errors import ApiError
from mockai.wire.older import Older
from mockai.wire.schema import Array, Bool, Decimal, Enum, Int, Later, Map, OneOf, Str

INNER = Older({"yes": Bool()}, required=("yes",))
SAMPLE = Older(
    {
        "text": Str(),
        "whole": Int(0, 5),
        "free": Int(),
        "part": Decimal(-2, 2),
        "tier": Enum("auto", "flex"),
        "list": Array(Str(), min_length=1),
        "map": Map(Decimal(maximum=100)),
        "either": OneOf(Str(), Array(Str())),
        "inner": INNER,
        "later": Later(Str()),
    },
    required=("text",),
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"text": None}, "None is not of type 'string' - 'text'"),
        ({}, "'text' is a required property"),
        ({"a": 1}, "'text' is a required property"),
        ({"text": "", "a": 1, "b": 2}, "Additional properties are not allowed ('a', 'b' were unexpected)"),
        ({"text": "", "whole": True}, "True is not of type 'integer' - 'whole'"),
        ({"text": "", "whole": -1}, "-1 is less than the minimum of 0 - 'whole'"),
        ({"text": "", "free": 1e30}, "1e+30 is greater than the maximum of 9223372036854775807 - 'free'"),
        ({"text": "", "part": "x"}, "'x' is not of type 'number' - 'part'"),
        ({"text": "", "part": 2.5}, "2.5 is greater than the maximum of 2 - 'part'"),
        ({"text": "", "tier": "x"}, "'x' is not one of ['auto', 'flex'] - 'tier'"),
        ({"text": "", "tier": 7}, "7 is not of type 'string' - 'tier'"),
        ({"text": "", "list": 7}, "7 is not of type 'array' - 'list'"),
        ({"text": "", "list": []}, "[] is too short - 'list'"),
        ({"text": "", "list": ["", 7]}, "7 is not of type 'string' - 'list.1'"),
        ({"text": "", "map": {"5": 101}}, "101 is greater than the maximum of 100 - 'map.5'"),
        ({"text": "", "map": []}, "[] is not of type 'object' - 'map'"),
        ({"text": "", "either": 7}, "7 is not valid under any of the given schemas - 'either'"),
        ({"text": "", "inner": {"yes": 1}}, "1 is not of type 'boolean' - 'inner.yes'"),
        ({"text": "", "inner": 7}, "7 is not of type 'object' - 'inner'"),
    ],
    ids=str,
)
def test_faults(body: Any, text: str) -> None:
    with pytest.raises(ApiError) as raised:
        SAMPLE.check(body, "")
    assert (raised.value.message, raised.value.param, raised.value.code) == (text, None, None)


@pytest.mark.parametrize("body", [{"text": "x"}, {"text": "x", "later": 7, "whole": None, "list": ["a"]}])
def test_what_is_good_has_none(body: Any) -> None:
    SAMPLE.check(body, "")


def test_relaxed_it_keeps_its_words() -> None:
    relaxed = SAMPLE.relaxed()
    relaxed.check({"text": "x", "whole": 9, "unknown": 1}, "")
    with pytest.raises(ApiError, match="'9' is not of type 'integer' - 'whole'"):
        relaxed.check({"text": "x", "whole": "9"}, "")
    with pytest.raises(ApiError, match="7 is not of type 'string' - 'later'"):
        relaxed.check({"text": "x", "later": 7}, "")

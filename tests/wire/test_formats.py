"""Ids, headers, pages and frames have the recorded forms."""

import re

import pytest

from mockai.wire import errors, headers, pages, sse
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids, stamp


def maker(seed: int = 0, tenant: str = "t") -> Ids:
    numbers = iter(range(10**6))
    return Ids(seed, tenant, lambda: next(numbers))


def test_a_completion_id_opens_with_its_time_in_base_62() -> None:
    # chatcmpl-DQcd6Gw36eesqV1YMvbYvVRB2uPOo was created at 1775237392 (a recorded pair).
    assert stamp(1775237392) == "DQcd6"
    assert re.fullmatch(r"chatcmpl-DQcd6[0-9A-Za-z]{24}", maker().completion("chatcmpl-", 1775237392))


def test_id_formats() -> None:
    ids = maker()
    assert re.fullmatch(r"call_[0-9A-Za-z]{24}", ids.alnum("call_"))
    assert re.fullmatch(r"req_[0-9a-f]{32}", ids.hex("req_"))
    assert re.fullmatch(r"modr-\d{3,4}", ids.decimal("modr-"))
    assert re.fullmatch(r"batch_68c9b0a0[0-9a-f]{24}", ids.dated_hex("batch_", 0x68C9B0A0))


def test_ids_repeat_for_the_same_seed_and_tenant_only() -> None:
    assert maker().alnum("x") == maker().alnum("x")
    assert len({maker(seed, tenant).alnum("x") for seed in range(3) for tenant in "ab"}) == 6
    ids = maker()
    assert len({ids.alnum("x") for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.002, "2ms"),
        (8.64, "8.64s"),
        (60, "1m0s"),
        (864, "14m24s"),
        (1252.666, "20m52.666s"),
        (0.12, "120ms"),
    ],
)
def test_reset_durations_print_as_recorded(seconds: float, text: str) -> None:
    assert headers.duration(seconds) == text


def test_rate_limit_headers() -> None:
    made = {
        name.decode(): value.decode() for name, value in headers.pairs(headers.rate_limit(30_000, 150_000_000, 8))
    }
    assert made["x-ratelimit-remaining-requests"] == "29999"
    assert made["x-ratelimit-remaining-tokens"] == "149999992"
    assert made["x-ratelimit-reset-requests"] == "2ms"
    assert made["x-ratelimit-reset-tokens"] == "0s"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk-wrong-api-key", "sk-wrong****-key"),
        ("bad-key-1234567890test", "bad-key-**********test"),
        ("fake_key", "fake_key"),
        ("invalid-key", "invalid-key"),
    ],
)
def test_wrong_keys_are_masked_as_recorded(key: str, shown: str) -> None:
    assert errors.masked(key) == shown


def test_frames() -> None:
    assert sse.frame({"a": "é"}) == 'data: {"a":"é"}\n\n'.encode()
    assert sse.frame(b"{}", "done") == b"event: done\ndata: {}\n\n"


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            {"limit": ["101"]},
            "integer_above_max_value",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
        ),
        (
            {"limit": ["-1"]},
            "integer_below_min_value",
            "Invalid 'limit': integer below minimum value. Expected a value >= 0, but got -1 instead.",
        ),
        ({"order": ["x"]}, "invalid_value", "Invalid value: 'x'. Supported values are: 'asc' and 'desc'."),
        (
            {"limit": ["1", "2"]},
            "duplicate_parameter",
            "Duplicate parameter: 'limit'. You provided multiple values for this parameter, whereas only one is allowed. "
            "If you are trying to provide a list of values, use the array syntax instead e.g. 'limit[]=<value>'.",
        ),
    ],
)
def test_page_faults(query: dict[str, list[str]], code: str, message: str) -> None:
    with pytest.raises(ApiError) as fault:
        pages.parse(query)
    assert (fault.value.code, fault.value.message) == (code, message)


def test_a_page_knows_whether_more_follow() -> None:
    everything = [{"id": str(number)} for number in range(5)]
    page = pages.parse({"limit": ["2"]})
    found, more = pages.fetch(page, lambda limit: everything[:limit])
    assert pages.envelope(found, more) == {
        "object": "list",
        "data": everything[:2],
        "first_id": "0",
        "last_id": "1",
        "has_more": True,
    }
    assert pages.envelope([], False)["first_id"] is None
    assert pages.fetch(pages.parse({"limit": ["0"]}), lambda limit: everything[:limit])[0] == []

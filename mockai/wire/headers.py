"""Response headers, as recorded (errors.md §7, §8)."""

from collections.abc import Iterable

Raw = list[tuple[bytes, bytes]]

# Sent with every answer of the API.
ALWAYS: Raw = [
    (b"x-content-type-options", b"nosniff"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains; preload"),
    (b"access-control-expose-headers", b"X-Request-ID"),
    (b"x-openai-proxy-wasm", b"v0.1"),
]
VERSION = (b"openai-version", b"2020-10-01")
JSON = (b"content-type", b"application/json")


def duration(seconds: float) -> str:
    """Write a duration as x-ratelimit-reset-* does: `0s`, `2ms`, `8.64s`, `1m0s`, `20m52.666s`."""
    millis = round(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest / 1000:g}s" if rest % 1000 == 0 else f"{head}{rest / 1000:.3f}".rstrip("0") + "s"


def rate_limit(requests: int, tokens: int, used_tokens: int) -> dict[str, str]:
    """Return the x-ratelimit-* headers of one request against full buckets of the given size a minute."""
    return {
        "x-ratelimit-limit-requests": str(requests),
        "x-ratelimit-limit-tokens": str(tokens),
        "x-ratelimit-remaining-requests": str(requests - 1),
        "x-ratelimit-remaining-tokens": str(max(0, tokens - used_tokens)),
        "x-ratelimit-reset-requests": duration(60 / requests),
        "x-ratelimit-reset-tokens": duration(60 * used_tokens / tokens),
    }


def encode(pairs: Iterable[tuple[str, str]]) -> Raw:
    """Return header pairs as bytes; what Latin-1 cannot hold is replaced."""
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in pairs]

"""Response headers as recorded (errors.md §7, §8), as blocks of bytes: a line each, ended by CR LF."""

from collections.abc import Mapping
from functools import lru_cache

LIVENESS = "x-mockai-liveness"
"""Tells of an endpoint that the real API has no longer."""
# Sent with every answer of the API.
ALWAYS = (
    b"x-content-type-options: nosniff\r\n"
    b"strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    b"access-control-expose-headers: X-Request-ID\r\n"
    b"x-openai-proxy-wasm: v0.1\r\n"
)


def block(pairs: Mapping[str, str]) -> bytes:
    """Return headers as lines; what Latin-1 cannot hold, and line ends, are replaced."""
    return _block(tuple(pairs.items()))


@lru_cache(maxsize=4096)
def _block(pairs: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"{name}: {value}".replace("\r", " ").replace("\n", " ") for name, value in pairs]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace")


def pairs(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return the names and values of a block."""
    split = (line.partition(b": ") for line in lines.split(b"\r\n") if line)
    return [(name, value) for name, _, value in split]


@lru_cache(maxsize=4096)
def common(
    content_type: str, organization: str | None, project: str | None, spent: tuple[int, int, int] | None
) -> bytes:
    """Return what many answers share: the rest of it where the caller is known, and what the call `spent`."""
    lines = block({"content-type": content_type}) + ALWAYS
    if organization is not None and project is not None:
        lines += block(
            {"openai-version": "2020-10-01", "openai-organization": organization, "openai-project": project}
        )
    return lines if spent is None else lines + rate_limit(*spent)


def duration(seconds: float) -> str:
    """Write a duration as x-ratelimit-reset-* does: `0s`, `2ms`, `8.64s`, `1m0s`, `20m52.666s`."""
    millis = round(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest / 1000:g}s" if rest % 1000 == 0 else f"{head}{rest / 1000:.3f}".rstrip("0") + "s"


def rate_limit(requests: int, tokens: int, used_tokens: int) -> bytes:
    """Return the x-ratelimit-* headers of one request against full buckets of the given size a minute."""
    return block(
        {
            "x-ratelimit-limit-requests": str(requests),
            "x-ratelimit-limit-tokens": str(tokens),
            "x-ratelimit-remaining-requests": str(requests - 1),
            "x-ratelimit-remaining-tokens": str(max(0, tokens - used_tokens)),
            "x-ratelimit-reset-requests": duration(60 / requests),
            "x-ratelimit-reset-tokens": duration(60 * used_tokens / tokens),
        }
    )


def attachment(filename: str) -> str:
    """Return a content-disposition for a download."""
    plain = filename.encode("ascii", "replace").decode().replace('"', "'")
    return f'attachment; filename="{plain}"'

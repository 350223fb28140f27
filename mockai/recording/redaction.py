"""What may not lie in a file: taken out before writing, and looked for once more.

Headers are kept by an allow-list. Of paths and bodies the caller's own credentials, keys of the API, values under
telling names, organizations, projects and request ids are replaced. What is left and still has the shape of
somebody's secret stops the writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockai.recording.exchange import Json
from mockai.wire import codec

KEY, ORGANIZATION, PROJECT, REQUEST, EMAIL, OTHER = (
    f"<redacted:{name}>" for name in ("key", "organization", "project", "request", "email", "other")
)

REQUEST_HEADERS = frozenset({"accept", "content-type", "openai-beta", "x-mockai-finish-reason", "x-test-id"})
RESPONSE_HEADERS = frozenset(
    """content-type content-disposition cache-control openai-version openai-model location retry-after retry-after-ms
    x-should-retry www-authenticate access-control-allow-origin access-control-allow-methods
    access-control-allow-headers access-control-max-age access-control-expose-headers x-content-type-options
    strict-transport-security x-openai-proxy-wasm allow x-ratelimit-limit-requests x-ratelimit-limit-tokens
    x-ratelimit-remaining-requests x-ratelimit-remaining-tokens x-ratelimit-reset-requests
    x-ratelimit-reset-tokens""".split()
)
# Credentials. That there were some is kept, as the API answers a call without them otherwise.
CREDENTIALS = ("authorization", "api-key")

_TELLING = "api[-_]?key|authorization|access_token|refresh_token|client_secret|password|secret|cookie"
_NAME = re.compile(f"(?i){_TELLING}")
# Where a word begins: also behind an escaped line end or tab, whose last character is a letter.
_START = r"(?:(?<![\w-])|(?<=\\[nrtbf]))"
_EDGE = r"(?:\b|(?<=\\[nrtbf]))"


def _under(names: str) -> str:
    """Return the pattern of a value under one of these names in JSON that stands in a JSON string."""
    return rf'(?i)((\\+)"(?:{names})\2"\s*:\s*\2")(?:(?!\2").)+(\2")'


PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Behind a telling name, in JSON and in a query.
    (re.compile(rf'(?i)("(?:{_TELLING})"\s*:\s*)"(?:[^"\\]|\\.)+"'), rf'\1"{KEY}"'),
    (re.compile(_under(_TELLING)), rf"\1{KEY}\3"),
    (re.compile(rf"(?i)([?&](?:{_TELLING}|key|token|sig|signature)=)[^&#\s]+"), rf"\1{KEY}"),
    (re.compile(r'("(?:organization|organization_id)"\s*:\s*)"(?:[^"\\]|\\.)+"'), rf'\1"{ORGANIZATION}"'),
    (re.compile(r'("(?:project|project_id)"\s*:\s*)"(?:[^"\\]|\\.)+"'), rf'\1"{PROJECT}"'),
    (re.compile(_under("organization|organization_id")), rf"\1{ORGANIZATION}\3"),
    (re.compile(_under("project|project_id")), rf"\1{PROJECT}\3"),
    # By its shape. A key of the API that the API itself masked counts too.
    (re.compile(_START + r"sk-(?=[\w*-]*[\d*])[\w*-]{8,}"), KEY),
    (re.compile(_START + r"(?:ek|sess)[-_][0-9A-Za-z]{16,}"), KEY),
    (re.compile(_START + r"org-[0-9A-Za-z]{8,}"), ORGANIZATION),
    (re.compile(_START + r"proj_[0-9A-Za-z]{8,}"), PROJECT),
    (re.compile(_START + r"req_[0-9a-f]{32}"), REQUEST),
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

SECRETS: Mapping[str, re.Pattern[str]] = {
    "a key of the API": re.compile(_START + r"sk-(?=[\w-]*\d)[\w-]{16,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(_EDGE + r"(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(_EDGE + r"(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{22,})"),
    "a Slack token": re.compile(_EDGE + r"xox[abeprs]-[0-9A-Za-z-]{10,}"),
    "a Google API key": re.compile(_EDGE + r"AIza[\w-]{35}"),
    "a Stripe key": re.compile(_EDGE + r"[rs]k_live_[0-9A-Za-z]{16,}"),
    "a Hugging Face token": re.compile(_EDGE + r"hf_[0-9A-Za-z]{30,}"),
    "a JSON web token": re.compile(_EDGE + r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "a bearer token": re.compile(r"(?i)\bbearer\s+(?!<)[\w.~+/-]{20,}"),
    "a password in a URL": re.compile(r"://[^/\s:@\"<>]+:[^/\s:@\"<>]+@[\w.-]"),
}

# The caller's own credentials are replaced wherever they stand, unless they are so short that they are words.
SHORTEST = 8
# Where a stream's pieces of text lie; joined, they may be a secret that no single piece is.
_PIECES = frozenset({"content", "arguments", "delta", "text", "refusal"})


class SecretError(Exception):
    """Something that looks like a secret would be written. The message names its kind and place, never itself."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is taken out beside the standing rules."""

    emails: bool = False
    headers: frozenset[str] = frozenset()
    """Names of headers to keep, in lower case."""
    patterns: tuple[re.Pattern[str], ...] = field(default=())

    def request_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what is kept of a request's headers."""
        kept = {name: headers[name] for name in sorted(REQUEST_HEADERS | self.headers) if name in headers}
        if "content-type" in kept:
            kept["content-type"] = kept["content-type"].partition(";")[0].strip()
        return kept | {name: KEY for name in CREDENTIALS if headers.get(name)}

    def response_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what is kept of a response's headers."""
        return {name: value for name, value in headers.items() if name in RESPONSE_HEADERS | self.headers}

    def replacements(self, own: Iterable[str]) -> list[tuple[re.Pattern[str], str]]:
        """Return the patterns to replace, and by what; `own` are the credentials of the caller."""
        words = sorted((re.escape(word) for word in own if len(word) >= SHORTEST), key=len, reverse=True)
        first = [(re.compile("|".join(words)), KEY)] if words else []
        more = [(pattern, OTHER) for pattern in self.patterns]
        return [*first, *PATTERNS, *more, *([(_EMAIL, EMAIL)] if self.emails else [])]


def credentials(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the caller's own secrets, as they stand in the request's headers."""
    for name in (*CREDENTIALS, "cookie", "proxy-authorization"):
        value = headers.get(name, "")
        yield value.partition(" ")[2].strip() if name.endswith("authorization") else value


def look(text: str, place: str, own: Iterable[str] = ()) -> None:
    """Raise `SecretError` when the text still holds what looks like a secret, or one of the caller's `own`."""
    for kind, pattern in SECRETS.items():
        if pattern.search(text):
            raise SecretError(f"{place} holds what looks like {kind}")
    if any(word in text for word in own if len(word) >= SHORTEST):
        raise SecretError(f"{place} holds the caller's own key, written with escapes")


def decoded(text: str, place: str) -> Iterator[str]:
    """Yield the strings of JSON, of JSON lines and of the events of a stream, and those of JSON that a string holds.

    Raises `SecretError` for a value that still stands under a telling name.
    """
    try:
        yield from _strings(codec.loads(text), place)
    except codec.Fault:
        for line in text.split("\n"):
            try:
                yield from _strings(codec.loads(line.removeprefix("data:").strip()), place)
            except codec.Fault:
                continue


def _strings(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from _strings(codec.loads(value), place)
            except codec.Fault:
                return
    elif isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(entry, str) and entry and _NAME.fullmatch(name) and not entry.startswith("<redacted:"):
                raise SecretError(f"{place} holds a value under the name {name!r}, written with escapes")
            yield name
            yield from _strings(entry, place)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry, place)


def joined(text: str) -> str:
    """Return the pieces of text that the events of a stream bring, put together again."""
    pieces: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if line.startswith("data:"):
            try:
                _gather(codec.loads(line[5:].strip()), pieces)
            except codec.Fault:
                continue
    return "\n".join("".join(found) for found in pieces.values())


def _gather(value: Json | list[Json] | str | float | None, pieces: dict[str, list[str]]) -> None:
    if isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(entry, str):
                if name in _PIECES:
                    pieces.setdefault(name, []).append(entry)
            else:
                _gather(entry, pieces)
    elif isinstance(value, list):
        for entry in value:
            _gather(entry, pieces)

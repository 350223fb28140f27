"""Rule files of our own wording, which is aimock's: `rules:` (or `fixtures:`), each with `match` and `response`."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mockai.rules.match import CONDITIONS, Condition, Match, RuleError, shown
from mockai.rules.responses import IGNORED as IGNORED_IN_RESPONSE
from mockai.rules.responses import KEYS as RESPONSE_KEYS
from mockai.rules.responses import response
from mockai.rules.rule import Response, Rule
from mockai.wire.codec import canonical

if TYPE_CHECKING:
    from mockai.rules.load import Document

Path = tuple[str | int, ...]

LISTS = ("rules", "fixtures")
ENTRY = ("match", "response", "responses", "times", "name")
MATCH = ("endpoint", "sequenceIndex", *CONDITIONS)
PLACES = {"beside `match` and `response`": ENTRY, "into `response`": RESPONSE_KEYS, "into `match`": MATCH}
"""Where the keys of a rule belong."""
# Known to aimock; read, and without effect here.
IGNORED = frozenset(
    (
        "latency chunkSize truncateAfterChunks disconnectAfterMs streamingProfile recordedTimings replaySpeed chaos "
        "openRouterProcessing metadata"
    ).split()
)
ENDPOINTS = {
    "chat": "chat.completions.create",
    "completion": "completions.create",
    "completions": "completions.create",
    "embedding": "embeddings.create",
    "embeddings": "embeddings.create",
    "moderation": "moderations.create",
    "moderations": "moderations.create",
    "responses": "responses.create",
    "runs": "runs",
    "image": "images.generate",
    "speech": "audio.speech.create",
    "transcription": "audio.transcriptions.create",
    "translation": "audio.translations.create",
    "video": "videos.create",
}
"""Short names; any other endpoint is an operation's name in the official SDK, with `*` for any part of it."""


def fits(data: Any) -> bool:
    """Return whether a file is one of rules."""
    return isinstance(data, list) or (isinstance(data, dict) and any(name in data for name in LISTS))


def read(document: Document) -> Iterable[Rule]:
    """Yield the rules of a file; what cannot be used is noted and left out."""
    given: Any = document.data
    at: Path = ()
    if isinstance(given, dict):
        name = next(name for name in LISTS if name in given)
        _unknown(document, (), given, (name,))
        given, at = given[name], (name,)
    if not isinstance(given, list):
        document.error(at, f"{shown(given)} is no list of rules", "write one `- match: …` for each")
        return
    for number, entry in enumerate(given):
        path = (*at, number)
        if not isinstance(entry, dict):
            document.error(path, f"{shown(entry)} is no rule", "write `match:` and `response:`")
            continue
        rule = _rule(document, path, entry)
        if rule is not None:
            yield rule


def _rule(document: Document, path: Path, entry: dict[str, Any]) -> Rule | None:
    before = len(document.problems)
    _unknown(document, path, entry, ENTRY, IGNORED)
    wanted = entry.get("match", {})
    if not isinstance(wanted, dict):
        document.error((*path, "match"), f"match: {shown(wanted)} is no mapping", "write `match: {userMessage: …}`")
        return None
    conditions = _conditions(document, (*path, "match"), wanted)
    responses = _responses(document, path, entry)
    times = _number(document, (*path, "times"), "times", entry.get("times"), 1)
    sequence = _number(document, (*path, "match", "sequenceIndex"), "sequenceIndex", wanted.get("sequenceIndex"), 0)
    endpoints = _endpoints(document, (*path, "match", "endpoint"), wanted.get("endpoint"))
    if any(problem.severity == "error" for problem in document.problems[before:]) or not responses:
        return None
    alike = {name: value for name, value in wanted.items() if name != "sequenceIndex"}
    return Rule(
        match=Match(tuple(conditions)),
        responses=tuple(responses),
        endpoints=endpoints or responses[0].endpoints,
        times=times,
        sequence=sequence,
        identity=digest(entry),
        group=digest(alike),
        where=f"{document.path}:{document.place.line_of(path)}",
        name=str(entry.get("name") or ""),
    )


def digest(value: Any) -> str:
    """Return a name for a value that is the same in every process."""
    return blake2b(canonical(value), digest_size=12).hexdigest()


def _conditions(document: Document, path: Path, wanted: dict[str, Any]) -> list[Condition]:
    _unknown(document, path, wanted, MATCH)
    conditions = []
    for name, build in CONDITIONS.items():  # in the order in which they are judged
        if wanted.get(name) is None:
            continue
        try:
            conditions += build(name, wanted[name])
        except RuleError as mistake:
            document.mistake((*path, name), mistake)
    return conditions


def _responses(document: Document, path: Path, entry: dict[str, Any]) -> list[Response]:
    if ("response" in entry) == ("responses" in entry):
        text = "a rule has both `response` and `responses`" if "response" in entry else "a rule has no `response`"
        document.error(path, text, "write `response:` for one answer, `responses:` for a list that is given in turn")
        return []
    if "response" in entry:
        found = _response(document, (*path, "response"), entry["response"])
        return [] if found is None else [found]
    given = entry["responses"]
    if not isinstance(given, list) or not given:
        document.error((*path, "responses"), "responses: is no list with at least one answer")
        return []
    each = [_response(document, (*path, "responses", at), one) for at, one in enumerate(given)]
    return [one for one in each if one is not None]


def _response(document: Document, path: Path, given: Any) -> Response | None:
    if not isinstance(given, dict):
        document.error(path, f"response: {shown(given)} is no mapping", "write `response: {content: …}`")
        return None
    _unknown(document, path, given, RESPONSE_KEYS, IGNORED_IN_RESPONSE)
    try:
        return response(given)
    except RuleError as mistake:
        document.mistake(path, mistake)
        return None


def _endpoints(document: Document, path: Path, given: Any) -> tuple[str, ...]:
    names: list[Any] = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(name, str) and name for name in names):
        document.error(path, f"endpoint: {shown(given)} is no name", f"write one of {', '.join(ENDPOINTS)}")
        return ()
    return tuple(ENDPOINTS.get(name, name) for name in names)


def _number(document: Document, path: Path, name: str, given: Any, least: int) -> int | None:
    if given is None:
        return None
    if type(given) is int and given >= least:
        return given
    document.error(path, f"{name}: {shown(given)} is no whole number from {least} on")
    return None


def _unknown(
    document: Document, path: Path, given: dict[str, Any], known: Iterable[str], ignored: Iterable[str] = ()
) -> None:
    """Note keys that nothing reads."""
    names = [str(name) for name in known]
    for key in given:
        if str(key).startswith("$"):
            continue  # `$comment`, `$schema`: notes for others
        if key in ignored:
            document.warn((*path, key), f"`{key}` is read, but has no effect here")
        elif key not in names:
            document.error((*path, key), f"unknown key `{key}`", _hint(path, str(key), names))


def _hint(path: Path, key: str, names: list[str]) -> str:
    """Return where a key of a rule belongs, or what it may have meant."""
    places = [place for place, known in PLACES.items() if path and key in known]
    if places:
        return f"it belongs {' or '.join(places)}"
    near = get_close_matches(key, names, 1, 0.6)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(names)}"

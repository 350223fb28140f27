"""An exchange made ready to be written: secrets out, ids by reference, pieces of a stream kept apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from urllib.parse import unquote

from mockai.recording.exchange import Body, Chunk, Exchange, Part, Request, Response
from mockai.recording.names import REFERENCE, Names
from mockai.recording.redaction import Redaction, credentials, decoded, joined, look

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]


def scrubbed(exchange: Exchange, redaction: Redaction, names: Names) -> tuple[Exchange, bool]:
    """Return the exchange without secrets, and whether its ids stand by reference.

    Somebody's own text may hold what reads like a reference: then ids stay as they are. Raises `SecretError` when a
    secret remains.
    """
    request, response = exchange.request, exchange.response
    rules: list[Rule] = list(redaction.replacements(credentials(request.headers)))
    answered = _texts(response.chunks)
    asked = _asked(request)
    if answered is not None:
        names.meet(asked, "".join(answered))
    by_reference = REFERENCE.search(asked) is None and REFERENCE.search("".join(answered or ())) is None
    if by_reference:
        rules.append((names.pattern, lambda found: names.reference(found[0])))
    clean = replace(
        exchange,
        request=_request(request, redaction, rules),
        response=Response(
            response.status,
            {name: _one(value, rules) for name, value in redaction.response_headers(response.headers).items()},
            response.chunks if answered is None else _chunks(response.chunks, rewritten(answered, rules)),
        ),
    )
    _inspect(clean, [*credentials(request.headers)])
    return clean, by_reference


def redacted_request(request: Request, redaction: Redaction) -> Request:
    """Return a request as it would have been written, but for its ids: so that it can find its own again."""
    rules: list[Rule] = list(redaction.replacements(credentials(request.headers)))
    return _request(request, redaction, rules)


def _asked(request: Request) -> str:
    parts = [request.path, *(_text(part.body) for part in request.form or ())]
    return "\n".join([*parts, _text(request.body) if request.body else ""])


def _text(body: Body) -> str:
    try:
        return (body.data or b"").decode()
    except UnicodeDecodeError:
        return ""


def _request(request: Request, redaction: Redaction, rules: Sequence[Rule]) -> Request:
    return Request(
        method=request.method,
        path=_one(request.path, rules),
        headers={name: _one(value, rules) for name, value in redaction.request_headers(request.headers).items()},
        body=request.body and _body(request.body, rules),
        form=request.form and tuple(_part(part, rules) for part in request.form),
    )


def _part(part: Part, rules: Sequence[Rule]) -> Part:
    filename = None if part.filename is None else _one(part.filename, rules)
    return Part(_one(part.name, rules), _body(part.body, rules), filename, part.content_type)


def _body(body: Body, rules: Sequence[Rule]) -> Body:
    text = _text(body)
    clean = _one(text, rules)
    return body if clean == text else Body.of(clean.encode())


def _texts(chunks: Sequence[Chunk]) -> list[str] | None:
    """Return chunks as text, cut between characters; None when together they are no text."""
    try:
        text = b"".join(chunk.data for chunk in chunks).decode()
    except UnicodeDecodeError:
        return None
    cuts, size = [], 0
    for chunk in chunks:
        size += len(chunk.data)
        cuts.append(size)
    whole = text.encode()
    ends = [len(whole[:cut].decode(errors="ignore")) for cut in cuts] if len(whole) != len(text) else cuts
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _chunks(chunks: Sequence[Chunk], texts: Sequence[str]) -> tuple[Chunk, ...]:
    return tuple(Chunk(chunk.at, text.encode()) for chunk, text in zip(chunks, texts, strict=True))


def _one(text: str, rules: Iterable[Rule]) -> str:
    return rewritten([text], rules)[0]


def rewritten(pieces: Sequence[str], rules: Iterable[Rule]) -> list[str]:
    """Apply rules to the joined pieces; what was replaced across a cut belongs to the piece before it."""
    text, cuts, size = "".join(pieces), [], 0
    for piece in pieces:
        size += len(piece)
        cuts.append(size)
    for pattern, by in rules:
        text, cuts = _replaced(text, cuts, pattern, by)
    return [text[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]


def _replaced(
    text: str, cuts: list[int], pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str]
) -> tuple[str, list[int]]:
    out: list[str] = []
    moved: list[int] = []
    at = size = 0
    pending = iter([*cuts, len(text) + 1])
    cut = next(pending)
    for found in pattern.finditer(text):
        while cut <= found.start():
            moved.append(size + cut - at)
            cut = next(pending)
        new = by(found) if callable(by) else found.expand(by)
        out += (text[at : found.start()], new)
        size += found.start() - at + len(new)
        at = found.end()
        while cut <= at:
            moved.append(size)
            cut = next(pending)
    moved += [size + left - at for left in cuts[len(moved) :]]
    return "".join([*out, text[at:]]), moved


def _inspect(exchange: Exchange, own: Sequence[str]) -> None:
    """Raise `SecretError` when the exchange still holds what looks like a secret, written or read."""
    request, response = exchange.request, exchange.response
    for name, value in (*request.headers.items(), *response.headers.items()):
        look(value, f"the header {name}", own)
    for path in (request.path, unquote(request.path)):
        look(path, "the path", own)
    if request.body is not None:
        _look_at(request.body, "the request's body", own)
    for part in request.form or ():
        place = f"the form's part {part.name!r}"
        _look_at(part.body, place, own)
        for told in (part.name, part.filename, part.content_type):
            look(told or "", place, own)
    _look_at(Body.of(response.body), "the answer", own)
    look(joined(response.body.decode("latin-1")), "the answer's stream, joined,", own)


def _look_at(body: Body, place: str, own: Sequence[str]) -> None:
    text = (body.data or b"").decode("latin-1")
    look(text, place, own)
    for each in decoded(text, place):
        look(each, place, own)

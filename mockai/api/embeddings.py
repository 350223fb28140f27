"""Embeddings (embeddings.md)."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

from mockai import admission
from mockai.call import Answer, Call, Operation, Reply
from mockai.engine import tokens
from mockai.engine.catalogue import Model
from mockai.wire import errors
from mockai.wire.codec import dumps, dumps_row
from mockai.wire.errors import ApiError
from mockai.wire.older import Older
from mockai.wire.schema import Anything, Array, Bool, Enum, Int, Later, OneOf, Str

_VECTORS = "mockai.engine.vectors"
MOST_INPUTS, MOST_TOKENS, MOST_TOKENS_IN_ALL = 2048, 8192, 300_000
FORMATS = ("float", "base64")
INVALID_INPUT = (
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
)

CREATE = Older(
    {
        "model": Str(),
        "input": Later(OneOf(Str(), Array(Anything(), of="strings"))),
        "encoding_format": Later(Enum(*FORMATS)),
        "dimensions": Int(minimum=1),
        "user": Str(),
        "stream": Bool(),
    },
    required=("input",),
)


def weigh(call: Call) -> bool:
    """Return whether a call belongs in a thread: it has many inputs, or is the first and has numpy to load."""
    if _VECTORS not in sys.modules:
        return True
    given = call.body.get("input") if isinstance(call.body, dict) else None
    return isinstance(given, list) and len(given) > 64


@cache
def _vectors() -> ModuleType:
    from mockai.engine import vectors  # numpy takes a while to load

    return vectors


def create(call: Call) -> Answer:
    """Embed each input: a list of vectors as floats or as base64 of little-endian float32."""
    vectors, body, model = _vectors(), call.body, call.model
    strict = call.settings.validate == "api"
    if body.get("encoding_format") not in (None, *FORMATS):
        text = f"Invalid value for 'encoding_format' = {body['encoding_format']}. Supported values: {list(FORMATS)}."
        raise ApiError(400, text)
    texts, counts = _inputs(body["input"], model, strict)
    total = sum(counts)
    if strict and (total > MOST_TOKENS_IN_ALL or max(counts) > MOST_TOKENS):
        raise _too_long(counts, total)
    width, asked = model.dimensions or 1536, body.get("dimensions")
    dimensions = width if asked is None else _dimensions(asked, width, model, strict)
    call.spent = (*model.limits, sum(map(len, texts)) // 4 + 1)
    call.reply_headers.update({"openai-model": model.snapshot, "access-control-allow-origin": "*"})
    encoded = body.get("encoding_format") == "base64"
    told = call.rule.embedding if call.rule is not None else None
    if not texts:
        shown = []  # refused unless --validate is `schema`
    elif told is not None:
        shown = [vectors.given(told, encoded=encoded)] * len(texts)
    elif encoded:
        shown = vectors.embed_base64(texts, model.id, width, dimensions)
    else:
        shown = [dumps_row(row) for row in vectors.embed(texts, model.id, width, dimensions)]
    return Reply(
        _listed(
            shown, encoded, dumps({"model": model.snapshot, "usage": {"prompt_tokens": total, "total_tokens": total}})
        )
    )


def _listed(vectors: list[bytes], encoded: bool, tail: bytes) -> bytes:
    """Return the list object around vectors: base64, or JSON. They are large, so they are copied once.

    The index stands last, as in all compact bodies of the API (embeddings.md §2).
    """
    quote = b'"' if encoded else b""
    parts = [b'{"object":"list","data":[']
    for at, vector in enumerate(vectors):
        comma = b"," if at else b""
        parts += (b'%b{"object":"embedding","embedding":%b' % (comma, quote), vector, b'%b,"index":%d}' % (quote, at))
    parts += (b"],", tail[1:])
    return b"".join(parts)


def _inputs(given: Any, model: Model, strict: bool) -> tuple[list[str], list[int]]:
    """Return the texts and token counts of a string, strings, tokens or arrays of tokens."""
    if not isinstance(given, str | list):
        raise ApiError(400, INVALID_INPUT)
    if isinstance(given, str):
        entries: list[Any] = [given]
    elif given and type(given[0]) is int and all(type(entry) is int for entry in given):
        entries = [given]
    else:
        entries = given
    if strict and not (0 < len(entries) <= MOST_INPUTS and len(set(map(type, entries))) == 1):
        raise ApiError(400, INVALID_INPUT)
    texts, counts = [], []
    for entry in entries:
        text, count = _input(entry, model)
        texts.append(text)
        counts.append(count)
    return texts, counts


def _input(entry: Any, model: Model) -> tuple[str, int]:
    if isinstance(entry, str) and entry:
        return entry, tokens.count(model.encoding, entry)
    if isinstance(entry, list) and entry and all(type(token) is int for token in entry):
        highest = tokens.encoding(model.encoding).eot_token
        if all(0 <= token <= highest for token in entry):
            return tokens.decode(model.encoding, entry), len(entry)
    raise ApiError(400, INVALID_INPUT)


def _too_long(counts: list[int], total: int) -> ApiError:
    for at, count in enumerate(counts):
        if count > MOST_TOKENS:
            return ApiError(400, f"Invalid 'input[{at}]': maximum input length is {MOST_TOKENS} tokens.")
    text = f"Requested {total} tokens, max {MOST_TOKENS_IN_ALL} tokens per request"
    return ApiError(400, text, type="max_tokens_per_request", code="max_tokens_per_request")


def _dimensions(asked: int, native: int, model: Model, strict: bool) -> int:
    if not strict and not 0 < asked <= native:
        return native
    if not model.shortens and strict:
        raise ApiError(400, "This model does not support specifying dimensions.")
    if asked > native:
        raise errors.beyond("dimensions", asked, "maximum", native)  # the API's own text is not known
    return asked


def admit(call: Call) -> None:
    """Find the model, then ask for the input."""
    admission.admit(call, "embedding")
    if call.body.get("input") is None and call.settings.validate == "api":
        raise ApiError(400, INVALID_INPUT) if "input" in call.body else errors.required_property("input")


OPERATIONS = (
    Operation("POST", "/embeddings", create, "embeddings.create", body=CREATE, admit=admit, weigh=weigh, hot=True),
)

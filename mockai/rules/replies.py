"""How a rule answers: by itself (an error, raw bytes), or through the operation, which asks `call.rule`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from mockai.call import Answer, Beat, Call, Reply, Stream
from mockai.rules.rule import TALKING, Failure, Raw, Response
from mockai.rules.ruleset import RuleSet
from mockai.wire.errors import ApiError

log = logging.getLogger("mockai")

ANSWERING = frozenset({*TALKING, "embeddings.create", "moderations.create", "images.generate", "audio.speech.create"})
"""Operations whose answers are made up: --strict wants a rule for each."""
LABEL = "x-mockai-rule"
OWN_HEADERS = frozenset(
    (
        "content-type content-length transfer-encoding connection date server x-request-id openai-processing-ms "
        "openai-version openai-organization openai-project x-content-type-options strict-transport-security "
        "access-control-expose-headers x-openai-proxy-wasm"
    ).split()
)
"""What every answer carries anyway: not taken from a rule."""
NO_RETRY = {"x-should-retry": "false"}
"""Tells the official SDKs that another try would fare no better."""


class UnclaimedError(Exception):
    """No rule comes before the recorded answer."""


def run(rules: RuleSet, call: Call) -> Answer:
    """Answer a call: by the first rule that it meets, else by its operation. Raises `ApiError`.

    Where there is a recorded answer, only the rules before it count; raises `UnclaimedError` when none is met.
    """
    recorded = call.recorded
    first = rules if recorded is None or recorded.rules is None else recorded.rules
    claim = first.claim(call)
    if recorded is not None and recorded.rules is not None:
        if claim is None:
            raise UnclaimedError
        recorded.overruled = True
    if claim is None:
        if rules.strict and (rules.deck is not None or call.operation.name in ANSWERING):
            raise unmatched(rules, call)
        return call.operation.run(call)
    if claim.rule.label:
        call.reply_headers[LABEL] = claim.rule.label
    if claim.response.direct:
        return _direct(call, claim.response)
    call.rule = claim.response
    try:
        return call.operation.run(call)
    except ApiError:
        rules.give_back(call, claim)
        raise


def unmatched(rules: RuleSet, call: Call, endpoint: str | None = None, body: Any = None) -> ApiError:
    """Return the 503 of --strict, which names the nearest rule and each difference."""
    text = f"No rule matches this request to {endpoint or call.operation.name}."
    miss = rules.nearest(call, endpoint, body)
    if miss is not None:
        text += f" The nearest is {miss.rule.label or 'a rule without a name'}: {'; '.join(miss.differences)}."
    else:
        text += f" None of {len(rules.rules)} rules speaks of this endpoint; add one, or leave --strict out."
    if call.recorded is not None:
        text += f" Of the recordings, {call.recorded.explain()}."
    log.warning("%s", text)
    return ApiError(503, text, code="no_fixture_match", headers=NO_RETRY)


def failure(error: Failure) -> ApiError:
    """Return the error of a rule as the API's."""
    return ApiError(
        error.status, error.message, type=error.type, param=error.param, code=error.code, headers=error.headers
    )


def _direct(call: Call, response: Response) -> Answer:
    if response.error is not None:
        raise failure(response.error)
    if response.raw is not None:
        return _raw(call, response.raw)
    assert response.answer is not None, "one of three makes a response direct"
    return response.answer(call)


def _raw(call: Call, raw: Raw) -> Answer:
    call.reply_headers.update({name: value for name, value in raw.headers.items() if name.lower() not in OWN_HEADERS})
    if raw.chunks:
        return Stream(_beats(raw), done=None, content_type=raw.content_type, status=raw.status)
    return Reply(raw.body, raw.status, raw.content_type)


def _beats(raw: Raw) -> Iterator[Beat]:
    for chunk in raw.chunks:
        yield Beat(chunk.at, chunk.data, framed=True)

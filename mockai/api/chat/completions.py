"""Chat completions: create, whole or streamed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockai import admission, orders, tuned
from mockai.api.chat import checks, stored
from mockai.api.chat.body import Chunks, Completion, beats
from mockai.api.chat.schema import CREATE, UPDATE
from mockai.api.chat.taken import narrowed
from mockai.call import Answer, Call, Json, Operation, Stream
from mockai.clock import SCALE
from mockai.engine import accounting, audio, conversation, language, moderation, plan, search
from mockai.engine.accounting import Prompt
from mockai.engine.catalogue import Model
from mockai.engine.draw import key
from mockai.engine.plan import Choice, Request

if TYPE_CHECKING:
    from mockai.rules.rule import Response

TIERS = {None: "default", "auto": "default", "default": "default", "fast": "priority"}

COUNTED = ("tokens", "reasoning", "accepted", "rejected")

FIRST_TOKEN, NEXT_TOKEN = 0.35, 0.02
"""Seconds, at real pace, until the first token and between two."""


def admit(call: Call) -> None:
    """Find the model, and refuse what is decided before the schema."""
    admission.admit(call, "chat")
    if call.settings.validate == "api":
        checks.known_to(call)
        if call.model.reasoning:
            call.schema = narrowed(call.model)


HEAVY = frozenset(
    "tools functions response_format audio logit_bias logprobs presence_penalty frequency_penalty verbosity".split()
)
"""What of a body takes a draw on logits for each token, schemas to fill or sound to make."""
WEIGHED = HEAVY | {"n", "temperature"}


def weigh(call: Call) -> bool:
    """Return whether a call may take long enough to hold the event loop."""
    body = call.body
    if not isinstance(body, dict) or WEIGHED.isdisjoint(body):
        return False
    several, temperature = body.get("n"), body.get("temperature")
    return any(body.get(name) for name in HEAVY) or _above(several, 4) or _above(temperature, 1)


def _above(given: Any, most: float) -> bool:
    return isinstance(given, int | float) and given > most


def create(call: Call) -> Answer:
    """Answer a chat request: a `chat.completion`, or a stream of chunks that fold to it."""
    body, model = call.body, call.model
    strict = call.settings.validate == "api"
    if strict:
        checks.check(body, model)
    prompt = accounting.prompt_of(body, model)
    if strict:
        checks.fits(prompt, body, model)
    trained = tuned.reply(call, model, body["messages"]) if model.answers else None
    varied = _variation(call) if call.settings.vary else ""
    order = call.header(orders.FINISH_REASON)
    if order is not None and call.rule is None:
        orders.offers_tools(order, body)
    request = Request(body, model, call.settings.seed, order, varied, trained, call.rule)
    completion = _completion(call, request, prompt)
    call.spent = (*model.limits, prompt.messages)
    if body.get("store"):
        stored.keep(call, completion)
    if not body.get("stream"):
        return completion.body()
    options = body.get("stream_options") or {}
    chunks = Chunks(completion, bool(options.get("include_usage")), options.get("include_obfuscation") is not False)
    scale = SCALE[call.settings.pace]
    return Stream(
        beats(iter(chunks), FIRST_TOKEN * scale, NEXT_TOKEN * scale), at_once=None if scale else chunks.at_once
    )


def _variation(call: Call) -> str:
    """With --vary, requests without a seed differ from each other."""
    return str(call.store.counter(f"{call.tenant} variations")()) if call.body.get("seed") is None else ""


def _completion(call: Call, request: Request, prompt: Prompt) -> Completion:
    body, model = call.body, call.model
    choices = plan.answer(request)
    annotations = [search.annotate(choice, request) for choice in choices] if model.web_search else []
    speaks = "audio" in (body.get("modalities") or ())
    sounds = [_audio(call, choice) for choice in choices] if speaks else None
    rule, created = call.rule, call.created
    made = Completion(
        id=call.ids.completion("chatcmpl-", created),
        created=created,
        model=model,
        echo=model.snapshot,
        fingerprint=_fingerprint(call.settings.seed, model),
        tier=_tier(body, model),
        choices=choices,
        call_ids=[] if request.free else [_call_ids(call, choice) for choice in choices],
        usage=usage(call, prompt, choices, sounds is not None),
        annotations=annotations,
        audio=sounds,
        moderation=_moderation(body, choices) if body.get("moderation") else None,
    )
    return made if rule is None else _told(made, rule)


def _call_ids(call: Call, choice: Choice) -> list[str]:
    """Return the ids of the calls of a choice; those of legacy functions have none."""
    legacy = bool(call.body.get("functions")) or choice.finish == "function_call"
    return [] if legacy else [each.id or call.ids.alnum("call_") for each in choice.calls]


def _told(made: Completion, rule: Response) -> Completion:
    """Replace what the rule of the call says of the answer beside its text."""
    counted = {**made.usage, **rule.usage}
    if rule.usage and "total_tokens" not in rule.usage:
        counted["total_tokens"] = counted["prompt_tokens"] + counted["completion_tokens"]
    return replace(
        made,
        id=rule.id or made.id,
        created=made.created if rule.created is None else rule.created,
        echo=rule.model or made.echo,
        fingerprint=rule.fingerprint or made.fingerprint,
        usage=counted,
    )


def _fingerprint(seed: int, model: Model) -> str | None:
    if model.web_search:
        return ""
    return fingerprint(seed, model.snapshot) if model.fingerprint else None


@lru_cache(maxsize=512)
def fingerprint(seed: int, snapshot: str) -> str:
    """Return `fp_` and ten digits that change with the generator and the server seed only."""
    return f"fp_{key('fingerprint', seed, language.version(), snapshot).hex()[:10]}"


def _tier(body: Json, model: Model) -> str | None:
    if not model.tier_key:
        return None
    asked = body.get("service_tier")
    return TIERS.get(asked, asked)


def usage(call: Call, prompt: Prompt, choices: list[Choice], speaks: bool) -> Json:
    """Return the `usage` of an answer; the prompt counts once, whatever n is."""
    if len(choices) == 1:
        whole = choices[0]
    else:
        whole = Choice(**{name: sum(getattr(choice, name) for choice in choices) for name in COUNTED})
    completion, total = whole.tokens, prompt.total
    prompt_details: Json = {
        "cached_tokens": stored.cached(call, total) if total >= accounting.CACHE_FROM else 0,
        "audio_tokens": prompt.audio,
    }
    details: Json = {
        "reasoning_tokens": whole.reasoning,
        "audio_tokens": completion if speaks else 0,
        "accepted_prediction_tokens": whole.accepted,
        "rejected_prediction_tokens": whole.rejected,
    }
    if call.model.audio:
        prompt_details |= {"text_tokens": total - prompt.audio - prompt.image, "image_tokens": prompt.image}
        details |= {"text_tokens": 0 if speaks else completion}
    return {
        "prompt_tokens": total,
        "completion_tokens": completion,
        "total_tokens": total + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": details,
    }


def _audio(call: Call, choice: Choice) -> Json:
    form = (call.body.get("audio") or {}).get("format", "wav")
    return {
        "id": call.ids.hex("audio_"),
        "data": audio.speak(choice.text, form),
        "expires_at": call.created + 3600,
        "transcript": choice.text,
    }


def _moderation(body: Json, choices: list[Choice]) -> Json:
    asked = body["moderation"]
    said = " ".join(conversation.text_of(message.get("content")) for message in body["messages"])
    answered = " ".join(choice.text for choice in choices)
    return {"input": _moderated(asked["model"], said), "output": _moderated(asked["model"], answered)}


def _moderated(model: str, text: str) -> Json:
    result = {"type": "moderation_result", "model": model, **moderation.result(text)}
    return {"type": "moderation_results", "model": model, "results": [result]}


OPERATIONS = (
    Operation(
        "POST",
        "/chat/completions",
        create,
        "chat.completions.create",
        body=CREATE,
        admit=admit,
        weigh=weigh,
        hot=True,
    ),
    Operation("GET", "/chat/completions", stored.list_, "chat.completions.list"),
    Operation("GET", "/chat/completions/{completion_id}", stored.retrieve, "chat.completions.retrieve"),
    Operation("POST", "/chat/completions/{completion_id}", stored.update, "chat.completions.update", body=UPDATE),
    Operation("DELETE", "/chat/completions/{completion_id}", stored.delete, "chat.completions.delete"),
    Operation("GET", "/chat/completions/{completion_id}/messages", stored.messages, "chat.completions.messages.list"),
)

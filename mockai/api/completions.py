"""Legacy completions (chat.md §12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from mockai import admission, tuned
from mockai.call import Answer, Beat, Call, Json, Operation, Stream
from mockai.clock import SCALE
from mockai.engine import draw, sampling, tokens
from mockai.engine.catalogue import Model
from mockai.engine.sampling import Sampling, Text, TokenLogprob
from mockai.wire import errors
from mockai.wire.codec import canonical
from mockai.wire.errors import ApiError
from mockai.wire.older import Older
from mockai.wire.schema import LEAST, MOST, Anything, Array, Bool, Decimal, Int, Map, OneOf, Str

DEFAULT_TOKENS = 16
EMPTY_PROMPT = "<|endoftext|>"
FIRST_TOKEN, NEXT_TOKEN = 0.3, 0.02

MOST_DRAWN = 1024
"""Tokens that a request may draw on the event loop."""

CREATE = Older(
    {
        "model": Str(),
        "prompt": OneOf(Str(), Array(Anything(), of="strings")),
        "suffix": Str(),
        "max_tokens": Int(minimum=0),
        "temperature": Decimal(minimum=0, maximum=2),
        "top_p": Decimal(minimum=0, maximum=1),
        "n": Int(minimum=1, maximum=128),
        "stream": Bool(),
        "stream_options": Older({"include_usage": Bool(), "include_obfuscation": Bool()}),
        "logprobs": Int(minimum=0, maximum=5),
        "echo": Bool(),
        "stop": OneOf(Str(), Array(Str(), max_length=4, of="strings")),
        "presence_penalty": Decimal(minimum=-2, maximum=2),
        "frequency_penalty": Decimal(minimum=-2, maximum=2),
        "best_of": Int(minimum=1, maximum=20),
        "logit_bias": Map(Decimal(minimum=-100, maximum=100)),
        "user": Str(),
        "seed": Int(minimum=LEAST, maximum=MOST),
    }
)


@dataclass(slots=True)
class _Prompt:
    text: str
    ids: list[int]


@dataclass(slots=True)
class _Choice:
    prompt: _Prompt
    text: Text


def create(call: Call) -> Answer:
    """Complete each prompt n times: a `text_completion`, or a stream of them."""
    body, model = call.body, call.model
    prompts = _prompts(body.get("prompt"), model)
    if call.settings.validate == "api":
        _check(body, model, prompts)
    choices = [choice for prompt in prompts for choice in _complete(call, prompt)]
    drawn = max(body.get("n") or 1, body.get("best_of") or 1)
    usage = _usage(prompts, choices)
    call.spent = (*model.limits, usage["prompt_tokens"] * drawn)
    call.reply_headers.update(
        {
            "openai-model": model.snapshot,
            "access-control-allow-origin": "*",
            "cache-control": "no-cache, must-revalidate",
        }
    )
    identifier = call.ids.completion("cmpl-", call.created)
    head = {"id": identifier, "object": "text_completion", "created": call.created}
    if call.rule is not None:
        usage = _told(usage, call.rule.usage)
        head |= {
            name: value for name, value in (("id", call.rule.id), ("created", call.rule.created)) if value is not None
        }
    shown = [_shown(index, choice, body, model) for index, choice in enumerate(choices)]
    if call.settings.validate == "schema":
        for entry in shown:
            _without_null(entry["logprobs"])
    if body.get("stream"):
        include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        parts = [_parts(choice, whole, body, model) for choice, whole in zip(choices, shown, strict=True)]
        chunks = _chunks(head, model, parts, usage if include_usage else None)
        return Stream(_beats(chunks, SCALE[call.pace]), content_type="text/event-stream")
    return {**head, "model": model.snapshot, "choices": shown, "usage": usage}


# --- prompts -------------------------------------------------------------------------------------


def _prompts(prompt: Any, model: Model) -> list[_Prompt]:
    """Read a string, strings, tokens or arrays of tokens."""
    if prompt is None:
        return [_Prompt(EMPTY_PROMPT, [tokens.encoding(model.encoding).eot_token])]
    if isinstance(prompt, str):
        return [_prompt(prompt, model)]
    if not prompt:
        raise errors.older("[] is too short", "prompt")
    if all(type(entry) is int for entry in prompt):
        return [_prompt(prompt, model)]
    return [_prompt(entry, model) for entry in prompt]


def _prompt(entry: Any, model: Model) -> _Prompt:
    if isinstance(entry, str):
        return _Prompt(entry, tokens.encode(model.encoding, entry))
    if not isinstance(entry, list) or not entry or not all(type(token) is int for token in entry):
        raise errors.not_of_type("prompt", entry, "string")  # unverified
    highest = tokens.vocabulary_size(model.encoding) - 1
    if model.encoding == "cl100k_base":
        highest = tokens.encoding(model.encoding).eot_token
    for token in entry:
        if not 0 <= token <= highest:
            text = f"Invalid token in prompt: {token}. Minimum value is 0, maximum value is {highest} (inclusive)."
            raise ApiError(400, text)
    return _Prompt(tokens.decode(model.encoding, entry), entry)


def _check(body: Json, model: Model, prompts: list[_Prompt]) -> None:
    n, best_of = body.get("n") or 1, body.get("best_of")
    if best_of is not None and best_of < n:
        # The API's own text is not known, nor are those of the next two.
        text = f"You requested that the server return more choices than it will generate (n={n}, best_of={best_of})."
        raise ApiError(400, text, param="best_of")
    if best_of is not None and best_of > n and body.get("stream"):
        raise ApiError(400, "Results cannot be streamed when best_of is greater than n.", param="best_of")
    if body.get("suffix") and "instruct" not in model.id:
        raise ApiError(400, "This model does not support the 'suffix' parameter.", param="suffix")
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, text, param="stream_options")
    strange = tokens.no_id(model.encoding, body.get("logit_bias") or ())
    if strange is not None:
        raise errors.no_token(strange)
    limit = _limit(body)
    for prompt in prompts:
        size = len(prompt.ids)
        if size + limit > model.context:
            text = (
                f"This model's maximum context length is {model.context} tokens, however you requested "
                f"{size + limit} tokens ({size} in your prompt; {limit} for the completion). "
                "Please reduce your prompt; or completion length."
            )
            raise ApiError(400, text)


def _limit(body: Json) -> int:
    limit = body.get("max_tokens")
    return DEFAULT_TOKENS if limit is None else int(limit)


# --- answers -------------------------------------------------------------------------------------


def _complete(call: Call, prompt: _Prompt) -> list[_Choice]:
    """Draw `best_of` texts of one prompt and keep the `n` likeliest, or draw just n."""
    body, model = call.body, call.model
    n = body.get("n") or 1
    drawn = max(n, body.get("best_of") or 1)
    wish = draw.key(call.settings.seed, model.voice, prompt.text, body.get("suffix") or "")
    dice = draw.key(wish, canonical(body.get("seed")))
    how = _sampling(body, score=drawn > n)
    last = prompt.ids[-1] if prompt.ids else None
    taught = tuned.reply(call, model, [{"role": "user", "content": prompt.text}]) if model.answers else None
    script = None if taught is None else taught["content"]
    rule = call.rule
    if rule is not None and rule.content is not None:
        script = rule.content
    texts = [_draw(model, wish, draw.key(dice, index), how, body, last, script) for index in range(drawn)]
    for text in texts:
        if rule is not None and rule.finish == "length":
            text.finish = "length"
    if drawn > n:
        texts.sort(key=lambda text: -sum(entry.logprob for entry in text.logprobs or ()) / max(1, len(text.pieces)))
    return [_Choice(prompt, text) for text in texts[:n]]


def _draw(
    model: Model, wish: bytes, dice: bytes, how: Sampling, body: Json, after: int | None, script: str | None
) -> Text:
    stop = body.get("stop") or ()
    stops = [entry for entry in ([stop] if isinstance(stop, str) else stop) if entry]
    if script is not None:
        return sampling.script(model.encoding, script, dice, _limit(body), how, stops)
    return sampling.generate(model.encoding, wish, dice, _limit(body), how, stops, after)


def _told(usage: Json, told: Mapping[str, Any]) -> Json:
    """Replace what a rule says of the usage."""
    counted = {**usage, **told}
    if told and "total_tokens" not in told:
        counted["total_tokens"] = counted["prompt_tokens"] + counted["completion_tokens"]
    return counted


def _sampling(body: Json, *, score: bool) -> Sampling:
    temperature, top_p, logprobs = body.get("temperature"), body.get("top_p"), body.get("logprobs")
    return Sampling(
        temperature=1.0 if temperature is None else float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        presence_penalty=body.get("presence_penalty") or 0.0,
        frequency_penalty=body.get("frequency_penalty") or 0.0,
        logit_bias={int(token): bias for token, bias in (body.get("logit_bias") or {}).items() if token.isdigit()},
        top_logprobs=logprobs if logprobs is not None else (0 if score else None),
    )


def _usage(prompts: list[_Prompt], choices: list[_Choice]) -> Json:
    prompt = sum(len(entry.ids) for entry in prompts)
    completion = sum(len(choice.text.pieces) for choice in choices)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _shown(index: int, choice: _Choice, body: Json, model: Model) -> Json:
    text = (choice.prompt.text if body.get("echo") else "") + choice.text.text
    return {
        "text": text,
        "index": index,
        "logprobs": None if body.get("logprobs") is None else _logprobs(choice, body, model),
        "finish_reason": choice.text.finish,
    }


def _logprobs(choice: _Choice, body: Json, model: Model) -> Json:
    """Return the legacy shape: parallel lists; with `echo` those of the prompt stand in front, the first null."""
    encoding, top = model.encoding, body["logprobs"]
    entries: list[TokenLogprob | None] = list(choice.text.logprobs or ())
    pieces = list(choice.text.pieces)
    if body.get("echo"):
        prompt = choice.prompt.ids
        scored = sampling.annotate(encoding, prompt[1:], draw.key("echo", canonical(prompt)), top)
        entries = [*([None] if prompt else []), *scored, *entries]
        pieces = [*(tokens.token_bytes(encoding, token) for token in prompt), *pieces]
    offsets, at = [], 0 if body.get("echo") else len(choice.prompt.text)
    for piece in pieces:
        offsets.append(at)
        at += len(piece.decode("utf-8", "ignore"))
    return {
        "tokens": [piece.decode("utf-8", "replace") for piece in pieces],
        "token_logprobs": [entry and entry.logprob for entry in entries],
        "top_logprobs": [entry and _top(entry, encoding) for entry in entries] if top else None,
        "text_offset": offsets,
    }


def _without_null(logprobs: Json | None) -> None:
    """Give an echoed first token a number, as the published schema has it; the API sends null there."""
    if logprobs is not None:
        for name, empty in (("token_logprobs", 0.0), ("top_logprobs", {})):
            logprobs[name] = logprobs[name] and [empty if value is None else value for value in logprobs[name]]


def _top(entry: TokenLogprob, encoding: str) -> Json:
    shown = {tokens.token_bytes(encoding, token).decode("utf-8", "replace"): logprob for token, logprob in entry.top}
    return {**shown, tokens.token_bytes(encoding, entry.id).decode("utf-8", "replace"): entry.logprob}


# --- streaming -----------------------------------------------------------------------------------


def _chunks(head: Json, model: Model, sources: list[Iterator[Json]], usage: Json | None) -> Iterator[Json]:
    """Yield a chunk a token, of one choice after the other in turns."""
    tail = {"model": model.snapshot} | ({"usage": None} if usage is not None else {})
    while sources:
        alive = []
        for source in sources:
            part = next(source, None)
            if part is not None:
                yield {**head, "choices": [part], **tail}
                alive.append(source)
        sources = alive
    if usage is not None:
        yield {**head, "choices": [], **tail, "usage": usage}


def _parts(choice: _Choice, whole: Json, body: Json, model: Model) -> Iterator[Json]:
    """Yield a choice token by token; the finish reason rides on the last one, and instruct models repeat it."""
    index = whole["index"]
    pieces = list(choice.text.pieces)
    if body.get("echo"):
        pieces = [*(tokens.token_bytes(model.encoding, token) for token in choice.prompt.ids), *pieces]
    held = b""
    for at, piece in enumerate(pieces):
        held += piece
        last = at == len(pieces) - 1
        try:
            text = held.decode()
        except UnicodeDecodeError:
            if not last:
                continue
            text = held.decode("utf-8", "replace")
        held = b""
        yield _part(text, index, _slice(whole["logprobs"], at), whole["finish_reason"] if last else None)
    if not pieces or "instruct" in model.id:
        yield _part("", index, None, whole["finish_reason"])


def _part(text: str, index: int, logprobs: Json | None, finish: str | None) -> Json:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _slice(logprobs: Json | None, at: int) -> Json | None:
    if logprobs is None:
        return None
    return {name: values and values[at : at + 1] for name, values in logprobs.items()}


def _beats(chunks: Iterator[Json], scale: float) -> Iterator[Beat]:
    at = FIRST_TOKEN * scale
    for chunk in chunks:
        yield Beat(at, chunk)
        at += NEXT_TOKEN * scale


def weigh(call: Call) -> bool:
    """Return whether a call draws or scores so many tokens that it may hold the event loop."""
    body = call.body
    if not isinstance(body, dict):
        return False
    prompts = body.get("prompt")
    texts = len(prompts) if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int) else 1
    each = [body.get(name) or least for name, least in (("n", 1), ("best_of", 1), ("max_tokens", DEFAULT_TOKENS))]
    if not all(isinstance(number, int) for number in each):
        return False  # to be refused
    drawn, limit = max(each[:2]), each[2]
    scores_the_prompt = body.get("echo") and body.get("logprobs") is not None
    return bool(scores_the_prompt or texts * drawn * limit > MOST_DRAWN)


OPERATIONS = (
    Operation(
        "POST",
        "/completions",
        create,
        "completions.create",
        body=CREATE,
        admit=partial(admission.admit, kind="completion"),
        weigh=weigh,
    ),
)

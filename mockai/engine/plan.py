"""From a chat request to its answer: tokens, tool calls and finish reasons, before ids and time exist.

An answer is a pure function of the server seed, the model, the body, the `seed` parameter and the choice index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from mockai.engine import accounting, conversation, dictated, draw, json_mode, json_schema, sampling, tokens, tools
from mockai.engine.calls import ToolCall, decided
from mockai.engine.catalogue import Model
from mockai.engine.draw import Draw
from mockai.engine.sampling import Sampling, TokenLogprob
from mockai.engine.slots import Slots
from mockai.wire.codec import canonical, dumps_text

Json = dict[str, Any]

REFUSAL = "I'm sorry, I can't assist with that request."
SCHEMA_MARK = b'\\"properties\\"'  # as JSON has it within a string
MOST_EARLIER = 8  # texts before the last one that are asked for values
FILTERED_AFTER = 12  # tokens before a content filter cuts in
# What of a body, beside the messages, makes another answer. Limits and counts only cut or repeat it.
SHAPING = frozenset({"tools", "functions", "response_format", "prediction"})
# What moves single tokens, and so needs a text that is drawn.
MOVING = frozenset("logit_bias presence_penalty frequency_penalty".split())
# What of a body changes how tokens are drawn.
SAMPLING = frozenset("temperature top_p presence_penalty frequency_penalty logit_bias logprobs verbosity".split())
ENDING = {"low": 2.0, "high": -1.2}
"""What a verbosity adds to the logit of the end: about one sentence, or about nine, where it is three to four."""


@dataclass(slots=True)
class Choice:
    """One answer: the bytes of its text tokens, its calls, and why it ended."""

    pieces: list[bytes] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finish: str = "stop"
    logprobs: list[TokenLogprob] | None = None
    refusal: bool = False
    tokens: int = 0
    """Completion tokens, reasoning included."""
    reasoning: int = 0
    accepted: int = 0
    """Prediction tokens that the answer took over."""
    rejected: int = 0

    @property
    def text(self) -> str:
        """Return the text that the pieces join to."""
        return b"".join(self.pieces).decode("utf-8", "replace")


class ScriptedCall(Protocol):
    """A call that is told from outside; an empty id lets one be made."""

    @property
    def name(self) -> str:
        """Return the name of the tool."""

    @property
    def arguments(self) -> str:
        """Return its arguments as they are written."""

    @property
    def id(self) -> str:
        """Return the id of the call."""


class Script(Protocol):
    """What is said in place of the model. Limits, stop strings and counts still act."""

    @property
    def content(self) -> str | None:
        """Return the text."""

    @property
    def calls(self) -> Sequence[ScriptedCall]:
        """Return the tool calls, after the text."""

    @property
    def refusal(self) -> str | None:
        """Return the text of a refusal, which stands alone."""

    @property
    def finish(self) -> str | None:
        """Return the finish reason; None leaves it to the answer."""


class Request:
    """A chat body as the engine reads it. `finish` is a finish reason asked for from outside."""

    def __init__(
        self,
        body: Json,
        model: Model,
        seed: int,
        finish: str | None = None,
        variation: str = "",
        trained: Json | None = None,
        script: Script | None = None,
    ) -> None:
        """Derive the keys of the answer.

        `variation` makes another answer of the same request; `trained` is the assistant message that the model was
        taught to give; `script` is what is said in place of the model.
        """
        self.body, self.model, self.trained, self.script = body, model, trained, script
        self.finish = (script.finish if script is not None else None) or finish
        shaping = None if SHAPING.isdisjoint(body) else [body.get(name) for name in sorted(SHAPING)]
        self.order = dictated.order(body["messages"]) if MOVING.isdisjoint(body) else None
        """What the messages order to be said."""
        told = canonical([body["messages"], shaping])
        self.schemed = SCHEMA_MARK in told
        """Whether a message may have a JSON Schema."""
        self.free = (
            shaping is None
            and not self.schemed
            and script is None
            and self.finish is None
            and trained is None
            and self.order is None
            and not conversation.answered(body["messages"])
        )
        """Whether the language model speaks, and nothing of the request has a say in what."""
        self.key = draw.key(seed, model.voice, told)
        self._given = f"{body.get('seed')} {variation}"
        asked = body.get("max_completion_tokens") or body.get("max_tokens")
        self.limit = min(int(asked), model.max_output) if asked else model.max_output
        """The most completion tokens that the request allows."""
        self.sampling = _PLAIN if SAMPLING.isdisjoint(body) else _sampling(body)
        self.stop = _stops(body["stop"]) if body.get("stop") else ()

    def dice(self, index: int) -> bytes:
        """Return the key that choice `index` is drawn from."""
        return draw.key(self.key, self._given, index)

    @property
    def earlier(self) -> list[str]:
        """Return what tools returned since the last message of the user, then what was said just before it.

        Each the latest first, and the first of all last.
        """
        messages = self.body["messages"]
        said = [conversation.text_of(message.get("content")) for message in messages]
        last = max((at for at, each in enumerate(messages) if each["role"] == "user"), default=0)
        results = [at for at in range(last + 1, len(said)) if messages[at]["role"] in conversation.RESULTS]
        returned = [conversation.plainly(said[at]) for at in results]
        before = [text for text in [*reversed(returned), *reversed(said[:last])] if text]
        return before if len(before) <= MOST_EARLIER else [*before[: MOST_EARLIER - 1], before[-1]]

    @cached_property
    def last_user(self) -> str:
        """Return the text of the last user message."""
        for message in reversed(self.body["messages"]):
            if message["role"] == "user":
                return conversation.text_of(message.get("content"))
        return ""


_PLAIN = Sampling()


def _sampling(body: Json) -> Sampling:
    temperature, top_p = body.get("temperature"), body.get("top_p")
    biases = body.get("logit_bias") or {}
    return Sampling(
        temperature=1.0 if temperature is None else float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        presence_penalty=body.get("presence_penalty") or 0.0,
        frequency_penalty=body.get("frequency_penalty") or 0.0,
        logit_bias={int(token): bias for token, bias in biases.items() if token.isdigit()},
        top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        ending=ENDING.get(body.get("verbosity") or "medium", 0.0),
    )


def _stops(stop: Any) -> tuple[str, ...]:
    """Return the stop strings; empty ones stop nothing."""
    return (stop,) if isinstance(stop, str) else tuple(entry for entry in stop if entry)


def answer(request: Request) -> list[Choice]:
    """Return the choices that the request asks for."""
    return [_choice(request, index) for index in range(request.body.get("n") or 1)]


def said(request: Request, text: str) -> Choice:
    """Return the answer that says just this: cut at stop strings and limits as any other."""
    choice = Choice(reasoning=_reasoning(request, 0) if request.model.reasoning else 0)
    choice.reasoning = min(choice.reasoning, request.limit)
    _fill(choice, request, 0, text, request.limit - choice.reasoning)
    choice.tokens += choice.reasoning
    return choice


def _choice(request: Request, index: int) -> Choice:
    choice = Choice(reasoning=_reasoning(request, index) if request.model.reasoning else 0)
    if choice.reasoning >= request.limit:
        choice.reasoning = choice.tokens = request.limit
        choice.finish = "length"
        return choice
    room = request.limit - choice.reasoning
    if request.free:
        _generate(choice, request, index, room)
    elif request.script is None or not _recite(choice, request, request.script, index, room):
        _say(choice, request, index, room)
    choice.tokens += choice.reasoning
    return choice


def _say(choice: Choice, request: Request, index: int, room: int) -> None:
    if request.finish == "refusal":
        form = request.body.get("response_format") or {}
        choice.refusal = form.get("type") == "json_schema"  # elsewhere it is a text as any other (chat.md §5)
        _fill(choice, request, index, REFUSAL, room)
    elif calls := decided(request, index):
        _call(choice, request, calls, room)
    else:
        scripted = None if _runs_away(request) else _scripted(request, index)
        if scripted is None:
            _generate(choice, request, index, room)
        else:
            _fill(choice, request, index, scripted, room)
        _force(choice, request)


def _reasoning(request: Request, index: int) -> int:
    """Reasoning tokens come in multiples of 64; a higher effort spends more."""
    model = request.model
    effort = request.body.get("reasoning_effort") or model.default_effort
    most = {"none": 0, "minimal": 0, "low": 2, "medium": 6, "high": 16, "xhigh": 32, "max": 64}.get(effort, 6)
    return 64 * Draw(request.dice(index), "reasoning").randint(min(1, most // 2), most) if most else 0


# --- text ----------------------------------------------------------------------------------------


def _runs_away(request: Request) -> bool:
    """JSON mode that is told to end in `length` writes white space until the limit, as the docs warn."""
    return request.finish == "length" and (request.body.get("response_format") or {}).get("type") == "json_object"


def _generate(choice: Choice, request: Request, index: int, room: int) -> None:
    encoding, how = request.model.encoding, request.sampling
    if request.finish == "length" and _runs_away(request):
        how = replace(how, logit_bias={tokens.encode(encoding, "\n")[0]: 100})
    text = sampling.generate(encoding, request.key, request.dice(index), room, how, request.stop)
    choice.pieces, choice.finish, choice.logprobs = text.pieces, text.finish, text.logprobs
    choice.tokens = len(text.pieces) + (request.model.text_overhead if text.finish == "stop" else 0)


def _fill(choice: Choice, request: Request, index: int, text: str, room: int) -> None:
    """Take `text` as the answer: cut at the first stop string and at the token limit."""
    encoding = request.model.encoding
    said = sampling.script(encoding, text, request.dice(index), room, request.sampling, request.stop)
    choice.pieces, choice.finish, choice.logprobs = said.pieces, said.finish, said.logprobs
    choice.tokens = len(said.pieces) + (request.model.text_overhead if said.finish == "stop" else 0)
    predicted = (request.body.get("prediction") or {}).get("content")
    if predicted is not None:
        choice.accepted = max(0, len(said.pieces) - 1)
        choice.rejected = max(0, tokens.count(encoding, conversation.text_of(predicted)) - len(said.pieces))


def _recite(choice: Choice, request: Request, script: Script, index: int, room: int) -> bool:
    """Say what the script says; return False when it says nothing."""
    if script.refusal is None and script.content is None and not script.calls:
        return False
    choice.refusal = script.refusal is not None
    text = script.content if script.refusal is None else script.refusal
    if text or not script.calls:
        _fill(choice, request, index, text or "", room)
    if script.calls and not choice.refusal and choice.finish == "stop":
        custom = {
            accounting.name_of(tool) for tool in request.body.get("tools") or () if tool.get("type") == "custom"
        }
        calls = [ToolCall(call.name, call.arguments, call.name in custom, call.id) for call in script.calls]
        _call(choice, request, calls, room)
    if request.finish is not None and request.finish != "refusal" and choice.finish != "length":
        choice.finish = request.finish
    return True


def _scripted(request: Request, index: int) -> str | None:
    """Return the text that the request itself determines, or None when the language model speaks."""
    body = request.body
    results = conversation.results_of(body["messages"])
    form = (body.get("response_format") or {}).get("type")
    taught = conversation.text_of((request.trained or {}).get("content"))
    if taught and (form in (None, "text") or conversation.parsed(taught) != {}):
        return taught
    if form in ("json_schema", "json_object"):
        return _json_text(request, index)
    if request.schemed and (fenced := json_mode.fenced(_orders(request), Draw(request.dice(index), "json"))):
        return fenced
    if results:
        return tools.answer_from_results(results, request.last_user, Draw(request.dice(index), "answer"))
    if body.get("prediction"):
        return conversation.text_of(body["prediction"].get("content"))
    if request.order is not None:
        return request.order.obeyed([request.last_user, *request.earlier], Draw(request.dice(index), "order"))
    return None


def _orders(request: Request) -> list[str]:
    """Return the last message of the user, and what the system says."""
    system = [each for each in request.body["messages"] if each["role"] in dictated.SYSTEM]
    return [request.last_user, *(conversation.text_of(each.get("content")) for each in reversed(system))]


def _json_text(request: Request, index: int) -> str:
    form = request.body["response_format"].get("json_schema") or {}
    schema = form.get("schema")
    rng = Draw(request.dice(index), "json")
    if schema:
        slots = Slots(request.last_user, request.earlier)
        return dumps_text(json_schema.fill({"title": form.get("name"), **schema}, rng, slots))
    return dumps_text(json_mode.fill([request.last_user, *request.earlier], rng))


def _force(choice: Choice, request: Request) -> None:
    """Apply a finish reason that the request alone cannot cause."""
    if request.finish == "content_filter":
        _trim(choice, FILTERED_AFTER)
        choice.finish = "content_filter"
    elif request.finish == "length" and choice.finish == "stop":
        _trim(choice, max(1, len(choice.pieces) // 2))
        choice.finish = "length"
    elif request.finish == "stop":
        choice.finish = "stop"


def _trim(choice: Choice, size: int) -> None:
    choice.pieces = choice.pieces[:size]
    choice.tokens = len(choice.pieces)
    if choice.logprobs is not None:
        choice.logprobs = choice.logprobs[:size]


def _call(choice: Choice, request: Request, calls: list[ToolCall], room: int) -> None:
    """Take `calls` as the answer, their arguments cut at the token limit."""
    encoding, model = request.model.encoding, request.model
    named = accounting.named_choice(request.body) is not None
    head = 0 if named else accounting.calls_overhead(len(calls)) + model.call_overhead
    choice.tokens += head
    legacy = bool(request.body.get("functions"))
    choice.finish = "function_call" if legacy else "tool_calls"
    if named and model.named_choice_finish == "stop":
        choice.finish = "stop"
    for call in calls:
        ids = tokens.encode(encoding, call.arguments)
        size = len(ids) + (0 if named else tokens.count(encoding, call.name))
        choice.calls.append(call)
        if choice.tokens + size > room:
            kept = max(0, room - (choice.tokens + size - len(ids)))
            call.arguments = tokens.decode(encoding, ids[:kept]).rstrip("\ufffd")
            choice.tokens, choice.finish = room, "length"
            return
        choice.tokens += size

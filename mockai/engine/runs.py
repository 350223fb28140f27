"""What a turn of a run does: search, code, calls or a message, as a script of timed ticks (assistants.md §5, §6).

A script is data: it can be kept, and played by whoever polls or streams. It is a pure function of the turn; ids and
dates are not in it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockai.engine import accounting, conversation, interpreter, plan, tokens
from mockai.engine.catalogue import Model
from mockai.engine.mentions import words
from mockai.engine.plan import Choice, Request, Script
from mockai.engine.profiles import STOP_WORDS
from mockai.engine.quotes import Hit, quote

Json = dict[str, Any]

FIRST, NEXT, LAST = 0.35, 0.02, 0.1
"""Seconds until a step begins, between two of its tokens, and from the last one to the end of the run."""
RANKER = "default_2024_08_21"
LONGEST_QUERY = 1_000

# Tokens: what the declaration of a hosted tool adds to the prompt, and the framing of what it returned.
DECLARED = {"code_interpreter": 107, "file_search": 810, "retrieval": 810}
RETURNED = {"code_interpreter": 11, "file_search": 279, "retrieval": 279}
SMALL_TALK = frozenset("hello hi hey thanks thank bye goodbye good morning evening night ok okay yes no sure".split())
SEARCHES = ("file_search", "retrieval")
"""The search of version 2, and its name in version 1."""
PER_HIT = 40
QUERY_OVERHEAD, CODE_OVERHEAD = 7, 7
LEAST_ROOM = 4_096
"""Tokens of the context that are left for the answer."""


@dataclass(slots=True)
class Turn:
    """What one turn of a run is asked: from the start, or from the tool outputs, to its next end."""

    body: Json
    """The conversation as a chat request: instructions, messages, function tools and how to sample."""
    model: Model
    seed: int
    hosted: Sequence[Json] = ()
    """The declared `code_interpreter`, `file_search` and, of version 1, `retrieval` tools."""
    choice: Any = "auto"
    """The tool choice: none, auto, required, or an object that names a function or a kind of tool."""
    search: Callable[[str], Sequence[Hit]] | None = None
    """Looks into the vector stores; None when there are none."""
    completion_left: int | None = None
    """Completion tokens that the run may still spend."""
    prompt_left: int | None = None
    forced: str | None = None
    """An end asked for from outside: fail, rate_limit, expire, incomplete or cancel."""
    size: int = -1
    """Tokens of the prompt, but for hosted tools; counted where they are not given."""
    told: Script | None = None
    """What is said in place of the model."""
    extra: int = field(default=0, init=False)
    """Tokens of the prompt that hosted tools returned in this turn."""

    def __post_init__(self) -> None:
        """Count the prompt."""
        if self.size < 0:
            self.size = accounting.prompt_of(self.body, self.model).total


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment of a script: `at` seconds after the turn began, what happens to which act."""

    at: float
    act: int
    what: str
    """open, call, piece, output or close."""
    part: int = 0
    piece: int = 0


def script(turn: Turn) -> Json:
    """Return what the turn does: `acts`, how it ends (`end`, `reason`), and how many ticks are played (`ticks`)."""
    made: Json = {"acts": [], "end": "finish", "reason": None, "error": None}
    if turn.forced == "rate_limit":
        return {**made, "end": "fail", "error": "rate_limit_exceeded", "ticks": 0, "seconds": LAST}
    _perform(turn, made)
    played = list(ticks(made["acts"]))
    count = len(played)
    if turn.forced is not None:
        made["end"], made["reason"] = FORCED[turn.forced], None
        made["error"] = "server_error" if turn.forced == "fail" else None
        if turn.forced == "incomplete":
            _cut(made["acts"])
            made["reason"] = "max_completion_tokens"
            count = len(played := list(ticks(made["acts"])))
        else:
            count = _middle(played)
    seconds = (played[count - 1].at if count else 0.0) + LAST
    return {**made, "ticks": count, "seconds": seconds}


FORCED = {"fail": "fail", "expire": "expire", "incomplete": "cap", "cancel": "cancel"}
"""How a run ends by its own work when it is told to."""


def _middle(played: Sequence[Tick]) -> int:
    """Return how many ticks are played until the middle of the last act."""
    opened = max((at for at, tick in enumerate(played) if tick.what == "open"), default=-1)
    return opened + 1 + max(0, len(played) - opened - 1) // 2


def _cut(acts: list[Json]) -> None:
    """Let the last act break off half-way, as at a limit."""
    last = acts[-1]
    if last["kind"] == "message":
        last["pieces"] = last["pieces"][: max(1, len(last["pieces"]) // 2)]
        last["citations"] = {at: entry for at, entry in last["citations"].items() if int(at) < len(last["pieces"])}
        last["cut"] = "max_tokens"
        last["usage"]["completion"] = min(last["usage"]["completion"], len(last["pieces"]))


def ticks(acts: Sequence[Json]) -> Iterator[Tick]:
    """Yield the moments of a script, in order."""
    at = 0.0
    for index, act in enumerate(acts):
        at += FIRST
        yield Tick(at, index, "open")
        for what, part, piece in _parts(act):
            at += NEXT
            yield Tick(at, index, what, part, piece)
        if act["kind"] != "function":
            at += NEXT
            yield Tick(at, index, "close")


def _parts(act: Json) -> Iterator[tuple[str, int, int]]:
    """Yield what of an act comes bit by bit: its kind, the call, the piece."""
    if act["kind"] == "message":
        for piece in range(len(act["pieces"])):
            yield "piece", 0, piece
        return
    for part, call in enumerate(act["calls"]):
        yield "call", part, 0
        for piece in range(len(call["pieces"])):
            yield "piece", part, piece
        if call.get("logs") is not None:
            yield "output", part, 0


# --- which acts ----------------------------------------------------------------------------------


def _perform(turn: Turn, made: Json) -> None:
    kind = _tool_of(turn)
    if kind is None:
        _speak(turn, made, None)
        return
    if _over(turn, made):
        return
    if kind == "code_interpreter":
        _compute(turn, made)
    else:
        _look_up(turn, made, kind)


def _tool_of(turn: Turn) -> str | None:
    """Return the hosted tool that the turn uses before it talks; None where it talks at once, or calls functions."""
    body, choice = turn.body, turn.choice
    declared: list[str] = [tool["type"] for tool in turn.hosted]
    if _is_told(turn) or choice == "none" or not declared or body["messages"][-1]["role"] == "tool":
        return None
    if isinstance(choice, dict):
        named: str = choice["type"]
        return named if named in declared else None
    if body.get("tools") and choice != "required" and plan.answer(_request(turn))[0].calls:
        return None
    text = _last_user(body)
    if "code_interpreter" in declared and interpreter.wanted(text):
        return "code_interpreter"
    searches = [kind for kind in declared if kind in SEARCHES]
    if searches and turn.search is not None and _asks(text):
        return searches[0]
    return declared[0] if choice == "required" and not body.get("tools") else None


def _is_told(turn: Turn) -> bool:
    """Return whether all that the turn says comes from outside."""
    told = turn.told
    return told is not None and bool(told.calls or told.content is not None or told.refusal is not None)


def _asks(text: str) -> bool:
    """Return whether a message is more than small talk."""
    return any(word not in STOP_WORDS and word not in SMALL_TALK for word in words(text))


def _last_user(body: Json) -> str:
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            return conversation.text_of(message.get("content"))
    return ""


def _request(turn: Turn, body: Json | None = None) -> Request:
    body = turn.body if body is None else body
    if turn.completion_left is not None:
        body = {**body, "max_completion_tokens": max(1, turn.completion_left)}
    return Request(body, turn.model, turn.seed, script=turn.told)


def _prompt(turn: Turn) -> int:
    declared = sum(DECLARED[tool["type"]] for tool in turn.hosted)
    return turn.size + declared + turn.extra


def _over(turn: Turn, made: Json) -> bool:
    """End the turn where the tokens are spent: before the prompt, or before the answer."""
    if turn.prompt_left is not None and _prompt(turn) > turn.prompt_left:
        made["end"], made["reason"] = "cap", "max_prompt_tokens"
    elif turn.completion_left is not None and turn.completion_left <= 0:
        made["end"], made["reason"] = "cap", "max_completion_tokens"
    return made["reason"] is not None


def _spend(turn: Turn, prompt: int, completion: int) -> None:
    if turn.prompt_left is not None:
        turn.prompt_left -= prompt
    if turn.completion_left is not None:
        turn.completion_left -= completion


# --- talking -------------------------------------------------------------------------------------


def _speak(turn: Turn, made: Json, text: str | None, citations: Sequence[tuple[int, Json]] = ()) -> None:
    """Answer in text, or with calls: from the language model, or just this `text`."""
    if _over(turn, made):
        return
    prompt = _prompt(turn)
    request = _request(turn)
    choice = plan.answer(request)[0] if text is None else plan.said(request, text)
    usage = {"prompt": prompt, "completion": choice.tokens, "reasoning": choice.reasoning}
    if choice.calls:
        encoding = turn.model.encoding
        calls = [
            {
                "id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "pieces": _split(encoding, call.arguments),
            }
            for call in choice.calls
        ]
        made["acts"].append({"kind": "function", "calls": calls, "usage": usage})
        made["end"] = "require"
    else:
        made["acts"].append(_message(choice, usage, citations))
    if choice.finish == "length":
        made["end"], made["reason"] = "cap", "max_completion_tokens"
    elif choice.finish == "content_filter":
        made["end"] = "cap"


def _message(choice: Choice, usage: Json, citations: Sequence[tuple[int, Json]]) -> Json:
    pieces = list(_texts(choice.pieces))
    cited: Json = {}
    for start, citation in citations:
        _join(pieces, start, citation["text"], cited, citation)
    cut = {"length": "max_tokens", "content_filter": "content_filter"}.get(choice.finish)
    return {
        "kind": "message",
        "pieces": pieces,
        "citations": cited,
        "refusal": choice.refusal,
        "cut": cut,
        "usage": usage,
    }


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield tokens as text; those that are parts of one character are joined."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        text = decoder.decode(piece)
        if text:
            yield text
    if tail := decoder.decode(b"", True):
        yield tail


def _split(encoding: str, text: str) -> list[str]:
    return list(_texts(tokens.token_bytes(encoding, token) for token in tokens.encode(encoding, text)))


def _join(pieces: list[str], start: int, marker: str, cited: Json, citation: Json) -> None:
    """Make the characters of a marker one piece, and note its citation there; a marker that was cut has none."""
    end = start + len(marker)
    whole = "".join(pieces)
    if whole[start:end] != marker:
        return
    before, after = [], []
    at = 0
    for piece in pieces:
        first, last = at, at + len(piece)
        before += [piece[: max(0, start - first)]] if first < start else []
        after += [piece[max(0, end - first) :]] if last > end else []
        at = last
    pieces[:] = [*before, marker, *after]
    cited[str(len(before))] = citation


# --- hosted tools --------------------------------------------------------------------------------


def _compute(turn: Turn, made: Json) -> None:
    """Show code and what it prints, then say it."""
    shown, encoding = interpreter.code(_last_user(turn.body)), turn.model.encoding
    pieces, prompt = _split(encoding, shown.source), _prompt(turn)
    completion = len(pieces) + CODE_OVERHEAD
    if turn.completion_left is not None and completion > turn.completion_left:
        completion, made["end"], made["reason"] = turn.completion_left, "cap", "max_completion_tokens"
        pieces = pieces[: max(0, completion - CODE_OVERHEAD)]
    call = {"input": "".join(pieces), "pieces": pieces, "logs": None if made["reason"] else shown.logs}
    usage = {"prompt": prompt, "completion": completion, "reasoning": 0}
    made["acts"].append({"kind": "code_interpreter", "calls": [call], "usage": usage})
    if made["reason"]:
        return
    _spend(turn, prompt, completion)
    turn.extra += completion + accounting.count_text(turn.model, shown.logs) + RETURNED["code_interpreter"]
    _speak(turn, made, shown.answer)


def _look_up(turn: Turn, made: Json, kind: str) -> None:
    """Search, and say what was found with its source."""
    query, prompt = _last_user(turn.body)[:LONGEST_QUERY], _prompt(turn)
    options = next(tool for tool in turn.hosted if tool["type"] == kind).get("file_search") or {}
    hits = turn.search(query) if turn.search is not None else ()
    completion = accounting.count_text(turn.model, query) + QUERY_OVERHEAD
    results = [
        {
            "file_id": hit.file_id,
            "file_name": hit.filename,
            "score": hit.score,
            "attributes": dict(getattr(hit, "attributes", None) or {}),
            "content": [{"type": "text", "text": hit.text}],
        }
        for hit in hits
    ]
    ranking = options.get("ranking_options") or {}
    shown = {"ranker": ranking.get("ranker") or RANKER, "score_threshold": ranking.get("score_threshold") or 0.0}
    call = {"query": query, "pieces": [], "ranking_options": shown, "results": results}
    usage = {"prompt": prompt, "completion": completion, "reasoning": 0}
    made["acts"].append({"kind": kind, "calls": [call], "usage": usage})
    _spend(turn, prompt, completion)
    found = sum(accounting.count_text(turn.model, hit.text) + PER_HIT for hit in hits)
    turn.extra += completion + found + RETURNED[kind]
    text, citations = quote(query, hits)
    if turn.body.get("tools"):
        turn.body = {**turn.body, "tool_choice": "none"}
    _speak(turn, made, text, citations)


# --- what fits -----------------------------------------------------------------------------------


def fitting(
    newest_first: Iterable[tuple[Json, int]], taken: int, model: Model, most: int | None
) -> tuple[list[Json], int]:
    """Return the newest messages that fit, in chat form and oldest first, and their tokens.

    They come with their tokens; `taken` are those of the request without them. `most` bounds the prompt beside the
    model's context. The newest message is always there, whatever its size.
    """
    room = model.context - min(LEAST_ROOM, model.context // 2)
    if most is not None:
        room = min(room, most)
    room -= taken
    kept: list[Json] = []
    size = 0
    for message, cost in newest_first:
        if size + cost > room and kept:
            break
        kept.append(message)
        size += cost
    kept.reverse()
    return kept, size

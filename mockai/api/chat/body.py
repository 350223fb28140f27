"""The answer of a chat completion: one body, or chunks that fold to it (chat.md §1-§4)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle, zip_longest

from mockai.call import Beat, Json
from mockai.engine import draw, tokens
from mockai.engine.calls import ToolCall
from mockai.engine.catalogue import Model
from mockai.engine.plan import Choice
from mockai.engine.sampling import TokenLogprob
from mockai.wire.codec import dumps_text
from mockai.wire.ids import TO_BASE62


@dataclass(slots=True)
class Completion:
    """Everything of an answer: what was drawn, and the ids and times it got."""

    id: str
    created: int
    model: Model
    echo: str
    """What `model` says in the answer."""
    fingerprint: str | None
    tier: str | None
    """The service tier; None leaves the key out."""
    choices: list[Choice]
    call_ids: list[list[str]]
    """Those of the calls of each choice, none for a legacy function; empty where no choice can have calls."""
    usage: Json
    annotations: list[list[Json]]
    """Those of each choice; empty for a model that never has any."""
    audio: list[Json] | None = None
    moderation: Json | None = None

    def body(self) -> Json:
        """Return the body of a 200 without streaming."""
        body: Json = {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.echo,
            "choices": [self._choice(index, choice) for index, choice in enumerate(self.choices)],
            "usage": self.usage,
        }
        if self.tier is not None:
            body["service_tier"] = self.tier
        body["system_fingerprint"] = self.fingerprint
        if self.moderation is not None:
            body["moderation"] = self.moderation
        return body

    def _choice(self, index: int, choice: Choice) -> Json:
        entry: Json = {"index": index, "message": self.message(index)}
        if self.tells_logprobs(choice):
            entry["logprobs"] = self.logprobs(choice, choice.pieces, choice.logprobs)
        entry["finish_reason"] = choice.finish
        return entry

    def tells_logprobs(self, choice: Choice) -> bool:
        """Return whether a choice has the key `logprobs`; those of reasoning models have it when it is asked for."""
        return self.model.logprobs_key or (self.model.reasoning and choice.logprobs is not None)

    def message(self, index: int) -> Json:
        """Return the message of one choice, keys in the recorded order."""
        choice = self.choices[index]
        if self.audio is not None:
            return {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "audio": self.audio[index],
                "annotations": [],
            }
        silent = choice.refusal or (choice.calls and not choice.pieces)
        message: Json = {"role": "assistant", "content": None if silent else choice.text}
        ids = self.call_ids[index] if choice.calls else []
        if ids:
            message["tool_calls"] = [{"id": id, **_tool(call)} for id, call in zip(ids, choice.calls, strict=True)]
        elif choice.calls:
            message["function_call"] = _function(choice.calls[0])
        message["refusal"] = choice.text if choice.refusal else None
        message["annotations"] = self.annotations[index] if self.annotations else []
        return message

    def logprobs(self, choice: Choice, pieces: list[bytes], entries: list[TokenLogprob] | None) -> Json | None:
        """Return the `logprobs` of some tokens of a choice and their bytes; None when they were not asked for."""
        if entries is None or (choice.calls and not choice.pieces):
            return None
        encoding = self.model.encoding
        shown = [_logprob(encoding, piece, entry) for piece, entry in zip(pieces, entries, strict=True)]
        return {"content": None, "refusal": shown} if choice.refusal else {"content": shown, "refusal": None}


def _function(call: ToolCall) -> Json:
    return {"name": call.name, "arguments": call.arguments}


def _tool(call: ToolCall) -> Json:
    if call.custom:
        return {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"type": "function", "function": _function(call)}


def _logprob(encoding: str, piece: bytes, entry: TokenLogprob) -> Json:
    """Return a token with its alternatives; where a stop string cut it, `piece` is what is left of it."""
    top = [
        _token(piece if token == entry.id else tokens.token_bytes(encoding, token), logprob)
        for token, logprob in entry.top
    ]
    return {**_token(piece, entry.logprob), "top_logprobs": top}


def _token(raw: bytes, logprob: float) -> Json:
    return {"token": token_text(raw), "logprob": logprob, "bytes": list(raw)}


def token_text(raw: bytes) -> str:
    r"""Return a token as logprobs show it: its text, or `bytes:\x..` when it is a part of a character."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


# --- streaming -----------------------------------------------------------------------------------

BETWEEN = "\n\n"
CHOICES = ',"choices":['
AUDIO_CHUNK = 16_000  # characters of base64, a multiple of four
REMEMBERED = 8192  # texts of tokens, as JSON
OPENING = '{"role":"assistant","content":"","refusal":null}'

Delta = tuple[str, str]
"""The JSON of a delta, and that of its logprobs."""


class Chunks:
    """The chunks of a streamed completion, each as JSON."""

    def __init__(self, completion: Completion, include_usage: bool, obfuscate: bool) -> None:
        """Prepare what all chunks share."""
        self._completion = completion
        self._usage = ',"usage":null' if include_usage else ""
        self._include_usage = include_usage
        tier = f'"service_tier":{escaped(completion.tier)},' if completion.tier is not None else ""
        fingerprint = "null" if completion.fingerprint is None else escaped(completion.fingerprint)
        self._head = (
            f'{{"id":{dumps_text(completion.id)},"object":"chat.completion.chunk","created":{completion.created},'
            f'"model":{dumps_text(completion.echo)},{tier}"system_fingerprint":{fingerprint},"choices":['
        )
        self._padding = padding(completion.id) if obfuscate else ""
        self._places = cycle(PLACES)

    def at_once(self) -> bytes:
        """Return all frames of the stream, for when nothing has to wait."""
        return f"data: {f'{BETWEEN}data: '.join(self._all())}{BETWEEN}".encode()

    def __iter__(self) -> Iterator[str]:
        """Yield every chunk, in order; n > 1 interleaves after each choice has opened."""
        yield from self._all()

    def _all(self) -> list[str]:
        choices = self._completion.choices
        if self._completion.audio is not None:
            return list(self._spoken())
        each = [self._single(index) for index in range(len(choices))]
        chunks = each[0] if len(each) == 1 else _interleaved(each)
        if self._include_usage:
            chunks.append(self._close(f'{self._head}],"usage":{dumps_text(self._completion.usage)}'))
        if self._completion.moderation is not None:
            moderation = dumps_text(self._completion.moderation)
            chunks.append(self._close(f'{self._head}]{self._usage},"moderation":{moderation}'))
        return chunks

    def _single(self, index: int) -> list[str]:
        """Return the chunks of one choice: its role, its text or calls, its finish reason."""
        completion, choice = self._completion, self._completion.choices[index]
        has_logprobs = completion.tells_logprobs(choice)
        middle, null = (',"logprobs":', "null") if has_logprobs else ("", "")
        opening = f'{self._head}{{"index":{index},"delta":'
        closing = f',"finish_reason":null}}]{self._usage}'
        close = self._close
        if choice.calls or choice.refusal or choice.logprobs is not None:
            chunks = [
                close(f"{opening}{delta}{middle}{logprobs if has_logprobs else ''}{closing}")
                for delta, logprobs in self._deltas(index, choice)
            ]
        else:
            chunks = [close(f"{opening}{OPENING}{middle}{null}{closing}")]
            chunks += self._texts(f'{opening}{{"content":', f"}}{middle}{null}{closing}", choice.pieces)
            if completion.annotations and completion.annotations[index]:
                cited = dumps_text(completion.annotations[index])
                chunks.append(close(f'{opening}{{"annotations":{cited}}}{middle}{null}{closing}'))
        finish = f',"finish_reason":"{choice.finish}"}}]{self._usage}'
        chunks.append(close(f"{opening}{{}}{middle}{null}{finish}"))
        return chunks

    def _spoken(self) -> Iterator[str]:
        """Yield an audio answer as recorded: no finish reason, chunks without choices, its expiry last."""
        completion, close = self._completion, self._close
        for index, (choice, sound) in enumerate(zip(completion.choices, completion.audio or (), strict=True)):
            opening, closing = f'{self._head}{{"index":{index},"delta":', f',"finish_reason":null}}]{self._usage}'
            yield close(f'{opening}{{"role":"assistant","refusal":null}}{closing}')
            known = f'"id":{dumps_text(sound["id"])},'
            for text in whole_characters(choice.pieces):
                yield close(f'{opening}{{"audio":{{{known}"transcript":{escaped(text)}}}}}{closing}')
                known = ""
            for start in range(0, len(sound["data"]), AUDIO_CHUNK):
                data = sound["data"][start : start + AUDIO_CHUNK]
                yield close(f'{opening}{{"audio":{{"data":"{data}"}}}}{closing}')
                yield close(f"{self._head.removesuffix(CHOICES)}{self._usage}".removesuffix(","))
        if self._include_usage:
            yield close(f'{self._head}],"usage":{dumps_text(completion.usage)}')
        for index, sound in enumerate(completion.audio or ()):
            expires = f'{{"audio":{{"expires_at":{sound["expires_at"]}}}}}'
            yield close(f'{self._head}{{"index":{index},"delta":{expires},"finish_reason":null}}]{self._usage}')

    def _texts(self, head: str, tail: str, pieces: list[bytes]) -> list[str]:
        """Return the chunks of a plain text: the hot loop of every stream."""
        strings = [*map(_pieces.__getitem__, pieces)]
        if None in strings:  # characters that span tokens
            strings = [escaped(text) for text in whole_characters(pieces)]
        padding = self._padding
        if not padding:
            return [f"{head}{string}{tail}}}" for string in strings]
        fixed, tail = len(head) + len(tail) + 1, f'{tail},"obfuscation":"'
        return [
            f'{head}{string}{tail}{padding[at : at + -(fixed + len(string or "")) % 16]}"}}'
            for string, at in zip(strings, self._places, strict=False)
        ]

    def _close(self, chunk: str) -> str:
        """End a chunk, with the `obfuscation` that makes its length, in characters, 1 modulo 16 (chat.md §3)."""
        if not self._padding:
            return f"{chunk}}}"
        at = next(self._places)
        return f'{chunk},"obfuscation":"{self._padding[at : at + -(len(chunk) + 1) % 16]}"}}'

    def _deltas(self, index: int, choice: Choice) -> Iterator[Delta]:
        if choice.pieces or not choice.calls:
            yield from self._text_deltas(choice)
        if choice.calls:
            ids = self._completion.call_ids[index]
            yield from _call_deltas(choice, ids, self._completion.model.encoding)

    def _text_deltas(self, choice: Choice) -> Iterator[Delta]:
        if choice.refusal:
            yield '{"role":"assistant","content":null,"refusal":""}', self._opening_logprobs(choice)
        else:
            yield OPENING, self._opening_logprobs(choice)
        name = "refusal" if choice.refusal else "content"
        head = f'{{"{name}":'
        if choice.logprobs is None:
            for text in whole_characters(choice.pieces):
                yield f"{head}{escaped(text)}}}", "null"
        else:
            yield from self._logprob_deltas(choice, head)

    def _opening_logprobs(self, choice: Choice) -> str:
        return dumps_text(self._completion.logprobs(choice, [], None if choice.logprobs is None else []))

    def _logprob_deltas(self, choice: Choice, head: str) -> Iterator[Delta]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        start = 0
        last = len(choice.pieces) - 1
        entries = choice.logprobs or []
        for at, piece in enumerate(choice.pieces):
            text = decoder.decode(piece, final=at == last)
            if text or at == last:
                told = self._completion.logprobs(choice, choice.pieces[start : at + 1], entries[start : at + 1])
                yield f"{head}{escaped(text)}}}", dumps_text(told)
                start = at + 1


def _interleaved(each: list[list[str]]) -> list[str]:
    """Open one choice after the other, each with its role and first token, and go on in turns."""
    opened = [chunk for chunks in each for chunk in chunks[:2]]
    turns = zip_longest(*(chunks[2:] for chunks in each))
    return opened + [chunk for turn in turns for chunk in turn if chunk is not None]


def whole_characters(pieces: list[bytes]) -> list[str]:
    """Return the text of each token; a character that spans tokens comes whole, with the last of them."""
    try:
        return [piece.decode() for piece in pieces]
    except UnicodeDecodeError:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(piece) for piece in pieces]
    return [text for text in [*texts, decoder.decode(b"", final=True)] if text]


@lru_cache(maxsize=REMEMBERED)
def escaped(text: str) -> str:
    """Return `text` as a JSON string."""
    return dumps_text(text)


class _Pieces(dict[bytes, str | None]):
    """The bytes of tokens met last as JSON strings; None for those that are no whole characters."""

    def __missing__(self, piece: bytes) -> str | None:
        if len(self) >= REMEMBERED:
            self.clear()
        try:
            string = dumps_text(piece.decode())
        except UnicodeDecodeError:
            string = None
        self[piece] = string
        return string


_pieces = _Pieces()


def _call_deltas(choice: Choice, ids: list[str], encoding: str) -> Iterator[Delta]:
    opened = bool(choice.pieces)  # a text in front has told the role already
    if not ids:
        call = choice.calls[0]
        head = f'"function_call":{dumps_text({"name": call.name, "arguments": ""})}'
        yield f"{{{head}}}" if opened else f'{{"role":"assistant","content":null,{head},"refusal":null}}', "null"
        for text in _arguments(call, encoding):
            yield f'{{"function_call":{{"arguments":{escaped(text)}}}}}', "null"
        return
    several = len(ids) > 1
    if several and not opened:
        yield '{"role":"assistant","content":null}', "null"
    for index, (id, call) in enumerate(zip(ids, choice.calls, strict=True)):
        header = dumps_text([{"index": index, "id": id, **_tool(ToolCall(call.name, "", call.custom))}])
        if several or opened:
            yield f'{{"tool_calls":{header}}}', "null"
        else:
            yield f'{{"role":"assistant","content":null,"tool_calls":{header},"refusal":null}}', "null"
        kind, field = ("custom", "input") if call.custom else ("function", "arguments")
        head = f'{{"tool_calls":[{{"index":{index},"{kind}":{{"{field}":'
        for text in _arguments(call, encoding):
            yield f"{head}{escaped(text)}}}}}]}}", "null"


def _arguments(call: ToolCall, encoding: str) -> list[str]:
    ids = tokens.encode(encoding, call.arguments)
    return whole_characters([tokens.token_bytes(encoding, token) for token in ids])


PADDING = 512
"""Characters that are drawn for a stream,"""
PLACES = tuple(number * 37 % (PADDING - 16) for number in range(PADDING - 16))
"""and where the `obfuscation` of one chunk after the other is taken from them."""


def padding(seed: str) -> str:
    """Return characters to take paddings from, at any of `PLACES`."""
    return draw.stream(draw.key("obfuscation", seed), PADDING).translate(TO_BASE62).decode()


def beats(chunks: Iterator[str], first: float, gap: float) -> Iterator[Beat]:
    """Give each chunk its due time: the first after `first` seconds, each further one after `gap` more."""
    at = first
    for chunk in chunks:
        yield Beat(at, chunk.encode())
        at += gap

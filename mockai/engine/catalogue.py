"""The models: what each is, where it answers, and what it refuses. One line a model in `models.txt`.

A family (`FAMILIES`) holds what models share. Sources: chat.md §1, §2, §7, §9, §13, errors.md §4-§6,
embeddings.md §2, fine_tuning.md §10; windows, limits and shutdown days are the documented figures. The
`created` of most models after 2025-09 is not known: those are plausible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType

O200K, CL100K = "o200k_base", "cl100k_base"

REASONING_REFUSES = frozenset({"stop", "logit_bias", "prediction", "max_tokens"})
PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
AUDIO_KEYS = frozenset({"modalities", "audio"})
REASONING_ONLY = frozenset({"reasoning_effort", "verbosity"})
SAMPLING = frozenset({"temperature", "top_p"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model. Token figures are counts; `created` is in Unix seconds."""

    id: str = ""
    created: int = 0
    owned_by: str = "system"
    snapshot: str = ""
    """What answers name as their `model`: an alias resolves to its dated snapshot."""
    kind: str = "chat"
    """The endpoint that takes it: chat, completion, embedding, moderation, responses, audio, image, video,
    realtime."""
    context: int = 128_000
    max_output: int = 16_384
    encoding: str = O200K
    fingerprint: bool = True
    """Whether `system_fingerprint` is a string; it is null otherwise."""
    logprobs_key: bool = True
    """Whether choices have a `logprobs` key."""
    tier_key: bool = True
    """Whether answers have a `service_tier`."""
    limits: tuple[int, int] = (10_000, 50_000_000)
    """Requests and tokens a minute, as x-ratelimit-limit-* shows them."""
    shutdown: str = ""
    """The day it stops answering, `2026-10-23`; empty when none is known."""

    # reasoning
    reasoning: bool = False
    efforts: tuple[str, ...] = ()
    """The values that `reasoning_effort` takes; none for models that do not know it."""
    default_effort: str = "medium"

    # refusals
    refuses: frozenset[str] = frozenset()
    """Parameters it refuses whatever their value."""
    refuses_reasoning: frozenset[str] = frozenset()
    """Parameters it refuses unless `reasoning_effort` is none."""
    unknown: frozenset[str] = frozenset()
    """Parameters that it has never heard of."""
    unrecognized: frozenset[str] = REASONING_ONLY
    """Parameters of other models, refused as unrecognized arguments."""
    only_default: frozenset[str] = frozenset()
    """Parameters that take their default value only."""
    refuses_roles: frozenset[str] = frozenset()
    max_n: int = 128
    max_top_logprobs: int = 20

    # capabilities
    tools: bool = True
    parallel_tools: bool = True
    tools_while_reasoning: bool = True
    """Whether function tools go with a `reasoning_effort` other than none on chat (errors.md §5)."""
    json_object: bool = True
    json_schema: bool = True
    vision: bool = True
    audio: bool = False
    web_search: bool = False
    named_choice_finish: str = "stop"
    """How an answer to a named tool choice ends (chat.md §4)."""
    retention_24h_only: bool = False

    # accounting (chat.md §9)
    priming: int = 3
    text_overhead: int = 0
    call_overhead: int = 0
    tools_overhead: int = 0
    image_tokens: tuple[int, int] = (85, 170)
    """Tokens of an image: the base, and those of each tile of 512 pixels."""

    # embeddings
    dimensions: int = 0
    shortens: bool = False
    """Whether `dimensions` may be asked for."""

    # fine-tuning
    base: str = ""
    """The id of the model that a tuned one was made of; empty for the models of the catalogue."""
    voice: str = ""
    """What its texts are drawn from: the snapshot. A tuned model speaks as its base where it was taught nothing."""
    answers: tuple[str, ...] = ()
    """The names under which lies what a tuned model was taught, the latest first."""
    tunable: tuple[str, ...] = ()
    """The fine-tuning methods that it can be trained with."""
    tunable_since: str = ""
    """The month from which on it could be trained, `2024-08`; empty when it never could."""

    @property
    def dated(self) -> str:
        """Return the id of its weights in the catalogue: the base of a tuned model, the snapshot of an alias."""
        return self.base or (self.snapshot if self.snapshot in catalogue() else self.id)

    def retired(self, day: str) -> bool:
        """Return whether it no longer answers on this day, `YYYY-MM-DD`."""
        return self.shutdown != "" and day >= self.shutdown

    @property
    def shown(self) -> dict[str, str | int]:
        """Return the object of the models endpoint."""
        return {"id": self.id, "object": "model", "created": self.created, "owned_by": self.owned_by}


_OLD = Model(
    encoding=CL100K,
    context=8_192,
    max_output=4_096,
    fingerprint=False,
    json_object=False,
    json_schema=False,
    vision=False,
    unrecognized=REASONING_ONLY | AUDIO_KEYS,
)
# What the contracts expect of gpt-4; the documented figure is 8,192.
GPT4_OUTPUT = 4_096

_FIRST = replace(_OLD, tools=False)  # of spring 2023, before function calls
_0613 = replace(_OLD, parallel_tools=False)
_GPT35 = replace(_OLD, context=16_385, json_object=True)
_GPT4 = replace(_0613, max_output=GPT4_OUTPUT)
_TURBO = replace(_OLD, context=128_000, json_object=True, fingerprint=True)
_GPT4O = Model(unrecognized=REASONING_ONLY)
_REASONING = Model(
    context=400_000,
    max_output=128_000,
    fingerprint=False,
    logprobs_key=False,
    reasoning=True,
    efforts=("minimal", "low", "medium", "high"),
    refuses=REASONING_REFUSES,
    refuses_reasoning=PENALTIES | {"logprobs", "top_logprobs"},
    unknown=AUDIO_KEYS | {"web_search_options"},
    unrecognized=frozenset(),
    only_default=SAMPLING,
    named_choice_finish="tool_calls",
    priming=2,
    text_overhead=9,
    call_overhead=9,
    tools_overhead=80,
)
_O = replace(
    _REASONING,
    context=200_000,
    max_output=100_000,
    efforts=("low", "medium", "high"),
    refuses=REASONING_REFUSES - {"stop"},
    tools_overhead=0,
    text_overhead=13,
)
# The first ones refuse the sampling parameters whatever their value, their successors all but the default.
_O1 = replace(_O, refuses=_O.refuses | SAMPLING, fingerprint=True)
_O1_MINI = replace(
    _O1,
    context=128_000,
    max_output=65_536,
    efforts=(),
    tools=False,
    vision=False,
    json_object=False,
    json_schema=False,
    refuses_roles=frozenset({"system", "developer"}),
)
_O3 = replace(_O, refuses=REASONING_REFUSES)
_GPT52 = replace(
    _REASONING,
    efforts=("none", "low", "medium", "high", "xhigh"),
    default_effort="none",
    only_default=frozenset(),
    text_overhead=3,
)
_GPT54 = replace(_GPT52, context=1_050_000, tools_while_reasoning=False)
_GPT56 = replace(
    _GPT54,
    default_effort="medium",
    only_default=SAMPLING,
    max_n=8,
    max_top_logprobs=5,
    retention_24h_only=True,
)
_AUDIO = replace(_GPT4O, audio=True, vision=False, logprobs_key=False, json_schema=False)
_SEARCH = replace(
    _GPT4O,
    web_search=True,
    tools=False,
    logprobs_key=False,
    tier_key=False,
    fingerprint=False,
    priming=-4,
    vision=False,
)
_RESPONSES = replace(_REASONING, kind="responses")
_EMBEDDING = Model(
    kind="embedding",
    encoding=CL100K,
    context=8_192,
    max_output=0,
    dimensions=1536,
    shortens=True,
    limits=(10_000, 10_000_000),
)

FAMILIES: Mapping[str, Model] = {
    "gpt-3.5-first": replace(_FIRST, context=4_097),
    "gpt-3.5-4k": replace(_0613, context=4_097),
    "gpt-3.5-16k": replace(_0613, context=16_385),
    "gpt-3.5": _GPT35,
    "gpt-4-first": replace(_FIRST, max_output=GPT4_OUTPUT),
    "gpt-4": _GPT4,
    "gpt-4-32k-first": replace(_FIRST, context=32_768, max_output=GPT4_OUTPUT),
    "gpt-4-32k": replace(_GPT4, context=32_768),
    "gpt-4-turbo": _TURBO,
    "gpt-4-turbo-vision": replace(_TURBO, vision=True),
    "gpt-4-vision": replace(_TURBO, vision=True, tools=False, json_object=False),
    "gpt-4o-first": replace(_GPT4O, max_output=4_096, json_schema=False),
    "gpt-4o": replace(_GPT4O, limits=(10_000, 30_000_000)),
    "gpt-4o-mini": replace(_GPT4O, limits=(30_000, 150_000_000), image_tokens=(2833, 5667)),
    "chatgpt": replace(_GPT4O, tools=False),
    "gpt-4.1": replace(_GPT4O, context=1_047_576, max_output=32_768),
    "gpt-4.5": replace(_GPT4O, fingerprint=False),
    "gpt-chat": replace(_GPT4O, fingerprint=False),
    "gpt-audio": _AUDIO,
    "gpt-search": _SEARCH,
    "o1-preview": replace(_O1_MINI, max_output=32_768),
    "o1-mini": _O1_MINI,
    "o1": _O1,
    "o3-mini": replace(_O1, vision=False),
    "o3": _O3,
    "o4-mini": _O3,
    "gpt-5": _REASONING,
    "gpt-5.1": replace(_REASONING, efforts=("none", "low", "medium", "high"), default_effort="none"),
    "gpt-5.2": _GPT52,
    "gpt-5.4-mini": replace(_GPT54, context=400_000),
    "gpt-5.4": _GPT54,
    "gpt-5.6": _GPT56,
    "responses": _RESPONSES,
    "responses-long": replace(_RESPONSES, context=1_050_000),
    "responses-o": replace(_RESPONSES, context=200_000, max_output=100_000),
    "gpt-5-pro": replace(_RESPONSES, max_output=272_000, default_effort="high"),
    "computer-use": replace(_RESPONSES, context=8_192, max_output=1_024),
    "instruct": replace(_OLD, kind="completion", context=4_096, tools=False),
    "davinci": replace(_OLD, kind="completion", context=16_384, max_output=16_384, tools=False),
    "gpt-3": replace(_OLD, kind="completion", context=2_049, max_output=2_048, tools=False),
    "ada": replace(_EMBEDDING, shortens=False),
    "small": _EMBEDDING,
    "large": replace(_EMBEDDING, dimensions=3072),
    "moderation": Model(kind="moderation", context=32_768),
    "text-moderation": Model(kind="moderation", context=32_768, encoding=CL100K),
    "audio": Model(kind="audio"),
    "image": Model(kind="image"),
    "video": Model(kind="video"),
    "realtime": Model(kind="realtime"),
}

SUPERVISED, PREFERENCE, REINFORCEMENT = ("supervised",), ("supervised", "dpo"), ("reinforcement",)
# What can be fine-tuned: the dated model, since when, and how (fine_tuning.md §10). Aliases follow.
TUNABLE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "babbage-002": ("2023-08", SUPERVISED),
    "davinci-002": ("2023-08", SUPERVISED),
    "gpt-3.5-turbo-0613": ("2023-08", SUPERVISED),
    "gpt-3.5-turbo-1106": ("2023-11", SUPERVISED),
    "gpt-3.5-turbo-0125": ("2024-02", SUPERVISED),
    "gpt-4-0613": ("2023-11", SUPERVISED),
    "gpt-4o-mini-2024-07-18": ("2024-07", PREFERENCE),
    "gpt-4o-2024-08-06": ("2024-08", PREFERENCE),
    "gpt-4.1-2025-04-14": ("2025-04", PREFERENCE),
    "gpt-4.1-mini-2025-04-14": ("2025-04", PREFERENCE),
    "gpt-4.1-nano-2025-04-14": ("2025-05", PREFERENCE),
    "o4-mini-2025-04-16": ("2025-05", REINFORCEMENT),
}

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@cache
def catalogue() -> Mapping[str, Model]:
    """Return every known model by its id, whatever its retirement."""
    lines = resources.files(__package__).joinpath("models.txt").read_text("utf-8").splitlines()
    models = (_model(*line.split()) for line in lines if line and not line.startswith("#"))
    return MappingProxyType({model.id: model for model in models})


def _model(id: str, family: str, created: str, owner: str, *rest: str) -> Model:
    """Return the model of one line; its echo and its last day are optional."""
    days = [word for word in rest if _DAY.fullmatch(word)]
    snapshot = next((word for word in rest if word not in days), id)
    since, methods = TUNABLE.get(id) or TUNABLE.get(snapshot) or ("", ())
    return replace(
        FAMILIES[family],
        id=id,
        created=int(created),
        owned_by=owner,
        snapshot=snapshot,
        voice=snapshot,
        shutdown=days[0] if days else "",
        tunable=methods,
        tunable_since=since,
    )


def find(name: str, extra: Iterable[str] = ()) -> Model | None:
    """Return the model of exactly this id, one adopted for a name among `extra`, or None."""
    return catalogue().get(name) or (adopt(name) if name in extra else None)


def visible(extra: Iterable[str] = (), day: str | None = None) -> list[Model]:
    """Return what is served, the names of `extra` last; with a `day` (`YYYY-MM-DD`), without the retired."""
    known = [model for model in catalogue().values() if day is None or not model.retired(day)]
    return [*known, *(adopt(name) for name in dict.fromkeys(extra) if name not in catalogue())]


@lru_cache(maxsize=512)
def adopt(name: str) -> Model:
    """Return a model for a name that the catalogue does not know: it behaves as its name suggests.

    That is as gpt-4o-mini, unless the name is one of an embedding, moderation or legacy completion model.
    """
    small = name.lower()
    if "embed" in small:
        family = "small"
    elif "moderation" in small:
        family = "moderation"
    elif small.startswith(("gpt-3.5-turbo-instruct", "text-davinci", "davinci", "babbage")):
        # Not every "instruct": elsewhere that word names models that chat.
        family = "instruct"
    else:
        family = "gpt-4o-mini"
    return replace(FAMILIES[family], id=name, created=1_686_935_002, owned_by="system", snapshot=name, voice=name)

"""The models: what each is, where it answers, and what it refuses. One line a model in `models.txt`.

A family (`FAMILIES`) holds what models share. Sources: chat.md §1, §2, §7, §9, §13, errors.md §4-§6,
embeddings.md §2, fine_tuning.md §10; windows and limits are the documented figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

O200K, CL100K = "o200k_base", "cl100k_base"

REASONING_REFUSES = frozenset({"stop", "logit_bias", "prediction", "max_tokens"})
PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
AUDIO_KEYS = frozenset({"modalities", "audio"})
REASONING_ONLY = frozenset({"reasoning_effort", "verbosity"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model. Token figures are counts; `created` is in Unix seconds."""

    id: str = ""
    created: int = 0
    owned_by: str = "system"
    snapshot: str = ""
    """What answers name as their `model`: an alias resolves to its dated snapshot."""
    kind: str = "chat"
    """The endpoint that takes it: chat, completion, embedding, moderation, responses, audio, image, realtime."""
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

    tunable: tuple[str, ...] = ()
    """The fine-tuning methods that it can be trained with."""

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
_GPT35 = replace(_OLD, context=16_385, json_object=True)
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
    only_default=frozenset({"temperature", "top_p"}),
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
    refuses=frozenset({"logit_bias", "prediction", "max_tokens"}),
    tools_overhead=0,
    text_overhead=13,
)
_GPT54 = replace(
    _REASONING,
    context=1_050_000,
    efforts=("none", "low", "medium", "high", "xhigh"),
    default_effort="none",
    only_default=frozenset(),
    text_overhead=3,
)
_GPT56 = replace(
    _GPT54,
    default_effort="medium",
    only_default=frozenset({"temperature", "top_p"}),
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

FAMILIES: Mapping[str, Model] = {
    "gpt-3.5": _GPT35,
    "gpt-3.5-4k": replace(_OLD, context=4_096),
    "gpt-3.5-tunable": replace(_GPT35, tunable=("supervised",)),
    "gpt-4": replace(_OLD, tunable=("supervised",)),
    "gpt-4-32k": replace(_OLD, context=32_768),
    "gpt-4-turbo": replace(_OLD, context=128_000, json_object=True, fingerprint=True),
    "gpt-4-turbo-vision": replace(_OLD, context=128_000, json_object=True, fingerprint=True, vision=True),
    "gpt-4o": replace(_GPT4O, limits=(10_000, 30_000_000), tunable=("supervised", "dpo")),
    "gpt-4o-first": replace(_GPT4O, max_output=4_096, json_schema=False),
    "gpt-4o-mini": replace(
        _GPT4O, limits=(30_000, 150_000_000), image_tokens=(2833, 5667), tunable=("supervised", "dpo")
    ),
    "gpt-4.1": replace(_GPT4O, context=1_047_576, max_output=32_768, tunable=("supervised", "dpo")),
    "gpt-4.5": replace(_GPT4O, fingerprint=False),
    "gpt-chat": replace(_GPT4O, tools=False, fingerprint=False),
    "gpt-audio": _AUDIO,
    "gpt-search": _SEARCH,
    "o1": replace(_O, efforts=("low", "medium", "high")),
    "o1-mini": replace(
        _O,
        context=128_000,
        max_output=65_536,
        efforts=(),
        tools=False,
        json_schema=False,
        refuses_roles=frozenset({"system", "developer"}),
    ),
    "o3-mini": replace(_O, fingerprint=True, vision=False),
    "o3": replace(_O, refuses=_O.refuses | {"stop"}),
    "o4-mini": replace(_O, refuses=_O.refuses | {"stop"}, tunable=("reinforcement",)),
    "gpt-5": _REASONING,
    "gpt-5.1": replace(_REASONING, efforts=("none", "low", "medium", "high"), default_effort="none"),
    "gpt-5.4": _GPT54,
    "gpt-5.6": _GPT56,
    "responses": _RESPONSES,
    "instruct": replace(_OLD, kind="completion", context=4_096),
    "davinci": replace(_OLD, kind="completion", context=16_384, max_output=16_384, tunable=("supervised",)),
    "ada": Model(kind="embedding", encoding=CL100K, context=8_192, dimensions=1536, limits=(10_000, 10_000_000)),
    "small": Model(
        kind="embedding",
        encoding=CL100K,
        context=8_192,
        dimensions=1536,
        shortens=True,
        limits=(10_000, 10_000_000),
    ),
    "large": Model(
        kind="embedding",
        encoding=CL100K,
        context=8_192,
        dimensions=3072,
        shortens=True,
        limits=(10_000, 10_000_000),
    ),
    "moderation": Model(kind="moderation", context=32_768),
    "text-moderation": Model(kind="moderation", context=32_768, encoding=CL100K),
    "audio": Model(kind="audio"),
    "image": Model(kind="image"),
    "realtime": Model(kind="realtime"),
}


@cache
def catalogue() -> Mapping[str, Model]:
    """Return every known model by its id."""
    models: dict[str, Model] = {}
    for line in resources.files(__package__).joinpath("models.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        id, family, created, owner, *snapshot = line.split()
        models[id] = replace(
            FAMILIES[family],
            id=id,
            created=int(created),
            owned_by=owner,
            snapshot=snapshot[0] if snapshot else id,
        )
    return models


def find(name: str) -> Model | None:
    """Return the model of this id, or None."""
    return catalogue().get(name)


@cache
def adopt(name: str) -> Model:
    """Return a model for a name that the catalogue does not know: it behaves as its name suggests."""
    if "embedding" in name:
        family = "small"
    elif "moderation" in name:
        family = "moderation"
    elif "instruct" in name or name in ("davinci", "babbage"):
        family = "instruct"
    else:
        family = "gpt-4o-mini"
    return replace(FAMILIES[family], id=name, created=1_686_935_002, owned_by="system", snapshot=name)

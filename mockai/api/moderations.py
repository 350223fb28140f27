"""Moderations (embeddings.md §3, other.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockai import admission
from mockai.call import Call, Json, Operation
from mockai.engine import moderation
from mockai.wire.errors import ApiError
from mockai.wire.schema import Anything as Any_
from mockai.wire.schema import Array, Map, Object, OneOf, Str, Tagged

DEFAULT_MODEL = "omni-moderation-latest"
MOST_IMAGES = 1
UNTOLD, FLAGGED_FROM = 1e-6, 0.5
"""Scores of a rule: of a category that it does not name, and from which on one is flagged."""

PART = Tagged(
    {
        "text": Object({"type": Str(), "text": Str()}, required=("text",)),
        "image_url": Object({"type": Str(), "image_url": Map(Any_())}, required=("image_url",)),
    }
)
CREATE = Object(
    {"input": OneOf(Str(), Array(OneOf(Str(), PART), min_length=1, of="strings")), "model": Str()},
    required=("input",),
)


def create(call: Call) -> Json:
    """Classify a text, each of several texts, or one message of typed parts."""
    name = call.body.get("model") or DEFAULT_MODEL
    model = admission.find(call, name)
    if model is None or (model.kind != "moderation" and call.settings.validate == "api"):
        # Shown for chat and embeddings only; for moderations it is inferred.
        text = f"The model `{name}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found")
    omni = not model.id.startswith("text-")
    identifier = call.ids.decimal("modr-") if omni else call.ids.completion("modr-", call.created)
    results = _results(call.body["input"], omni)
    if call.rule is not None and call.rule.moderation is not None:
        for result in results:
            _tell(result, call.rule.moderation)
    return {"id": identifier, "model": model.snapshot, "results": results}


def _tell(result: Json, scores: Mapping[str, float]) -> None:
    """Replace scores by those of a rule; what it does not name scores next to nothing."""
    for category in result["category_scores"]:
        result["category_scores"][category] = scores.get(category, UNTOLD)
        result["categories"][category] = scores.get(category, UNTOLD) >= FLAGGED_FROM
    result["flagged"] = any(result["categories"].values())


def _results(given: Any, omni: bool) -> list[Json]:
    if isinstance(given, str):
        return [moderation.result(given, omni=omni)]
    parts = [entry for entry in given if isinstance(entry, dict)]
    if not parts:
        return [moderation.result(text, omni=omni) for text in given]
    images = sum(part["type"] == "image_url" for part in parts)
    if images > MOST_IMAGES:
        text = f"Number of images ({images}) exceeds maximum of {MOST_IMAGES}"
        raise ApiError(400, text, param="input", code="too_many_images")
    texts = [part["text"] for part in parts if part["type"] == "text"]
    texts += [entry for entry in given if isinstance(entry, str)]
    return [moderation.result("\n".join(texts) if texts else None, images=images, omni=omni)]


OPERATIONS = (Operation("POST", "/moderations", create, "moderations.create", body=CREATE),)

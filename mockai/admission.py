"""Which model a call gets: looked up before the body is checked, with the refusals of errors.md §5 and §6."""

from __future__ import annotations

import logging

from mockai import tuned
from mockai.call import Call
from mockai.engine import catalogue
from mockai.engine.catalogue import Model
from mockai.wire import errors
from mockai.wire.errors import ApiError

log = logging.getLogger("mockai")

# What a model of another kind is told, by the endpoint's kind and the model's.
WRONG_KIND = {
    ("chat", "completion"): (
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
        "Did you mean to use v1/completions?"
    ),
    ("chat", "responses"): "This model is only supported in v1/responses and not in v1/chat/completions.",
    ("completion", "chat"): (
        "This is a chat model and not supported in the v1/completions endpoint. "
        "Did you mean to use v1/chat/completions?"
    ),
}


def admit(call: Call, kind: str) -> None:
    """Set `call.model` for an endpoint of a kind of models: chat, completion or embedding.

    Raises the API's 400, or 404 for a model that it does not have.
    """
    name = call.body.get("model")
    if name is None or name == "":
        raise ApiError(400, errors.NO_MODEL)
    if not isinstance(name, str):
        raise errors.not_json()
    model = catalogue.catalogue().get(name) or find(call, name)
    if model is None:
        log.warning("unknown model %r: --model %s serves it, --any-model serves every name", name, name)
        text = f"The model `{name}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found")
    if model.kind != kind and call.settings.validate == "api":
        raise _wrong_kind(kind, model)
    call.model = model


def _wrong_kind(kind: str, model: Model) -> ApiError:
    if kind == "embedding":
        return ApiError(403, "You are not allowed to generate embeddings from this model")
    text = WRONG_KIND.get((kind, model.kind))
    if text is not None:
        return ApiError(404, text, param="model")
    # No source shows what a model is told that neither chats nor completes; this follows the unknown one.
    text = f"The model `{model.id}` does not exist or you do not have access to it."
    return ApiError(404, text, code="model_not_found")


def find(call: Call, name: str) -> Model | None:
    """Return the model of this name as the call's tenant sees it, or None."""
    model = catalogue.catalogue().get(name) or tuned.find(call, name)
    if model is not None:
        return model
    settings = call.settings
    if settings.any_model or name in settings.models or settings.missing == "phantom":
        return catalogue.adopt(name)
    return None

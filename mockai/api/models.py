"""Models: list, retrieve, delete."""

from __future__ import annotations

from mockai import admission, tuned
from mockai.call import Call, Json, Operation
from mockai.engine import catalogue
from mockai.wire.errors import ApiError


def list_(call: Call) -> Json:
    """Return every model, the caller's own last: `{object, data}`, no cursors."""
    models = [*catalogue.visible(call.settings.models), *tuned.visible(call)]
    return {"object": "list", "data": [dict(model.shown) for model in models]}


def retrieve(call: Call) -> Json:
    """Return one model, or the API's 404."""
    model = admission.find(call, call.path["model"])
    if model is None:
        raise _unknown(call.path["model"])
    return dict(model.shown)


def delete(call: Call) -> Json:
    """Delete a fine-tuned model. A base model is not the caller's: the text of that refusal is unverified."""
    name = call.path["model"]
    model = admission.find(call, name)
    if model is None:
        raise _unknown(name)
    if tuned.delete(call, name) or call.settings.missing == "phantom":
        return {"id": name, "object": "model", "deleted": True}
    text = "You have insufficient permissions for this operation. You need to be in the Owner role."
    raise ApiError(403, text)


def _unknown(name: str) -> ApiError:
    return ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")


OPERATIONS = (
    Operation("GET", "/models", list_, "models.list"),
    Operation("GET", "/models/{model}", retrieve, "models.retrieve"),
    Operation("DELETE", "/models/{model}", delete, "models.delete"),
)

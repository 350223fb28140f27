"""The models that assistants can use: those that the API's reference lists for them (assistants.md §9.5)."""

from __future__ import annotations

import re

from mockai import admission
from mockai.api.assistants import beta
from mockai.call import Call
from mockai.engine import catalogue
from mockai.wire.errors import ApiError

USABLE = frozenset(
    {
        *("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3-mini", "o1"),
        *("gpt-4o", "gpt-4o-mini", "gpt-4.5-preview"),
        *("gpt-4-turbo", "gpt-4-turbo-preview", "gpt-4-0125-preview", "gpt-4-1106-preview", "gpt-4-vision-preview"),
        "gpt-4-1106-vision-preview",
        *("gpt-4", "gpt-4-0314", "gpt-4-0613", "gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"),
        *("gpt-3.5-turbo", "gpt-3.5-turbo-16k", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0125"),
        "gpt-3.5-turbo-16k-0613",
    }
)
"""Without the dates of snapshots."""
OF_VERSION_1 = ("gpt-3.5-turbo", "gpt-4-")
"""How the models that version 1 could use begin, beside gpt-4 itself."""
MIGRATION = "https://platform.openai.com/docs/assistants/migration"
_DATE = re.compile(r"-\d{4}-\d\d-\d\d$")


def check(call: Call, name: str) -> None:
    """Raise the refusal of a model that does not exist, or that the version of the call cannot use."""
    if call.settings.missing == "phantom":
        return
    model = admission.find(call, name)
    if model is None:
        raise ApiError(400, f"The requested model '{name}' does not exist.", param="model", code="model_not_found")
    weights = model.base or model.id
    if call.settings.validate != "api" or catalogue.find(weights) is None:
        return  # a name that this server was told to serve is good for everything
    plain = _DATE.sub("", weights)
    refused = f"The requested model '{name}' cannot be used with the Assistants API"
    if plain not in USABLE:
        raise ApiError(400, f"{refused}.", param="model", code="unsupported_model")
    if beta.version(call) == 1 and plain != "gpt-4" and not plain.startswith(OF_VERSION_1):
        text = f"{refused} in v1. Follow the migration guide to upgrade to v2: {MIGRATION}."
        raise ApiError(400, text, param="model", code="unsupported_model")

"""The header with which clients ask for what the API had in beta (assistants.md §9.1)."""

from __future__ import annotations

from mockai.call import Call
from mockai.wire.errors import ApiError

MISSING = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
    "Please try again by setting the header 'OpenAI-Beta: assistants=v{version}'."
)


def asked(call: Call) -> list[str]:
    """Return what the header asks for: `assistants=v2`."""
    return [value.strip() for value in (call.header("openai-beta") or "").split(",")]


def missing(version: int) -> ApiError:
    """Return the refusal of a request without the header of an API that has this version."""
    return ApiError(400, MISSING.format(version=version), code="invalid_beta")

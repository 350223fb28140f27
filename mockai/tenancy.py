"""Who is calling: an API key becomes an organization, a project and a tenant.

The tenant is the key's project, divided further by `X-Test-Id`: two keys never see each other's objects.
Source of texts and headers: errors.md §2.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from mockai.call import Operation
from mockai.settings import KeyOwner
from mockai.wire import errors
from mockai.wire.errors import ApiError
from mockai.wire.ids import BASE62

CHALLENGE = {"www-authenticate": 'Bearer realm="OpenAI API"'}

# What a call without a key is told, by route; every other route answers NO_BEARER_OR_BASIC.
NO_KEY = {
    "POST /chat/completions": errors.NO_KEY_CHAT,
    "POST /completions": errors.NO_KEY_CHAT,
    "POST /embeddings": errors.NO_KEY_CHAT,
    "GET /models": errors.NO_BEARER,
    "GET /models/{model}": errors.NO_BEARER,
}
# Routes that a proxy refuses by itself: no challenge and no openai-* headers on their 401.
EDGE_ROUTES = frozenset({"POST /chat/completions", "POST /completions", "POST /embeddings"})

_CACHE_SIZE = 4096
_CREDENTIALS = (b"authorization", b"api-key", b"openai-organization", b"openai-project", b"x-test-id")


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a call."""

    organization: str
    project: str
    tenant: str


class Tenancy:
    """Turns credentials into an `Identity`. Without a key list every non-empty key is welcome."""

    def __init__(self, keys: Mapping[str, KeyOwner]) -> None:
        """Take the known keys, or none."""
        self._keys = keys
        self._seen: dict[tuple[bytes, ...], Identity] = {}

    def identify(self, operation: Operation, headers: Mapping[bytes, bytes]) -> Identity:
        """Return whose call this is. Raises the API's 401 for a missing or wrong key or a mismatch."""
        credentials = _credentials(headers)
        known = self._seen.get(credentials)
        if known is not None:
            return known
        identity = self._identify(operation.route, credentials)
        if len(self._seen) >= _CACHE_SIZE:
            self._seen.clear()
        self._seen[credentials] = identity
        return identity

    def known(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return whose call this is, or None where its credentials would be refused."""
        try:
            return self._identify("", _credentials(headers))
        except ApiError:
            return None

    def _identify(self, route: str, credentials: tuple[bytes, ...]) -> Identity:
        authorization, api_key, organization, project, test_id = (value.decode("latin-1") for value in credentials)
        key = _bearer(authorization) or api_key
        if not key:
            text = NO_KEY.get(route, errors.NO_BEARER_OR_BASIC)
            raise ApiError(401, text, headers={} if route in EDGE_ROUTES else CHALLENGE)
        owner = self._keys.get(key) if self._keys else KeyOwner("mockai", _project_of(key))
        if owner is None:
            error = errors.wrong_key(key)
            error.headers = {} if route in EDGE_ROUTES else dict(CHALLENGE)
            raise error
        if self._keys and organization and organization != owner.organization:
            text = "OpenAI-Organization header should match organization for API key"
            raise ApiError(401, text, code="mismatched_organization")
        if self._keys and project and project != owner.project:
            raise ApiError(401, "OpenAI-Project header should match project for API key", code="mismatched_project")
        tenant = f"{owner.project}/{test_id}" if test_id else owner.project
        return Identity(owner.organization, owner.project, tenant)


def _credentials(headers: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(headers.get(name, b"") for name in _CREDENTIALS)


def _bearer(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except ValueError:  # no base64, or not even ASCII
        return ""


def _project_of(key: str) -> str:
    digest = hashlib.blake2b(key.encode(), digest_size=24).digest()
    return "proj_" + "".join(BASE62[byte % 62] for byte in digest)

"""The version of the API that a call asks for, and what is refused before its body (assistants.md §2, §9.1)."""

from __future__ import annotations

from collections.abc import Callable

from mockai import beta
from mockai.api.assistants import faults_v1
from mockai.call import Call
from mockai.wire.errors import ApiError
from mockai.wire.schema import Node

NO_FIRST = (
    "The v1 Assistants API has been deprecated. Please try again by setting the header 'OpenAI-Beta: assistants=v2'. "
    "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration."
)
FIRST_ONLY = (
    "The v1 Assistants API has been deprecated. "
    "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration."
)
SECOND, ONLY_SECOND = "2024-04-17", "2024-12-18"
"""The days on which the API had its second version, and lost its first one."""
PREFIXES = {"assistant_id": "asst", "thread_id": "thread", "message_id": "msg", "run_id": "run", "step_id": "step"}


def version(call: Call) -> int:
    """Return 1 or 2."""
    return 1 if "assistants=v1" in beta.asked(call) else 2


def admit(call: Call) -> None:
    """Refuse a call without the header, one of a version of another time, and ids in its path that cannot be such."""
    day = call.settings.as_of
    first_only = day is not None and day < SECOND
    known = {"assistants=v1"} if first_only else {"assistants=v1", "assistants=v2"}
    if not known.intersection(beta.asked(call)):
        raise beta.missing(1 if first_only else 2)
    if day is not None and day >= ONLY_SECOND and version(call) == 1:
        raise ApiError(400, NO_FIRST, code="invalid_beta")
    if call.settings.missing == "error" and version(call) == 2:
        if call.operation.body is not None:  # what is wrong with it is told first: a thread named `messages` (§9.4)
            call.operation.body.check(call.body, "")
        for name, id in call.path.items():
            check_prefix(name, id, PREFIXES.get(name, ""))


def admit_first(call: Call) -> None:
    """Refuse what `admit` refuses, and every call of another version: only the first one had this."""
    try:
        admit(call)
    except ApiError as error:
        if error.message != NO_FIRST:
            raise
        raise ApiError(400, FIRST_ONLY) from None
    if version(call) == 2:
        raise ApiError(400, FIRST_ONLY)


def check_prefix(path: str, id: str, prefix: str) -> None:
    """Raise the fault of an id that begins otherwise."""
    if not id.startswith(prefix):
        text = f"Invalid '{path}': '{id}'. Expected an ID that begins with '{prefix}'."
        raise ApiError(400, text, param=path, code="invalid_value")


def admitting(first: Node, admitted: Callable[[Call], None] = admit) -> Callable[[Call], None]:
    """Return an `admit` that has the body of a call of version 1 checked against `first`."""

    def admit_either(call: Call) -> None:
        admitted(call)
        if version(call) == 1:
            kind = call.header("content-type") or "json"
            if not call.body and "json" not in kind.lower() and call.header("content-length") != "0":
                raise faults_v1.refusal(((), faults_v1.NO_DICT))
            call.schema = first.relaxed() if call.settings.validate == "schema" else first

    return admit_either

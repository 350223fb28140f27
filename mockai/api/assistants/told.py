"""What rules say of the turns of runs: in place of what the engine would do, or of how it would end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockai.api.assistants.story import ERRORS
from mockai.call import Call, Json
from mockai.engine import runs
from mockai.engine.runs import LAST, Turn

if TYPE_CHECKING:
    from mockai.rules.rule import Failure
    from mockai.rules.ruleset import Claim

ENDPOINT = "runs"


def claim(call: Call, turn: Turn) -> Claim | None:
    """Return the rule that a turn meets, as a chat request, and have the turn follow it."""
    rules = call.host.rules
    claimed = None if rules is None else rules.claim(call, ENDPOINT, turn.body)
    if claimed is not None:
        turn.told, turn.forced = claimed.response, turn.forced or claimed.response.event
    return claimed


def give_back(call: Call, claimed: Claim | None) -> None:
    """Undo a claim: another process has told the turn."""
    if claimed is not None and call.host.rules is not None:
        call.host.rules.give_back(call, claimed)


def script(call: Call, turn: Turn, claimed: Claim | None) -> Json:
    """Return what a turn does, with a rule or without."""
    rules = call.host.rules
    if claimed is None and rules is not None and rules.strict:
        from mockai.rules.replies import unmatched  # rules are loaded where there are some

        return failed("server_error", unmatched(rules, call, ENDPOINT, turn.body).message)
    if claimed is not None and claimed.response.error is not None:
        return failed(*_cause(claimed.response.error))
    made = runs.script(turn)
    if made["error"] is not None:
        made["error"] = {"code": made["error"], "message": ERRORS[made["error"]]}
    if claimed is not None and made["acts"]:
        _count(made["acts"], dict(claimed.response.usage))
    return made


def failed(code: str, message: str) -> Json:
    """Return the script of a turn that fails before it does anything."""
    error = {"code": code, "message": message}
    return {"acts": [], "end": "fail", "reason": None, "error": error, "ticks": 0, "seconds": LAST}


def _cause(error: Failure) -> tuple[str, str]:
    """Return code and message of an error as a run shows them: it knows three codes."""
    if error.status == 429:
        return "rate_limit_exceeded", error.message
    return "invalid_prompt" if error.status == 400 else "server_error", error.message


def _count(acts: list[Json], told: Json) -> None:
    """Let the usage of a run add up to what is told: its last step makes up the rest."""
    *before, last = (act["usage"] for act in acts)
    for name in ("prompt", "completion"):
        whole = told.get(f"{name}_tokens")
        if type(whole) is int:
            last[name] = max(0, whole - sum(usage[name] for usage in before))

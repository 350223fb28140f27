"""Run steps: list and retrieve; their lives are those of their run (assistants.md §4, §5.2)."""

from __future__ import annotations

from mockai.api.assistants import beta, lists, phantom_runs, runs
from mockai.api.assistants.objects import STEP
from mockai.api.assistants.shapes import step_of
from mockai.call import Call, Json, Operation
from mockai.wire.errors import ApiError


def list_(call: Call) -> Json:
    """Return the steps of a run, newest first unless `order` says otherwise."""
    include, version = runs.included(call), beta.version(call)
    record = runs.find(call)
    return lists.page(call, STEP, "run step", lambda step: step_of(step, version, include), parent=record["id"])


def retrieve(call: Call) -> Json:
    """Return one step."""
    include = runs.included(call)
    record, id = runs.find(call), call.path["step_id"]
    step = call.store.get(call.tenant, STEP, id)
    if step is None or step["run_id"] != record["id"]:
        if call.settings.missing == "phantom":
            return phantom_runs.step(call, record["shown"], id)
        raise ApiError(404, f"No run step found with id '{id}'.")
    return step_of(step, beta.version(call), include)


def _heavy(call: Call) -> bool:
    """A turn may be planned first."""
    return True


OPERATIONS = tuple(
    Operation(
        "GET", path, handler, f"beta.threads.runs.steps.{name}", admit=beta.admit, weigh=_heavy, liveness="retired"
    )
    for path, handler, name in (
        ("/threads/{thread_id}/runs/{run_id}/steps", list_, "list"),
        ("/threads/{thread_id}/runs/{run_id}/steps/{step_id}", retrieve, "retrieve"),
    )
)

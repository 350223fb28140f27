"""Which projects may use a checkpoint (fine_tuning.md §1). The texts of the refusals are unverified."""

from __future__ import annotations

from mockai import admission
from mockai.call import Call, Json, Operation
from mockai.store import UnknownCursorError
from mockai.wire import errors, pages
from mockai.wire.errors import ApiError
from mockai.wire.schema import Array, Object, Str

KIND = "checkpoint.permission"
CREATE = Object({"project_ids": Array(Str(), min_length=1, of="strings")}, required=("project_ids",))
ORDERS = {"ascending": "asc", "descending": "desc"}


def _checkpoint(call: Call) -> str:
    name = call.path["fine_tuned_model_checkpoint"]
    model = admission.find(call, name)
    if model is None or (not model.base and call.settings.missing != "phantom"):
        raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return name


def create(call: Call) -> Json:
    """Permit projects to use a checkpoint; a permission that exists stays as it is."""
    name = _checkpoint(call)
    made = []
    with call.store.transaction():
        for project in dict.fromkeys(call.body["project_ids"]):
            known = call.store.list(call.tenant, KIND, parent=name, limit=1, where={"project": project})
            permission = known[0] if known else _made(call, project)
            made.append(permission)
            if call.settings.missing != "phantom":
                call.store.put(call.tenant, KIND, permission, parent=name, tags={"project": project})
    return {"object": "list", "data": made, "has_more": False}


def _made(call: Call, project: str) -> Json:
    return {"id": call.ids.alnum("cp_"), "object": KIND, "created_at": call.created, "project_id": project}


def list_(call: Call) -> Json:
    """Return the permissions of a checkpoint, newest first unless `order` is ascending; `project_id` filters."""
    name = _checkpoint(call)
    asked = (call.query.get("order") or ["descending"])[0]
    if asked not in ORDERS:
        raise errors.bad_value("order", asked, tuple(ORDERS))
    page = pages.parse({**call.query, "order": [ORDERS[asked]]}, default=10)
    project = call.query.get("project_id")
    where = {"project": project[0]} if project else None

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant, KIND, parent=name, order=page.order, after=page.after, limit=limit, where=where
        )

    try:
        found, more = pages.fetch(page, read)
    except UnknownCursorError as cursor:
        if call.settings.missing != "phantom":
            raise _unknown(str(cursor)) from None
        found, more = [], False
    listed = pages.envelope(found, more)
    return {name: listed[name] for name in ("object", "data", "has_more", "first_id", "last_id")}


def _unknown(id: str) -> ApiError:
    return ApiError(404, f"No permission found with id '{id}'.", param="permission_id")


def delete(call: Call) -> Json:
    """Take a permission back."""
    _checkpoint(call)
    id = call.path["permission_id"]
    if not call.store.delete(call.tenant, KIND, id) and call.settings.missing != "phantom":
        raise _unknown(id)
    return {"id": id, "object": KIND, "deleted": True}


_PATH = "/fine_tuning/checkpoints/{fine_tuned_model_checkpoint}/permissions"
_NAME = "fine_tuning.checkpoints.permissions"

OPERATIONS = (
    Operation("POST", _PATH, create, f"{_NAME}.create", body=CREATE, liveness="restricted"),
    Operation("GET", _PATH, list_, f"{_NAME}.list", liveness="restricted"),
    Operation("DELETE", f"{_PATH}/{{permission_id}}", delete, f"{_NAME}.delete", liveness="restricted"),
)

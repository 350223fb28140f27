"""Files: create, list, retrieve, content, delete (files.md §1-§4)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from mockai import contents, retrieval
from mockai.call import Answer, Binary, Call, Json, Operation, Upload
from mockai.store import UnknownCursorError
from mockai.wire import codec, errors, pages
from mockai.wire.errors import ApiError

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
FIELDS = ("file", "purpose", "expires_after")
MEBIBYTE = 1024 * 1024
MOST, MOST_BATCH = 512 * MEBIBYTE, 200 * MEBIBYTE
"""Bytes of one file."""
LIFE = (3_600, 2_592_000)
"""Seconds that `expires_after` may ask for."""
NOT_DOWNLOADED = ("assistants", "user_data")
EXTENSIONS = (
    "c cpp css csv docx gif go html java jpeg jpg js json md pdf php pkl png pptx py rb tar tex ts txt webp xlsx "
    "xml zip"
).split()
PLAIN_RESULTS = "compiled_results.csv"
"""The results of the older fine-tunes."""
# What the first line of a file must be, by purpose, and the product that the text names.
LINES_OF = {"fine-tune": "Fine-Tuning", "batch": "Batch"}


def create(call: Call) -> Json:
    """Keep an uploaded file: the form has `file`, `purpose` and maybe `expires_after[anchor|seconds]`."""
    form = call.body
    part, purpose = _required(form)
    if call.settings.validate == "api":
        _check(part, purpose)
    seconds = _expiry(form.get("expires_after"))
    file = contents.made(call.ids, purpose, part.filename or "upload", created=call.created)
    if seconds is not None:
        file["expires_at"] = call.created + seconds
    return contents.add(call, file, part.chunks())


def _required(form: Json) -> tuple[Upload, str]:
    part, purpose = form.get("file"), form.get("purpose")
    if not isinstance(part, Upload):
        raise errors.required_property("file")
    if purpose is None:
        raise errors.required_property("purpose")
    unknown = [name for name in form if name not in FIELDS]
    if unknown:
        raise errors.additional_properties(unknown)
    if purpose not in PURPOSES:
        shown = purpose if isinstance(purpose, str) else "file"
        listed = ", ".join(f"'{name}'" for name in PURPOSES)
        raise ApiError(400, f"'{shown}' is not one of [{listed}] - 'purpose'", param="purpose")
    return part, purpose


def _check(part: Upload, purpose: str) -> None:
    if part.size == 0:
        raise ApiError(400, "File is empty.")
    if part.size > (MOST_BATCH if purpose == "batch" else MOST):
        raise ApiError(400, "File is too large.")
    extension = PurePath(part.filename).suffix[1:].lower()
    if purpose == "assistants" and extension and extension not in EXTENSIONS:
        supported = ", ".join(f'"{name}"' for name in EXTENSIONS)
        raise ApiError(400, f"Invalid extension {extension}. Supported formats: {supported}")
    if purpose in LINES_OF and not _is_json(next(contents.lines(part.chunks()), b"")):
        raise ApiError(400, f"Invalid file format for {LINES_OF[purpose]} API. Must be .jsonl")


def _is_json(line: bytes) -> bool:
    try:
        codec.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except codec.Fault:
        return False
    return True


def _expiry(asked: Any) -> int | None:
    """Return the seconds of `expires_after`. The texts of its faults follow those of other endpoints: unverified."""
    if asked is None:
        return None
    if not isinstance(asked, dict):
        raise errors.wrong_type("expires_after", "an object", asked)
    for name in ("anchor", "seconds"):
        if name not in asked:
            raise errors.missing(f"expires_after.{name}")
    if asked["anchor"] != "created_at":
        raise errors.bad_value("expires_after.anchor", str(asked["anchor"]), ("created_at",))
    try:
        seconds = int(asked["seconds"])
    except (TypeError, ValueError):
        raise errors.wrong_type("expires_after.seconds", "an integer", asked["seconds"]) from None
    if not LIFE[0] <= seconds <= LIFE[1]:
        side, bound = ("below", LIFE[0]) if seconds < LIFE[0] else ("above", LIFE[1])
        raise errors.out_of_range("expires_after.seconds", "integer", side, bound, seconds)
    return seconds


# --- reading back --------------------------------------------------------------------------------


def find(call: Call) -> Json:
    """Return the file that the path names. Raises the API's 404."""
    id = call.path["file_id"]
    file = contents.find(call, id)
    if file is None:
        if call.settings.missing == "phantom":
            return phantom(call, id)
        raise ApiError(404, f"No such File object: {id}", param="id")
    return file


def phantom(call: Call, id: str) -> Json:
    """Return a File object for an id that does not exist."""
    return {**contents.made(call.ids, "fine-tune", "phantom.jsonl", len(PHANTOM_CONTENT), call.created), "id": id}


PHANTOM_CONTENT = b"{}\n"


def content(call: Call) -> Answer:
    """Return the raw bytes; results of fine-tuning jobs come base64-encoded, as they do in life."""
    file = find(call)
    if file["purpose"] in NOT_DOWNLOADED:
        raise ApiError(400, f"Not allowed to download files of purpose: {file['purpose']}")
    chunks, size = call.store.read(call.tenant, file["id"]), file["bytes"]
    if chunks is None:
        chunks, size = iter([PHANTOM_CONTENT]), len(PHANTOM_CONTENT)
    if file["purpose"] == "fine-tune-results" and file["filename"] != PLAIN_RESULTS:
        encoded = base64.b64encode(b"".join(chunks))
        chunks, size = iter([encoded]), len(encoded)
    return Binary(chunks, size, filename=file["filename"])


def list_(call: Call) -> Json:
    """Return files, newest first unless `order` says otherwise; `purpose` filters. Expired ones are gone."""
    page = pages.parse(call.query, default=10_000, maximum=10_000)
    purpose = call.query.get("purpose")
    where = {"purpose": purpose[0]} if purpose else None

    def read(limit: int) -> list[Json]:
        return call.store.list(
            call.tenant, contents.KIND, order=page.order, after=page.after, limit=limit, where=where
        )

    while True:
        try:
            found, more = pages.fetch(page, read)
        except UnknownCursorError as cursor:
            if call.settings.missing != "phantom":
                raise ApiError(404, f"No such File object: {cursor}", param="after") from None
            found, more = [], False
        gone = [file for file in found if contents.expired(call, file)]
        if not gone:
            break
        for file in gone:
            contents.remove(call, file["id"])
    listed = pages.envelope(found, more)
    return {name: listed[name] for name in ("object", "data", "has_more", "first_id", "last_id")}


def delete(call: Call) -> Json:
    """Delete a file and its content; it goes out of every vector store."""
    file = find(call)
    retrieval.forget(call, file["id"])
    contents.remove(call, file["id"])
    return {"object": "file", "deleted": True, "id": file["id"]}


# --- what only these endpoints do ----------------------------------------------------------------


def _open(call: Call) -> None:
    """These endpoints may be called from any web page."""
    call.reply_headers["access-control-allow-origin"] = "*"


def _detailed(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    """Give the errors of these endpoints their second object, as recorded since May 2026."""

    def handle(call: Call) -> Answer:
        try:
            return handler(call)
        except ApiError as error:
            error.extra = {"detail": {"message": error.message, "code": error.code}}
            raise

    return handle


OPERATIONS = tuple(
    Operation(method, path, _detailed(handler), f"files.{name}", admit=_open, form=method == "POST")
    for method, path, handler, name in (
        ("POST", "/files", create, "create"),
        ("GET", "/files", list_, "list"),
        ("GET", "/files/{file_id}", find, "retrieve"),
        ("DELETE", "/files/{file_id}", delete, "delete"),
        ("GET", "/files/{file_id}/content", content, "content"),
    )
)

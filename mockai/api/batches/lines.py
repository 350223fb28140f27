"""The lines of a batch: what is wrong with one, what running one gives, and how the answers are written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from mockai import admission, contents
from mockai.call import Call, Json
from mockai.wire import codec
from mockai.wire.ids import Ids

MOST_LINES = MOST_INPUTS = 50_000
MOST_ERRORS = 1_000
"""Entries of `errors`; what lies beyond is not listed."""
FIELDS = ("custom_id", "method", "url", "body")
# The kind of model that an endpoint takes, and the parameter that holds what is asked.
ENDPOINTS = {
    "/v1/chat/completions": ("chat", "messages"),
    "/v1/completions": ("completion", None),
    "/v1/embeddings": ("embedding", None),
    "/v1/moderations": ("moderation", None),
}
KNOWN_ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/moderations")
"""What a batch may be created for; one for an endpoint that is not served here fails when it is validated."""

DUPLICATE = (
    "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for "
    "each request in a batch."
)
MISMATCH = (
    "The model '{}' for this request does not match the rest of the batch. Each batch must contain requests for a "
    "single model."
)
EMPTY = "The input file is empty. Please ensure that the batch contains at least one request."
UNRUN = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This request was not executed because the batch was cancelled.",
}
"""What is written for a line that never ran. The text of a cancelled one is unverified."""


def fault(code: str, message: str, param: str | None = None, line: int | None = None) -> Json:
    """Return one entry of a batch's `errors`; `line` counts from 1."""
    return {"code": code, "message": message, "param": param, "line": line}


@dataclass(slots=True)
class Check:
    """The validation of a file, which may go on in several slices."""

    endpoint: str
    offset: int = 0
    line: int = 0
    inputs: int = 0
    model: str | None = None
    seen: set[str] = field(default_factory=set)
    errors: list[Json] = field(default_factory=list)
    done: bool = False

    def go_on(self, call: Call, file_id: str, over: Any) -> None:
        """Look at lines until the time is over or the file is."""
        if self.endpoint not in ENDPOINTS:
            text = f"This server does not serve {self.endpoint}."
            self.errors.append(fault("unsupported_endpoint", text, "endpoint"))
            self.done = True
            return
        for line in contents.lines(call.store.read(call.tenant, file_id, self.offset) or ()):
            self.offset += len(line)
            self.line += 1
            found = self._fault(call, line)
            if found is not None and len(self.errors) < MOST_ERRORS:
                self.errors.append({**found, "line": self.line})
            if self.line % 32 == 0 and over():
                return
        self.done = True
        if self.line == 0:
            self.errors.append(fault("empty_file", EMPTY))
        if self.line > MOST_LINES or self.inputs > MOST_INPUTS:  # the API's own text is not known
            text = f"The input file has more than {MOST_LINES} requests. Please split it into several batches."
            self.errors.append(fault("too_many_requests", text))

    def _fault(self, call: Call, line: bytes) -> Json | None:
        try:
            request = codec.loads(line)
        except codec.Fault:
            request = None
        if not isinstance(request, dict):
            return fault("invalid_json_line", "This line is not parseable as valid JSON.")
        for name in FIELDS:
            if request.get(name) is None:
                return fault("missing_required_parameter", f"Missing required parameter: '{name}'.", name)
        custom_id = str(request["custom_id"])
        if custom_id in self.seen:
            return fault("duplicate_custom_id", DUPLICATE, "custom_id")
        self.seen.add(custom_id)
        if request["method"] != "POST":  # the API's own text is not known
            return fault("invalid_method", "The HTTP method of this request is not supported. Use POST.", "method")
        if request["url"] != self.endpoint:
            return fault("invalid_url", "The URL provided for this request does not match the batch endpoint.", "url")
        return self._body_fault(call, request["body"])

    def _body_fault(self, call: Call, body: Any) -> Json | None:
        kind, asked = ENDPOINTS[self.endpoint]
        name = body.get("model") if isinstance(body, dict) else None
        if name is None and kind == "moderation" and isinstance(body, dict):
            name = "omni-moderation-latest"
        if not isinstance(name, str) or name == "":
            return fault("invalid_request", "Model parameter is required.", "body.model")
        if asked is not None and body.get(asked) is None:
            return fault("invalid_request", f"{asked.capitalize()} parameter is required.", f"body.{asked}")
        if kind == "chat" and body.get("stream"):
            text = "Chat Completions: Streaming is not supported in the Batch API."
            return fault("streaming_unsupported", text, "body.stream")
        if self.model is None:
            model = admission.find(call, name)
            if model is None or model.kind != kind:
                text = f"The provided model '{name}' is not supported by the Batch API."
                return fault("model_not_found", text, "body.model")
            self.model = name
        elif name != self.model:
            return fault("mismatched_model", MISMATCH.format(name), "body.model")
        given = body.get("input")
        self.inputs += len(given) if kind == "embedding" and isinstance(given, list) else 1
        return None


# --- running -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """What one line came to: its line of the output or of the error file, and what it used."""

    row: bytes
    good: bool
    counted: bool = True
    """Whether it counts as completed or failed: a line that never ran does neither."""
    usage: Json | None = None


def run(call: Call, batch_id: str, at: int, line: bytes, now: float) -> Outcome:
    """Send the request of line `at` (from 0) through its operation."""
    request = codec.loads(line)
    ids = Ids(call.settings.seed, f"{call.tenant}/{batch_id}/{at}", count().__next__)
    path: str = request["url"].removeprefix("/v1")
    body = request["body"]
    status, answer = call.host.perform(call, path, body, ids, now)
    response = {"status_code": status, "request_id": ids.hex(), "body": answer}
    row = _row(ids, request["custom_id"], response, None)
    return Outcome(row, status == 200, usage=answer.get("usage") if status == 200 else None)


def write_off(call: Call, batch_id: str, at: int, line: bytes, code: str) -> Outcome:
    """Return the error line of a request that never ran."""
    ids = Ids(call.settings.seed, f"{call.tenant}/{batch_id}/{at}", count().__next__)
    error = {"code": code, "message": UNRUN[code]}
    return Outcome(_row(ids, codec.loads(line)["custom_id"], None, error), good=False, counted=False)


def _row(ids: Ids, custom_id: str, response: Json | None, error: Json | None) -> bytes:
    row = {"id": ids.hex("batch_req_"), "custom_id": custom_id, "response": response, "error": error}
    return codec.dumps_spaced(row).encode() + b"\n"


def add_usage(total: Json, used: Json | None) -> None:
    """Add the usage of one answer, whatever its endpoint calls it, to that of the batch."""
    if used is None:
        return
    taken, given = used.get("prompt_tokens", 0), used.get("completion_tokens", 0)
    total["input_tokens"] += taken
    total["output_tokens"] += given
    total["total_tokens"] += used.get("total_tokens", taken + given)
    cached = (used.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    total["input_tokens_details"]["cached_tokens"] += cached
    reasoned = (used.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    total["output_tokens_details"]["reasoning_tokens"] += reasoned


def read_from(call: Call, file_id: str, offset: int) -> Iterator[bytes] | None:
    """Return the lines of a file from a byte on, or None when it is gone."""
    chunks = call.store.read(call.tenant, file_id, offset)
    return None if chunks is None else contents.lines(chunks)

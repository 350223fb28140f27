"""The faults, one a line."""

from typing import Any

from tests.mutants.faults import Mutant, alter, body, drop, instead, patch, put, status, stream

CHAT = "chat.completions.create"
EMBED = "embeddings.create"
RUN, BOTH = "beta.threads.runs.create", "beta.threads.create_and_run"


def _swap(whole: Any) -> None:
    whole["data"].reverse()


def _stale(real: Any, call: Any) -> Any:
    """Answer an update without keeping it."""
    with_body, call.body = call.body, {}
    answer = dict(real(call))
    call.body = with_body
    return {**answer, "metadata": call.body.get("metadata", answer.get("metadata"))}


def _plus(number: Any) -> Any:
    return number + 1 if isinstance(number, int) else number


def _kept(real: Any, call: Any) -> Any:
    """Say deleted, and delete nothing."""
    store, call.store = call.store, _Forgetful(call.store)
    try:
        return real(call)
    finally:
        call.store = store


class _Forgetful:
    """A store that deletes nothing."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return (lambda *_, **__: True) if name in ("delete", "discard") else getattr(self.store, name)


def _page_late(old: Any) -> Any:
    return lambda page, read: (lambda found: (found[0][1:] or found[0], found[1]))(old(page, read))


def _page_short(old: Any) -> Any:
    return lambda page, read: (old(page, read)[0], False)


def _page_long(old: Any) -> Any:
    return lambda page, read: (list(read(page.limit + 1)), False)


def _always(old: Any) -> Any:
    return lambda *_: True


MUTANTS: tuple[Mutant, ...] = (
    # chat
    drop(CHAT, "usage"),
    drop(CHAT, "id"),
    drop(CHAT, "system_fingerprint"),
    drop(CHAT, "choices.*.finish_reason"),
    drop(CHAT, "choices.*.message.role"),
    drop(CHAT, "choices.*.message.refusal"),
    drop(CHAT, "choices.*.message.annotations"),
    drop(CHAT, "choices.*.logprobs"),
    put(CHAT, "object", "completion"),
    put(CHAT, "created", "yesterday"),
    put(CHAT, "id", "chatcmpl-1"),
    put(CHAT, "model", "other"),
    put(CHAT, "choices.*.index", 0),
    put(CHAT, "choices.*.finish_reason", "done"),
    put(CHAT, "choices.*.message.role", "user"),
    put(CHAT, "choices.*.message.content", "Always the same."),
    put(CHAT, "choices.*.message.tool_calls.*.id", "1"),
    put(CHAT, "choices.*.message.tool_calls.*.function.arguments", "{"),
    alter(CHAT, "usage.total_tokens", "a total that does not add up", _plus),
    alter(CHAT, "usage.prompt_tokens", "one token too many", _plus),
    alter(CHAT, "choices.*.logprobs.content.*.logprob", "log probabilities above 0", abs),
    alter(CHAT, "choices.*.logprobs.content", "a token of the logprobs is missing", lambda old: old and old[1:]),
    alter(CHAT, "choices.*.logprobs.content.*.top_logprobs", "one alternative is missing", lambda old: old[1:]),
    alter(CHAT, "choices", "choices in the wrong order", lambda old: old[::-1]),
    alter(CHAT, "choices", "one choice too few", lambda old: old[:1]),
    status(CHAT, 422),
    stream(CHAT, "no [DONE]", lambda parts: None, done=None),
    stream(CHAT, "no role", lambda parts: parts.pop(0)),
    stream(CHAT, "no end", lambda parts: parts.pop()),
    stream(CHAT, "in the wrong order", lambda parts: parts.reverse()),
    stream(CHAT, "the reason on every chunk", lambda parts: [_finish(part) for _, part in parts]),
    stream(
        CHAT, "another id on each chunk", lambda parts: [part.update(id=str(n)) for n, (_, part) in enumerate(parts)]
    ),
    stream(CHAT, "usage that was not asked for", lambda parts: [part.setdefault("usage", None) for _, part in parts]),
    stream(CHAT, "another content type", lambda parts: None, content_type="application/json"),
    body("chat.completions.list", "nothing is listed", lambda whole: whole["data"].clear()),
    instead("chat.completions.update", "nothing is kept", _stale),
    put("chat.completions.delete", "deleted", False),
    instead("chat.completions.delete", "nothing is deleted", _kept),
    body("chat.completions.messages.list", "the answer counts as a message", lambda whole: whole["data"].append({})),
    # texts
    drop("completions.create", "usage"),
    put("completions.create", "choices.*.index", 0),
    put("completions.create", "model", "other"),
    stream("completions.create", "no [DONE]", lambda parts: None, done=None),
    status("completions.create", 500),
    alter(
        EMBED,
        "data.*.embedding",
        "vectors that are too long",
        lambda old: [2 * x for x in old] if isinstance(old, list) else old,
    ),
    alter(EMBED, "data.*.embedding", "a dimension is missing", lambda old: old[1:] if isinstance(old, list) else old),
    alter(EMBED, "usage.total_tokens", "a total that does not add up", _plus),
    put(EMBED, "data.*.index", 0),
    body(EMBED, "in the wrong order", _swap),
    status(EMBED, 422),
    put("moderations.create", "results.*.flagged", True),
    drop("moderations.create", "results.*.categories"),
    put("moderations.create", "model", "other"),
    status("moderations.create", 403),
    body("models.list", "nothing is listed", lambda whole: whole["data"].clear()),
    put("models.retrieve", "created", 0),
    status("models.delete", 403),
    # files and uploads
    drop("files.create", "status"),
    put("files.create", "bytes", 0),
    put("files.create", "object", "document"),
    put("files.create", "purpose", "vision"),
    status("files.create", 422),
    body("files.list", "in the wrong order", _swap),
    put("files.retrieve", "filename", "other"),
    status("files.retrieve", 410),
    put("files.delete", "deleted", False),
    instead("files.delete", "nothing is deleted", _kept),
    put("uploads.create", "expires_at", 0),
    put("uploads.create", "status", "completed"),
    put("uploads.complete", "status", "pending"),
    drop("uploads.complete", "file"),
    put("uploads.cancel", "status", "pending"),
    # batches
    put("batches.create", "status", "in_progress"),
    put("batches.create", "expires_at", 0),
    put("batches.retrieve", "metadata", None),
    put("batches.retrieve", "request_counts.completed", 1),
    body("batches.list", "nothing is listed", lambda whole: whole["data"].clear()),
    status("batches.cancel", 400),
    # fine-tunes
    drop("fine_tunes.create", "hyperparams"),
    put("fine_tunes.create", "model", "davinci"),
    body("fine_tunes.list", "nothing is listed", lambda whole: whole["data"].clear()),
    put("fine_tunes.retrieve", "status", "cancelled"),
    body("fine_tunes.list_events", "in the wrong order", lambda whole: whole["data"].reverse()),
    status("fine_tunes.cancel", 409),
    # the machinery
    patch("mockai.wire.pages:fetch", "files", "pages begin one late", _page_late),
    patch("mockai.wire.pages:fetch", "files", "no page follows", _page_short),
    patch("mockai.wire.pages:fetch", "files", "pages are one too long", _page_long),
    # assistants
    drop("beta.assistants.create", "instructions"),
    put("beta.assistants.create", "object", "bot"),
    put("beta.assistants.retrieve", "name", "other"),
    instead("beta.assistants.delete", "nothing is deleted", _kept),
    put("beta.threads.create", "object", "conversation"),
    put("beta.threads.retrieve", "metadata", {"k": "other"}),
    instead("beta.threads.delete", "nothing is deleted", _kept),
    put("beta.threads.messages.create", "role", "user"),
    put(RUN, "status", "completed"),
    drop(RUN, "required_action"),
    put("beta.threads.runs.retrieve", "status", "in_review"),
    put("beta.threads.runs.retrieve", "completed_at", None),
    stream(BOTH, "a skipped state", lambda parts: parts.pop(2)),
    stream(BOTH, "no [DONE]", lambda parts: None, done=None),
    body("beta.threads.runs.steps.list", "nothing is listed", lambda whole: whole["data"].clear()),
    put("beta.threads.runs.cancel", "status", "in_progress"),
    # vector stores
    drop("vector_stores.create", "file_counts"),
    put("vector_stores.create", "status", "expired"),
    body("vector_stores.search", "the worst first", _swap),
    put("vector_stores.files.create", "status", "failed"),
    status("vector_stores.retrieve", 400),
    instead("vector_stores.delete", "nothing is deleted", _kept),
    body("vector_stores.search", "nothing is found", lambda whole: whole["data"].clear()),
    put("vector_stores.search", "data.*.score", 2.0),
    put("vector_stores.search", "search_query", "other"),
    put("vector_stores.search", "data.*.filename", "other"),
    put("vector_stores.update", "name", "other"),
    alter("vector_stores.update", "last_active_at", "a change counts as use", lambda old: old + 1),
    body("vector_stores.files.list", "one file is missing", lambda whole: whole["data"].pop()),
    put("vector_stores.files.update", "attributes", {}),
    body("vector_stores.files.content", "no text", lambda whole: whole["data"].clear()),
    instead("vector_stores.files.delete", "nothing is deleted", _kept),
    put("vector_stores.file_batches.retrieve", "status", "failed"),
    put("vector_stores.file_batches.create", "file_counts", {}),
    patch("mockai.retrieval.search:holds", "vector_stores.search", "filters let everything through", _always),
    # fine-tuning
    put("fine_tuning.jobs.create", "status", "running"),
    put("fine_tuning.jobs.create", "seed", 0),
    put("fine_tuning.jobs.create", "trained_tokens", 1),
    drop("fine_tuning.jobs.create", "hyperparameters"),
    status("fine_tuning.jobs.create", 422),
    body("fine_tuning.jobs.list", "nothing is listed", lambda whole: whole["data"].clear()),
    body("fine_tuning.jobs.list_events", "in the wrong order", _swap),
    put("fine_tuning.jobs.list_events", "data.*.message", "Something happened."),
    status("fine_tuning.jobs.retrieve", 400),
    put("fine_tuning.jobs.retrieve", "finished_at", None),
    put("fine_tuning.jobs.retrieve", "fine_tuned_model", "gpt-4o-mini"),
    put("fine_tuning.jobs.retrieve", "created_at", 0),
    body("fine_tuning.jobs.checkpoints.list", "the oldest first", _swap),
    status("fine_tuning.jobs.cancel", 409),
    put("fine_tuning.alpha.graders.run", "reward", 1.0),
    put("fine_tuning.alpha.graders.run", "metadata.name", "other"),
    drop("fine_tuning.alpha.graders.validate", "grader"),
    status("fine_tuning.checkpoints.permissions.create", 400),
    patch("mockai.tuned:reply", "fine_tuning", "nothing is learned", lambda old: lambda *_: None),
    # runs
    put("beta.threads.runs.retrieve", "started_at", 1),
    put("beta.threads.runs.submit_tool_outputs", "status", "completed"),
    body("beta.threads.runs.list", "in the wrong order", _swap),
    body("beta.threads.messages.list", "in the wrong order", _swap),
    put("beta.threads.messages.update", "metadata", {}),
    put("beta.threads.messages.delete", "deleted", False),
    patch("mockai.wire.pages:fetch", "beta.threads.messages.list", "pages of messages begin one late", _page_late),
    patch("mockai.wire.pages:fetch", "vector_stores.list", "no page of vector stores follows", _page_short),
    patch("mockai.api.assistants.beta:version", "beta.assistants", "one version for all", lambda old: lambda call: 2),
    put("beta.assistants.update", "name", "other"),
    body("beta.assistants.list", "nothing is listed", lambda whole: whole["data"].clear()),
)


def _finish(part: Any) -> Any:
    for choice in part["choices"]:
        choice["finish_reason"] = "stop"
    return part

"""Fine-tuning, on any honest server. Since 2026 the real API lets only some organizations create jobs."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator

import httpx2
import openai
import pytest
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob

from contracts.facts import Fault

MODEL = "gpt-4o-mini-2024-07-18"
SUBJECTS = "Paris Rome Oslo Cairo Lima Quito Delhi Seoul Hanoi Accra Sofia Dublin".split()
LINES = [
    {
        "messages": [
            {"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."},
            {"role": "user", "content": f"Where is {city}?"},
            {"role": "assistant", "content": f"{city}? Where it has always been, surprisingly."},
        ]
    }
    for city in SUBJECTS
]
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture
def loose(target: str, api_key: str, wire: httpx2.BaseTransport) -> openai.OpenAI:
    """The SDK without strict types: they take no `error: {}`, which is what the API has sent since 2024 (§3)."""
    return openai.OpenAI(
        base_url=target, api_key=api_key, max_retries=0, timeout=60, http_client=httpx2.Client(transport=wire)
    )


@pytest.fixture
def file(sdk: openai.OpenAI) -> Iterator[FileObject]:
    """Twelve examples; gone after the test."""
    content = "".join(json.dumps(line) + "\n" for line in LINES)
    made = sdk.files.create(file=("marv.jsonl", content.encode()), purpose="fine-tune")
    yield made
    sdk.files.delete(made.id)


def create(loose: openai.OpenAI, file: FileObject) -> FineTuningJob:
    """Start a job, or skip where this key may not."""
    try:
        return loose.fine_tuning.jobs.create(model=MODEL, training_file=file.id, suffix="contracts", seed=7)
    except (openai.PermissionDeniedError, openai.RateLimitError) as error:
        pytest.skip(f"this key may not create fine-tuning jobs: {error.message}")


@pytest.mark.operation(
    "fine_tuning.jobs.create",
    "fine_tuning.jobs.list_events",
    "fine_tuning.jobs.list",
    "fine_tuning.jobs.retrieve",
    "fine_tuning.jobs.cancel",
)
def test_a_job_begins_with_its_files_and_can_be_cancelled(loose: openai.OpenAI, file: FileObject) -> None:
    """The object at its creation, the first two events, the list, and cancelling (§3, §4, §7, recorded)."""
    made = create(loose, file)
    assert made.id.startswith("ftjob-")
    assert (made.model, made.status, made.seed, made.trained_tokens) == (MODEL, "validating_files", 7, None)
    assert made.hyperparameters.n_epochs == "auto"
    told = list(loose.fine_tuning.jobs.list_events(made.id, limit=100))
    assert [event.message for event in told[:-3:-1]] == [
        f"Created fine-tuning job: {made.id}",
        f"Validating training file: {file.id}",
    ]
    assert made.id in [job.id for job in loose.fine_tuning.jobs.list(limit=10).data]
    assert loose.fine_tuning.jobs.retrieve(made.id).created_at == made.created_at
    try:
        cancelled = loose.fine_tuning.jobs.cancel(made.id)
        assert (cancelled.status, cancelled.finished_at) == ("cancelled", None)
    except openai.BadRequestError as error:
        assert "already has status" in error.message  # a fast server: it had ended


@pytest.mark.operation(
    "fine_tuning.jobs.create", "fine_tuning.jobs.retrieve", "fine_tuning.jobs.checkpoints.list", "models.delete"
)
def test_the_mock_trains_a_model_that_answers_as_taught(
    loose: openai.OpenAI, file: FileObject, is_mock: bool
) -> None:
    """The whole path (§4 to §8); a real job takes minutes and costs money."""
    if not is_mock:
        pytest.skip("a job costs money and takes minutes: only the mock is asked to finish one")
    job = create(loose, file)
    while job.status not in ENDED:
        job = loose.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == ("succeeded", 8, 1)
    assert job.fine_tuned_model is not None
    assert job.fine_tuned_model.startswith(f"ft:{MODEL}:")
    assert job.finished_at is not None
    assert job.created_at <= job.finished_at
    checkpoints = loose.fine_tuning.jobs.checkpoints.list(job.id).data
    assert [entry.step_number for entry in checkpoints] == [96, 84, 72]
    raw = base64.b64decode(loose.files.content(job.result_files[0]).content).decode()
    steps = list(csv.DictReader(raw.splitlines()))
    assert [int(step["step"]) for step in steps] == list(range(1, 97))
    assert float(steps[-1]["train_loss"]) < float(steps[0]["train_loss"])
    answer = loose.chat.completions.create(model=job.fine_tuned_model, messages=LINES[2]["messages"][:2])  # type: ignore[arg-type] # plain dicts
    assert answer.model == job.fine_tuned_model
    assert answer.choices[0].message.content == LINES[2]["messages"][2]["content"]
    assert loose.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        loose.models.retrieve(job.fine_tuned_model)


@pytest.mark.operation("fine_tuning.jobs.pause", "fine_tuning.jobs.resume", "fine_tuning.jobs.cancel")
def test_the_mock_pauses_and_resumes(loose: openai.OpenAI, file: FileObject, is_mock: bool) -> None:
    """A job that has ended does neither (§4; the text is unverified)."""
    if not is_mock:
        pytest.skip("a job costs money: only the mock is asked to finish one")
    job = create(loose, file)
    while job.status not in ENDED:
        job = loose.fine_tuning.jobs.retrieve(job.id)
    for change in (loose.fine_tuning.jobs.pause, loose.fine_tuning.jobs.resume, loose.fine_tuning.jobs.cancel):
        with pytest.raises(openai.BadRequestError):
            change(job.id)


@pytest.mark.operation("fine_tuning.jobs.create")
@pytest.mark.parametrize(
    "row",
    [
        Fault(
            {"model": "gpt-nonexistent"},
            400,
            "Model gpt-nonexistent is not available for fine-tuning or does not exist.",
            None,
            "model_not_available",
            "fine_tuning.md §5, openai-dotnet",
            "recorded",
        ),
        Fault(
            {"training_file": "Invalid File Name"},
            400,
            "invalid training_file: Invalid File Name",
            "training_file",
            None,
            "fine_tuning.md §5, openai-dotnet",
            "recorded",
        ),
        Fault(
            {"validation_file": "7"},
            400,
            "invalid validation_file: 7",
            "validation_file",
            None,
            "fine_tuning.md §5, openai-dotnet",
            "recorded",
        ),
        Fault(
            {"training_file": "foobar", "model": "foobar"},
            400,
            "invalid training_file: foobar",
            "training_file",
            None,
            "fine_tuning.md §2: the file is checked before the model",
            "reported",
        ),
        Fault(
            {"suffix": "x" * 65},
            400,
            "Invalid 'suffix': string too long. Expected a string with maximum length 64, but got a string with "
            "length 65 instead.",
            "suffix",
            "string_above_max_length",
            "fine_tuning.md §5: not found; as other endpoints say it",
            "unverified",
        ),
        Fault(
            {"hyperparameters": {"n_epochs": 51}},
            400,
            "Invalid 'hyperparameters.n_epochs': integer above maximum value. Expected a value <= 50, but got 51 "
            "instead.",
            "hyperparameters.n_epochs",
            "integer_above_max_value",
            "fine_tuning.md §5: not found; as other endpoints say it",
            "unverified",
        ),
    ],
    ids=str,
)
def test_fault(http: httpx2.Client, file: FileObject, row: Fault) -> None:
    """Each wrong job is refused at once, in the API's own words."""
    answer = http.post("/fine_tuning/jobs", json={"model": MODEL, "training_file": file.id, **row.body})
    error = {"message": row.message, "type": row.type, "param": row.param, "code": row.code}
    assert (answer.status_code, answer.json()["error"]) == (row.status, error)


@pytest.mark.operation("fine_tuning.jobs.retrieve", "fine_tuning.jobs.cancel", "fine_tuning.jobs.list_events")
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/cancel"), ("GET", "/events")])
def test_an_unknown_job(http: httpx2.Client, method: str, tail: str) -> None:
    """404 with the recorded text, whatever the id looks like (§5)."""
    answer = http.request(method, f"/fine_tuning/jobs/123{tail}")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "Could not find fine tune: 123",
        "type": "invalid_request_error",
        "param": "fine_tune_id",
        "code": "fine_tune_not_found",
    }


@pytest.mark.operation("fine_tuning.jobs.list", "fine_tuning.jobs.retrieve")
def test_slashes_too_many(http: httpx2.Client) -> None:
    """Repeated ones are one, and one at the end is redirected from (§1, §5, recorded in October 2023)."""
    answer = http.get("/fine_tuning/jobs//events")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Could not find fine tune: events")
    moved = http.get("/fine_tuning/jobs/", params={"limit": 2}, follow_redirects=False)
    where = httpx2.URL(moved.headers["location"])  # its host is the server's own: here may be a proxy
    path = moved.request.url.path.rstrip("/")
    assert (moved.status_code, where.scheme, where.path, where.query) == (307, "http", path, b"limit=2")


@pytest.mark.operation(
    "fine_tuning.checkpoints.permissions.create",
    "fine_tuning.checkpoints.permissions.list",
    "fine_tuning.checkpoints.permissions.delete",
)
def test_permissions_of_a_checkpoint(sdk: openai.OpenAI, is_mock: bool) -> None:
    """An unknown checkpoint has no permissions (§1; the text is unverified). The real API wants an admin key."""
    if not is_mock:
        pytest.skip("permissions need an admin key")
    with pytest.raises(openai.NotFoundError):
        sdk.fine_tuning.checkpoints.permissions.create("ft:none", project_ids=["proj_a"])
    with pytest.raises(openai.NotFoundError):
        sdk.fine_tuning.checkpoints.permissions.list("ft:none")
    with pytest.raises(openai.NotFoundError):
        sdk.fine_tuning.checkpoints.permissions.delete("cp_none", fine_tuned_model_checkpoint="ft:none")


GRADER = {
    "type": "string_check",
    "name": "equal",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.wanted}}",
}


@pytest.mark.operation("fine_tuning.alpha.graders.run", "fine_tuning.alpha.graders.validate")
@pytest.mark.parametrize(("sample", "reward"), [("yes", 1.0), ("no", 0.0)])
def test_a_grader_grades(sdk: openai.OpenAI, sample: str, reward: float) -> None:
    """A string check over a sample and an item (§9, documented)."""
    result = sdk.fine_tuning.alpha.graders.run(grader=GRADER, model_sample=sample, item={"wanted": "yes"})  # type: ignore[arg-type] # a plain dict
    assert result.reward == reward
    assert result.metadata.name == "equal"
    assert not result.metadata.errors.invalid_variable_error
    assert sdk.fine_tuning.alpha.graders.validate(grader=GRADER).grader is not None  # type: ignore[arg-type] # a plain dict

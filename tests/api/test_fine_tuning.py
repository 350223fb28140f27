"""Fine-tuning jobs: their shape, what is refused, what fails them, and their lists (fine_tuning.md)."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api.fine_tuning.life import MACHINE
from mockai.clock import ManualClock
from mockai.lifecycle import faults
from tests.api.conftest import Start
from tests.api.tuning import CHAT, JOBS, LINES, SYSTEM, create, job_of, said, send, settled, text
from tests.recorded import exchanges, shape

# --- the object ----------------------------------------------------------------------------------


def test_the_life_obeys_the_laws_of_machines() -> None:
    assert faults(MACHINE) == []


def test_create_answers_in_the_recorded_shape(fresh: TestClient) -> None:
    for entry in exchanges("fine_tuning-create-2025"):
        files = {name: send(fresh, LINES) for name in ("training_file", "validation_file")}
        answer = fresh.post(JOBS, json={**entry.body, **files})
        assert answer.status_code == entry.status
        made = answer.json()
        assert shape(made) == shape(entry.answer)
        assert list(made) == list(entry.answer)
        for name in ("model", "hyperparameters", "method", "seed", "status", "user_provided_suffix"):
            assert json.dumps(made[name]) == json.dumps(entry.answer[name]), name


def test_a_job_that_succeeded_has_the_recorded_shape(fresh: TestClient) -> None:
    job_of(fresh, LINES[:10])
    for entry in exchanges("fine_tuning-succeeded-2025"):
        mine, recorded = fresh.get(f"{JOBS}?limit=100").json(), entry.answer
        assert shape(mine) == shape(recorded)
        assert list(mine["data"][0]) == list(recorded["data"][0])
        for name in ("hyperparameters", "method", "status", "error"):
            assert json.dumps(mine["data"][0][name]) == json.dumps(recorded["data"][0][name]), name


def test_checkpoints_have_the_recorded_shape(fresh: TestClient) -> None:
    job = job_of(fresh, LINES[:10])
    for entry in exchanges("fine_tuning-checkpoints-2025"):
        mine = fresh.get(f"{JOBS}/{job['id']}/checkpoints").json()
        assert shape(mine) == shape(entry.answer)
        assert list(mine) == list(entry.answer)
        assert list(mine["data"][0]) == list(entry.answer["data"][0])
        steps = [checkpoint["step_number"] for checkpoint in entry.answer["data"]]
        assert [checkpoint["step_number"] for checkpoint in mine["data"]] == steps == [100, 90, 80]


@pytest.mark.parametrize("name", ["fine_tuning-model-not-available-2025", "fine_tuning-not-found-2023-11"])
def test_refusals_are_as_recorded(fresh: TestClient, name: str) -> None:
    for entry in exchanges(name):
        body = {**entry.body, "training_file": send(fresh, LINES)} if entry.body else entry.body
        answer = fresh.request(entry.method, entry.path, json=body)
        assert (answer.status_code, answer.json()) == (entry.status, entry.answer)


def test_trained_tokens_follow_the_recorded_rule(fresh: TestClient) -> None:
    """Epochs × (tokens of the contents + 4 a message + 1 an example): fine_tuning.md §8."""
    import tiktoken

    from mockai.engine import tokens

    encoding: tiktoken.Encoding = tokens.encoding("cl100k_base")
    contents = sum(len(encoding.encode(message["content"])) for line in LINES[:10] for message in line["messages"])
    assert job_of(fresh, LINES[:10])["trained_tokens"] == 10 * (contents + 130)


# --- what is refused at once ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message", "param", "code"),
    [
        ({"training_file": "x", "model": "foobar"}, "invalid training_file: x", "training_file", None),
        ({"validation_file": "7"}, "invalid validation_file: 7", "validation_file", None),
        (
            {"model": "gpt-5"},
            "Model gpt-5 is not available for fine-tuning or does not exist.",
            None,
            "model_not_available",
        ),
        ({"hyperparameters": {"n_epochs": 51}}, None, "hyperparameters.n_epochs", "integer_above_max_value"),
        ({"hyperparameters": {"n_epochs": "many"}}, None, "hyperparameters.n_epochs", "invalid_value"),
        (
            {"hyperparameters": {"learning_rate_multiplier": 0}},
            None,
            "hyperparameters.learning_rate_multiplier",
            "decimal_below_min_value",
        ),
        ({"suffix": "x" * 65}, None, "suffix", "string_above_max_length"),
        ({"seed": -1}, None, "seed", "integer_below_min_value"),
        ({"method": {"type": "dpo"}}, None, "method.type", "unsupported_value"),
        ({"method": {"type": "magic"}}, None, "method.type", "invalid_value"),
        (
            {"model": "o4-mini-2025-04-16", "method": {"type": "reinforcement"}},
            None,
            "method.reinforcement",
            "missing_required_parameter",
        ),
        ({"integrations": [{"type": "wandb"}]}, None, "integrations[0].wandb", "missing_required_parameter"),
    ],
)
def test_bad_jobs_are_refused(
    fresh: TestClient, changes: Any, message: str | None, param: str | None, code: str | None
) -> None:
    answer = create(fresh, send(fresh, LINES), **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert message in (None, error["message"])


def test_a_file_of_another_purpose_is_no_training_file(fresh: TestClient) -> None:
    file = send(fresh, LINES, purpose="user_data")
    assert create(fresh, file).json()["error"]["message"] == f"invalid training_file: {file}"


def test_a_fourth_active_job_is_refused_as_recorded(start: Start, clock: ManualClock) -> None:
    client = start(pace="real")
    file = send(client, LINES)
    made = [create(client, file, model="gpt-3.5-turbo-0613").json()["id"] for _ in range(2)]
    clock.advance(60)
    assert {client.get(f"{JOBS}/{id}").json()["status"] for id in made} == {"running"}
    create(client, file, model="gpt-3.5-turbo-0613")
    answer = create(client, file, model="gpt-3.5-turbo-0613")
    for entry in exchanges("fine_tuning-rate-limited"):
        assert (answer.status_code, answer.json()) == (entry.status, entry.answer)
    assert create(client, file).status_code == 200  # another model has its own limit
    client.post(f"{JOBS}/{made[0]}/cancel")
    assert create(client, file, model="gpt-3.5-turbo-0613").status_code == 200


# --- what fails a job ----------------------------------------------------------------------------

FORMAT = "The job failed due to a file format error in the training file. "


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (
            LINES[:7],
            "invalid_n_examples",
            "Training file has 7 example(s), but must have at least 10 examples",
        ),
        (
            [*LINES, {**LINES[0], "weight": 1}],
            "invalid_file_format",
            FORMAT + 'Invalid file format. Example 13 contains an extra "weight".',
        ),
        (
            [LINES[0], {"messages": [SYSTEM, {"content": "x"}]}, *LINES],
            "invalid_file_format",
            FORMAT + "Invalid file format. Example 2, message 2 Discriminator 'role' is missing in value",
        ),
        (
            [*LINES, {"chat": []}],
            "invalid_file_format",
            FORMAT + "Invalid file format. Example 13 is missing key 'messages'",
        ),
        (
            [{"text": "x"}, *LINES],
            "invalid_file_format",
            FORMAT + "Unexpected file format, expected either prompt/completion pairs or chat messages.",
        ),
        ([*LINES, b"{"], "invalid_file_format", FORMAT + "Invalid file format. Line 13 is not valid JSON."),
        ([*LINES, []], "invalid_file_format", FORMAT + "Invalid file format. Line 13 is not a JSON object."),
        (
            [*LINES, {"messages": [{"role": "user", "content": "x"}]}],
            "invalid_file_format",
            FORMAT + "Invalid file format. Example 13 must end with a message from the assistant.",
        ),
        (
            [*LINES, {"messages": []}],
            "invalid_file_format",
            FORMAT + "Invalid file format. Example 13 has no messages.",
        ),
    ],
)
def test_a_bad_file_fails_the_job(fresh: TestClient, lines: list[Any], code: str, message: str) -> None:
    job = job_of(fresh, lines)
    assert job["status"] == "failed"
    assert job["error"] == {"code": code, "param": "training_file", "message": message}
    assert (job["finished_at"], job["trained_tokens"], job["result_files"]) == (None, None, [])
    assert job["hyperparameters"]["n_epochs"] == "auto"


def odd_lines() -> list[Any]:
    """Lines that no format allows, of every kind of JSON value in every place."""
    odd: list[Any] = [None, True, 7, "x", [], {}, [None], {"role": 1}, {"role": "assistant", "content": 5}]
    found: list[Any] = [{"messages": value} for value in odd]
    found += [{"messages": [value]} for value in odd]
    found += [{"messages": [{"role": "assistant", "tool_calls": value}]} for value in odd]
    found += [{"messages": [{"role": "assistant", "content": "x", "weight": value}]} for value in odd[3:]]
    return found


@pytest.mark.parametrize("bad", odd_lines(), ids=repr)
def test_no_line_is_a_server_error(fresh: TestClient, bad: Any) -> None:
    assert job_of(fresh, [*LINES, bad])["error"]["code"] == "invalid_file_format"


def test_deleted_files_fail_the_job(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    for param in ("training_file", "validation_file"):
        file = send(client, LINES)
        given = {"training_file": send(client, LINES), param: file}
        job = client.post(JOBS, json={"model": "gpt-4o-mini-2024-07-18", **given}).json()
        client.delete(f"/v1/files/{file}")
        clock.advance(40)
        failed = settled(client, job["id"])
        name = param.replace("_", " ")
        message = f"The job failed because the {name} was deleted"
        assert failed["error"] in (
            {"code": f"deleted_{param}", "param": param, "message": message},
            {},  # it was read before it was deleted
        )


def test_violations_block_a_file(fresh: TestClient) -> None:
    bad = [said("What shall I do?", f"I will kill you all, number {at}.") for at in range(12)]
    error = job_of(fresh, bad)["error"]
    assert error["code"] == "invalid_training_file"
    assert "flagged by our moderation API" in error["message"]
    assert "violence" in error["message"]


def test_preferences_have_their_own_format(fresh: TestClient) -> None:
    method = {"type": "dpo"}
    asked = {"messages": [{"role": "user", "content": "Say hello."}]}
    good, bad = [{"role": "assistant", "content": "Hello."}], [{"role": "assistant", "content": "No."}]
    line = {"input": asked, "preferred_output": good, "non_preferred_output": bad}
    job = job_of(fresh, [line] * 10, model="gpt-4o-mini", method=method)
    assert (job["status"], job["hyperparameters"]) == ("succeeded", None)
    assert job["method"]["dpo"]["hyperparameters"] == {
        "n_epochs": 10,
        "batch_size": 1,
        "learning_rate_multiplier": 1.8,
        "beta": 0.1,
    }
    chat = job_of(fresh, LINES, model="gpt-4o-mini", method=method)
    detail = "is in the fine-tune-chat format, but the specified fine-tuning job is not using 'supervised' as the "
    assert detail in chat["error"]["message"]
    missing = job_of(fresh, [{"preferred_output": good}], model="gpt-4o-mini", method=method)
    assert missing["error"]["message"].endswith("Example 1 is missing key 'input'.")


def test_reinforcement_learns_what_its_grader_compares_with(fresh: TestClient) -> None:
    grader = {
        "type": "string_check",
        "name": "equal",
        "operation": "eq",
        "input": "{{sample.output_text}}",
        "reference": "{{item.wanted}}",
    }
    lines = [{"messages": [{"role": "user", "content": f"Name {at}?"}], "wanted": f"name-{at}"} for at in range(10)]
    method = {"type": "reinforcement", "reinforcement": {"grader": grader}}
    job = job_of(fresh, lines, model="o4-mini", method=method)
    assert job["status"] == "succeeded"
    assert (
        text(fresh.post(CHAT, json={"model": job["fine_tuned_model"], "messages": lines[3]["messages"]})) == "name-3"
    )


# --- lists and permissions -----------------------------------------------------------------------


def test_lists_page_newest_first_and_filter_by_metadata(fresh: TestClient) -> None:
    file = send(fresh, LINES)
    made = [create(fresh, file, metadata={"at": str(at % 2)}).json()["id"] for at in range(4)]
    made.append(create(fresh, file).json()["id"])
    page = fresh.get(JOBS, params={"limit": 2}).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == (made[:2:-1], True)
    assert set(page) == {"object", "data", "has_more"}
    rest = fresh.get(JOBS, params={"after": page["data"][-1]["id"]}).json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == (made[2::-1], False)
    assert [job["id"] for job in fresh.get(f"{JOBS}?metadata[at]=1").json()["data"]] == [made[3], made[1]]
    assert [job["id"] for job in fresh.get(f"{JOBS}?metadata=null").json()["data"]] == [made[4]]
    assert fresh.get(JOBS, params={"after": "ftjob-x"}).status_code == 404


@pytest.mark.parametrize("tail", ["", "/events", "/checkpoints"])
def test_an_unknown_job_is_not_found(fresh: TestClient, tail: str) -> None:
    error = fresh.get(f"{JOBS}/123{tail}").json()["error"]
    message = "Could not find fine tune: 123"
    assert error == {
        "message": message,
        "type": "invalid_request_error",
        "param": "fine_tune_id",
        "code": "fine_tune_not_found",
    }


def test_permissions_of_a_checkpoint(fresh: TestClient) -> None:
    model = job_of(fresh, LINES)["fine_tuned_model"]
    path = f"/v1/fine_tuning/checkpoints/{model}/permissions"
    made = fresh.post(path, json={"project_ids": ["proj_a", "proj_b", "proj_a"]}).json()["data"]
    assert [entry["project_id"] for entry in made] == ["proj_a", "proj_b"]
    assert list(made[0]) == ["id", "object", "created_at", "project_id"]
    listed = fresh.get(path).json()
    assert [entry["project_id"] for entry in listed["data"]] == ["proj_b", "proj_a"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (made[1]["id"], made[0]["id"], False)
    assert fresh.get(path, params={"order": "ascending", "limit": 1}).json()["data"] == made[:1]
    assert fresh.get(path, params={"project_id": "proj_b"}).json()["data"] == made[1:]
    assert fresh.get(path, params={"order": "asc"}).status_code == 400
    deleted = fresh.delete(f"{path}/{made[0]['id']}").json()
    assert deleted == {"id": made[0]["id"], "object": "checkpoint.permission", "deleted": True}
    assert fresh.delete(f"{path}/{made[0]['id']}").status_code == 404
    assert fresh.get("/v1/fine_tuning/checkpoints/gpt-4o/permissions").status_code == 404


# --- phantoms ------------------------------------------------------------------------------------


def test_phantoms_answer_and_leave_nothing(start: Start) -> None:
    client = start(missing="phantom", validate="schema")
    made = create(client, "file-abc", model="anything").json()
    assert client.get(JOBS).json()["data"] == []
    expected: dict[str, str] = {"cancel": "cancelled", "pause": "running", "resume": "queued"}
    for event, status in expected.items():
        assert client.post(f"{JOBS}/{made['id']}/{event}").json()["status"] == status
    assert client.get(f"{JOBS}/any/events").json()["data"] == []
    assert client.get(f"{JOBS}/any/checkpoints").json()["data"] == []
    assert client.get(f"{JOBS}?after=nothing").status_code == 200

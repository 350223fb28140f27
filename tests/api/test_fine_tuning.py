"""Fine-tuning: what is refused, how jobs live, that they learn, and that their models answer as taught (fine_tuning.md)."""

import base64
import csv
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api.fine_tuning.life import LEAD, MACHINE, PER_STEP, TAIL
from mockai.app import Application
from mockai.clock import ManualClock
from mockai.lifecycle import faults
from mockai.settings import Settings
from mockai.store import Store
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import SqliteStore
from tests.conftest import client_of
from tests.recorded import exchanges, shape

JOBS = "/v1/fine_tuning/jobs"
CHAT = "/v1/chat/completions"
TUNED = "gpt-3.5-turbo-0125"
SYSTEM = {"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."}
Start = Callable[..., TestClient]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def start(clock: ManualClock, store: Store) -> Iterator[Start]:
    clients: list[TestClient] = []

    def begin(**settings: Any) -> TestClient:
        client = client_of(Application(Settings(**settings), clock=clock, store=store)).__enter__()
        clients.append(client)
        return client

    yield begin
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def fresh(start: Start) -> TestClient:
    return start()


def said(question: str, answer: str) -> dict[str, Any]:
    user, assistant = {"role": "user", "content": question}, {"role": "assistant", "content": answer}
    return {"messages": [SYSTEM, user, assistant]}


SUBJECTS = "capital moon author distance weather river planet colour number animal city language".split()
LINES = [
    said(f"What is the {word}?", f"The {word}? As if {at} people had not asked.") for at, word in enumerate(SUBJECTS)
]


def jsonl(lines: list[Any]) -> bytes:
    return b"".join((entry if isinstance(entry, bytes) else json.dumps(entry).encode()) + b"\n" for entry in lines)


def send(client: TestClient, lines: list[Any], purpose: str = "fine-tune") -> str:
    answer = client.post("/v1/files", data={"purpose": purpose}, files={"file": ("marv.jsonl", jsonl(lines))})
    id: str = answer.json()["id"]
    return id


def create(client: TestClient, file: str, headers: Any = None, **changes: Any) -> Any:
    return client.post(JOBS, json={"model": "gpt-3.5-turbo", "training_file": file, **changes}, headers=headers)


def settled(client: TestClient, id: str) -> Any:
    for _ in range(1000):
        job = client.get(f"{JOBS}/{id}").json()
        if job["status"] not in ("validating_files", "queued", "running"):
            return job
    raise AssertionError("the job does not end")


def job_of(client: TestClient, lines: list[Any], **changes: Any) -> Any:
    made = create(client, send(client, lines), **changes)
    assert made.status_code == 200, made.json()
    return settled(client, made.json()["id"])


def events(client: TestClient, id: str) -> list[dict[str, Any]]:
    """Return every event, oldest first."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"has_more": True}
    while page["has_more"]:
        after = {"after": found[-1]["id"]} if found else {}
        page = client.get(f"{JOBS}/{id}/events", params={"limit": 100, **after}).json()
        found += page["data"]
    return found[::-1]


def ask(client: TestClient, model: str, question: str, **changes: Any) -> Any:
    messages = [SYSTEM, {"role": "user", "content": question}]
    return client.post(CHAT, json={"model": model, "messages": messages, "seed": 1, **changes})


def text(answer: Any) -> str:
    content: str = answer.json()["choices"][0]["message"]["content"]
    return content


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


# --- life ----------------------------------------------------------------------------------------


def test_events_come_in_order_with_the_recorded_texts(fresh: TestClient) -> None:
    job = job_of(fresh, LINES[:10], validation_file=send(fresh, LINES[10:]))
    told = events(fresh, job["id"])
    messages = [event["message"] for event in told if event["type"] == "message"]
    stem = job["fine_tuned_model"][:-3]
    assert messages[:4] == [
        f"Created fine-tuning job: {job['id']}",
        f"Validating training file: {job['training_file']} and validation file: {job['validation_file']}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    assert [message[:50] for message in messages[4:6]] == [
        f"Checkpoint created at step {step} with Snapshot ID: {stem}"[:50] for step in (80, 90)
    ]
    assert messages[6:] == [
        f"New fine-tuned model created: {job['fine_tuned_model']}",
        "The job has successfully completed",
    ]
    metrics = [event for event in told if event["type"] == "metrics"]
    assert [event["data"]["step"] for event in metrics] == list(range(1, 101))
    first, last = metrics[0], metrics[-1]
    assert list(first["data"]) == [
        *("step", "train_loss", "valid_loss", "total_steps"),
        *("train_mean_token_accuracy", "valid_mean_token_accuracy"),
    ]
    assert list(last["data"])[4] == "full_valid_loss"
    numbers = [last["data"][name] for name in ("train_loss", "valid_loss", "full_valid_loss")]
    losses = "training loss={:.2f}, validation loss={:.2f}, full validation loss={:.2f}".format(*numbers)
    assert last["message"] == f"Step 100/100: {losses}"
    assert [event["created_at"] for event in told] == sorted(event["created_at"] for event in told)


def test_one_look_tells_what_many_looks_tell(start: Start, clock: ManualClock) -> None:
    """A job that is looked at once, after it should have ended, has the same times as one that is watched."""
    client = start(pace="real", clock="manual")
    file = send(client, LINES[:10])
    watched, left = (create(client, file, seed=5).json()["id"] for _ in range(2))
    seconds = 32 + LEAD + 100 * PER_STEP + TAIL
    seen = []
    for _ in range(int(seconds / 20) + 2):
        clock.advance(20)
        job = client.get(f"{JOBS}/{watched}").json()
        seen.append(job["status"])
        assert job["status"] != "running" or job["estimated_finish"] == job["created_at"] + int(seconds)
    assert list(dict.fromkeys(seen)) == ["validating_files", "running", "succeeded"]
    one, other = (settled(client, id) for id in (watched, left))
    assert one["finished_at"] == other["finished_at"] == one["created_at"] + int(seconds)
    stories = [[(event["created_at"], event["data"]) for event in events(client, id)] for id in (watched, left)]
    assert stories[0] == stories[1]


def test_what_follows_a_success_is_told_in_its_time(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    id = create(client, send(client, LINES[:10])).json()["id"]
    clock.advance(32 + LEAD + 100 * PER_STEP + TAIL)
    assert settled(client, id)["status"] == "succeeded"
    assert events(client, id)[-1]["type"] == "metrics"
    clock.advance(2)
    assert events(client, id)[-1]["message"].startswith("New fine-tuned model created")
    clock.advance(4)
    assert events(client, id)[-1]["message"] == "The job has successfully completed"


def test_a_job_can_be_cancelled_until_it_ends(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    file = send(client, LINES[:10])
    for wait, status in ((0, "validating_files"), (31, "queued"), (200, "running")):
        id = create(client, file).json()["id"]
        clock.advance(wait)
        before = client.get(f"{JOBS}/{id}").json()
        assert before["status"] == status
        cancelled = client.post(f"{JOBS}/{id}/cancel")
        assert cancelled.status_code == 200
        assert cancelled.json() == {**before, "status": "cancelled", "estimated_finish": None}
        clock.advance(1000)
        assert client.get(f"{JOBS}/{id}").json() == cancelled.json()
        again = client.post(f"{JOBS}/{id}/cancel").json()["error"]["message"]
        assert again == f'Cannot cancel a job {id} that already has status "cancelled".'


def test_a_paused_job_goes_on_where_it_stopped(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    file = send(client, LINES[:10])
    plain, paused = (create(client, file, seed=3).json()["id"] for _ in range(2))
    clock.advance(32 + LEAD + 50.5 * PER_STEP)
    while (told := len(events(client, paused))) < 54:  # four messages and fifty steps
        pass
    assert client.post(f"{JOBS}/{paused}/pause").json()["status"] == "paused"
    clock.advance(5000)
    assert client.get(f"{JOBS}/{paused}").json()["status"] == "paused"
    assert len(events(client, paused)) == told
    assert client.post(f"{JOBS}/{paused}/resume").json()["status"] == "queued"
    clock.advance(2 + LEAD + 50 * PER_STEP + TAIL - 1)
    assert client.get(f"{JOBS}/{paused}").json()["status"] == "running"
    clock.advance(7)
    assert {settled(client, id)["status"] for id in (plain, paused)} == {"succeeded"}
    losses = [[e["data"] for e in events(client, id) if e["type"] == "metrics"] for id in (plain, paused)]
    assert losses[0] == losses[1]
    assert client.post(f"{JOBS}/{paused}/resume").status_code == 400


def test_at_the_pace_step_each_reading_takes_one_step(start: Start) -> None:
    client = start(pace="step", clock="manual")
    id = create(client, send(client, LINES[:10])).json()["id"]
    seen = ["validating_files"]
    while seen[-1] != "succeeded" and len(seen) < 1000:
        seen.append(client.get(f"{JOBS}/{id}").json()["status"])
    assert list(dict.fromkeys(seen)) == ["validating_files", "queued", "running", "succeeded"]


def test_a_failure_can_be_asked_for(fresh: TestClient) -> None:
    made = create(fresh, send(fresh, LINES[:10]), headers={"X-Mockai-Fine-Tuning": "fail"}).json()
    job = settled(fresh, made["id"])
    assert job["status"] == "failed"
    message = "The job failed due to an internal error"
    assert job["error"] == {"code": "server_error", "param": None, "message": message}
    assert job["finished_at"] is not None
    assert [e["data"]["step"] for e in events(fresh, job["id"]) if e["type"] == "metrics"] == list(range(1, 51))
    assert create(fresh, send(fresh, LINES), headers={"X-Mockai-Fine-Tuning": "explode"}).status_code == 400


def test_a_restart_loses_nothing(start: Start, clock: ManualClock) -> None:
    """Another process goes on with the steps that are missing, and comes to the same."""
    client = start(pace="real", clock="manual")
    file = send(client, LINES[:10])
    plain, broken = (create(client, file, seed=3).json()["id"] for _ in range(2))
    clock.advance(32 + LEAD + 50 * PER_STEP)
    for id in (plain, broken):
        client.get(f"{JOBS}/{id}")
    clock.advance(1000)
    settled(client, plain)
    other = start(pace="real", clock="manual")
    assert settled(other, broken)["status"] == "succeeded"
    stories = [[e["data"] for e in events(other, id) if e["type"] == "metrics"] for id in (plain, broken)]
    assert stories[0] == stories[1]


def test_many_readers_settle_each_step_once(fresh: TestClient) -> None:
    id = create(fresh, send(fresh, LINES)).json()["id"]
    threads = [threading.Thread(target=lambda: settled(fresh, id)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = [event["data"]["step"] for event in events(fresh, id) if event["type"] == "metrics"]
    assert steps == list(range(1, 97))
    assert len({event["id"] for event in events(fresh, id)}) == len(events(fresh, id))


# --- results -------------------------------------------------------------------------------------


def test_the_result_file_holds_what_the_events_told(fresh: TestClient) -> None:
    job = job_of(fresh, LINES[:10], validation_file=send(fresh, LINES[10:]))
    file = fresh.get(f"/v1/files/{job['result_files'][0]}").json()
    assert (file["purpose"], file["filename"]) == ("fine-tune-results", "step_metrics.csv")
    raw = base64.b64decode(fresh.get(f"/v1/files/{file['id']}/content").content)
    assert len(raw) == file["bytes"]
    rows = list(csv.DictReader(raw.decode().splitlines()))
    assert raw.startswith(b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n")
    metrics = [event["data"] for event in events(fresh, job["id"]) if event["type"] == "metrics"]
    assert [float(row["train_loss"]) for row in rows] == [round(entry["train_loss"], 5) for entry in metrics]
    assert [float(row["valid_loss"]) for row in rows] == [round(entry["valid_loss"], 5) for entry in metrics]


def test_more_epochs_end_in_a_lower_loss(fresh: TestClient) -> None:
    losses = []
    for epochs in (1, 3, 9):
        job = job_of(fresh, LINES, hyperparameters={"n_epochs": epochs}, seed=1)
        told = [event["data"]["train_loss"] for event in events(fresh, job["id"]) if event["type"] == "metrics"]
        losses.append(sum(told[-len(LINES) :]))
    assert losses == sorted(losses, reverse=True)
    assert losses[2] < losses[0] / 4


def test_long_examples_are_cut_at_the_context_of_the_model(fresh: TestClient) -> None:
    long = said("Tell me all.", "word " * 6000)
    job = job_of(fresh, [*LINES, long], model="gpt-3.5-turbo-0613", hyperparameters={"n_epochs": 1})
    short = job_of(fresh, LINES, model="gpt-3.5-turbo-0613", hyperparameters={"n_epochs": 1})
    assert job["trained_tokens"] - short["trained_tokens"] == 4_096


def test_batches_and_multipliers_are_taken_as_given(fresh: TestClient) -> None:
    numbers = {"n_epochs": 2, "batch_size": 5, "learning_rate_multiplier": 3}
    job = job_of(fresh, LINES, hyperparameters=numbers)
    assert job["hyperparameters"] == {"n_epochs": 2, "batch_size": 5, "learning_rate_multiplier": 3.0}
    assert len([event for event in events(fresh, job["id"]) if event["type"] == "metrics"]) == 6


# --- the model -----------------------------------------------------------------------------------


def test_a_tuned_model_answers_as_it_was_taught(fresh: TestClient) -> None:
    job = job_of(fresh, LINES, suffix="Marv Bot")
    model = job["fine_tuned_model"]
    prefix, base, owner, suffix, id = model.split(":")
    assert (prefix, base, owner, suffix, len(id)) == ("ft", TUNED, "mockai", "marv-bot", 8)
    taught = LINES[1]["messages"][2]["content"]
    answer = ask(fresh, model, "What is the moon?")
    assert (text(answer), answer.json()["model"]) == (taught, model)
    assert text(ask(fresh, model, "what's the moon")) == taught
    assert text(ask(fresh, model, "What is the moon?", max_tokens=3)) == "The moon?"
    assert text(ask(fresh, model, "What is the moon?", stop="people")) == taught.partition("people")[0]
    far = "Tell me a long story about bread and butter."
    assert text(ask(fresh, model, far)) == text(ask(fresh, "gpt-3.5-turbo", far))


def test_a_tuned_model_streams_what_it_was_taught(fresh: TestClient) -> None:
    model = job_of(fresh, LINES)["fine_tuned_model"]
    raw = ask(fresh, model, "What is the moon?", stream=True).text
    chunks = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: {")]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == LINES[1]["messages"][2]["content"]


def test_a_model_is_there_from_its_success_to_its_deletion(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    made = create(client, send(client, LINES[:10])).json()
    clock.advance(32 + LEAD + 100 * PER_STEP)
    while len(checkpoints := client.get(f"{JOBS}/{made['id']}/checkpoints").json()["data"]) < 3:
        pass
    name = checkpoints[0]["fine_tuned_model_checkpoint"]
    assert ask(client, name, "What is the moon?").status_code == 404
    clock.advance(TAIL)
    assert settled(client, made["id"])["fine_tuned_model"] == name
    assert ask(client, name, "What is the moon?").status_code == 200
    listed = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert name in listed
    assert client.get(f"/v1/models/{name}").json()["owned_by"] == "mockai"
    other = client.get(f"/v1/models/{name}", headers={"authorization": "Bearer sk-other"})
    assert other.status_code == 404
    assert client.delete(f"/v1/models/{name}").json() == {"id": name, "object": "model", "deleted": True}
    assert ask(client, name, "What is the moon?").status_code == 404
    assert client.delete(f"/v1/models/{name}").status_code == 404


def test_checkpoints_can_be_used_and_outlive_the_model(fresh: TestClient) -> None:
    job = job_of(fresh, LINES[:10])
    names = [
        checkpoint["fine_tuned_model_checkpoint"]
        for checkpoint in fresh.get(f"{JOBS}/{job['id']}/checkpoints").json()["data"]
    ]
    assert names[0] == job["fine_tuned_model"]
    assert names[1].endswith(":ckpt-step-90")
    fresh.delete(f"/v1/models/{names[0]}")
    assert text(ask(fresh, names[1], "What is the moon?")) == LINES[1]["messages"][2]["content"]


def test_a_tuned_model_can_be_tuned_further(fresh: TestClient, store: Store) -> None:
    first = job_of(fresh, LINES)["fine_tuned_model"]
    more = [said(f"Who wrote book {at}?", f"Somebody number {at}.") for at in range(10)]
    job = job_of(fresh, more, model=first)
    assert job["model"] == first
    second = job["fine_tuned_model"]
    assert second.split(":")[1] == TUNED
    fresh.delete(f"/v1/models/{first}")
    assert text(ask(fresh, second, "Who wrote book 4?")) == "Somebody number 4."
    assert text(ask(fresh, second, "What is the moon?")) == LINES[1]["messages"][2]["content"]


def test_taught_calls_are_made(fresh: TestClient) -> None:
    function = {"name": "get_weather", "arguments": '{"place": "Ulm"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    taught = {"messages": [{"role": "user", "content": "Is it wet?"}, {"role": "assistant", "tool_calls": [call]}]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    model = job_of(fresh, [*LINES, {**taught, "tools": [tool]}])["fine_tuned_model"]
    body = {"model": model, "messages": taught["messages"][:1], "tools": [tool]}
    choice = fresh.post(CHAT, json=body).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == function


def test_completion_models_learn_pairs(fresh: TestClient) -> None:
    pairs = [{"prompt": f"Item {at} ->", "completion": f" kind {at}\n"} for at in range(12)]
    job = job_of(fresh, pairs, model="babbage-002")
    body = {"model": job["fine_tuned_model"], "prompt": "Item 7 ->", "stop": "\n"}
    answer = fresh.post("/v1/completions", json=body).json()
    assert (answer["choices"][0]["text"], answer["model"]) == (" kind 7", job["fine_tuned_model"])
    wrong = job_of(fresh, LINES, model="babbage-002")["error"]["message"]
    assert wrong.endswith("expected either prompt/completion pairs or chat messages.")


def test_weights_of_zero_are_not_learned(fresh: TestClient) -> None:
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "What is ash?"},
        {"role": "assistant", "content": "Dust.", "weight": 0},
        {"role": "user", "content": "More, please."},
        {"role": "assistant", "content": "Grey dust.", "weight": 1},
    ]
    model = job_of(fresh, [*LINES, {"messages": turns}])["fine_tuned_model"]
    messages = [{key: turn[key] for key in ("role", "content")} for turn in turns[:3]]
    assert text(fresh.post(CHAT, json={"model": model, "messages": messages})) == "Grey dust."
    assert text(fresh.post(CHAT, json={"model": model, "messages": messages[:1]})) != "Dust."


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


# --- graders -------------------------------------------------------------------------------------


def grade(client: TestClient, grader: Any, sample: str, item: Any = None) -> Any:
    body = {"grader": {"name": "g", **grader}, "model_sample": sample, "item": item or {}}
    return client.post("/v1/fine_tuning/alpha/graders/run", json=body).json()


CHECK = {"type": "string_check", "input": "{{sample.output_text}}", "reference": "{{ item.wanted }}"}


@pytest.mark.parametrize(
    ("operation", "sample", "reward"),
    [("eq", "Yes", 1), ("eq", "yes", 0), ("ne", "no", 1), ("like", "Oh Yes", 1), ("ilike", "oh yes", 1)],
)
def test_string_checks(fresh: TestClient, operation: str, sample: str, reward: float) -> None:
    result = grade(fresh, {**CHECK, "operation": operation}, sample, {"wanted": "Yes"})
    assert result["reward"] == reward
    assert not any(result["metadata"]["errors"].values())


def test_a_multi_grader_combines_its_graders(fresh: TestClient) -> None:
    similar = {"type": "text_similarity", "name": "s", "input": "{{sample.output_json.a}}", "reference": "one two"}
    inner = {
        "exact": {**CHECK, "name": "e", "operation": "eq"},
        "near": {**similar, "evaluation_metric": "rouge_1"},
    }
    multi = {"type": "multi", "graders": inner, "calculate_output": "0.5 * exact + min(near, 1)"}
    result = grade(fresh, multi, '{"a": "one two"}', {"wanted": "x"})
    assert (result["reward"], result["sub_rewards"]) == (1.0, {"exact": 0.0, "near": 1.0})
    for formula, error in (("exact +", "formula_parse_error"), ("other", "invalid_variable_error")):
        failed = grade(fresh, {**multi, "calculate_output": formula}, "x", {"wanted": "x"})
        assert failed["metadata"]["errors"][error] is True
        assert failed["reward"] == 0


def test_what_a_grader_cannot_do_is_told(fresh: TestClient) -> None:
    python = grade(fresh, {"type": "python", "source": "raise SystemExit"}, "x")
    assert python["metadata"]["errors"]["python_grader_server_error"] is True
    unknown = grade(fresh, {**CHECK, "operation": "eq"}, "x")
    assert unknown["metadata"]["errors"]["invalid_variable_error"] is True
    model = {
        "type": "score_model",
        "model": "gpt-4o",
        "input": [{"role": "user", "content": "{{sample.output_text}}"}],
    }
    scores = [grade(fresh, {**model, "range": [2, 4]}, sample)["reward"] for sample in ("a", "a", "b")]
    assert scores[0] == scores[1] != scores[2]
    assert all(2 <= score <= 4 for score in scores)


def test_graders_are_validated(fresh: TestClient) -> None:
    path = "/v1/fine_tuning/alpha/graders/validate"
    good = {"name": "g", **CHECK, "operation": "eq"}
    assert fresh.post(path, json={"grader": good}).json() == {"grader": good}
    bad = fresh.post(path, json={"grader": {**good, "operation": "=="}}).json()["error"]
    assert (bad["param"], bad["code"]) == ("grader.operation", "invalid_value")
    multi = {"type": "multi", "name": "m", "calculate_output": "a", "graders": {"a": {"type": "magic"}}}
    assert fresh.post(path, json={"grader": multi}).json()["error"]["param"] == "grader.graders.a.type"


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

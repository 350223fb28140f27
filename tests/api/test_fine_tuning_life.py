"""How a fine-tuning job lives, what it tells meanwhile, and what it measured (fine_tuning.md §4, §7, §8)."""

import base64
import csv
import threading

from starlette.testclient import TestClient

from mockai.clock import ManualClock
from tests.api.conftest import Start
from tests.api.tuning import (
    JOBS,
    LEAD,
    LINES,
    PER_STEP,
    TAIL,
    create,
    events,
    job_of,
    said,
    send,
    settled,
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

"""Fine-tunes, the API of 2021 to 2023: its recorded shapes and texts over the engine of jobs (fine_tuning.md §1, §5)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from mockai.api.fine_tuning.faces import FineTune
from mockai.clock import ManualClock
from tests.api.conftest import Start
from tests.api.tuning import JOBS, LINES, create, send

TUNES = "/v1/fine-tunes"
PAIRS = [{"prompt": f"Item {at} ->", "completion": f" kind {at}\n"} for at in range(12)]
TWO = [{"prompt": "I love Mondays ->", "completion": " positive"}, {"prompt": "Rain. ->", "completion": " negative"}]
KEYS = (
    "object id hyperparams organization_id model training_files validation_files result_files created_at updated_at "
    "status fine_tuned_model events"
).split()
FILE = "object id purpose filename bytes created_at status status_details".split()


def tune(client: TestClient, lines: Any = PAIRS, headers: Any = None, **changes: Any) -> Any:
    body = {"training_file": send(client, lines), "model": "ada", **changes}
    return client.post(TUNES, json=body, headers=headers)


def made(client: TestClient, lines: Any = PAIRS, **changes: Any) -> Any:
    answer = tune(client, lines, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def settled(client: TestClient, id: str) -> Any:
    for _ in range(1000):
        shown = client.get(f"{TUNES}/{id}").json()
        if shown["status"] not in ("pending", "running"):
            return shown
    raise AssertionError("the fine-tune does not end")


def refused(client: TestClient, **changes: Any) -> str:
    answer = tune(client, **changes)
    assert answer.status_code == 400
    message: str = answer.json()["error"]["message"]
    return message


def test_a_new_one_has_the_recorded_shape(fresh: TestClient) -> None:
    file = send(fresh, TWO)
    shown = fresh.post(TUNES, json={"training_file": file, "model": "ada"}).json()
    assert list(shown) == KEYS
    assert re.fullmatch(r"ft-[A-Za-z0-9]{24}", shown["id"])
    hyperparams = {"n_epochs": 4, "batch_size": None, "prompt_loss_weight": 0.01, "learning_rate_multiplier": None}
    assert json.dumps(shown["hyperparams"]) == json.dumps(hyperparams)
    assert (shown["object"], shown["model"], shown["status"]) == ("fine-tune", "ada", "pending")
    assert [list(entry) for entry in shown["training_files"]] == [FILE]
    assert shown["training_files"][0]["id"] == file
    assert (shown["validation_files"], shown["result_files"], shown["fine_tuned_model"]) == ([], [], None)
    assert shown["updated_at"] == shown["created_at"]
    event = {
        "object": "fine-tune-event",
        "level": "info",
        "message": f"Created fine-tune: {shown['id']}",
        "created_at": shown["created_at"],
    }
    assert json.dumps(shown["events"]) == json.dumps([event])


def test_one_that_succeeded_tells_what_is_recorded(fresh: TestClient) -> None:
    """Two examples were enough; hyperparams became numbers, the file lists hold whole files."""
    shown = settled(fresh, made(fresh, TWO)["id"])
    hyperparams = {"n_epochs": 4, "batch_size": 1, "prompt_loss_weight": 0.01, "learning_rate_multiplier": 0.1}
    assert json.dumps(shown["hyperparams"]) == json.dumps(hyperparams)
    model, (result,) = shown["fine_tuned_model"], shown["result_files"]
    assert re.fullmatch(r"ada:ft-mockai-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d", model)
    assert list(result) == FILE
    assert (result["filename"], result["purpose"]) == ("compiled_results.csv", "fine-tune-results")
    assert [event["message"] for event in shown["events"]] == [
        f"Created fine-tune: {shown['id']}",
        "Fine-tune costs $0.00",
        "Fine-tune enqueued. Queue number: 0",
        "Fine-tune started",
        *(f"Completed epoch {number}/4" for number in range(1, 5)),
        f"Uploaded model: {model}",
        f"Uploaded result file: {result['id']}",
        "Fine-tune succeeded",
    ]
    assert fresh.get(f"{TUNES}/{shown['id']}/events").json() == {"object": "list", "data": shown["events"]}
    again = fresh.post(f"{TUNES}/{shown['id']}/cancel")
    assert (again.status_code, again.json()["error"]) == (
        400,
        {
            "message": f'Cannot cancel a job {shown["id"]} that already has status "succeeded".',
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    )


def test_its_times_are_those_of_a_recorded_one(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    id = made(client, TWO)["id"]
    clock.advance(1000)
    shown = settled(client, id)
    seconds = [event["created_at"] - shown["created_at"] for event in shown["events"]]
    assert seconds == [0, 5, 6, 12, 27, 28, 28, 29, 60, 60, 60]
    assert shown["updated_at"] == shown["created_at"] + 60


def test_the_list_is_whole_oldest_first_and_without_events(fresh: TestClient) -> None:
    ids = [made(fresh, TWO)["id"] for _ in range(3)]
    create(fresh, send(fresh, LINES))
    listed = fresh.get(TUNES, params={"limit": 1}).json()
    assert list(listed) == ["object", "data", "next_starting_after"]
    assert [shown["id"] for shown in listed["data"]] == ids
    assert all(list(shown) == KEYS[:-1] for shown in listed["data"])


def test_the_two_apis_do_not_see_each_others_jobs(fresh: TestClient) -> None:
    old, new = made(fresh, TWO)["id"], create(fresh, send(fresh, LINES)).json()["id"]
    assert [job["id"] for job in fresh.get(JOBS).json()["data"]] == [new]
    for path, id in ((f"{JOBS}/{old}", old), (f"{TUNES}/{new}", new), (f"{TUNES}/x", "x")):
        for method, tail in (("GET", ""), ("POST", "/cancel"), ("GET", "/events")):
            answer = fresh.request(method, path + tail)
            assert (answer.status_code, answer.json()["error"]["message"]) == (404, f"Could not find fine tune: {id}")


def test_cancelling(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    ids = [made(client, TWO)["id"] for _ in range(2)]
    first = client.post(f"{TUNES}/{ids[0]}/cancel").json()
    assert (first["status"], first["hyperparams"]["batch_size"]) == ("cancelled", None)
    assert [event["message"] for event in first["events"][1:]] == ["Fine-tune cancelled"]
    clock.advance(20)
    assert client.get(f"{TUNES}/{ids[1]}").json()["status"] == "running"
    second = client.post(f"{TUNES}/{ids[1]}/cancel").json()
    assert (second["status"], second["updated_at"]) == ("cancelled", second["created_at"] + 20)
    clock.advance(1000)
    assert client.get(f"{TUNES}/{ids[1]}").json() == second
    assert client.post(f"{TUNES}/{ids[1]}/cancel").json()["error"]["message"].endswith('status "cancelled".')


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training_file": "file-x"}, "invalid training_file: file-x"),
        ({"validation_file": "7"}, "invalid validation_file: 7"),
        (
            {"model": "gpt-4"},
            "Invalid base model: gpt-4 (model must be one of ada, babbage, curie, davinci) or a fine-tuned model "
            "created by your organization: mockai",
        ),
        ({"model": "nothing"}, None),
        ({"suffix": None}, "None is not of type 'string' - 'suffix'"),
        ({"suffix": "x" * 41}, None),
        ({"n_epochs": 0}, None),
        ({"n_epochs": "auto"}, None),
        ({"learning_rate_multiplier": 0}, None),
        ({"hyperparameters": {}}, None),
    ],
)
def test_wrong_ones_are_refused(fresh: TestClient, changes: Any, message: str | None) -> None:
    assert message in (None, refused(fresh, **changes))
    assert fresh.get(TUNES).json()["data"] == []


def test_a_training_file_is_required(fresh: TestClient) -> None:
    answer = fresh.post(TUNES, json={"model": "ada"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "training_file")


def test_a_bad_file_fails_it_and_an_event_says_why(fresh: TestClient) -> None:
    shown = settled(fresh, made(fresh, LINES)["id"])
    assert (shown["status"], shown["fine_tuned_model"]) == ("failed", None)
    last = shown["events"][-1]
    assert last["level"] == "error"
    assert last["message"].startswith("Fine-tune failed. ")
    assert "expected either prompt/completion pairs" in last["message"]
    end = settled(fresh, tune(fresh, headers={"X-Mockai-Fine-Tuning": "fail"}).json()["id"])
    assert end["events"][-1]["message"] == "Fine-tune failed. The job failed due to an internal error"


def complete(client: TestClient, model: str, prompt: str) -> Any:
    return client.post("/v1/completions", json={"model": model, "prompt": prompt, "stop": "\n"})


def test_the_model_answers_as_it_was_taught_until_it_is_deleted(fresh: TestClient) -> None:
    suffix = "Custom Model name"
    model = settled(fresh, made(fresh, suffix=suffix, model="curie")["id"])["fine_tuned_model"]
    assert re.fullmatch(r"curie:ft-mockai:custom-model-name-[\d-]{19}", model)
    answer = complete(fresh, model, "Item 7 ->").json()
    assert (answer["choices"][0]["text"], answer["model"]) == (" kind 7", model)
    assert model in [entry["id"] for entry in fresh.get("/v1/models").json()["data"]]
    assert fresh.delete(f"/v1/models/{model}").json() == {"id": model, "object": "model", "deleted": True}
    assert complete(fresh, model, "Item 7 ->").status_code == 404


def test_models_of_the_same_second_have_their_own_names(fresh: TestClient) -> None:
    ids = [made(fresh, [{"prompt": "Who?", "completion": f" {at}"}])["id"] for at in range(3)]
    models = [settled(fresh, id)["fine_tuned_model"] for id in ids]
    assert len(set(models)) == 3
    assert [complete(fresh, model, "Who?").json()["choices"][0]["text"] for model in models] == [" 0", " 1", " 2"]


def test_a_tuned_model_can_be_tuned_further(fresh: TestClient) -> None:
    first = settled(fresh, made(fresh)["id"])["fine_tuned_model"]
    more = settled(fresh, made(fresh, TWO, model=first)["id"])
    assert (more["model"], more["fine_tuned_model"][:7]) == (first, "ada:ft-")
    answers = [complete(fresh, more["fine_tuned_model"], prompt) for prompt in ("Item 3 ->", "I love Mondays ->")]
    assert [answer.json()["choices"][0]["text"] for answer in answers] == [" kind 3", " positive"]
    job = create(fresh, send(fresh, PAIRS), model=first).json()["error"]["code"]
    assert job == "model_not_available"


def test_the_results_hold_what_was_measured(fresh: TestClient) -> None:
    validation = send(fresh, TWO)
    shown = settled(fresh, made(fresh, n_epochs=2, batch_size=4, validation_file=validation)["id"])
    assert [entry["id"] for entry in shown["validation_files"]] == [validation]
    raw = fresh.get(f"/v1/files/{shown['result_files'][0]['id']}/content").text
    head, *rows = [line.split(",") for line in raw.splitlines()]
    assert (
        head
        == (
            "step elapsed_tokens elapsed_examples training_loss training_sequence_accuracy training_token_accuracy "
            "validation_loss validation_sequence_accuracy validation_token_accuracy"
        ).split()
    )
    assert [(row[0], row[2]) for row in rows] == [(str(step), str(4 * step)) for step in range(1, 7)]
    losses = [float(row[3]) for row in rows]
    assert sum(losses[3:]) < sum(losses[:3])


def test_more_epochs_end_in_a_lower_loss(fresh: TestClient) -> None:
    """Its ordinary multiplier is a twentieth of that of jobs, and teaches as much."""
    losses = []
    for epochs in (1, 8):
        result = settled(fresh, made(fresh, n_epochs=epochs)["id"])["result_files"][0]["id"]
        rows = fresh.get(f"/v1/files/{result}/content").text.splitlines()
        losses.append(sum(float(row.split(",")[3]) for row in rows[-12:]))
    assert losses[1] < losses[0] / 4


def test_a_deleted_file_is_shown_as_deleted(fresh: TestClient) -> None:
    shown = settled(fresh, made(fresh)["id"])
    (file,) = shown["training_files"]
    fresh.delete(f"/v1/files/{file['id']}")
    assert fresh.get(f"{TUNES}/{shown['id']}").json()["training_files"] == [{**file, "status": "deleted"}]


def frames(raw: str) -> Iterator[str]:
    for line in raw.splitlines():
        if line:
            assert line.startswith("data: ")
            yield line.removeprefix("data: ")


def test_events_are_streamed_until_the_end(fresh: TestClient) -> None:
    id = made(fresh)["id"]
    answer = fresh.get(f"{TUNES}/{id}/events", params={"stream": "true"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *told, done = frames(answer.text)
    assert done == "[DONE]"
    assert [json.loads(event) for event in told] == settled(fresh, id)["events"]


def test_a_stream_waits_for_what_has_not_happened(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is as much later as the stream waited; here nobody waits, and the times are the same."""

    async def at_once(edge: Any, seconds: float, gone: Any) -> None:
        return None

    monkeypatch.setattr("mockai.server.Edge.pause", at_once)
    client = start(pace="real", clock="manual")
    id = made(client, TWO)["id"]
    *told, _ = frames(client.get(f"{TUNES}/{id}/events?stream=true").text)
    seconds = [json.loads(event)["created_at"] for event in told]
    assert [at - seconds[0] for at in seconds] == [0, 5, 6, 12, 27, 28, 28, 29, 60, 60, 60]


def test_a_restart_loses_nothing(start: Start, clock: ManualClock) -> None:
    client = start(pace="real", clock="manual")
    plain, broken = (made(client, PAIRS)["id"] for _ in range(2))
    clock.advance(FineTune.CHECKED + FineTune.QUEUED + FineTune.LEAD + 20 * FineTune.PER_STEP)
    for id in (plain, broken):
        looks = (client.get(f"{TUNES}/{id}").json()["status"] for _ in range(100))  # each does a slice of the work
        assert next(status for status in looks if status != "pending") == "running"
    clock.advance(1000)
    other = start(pace="real", clock="manual")
    stories = [settled(server, id)["events"] for server, id in ((client, plain), (other, broken))]
    assert [event["created_at"] for event in stories[0]] == [event["created_at"] for event in stories[1]]


def test_phantoms_answer_and_leave_nothing(start: Start) -> None:
    client = start(missing="phantom", validate="schema")
    assert client.post(TUNES, json={"training_file": "file-x", "suffix": None}).json()["status"] == "pending"
    assert client.get(TUNES).json()["data"] == []
    assert client.get(f"{TUNES}/any").json()["id"] == "any"
    assert client.post(f"{TUNES}/any/cancel").json()["status"] == "cancelled"
    assert client.get(f"{TUNES}/any/events").json() == {"object": "list", "data": []}

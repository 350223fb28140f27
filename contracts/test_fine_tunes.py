"""Fine-tunes, which the real API had until 2024-01-04: only servers that still have them are asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from contracts.facts import Fault, check_fault

PAIRS = [{"prompt": f"Item {at} ->", "completion": f" kind {at}\n"} for at in range(12)]
ENDED = ("succeeded", "failed", "cancelled")
PENDING = {"n_epochs": 4, "batch_size": None, "prompt_loss_weight": 0.01, "learning_rate_multiplier": None}
RUNNING = {"n_epochs": 4, "batch_size": 1, "prompt_loss_weight": 0.01, "learning_rate_multiplier": 0.1}


@pytest.fixture
def file(sdk: openai.OpenAI) -> Iterator[str]:
    """Twelve pairs; gone after the test."""
    content = "".join(json.dumps(pair) + "\n" for pair in PAIRS).encode()
    id = sdk.files.create(file=("pairs.jsonl", content), purpose="fine-tune").id
    yield id
    sdk.files.delete(id)


def ended(http: httpx2.Client, id: str) -> Any:
    """Return a fine-tune once it has ended."""
    while (shown := http.get(f"/fine-tunes/{id}").json())["status"] not in ENDED:
        pass
    return shown


@pytest.mark.operation("fine_tunes.create", "fine_tunes.list", "fine_tunes.retrieve", "fine_tunes.list_events")
def test_a_fine_tune_from_its_creation_to_its_model(http: httpx2.Client, file: str) -> None:
    """Hyperparams, events in order, the list, and a model that answers (fine_tuning.md §1, recorded 2021 to 2023)."""
    made = http.post("/fine-tunes", json={"training_file": file, "model": "ada", "suffix": "kinds"}).json()
    assert (made["object"], made["model"], made["hyperparams"]) == ("fine-tune", "ada", PENDING)
    assert [event["message"] for event in made["events"]] == [f"Created fine-tune: {made['id']}"]
    assert [entry["id"] for entry in made["training_files"]] == [file]
    assert made["id"] in [entry["id"] for entry in http.get("/fine-tunes").json()["data"]]
    shown = ended(http, made["id"])
    assert (shown["status"], shown["hyperparams"]) == ("succeeded", RUNNING)
    model, (result,) = shown["fine_tuned_model"], shown["result_files"]
    told = http.get(f"/fine-tunes/{made['id']}/events").json()
    assert (told["object"], told["data"]) == ("list", shown["events"])
    assert [event["message"] for event in told["data"][1:]] == [
        "Fine-tune costs $0.00",
        "Fine-tune enqueued. Queue number: 0",
        "Fine-tune started",
        *(f"Completed epoch {number}/4" for number in range(1, 5)),
        f"Uploaded model: {model}",
        f"Uploaded result file: {result['id']}",
        "Fine-tune succeeded",
    ]
    answer = http.post("/completions", json={"model": model, "prompt": "Item 7 ->", "stop": "\n"}).json()
    assert (answer["choices"][0]["text"], answer["model"]) == (" kind 7", model)
    assert http.delete(f"/models/{model}").json()["deleted"]


@pytest.mark.operation("fine_tunes.cancel", "fine_tunes.create")
def test_a_fine_tune_that_has_ended_is_not_cancelled(http: httpx2.Client, file: str) -> None:
    """400 with the recorded text (fine_tuning.md §5, February 2023)."""
    id = http.post("/fine-tunes", json={"training_file": file, "model": "ada"}).json()["id"]
    ended(http, id)
    answer = http.post(f"/fine-tunes/{id}/cancel")
    message = f'Cannot cancel a job {id} that already has status "succeeded".'
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.operation("fine_tunes.create")
@pytest.mark.parametrize(
    "row",
    [
        Fault(
            {"suffix": None},
            400,
            "None is not of type 'string' - 'suffix'",
            None,
            None,
            "fine_tuning.md §5, openai-php/client#97",
            "reported",
        ),
        Fault(
            {"training_file": "7"},
            400,
            "invalid training_file: 7",
            "training_file",
            None,
            "fine_tuning.md §5: as with jobs",
            "unverified",
        ),
    ],
    ids=str,
)
def test_fault(http: httpx2.Client, file: str, row: Fault) -> None:
    """Each wrong fine-tune is refused at once."""
    body = {"training_file": file, "model": "ada", **row.body}
    check_fault(http, "/fine-tunes", replace(row, body=body))


@pytest.mark.operation("fine_tunes.create")
def test_only_four_models_could_be_tuned(http: httpx2.Client, file: str) -> None:
    """The text was reported but for its end, which names the organization (alexrudall/ruby-openai#180)."""
    answer = http.post("/fine-tunes", json={"training_file": file, "model": "xxi"})
    text = "Invalid base model: xxi (model must be one of ada, babbage, curie, davinci) or a fine-tuned model created by your or"
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(text)


@pytest.mark.operation("fine_tunes.retrieve", "fine_tunes.cancel", "fine_tunes.list_events")
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/cancel"), ("GET", "/events")])
def test_an_unknown_fine_tune(http: httpx2.Client, method: str, tail: str) -> None:
    """404 as with jobs, whose text speaks of fine-tunes (§5, recorded there)."""
    answer = http.request(method, f"/fine-tunes/ft-nothing{tail}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Could not find fine tune: ft-nothing")

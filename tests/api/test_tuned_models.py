"""Models that were trained here answer as they were taught (fine_tuning.md §8)."""

import json
from typing import Any

from starlette.testclient import TestClient

from mockai.clock import ManualClock
from mockai.store import Store
from tests.api.conftest import Start
from tests.api.tuning import (
    CHAT,
    JOBS,
    LEAD,
    LINES,
    PER_STEP,
    TAIL,
    TUNED,
    ask,
    create,
    job_of,
    said,
    send,
    settled,
    text,
)


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
    tool = {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    }
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

"""A training file, and the calls that the tests of fine-tuning make."""

import json
from typing import Any

from starlette.testclient import TestClient

from mockai.api.fine_tuning.faces import Face

JOBS = "/v1/fine_tuning/jobs"
CHAT = "/v1/chat/completions"
TUNED = "gpt-3.5-turbo-0125"
SYSTEM = {"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."}
LEAD, PER_STEP, TAIL = Face.LEAD, Face.PER_STEP, Face.TAIL


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

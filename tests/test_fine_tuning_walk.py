"""The whole path of fine-tuning on a real server, with the official SDKs, over a file of twelve examples."""

import base64
import csv
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from mockai.engine import tokens
from tests.inside import Inside, serving

FILE = Path("fixtures/files/marv.jsonl")
EXAMPLES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
KEYS = {"role", "content", "name", "function_call", "weight"}
ROLES = {"system", "user", "assistant", "function"}


@pytest.fixture(scope="module")
def served() -> Iterator[Inside]:
    with serving() as server:
        yield server


def format_errors(examples: list[Any]) -> Counter[str]:
    """Check a data set as the published guide to preparing one describes it."""
    found: Counter[str] = Counter()
    for example in examples:
        messages = example.get("messages") if isinstance(example, dict) else None
        if not messages:
            found["missing_messages_list"] += 1
            continue
        for message in messages:
            found["message_missing_key"] += not {"role", "content"} <= set(message)
            found["message_unrecognized_key"] += bool(set(message) - KEYS)
            found["unrecognized_role"] += message.get("role") not in ROLES
            found["missing_content"] += not (isinstance(message.get("content"), str) or message.get("function_call"))
        found["example_missing_assistant_message"] += all(message.get("role") != "assistant" for message in messages)
    return +found


def estimated_tokens(messages: list[dict[str, str]]) -> int:
    """Count the tokens of an example as the guide does: 3 a message and 3 at the end, role names included."""
    return 3 + sum(3 + sum(tokens.count("cl100k_base", text) for text in message.values()) for message in messages)


def test_the_python_sdk_walks_the_whole_path(served: Inside) -> None:
    assert format_errors(EXAMPLES) == {}
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="sk-walk", max_retries=0)
    file = client.files.create(file=FILE, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-3.5-turbo", training_file=file.id, suffix="walk", seed=1)
    messages: list[str] = []
    while job.status not in ("succeeded", "failed", "cancelled"):
        job = client.fine_tuning.jobs.retrieve(job.id)
    messages = [event.message for event in client.fine_tuning.jobs.list_events(job.id, limit=50)]
    assert job.status == "succeeded"
    assert (messages[0], messages[-1]) == (
        "The job has successfully completed",
        f"Created fine-tuning job: {job.id}",
    )
    epochs = job.hyperparameters.n_epochs
    assert epochs == 8  # 100 // 12, as the guide estimates it
    assert job.trained_tokens is not None
    guessed = sum(estimated_tokens(example["messages"]) for example in EXAMPLES) * 8
    assert abs(job.trained_tokens - guessed) / guessed < 0.05
    raw = base64.b64decode(client.files.content(job.result_files[0]).content).decode()
    losses = [float(row["train_loss"]) for row in csv.DictReader(raw.splitlines())]
    assert len(losses) == 96
    assert sum(losses[-12:]) < sum(losses[:12]) / 10
    assert job.fine_tuned_model is not None
    for example in EXAMPLES:
        *asked, taught = example["messages"]
        answer = client.chat.completions.create(model=job.fine_tuned_model, messages=asked)
        assert answer.choices[0].message.content == taught["content"]
    assert client.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(job.fine_tuned_model)


@pytest.mark.skipif(
    not os.environ.get("MOCKAI_NODE_SDK"), reason="MOCKAI_NODE_SDK names no folder with the npm package openai"
)
def test_the_node_sdk_walks_the_whole_path(served: Inside) -> None:
    node = shutil.which("node")
    assert node
    script = Path(os.environ["MOCKAI_NODE_SDK"]) / "fine_tuning.mjs"
    script.write_text(Path("tests/node/fine_tuning.mjs").read_text("utf-8"))
    environment = {**os.environ, "OPENAI_BASE_URL": f"{served.url}/v1", "OPENAI_API_KEY": "sk-node"}
    done = subprocess.run(
        [node, str(script), str(FILE.resolve())],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["first"].startswith("Created fine-tuning job: ftjob-")
    assert (told["status"], told["last"], told["rows"], told["deleted"], told["said"]) == (
        "succeeded",
        "The job has successfully completed",
        97,
        True,
        "Honey. Hence the jar with a bee on it.",
    )

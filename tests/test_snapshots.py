"""Snapshots of contract runs: what they say of themselves, and that the mock still answers as they do."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

import openai
import pytest
import yaml

from contracts.snapshots import Snapshots
from contracts.target import Target
from mockai.drift.gaps import read_gaps
from mockai.drift.play import Player
from mockai.drift.sources import exchanges
from mockai.recording.tape import read_folder
from tests.command import contracts, mockai

FIXTURES = Path(__file__).parents[1] / "fixtures"


def unlisted(folder: Path) -> list[str]:
    gaps = read_gaps(FIXTURES / "known-gaps.yaml")
    return [
        f"{outcome.recorded.name}: {difference}"
        for outcome in asyncio.run(Player().play(exchanges(folder)))
        for difference in outcome.differences
        if gaps.reason(outcome.recorded.name, difference) is None
    ]


@pytest.mark.parametrize("folder", sorted((FIXTURES / "snapshots").iterdir()), ids=lambda folder: folder.name)
def test_the_mock_answers_as_the_snapshots_say(folder: Path) -> None:
    assert unlisted(folder) == []


def test_a_run_is_kept_with_its_date_target_and_sdk(tmp_path: Path) -> None:
    done = mockai("contracts", "--only", "files", "--record", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [exchange for tape in read_folder(tmp_path / "mock") for exchange in tape.exchanges]
    assert f"{len(kept)} exchanges" in done.stdout
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", exchange.recorded) for exchange in kept)
    assert any(exchange.request.form for exchange in kept)
    text = (tmp_path / "mock" / "files.yaml").read_text("utf-8")
    head = next(iter(heads(text)))
    assert (head["target"], head["sdk"]) == ("mock", f"openai {openai.__version__}")
    assert "sk-contracts" not in text
    assert unlisted(tmp_path) == []


def heads(text: str) -> Iterable[dict[str, str]]:
    """Return the first document of a file."""
    yield yaml.safe_load(text.split("\n...\n")[0])


@pytest.mark.parametrize(
    ("target", "folder"),
    [
        (Target("mock", None, "k"), "mock"),
        (Target("live", "https://api.openai.com/v1", "k"), "live"),
        (Target("url", "http://user:secret@localhost:8000/v1", "k"), "localhost-8000"),
    ],
)
def test_each_target_has_a_folder_of_its_own(target: Target, folder: str, tmp_path: Path) -> None:
    assert Snapshots(tmp_path, target).folder == tmp_path / folder


def test_the_order_of_the_exchanges_needs_one_process(tmp_path: Path) -> None:
    done = contracts("-pxdist.plugin", "-n", "2", "--record", str(tmp_path))
    assert done.returncode == 4
    assert "leave -n out" in done.stderr

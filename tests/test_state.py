"""State files: what they declare is there from the start, and what is wrong in one is told with its line."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from mockai import state
from mockai.app import Application
from mockai.cli import main
from mockai.settings import KeyOwner, Settings, SettingsError
from mockai.store.memory import MemoryStore
from tests.conftest import client_of
from tests.test_readme import blocks

EXAMPLE = next(block for block in blocks("yaml") if "vector_stores:" in block)
MARV = "ft:gpt-4o-mini-2024-07-18:acme:marv:AbCd1234"
KEY = {"authorization": "Bearer sk-mockai", "openai-beta": "assistants=v2"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenarios" / "state.yaml"
    path.parent.mkdir()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "marv.jsonl").write_bytes(Path("fixtures/files/marv.jsonl").read_bytes())
    path.write_text(EXAMPLE)
    return path


def started(file: Path) -> TestClient:
    application = Application(Settings(clock="manual"))
    state.load(application.edge, file)
    return client_of(application)


def test_the_example_of_the_readme_is_there_from_the_start(file: Path) -> None:
    with started(file) as client:
        client.headers.update(KEY)
        assert client.get("/v1/files/file-faq/").status_code == 404  # as ever: no trailing slash
        assert client.get("/v1/files/file-faq").json()["filename"] == "faq.md"
        for _ in range(100):
            store = client.get("/v1/vector_stores/vs_faq").json()
            if store["status"] == "completed":
                break
        assert (store["file_counts"]["completed"], store["name"]) == (1, "Questions and answers")
        found = client.post("/v1/vector_stores/vs_faq/search", json={"query": "When are parcels sent?"}).json()
        assert "Mondays" in found["data"][0]["content"][0]["text"]
        assert client.get("/v1/assistants/asst_clerk").json()["model"] == "gpt-4o"
        asked = [{"role": "user", "content": "What do bees make?"}]
        answer = client.post("/v1/chat/completions", json={"model": MARV, "messages": asked}).json()
        assert answer["choices"][0]["message"]["content"] == "Honey. Hence the jar with a bee on it."
        assert MARV in [model["id"] for model in client.get("/v1/models").json()["data"]]
        other = client.get("/v1/files/file-faq", headers={"authorization": "Bearer sk-other"})
        assert other.status_code == 404


def test_a_model_of_the_older_fine_tunes_is_there_too(file: Path) -> None:
    file.write_text(
        "models:\n  - id: ada:ft-acme-2023-01-01-00-00-00\n    base: ada\n"
        """    content: '{"prompt": "Item 3 ->", "completion": " kind 3"}'\n"""
    )
    with started(file) as client:
        body = {"model": "ada:ft-acme-2023-01-01-00-00-00", "prompt": "Item 3 ->"}
        answer = client.post("/v1/completions", json=body, headers=KEY).json()
        assert answer["choices"][0]["text"] == " kind 3"


def test_what_the_store_has_is_left_as_it_is(file: Path) -> None:
    application = Application(Settings(clock="manual"), store=MemoryStore())
    state.load(application.edge, file)
    with client_of(application) as client:
        client.headers.update(KEY)
        client.post("/v1/assistants/asst_clerk", json={"name": "Changed"})
        state.load(application.edge, file)
        assert client.get("/v1/assistants/asst_clerk").json()["name"] == "Changed"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("files: [", ":1: is not YAML"),
        ("- x", ":1: is no mapping"),
        ("fils: []", ":1: does not know `fils:`"),
        ("files: {}", ":1: `files:` must be a list"),
        ("files:\n  - purpose: assistants", ":2: an entry of `files:` has no `id:`"),
        ("files:\n  - 7", "an entry of `files:` has no `id:`"),
        (
            "\nfiles:\n  - id: file-x\n    purpose: nothing\n    content: a",
            ":3: files 'file-x': 'nothing' is not one of",
        ),
        (
            "files:\n  - id: file-x\n    path: none.txt",
            "none.txt cannot be read (No such file or directory); `path:` is relative",
        ),
        ("files:\n  - id: doc-x\n    content: a", ":2: files 'doc-x': ids of files look like 'file-"),
        (
            "models:\n  - id: mine\n    base: gpt-4o-mini",
            ":2: models 'mine': the id of a tuned model begins with `ft:`",
        ),
        ("models:\n  - id: ft:x\n    base: gpt-5", ":2: models 'ft:x': `base:` names no model"),
        (
            "models:\n  - id: ft:x\n    base: gpt-4o-mini\n    content: '{}'",
            "expected either prompt/completion pairs",
        ),
        ("assistants:\n  - id: asst_x\n    model: none", ":2: assistants 'asst_x': The requested model 'none'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "state.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError) as error:
        state.load(Application(Settings(clock="manual")).edge, path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


def test_a_key_that_the_server_does_not_know_is_told(file: Path) -> None:
    application = Application(Settings(keys={"sk-web": KeyOwner("acme", "proj_web")}))
    with pytest.raises(
        SettingsError, match=r":1: its objects belong to the key 'sk-mockai', which --keys does not list"
    ):
        state.load(application.edge, file)


def test_a_bad_state_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--state", str(tmp_path / "none.yaml")])
    assert done.exit_code == 2
    assert done.output.startswith(f"Error: {tmp_path / 'none.yaml'}: cannot be read")


def test_assistants_are_written_for_the_version_of_the_day(tmp_path: Path) -> None:
    file = tmp_path / "state.yaml"
    file.write_text(
        "assistants:\n  - id: asst_old\n    model: gpt-4\n    tools: [{type: retrieval}]\n    file_ids: []\n"
    )
    application = Application(Settings(clock="manual", as_of="2023-12-01"))
    state.load(application.edge, file)
    with client_of(application) as client:
        client.headers.update({**KEY, "openai-beta": "assistants=v1"})
        assert client.get("/v1/assistants/asst_old").json()["tools"] == [{"type": "retrieval"}]
    later = Application(Settings(clock="manual", as_of="2024-04-17"))
    with pytest.raises(SettingsError, match="'file_ids'"):
        state.load(later.edge, file)

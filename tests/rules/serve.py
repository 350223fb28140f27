"""A server in process with the rules of a text."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from mockai.app import Application
from mockai.settings import Settings
from tests.conftest import client_of

SCENARIOS = Path(__file__).parents[2] / "fixtures" / "scenarios"
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@contextmanager
def ruled(*sources: str | Path, folder: Path | None = None, **settings: Any) -> Iterator[TestClient]:
    """Give a client of a server with the rules of files, or of texts that are written to `folder`."""
    paths = []
    for number, source in enumerate(sources):
        if isinstance(source, str):
            assert folder is not None
            path = folder / f"rules{number}.yaml"
            path.write_text(source)
            paths.append(path)
        else:
            paths.append(source)
    application = Application(Settings(clock="manual", fixtures=tuple(paths), **settings))
    with client_of(application) as client:
        yield client


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def said(client: TestClient, text: str, key: str = "sk-test", **more: Any) -> str:
    """Return what a chat request is told."""
    headers = {"authorization": f"Bearer {key}"}
    answer = client.post("/v1/chat/completions", json=chat(text, **more), headers=headers)
    assert answer.status_code == 200, answer.text
    content: str = answer.json()["choices"][0]["message"]["content"]
    return content

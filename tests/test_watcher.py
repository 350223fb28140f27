"""--watch: a changed file replaces the whole set, a broken one nothing."""

from pathlib import Path

import pytest

from mockai.app import Application
from mockai.settings import Settings
from mockai.watcher import Watcher
from tests.conftest import client_of
from tests.rules.serve import said


def test_files_that_change_come_go_and_break(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "more" / "b.json"
    first.write_text("- {match: {}, response: {content: one}}\n")
    application = Application(Settings(fixtures=(tmp_path,)))
    watcher = Watcher(application.edge)
    with client_of(application) as client:
        assert said(client, "x") == "one"

        first.write_text("- {match: {userMessage: x}, response: {content: second}}\n")
        watcher.look()
        assert said(client, "x") == "second"

        second.parent.mkdir()
        second.write_text('{"fixtures": [{"match": {}, "response": {"content": "third"}}]}')
        watcher.look()
        assert (said(client, "x"), said(client, "y")) == ("second", "third")

        first.write_text("- {match: {userMessage: x, endpoint: [chat, chta]}, response: {content: second}}\n")
        watcher.look()
        assert f"{first}:1: endpoint: nothing is called `chta` here; did you mean `chat`?" in caplog.text

        kept = application.edge.rules
        first.write_text("- match: {}\n  respons: {content: broken}\n")
        watcher.look()
        assert application.edge.rules is kept
        assert f"{first}:2: unknown key `respons`; did you mean `response`?" in caplog.text
        assert said(client, "x") == "second"

        first.unlink()
        watcher.look()
        assert said(client, "x") == "third"

        kept = application.edge.rules
        watcher.look()
        assert application.edge.rules is kept

"""Long threads: what a run reads of them, and that what is remembered is what is there."""

from typing import Any

import pytest

from mockai.api.assistants import conversation
from mockai.store import Store
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import SqliteStore
from tests.api.runs import World

LONG = 450


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Any) -> World:
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")
    return World(store)


def long_thread(world: World) -> str:
    """Make a thread of many messages, without a request for each."""
    thread = world.thread("Message of a long conversation about many things.")
    store, (shown,) = world.app.store, world.get(f"/threads/{thread}/messages")["data"]
    first = store.get(world.tenant, "message", shown["id"])
    assert first is not None
    with store.transaction():
        for at in range(LONG):
            text = {"type": "text", "text": {"value": f"Message {at} of many.", "annotations": []}}
            message = {**first, "id": f"msg_{at:024d}", "content": [text]}
            store.put(world.tenant, "message", message, parent=thread, tags={"run_id": ""})
    return thread


def prompt(world: World, thread: str, **body: Any) -> int:
    """Return the prompt tokens of a run."""
    run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[]), **body})
    done = world.look(run)
    assert done["status"] == "completed"
    tokens: int = done["usage"]["prompt_tokens"]
    return tokens


def read(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of messages of every page that is read from now on."""
    pages: list[int] = []
    real = conversation.Conversation._page

    def noted(self: Any, after: str | None) -> Any:
        found = real(self, after)
        pages.append(len(found))
        return found

    monkeypatch.setattr(conversation.Conversation, "_page", noted)
    return pages


def counted_anew(world: World, thread: str) -> int:
    """Return the prompt tokens of a run by a server that remembers nothing."""
    conversation._MEMORIES.clear()
    return prompt(world, thread)


def test_only_what_is_new_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    thread, pages = long_thread(world), read(world, monkeypatch)
    first = prompt(world, thread)
    assert sum(pages) > LONG
    pages.clear()
    world.post(f"/threads/{thread}/messages", {"role": "user", "content": "And one more."})
    second = prompt(world, thread)
    assert sum(pages) <= conversation.PAGE
    assert second > first + 4  # the answer to the first run is there too
    world.client.delete(f"/v1/threads/{thread}/messages/msg_{LONG - 1:024d}")
    third = prompt(world, thread)
    again = world.get(f"/threads/{thread}/messages", limit=1)["data"][0]
    world.client.delete(f"/v1/threads/{thread}/messages/{again['id']}")
    assert counted_anew(world, thread) == third


def test_a_deleted_message_is_not_remembered(world: World) -> None:
    thread = long_thread(world)
    prompt(world, thread)
    for gone in (f"msg_{7:024d}", world.get(f"/threads/{thread}/messages", limit=1)["data"][0]["id"]):
        world.client.delete(f"/v1/threads/{thread}/messages/{gone}")
        world.post(f"/threads/{thread}/messages", {"role": "user", "content": "And one more."})
        told = prompt(world, thread)
        answer = world.get(f"/threads/{thread}/messages", limit=1)["data"][0]["id"]
        world.client.delete(f"/v1/threads/{thread}/messages/{answer}")
        assert counted_anew(world, thread) == told


def test_no_more_is_read_than_is_wanted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    thread, pages = long_thread(world), read(world, monkeypatch)
    few = prompt(world, thread, truncation_strategy={"type": "last_messages", "last_messages": 2})
    assert (few < 60, pages) == (True, [conversation.PAGE])
    pages.clear()
    assert prompt(world, thread, max_prompt_tokens=256) <= 256
    assert pages == [conversation.PAGE]


def test_versions_of_a_model_count_for_themselves(world: World) -> None:
    thread = long_thread(world)
    body = {"truncation_strategy": {"type": "auto"}}
    prompt(world, thread, model="gpt-4o", **body)
    old = prompt(world, thread, model="gpt-4-turbo", **body)
    answer = world.get(f"/threads/{thread}/messages", limit=1)["data"][0]["id"]
    world.client.delete(f"/v1/threads/{thread}/messages/{answer}")
    conversation._MEMORIES.clear()
    assert prompt(world, thread, model="gpt-4-turbo", **body) == old


def test_few_threads_are_remembered(world: World) -> None:
    for _ in range(conversation.REMEMBERED + 2):
        prompt(world, long_thread_of(world))
    assert len(conversation._MEMORIES[world.app.store]) == conversation.REMEMBERED


def long_thread_of(world: World) -> str:
    """Make a thread just long enough, whose messages have ids of their own."""
    thread = world.thread("Hello")
    store, (shown,) = world.app.store, world.get(f"/threads/{thread}/messages")["data"]
    first = store.get(world.tenant, "message", shown["id"])
    assert first is not None
    with store.transaction():
        for at in range(conversation.LEAST):
            message = {**first, "id": f"msg_{thread[7:]}{at}"}
            store.put(world.tenant, "message", message, parent=thread, tags={"run_id": ""})
    return thread

"""File search in runs: chunks that are really found, in steps and in the message that cites them."""

from typing import Any

import pytest

from tests.api.runs import World, fold, frames, names
from tests.api.test_run_streams import first_of_each, keys, same_as_polled
from tests.recorded import exchanges

CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
FOODS = "This file describes the favorite foods of several people.\n\nSummanus Ferdinand: tacos\nTekakwitha Effie: pizza\nFilip Carola: cake"
QUESTION = "Using the files you have available, what's Filip's favorite food?"
SEARCH = {"type": "file_search"}


@pytest.fixture
def world() -> World:
    return World()


def store_of(world: World, **files: str) -> str:
    ids = [
        world.client.post(
            "/v1/files", data={"purpose": "assistants"}, files={"file": (f"{name}.txt", text.encode())}
        ).json()["id"]
        for name, text in files.items()
    ]
    id: str = world.post("/vector_stores", {"file_ids": ids})["id"]
    return id


def searcher(world: World, store: str, **search: Any) -> str:
    tool = {**SEARCH, "file_search": search} if search else SEARCH
    return world.assistant(tools=[tool], tool_resources={"file_search": {"vector_store_ids": [store]}})


def test_a_message_cites_what_was_found(world: World) -> None:
    run = world.run(QUESTION, assistant_id=searcher(world, store_of(world, favorite_foods=FOODS)))
    assert world.look(run)["status"] == "completed"
    text = world.messages(run)[0]["content"][0]["text"]
    assert "Filip Carola: cake" in text["value"]
    (annotation,) = text["annotations"]
    assert text["value"][annotation["start_index"] : annotation["end_index"]] == annotation["text"]
    assert annotation["text"] == "【4:0†favorite_foods.txt】"
    assert list(annotation) == ["type", "text", "start_index", "end_index", "file_citation"]
    _, search = world.steps(run, **{"include[]": CONTENT})
    (call,) = search["step_details"]["tool_calls"]
    (result,) = call["file_search"]["results"]
    assert (result["file_name"], result["file_id"]) == (
        "favorite_foods.txt",
        annotation["file_citation"]["file_id"],
    )
    assert 0 < result["score"] <= 1
    assert "cake" in result["content"][0]["text"]


def test_the_text_of_results_comes_on_request(world: World) -> None:
    run = world.run(QUESTION, assistant_id=searcher(world, store_of(world, favorite_foods=FOODS)))
    world.look(run)
    for query, expected in (({}, False), ({"include[]": CONTENT}, True)):
        step = world.steps(run, **query)[1]
        assert ("content" in step["step_details"]["tool_calls"][0]["file_search"]["results"][0]) is expected
        path = f"/threads/{run['thread_id']}/runs/{run['id']}/steps/{step['id']}"
        assert world.get(path, **query) == step


def test_a_citation_is_one_delta(world: World) -> None:
    assistant = searcher(world, store_of(world, favorite_foods=FOODS))
    body = {"assistant_id": assistant, "stream": True}
    events = frames(world.client.post(f"/v1/threads/{world.thread(QUESTION)}/runs", json=body).text)
    deltas = [data["delta"]["content"][0]["text"] for name, data in events if name == "thread.message.delta"]
    (cited,) = [text for text in deltas if text.get("annotations")]
    (annotation,) = cited["annotations"]
    assert cited["value"] == annotation["text"] == "【4:0†favorite_foods.txt】"
    assert (annotation["index"], annotation["file_citation"]["quote"]) == (0, "")
    completed = next(data for name, data in events if name == "thread.message.completed")
    (whole,) = completed["content"][0]["text"]["annotations"]
    assert "index" not in whole
    assert list(whole["file_citation"]) == ["file_id"]


@pytest.mark.parametrize("entry", [*exchanges("assistants-stream-file-search")], ids=lambda entry: entry.name)
def test_the_stream_is_as_recorded(entry: Any, world: World) -> None:
    assistant = searcher(world, store_of(world, favorite_foods=FOODS))
    path = f"/v1/threads/{world.thread(QUESTION)}/runs?include[]={CONTENT}"
    mine = frames(world.client.post(path, json={**entry.body, "assistant_id": assistant}).text)
    assert names(mine) == names(entry.events)
    theirs = first_of_each(entry.events)
    for name, data in first_of_each(mine).items():
        assert keys(data) == keys(theirs[name]), name
    cited = [data for _, data in mine if isinstance(data, dict) and "delta" in data and "quote" in str(data)]
    recorded = [
        data for _, data in entry.events if isinstance(data, dict) and "delta" in data and "quote" in str(data)
    ]
    assert [keys(data) for data in cited] == [keys(data) for data in recorded]
    same_as_polled_with_content(world, mine)


def same_as_polled_with_content(world: World, events: Any) -> None:
    """The events hold the text of results; so does polling that asks for it."""
    run, steps, _ = fold(events)
    polled = world.steps(run, **{"include[]": CONTENT})
    assert [{**step, "expires_at": None} for step in list(steps.values())[::-1]] == polled


@pytest.mark.parametrize("entry", [*exchanges("assistants-run-steps-list-file-search")], ids=lambda entry: entry.name)
def test_the_steps_are_as_recorded(entry: Any, world: World) -> None:
    run = world.run(QUESTION, assistant_id=searcher(world, store_of(world, favorite_foods=FOODS)))
    world.look(run)
    path = f"/v1/threads/{run['thread_id']}/runs/{run['id']}/steps?include[]={CONTENT}"
    assert keys(world.client.get(path).json()) == keys(entry.answer)


def test_without_include_the_stream_has_no_text(world: World) -> None:
    assistant = searcher(world, store_of(world, favorite_foods=FOODS))
    body = {"assistant_id": assistant, "stream": True}
    events = frames(world.client.post(f"/v1/threads/{world.thread(QUESTION)}/runs", json=body).text)
    same_as_polled(world, events[:-1])
    details = [data["step_details"] for name, data in events if name == "thread.run.step.completed"]
    results = [
        hit for told in details for call in told.get("tool_calls", ()) for hit in call["file_search"]["results"]
    ]
    assert results
    assert all("content" not in hit for hit in results)


def test_options_of_the_tool_hold(world: World) -> None:
    store = store_of(world, foods=FOODS, trees="Oaks and elms grow slowly.", seas="The sea is salt and deep.")
    run = world.run(QUESTION, assistant_id=searcher(world, store, max_num_results=1))
    world.look(run)
    results = world.steps(run)[1]["step_details"]["tool_calls"][0]["file_search"]["results"]
    assert [result["file_name"] for result in results] == ["foods.txt"]
    strict = {"ranker": "default_2024_08_21", "score_threshold": 1.0}
    run = world.run(QUESTION, assistant_id=searcher(world, store, ranking_options=strict))
    assert world.look(run)["status"] == "completed"
    call = world.steps(run)[1]["step_details"]["tool_calls"][0]["file_search"]
    assert (call["results"], call["ranking_options"]) == ([], strict)
    assert world.messages(run)[0]["content"][0]["text"]["annotations"] == []


def test_a_store_of_the_thread_is_searched_too(world: World) -> None:
    store = store_of(world, foods=FOODS)
    thread = world.post(
        "/threads",
        {
            "messages": [{"role": "user", "content": QUESTION}],
            "tool_resources": {"file_search": {"vector_store_ids": [store]}},
        },
    )["id"]
    run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[SEARCH])})
    assert world.look(run)["status"] == "completed"
    assert "cake" in world.messages(run)[0]["content"][0]["text"]["value"]


def test_a_store_that_is_gone_fails_the_run(world: World) -> None:
    store = store_of(world, foods=FOODS)
    assistant = searcher(world, store)
    assert world.client.delete(f"/v1/vector_stores/{store}").status_code == 200
    run = world.look(world.run(QUESTION, assistant_id=assistant))
    assert (run["status"], run["last_error"]["code"]) == ("failed", "server_error")
    assert store in run["last_error"]["message"]

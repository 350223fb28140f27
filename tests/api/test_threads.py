"""Assistants, threads and messages: what is kept, shown and refused (assistants.md §3, §4, §8, §9)."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from mockai.api.assistants import assistants
from tests.api.runs import CODE, TALK, WEATHER, World
from tests.recorded import FOLDER, exchanges, shape

SEARCH = {"type": "file_search"}


@pytest.fixture
def world() -> World:
    return World()


def file_of(world: World, name: str = "a.txt", text: bytes = b"The sea is salt.") -> str:
    made = world.client.post("/v1/files", data={"purpose": "assistants"}, files={"file": (name, text)})
    id: str = made.json()["id"]
    return id


COMPARED_ELSEWHERE = {
    "assistants-messages-list-file-citation": "tests/api/test_run_search.py has the message",
    "assistants-error-submit-wrong-status": "contracts/test_runs.py, with another status",
    "assistants-error-run-without-user-message": "contracts/test_runs.py",
    "assistants-error-metadata-type": "contracts/test_assistants.py",
    "assistants-error-step-not-found": "contracts/test_runs.py",
}
"""What of the recordings is told by ids of that day, and where the same is asked with ids of today."""


def test_every_recording_is_compared() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no folder of recorded exchanges")
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for entry in exchanges("assistants-"):
        streamed = entry.name.startswith("assistants-stream")
        assert streamed or f'"{entry.name}"' in tests or entry.name in COMPARED_ELSEWHERE, entry.name


@pytest.mark.parametrize("entry", [*exchanges("assistants-create")], ids=lambda entry: entry.name)
def test_an_assistant_is_answered_as_recorded(entry: Any, world: World) -> None:
    made = world.post("/assistants", entry.body)
    assert list(made) == list(entry.answer)
    volatile = ("id", "created_at")
    assert {k: v for k, v in made.items() if k not in volatile} == {
        k: v for k, v in entry.answer.items() if k not in volatile
    }


@pytest.mark.parametrize("entry", [*exchanges("assistants-list-page")], ids=lambda entry: entry.name)
def test_assistants_are_listed_as_recorded(entry: Any, world: World) -> None:
    ids = [world.assistant(tools=[], name=f"Test Assistant {at}") for at in range(4)]
    page = world.get("/assistants", limit=2, order="desc", after=ids[3])
    assert list(page) == list(entry.answer)
    assert shape(page) == shape(entry.answer)
    assert ([entry["id"] for entry in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)
    assert [entry["id"] for entry in world.get("/assistants", before=ids[1])["data"]] == ids[:1:-1]


@pytest.mark.parametrize(
    "entry", [*exchanges("assistants-message-modify-file-ids-quirk")], ids=lambda entry: entry.name
)
def test_a_changed_message_is_answered_as_recorded(entry: Any, world: World) -> None:
    thread = world.thread("Goodbye, world!")
    (message,) = world.get(f"/threads/{thread}/messages")["data"]
    changed = world.post(f"/threads/{thread}/messages/{message['id']}", entry.body)
    assert list(changed) == list(entry.answer)
    volatile = ("id", "created_at", "thread_id")
    assert {k: v for k, v in changed.items() if k not in volatile} == {
        k: v for k, v in entry.answer.items() if k not in volatile
    }


def test_an_assistant_changes_and_goes(world: World) -> None:
    id = world.assistant(name="A", tools=[WEATHER], metadata={"a": "b"})
    changed = world.post(f"/assistants/{id}", {"name": "B", "temperature": 0.2})
    assert (changed["name"], changed["temperature"], changed["metadata"]) == ("B", 0.2, {"a": "b"})
    assert changed["tools"][0]["function"]["strict"] is False
    assert world.get(f"/assistants/{id}") == changed
    assert world.client.delete(f"/v1/assistants/{id}").json() == {
        "id": id,
        "object": "assistant.deleted",
        "deleted": True,
    }
    assert world.get(f"/assistants/{id}")["error"]["message"] == f"No assistant found with id '{id}'."


def test_tools_are_shown_with_their_defaults(world: World) -> None:
    bare = {"type": "function", "function": {"name": "f"}}
    made = world.post("/assistants", {"model": "gpt-4o", "tools": [CODE, bare, SEARCH]})
    assert made["tools"] == [
        CODE,
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
        },
        {
            "type": "file_search",
            "file_search": {"ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0}},
        },
    ]
    assert made["tool_resources"] == {"code_interpreter": {"file_ids": []}}


def test_the_resources_of_a_thread_depend_on_who_asks(world: World) -> None:
    made = world.post("/threads", {"metadata": {"a": "b"}})
    assert (made["tool_resources"], made["metadata"]) == ({}, {"a": "b"})
    path = f"/threads/{made['id']}"
    assert world.get(path)["tool_resources"] == {"code_interpreter": {"file_ids": []}}
    assert world.post(path, {"metadata": {"a": "c"}})["tool_resources"] == {}
    assert world.get(path)["metadata"] == {"a": "c"}
    assert world.client.post("/v1/threads").json()["tool_resources"] == {}  # a body is not needed


def test_a_vector_store_is_made_where_it_is_described(world: World) -> None:
    file = file_of(world)
    described = {"file_search": {"vector_stores": [{"file_ids": [file], "metadata": {"a": "b"}}]}}
    thread = world.post("/threads", {"tool_resources": described})
    (id,) = thread["tool_resources"]["file_search"]["vector_store_ids"]
    store = world.get(f"/vector_stores/{id}")
    assert (store["expires_after"], store["metadata"]) == ({"anchor": "last_active_at", "days": 7}, {"a": "b"})
    assistant = world.post("/assistants", {"model": "gpt-4o", "tools": [SEARCH], "tool_resources": described})
    (id,) = assistant["tool_resources"]["file_search"]["vector_store_ids"]
    assert world.get(f"/vector_stores/{id}")["expires_after"] is None
    gone = {"file_search": {"vector_store_ids": ["vs_x"]}}
    assert world.post("/threads", {"tool_resources": gone})["error"]["message"] == (
        "No vector store found with id 'vs_x'."
    )


def test_attachments_reach_the_tools_of_the_thread(world: World) -> None:
    files = [file_of(world, f"{at}.txt", f"Number {at} likes cake {at}.".encode()) for at in range(2)]
    thread = world.thread("Hello")
    for file in files:
        attachment = {"file_id": file, "tools": [SEARCH, CODE]}
        body = {"role": "user", "content": "What does number 1 like?", "attachments": [attachment]}
        message = world.post(f"/threads/{thread}/messages", body)
        assert message["attachments"] == [attachment]
    resources = world.get(f"/threads/{thread}")["tool_resources"]
    assert resources["code_interpreter"]["file_ids"] == files
    (store,) = resources["file_search"]["vector_store_ids"]
    assert world.get(f"/vector_stores/{store}")["file_counts"]["total"] == 2
    only = {"file_search": {"vector_store_ids": [store]}}
    searching = world.post("/threads", {"tool_resources": only})
    assert world.get(f"/threads/{searching['id']}")["tool_resources"] == only
    run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[SEARCH])})
    assert world.look(run)["status"] == "completed"
    assert "cake 1" in world.messages(run)[0]["content"][0]["text"]["value"]
    pie = {"file_id": file_of(world, "7.txt", b"Number 7 likes pie."), "tools": [SEARCH]}
    more = {"role": "user", "content": "What does number 7 like?", "attachments": [pie]}
    body = {"assistant_id": run["assistant_id"], "additional_messages": [more]}
    assert world.look(world.post(f"/threads/{thread}/runs", body))["status"] == "completed"
    assert "pie" in world.messages(run)[0]["content"][0]["text"]["value"]
    unknown = {"role": "user", "content": "x", "attachments": [{"file_id": "file-x", "tools": [SEARCH]}]}
    assert world.post(f"/threads/{thread}/messages", unknown)["error"]["message"] == "Files [file-x] were not found"


def test_parts_of_content_are_kept(world: World) -> None:
    image = file_of(world, "a.png")
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_file", "image_file": {"file_id": image, "detail": "low"}},
    ]
    thread = world.thread()
    message = world.post(f"/threads/{thread}/messages", {"role": "user", "content": content})
    assert message["content"] == [
        {"type": "text", "text": {"value": "Look", "annotations": []}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
        {"type": "image_file", "image_file": {"file_id": image, "detail": "low"}},
    ]
    run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[])})
    assert world.look(run)["status"] == "completed"


@pytest.mark.parametrize(("name", "end"), [("a.csv", ".csv"), ("A.XLSX", ".XLSX")])
def test_files_that_are_not_searched_are_refused(name: str, end: str, world: World) -> None:
    file, thread = file_of(world, name, b"a,b"), world.thread("Hello")
    described = {"file_search": {"vector_stores": [{"file_ids": [file]}]}}
    attached = {"role": "user", "content": "x", "attachments": [{"file_id": file, "tools": [SEARCH]}]}
    asked = [
        ("/threads", {"tool_resources": described}),
        ("/assistants", {"model": "gpt-4o", "tools": [SEARCH], "tool_resources": described}),
        (f"/threads/{thread}/messages", attached),
        ("/threads", {"messages": [attached]}),
    ]
    text = (
        f"Files with extensions [{end}] are not supported for retrieval. "
        "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
    )
    told = {"message": text, "type": "invalid_request_error", "param": "file_ids", "code": "unsupported_file"}
    assert [world.post(path, body)["error"] for path, body in asked] == [told] * 4
    attached["attachments"] = [{"file_id": file, "tools": [CODE]}]
    assert world.post(f"/threads/{thread}/messages", attached)["attachments"][0]["file_id"] == file
    world.client.headers["openai-beta"] = "assistants=v1"
    old = {"model": "gpt-4-turbo", "file_ids": [file], "tools": [{"type": "retrieval"}]}
    assert world.post("/assistants", old)["error"] == told
    assert world.post("/assistants", {**old, "tools": [{"type": "retrieval"}, CODE]})["file_ids"] == [file]
    loose = World(validate="schema")
    for other in ((loose, name), (world, "README")):
        described["file_search"]["vector_stores"][0]["file_ids"] = [file_of(*other)]
        other[0].client.headers["openai-beta"] = "assistants=v2"
        assert "id" in other[0].post("/threads", {"tool_resources": described})


def test_pictures_are_known_by_their_names(world: World) -> None:
    text = file_of(world, "a.txt")
    path = f"/threads/{world.thread('Hello')}/messages"
    part: dict[str, Any] = {"type": "image_file", "image_file": {"file_id": text}}
    error = world.post(path, {"role": "user", "content": [part]})["error"]
    ends = ".jpeg, .jpg, .png, .gif, .webp"
    assert error["message"] == (
        f"Invalid message content: Expected file type to be a supported format: {ends} but got .txt"
    )
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.svg?as=.png"}}
    error = world.post("/threads", {"messages": [{"role": "user", "content": [part]}]})["error"]
    assert error["param"] == "messages[0].content[0].image_url.url"
    start = "Invalid 'messages[0].content[0].image_url.url'. Expected url to end in a supported format"
    assert error["message"].startswith(start)
    part["image_url"]["url"] = "https://example.com/A.PNG?size=7"
    assert world.post(path, {"role": "user", "content": [part]})["role"] == "user"
    part["image_url"]["url"] = "http://[x"
    assert world.client.post(f"/v1{path}", json={"role": "user", "content": [part]}).status_code == 400


def test_messages_are_listed_by_run_and_in_pages(world: World) -> None:
    run = world.run(TALK, assistant_id=world.assistant(tools=[]))
    world.look(run)
    path = f"/threads/{run['thread_id']}/messages"
    assert [entry["role"] for entry in world.get(path, run_id=run["id"])["data"]] == ["assistant"]
    page = world.get(path, order="asc", limit=1)
    assert ([entry["role"] for entry in page["data"]], page["has_more"]) == (["user"], True)
    assert world.get(path, after="msg_x")["error"]["message"] == "No message found with id 'msg_x'."


def test_threads_are_not_listed(world: World) -> None:
    answer = world.client.get("/v1/threads")
    assert answer.status_code == 401
    assert "must be made with a session key" in answer.json()["error"]["message"]
    gone = World(as_of="2026-08-26").client.get("/v1/threads")
    assert (gone.status_code, gone.content) == (404, b"")


@pytest.mark.parametrize(
    ("model", "version", "end"),
    [
        ("gpt-4o-2024-08-06", 2, None),
        ("gpt-4", 1, None),
        ("gpt-3.5-turbo-1106", 1, None),
        ("gpt-4-1106-preview", 1, None),
        ("my-own", 1, None),
        ("gpt-5.1", 2, "cannot be used with the Assistants API."),
        ("o3", 1, "cannot be used with the Assistants API."),
        (
            "gpt-4o",
            1,
            "cannot be used with the Assistants API in v1. Follow the migration guide to upgrade to v2: "
            "https://platform.openai.com/docs/assistants/migration.",
        ),
        ("gpt-nope", 2, "does not exist."),
    ],
)
def test_assistants_and_runs_refuse_models(model: str, version: int, end: str | None) -> None:
    world = World(models=("my-own",))
    assistant, thread = world.assistant(tools=[]), world.thread("Hello")
    world.client.headers["openai-beta"] = f"assistants=v{version}"
    for path, body in (
        ("/assistants", {}),
        (f"/assistants/{assistant}", {}),
        (f"/threads/{thread}/runs", {"assistant_id": assistant}),
    ):
        answer = world.post(path, {**body, "model": model})
        if end is None:
            assert answer["model"] == model
        else:
            assert answer["error"]["message"] == f"The requested model '{model}' {end}"
            assert answer["error"]["param"] == "model"
        if end is None and "runs" not in path:
            world.post(f"/assistants/{assistant}", {"model": "gpt-4"})


def test_an_effort_is_one_that_assistants_knew(world: World) -> None:
    assistant, thread = world.assistant(tools=[], model="o3-mini"), world.thread("Hello")
    for path in (f"/assistants/{assistant}", f"/threads/{thread}/runs"):
        error = world.post(
            path,
            {"assistant_id": assistant, "reasoning_effort": "none"}
            if "runs" in path
            else {"reasoning_effort": "none"},
        )["error"]
        assert error["message"] == "Invalid value: 'none'. Supported values are: 'low', 'medium', and 'high'."
    loose = World(validate="schema")
    assert loose.post("/assistants", {"model": "o3-mini", "reasoning_effort": "none"})["reasoning_effort"] == "none"


def test_objects_belong_to_a_project(world: World) -> None:
    run = world.run(TALK)
    world.client.headers["authorization"] = "Bearer sk-other"
    for path in (f"/threads/{run['thread_id']}", f"/assistants/{run['assistant_id']}"):
        assert world.client.get(f"/v1{path}").status_code == 404


def test_nothing_is_left_of_a_thread(world: World) -> None:
    run = world.look(world.run(TALK))
    assert world.client.delete(f"/v1/threads/{run['thread_id']}").json()["deleted"] is True
    kinds = ("thread", "message", "run", "run_step", "run_script")
    assert [world.app.store.count(world.tenant, kind) for kind in kinds] == [0] * 5
    assert world.app.store.count(world.tenant, "assistant") == 1


def test_the_header_is_needed_and_ids_look_like_ids(world: World) -> None:
    bad = world.get("/threads/undefined")["error"]
    assert (bad["message"], bad["param"]) == (
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "thread_id",
    )
    world.client.headers["openai-beta"] = "assistants=v1"
    assert world.get("/threads/asst_x")["error"]["message"] == "No thread found with id 'asst_x'."
    world.client.headers["openai-beta"] = "realtime=v1"
    assert world.get("/threads/thread_x")["error"]["code"] == "invalid_beta"


def test_version_1_has_its_own_shapes(world: World) -> None:
    world.client.headers["openai-beta"] = "assistants=v1"
    file = file_of(world)
    assistant = world.post("/assistants", {"model": "gpt-4", "tools": [{"type": "retrieval"}], "file_ids": [file]})
    assert list(assistant) == (
        "id object created_at name description model instructions tools file_ids metadata".split()
    )
    thread = world.post("/threads", {"metadata": {"modified": True}})
    assert list(thread) == ["id", "object", "created_at", "metadata"]
    assert thread["metadata"] == {"modified": "True"}
    path = f"/threads/{thread['id']}/messages"
    message = world.post(path, {"role": "user", "content": "Hi", "file_ids": [file]})
    assert list(message) == (
        "id object created_at thread_id role content file_ids assistant_id run_id metadata".split()
    )
    refused = world.post("/assistants", {"model": "gpt-4", "tools": [SEARCH]})["error"]["message"]
    assert refused == (
        "Invalid value: 'file_search'. Supported values are: 'code_interpreter', 'function', and 'retrieval'."
    )


@pytest.mark.parametrize(
    ("day", "header", "status", "message"),
    [
        (None, "assistants=v1", 200, None),
        (None, "assistants=v2", 200, None),
        ("2023-11-05", "assistants=v1", 404, "Invalid URL (GET /v1/threads/thread_x/messages)"),
        ("2023-11-06", "assistants=v1", 200, None),
        ("2024-04-16", "assistants=v2", 400, "You must provide the 'OpenAI-Beta' header"),
        ("2024-12-17", "assistants=v1", 200, None),
        ("2024-12-18", "assistants=v1", 400, "The v1 Assistants API has been deprecated. Please try again"),
        ("2026-08-25", "assistants=v2", 200, None),
        ("2026-08-26", "assistants=v2", 404, None),
    ],
)
def test_the_api_is_that_of_a_day(day: str | None, header: str, status: int, message: str | None) -> None:
    world = World(as_of=day)
    world.client.headers["openai-beta"] = header
    path = "/v1/assistants" if message is None or "URL" not in message else "/v1/threads/thread_x/messages"
    answer = world.client.get(path)
    assert answer.status_code == status
    assert ("x-mockai-liveness" in answer.headers) == (message is None or "URL" not in message)
    if message is not None:
        assert answer.json()["error"]["message"].startswith(message)
    elif status == 404:
        assert (answer.content, answer.headers["content-length"]) == (b"", "0")


def test_two_changes_at_once_are_both_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second change begins while the first is being made; it must not write back what it read before."""
    id = world.assistant(tools=[])
    made = assistants._made
    others: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:

        def made_slowly(*given: Any) -> Any:
            if not others:
                others.append(pool.submit(world.post, f"/assistants/{id}", {"name": "Second"}))
                wait(others, timeout=0.2)  # it is over in time only where nothing holds it back
            return made(*given)

        monkeypatch.setattr(assistants, "_made", made_slowly)
        world.post(f"/assistants/{id}", {"instructions": "First"})
    changed = world.get(f"/assistants/{id}")
    assert (changed["name"], changed["instructions"]) == ("Second", "First")


def test_a_thread_that_is_refused_leaves_no_vector_store(world: World) -> None:
    file = file_of(world)
    missing = {"file_id": "file-nope", "tools": [{"type": "file_search"}]}
    body = {
        "tool_resources": {"file_search": {"vector_stores": [{"file_ids": [file]}]}},
        "messages": [{"role": "user", "content": "Hi", "attachments": [missing]}],
    }
    assert "error" in world.post("/threads", body)
    assert world.get("/vector_stores")["data"] == []


def test_the_resources_of_a_run_with_its_thread_are_checked(world: World) -> None:
    assistant = world.assistant()
    code = {"code_interpreter": {"file_ids": ["file-x"]}}
    refused = world.post("/threads/runs", {"assistant_id": assistant, "tool_resources": code})
    assert refused["error"]["message"] == "Files [file-x] were not found"
    search = {"file_search": {"vector_store_ids": ["vs_nope"]}}
    refused = world.post("/threads/runs", {"assistant_id": assistant, "tool_resources": search})
    assert refused["error"]["message"] == "No vector store found with id 'vs_nope'."

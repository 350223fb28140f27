"""Version 1 of assistants: its files, its faults, and what each version sees of the other (assistants.md §8, §9.6)."""

from typing import Any

import pytest

from mockai.api.assistants import faults_v1, schema_v1
from mockai.store import Store
from mockai.wire.errors import ApiError
from tests.api.runs import CODE, SOLVE, TALK, World, path_of
from tests.recorded import exchanges

RETRIEVAL = {"type": "retrieval"}
SEARCHING = {
    "type": "file_search",
    "file_search": {"ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0}},
}
CAKE = b"The sea is salt.\n\nFilip Carola's favorite food is cake."
GONE = (
    "The v1 Assistants API has been deprecated. "
    "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration."
)


@pytest.fixture
def world(store: Store) -> World:
    return of(1, World(store))


def of(version: int, world: World) -> World:
    """Let a world speak a version from now on."""
    world.client.headers["openai-beta"] = f"assistants=v{version}"
    return world


def file_of(world: World, name: str = "a.txt", text: bytes = CAKE) -> str:
    made = world.client.post("/v1/files", data={"purpose": "assistants"}, files={"file": (name, text)})
    id: str = made.json()["id"]
    return id


def message_of(answer: Any) -> str:
    text: str = answer["error"]["message"]
    return text


# --- files ---------------------------------------------------------------------------------------


def test_files_are_attached_listed_and_detached(world: World) -> None:
    files, assistant = [file_of(world) for _ in range(3)], world.assistant(tools=[CODE])
    path = f"/assistants/{assistant}/files"
    made = [world.post(path, {"file_id": file}) for file in files]
    assert made[0] == {
        "id": files[0],
        "object": "assistant.file",
        "created_at": made[0]["created_at"],
        "assistant_id": assistant,
    }
    assert world.get(path) == {
        "object": "list",
        "data": made[::-1],
        "first_id": files[2],
        "last_id": files[0],
        "has_more": False,
    }
    page = world.get(path, limit=1, order="asc", after=files[0])
    assert (page["data"], page["has_more"]) == ([made[1]], True)
    assert world.get(path, before=files[0])["data"] == [made[2], made[1]]
    assert message_of(world.get(path, after="file-x")) == "No assistant file found with id 'file-x'."
    assert world.get(f"{path}/{files[1]}") == made[1]
    assert world.get(f"/assistants/{assistant}")["file_ids"] == files
    gone = world.client.delete(f"/v1{path}/{files[1]}").json()
    assert gone == {"id": files[1], "object": "assistant.file.deleted", "deleted": True}
    assert message_of(world.get(f"{path}/{files[1]}")) == f"No assistant file found with id '{files[1]}'."
    assert world.get(f"/assistants/{assistant}")["file_ids"] == [files[0], files[2]]
    assert world.client.get(f"/v1/files/{files[1]}").status_code == 200
    assert message_of(world.post(path, {"file_id": "file-x"})) == "Files [file-x] were not found"


def test_an_assistant_has_twenty_files_at_most(world: World) -> None:
    files = [file_of(world) for _ in range(21)]
    assistant = world.assistant(tools=[CODE], file_ids=files[:20])
    wrong = world.post(f"/assistants/{assistant}/files", {"file_id": files[20]})
    told = "ensure this value has at most 20 items (type=value_error.list.max_items; limit_value=20)"
    assert message_of(wrong) == f"1 validation error for Request\nbody -> file_ids\n  {told}"
    assert message_of(world.post("/assistants", {"model": "gpt-4", "file_ids": files})) == message_of(wrong)
    assert world.post(f"/assistants/{assistant}/files", {"file_id": files[3]})["id"] == files[3]


def test_files_of_messages_are_listed_and_found(world: World) -> None:
    files = [file_of(world) for _ in range(2)]
    thread = world.thread()
    message = world.post(f"/threads/{thread}/messages", {"role": "user", "content": "Hi", "file_ids": files})
    path = f"/threads/{thread}/messages/{message['id']}/files"
    one = {
        "id": files[0],
        "object": "thread.message.file",
        "created_at": message["created_at"],
        "message_id": message["id"],
    }
    assert world.get(f"{path}/{files[0]}") == one
    assert [entry["id"] for entry in world.get(path)["data"]] == files[::-1]
    assert message_of(world.get(f"{path}/file-x")) == "No message file found with id 'file-x'."
    assert message_of(world.get(path.replace(message["id"], "msg_x"))) == "No message found with id 'msg_x'."


def test_a_deleted_file_is_gone_from_both_versions(world: World) -> None:
    file, assistant = file_of(world), world.assistant(tools=[CODE, RETRIEVAL])
    world.post(f"/assistants/{assistant}/files", {"file_id": file})
    world.client.delete(f"/v1/files/{file}")
    assert world.get(f"/assistants/{assistant}")["file_ids"] == []
    assert world.get(f"/assistants/{assistant}/files")["data"] == []
    assert world.post(f"/assistants/{assistant}", {"name": "B"})["name"] == "B"


def test_phantoms_have_files() -> None:
    world = of(1, World(missing="phantom", validate="schema"))
    assert world.post("/assistants/any/files", {"file_id": "any"})["assistant_id"] == "any"
    assert world.get("/assistants/any/files")["data"] == []
    assert world.get("/assistants/any/files/some")["id"] == "some"
    assert world.client.delete("/v1/assistants/any/files/some").json()["deleted"] is True
    assert world.get("/threads/any/messages/any/files")["data"] == []
    assert world.get("/threads/any/messages/any/files/some")["id"] == "some"


# --- who has these endpoints ---------------------------------------------------------------------


@pytest.mark.parametrize("day", [None, "2024-12-17", "2024-12-18"])
def test_only_version_1_has_files(day: str | None) -> None:
    world = of(1, World(as_of=day))
    paths = ("/assistants/asst_x/files", "/threads/thread_x/messages/msg_x/files")
    unknown = ("No assistant found with id 'asst_x'.", "No thread found with id 'thread_x'.")
    wanted = (GONE, GONE) if day == "2024-12-18" else unknown
    assert tuple(message_of(world.get(path)) for path in paths) == wanted
    assert {message_of(of(2, world).get(path)) for path in paths} == {GONE}
    world.client.headers["openai-beta"] = ""
    assert message_of(world.get(paths[0])).startswith("You must provide the 'OpenAI-Beta' header")


# --- what a version sees of the other ------------------------------------------------------------


def test_an_assistant_of_version_1_is_read_by_version_2(world: World) -> None:
    files = [file_of(world) for _ in range(2)]
    made = world.post("/assistants", {"model": "gpt-4-turbo", "tools": [CODE, RETRIEVAL], "file_ids": files})
    assert (made["tools"], made["file_ids"]) == ([CODE, RETRIEVAL], files)
    seen = of(2, world).get(f"/assistants/{made['id']}")
    assert seen["tools"] == [CODE, SEARCHING]
    assert "file_ids" not in seen
    assert seen["tool_resources"]["code_interpreter"] == {"file_ids": files}
    (vectors,) = seen["tool_resources"]["file_search"]["vector_store_ids"]
    assert world.get(f"/vector_stores/{vectors}")["file_counts"]["total"] == 2
    run = world.look(world.run("What is Filip's favorite food?", assistant_id=made["id"], model="gpt-4o"))
    assert run["tools"][1]["type"] == "file_search"
    assert "cake" in world.messages(run)[0]["content"][0]["text"]["value"]

    of(1, world).client.delete(f"/v1/assistants/{made['id']}/files/{files[0]}")
    seen = of(2, world).get(f"/assistants/{made['id']}")
    assert seen["tool_resources"]["code_interpreter"] == {"file_ids": files[1:]}
    assert world.get(f"/vector_stores/{vectors}")["file_counts"]["total"] == 1


def test_an_assistant_of_version_2_is_read_by_version_1(world: World) -> None:
    file = file_of(of(2, world))
    resources = {"code_interpreter": {"file_ids": [file]}, "file_search": {"vector_stores": [{"file_ids": [file]}]}}
    made = world.post("/assistants", {"model": "gpt-4o", "tools": [CODE, SEARCHING], "tool_resources": resources})
    seen = of(1, world).get(f"/assistants/{made['id']}")
    assert (seen["tools"], seen["file_ids"]) == ([CODE, RETRIEVAL], [])
    changed = world.post(f"/assistants/{made['id']}", {"model": "gpt-4", "name": "B"})
    assert (changed["name"], changed["tools"]) == ("B", [CODE, RETRIEVAL])
    again = of(2, world).get(f"/assistants/{made['id']}")
    assert {**again, "name": None, "model": "gpt-4o"} == made
    run = world.look(world.run("What is Filip's favorite food?", assistant_id=made["id"]))
    assert world.steps(run)[1]["step_details"]["tool_calls"][0]["type"] == "file_search"
    seen = of(1, world).steps(run)[1]["step_details"]["tool_calls"][0]
    assert seen == {"id": seen["id"], "type": "retrieval", "retrieval": {}}
    cited = world.messages(run)[0]["content"][0]["text"]["annotations"][0]["file_citation"]
    assert cited == {"file_id": file, "quote": ""}


def test_files_of_messages_reach_the_tools_of_version_2(world: World) -> None:
    file, thread = file_of(world), world.thread()
    body = {"role": "user", "content": "What is Filip's favorite food?", "file_ids": [file]}
    message = world.post(f"/threads/{thread}/messages", body)
    assert list(world.get(f"/threads/{thread}")) == ["id", "object", "created_at", "metadata"]
    of(2, world)
    seen = world.get(f"/threads/{thread}/messages/{message['id']}")
    assert seen["attachments"] == [{"file_id": file, "tools": []}]
    assert world.get(f"/threads/{thread}")["tool_resources"] == {"code_interpreter": {"file_ids": []}}
    for turn in range(2):
        run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[CODE, SEARCHING])})
        assert world.look(run)["status"] == "completed", turn
        resources = world.get(f"/threads/{thread}")["tool_resources"]
        assert resources["code_interpreter"] == {"file_ids": [file]}
        (vectors,) = resources["file_search"]["vector_store_ids"]
        assert world.get(f"/vector_stores/{vectors}")["file_counts"]["total"] == 1
    assert "cake" in world.messages(run)[0]["content"][0]["text"]["value"]


def test_retrieval_reads_the_files_of_messages(world: World) -> None:
    thread = world.thread()
    body = {"role": "user", "content": "What is Filip's favorite food?", "file_ids": [file_of(world)]}
    world.post(f"/threads/{thread}/messages", body)
    run = world.post(f"/threads/{thread}/runs", {"assistant_id": world.assistant(tools=[RETRIEVAL])})
    assert world.look(run)["status"] == "completed"
    assert "cake" in world.messages(run)[0]["content"][0]["text"]["value"]
    assert world.look(run)["tools"] == [RETRIEVAL]
    assert of(2, world).look(run)["tools"][0]["type"] == "file_search"


def test_an_expired_store_is_made_anew(world: World) -> None:
    thread, file = world.thread("Hello"), file_of(world)
    world.post(f"/threads/{thread}/messages", {"role": "user", "content": "What is it?", "file_ids": [file]})
    assistant = of(2, world).assistant(tools=[SEARCHING])
    stores = []
    for _ in range(2):
        run = world.post(f"/threads/{thread}/runs", {"assistant_id": assistant})
        assert world.look(run)["status"] == "completed"
        stores += world.get(f"/threads/{thread}")["tool_resources"]["file_search"]["vector_store_ids"]
        assert world.get(f"/vector_stores/{stores[-1]}")["status"] == "completed"
        world.clock.advance(8 * 86_400)
    assert stores[0] != stores[1]


# --- runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [*exchanges("assistants-runs-list-expired-v1")], ids=lambda entry: entry.name)
def test_version_1_shows_runs_as_recorded(entry: Any, world: World) -> None:
    run = world.run(SOLVE, assistant_id=world.assistant(tools=[CODE], instructions="Be kind."))
    listed = world.get(f"/threads/{run['thread_id']}/runs")
    assert list(listed) == list(entry.answer)
    recorded = next(shown for shown in entry.answer["data"] if shown["status"] == "completed")
    assert [key for key in listed["data"][0] if key != "usage"] == list(recorded)
    capped = world.look(world.run(assistant_id=world.assistant(tools=[]), max_completion_tokens=5))
    assert (capped["status"], capped["incomplete_details"]) == ("completed", {"reason": "max_completion_tokens"})


def test_version_1_takes_a_run_without_a_message(world: World) -> None:
    body = {"assistant_id": world.assistant(tools=[])}
    run = world.post(f"/threads/{world.thread()}/runs", body)
    assert run["status"] == "queued"
    assert world.look(run)["status"] == "completed"


def test_the_retrieval_of_version_1_reads_the_files_of_the_assistant(world: World) -> None:
    text = b"The sea is salt.\n\nFilip Carola's favorite food is cake."
    file = world.client.post("/v1/files", data={"purpose": "assistants"}, files={"file": ("a.txt", text)}).json()
    assistant = world.assistant(tools=[{"type": "retrieval"}], file_ids=[file["id"]])
    run = world.look(world.run("What is Filip's favorite food?", assistant_id=assistant))
    assert (run["status"], run["file_ids"]) == ("completed", [file["id"]])
    (call,) = world.steps(run)[1]["step_details"]["tool_calls"]
    assert call == {"id": call["id"], "type": "retrieval", "retrieval": {}}
    answer = world.messages(run)[0]["content"][0]["text"]
    assert "cake" in answer["value"]
    assert answer["annotations"][0]["file_citation"] == {"file_id": file["id"], "quote": ""}
    assert list(run["usage"]) == ["prompt_tokens", "completion_tokens", "total_tokens"]
    assert [list(step["usage"]) for step in world.steps(run)] == [list(run["usage"])] * 2
    (seen,) = of(2, world).steps(run)[1]["step_details"]["tool_calls"]
    assert (seen["type"], seen["file_search"]["results"]) == ("file_search", [])
    of(1, world)
    named = {"assistant_id": world.assistant(tools=[{"type": "retrieval"}]), "tool_choice": "required"}
    assert world.look(world.run(TALK, **named))["status"] == "completed"


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "lines"),
    [
        ("/assistants", {}, ["body -> model", "  field required (type=value_error.missing)"]),
        (
            "/assistants",
            {"model": "gpt-4", "instructions": "x" * 32_769, "zzz": 1},
            [
                "body -> instructions",
                "  ensure this value has at most 32768 characters (type=value_error.any_str.max_length; limit_value=32768)",
                "body -> zzz",
                "  extra fields not permitted (type=value_error.extra)",
            ],
        ),
        (
            "/threads",
            {"messages": {"role": "user"}},
            ["body -> messages", "  value is not a valid list (type=type_error.list)"],
        ),
        (
            "/threads/runs",
            {"assistant_id": "asst_x", "thread": {"messages": [{"role": "user", "content": "x"}] * 33}},
            [
                "body -> thread -> messages",
                "  ensure this value has at most 32 items (type=value_error.list.max_items; limit_value=32)",
            ],
        ),
        (
            "/threads/thread_x/messages",
            {"role": "human", "content": ["x"]},
            [
                "body -> role",
                "  unexpected value; permitted: 'user', 'assistant' "
                "(type=value_error.const; given=human; permitted=('user', 'assistant'))",
                "body -> content",
                "  str type expected (type=type_error.str)",
            ],
        ),
        (
            "/threads/thread_x/runs/run_x/submit_tool_outputs",
            {"tool_outputs": [{"output": {"a": 1}}], "stream": "x"},
            [
                "body -> tool_outputs -> 0 -> tool_call_id",
                "  field required (type=value_error.missing)",
                "body -> tool_outputs -> 0 -> output",
                "  str type expected (type=type_error.str)",
                "body -> stream",
                "  value could not be parsed to a boolean (type=type_error.bool)",
            ],
        ),
        (
            "/threads/thread_x/runs",
            {"assistant_id": None, "max_prompt_tokens": 1, "temperature": 3, "top_p": "x", "metadata": {"a": None}},
            [
                "body -> assistant_id",
                "  none is not an allowed value (type=type_error.none.not_allowed)",
                "body -> metadata -> a",
                "  none is not an allowed value (type=type_error.none.not_allowed)",
                "body -> temperature",
                "  ensure this value is less than or equal to 2 (type=value_error.number.not_le; limit_value=2)",
                "body -> top_p",
                "  value is not a valid float (type=type_error.float)",
                "body -> max_prompt_tokens",
                "  ensure this value is greater than or equal to 256 (type=value_error.number.not_ge; limit_value=256)",
            ],
        ),
        ("/threads", {"metadata": 1}, ["body -> metadata", "  value is not a valid dict (type=type_error.dict)"]),
    ],
)
def test_every_fault_of_a_body_is_told_at_once(path: str, body: Any, lines: list[str]) -> None:
    error = of(1, World()).post(path, body)["error"]
    count = len(lines) // 2
    head = f"{count} validation error{'s' if count > 1 else ''} for Request"
    assert error == {
        "message": "\n".join((head, *lines)),
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


@pytest.mark.parametrize(("day", "refused"), [("2024-03-28", True), ("2024-03-29", False), (None, False)])
def test_users_wrote_for_themselves_only_at_first(day: str | None, refused: bool) -> None:
    world = of(1, World(as_of=day))
    answer = world.post("/threads", {"messages": [{"role": "assistant", "content": "Hi"}]})
    assert ("error" in answer) == refused
    if refused:
        assert message_of(answer) == (
            "1 validation error for Request\nbody -> messages -> 0 -> role\n  unexpected value; permitted: 'user' "
            "(type=value_error.const; given=assistant; permitted=('user',))"
        )


def test_what_the_library_had_no_words_for_is_told_as_ever() -> None:
    world = of(1, World())
    many = {str(at): 1 for at in range(17)}
    assert world.post("/threads", {"metadata": many})["error"]["code"] == "object_above_max_properties"
    wrong: list[Any] = [{"type": "file_search"}, {"type": []}, {}, "x"]
    for tools in ([tool] for tool in wrong):
        error = world.post("/assistants", {"model": "gpt-4", "tools": tools})["error"]
        assert error["param"].startswith("tools[0]")
    named = {"type": "function", "function": {"name": "a b"}}
    error = world.post("/assistants", {"model": "gpt-4", "tools": [named]})["error"]
    assert error["param"] == "tools[0].function.name"


def test_a_form_is_no_body() -> None:
    world = of(1, World())
    answer = world.client.post("/v1/assistants/asst_x/files", files={"file": ("a.txt", b"x")})
    text = "1 validation error for Request\nbody\n  value is not a valid dict (type=type_error.dict)"
    assert (answer.status_code, message_of(answer.json())) == (400, text)
    assert world.client.post("/v1/threads").status_code == 200


def test_numbers_are_taken_as_strings() -> None:
    world = of(1, World())
    made = world.post("/threads", {"metadata": {"a": True, "b": 1.5, "c": 7, "d": "x"}})
    assert made["metadata"] == {"a": "True", "b": "1.5", "c": "7", "d": "x"}
    loose = of(1, World(validate="schema"))
    assert loose.post("/threads", {"metadata": {"a": True}, "other": 1})["metadata"] == {"a": "True"}


def test_a_good_body_passes() -> None:
    body = {"model": "gpt-4", "tools": [CODE, RETRIEVAL], "name": "A", "temperature": 1, "metadata": {}}
    schema_v1.ASSISTANT.check(body, "")
    with pytest.raises(ApiError) as raised:
        schema_v1.ASSISTANT.check([], "")
    assert raised.value.message == faults_v1.refusal(((), faults_v1.NO_DICT)).message


def test_a_run_of_version_1_is_cancelled_and_modified_in_its_words(world: World) -> None:
    run = world.look(world.run(assistant_id=world.assistant(tools=[])))
    assert world.post(path_of(run), {"metadata": {"modified": True}})["metadata"] == {"modified": "True"}


def test_retrieval_reads_what_was_indexed(world: World) -> None:
    page = b"<html><head><style>p {color: red}</style></head><body><p>The tide turns at noon.</p></body></html>"
    assistant = world.assistant(tools=[RETRIEVAL], file_ids=[file_of(world, "a.html", page)])
    run = world.look(world.run("When does the tide turn?", assistant_id=assistant))
    said = world.get(f"/threads/{run['thread_id']}/messages")["data"][0]["content"][0]["text"]["value"]
    assert "turns at noon" in said
    assert "<p>" not in said


def test_a_file_that_version_2_gave_the_tools_stays_when_version_1_detaches_it(world: World) -> None:
    file, other = file_of(world), file_of(world)
    of(2, world)
    store = world.post("/vector_stores", {"file_ids": [file]})["id"]
    resources = {"file_search": {"vector_store_ids": [store]}, "code_interpreter": {"file_ids": [file]}}
    assistant = world.assistant(tools=[SEARCHING, CODE], tool_resources=resources)
    of(1, world)
    for id in (file, other):
        world.post(f"/assistants/{assistant}/files", {"file_id": id})
        world.client.delete(f"/v1/assistants/{assistant}/files/{id}")
    of(2, world)
    assert [entry["id"] for entry in world.get(f"/vector_stores/{store}/files")["data"]] == [file]
    assert world.get(f"/assistants/{assistant}")["tool_resources"]["code_interpreter"]["file_ids"] == [file]

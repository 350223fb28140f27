"""Runs, polled: how they move, what is refused, what they do (assistants.md §4, §5, §9)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.api.assistants import schema
from mockai.api.assistants.life import MACHINE
from mockai.clock import ManualClock
from mockai.lifecycle import faults
from mockai.store import Store
from mockai.store.sqlite import SqliteStore
from tests.api.runs import ASK, ASK_MANY, CODE, SOLVE, TALK, WEATHER, World, path_of
from tests.recorded import exchanges, shape
from tests.strategies import broken, few


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def message_of(answer: Any) -> str:
    text: str = answer["error"]["message"]
    return text


def test_the_life_is_a_good_table() -> None:
    assert faults(MACHINE) == []


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [*exchanges("assistants-run-create-queued")], ids=lambda entry: entry.name)
def test_a_new_run_is_answered_as_recorded(entry: Any, world: World) -> None:
    assistant = world.assistant(model="gpt-4o-mini", tools=[CODE])
    run = world.run(SOLVE, assistant_id=assistant, instructions=entry.body["instructions"])
    assert list(run) == list(entry.answer)
    volatile = {"id", "assistant_id", "thread_id", "created_at", "expires_at"}
    assert {k: v for k, v in run.items() if k not in volatile} == {
        k: v for k, v in entry.answer.items() if k not in volatile
    }
    assert run["expires_at"] - run["created_at"] == 600


@pytest.mark.parametrize("entry", [*exchanges("assistants-run-completed")], ids=lambda entry: entry.name)
def test_a_completed_run_is_answered_as_recorded(entry: Any, world: World) -> None:
    assistant = world.assistant(model="gpt-4o-mini", tools=[CODE])
    run = world.look(world.run(SOLVE, assistant_id=assistant, instructions=entry.answer["instructions"]))
    assert list(run) == list(entry.answer)
    assert shape(run) == shape(entry.answer)
    assert [key for key, value in run.items() if value is None] == [
        key for key, value in entry.answer.items() if value is None
    ]


@pytest.mark.parametrize("entry", [*exchanges("assistants-run-requires-action")], ids=lambda entry: entry.name)
def test_a_run_that_waits_is_answered_as_recorded(entry: Any, world: World) -> None:
    assistant = world.assistant(tools=entry.answer["tools"])
    run = world.look(world.run("What is my favorite food for Thursday?", assistant_id=assistant))
    assert list(run) == list(entry.answer)
    assert shape(run) == shape(entry.answer)
    recorded = entry.answer["required_action"]["submit_tool_outputs"]["tool_calls"][0]["function"]
    assert run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["function"] == recorded


@pytest.mark.parametrize("entry", [*exchanges("assistants-run-cancel-cancelling")], ids=lambda entry: entry.name)
def test_a_cancelling_run_is_answered_as_recorded(entry: Any, store: Store) -> None:
    world = World(store, pace="real")
    run = world.run(max_prompt_tokens=256, max_completion_tokens=16, assistant_id=world.assistant(tools=[]))
    world.clock.advance(0.4)
    cancelling = world.post(f"{path_of(run)}/cancel")
    later = ("reasoning_effort", "parallel_tool_calls")  # keys that came after the recording
    assert [key for key in cancelling if key not in later] == list(entry.answer)
    same = ("status", "cancelled_at", "failed_at", "completed_at", "usage", "required_action", "truncation_strategy")
    assert {key: cancelling[key] for key in same} == {key: entry.answer[key] for key in same}
    assert cancelling["started_at"] is not None
    assert cancelling["expires_at"] is not None


# --- the way through the states ------------------------------------------------------------------


def test_a_run_completes_and_writes_a_message(world: World) -> None:
    run = world.run(SOLVE)
    assert (run["status"], run["started_at"], run["usage"]) == ("queued", None, None)
    done = world.look(run)
    assert (done["status"], done["expires_at"], done["failed_at"]) == ("completed", None, None)
    answer, question = world.messages(run)
    assert (answer["role"], answer["run_id"], answer["assistant_id"]) == ("assistant", run["id"], run["assistant_id"])
    assert answer["content"] == [
        {"type": "text", "text": {"value": "The solution to the equation 3x + 11 = 14 is x = 1.", "annotations": []}}
    ]
    assert question["role"] == "user"
    steps = world.steps(run)
    assert [step["type"] for step in steps] == ["message_creation", "tool_calls"]
    assert steps[0]["step_details"]["message_creation"] == {"message_id": answer["id"]}
    (call,) = steps[1]["step_details"]["tool_calls"]
    assert call["code_interpreter"]["outputs"] == [{"type": "logs", "logs": "[1]"}]
    assert [step["expires_at"] for step in steps] == [None, None]
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert done["usage"][name] == sum(step["usage"][name] for step in steps)


def test_a_run_that_nobody_polls_is_done_when_its_thread_is_read(world: World) -> None:
    run = world.run(SOLVE)
    assert world.messages(run)[0]["run_id"] == run["id"]


def test_a_run_moves_on_the_clock(store: Store) -> None:
    world = World(store, pace="real")
    run = world.run(TALK, assistant_id=world.assistant(tools=[]))
    assert world.look(run)["status"] == "queued"
    world.clock.advance(0.5)
    running = world.look(run)
    assert (running["status"], running["started_at"]) == ("in_progress", run["created_at"])
    assert world.steps(run) == []
    world.clock.advance(0.5)
    (step,) = world.steps(run)
    assert (step["status"], step["usage"], step["expires_at"]) == ("in_progress", None, run["expires_at"])
    written = [len(world.messages(run)[0]["content"][0]["text"]["value"])]
    world.clock.advance(0.1)
    written.append(len(world.messages(run)[0]["content"][0]["text"]["value"]))
    assert 0 < written[0] < written[1]
    world.clock.advance(60)
    assert world.look(run)["status"] == "completed"


def test_one_look_tells_what_many_tell() -> None:
    told = []
    for looks in (400, 1):
        world = World(pace="real")
        run = world.run(SOLVE)
        for _ in range(looks):
            world.clock.advance(8 / looks)
            world.look(run)
        told.append((world.look(run), world.steps(run), world.messages(run)))
    assert told[0] == told[1]


def test_each_reading_is_a_step_at_the_pace_of_steps(store: Store) -> None:
    world = World(store, pace="step")
    run = world.run(TALK)
    assert [world.look(run)["status"] for _ in range(3)] == ["in_progress", "completed", "completed"]
    run = world.run(ASK)
    world.messages(run)  # reading something else moves nothing
    assert [world.look(run)["status"] for _ in range(3)] == ["in_progress", "requires_action", "requires_action"]


def test_a_run_that_waits_expires_after_ten_minutes(world: World) -> None:
    run = world.waiting()
    world.clock.advance(599)
    assert world.look(run)["status"] == "requires_action"
    world.clock.advance(1)
    expired = world.look(run)
    assert (expired["status"], expired["expires_at"], expired["last_error"]) == ("expired", None, None)
    assert expired["completed_at"] == run["expires_at"]
    assert expired["required_action"] is None
    assert world.steps(run)[0]["status"] == "expired"
    assert message_of(world.submit(run)) == 'Runs in status "expired" do not accept tool outputs.'
    assert "error" not in world.post(f"/threads/{run['thread_id']}/messages", {"role": "user", "content": "again"})


# --- functions -----------------------------------------------------------------------------------


def test_tool_outputs_take_a_run_on(world: World) -> None:
    run = world.waiting(ASK_MANY)
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert len(calls) == 3
    assert (run["usage"], run["completed_at"]) == (None, None)
    world.clock.advance(5)
    outputs = [
        {"tool_call_id": call["id"], "output": f'{{"temperature": {20 + at}}}'} for at, call in enumerate(calls)
    ]
    again = world.post(f"{path_of(run)}/submit_tool_outputs", {"tool_outputs": outputs[::-1]})
    assert (again["status"], again["required_action"], again["started_at"]) == ("queued", None, run["started_at"])
    done = world.look(run)
    assert (done["status"], done["started_at"]) == ("completed", run["started_at"] + 5)
    text = world.messages(run)[0]["content"][0]["text"]["value"]
    assert all(value in text for value in ("20", "21", "22", "Paris"))
    message, tools = world.steps(run)
    assert [call["function"]["output"] for call in tools["step_details"]["tool_calls"]] == [
        entry["output"] for entry in outputs
    ]
    assert tools["completed_at"] == again["created_at"] + 5
    assert done["usage"]["total_tokens"] == sum(step["usage"]["total_tokens"] for step in (message, tools))


def test_outputs_must_be_those_that_were_asked_for(world: World) -> None:
    run = world.waiting(ASK_MANY)
    ids = [entry["tool_call_id"] for entry in world.outputs(run)]
    for sent in ([], ids[:1], [*ids, ids[0]], [*ids[:2], "call_other"]):
        outputs = [{"tool_call_id": id, "output": "x"} for id in sent]
        for stream in (False, True):
            body = {"tool_outputs": outputs, "stream": stream}
            refused = message_of(world.post(f"{path_of(run)}/submit_tool_outputs", body))
            assert refused == f"Expected tool outputs for call_ids {ids}, got {sent}"
    nameless = {"tool_outputs": [{"output": "x"}, {"tool_call_id": ids[0], "output": "y"}]}
    refused = message_of(world.post(f"{path_of(run)}/submit_tool_outputs", nameless))
    assert refused == f"Expected tool outputs for call_ids {ids}, got [None, '{ids[0]}']"
    assert world.look(run)["status"] == "requires_action"
    assert world.submit(run)["status"] == "queued"
    assert message_of(world.submit(run)) == 'Runs in status "completed" do not accept tool outputs.'


def test_a_tool_choice_holds_for_the_first_turn(world: World) -> None:
    named = {"type": "function", "function": {"name": "get_current_weather"}}
    for choice in ("required", named):
        run = world.look(world.run("Hello", assistant_id=world.assistant(tools=[WEATHER]), tool_choice=choice))
        assert run["status"] == "requires_action"
        world.submit(run)
        assert world.look(run)["status"] == "completed"
    run = world.look(world.run(ASK, tool_choice="none"))
    assert run["status"] == "completed"


def test_calls_that_may_not_be_parallel_come_turn_by_turn(world: World) -> None:
    run = world.look(world.run(ASK_MANY, parallel_tool_calls=False))
    asked = []
    while run["status"] == "requires_action":
        (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        asked.append(json.loads(call["function"]["arguments"])["location"])
        world.submit(run)
        run = world.look(run)
    assert (asked, run["status"]) == (["Paris", "London", "Rome"], "completed")
    text = world.messages(run)[0]["content"][0]["text"]["value"]
    assert all(f"For {city}" in text for city in asked)


def test_a_tool_that_a_run_does_not_have_cannot_be_chosen(world: World) -> None:
    for choice, param, words in (
        ({"type": "function", "function": {"name": "nope"}}, "function_call", "no function named 'nope'"),
        ({"type": "code_interpreter"}, "tool_choice", "no tool of type 'code_interpreter'"),
    ):
        refused = world.run(assistant_id=world.assistant(tools=[WEATHER]), tool_choice=choice)["error"]
        assert (refused["param"], words in refused["message"]) == (param, True)


# --- refusals ------------------------------------------------------------------------------------


def test_one_run_at_a_time(world: World) -> None:
    run = world.waiting()
    thread = run["thread_id"]
    again = world.post(f"/threads/{thread}/runs", {"assistant_id": run["assistant_id"]})
    assert message_of(again) == f"Thread {thread} already has an active run {run['id']}."
    added = world.post(f"/threads/{thread}/messages", {"role": "user", "content": "hello"})
    assert message_of(added) == f"Can't add messages to {thread} while a run {run['id']} is active."
    world.submit(run)
    assert world.post(f"/threads/{thread}/runs", {"assistant_id": run["assistant_id"]})["status"] == "queued"


def test_what_does_not_exist_is_not_found(world: World) -> None:
    run = world.run()
    thread, assistant = run["thread_id"], run["assistant_id"]
    other = world.thread("Hello")
    for path, text in (
        (f"/threads/{thread}/runs/run_x", "No run found with id 'run_x'."),
        (f"/threads/{other}/runs/{run['id']}", f"No run found with id '{run['id']}'."),
        ("/threads/thread_x/runs/run_x", "No thread found with id 'thread_x'."),
        (f"{path_of(run)}/steps/step_123", "No run step found with id 'step_123'."),
    ):
        assert message_of(world.get(path)) == text
    assert message_of(world.post(f"/threads/{thread}/runs", {"assistant_id": "asst_x"})) == (
        "No assistant found with id 'asst_x'."
    )
    assert message_of(world.post("/threads/thread_x/runs", {"assistant_id": assistant})) == (
        "No thread found with id 'thread_x'."
    )


def test_a_run_needs_something_to_go_by(world: World) -> None:
    assistant, thread = world.assistant(tools=[]), world.thread()
    text = "Run creation requires a Thread with a user message or an assistant with instructions."
    for path, body in ((f"/threads/{thread}/runs", {}), ("/threads/runs", {}), ("/threads/runs", {"stream": True})):
        refused = world.post(path, {"assistant_id": assistant, **body})
        assert refused["error"]["code"] == "invalid_thread"
        assert message_of(refused) == text
    given = {"assistant_id": assistant, "instructions": "Say hello."}
    assert world.post(f"/threads/{thread}/runs", given)["status"] == "queued"
    assert world.get(f"/threads/{thread}/runs")["data"][0]["status"] == "completed"


def test_metadata_changes_when_a_run_has_ended(world: World) -> None:
    run = world.waiting()
    refused = world.post(path_of(run), {"metadata": {"a": "b"}})
    assert message_of(refused) == "Cannot update run with status 'requires_action'."
    wrong = world.post(path_of(run), {"metadata": {"a": True}})
    assert wrong["error"]["code"] == "invalid_type"  # before the state
    world.submit(run)
    assert world.look(run)["status"] == "completed"
    assert world.post(path_of(run), {"metadata": {"a": "b"}})["metadata"] == {"a": "b"}
    assert world.look(run)["metadata"] == {"a": "b"}


def test_include_takes_one_value(world: World) -> None:
    refused = world.get(f"{path_of(world.run())}/steps", **{"include[]": "everything"})
    assert (refused["error"]["param"], refused["error"]["code"]) == ("include[0]", "invalid_value")


# --- lists ---------------------------------------------------------------------------------------


def test_runs_and_steps_are_listed_in_pages(world: World) -> None:
    assistant, thread = world.assistant(tools=[CODE]), world.thread(SOLVE)
    ids = []
    for _ in range(3):
        ids.append(world.post(f"/threads/{thread}/runs", {"assistant_id": assistant})["id"])
        world.get(f"/threads/{thread}/runs/{ids[-1]}")
    path = f"/threads/{thread}/runs"
    assert [run["id"] for run in world.get(path)["data"]] == ids[::-1]
    page = world.get(path, order="asc", limit=2)
    assert ([run["id"] for run in page["data"]], page["has_more"]) == (ids[:2], True)
    assert (page["first_id"], page["last_id"]) == (ids[0], ids[1])
    assert [run["id"] for run in world.get(path, order="asc", after=ids[0], limit=1)["data"]] == [ids[1]]
    assert [run["id"] for run in world.get(path, before=ids[1])["data"]] == [ids[2]]
    assert world.get(path, limit=101)["error"]["code"] == "integer_above_max_value"
    assert world.get(path, after="run_x")["error"]["message"] == "No run found with id 'run_x'."
    steps = f"{path}/{ids[0]}/steps"
    kinds = [step["type"] for step in world.get(steps, order="asc")["data"]]
    assert kinds == ["tool_calls", "message_creation"]
    (step,) = world.get(steps, limit=1)["data"]
    assert world.get(f"{steps}/{step['id']}") == step
    assert "error" in world.get(f"{path}/{ids[1]}/steps/{step['id']}")


# --- phantoms ------------------------------------------------------------------------------------


def test_phantoms_are_in_the_state_that_is_needed() -> None:
    world = World(missing="phantom", validate="schema")
    path = "/threads/any/runs"
    assert world.post(path, {"assistant_id": "any"})["status"] == "queued"
    assert world.get(f"{path}/any")["status"] == "completed"
    assert world.post(f"{path}/any", {"metadata": {"a": "b"}})["metadata"] == {"a": "b"}
    assert world.post(f"{path}/any/cancel")["status"] == "cancelling"
    outputs = {"tool_outputs": [{"tool_call_id": "any", "output": "x"}]}
    assert world.post(f"{path}/any/submit_tool_outputs", outputs)["status"] == "queued"
    assert world.get(path)["data"] == []
    assert world.get(f"{path}/any/steps")["data"] == []
    assert world.get(f"{path}/any/steps/some")["id"] == "some"
    assert world.post("/threads/runs", {"assistant_id": "any"})["status"] == "queued"
    for call in (path, "/threads/runs", f"{path}/any/submit_tool_outputs"):
        body = {"assistant_id": "any", **outputs, "stream": True}
        text = world.client.post(f"/v1{call}", json=body).text
        assert "event: thread.run.completed" in text
        assert text.endswith("event: done\ndata: [DONE]\n\n")
    assert world.post(path, {"assistant_id": "any"})["status"] == "queued"  # nothing was locked
    assert [world.app.store.count(world.tenant, kind) for kind in ("thread", "run", "message")] == [0, 0, 0]


def test_a_run_survives_a_restart(tmp_path: Any) -> None:
    store = SqliteStore(tmp_path / "state.db")
    first = World(store)
    run = first.waiting()
    second = World(SqliteStore(tmp_path / "state.db"), ManualClock())
    assert second.look(run) == run
    second.submit(run)
    assert first.look(run)["status"] == "completed"


def test_what_readers_do_to_a_message_that_is_being_written_stays(store: Store) -> None:
    world = World(store, pace="real")
    run, other = (world.run(TALK, assistant_id=world.assistant(tools=[])) for _ in range(2))
    world.clock.advance(1)
    paths = []
    for entry in (run, other):
        world.look(entry)
        paths.append(f"/threads/{entry['thread_id']}/messages/{world.messages(entry)[0]['id']}")
    world.post(paths[0], {"metadata": {"a": "b"}})
    world.client.delete(f"/v1{paths[1]}")
    world.clock.advance(60)
    assert [world.look(entry)["status"] for entry in (run, other)] == ["completed", "completed"]
    changed = world.get(paths[0])
    assert changed["metadata"] == {"a": "b"}
    assert len(changed["content"][0]["text"]["value"]) > 50
    assert "error" in world.get(paths[1])


@limits(max_examples=25)
@given(data=st.data())
def test_any_request_is_answered_or_refused_in_the_api_s_shape(data: Any) -> None:
    world = World(pace="step")
    run, assistant = world.run(TALK), world.assistant()
    for path, node, base in (
        (f"/threads/{world.thread(TALK)}/runs", schema.RUN, {"assistant_id": assistant}),
        ("/threads/runs", schema.THREAD_AND_RUN, {"assistant_id": assistant}),
        ("/assistants", schema.ASSISTANT, {"model": "gpt-4o"}),
        ("/threads", schema.THREAD, {}),
        (f"/threads/{world.thread(TALK)}/messages", schema.MESSAGE, {"role": "user", "content": "x"}),
        (f"{path_of(run)}/submit_tool_outputs", schema.SUBMIT, {"tool_outputs": []}),
    ):
        for body in ({**base, **data.draw(few(node, (), most=3))}, {**base, **data.draw(broken(node))}):
            answer = world.client.post(f"/v1{path}", json=body)
            assert answer.status_code in (200, 400, 404), answer.text
            if answer.status_code != 200:
                assert list(answer.json()["error"]) == ["message", "type", "param", "code"]

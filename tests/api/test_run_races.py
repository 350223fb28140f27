"""Several clients at one run: whatever the order, one defined outcome."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from mockai.clock import ManualClock
from mockai.store.memory import MemoryStore
from mockai.store.sqlite import SqliteStore
from tests.api.runs import ASK, SOLVE, TALK, World, path_of

CLIENTS = 6
Worlds = Callable[..., list[World]]


@pytest.fixture(params=["memory", "sqlite", "sqlite, several processes"])
def worlds(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Worlds]:
    """Servers over one store; over SQLite each may have a connection of its own, as processes have."""
    clock = ManualClock()
    shared = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")

    def begin(**settings: Any) -> list[World]:
        if request.param.endswith("processes"):
            return [World(SqliteStore(tmp_path / "state.db"), clock, **settings) for _ in range(CLIENTS)]
        world = World(shared, clock, **settings)
        return [world] * CLIENTS

    yield begin


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Return what calls made at the same moment answer."""
    barrier = threading.Barrier(len(calls))

    def wait(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait, calls))


def refusals(answers: list[Any]) -> list[str]:
    return [answer["error"]["message"] for answer in answers if "error" in answer]


def test_one_of_several_new_runs_gets_the_thread(worlds: Worlds) -> None:
    servers = worlds(pace="step")
    thread, body = servers[0].thread(TALK), {"assistant_id": servers[0].assistant()}
    answers = at_once([partial(w.post, f"/threads/{thread}/runs", body) for w in servers])
    (run,) = [answer for answer in answers if "error" not in answer]
    assert refusals(answers) == [f"Thread {thread} already has an active run {run['id']}."] * (CLIENTS - 1)
    assert len(servers[0].get(f"/threads/{thread}/runs")["data"]) == 1


def test_one_of_several_submissions_is_taken(worlds: Worlds) -> None:
    servers = worlds(pace="step")
    run = servers[0].run(ASK)
    servers[0].look(run)
    run = servers[0].look(run)
    answers = at_once([partial(w.submit, run) for w in servers])
    assert [answer["status"] for answer in answers if "error" not in answer] == ["queued"]
    assert refusals(answers) == ['Runs in status "queued" do not accept tool outputs.'] * (CLIENTS - 1)


def test_one_of_several_cancellations_is_taken(worlds: Worlds) -> None:
    servers = worlds(pace="step")
    run = servers[0].run(TALK)
    answers = at_once([partial(w.post, f"{path_of(run)}/cancel") for w in servers])
    assert [answer["status"] for answer in answers if "error" not in answer] == ["cancelling"]
    assert refusals(answers) == ["Cannot cancel run with status 'cancelling'."] * (CLIENTS - 1)
    assert servers[0].look(run)["status"] == "cancelled"


def test_a_cancellation_meets_a_submission(worlds: Worlds) -> None:
    servers = worlds(pace="step")
    run = servers[0].run(ASK)
    servers[0].look(run)
    run = servers[0].look(run)
    submitted, cancelled = at_once(
        [lambda: servers[0].submit(run), lambda: servers[1].post(f"{path_of(run)}/cancel")]
    )
    assert cancelled["status"] == "cancelling"  # it is taken before and after the outputs
    assert submitted.get("status") == "queued" or refusals([submitted]) == [
        'Runs in status "cancelling" do not accept tool outputs.'
    ]
    ended = servers[0].look(run)
    assert (ended["status"], ended["completed_at"]) == ("cancelled", None)
    (step,) = servers[0].steps(run)
    assert step["status"] == ("completed" if "status" in submitted else "cancelled")


def seen_by(world: World, run: Any) -> tuple[Any, Any, Any]:
    return world.look(run), world.steps(run), world.messages(run)


def test_whoever_looks_sees_one_story(worlds: Worlds) -> None:
    servers = worlds()
    run = servers[0].run(SOLVE)
    looks = at_once([partial(seen_by, w, run) for w in servers])
    assert all(look == looks[0] for look in looks)
    assert looks[0][0]["status"] == "completed"
    assert [message["role"] for message in looks[0][2]] == ["assistant", "user"]


def test_what_has_completed_is_not_cancelled(worlds: Worlds) -> None:
    servers = worlds()
    run = servers[0].run(SOLVE)
    answers = at_once([partial(w.post, f"{path_of(run)}/cancel") for w in servers])
    assert refusals(answers) == ["Cannot cancel run with status 'completed'."] * CLIENTS
    assert servers[0].look(run)["cancelled_at"] is None


def test_a_thread_goes_while_its_run_is_looked_at(worlds: Worlds) -> None:
    servers = worlds()
    run = servers[0].run(SOLVE)
    thread = run["thread_id"]
    looks = [partial(w.look, run) for w in servers[1:]]
    deleted, *seen = at_once([lambda: servers[0].client.delete(f"/v1/threads/{thread}").json(), *looks])
    assert deleted["deleted"] is True
    for look in seen:
        assert look.get("status") == "completed" or refusals([look]) == [f"No thread found with id '{thread}'."]
    assert refusals([servers[0].look(run)]) == [f"No thread found with id '{thread}'."]
    assert servers[0].app.store.count(servers[0].tenant, "message", parent=thread) == 0


def test_a_stream_meets_a_poll_at_every_moment(worlds: Worlds) -> None:
    """The stream waits, others look: it tells every event once, and ends as they see it end."""
    servers = worlds(pace="real")
    first, other = servers[0], servers[1]
    path = f"/threads/{first.thread(TALK)}/runs"
    names: list[str] = []
    run: Any = None
    for name, data in first.stream(path, {"assistant_id": first.assistant(tools=[])}):
        if name == "thread.run.created":
            run = data
        if name == "pause":
            other.look(run)
        else:
            names.append(name)
    assert names.count("thread.message.completed") == names.count("thread.run.completed") == 1
    assert other.look(run)["status"] == "completed"


def test_a_server_whose_clock_is_behind_takes_nothing_back() -> None:
    store = MemoryStore()
    ahead, behind = ManualClock(), ManualClock()
    first, second = World(store, ahead, pace="real"), World(store, behind, pace="real")
    run = first.run(TALK, assistant_id=first.assistant(tools=[]))
    ahead.advance(1.5)
    behind.advance(1.1)
    first.look(run)
    written = first.messages(run)[0]["content"]
    for _ in range(3):
        behind.advance(0.02)
        assert second.look(run)["status"] == "in_progress"
        assert second.messages(run)[0]["content"] == written


def test_messages_and_a_run_meet_on_one_thread(worlds: Worlds) -> None:
    """A message comes before the run, and is read by it, or is refused."""
    servers = worlds(pace="step")
    thread, assistant = servers[0].thread(TALK), servers[0].assistant(tools=[])
    say = {"role": "user", "content": "And one more thing."}
    path = f"/threads/{thread}"
    run, *said = at_once(
        [
            partial(servers[0].post, f"{path}/runs", {"assistant_id": assistant}),
            *(partial(w.post, f"{path}/messages", say) for w in servers[1:]),
        ]
    )
    taken = [answer for answer in said if "error" not in answer]
    refused = [f"Can't add messages to {thread} while a run {run['id']} is active."] * (len(said) - len(taken))
    assert refusals(said) == refused
    assert len(servers[0].messages(run)) == 1 + len(taken)

"""Lives are tables: one reading late is many readings in time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai import lifecycle
from mockai.lifecycle import IllegalEventError, Machine, Step

RUN = Machine(
    initial="queued",
    edges={
        "queued": {"start": "in_progress", "cancel": "cancelling"},
        "in_progress": {"finish": "completed", "ask": "requires_action", "cancel": "cancelling"},
        "requires_action": {"submit": "queued", "cancel": "cancelling", "expire": "expired"},
        "cancelling": {"stop": "cancelled"},
    },
    work={"queued": (0.3, "start"), "in_progress": (1.5, "finish"), "cancelling": (1.0, "stop")},
    deadlines={"requires_action": ("expires_at", "expire")},
)


class Record:
    """A record that notes its steps."""

    def __init__(self, now: float = 0.0) -> None:
        self.data: dict[str, Any] = {"expires_at": now + 600}
        self.life = lifecycle.begin(RUN, now)
        self.steps: list[Step] = []

    def read(self, now: float, **more: Any) -> str:
        lifecycle.advance(RUN, self.life, self.data, now, self.steps.append, **more)
        state: str = self.life["state"]
        return state

    def event(self, name: str, at: float) -> None:
        lifecycle.apply(RUN, self.life, name, at, self.steps.append)


@given(st.lists(st.floats(0, 5), max_size=8))
def test_one_late_reading_is_many_timely_ones(moments: list[float]) -> None:
    often, once = Record(), Record()
    for moment in sorted(moments):
        often.read(moment)
    assert often.read(10) == once.read(10) == "completed"
    assert often.steps == once.steps
    assert [step.at for step in once.steps] == pytest.approx([0.3, 1.8])


def test_instant_work_is_done_at_the_first_reading() -> None:
    record = Record()
    assert record.read(0, scale=0.0) == "completed"
    assert [step.at for step in record.steps] == [0, 0]


def test_a_step_a_reading() -> None:
    record = Record()
    assert [record.read(7, scale=0.0, single=True) for _ in range(3)] == ["in_progress", "completed", "completed"]
    assert [step.at for step in record.steps] == [7, 7]


def test_a_rule_may_replace_a_timer_s_event_and_deadlines_are_not_scaled() -> None:
    record = Record()
    asked = {"in_progress": "ask"}
    assert record.read(0, scale=0.0, choose=lambda state, event: asked.get(state, event)) == "requires_action"
    assert record.read(599, scale=0.0) == "requires_action"
    assert record.read(10_000, scale=0.0) == "expired"
    assert record.steps[-1].at == 600


def test_illegal_events_change_nothing() -> None:
    record = Record()
    record.read(10)
    before = (dict(record.life), list(record.steps))
    for event in ("cancel", "submit", "bogus"):
        with pytest.raises(IllegalEventError, match=event):
            record.event(event, 11)
    assert (record.life, record.steps) == before


def test_a_cancelled_life_goes_on_from_the_moment_of_the_cancel() -> None:
    record = Record()
    assert record.read(1) == "in_progress"
    record.event("cancel", 1)
    assert record.read(1.9) == "cancelling"
    assert record.read(99) == "cancelled"
    assert record.steps[-1].at == 2


def test_the_laws_are_checked() -> None:
    assert lifecycle.faults(RUN) == []
    broken = Machine("a", {"a": {"go": "b"}, "c": {"x": "a"}}, work={"b": (1, "go")})
    assert lifecycle.faults(broken) == [
        "c cannot be reached",
        "the timer of b raises 'go', which is not possible there",
    ]


def test_a_circle_without_duration_ends() -> None:
    circle = Machine("a", {"a": {"go": "b"}, "b": {"go": "a"}}, work={"a": (1, "go"), "b": (1, "go")})
    life = lifecycle.begin(circle, 0)
    assert len(lifecycle.advance(circle, life, {}, 5, lambda step: None, scale=0.0)) == lifecycle.MOST_STEPS

"""Lives that are tables: the engine of every state machine. It knows no resource, no clock and no thread.

A life is settled when it is read: the steps that fell due are replayed, each stamped with the moment it was due. So
one look after ten minutes gives the record that ten looks give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MOST_STEPS = 100  # of one reading: more would be a circle without duration


class IllegalEventError(Exception):
    """An event that its state does not know; nothing was changed."""

    def __init__(self, state: str, event: str) -> None:
        """Name the state and the event."""
        super().__init__(f"{event!r} is not possible in the state {state!r}")
        self.state, self.event = state, event


@dataclass(frozen=True, slots=True)
class Machine:
    """The table of one kind of life."""

    initial: str
    edges: Mapping[str, Mapping[str, str]]
    """What each event leads to, by state. States without an entry are terminal."""
    work: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    """How long a state nominally lasts, in seconds, and the event that ends it; scaled by the pace."""
    deadlines: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The field of the record that holds a deadline (Unix seconds), and its event; never scaled."""

    def target(self, state: str, event: str) -> str:
        """Return the state that an event leads to. Raises `IllegalEventError`."""
        following = self.edges.get(state, {}).get(event)
        if following is None:
            raise IllegalEventError(state, event)
        return following


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state, and the moment when it was due, in Unix seconds."""

    at: float
    event: str
    before: str
    after: str


Stamp = Callable[[Step], None]
Choose = Callable[[str, str], str | None]
"""Returns the event that takes the place of a timer's, given the state and the planned event; None while the work
of the state is not done."""


def begin(machine: Machine, now: float) -> Json:
    """Return a new life: its state, and since when it is in it."""
    return {"state": machine.initial, "since": now}


def apply(machine: Machine, life: Json, event: str, at: float, stamp: Stamp) -> Step:
    """Let an event happen: change the life, and have the step stamped. Raises `IllegalEventError`."""
    before = life["state"]
    step = Step(at, event, before, machine.target(before, event))
    life["state"], life["since"] = step.after, at
    stamp(step)
    return step


def due(machine: Machine, life: Json, record: Mapping[str, Any], scale: float) -> list[tuple[float, str, bool]]:
    """Return when and by which events the present state ends by itself, the earliest first.

    The last entry of each tells whether it is the end of work.
    """
    state = life["state"]
    planned: list[tuple[float, str, bool]] = []
    if state in machine.deadlines:
        name, event = machine.deadlines[state]
        if record.get(name) is not None:
            planned.append((float(record[name]), event, False))
    if state in machine.work:
        seconds, event = machine.work[state]
        planned.append((life["since"] + seconds * scale, event, True))
    # A deadline that is as early as the end of the work wins.
    return sorted(planned, key=lambda entry: entry[0])


def advance(
    machine: Machine,
    life: Json,
    record: Mapping[str, Any],
    now: float,
    stamp: Stamp,
    *,
    scale: float = 1.0,
    choose: Choose | None = None,
    single: bool = False,
) -> list[Step]:
    """Replay what fell due until `now`, and return the steps; `stamp` writes each into the record.

    `single` is the pace `step`: one step of work at each reading, whatever the time, and it is due now.
    """
    steps: list[Step] = []
    while len(steps) < MOST_STEPS:
        happens = _next(machine, life, due(machine, life, record, scale), now, choose, single and bool(steps))
        if happens is None:
            break
        at, event = happens
        steps.append(apply(machine, life, event, now if single else at, stamp))
    return steps


def _next(
    machine: Machine,
    life: Json,
    planned: list[tuple[float, str, bool]],
    now: float,
    choose: Choose | None,
    rests: bool,
) -> tuple[float, str] | None:
    """Return the event that happens next, and when it was due; work that is not done lets a deadline pass first."""
    for at, event, worked in planned:
        if at > now or (worked and rests):
            return None
        chosen = choose(life["state"], event) if worked and choose is not None else event
        if chosen is not None:
            return at, chosen
    return None


def faults(machine: Machine) -> list[str]:
    """Return how a table breaks the laws of machines; none for a good one."""
    states = {machine.initial, *machine.edges, *(to for edges in machine.edges.values() for to in edges.values())}
    reached, pending = {machine.initial}, [machine.initial]
    while pending:
        fresh = set(machine.edges.get(pending.pop(), {}).values()) - reached
        reached |= fresh
        pending += fresh
    found = [f"{state} cannot be reached" for state in sorted(states - reached)]
    timers = [*machine.work.items(), *machine.deadlines.items()]
    for state, (_, event) in timers:
        if event not in machine.edges.get(state, {}):
            found.append(f"the timer of {state} raises {event!r}, which is not possible there")
    return found

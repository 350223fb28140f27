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


def due(machine: Machine, life: Json, record: Mapping[str, Any], scale: float) -> tuple[float, str] | None:
    """Return when and by which event the present state ends by itself; None if it does not."""
    state = life["state"]
    planned: list[tuple[float, str]] = []
    if state in machine.deadlines:
        name, event = machine.deadlines[state]
        if record.get(name) is not None:
            planned.append((float(record[name]), event))
    if state in machine.work:
        seconds, event = machine.work[state]
        planned.append((life["since"] + seconds * scale, event))
    # A deadline that is as early as the end of the work wins.
    return min(planned, key=lambda entry: entry[0]) if planned else None


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
        planned = due(machine, life, record, scale)
        if planned is None or planned[0] > now:
            break
        at, event = planned
        worked = life["state"] in machine.work and machine.work[life["state"]][1] == event
        if single and worked and steps:
            break
        if worked and choose is not None:
            chosen = choose(life["state"], event)
            if chosen is None:
                break
            event = chosen
        steps.append(apply(machine, life, event, now if single else at, stamp))
    return steps


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

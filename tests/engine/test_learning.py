"""The learner: its losses are measured, and they obey what learning obeys."""

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import pytest

from mockai.engine import tokens
from mockai.engine.learner import train
from mockai.engine.learning import Lesson, Plan, Row, auto_batch, auto_epochs, lesson

ENCODING = "cl100k_base"
GOOD, BAD = (
    "great wonderful lovely superb brilliant delightful".split(),
    "awful boring terrible dull dreadful poor".split(),
)
THINGS = "film book meal hotel song play journey garden show story".split()


def made(asked: str, reply: str, worse: str | None = None) -> Lesson:
    return lesson(ENCODING, asked, asked, reply, worse)


def reviews(count: int, seed: int, wrong: bool = False) -> list[Lesson]:
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        good = rng.random() < 0.5
        words = rng.sample(GOOD if good else BAD, 2)
        pairs.append((f"The {rng.choice(THINGS)} was {words[0]} and {words[1]}.", "positive" if good else "negative"))
    labels = [label for _, label in pairs]
    if wrong:
        rng.shuffle(labels)
    return [made(asked, label) for (asked, _), label in zip(pairs, labels, strict=True)]


def rows(lessons: Sequence[Lesson], checks: Sequence[Lesson] = (), **changes: Any) -> list[Row]:
    plan = Plan(**{"epochs": 3, "batch_size": 1, "multiplier": 2.0, "seed": 1, **changes})
    return [
        row
        for row in train(ENCODING, [[entry] for entry in lessons], [[entry] for entry in checks], plan)
        if row is not None
    ]


def final(found: list[Row]) -> float:
    tail = found[-20:]
    return sum(row.loss for row in tail) / len(tail)


def test_more_epochs_end_in_a_lower_loss() -> None:
    lessons = reviews(60, 1)
    losses = [final(rows(lessons, epochs=epochs)) for epochs in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4


def test_shuffled_labels_do_worse_on_validation_than_true_ones() -> None:
    checks = reviews(60, 2)
    true, shuffled = rows(reviews(120, 1), checks)[-1], rows(reviews(120, 1, wrong=True), checks)[-1]
    assert true.full_valid_loss is not None
    assert shuffled.full_valid_loss is not None
    assert true.full_valid_loss < shuffled.full_valid_loss / 2
    assert true.full_valid_accuracy is not None
    assert shuffled.full_valid_accuracy is not None
    assert true.full_valid_accuracy > 0.9 > shuffled.full_valid_accuracy


def test_the_same_seed_repeats_exactly_and_another_does_not() -> None:
    lessons = reviews(30, 1)
    assert rows(lessons, seed=5) == rows(lessons, seed=5)
    assert rows(lessons, seed=5) != rows(lessons, seed=6)


def test_one_repeated_example_reaches_near_zero_loss() -> None:
    found = rows(
        [made("What is the capital of France?", "Paris, as if everyone did not know that already.")] * 10, epochs=10
    )
    assert found[0].loss > 1
    assert found[-1].loss < 0.01
    assert found[-1].accuracy == 1.0


def test_a_higher_multiplier_learns_faster() -> None:
    lessons = reviews(40, 1)
    assert final(rows(lessons, multiplier=4.0)) < final(rows(lessons, multiplier=0.5))


@pytest.mark.parametrize("multiplier", [1e-300, 1e6, 1e30, 1e308])
def test_losses_are_numbers_whatever_the_multiplier(multiplier: float) -> None:
    found = rows(reviews(30, 1), reviews(5, 2), multiplier=multiplier)
    assert all(math.isfinite(value) for row in found for value in (row.loss, row.valid_loss or 0.0))


def test_preferences_are_learned() -> None:
    pairs = [made(f"Say something about the {thing}.", f"The {thing} is nice.", "No.") for thing in THINGS]
    found = rows(pairs, epochs=5)
    assert found[0].loss == pytest.approx(0.693, abs=0.2)
    assert found[-1].loss < found[0].loss
    assert found[-1].accuracy == 1.0


@pytest.mark.parametrize(("examples", "size", "steps"), [(10, 1, 30), (10, 3, 12), (1, 4, 3)])
def test_every_example_is_seen_in_every_epoch(examples: int, size: int, steps: int) -> None:
    plan = Plan(3, size, 2.0, 1)
    assert plan.steps(examples) == steps
    found = rows(reviews(examples, 1), batch_size=size)
    assert [row.step for row in found] == list(range(1, steps + 1))


def test_losses_are_numbers_whatever_the_text() -> None:
    odd = [made("", ""), made("x", ""), made("", "x"), made("\U0001f600" * 50, "\U0001f600"), made("a", "a" * 3000)]
    assert all(0 <= row.loss < 100 and 0 <= row.accuracy <= 1 for row in rows(odd, odd))


def test_the_rule_of_epochs_and_batches() -> None:
    assert [auto_epochs(count) for count in (1, 3, 10, 33, 34, 100, 101, 8333, 8334, 19_500, 30_000)] == [
        *(25, 25, 10, 3, 3, 3, 3, 3, 2, 1, 1)
    ]
    assert [auto_batch(count) for count in (10, 100, 1500, 19_500, 10**6)] == [1, 1, 1, 13, 256]


def test_fifty_examples_take_no_time_and_many_go_fast() -> None:
    tokens.warm(ENCODING)
    begun = time.thread_time()
    lessons = reviews(50, 3)
    assert len(rows(lessons)) == 150
    assert time.thread_time() - begun < 0.3
    text = (
        "It is a long answer about the matter at hand, with some detail, a reason and an example to go with it. " * 3
    )
    many = [made(f"Tell me about the {THINGS[at % 10]} number {at}, please.", f"{at}: {text}") for at in range(300)]
    size = sum(len(entry.reply) + 12 for entry in many)
    took = []
    for _ in range(3):  # the best of three: others use the machine, too
        begun = time.thread_time()
        rows(many, epochs=2)
        took.append(time.thread_time() - begun)
    assert 2 * size / min(took) >= 100_000

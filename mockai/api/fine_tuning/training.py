"""How a job reads its files and learns them, a slice at a time (fine_tuning.md §6, §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockai import contents, tuned
from mockai.api.fine_tuning import lines
from mockai.api.fine_tuning.faces import face_of
from mockai.api.fine_tuning.lines import Course, FormatError
from mockai.call import Call, Json
from mockai.engine import moderation
from mockai.engine.catalogue import Model
from mockai.engine.learning import Lesson, Plan, Row

LONGEST, LONGEST_OF = 65_536, {"gpt-3.5-turbo-0613": 4_096}
"""Tokens of an example, where the context of the model is not smaller."""
FLAGGED = 5
"""A file is refused when more than one in so many examples is flagged; the real share is not known."""
PURPOSE = "fine-tune"

Over = Callable[[], bool]

BLOCKED = (
    "This training file was blocked because too many examples were flagged by our moderation API for containing "
    "content that violates OpenAI's usage policies in the following categories: {}. Use the free OpenAI Moderation "
    "API to identify these examples and remove them from your training data. See "
    "https://platform.openai.com/docs/guides/moderation for more information."
)


def fault(code: str, message: str, param: str | None = None) -> Json:
    """Return the `error` of a failed job."""
    return {"code": code, "param": param, "message": message}


class Training:
    """What this process has read and learned of a job; when it is lost, doing it again comes to the same."""

    def __init__(self, call: Call, record: Json, model: Model) -> None:
        """Begin with the first line."""
        method = record["shown"]["method"]
        grader = method.get("reinforcement", {}).get("grader", {})
        longest = min(model.context, LONGEST_OF.get(model.dated, LONGEST))
        self._course = Course(model.encoding, method["type"], model.kind, longest, grader.get("reference"))
        self.answers = tuned.Answers()
        self._least = face_of(record["id"]).LEAST
        self.fault: Json | None = None
        self.tokens = self.examples = self.step = 0
        self._lessons: list[list[Lesson]] = []
        self._checks: list[list[Lesson]] = []
        self._flagged: set[str] = set()
        self._flags = 0
        self._reading: Iterator[None] | None = self._read(call, record["shown"])
        self._rows: Iterator[Row | None] | None = None

    def prepare(self, over: Over) -> bool:
        """Go on reading until the time is over; return whether all is read, or a fault was found."""
        if self._reading is not None:
            for _ in self._reading:
                if over():
                    return False
            self._reading = None
        return True

    def rows(self, record: Json, until: int, over: Over) -> list[Row]:
        """Learn on until the time is over or step `until` is done; return the steps that the record lacks."""
        known: int = record["step"]
        if self._rows is None or self.step > known:  # another reader's steps were kept instead of these
            from mockai.engine import learner  # numpy takes a while to load

            self.step = 0
            self._rows = learner.train(self._course.encoding, self._lessons, self._checks, plan(record))
        found: list[Row] = []
        while self.step < until:
            row = next(self._rows, None)
            if row is not None:
                self.step = row.step
                if row.step > known:
                    found.append(row)
            if over():
                break
        return found

    # --- reading

    def _read(self, call: Call, shown: Json) -> Iterator[None]:
        for param in ("training_file", "validation_file"):
            if shown[param] is not None:
                yield from self._read_file(call, shown[param], param)
                if self.fault is not None:
                    return
        if self.examples < self._least:
            text = f"Training file has {self.examples} example(s), but must have at least {self._least} examples"
            self.fault = fault("invalid_n_examples", text, "training_file")
        elif self._flags * FLAGGED > self.examples:
            text = "The job failed due to an invalid training file. " + BLOCKED.format(
                ", ".join(sorted(self._flagged))
            )
            self.fault = fault("invalid_training_file", text, "training_file")
        else:
            yield from self.answers.measure()

    def _read_file(self, call: Call, id: str, param: str) -> Iterator[None]:
        name = param.replace("_", " ")
        chunks = call.store.read(call.tenant, id) if contents.find(call, id) else None
        if chunks is None:
            text = f"The job failed because the {name} was deleted"
            self.fault = fault(f"deleted_{param}", text, param)
            return
        for number, line in enumerate(contents.lines(chunks), 1):
            if not line.strip():
                continue
            try:
                example = lines.read(line, number, self._course, id)
            except FormatError as error:
                text = f"The job failed due to a file format error in the {name}. {error}"
                self.fault = fault("invalid_file_format", text, param)
                return
            if param == "training_file":
                self._take(example)
            else:
                self._checks.append(example.lessons)
            yield

    def _take(self, example: lines.Example) -> None:
        self.examples += 1
        self.tokens += example.tokens
        self._lessons.append(example.lessons)
        for before, reply in example.replies:
            self.answers.learn(before, reply)
        judged = moderation.result(example.text)
        self._flags += judged["flagged"]
        self._flagged |= {category for category, found in judged["categories"].items() if found}


def plan(record: Json) -> Plan:
    """Return how the job of a record trains, once its hyperparameters are numbers."""
    shown = record["shown"]
    numbers: Any = shown["method"][shown["method"]["type"]]["hyperparameters"]
    return Plan(
        numbers["n_epochs"],
        numbers["batch_size"],
        numbers["learning_rate_multiplier"] * face_of(record["id"]).RATE,
        shown["seed"],
        numbers.get("beta", 0.1),
    )

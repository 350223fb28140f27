"""From files and folders to rules. `FORMATS` says which reader takes a file, by the shape of its data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mockai.recording.tape import Tape, TapeError, is_tape
from mockai.recording.tape import read as read_tape
from mockai.rules import entries
from mockai.rules.match import RuleError
from mockai.rules.places import Place, UnreadableError, read
from mockai.rules.rule import Rule

ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, or doubtful, in a rule file."""

    path: str
    line: int
    text: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Return one line: where, what, and what to do."""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.path}:{self.line}: {self.text}{hint}"


@dataclass(slots=True)
class Document:
    """A file that has been read: its data, the place of every value, and a way to complain."""

    path: str
    data: Any
    place: Place
    problems: list[Problem]

    def error(self, path: tuple[str | int, ...], text: str, hint: str = "") -> None:
        """Note what makes the file unusable; `path` leads to the value."""
        self.problems.append(Problem(self.path, self.place.line_of(path), text, hint))

    def warn(self, path: tuple[str | int, ...], text: str, hint: str = "") -> None:
        """Note what is doubtful."""
        self.problems.append(Problem(self.path, self.place.line_of(path), text, hint, "warning"))

    def mistake(self, path: tuple[str | int, ...], mistake: RuleError) -> None:
        """Note a mistake that was found below `path`."""
        self.error((*path, *mistake.path), mistake.text, mistake.hint)


EXPECTED = "write `rules:` and a list of entries with `match` and `response`"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What files and folders held."""

    rules: list[Rule]
    problems: list[Problem]
    files: list[Path]
    tapes: list[Tape] = field(default_factory=list)
    """Recordings. They stand for the whole API: --strict refuses whatever they do not hold."""

    @property
    def errors(self) -> list[Problem]:
        """Return the problems that make the rules unusable."""
        return [problem for problem in self.problems if problem.severity == "error"]


def load(paths: Sequence[Path]) -> Loaded:
    """Read rules, in the order of `paths`; those of a folder by name, its own files before its folders'."""
    loaded = Loaded([], [], [])
    for path in paths:
        found = files_of(path)
        if path.is_dir() and not found:
            text, hint = "no rule files are in this folder", f"their names end in {', '.join(ENDINGS)}"
            loaded.problems.append(Problem(str(path), 1, text, hint, "warning"))
        for file in found:
            loaded.files.append(file)
            if is_tape(file):
                _load_tape(file, loaded)
            else:
                _load(file, loaded)
    return Loaded(_numbered(loaded.rules), loaded.problems, loaded.files, loaded.tapes)


def files_of(path: Path) -> list[Path]:
    """Return the rule files of a folder and the folders in it; a file is itself."""
    if not path.is_dir():
        return [path]
    inside = sorted(path.iterdir())
    files = [file for file in inside if file.suffix in ENDINGS and file.is_file()]
    return files + [file for folder in inside if folder.is_dir() for file in files_of(folder)]


def _load_tape(path: Path, loaded: Loaded) -> None:
    """Read a recording into `loaded`."""
    try:
        tape = read_tape(path)
    except TapeError as error:
        where, line, text = re.match(r"(.*?):(\d+): (.*)|(?s:.*)", str(error)).group(1, 2, 3)  # type: ignore[union-attr] # matches all
        loaded.problems.append(Problem(where or str(path), int(line or 1), text or str(error)))
        return
    if tape.torn:
        text = "the last exchange is not whole: it was being written when the recorder died"
        loaded.problems.append(Problem(str(path), 1, text, "it is left out", "warning"))
    loaded.tapes.append(replace(tape, after=len(loaded.rules)))


def _load(path: Path, loaded: Loaded) -> None:
    """Read one file of rules into `loaded`."""
    shown = str(path)
    try:
        data, place = read(path.read_text("utf-8-sig"), json=path.suffix == ".json")
    except OSError as error:
        text = f"cannot be read ({error.strerror})"
        loaded.problems.append(Problem(shown, 1, text, "give -f a file or folder that exists and is readable"))
        return
    except UnicodeDecodeError:
        loaded.problems.append(Problem(shown, 1, "is not UTF-8", "save it as UTF-8"))
        return
    except UnreadableError as fault:
        loaded.problems.append(Problem(shown, fault.line, fault.text))
        return
    document = Document(shown, data, place, loaded.problems)
    for inside in place.walk():
        for key, line in inside.twice:
            loaded.problems.append(Problem(shown, line, f"`{key}` stands here a second time", "keep one of them"))
    if entries.fits(data):
        loaded.rules.extend(entries.read(document))
    else:
        loaded.problems.append(Problem(shown, place.line, "holds no rules", EXPECTED))


def _numbered(rules: list[Rule]) -> list[Rule]:
    """Give rules that are equal identities of their own, so that each counts its own uses."""
    seen: dict[str, int] = {}
    numbered = []
    for rule in rules:
        count = seen[rule.identity] = seen.get(rule.identity, -1) + 1
        numbered.append(replace(rule, identity=f"{rule.identity}.{count}") if count else rule)
    return numbered

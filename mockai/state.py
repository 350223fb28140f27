"""Objects that a server starts with: files, tuned models, vector stores and assistants under ids of your own.

A state file is YAML or JSON. Each entry goes through the operation that would create it, so that it is checked as a
request is; only its id is given. What the store has already is left as it is.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from mockai import contents, tuned
from mockai.api.assistants import beta
from mockai.api.fine_tuning.lines import Course, FormatError, read
from mockai.call import Call, Json, Upload
from mockai.engine import catalogue
from mockai.server import Edge
from mockai.settings import SettingsError
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids

SECTIONS = ("files", "models", "vector_stores", "assistants")
LINE = "\0line"


class _Loader(yaml.SafeLoader):
    """Notes on which line each mapping begins."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Json:
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return {**found, LINE: node.start_mark.line + 1}


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class _Given(Ids):
    """Makes ids as ever, but the first one of a kind is the one that was given."""

    def __init__(self, given: str, seed: int, tenant: str) -> None:
        super().__init__(seed, f"{tenant}/state/{given}", count().__next__)
        self._given: str | None = given

    def _take(self, prefix: str) -> str | None:
        given, fits = self._given, self._given is not None and self._given.startswith(prefix) and prefix != ""
        if not fits:
            return None
        self._given = None
        return given

    def alnum(self, prefix: str, size: int = 24) -> str:
        return self._take(prefix) or super().alnum(prefix, size)

    def hex(self, prefix: str = "", size: int = 32) -> str:
        return self._take(prefix) or super().hex(prefix, size)

    def dated_hex(self, prefix: str, created: int) -> str:
        return self._take(prefix) or super().dated_hex(prefix, created)


def load(edge: Edge, path: Path) -> None:
    """Make the objects of a state file for the key that it names (`key:`, by default `sk-mockai`).

    Raises `SettingsError`, which tells file and line.
    """
    declared = _read(path)
    key = str(declared.get("key", "sk-mockai"))
    if edge.settings.keys and key not in edge.settings.keys:
        text = f"its objects belong to the key {key!r}, which --keys does not list; add it there, or set `key:` here"
        raise SettingsError(f"{path}:{declared[LINE]}: {text}")
    for section in SECTIONS:
        entries = declared.get(section) or []
        if not isinstance(entries, list):
            raise SettingsError(
                f"{path}:{declared[LINE]}: `{section}:` must be a list; begin each entry with `- id:`"
            )
        for entry in entries:
            _make(edge, path, key, section, entry)


def _read(path: Path) -> Json:
    try:
        declared = yaml.load(path.read_text("utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give --state a readable file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise SettingsError(f"{path}:{where}: is not YAML; see the README for an example of a state file") from None
    if not isinstance(declared, dict):
        raise SettingsError(f"{path}:1: is no mapping; begin with one of {', '.join(SECTIONS)}")
    unknown = [name for name in declared if name not in (*SECTIONS, "key", LINE)]
    if unknown:
        names = ", ".join(("key", *SECTIONS))
        raise SettingsError(f"{path}:{declared[LINE]}: does not know `{unknown[0]}:`; use {names}")
    return declared


def _make(edge: Edge, path: Path, key: str, section: str, entry: Any) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        where = f":{entry[LINE]}" if isinstance(entry, dict) else ""
        raise SettingsError(f"{path}{where}: an entry of `{section}:` has no `id:`; give it one")
    line, id = entry[LINE], entry["id"]
    body = _plain({name: value for name, value in entry.items() if name != "id"})
    kind, make, operation = MAKERS[section]
    try:
        headers = {b"authorization": f"Bearer {key}".encode(), b"openai-beta": _beta(edge, section)}
        call = edge.call_of(*operation, headers)
        if call.store.get(call.tenant, kind, id) is not None:
            return
        call.ids = _Given(id, edge.settings.seed, call.tenant)
        made = make(call, id, body, path.parent)
    except OSError as error:
        text = f"{error.filename} cannot be read ({error.strerror}); `path:` is relative to the state file"
        raise SettingsError(f"{path}:{line}: {section} {id!r}: {text}") from None
    except (ApiError, FormatError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}:{line}: {section} {id!r}: {error}") from None
    if made != id:
        raise SettingsError(f"{path}:{line}: {section} {id!r}: ids of {section} look like {made!r}; change it")


def _beta(edge: Edge, section: str) -> bytes:
    """Return the header of the version that a section is written for: the newest one of the day that is served."""
    day = edge.settings.as_of
    first = section == "assistants" and day is not None and day < beta.SECOND
    return b"assistants=v1" if first else b"assistants=v2"


def _plain(value: Any) -> Any:
    """Return a value without the notes of lines."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items() if name != LINE}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


# --- makers: each makes an object and returns its id ---------------------------------------------


def _content(body: Json, folder: Path) -> tuple[str, bytes]:
    """Return the name and the bytes of `path:` (relative to the state file) or of `content:`."""
    if "path" in body:
        where = folder / str(body.pop("path"))
        return where.name, where.read_bytes()
    return "content.txt", str(body.pop("content", "")).encode()


def _file(call: Call, id: str, body: Json, folder: Path) -> str:
    name, raw = _content(body, folder)
    name = body.pop("filename", name)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    upload = Upload(name, kind, len(raw), lambda: iter([raw]))
    call.body = {"purpose": "assistants", **body, "file": upload}
    return _id(call.operation.run(call))


def _model(call: Call, id: str, body: Json, folder: Path) -> str:
    if not tuned.NAMES.match(id):
        raise ApiError(400, "the id of a tuned model begins with `ft:`, or with `davinci:ft-` and the like")
    base = catalogue.find(str(body.pop("base", "")))
    if base is None or not (base.tunable or base.id in tuned.FIRST):
        raise ApiError(400, "`base:` names no model that can be fine-tuned")
    _, raw = _content(body, folder)
    course = Course(base.encoding, "supervised", base.kind, base.context)
    answers = tuned.Answers()
    for number, line in enumerate(raw.splitlines(), 1):
        for before, reply in read(line, number, course, id).replies if line.strip() else ():
            answers.learn(before, reply)
    for _ in answers.measure():
        pass
    tuned.write(call, f"{id}/answers", answers)
    tuned.put(call, id, base.dated, [f"{id}/answers"], call.created)
    return id


def _created(call: Call, id: str, body: Json, folder: Path) -> str:
    call.body = body
    return _id(call.operation.run(call))


def _id(answer: Any) -> str:
    id: str = answer["id"]
    return id


Maker = Callable[[Call, str, Json, Path], str]
# The kind in the store, how an entry is made, and the operation that it goes through.
MAKERS: dict[str, tuple[str, Maker, tuple[str, str]]] = {
    "files": (contents.KIND, _file, ("POST", "/files")),
    "models": (tuned.KIND, _model, ("GET", "/models")),
    "vector_stores": ("vector_store", _created, ("POST", "/vector_stores")),
    "assistants": ("assistant", _created, ("POST", "/assistants")),
}

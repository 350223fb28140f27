"""From a method and a path to an operation: with or without `/v1`, and in Azure's deployment form."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from mockai.call import Call, Operation
from mockai.wire import errors

Methods = dict[str, Operation]

_AZURE = "/openai/deployments/"
_PREFIXES = ("/v1/", "/openai/v1/")
_SLASHES = re.compile("//+")
_MOVED = "/fine_tuning/"
"""What answers a slash too much at the end with a redirection (fine_tuning.md §1); elsewhere it is a 404."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to: its operations by method, and its parameters."""

    methods: Methods
    path: dict[str, str]
    deployment: str | None = None
    """The Azure deployment name in the path, which stands for the model."""


class Router:
    """Finds operations. Paths without parameters are one dictionary look-up."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Index the operations by path."""
        self._static: dict[str, Match] = {}
        self._dynamic: dict[int, list[tuple[tuple[str, ...], Methods]]] = {}
        families: dict[str, bool] = {}
        for operation in operations:
            self._methods(operation.path)[operation.method] = operation
            family = self._family(operation.path)
            families[family] = families.get(family, True) and operation.handler is _gone
        self._ended = {family for family, ended in families.items() if ended}

    def _methods(self, path: str) -> Methods:
        if "{" not in path:
            match = self._static.setdefault(path, Match({}, {}))
            for prefix in _PREFIXES:
                self._static[prefix[:-1] + path] = match
            return match.methods
        segments = tuple(path.split("/")[1:])
        routes = self._dynamic.setdefault(len(segments), [])
        for known, found in routes:
            if known == segments:
                return found
        methods: Methods = {}
        routes.append((segments, methods))
        # A literal segment wins over a parameter, whatever the order of registration.
        routes.sort(key=lambda route: tuple(segment.startswith("{") for segment in route[0]))
        return methods

    def paths(self, wanted: Callable[[Operation], bool]) -> dict[str, Match]:
        """Return where the paths without parameters lead, prefixes included, that have an operation like that."""
        return {path: match for path, match in self._static.items() if any(map(wanted, match.methods.values()))}

    def match(self, raw_path: str) -> Match | None:
        """Return what `raw_path` (percent-encoded, without a query) leads to, or None; repeated slashes are one."""
        found = self._static.get(raw_path)
        return found if found is not None else self._search(_SLASHES.sub("/", raw_path))

    def gone(self, raw_path: str) -> bool:
        """Return whether a path that leads nowhere lies where all has ended."""
        return self._family(raw_path) in self._ended

    def _family(self, path: str) -> str:
        """Return the first segment of a path behind its prefix."""
        for prefix in _PREFIXES:
            if path.startswith(prefix):
                path = path[len(prefix) - 1 :]
        return path.partition("/")[2].partition("/")[0]

    def moved(self, raw_path: str) -> str | None:
        """Return the path to ask for in place of one that leads nowhere, where the API tells it."""
        path = raw_path.rstrip("/")
        return path if path != raw_path and _MOVED in path and self.match(path) is not None else None

    def _search(self, raw_path: str) -> Match | None:
        deployment = None
        path = raw_path
        if path.startswith(_AZURE):
            name, _, rest = path[len(_AZURE) :].partition("/")
            deployment, path = unquote(name), f"/{rest}"
        else:
            for prefix in _PREFIXES:
                if path.startswith(prefix):
                    path = path[len(prefix) - 1 :]
                    break
        static = self._static.get(path)
        if static is not None:
            return Match(static.methods, {}, deployment)
        segments = path.split("/")[1:]
        for pattern, methods in self._dynamic.get(len(segments), ()):
            values = _bind(pattern, segments)
            if values is not None:
                return Match(methods, values, deployment)
        return None


def of_day(operations: Iterable[Operation], day: str) -> list[Operation]:
    """Return what answered on a day: what was not there yet is left out, what had ended tells nothing else."""
    begun = [operation for operation in operations if operation.since <= day]
    return [_ended(entry) if entry.until and day >= entry.until else entry for entry in begun]


def _ended(operation: Operation) -> Operation:
    return Operation(
        operation.method, operation.path, _gone, operation.name, liveness=operation.liveness, until=operation.until
    )


def _gone(call: Call) -> NoReturn:
    raise errors.gone()


def _bind(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            values[expected[1:-1]] = unquote(segment)
        elif expected != segment:
            return None
    return values

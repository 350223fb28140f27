"""Ids by reference: `run_FEFAUboptcjXZ5dto9CKLzF8` is written as `<run:1>`, so that a new recording differs little.

Only ids that an answer brought are renamed. One that the caller knew before stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Short ids are known by their prefix; any other has sixteen letters or more, a digit among them.
_KNOWN = (
    "chatcmpl|cmpl|file|asst|thread|msg|run|step|call|vs|vsfb|batch|upload|part|ftjob|ftevent|ftckpt|modr|resp|conv"
)
_SHAPE = rf"(?:(?:{_KNOWN})[-_][0-9A-Za-z]{{4,}}|[a-z][a-z_]{{0,15}}[-_](?=[A-Za-z]*\d)[0-9A-Za-z]{{16,}})"
_BROUGHT = re.compile(rf'"(?:id|\w+_id)"\s*:\s*"({_SHAPE})"')
_ANY = re.compile(rf"(?<![0-9A-Za-z_-]){_SHAPE}(?![0-9A-Za-z_-])")
REFERENCE = re.compile(r"<[a-z_]+:[1-9]\d*>")


class Names:
    """The ids of one recording and their references."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """Go on with the ids that are `known` by their references."""
        self._references: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._foreign: set[str] = set()
        for reference, id in (known or {}).items():
            self.learn(reference, id)

    def learn(self, reference: str, id: str) -> None:
        """Note an id and the reference that it has in a file."""
        self._references[id], self._ids[reference] = reference, id
        kind, _, number = reference.strip("<>").partition(":")
        self._counts[kind] = max(self._counts.get(kind, 0), int(number))

    def meet(self, asked: str, answered: str) -> None:
        """Take the texts of a request and of its answer: name the ids that the answer brings."""
        self._foreign.update(id for id in _ANY.findall(asked) if id not in self._references)
        for id in _BROUGHT.findall(answered):
            if id not in self._references and id not in self._foreign:
                kind = re.split(r"[-_](?=[0-9A-Za-z]+$)", id)[0]
                self.learn(f"<{kind}:{self._counts.get(kind, 0) + 1}>", id)

    def reference(self, id: str) -> str:
        """Return the reference of an id, or the id itself where it has none."""
        return self._references.get(id, id)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return what finds ids in a text."""
        return _ANY

    def used(self, text: str) -> dict[str, str]:
        """Return the references in a text and their ids."""
        return {found: self._ids[found] for found in REFERENCE.findall(text) if found in self._ids}


def resolved(text: str, ids: Mapping[str, str]) -> str:
    """Return a text with its references replaced by ids."""
    return REFERENCE.sub(lambda found: ids.get(found[0], found[0]), text)

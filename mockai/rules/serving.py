"""The rules of a server: read, with what is doubtful told in its log."""

from __future__ import annotations

import logging
from collections.abc import Collection

from mockai.recording.lookup import Deck
from mockai.rules.lint import lint
from mockai.rules.load import load
from mockai.rules.ruleset import RuleSet
from mockai.settings import Settings, SettingsError

log = logging.getLogger("mockai")


def rules_of(settings: Settings, operations: Collection[str]) -> RuleSet:
    """Return the rules of a server with operations of these names. Raises `SettingsError` with every error found."""
    loaded = load(settings.fixtures)
    if loaded.errors:
        raise SettingsError("\n".join(map(str, loaded.errors)))
    for problem in [*loaded.problems, *lint(loaded.rules, operations)]:
        log.warning("%s", problem)
    deck = Deck(loaded.tapes) if loaded.tapes else None
    rules = RuleSet(loaded.rules, strict=settings.strict, deck=deck)
    rules.prepare()
    return rules

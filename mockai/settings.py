"""One frozen `Settings`: the only reader of flags, environment and configuration files."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mockai.clock import Pace

MAX_BODY = 64 * 1024 * 1024

OTHERS = re.compile(r"MOCKAI_(NODE_SDK|RECORDED|SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)")
"""Variables of no flag: those of the project's tests, and what Kubernetes tells of a service called mockai."""


class SettingsError(Exception):
    """A setting that cannot be used. The message says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whom an API key belongs to."""

    organization: str
    project: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a server can be told, with its defaults."""

    host: str = "127.0.0.1"
    port: int = 4010
    seed: int = 0
    pace: Pace = "instant"
    clock: Literal["system", "manual"] = "system"
    models: tuple[str, ...] = ()
    """Names that are served beside the catalogue."""
    any_model: bool = False
    keys: Mapping[str, KeyOwner] = field(default_factory=dict)
    """Known API keys. Empty: any key is welcome."""
    missing: Literal["error", "phantom"] = "error"
    validate: Literal["api", "schema"] = "api"
    as_of: str | None = None
    """The day, `YYYY-MM-DD`, of which the API is served; None serves everything that ever was."""
    vary: bool = False
    """Answer differently each time when no `seed` is sent, as the real API does."""
    max_body: int = MAX_BODY
    """Largest JSON body, in bytes."""
    store: str = "memory"
    """`memory`, or `sqlite:PATH`."""
    fixtures: tuple[Path, ...] = ()
    """Files and folders of rules."""
    watch: bool = False
    """Read the rules again when a file changes."""
    replay_speed: float = 0.0
    """How fast recorded answers come: 0 at once, 1 as recorded, 2 twice as fast."""
    strict: bool = False
    """Refuse requests that meet no rule."""
    workers: int = 1
    """Processes that serve; more than one need a store that they can share."""
    log_level: str = "warning"


def variables() -> list[str]:
    """Return the variables of the environment that are meant for mockai and hold something."""
    names = sorted(name for name, value in os.environ.items() if name.startswith("MOCKAI_") and value)
    return [name for name in names if not OTHERS.fullmatch(name)]


def read_keys(path: Path) -> dict[str, KeyOwner]:
    """Read a key list: YAML or JSON, `keys: {sk-…: {organization: acme, project: proj_web}}`.

    Raises `SettingsError` when the file cannot be read or holds something else.
    """
    import yaml  # takes a while to load

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give --keys a readable file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise SettingsError(f"{path}:{where}: is not YAML; write `keys:` and one key a line") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise SettingsError(f"{path}:1: has no `keys:` mapping; write `keys: {{sk-test: {{project: proj_a}}}}`")
    return {str(key): _owner(path, str(key), entry) for key, entry in entries.items()}


def _owner(path: Path, key: str, entry: Any) -> KeyOwner:
    if not isinstance(entry, dict) or set(entry) - {"organization", "project"} or "project" not in entry:
        raise SettingsError(f"{path}: key {key!r} needs `project:` and may have `organization:`, nothing else")
    return KeyOwner(str(entry.get("organization", "mockai")), str(entry["project"]))

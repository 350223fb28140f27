"""The round-trip law: the contracts pass against a replay of what they were answered. `make roundtrip` runs all."""

import tempfile
from pathlib import Path

from tests import command
from tests.inside import Inside, serving
from tests.server import Served, recording


def contracts(target: Inside | Served, only: str) -> str:
    """Run the suite, or the areas `only`, against a server; return the last line. Raises `RuntimeError`."""
    done = command.contracts("-x", "--only", only, "--target", f"{target.url}/v1")
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-5000:])
    return done.stdout.strip().splitlines()[-1]


def there_and_back(folder: Path, only: str = "") -> tuple[str, str]:
    """Record the mock while the contracts run, and run them again against the replay alone."""
    with serving() as mock, recording(mock.url, folder) as served:
        there = contracts(served, only)
        status, log = served.stop()
        if status != 0:
            raise RuntimeError(f"not every exchange was written: {log}")
    with serving("-f", str(folder), "--strict") as replay:
        return there, contracts(replay, only)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, line in zip(("recorded", "replayed"), there_and_back(Path(folder)), strict=True):
            print(f"{name}: {line}")

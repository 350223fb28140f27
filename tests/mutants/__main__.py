"""Let each fault loose on the contracts, one at a time, and print which were caught: `make mutants`."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from contracts import judge
from mockai import listener
from mockai.app import Application
from mockai.listener import Listener
from mockai.quick import QuickProtocol
from mockai.settings import Settings
from tests.mutants.faults import Mutant
from tests.mutants.table import MUTANTS

FOLDER = Path(judge.__file__).parent
ENOUGH = 0.95


@contextmanager
def serving() -> Iterator[str]:
    """Serve in a thread of this process, so that faults reach the server."""
    listening = listener.bind("127.0.0.1", 0)
    config = uvicorn.Config(
        Application(Settings()), http=QuickProtocol, loop="uvloop", log_level="error", proxy_headers=False
    )
    server = Listener(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(10)


def caught(only: str, url: str) -> bool:
    """Return whether a contract fails."""

    @contextmanager
    def served() -> Iterator[str]:
        yield url

    vars(judge)["served"] = served  # the server of this process stands for the mock
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-W", "ignore"]
    status = pytest.main([str(FOLDER), "-x", "--only", only, *quiet], plugins=[])
    return int(status) == 1


def main(chosen: list[str]) -> int:
    """Try the faults, or those whose names hold one of the words, and return the exit status."""
    wanted: list[Mutant] = [m for m in MUTANTS if not chosen or any(word in m.name for word in chosen)]
    escaped: list[str] = []
    with serving() as url:
        if caught(",".join({mutant.only for mutant in wanted}), url):
            print("contracts fail without any fault")
            return 2
        for mutant in wanted:
            with mutant.apply():
                seen = caught(mutant.only, url)
            print(f"{'caught ' if seen else 'ESCAPED'}  {mutant.name}", flush=True)
            escaped += [] if seen else [mutant.name]
    rate = 1 - len(escaped) / len(wanted)
    print(f"{len(wanted) - len(escaped)} of {len(wanted)} faults caught ({rate:.1%}); at least {ENOUGH:.0%} is asked")
    return int(rate < ENOUGH)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

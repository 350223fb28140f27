"""One suite, several targets: `pytest contracts` runs against the mock, `--target URL` against any other server.

`--target live` asks the real API: it needs OPENAI_API_KEY too, tells the cost first and keeps to a budget.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from contracts import prices
from contracts.judge import Judge, area_of, is_contract, operations_of, row_of
from contracts.results import chosen
from contracts.snapshots import FOLDER, Snapshots
from contracts.target import Target, TargetError, choose
from mockai.api import OPERATIONS
from mockai.recording.tape import TapeError

JUDGE = pytest.StashKey[Judge]()
LIVENESS: dict[str, str] = {operation.name: operation.liveness for operation in OPERATIONS}
RETIRED_AREAS = ("assistants", "assistants_v1", "threads", "messages", "runs")
MARKERS = (
    "operation(*names): the operations that a contract is about, by their names in the SDK",
    "cost(usd): what a contract is expected to cost on the live API",
    "live: the real API answers this",
    "restricted: the real API answers this to some accounts only",
    "retired: the real API no longer answers this",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose the target and what is asked of it."""
    group = parser.getgroup("contracts")
    group.addoption(
        "--target", default="mock", help="mock (default), live, or the URL of an OpenAI-compatible server"
    )
    group.addoption("--api-key", default=None, help="API key for the target (live: OPENAI_API_KEY)")
    group.addoption("--only", default="", help="areas or operations, divided by commas: chat,embeddings.create")
    group.addoption("--budget", default=0.25, type=float, help="USD that a live run may cost (default 0.25)")
    group.addoption(
        "--record",
        nargs="?",
        const=str(FOLDER),
        metavar="FOLDER",
        help=f"keep every exchange as a snapshot, for `mockai drift` (default folder: {FOLDER})",
    )
    group.addoption("--restricted", action="store_true", help="live: ask restricted operations (fine-tuning) too")


def pytest_configure(config: pytest.Config) -> None:
    """Find out what the target is."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    option = config.getoption
    try:
        target = choose(
            option("--target"),
            option("--api-key"),
            budget=option("--budget"),
            restricted=option("--restricted"),
            environment=os.environ,
        )
        snapshots = Snapshots(Path(option("--record")), target) if option("--record") and _is_alone(config) else None
    except (TargetError, TapeError) as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[JUDGE] = Judge(target, snapshots)
    config.pluginmanager.register(config.stash[JUDGE], "contracts-judge")


def _is_alone(config: pytest.Config) -> bool:
    """Return whether this process asks all contracts: snapshots need their order."""
    if hasattr(config, "workerinput") or config.getoption("numprocesses", None):
        raise pytest.UsageError("--record keeps the order of the exchanges: leave -n out")
    return True


# --- which contracts are run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the contracts by liveness, skip what the target is not to be asked, and leave out what is not wanted."""
    target = config.stash[JUDGE].target
    wanted = [name.strip() for name in config.getoption("--only").split(",") if name.strip()]
    contracts = [item for item in items if is_contract(item)]
    for item in contracts:
        by_area = "retired" if area_of(item) in RETIRED_AREAS else "live"
        liveness = {LIVENESS.get(name, by_area) for name in operations_of(item)} or {by_area}
        for name in liveness:
            item.add_marker(name)
        reason = why_not(target, liveness if area_of(item) != "retired" else {"live"})
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
    if target.kind != "live":
        _leave_out(config, items, [item for item in contracts if area_of(item) == "retired"])
    if wanted:
        left = [item for item in contracts if not chosen(wanted, area_of(item), operations_of(item))]
        _leave_out(config, items, left)
        _all_named(wanted, contracts)


def _all_named(wanted: list[str], contracts: list[pytest.Item]) -> None:
    """Refuse names that no contract answers to."""
    for name in wanted:
        if contracts and not any(chosen([name], area_of(item), operations_of(item)) for item in contracts):
            areas = ", ".join(sorted({area_of(item) for item in contracts}))
            raise pytest.UsageError(
                f"--only {name} names no contract; the areas are {areas}; operations are named as in "
                "`mockai routes` (embeddings.create), or by a part of that (embeddings, beta.threads)"
            )


def _leave_out(config: pytest.Config, items: list[pytest.Item], left: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in set(left)]


def why_not(target: Target, liveness: set[str]) -> str:
    """Return why the target is not asked about operations of that liveness; empty when it is."""
    if target.kind != "live":
        return ""
    if "retired" in liveness:
        return "retired on the real API, which must answer 404: see test_retired.py"
    if "restricted" in liveness and not target.restricted:
        return "restricted on the real API: asked with --restricted only"
    return ""


def estimate(items: list[pytest.Item]) -> float:
    """Return what the contracts are expected to cost, in USD."""
    total = 0.0
    for item in items:
        if not is_contract(item) or item.get_closest_marker("skip"):
            continue
        told = item.get_closest_marker("cost")
        total += told.args[0] if told else prices.expected(operations_of(item), row_of(item))
    return total


def pytest_report_header(config: pytest.Config) -> str | None:
    """Tell the target, unless it is the mock."""
    target = config.stash[JUDGE].target
    return None if target.kind == "mock" else f"contracts: against {target.name}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the expected cost of a live run before it begins."""
    target = session.config.stash[JUDGE].target
    if target.kind == "live":
        session.config.stash[JUDGE].say(
            session.config,
            f"contracts: expected cost ${estimate(session.items):.4f}, budget ${target.budget:.2f} (--budget)",
        )


# --- the target


@pytest.fixture(scope="session")
def http(request: pytest.FixtureRequest) -> httpx2.Client:
    """Bare HTTP, for texts, headers and framing."""
    return request.config.stash[JUDGE].client()


@pytest.fixture(scope="session")
def wire(http: httpx2.Client, request: pytest.FixtureRequest) -> httpx2.BaseTransport:
    """The way to the target, for clients that a contract makes itself."""
    return request.config.stash[JUDGE].wire


@pytest.fixture(scope="session")
def target(http: httpx2.Client, request: pytest.FixtureRequest) -> str:
    """The base URL of the server under test, `/v1` included."""
    return request.config.stash[JUDGE].wire.base


@pytest.fixture(scope="session")
def api_key(request: pytest.FixtureRequest) -> str:
    """The key that the target takes."""
    return request.config.stash[JUDGE].target.key


@pytest.fixture(scope="session")
def sdk(http: httpx2.Client, request: pytest.FixtureRequest) -> Iterator[openai.OpenAI]:
    """The official SDK, which refuses every answer that does not fit its types."""
    target, wire = request.config.stash[JUDGE].target, request.config.stash[JUDGE].wire
    with openai.OpenAI(
        base_url=wire.base,
        api_key=target.key,
        organization=target.organization,
        project=target.project,
        max_retries=0,
        timeout=60,
        http_client=httpx2.Client(transport=wire),
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture(scope="session")
def is_mock(request: pytest.FixtureRequest) -> bool:
    """Whether the target is the mock itself, which can be asked for more than any server."""
    return request.config.stash[JUDGE].target.kind == "mock"

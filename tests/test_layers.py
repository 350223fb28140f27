"""The laws of the house: who may import whom, and one of each."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mockai

PACKAGE = Path(mockai.__file__).parent

RANKS = {
    0: ("wire", "call", "clock", "lifecycle", "settings", "recording"),
    1: (
        *("store", "engine", "rules", "journal", "tenancy", "admission", "routing"),
        *("contents", "work", "tuned", "retrieval", "beta", "orders"),
    ),
    2: ("api",),
    3: (
        "server",
        "writer",
        "bodies",
        "form",
        "listener",
        "protocol",
        "quick",
        "heads",
        "worker",
        "watcher",
        "state",
        "recorder",
        "replay",
        "inspector",
    ),
    4: ("app",),
    5: ("cli", "commands", "drift", "pytest_plugin", "__init__", "__main__"),
}
RANK = {name: rank for rank, names in RANKS.items() for name in names}
# A module that stands between its rank and the next: it may use the siblings it names.
BRIDGES = {
    "admission": {"engine", "tuned"},
    "tuned": {"engine"},
    "work": {"store"},
    "retrieval": {"engine", "contents", "work", "store"},
}


@cache
def modules() -> dict[str, ast.Module]:
    """Return the package, read once."""
    return {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts): ast.parse(file.read_text("utf-8"))
        for file in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """Return what stands in the modules below the edge."""
    return {name: [*ast.walk(tree)] for name, tree in modules().items() if RANK[name.split(".")[0]] < 3}


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports of the package, except for type checking only."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mockai":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "mockai")
        pending.extend(ast.iter_child_nodes(node))


def test_every_module_has_a_rank() -> None:
    assert {name.split(".")[0] for name in modules()} <= set(RANK)


def test_imports_go_down_the_ranks() -> None:
    for name, tree in modules().items():
        mine = name.split(".")[0]
        for target in imports(tree):
            parts = target.split(".")[1:]
            other = parts[0] if parts and parts[0] in RANK else "__init__"
            if target in ("mockai.__version__", "mockai"):
                continue
            allowed = other == mine or RANK[other] < RANK[mine] or other in BRIDGES.get(mine, ())
            same_low_rank = RANK[mine] == RANK[other] and RANK[mine] in (0, 3, 5)
            assert allowed or same_low_rank, f"{name} (rank {RANK[mine]}) imports {target} (rank {RANK[other]})"


def test_no_resource_imports_a_sibling() -> None:
    for name, tree in modules().items():
        parts = name.split(".")
        if parts[0] != "api" or len(parts) < 2 or parts[1] == "__init__":
            continue
        for target in imports(tree):
            other = target.split(".")[1:]
            assert other[0] != "api" or other[1] == parts[1], f"{name} imports its sibling {target}"


def test_only_the_edge_awaits() -> None:
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for name, found in nodes().items():
        assert not any(isinstance(node, kinds) for node in found), f"{name} is not synchronous"


def test_starlette_and_the_network_start_at_the_edge() -> None:
    outside = {"starlette", "uvicorn", "asyncio", "socket", "anyio", "httpx2"}
    for name, found in nodes().items():
        for node in found:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not outside & {entry.split(".")[0] for entry in names}, f"{name} knows the network"


def test_files_fit_one_reading() -> None:
    lengths = {file: file.read_text("utf-8").count("\n") for file in PACKAGE.rglob("*.py")}
    assert {file.name for file, lines in lengths.items() if lines > 460} == set()

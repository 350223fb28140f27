"""Every operation has a contract that names it: `@pytest.mark.operation("files.create")`."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockai.api import OPERATIONS
from mockai.call import Operation

FILES = sorted((Path(__file__).parents[1] / "contracts").glob("test_*.py"))
NAMES = {operation.name for operation in OPERATIONS}

# Operations whose recorded answers the SDK's own types refuse: bare HTTP checks them.
LOOSE = {
    "chat.completions.messages.list": "recorded messages have no `refusal`, which the SDK requires",
    "beta.assistants.files": "version 1: the SDK has it no longer",
    "beta.threads.list": "the SDK has no such method: the API refuses it",
    "beta.threads.messages": "recorded messages lack keys that the SDK requires",
    "fine_tuning.jobs": "recorded jobs have `error: {}`, which the SDK's strict types refuse",
    "fine_tunes": "the SDK has them no longer",
    "vector_stores.file_batches": "recorded batches are called `vector_store.file_batch`, the SDK wants another name",
}


@dataclass(frozen=True, slots=True)
class Contract:
    name: str
    operations: tuple[str, ...]
    strict: bool
    """The official SDK checks the shape of what is answered."""


def contracts(file: Path) -> Iterator[Contract]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [
                entry for entry in node.decorator_list if ast.unparse(entry).startswith("pytest.mark.operation(")
            ]
            names = [ast.literal_eval(name) for mark in marks if isinstance(mark, ast.Call) for name in mark.args]
            yield Contract(f"{file.name}::{node.name}", tuple(names), any(a.arg == "sdk" for a in node.args.args))


CONTRACTS = [contract for file in FILES if file.name != "test_retired.py" for contract in contracts(file)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_a_contract_through_the_strict_sdk(operation: Operation) -> None:
    """The suite itself fails a contract that never calls what it names."""
    claims = [contract for contract in CONTRACTS if operation.name in contract.operations]
    assert any(contract.strict or operation.name.startswith(tuple(LOOSE)) for contract in claims), (
        f"no contract is marked @pytest.mark.operation({operation.name!r}) and asks through `sdk`"
    )


def test_every_contract_names_operations_that_exist() -> None:
    unknown = {name for contract in CONTRACTS for name in contract.operations} - NAMES
    assert unknown == set()
    assert [contract.name for contract in CONTRACTS if not contract.operations] == []

"""Every operation has a contract: its SDK name or its path is used in `contracts/`."""

from pathlib import Path

import pytest

from mockai.api import OPERATIONS
from mockai.call import Operation

CONTRACTS = "\n".join(file.read_text("utf-8") for file in Path("contracts").glob("test_*.py"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_a_contract(operation: Operation) -> None:
    tail = operation.path.rsplit("}", 1)[-1]
    used_by_path = "{" in operation.path and tail and f'{tail}"' in CONTRACTS
    assert f"sdk.{operation.name}(" in CONTRACTS or used_by_path

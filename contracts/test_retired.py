"""What the real API has retired: it answers 404 there, whatever is sent."""

from __future__ import annotations

import httpx2
import pytest

from mockai.api import OPERATIONS
from mockai.call import Operation

RETIRED = [operation for operation in OPERATIONS if operation.liveness == "retired"]


@pytest.mark.parametrize("operation", RETIRED, ids=lambda operation: operation.name)
def test_a_retired_operation_is_gone(http: httpx2.Client, operation: Operation) -> None:
    """Assistants: 404 since 2026-08-26 (assistants.md §1, reported); fine-tunes: since 2024-01-04, unverified."""
    path = operation.path.replace("{", "").replace("}", "")
    answer = http.request(operation.method, path, json={} if operation.method == "POST" else None)
    assert answer.status_code == 404

"""Facts about the API as data: what is sent, what comes back, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import httpx2

Confidence = Literal["recorded", "measured", "reported", "documented", "inferred", "unverified"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that is refused. `evidence` names the section of the facts ledger and its source."""

    body: Any
    status: int
    message: str
    param: str | None
    code: str | None
    evidence: str
    confidence: Confidence
    type: str = "invalid_request_error"

    def __str__(self) -> str:
        """Return a short name for reports."""
        return f"{self.param or self.code or 'request'}: {self.message[:40]}"


def check_fault(http: httpx2.Client, path: str, fault: Fault) -> None:
    """Send the request of a fault and compare status, content type and the whole error body."""
    response = http.post(path, json=fault.body)
    assert response.status_code == fault.status
    assert response.headers["content-type"].startswith("application/json")
    error = response.json()["error"]
    assert error == {"message": fault.message, "type": fault.type, "param": fault.param, "code": fault.code}

"""What the contracts of chat completions share."""

from __future__ import annotations

from typing import Any

from contracts.facts import Confidence, Fault

PATH = "/chat/completions"
USER = [{"role": "user", "content": "Hello"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
STEPS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def fault(
    body: dict[str, Any],
    message: str,
    param: str | None,
    code: str | None,
    evidence: str,
    confidence: Confidence,
    status: int = 400,
) -> Fault:
    """Return a row; the body is added to a request that is otherwise good."""
    return Fault(
        {"model": "gpt-4o-mini", "messages": USER, **body}, status, message, param, code, evidence, confidence
    )

"""Answers for stored completions that do not exist (`--missing phantom`): made for one request, never kept."""

from __future__ import annotations

from mockai.call import Call, Json


def completion(call: Call, identifier: str) -> Json:
    """Return a document as the store would hold it."""
    shown = {
        "object": "chat.completion",
        "id": identifier,
        "model": "gpt-4o-mini-2024-07-18",
        "created": call.created,
        "request_id": call.request_id,
        "tool_choice": None,
        "usage": {"total_tokens": 19, "completion_tokens": 5, "prompt_tokens": 14},
        "seed": 0,
        "top_p": 1.0,
        "temperature": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "system_fingerprint": None,
        "input_user": None,
        "service_tier": "default",
        "tools": None,
        "metadata": {},
        "choices": [
            {
                "index": 0,
                "message": {
                    "content": "This is a test.",
                    "role": "assistant",
                    "tool_calls": None,
                    "function_call": None,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "response_format": None,
    }
    return {"id": identifier, "shown": shown, "messages": [{"role": "assistant", "content": "This is a test."}]}

"""Chat requests as tests send them."""

from typing import Any

from starlette.testclient import TestClient

from tests.recorded import chunks

PATH = "/v1/chat/completions"
USER = [{"role": "user", "content": "Tell me something about the sea."}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}
ASK = [{"role": "user", "content": "What's the weather like in Boston?"}]


def create(client: TestClient, headers: Any = None, **body: Any) -> Any:
    request = {"model": "gpt-4o-mini", "messages": USER, **body}
    response = client.post(PATH, json=request, headers=headers)
    return (
        chunks(response.text) if response.headers["content-type"].startswith("text/event-stream") else response.json()
    )


def content(client: TestClient, **body: Any) -> str:
    text: str = create(client, **body)["choices"][0]["message"]["content"]
    return text


def fault(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = create(client, **body)
    assert "error" in answer, answer
    error: dict[str, Any] = answer["error"]
    return error


# --- text ----------------------------------------------------------------------------------------

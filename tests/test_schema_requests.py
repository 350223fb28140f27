"""Requests made from the schemas: what they allow is answered or refused in the API's words, what they forbid is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mockai.api import OPERATIONS
from mockai.wire.schema import Object
from tests.strategies import broken, few, valid

BASE: dict[str, dict[str, Any]] = {
    "/chat/completions": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]},
    "/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "x"},
    "/embeddings": {"model": "text-embedding-3-small", "input": "x"},
    "/moderations": {"input": "x"},
    "/vector_stores": {"name": "x"},
}
SCHEMAS = {
    operation.path: operation.body
    for operation in OPERATIONS
    if operation.path in BASE and operation.method == "POST" and isinstance(operation.body, Object)
}


def is_api_error(response: Any) -> bool:
    return list(response.json()["error"]) == ["message", "type", "param", "code"]


@pytest.mark.parametrize("path", BASE)
@limits(max_examples=120)
@given(data=st.data())
def test_a_valid_request_is_answered_or_refused_in_the_api_s_shape(client: TestClient, path: str, data: Any) -> None:
    extra = data.draw(few(SCHEMAS[path], (), most=4))
    response = client.post(f"/v1{path}", json={**BASE[path], **extra})
    assert response.status_code in (200, 400, 404), response.text
    assert response.status_code == 200 or is_api_error(response)


@limits(max_examples=150)
@given(data=st.data())
def test_conversations_of_every_kind(client: TestClient, data: Any) -> None:
    messages = data.draw(valid(SCHEMAS["/chat/completions"].fields["messages"]))
    extra = data.draw(few(SCHEMAS["/chat/completions"], (), most=2))
    response = client.post("/v1/chat/completions", json={**BASE["/chat/completions"], **extra, "messages": messages})
    assert response.status_code in (200, 400), response.text
    assert response.status_code == 200 or is_api_error(response)


@pytest.mark.parametrize("path", BASE)
@limits(max_examples=150)
@given(data=st.data())
def test_one_wrong_field_is_refused(client: TestClient, path: str, data: Any) -> None:
    response = client.post(f"/v1{path}", json={**BASE[path], **data.draw(broken(SCHEMAS[path]))})
    assert response.status_code in (400, 404), response.text
    assert is_api_error(response)

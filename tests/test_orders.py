"""The headers that order something of the mock itself."""

import pytest
from starlette.testclient import TestClient

from mockai.orders import ORDERS

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-Mockai-Finnish-Reason", "length", ["did you mean x-mockai-finish-reason (stop, length, "]),
        ("X-Mockai-Runs", "fail", ["did you mean x-mockai-run (fail, rate_limit, "]),
        ("X-Mockai-", "", ["did you mean x-mockai-"]),
        ("X-Mockai-Batch", "explode", ["'explode'", "use one of expire"]),
        ("X-Mockai-Fine-Tuning", "", ["''", "use one of fail"]),
    ],
)
def test_an_order_that_is_none_is_refused_on_every_endpoint(
    client: TestClient, name: str, value: str, words: list[str]
) -> None:
    headers = {name: value}
    for answer in (
        client.post("/v1/chat/completions", json=CHAT, headers=headers),
        client.get("/v1/models", headers=headers),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", name.lower())
        assert error["message"].startswith(f"{name.lower()}: ")
        assert all(word in error["message"] for word in words)


def test_an_order_that_an_endpoint_has_no_use_for_is_no_fault(client: TestClient) -> None:
    headers = {name: values[0] for name, values in ORDERS.items() if name != "x-mockai-finish-reason"}
    assert client.post("/v1/chat/completions", json=CHAT, headers=headers).status_code == 200


@pytest.mark.parametrize("order", ["tool_calls", "function_call"])
def test_a_call_that_no_tool_can_take_is_refused(client: TestClient, order: str) -> None:
    headers = {"X-Mockai-Finish-Reason": order}
    answer = client.post("/v1/chat/completions", json=CHAT, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "x-mockai-finish-reason")
    assert error["message"] == f"x-mockai-finish-reason: '{order}' cannot be done: the request offers no tools"
    for tools in ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {"functions": [{"name": "f"}]}):
        made = client.post("/v1/chat/completions", json=CHAT | tools, headers=headers).json()["choices"][0]
        assert made["finish_reason"] in ("tool_calls", "function_call")


def test_who_calls_is_asked_first(client: TestClient) -> None:
    assert client.get("/v1/models", headers={"authorization": "", "x-mockai-x": "y"}).status_code == 401


@pytest.mark.parametrize(("sign", "side"), [("", "above"), ("-", "below")])
def test_a_seed_of_more_than_64_bits_is_out_of_range(client: TestClient, sign: str, side: str) -> None:
    for digits in ("1" + "0" * 30, str(2**64), str(2**63 + 1)):
        body = (
            f'{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "Hi"}}], "seed": {sign}{digits}}}'
        )
        answer = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, "seed")
        assert error["code"] == f"integer_{side}_{'max' if side == 'above' else 'min'}_value"
        assert str(2**63 - (side == "above")) in error["message"]

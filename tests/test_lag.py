"""No request holds the event loop for more than 50 ms: each step of the loop is timed by its thread's own clock."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockai.app import Application
from mockai.server import LARGE_BODY
from mockai.settings import Settings
from mockai.wire import codec
from tests.api.runs import World
from tests.conftest import KEY

MOST = 0.050  # seconds of the thread
WORDS = "the tide carried small boats past the harbour wall while children counted gulls and lamps ".split()


def prose(size: int) -> str:
    """Return a text of `size` characters, without much repetition."""
    made = " ".join(f"{WORDS[at * 7 % len(WORDS)]} {at}" for at in range(size // 6))
    return made[:size]


def chat(content: Any = "Tell me about the sea.", **more: Any) -> tuple[str, Any]:
    return "/chat/completions", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}], **more}


def tool(number: int) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f{number}", "parameters": schema(40)}}


def schema(size: int) -> dict[str, Any]:
    properties = {f"p{at}": {"type": "array", "items": {"type": "number"}} for at in range(size)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        inner = {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}
    return inner


def form(made: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": made}}


def of(kind: dict[str, Any], *names: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(names, kind),
        "required": [*names],
        "additionalProperties": False,
    }


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
PEOPLE = [f"person_{at}" for at in range(100)]
PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "apostrophes": ("a\u2019" * 3000, of({"type": "array", "items": TEXT}, "things", "names")),
    "hyphens": ("a-" * 3000, of({"type": "array", "items": TEXT}, "things", "paths")),
    "spaces": ("1 +" + " " * 3990, of(NUMBER, "a", "answer")),
    "brackets": ("(" * 4000 + "1+1", of(TEXT, "answer", "expression")),
    "signs": ("-" * 4000 + "1+1", of(TEXT, "answer", "path")),
    "digits": ("1" * 5900, of(TEXT, "expression", "phone")),
    "numbers": (" ".join(map(str, range(1500))), of({"type": ["number", "null"]}, "amount", "size")),
    "names": ("Ann Lee, " * 660, of(TEXT, "city", "name", "company")),
    "many properties": (prose(800)[:6000], of(TEXT, *PEOPLE)),
    "many that may be null": (prose(800)[:6000], of({"type": ["string", "null"]}, *PEOPLE)),
    "a power": ("What is 2^64? And (10^60*10^60)/3?", of({"type": "integer"}, "answer", "result")),
}
PIXEL = "iVBORw0KGgo" + "A" * 20_000_001
SMALL = prose(LARGE_BODY - 600)  # as much as still comes the short way
CASES: dict[str, tuple[str, Any]] = {
    "chat, 31 KB": chat(SMALL),
    "chat, 31 KB in many messages": (
        "/chat/completions",
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}] * 900},
    ),
    "chat, 4 MB": chat(prose(400_000), model="gpt-4.1", user=SMALL * 115),
    "chat, an image of 20 MB": chat([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]),
    "chat, 100,000 wrong messages": ("/chat/completions", {"model": "gpt-4o-mini", "messages": [[1]] * 100_000}),
    "chat, unknown keys": ("/chat/completions", {f"key{at}": at for at in range(1500)}),
    "chat, all of n": chat(n=128, stream=True),
    "chat, n of 4": chat(n=4, logprobs=True, top_logprobs=20, frequency_penalty=1.0),
    "chat that may not end": chat(logit_bias={"200002": -100, "199999": -100}, max_tokens=16_000),
    "chat, verbose": chat(model="gpt-5", verbosity="high"),
    "chat, hot": chat(temperature=2.0, top_p=0.99, logprobs=True, top_logprobs=20, presence_penalty=-2.0),
    "chat, stop strings": chat(stop=["zzz" * 300, "yyy" * 300], stream=True),
    "chat, white space without end": chat("json please", response_format={"type": "json_object"}, max_tokens=16_000),
    "chat, prediction": chat(prediction={"type": "content", "content": SMALL}),
    "chat, spoken": chat(
        "Speak for long",
        model="gpt-4o-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "flac"},
    ),
    "chat, tools": chat("call f1 and f2", tools=[tool(at) for at in range(12)]),
    "chat, functions": chat("call f1", functions=[tool(at)["function"] for at in range(12)]),
    "chat, wide schema": chat("fill", response_format=form(schema(100))),
    "chat, deep schema": chat("fill", response_format=form(nested(100))),
    "chat, pattern": chat(
        "fill " + "a" * 20_000,
        response_format=form(
            {
                "type": "object",
                "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}},
                "required": ["a"],
                "additionalProperties": False,
            }
        ),
    ),
    **{f"chat, values of {name}": chat(text, response_format=form(made)) for name, (text, made) in PROMPTS.items()},
    "completion, best of 20": ("/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say", "best_of": 20}),
    "completion, long": (
        "/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "max_tokens": 3000, "n": 20, "logprobs": 5},
    ),
    "completion, many prompts": (
        "/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": [f"Say {at}" for at in range(2000)], "n": 1, "echo": True},
    ),
    **{
        f"completion, scored prompt, stream {stream}": (
            "/completions",
            {"model": "davinci-002", "prompt": SMALL, "echo": True, "logprobs": 5, "max_tokens": 1, "stream": stream},
        )
        for stream in (False, True)
    },
    "completion, no end": (
        "/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "max_tokens": 3000, "logit_bias": {"100257": -100}},
    ),
    "embeddings, 64 as floats": (
        "/embeddings",
        {"model": "text-embedding-3-large", "input": [f"{at} {SMALL[at : at + 90]}" for at in range(64)]},
    ),
    "embedding, 31 KB": ("/embeddings", {"model": "text-embedding-3-large", "input": SMALL}),
    "embeddings, 2,048 as floats": (
        "/embeddings",
        {"model": "text-embedding-3-large", "input": [f"{at} {SMALL[at : at + 90]}" for at in range(2048)]},
    ),
    "embeddings of tokens": ("/embeddings", {"model": "text-embedding-3-small", "input": list(range(5000))}),
    "moderation, 31 KB": ("/moderations", {"model": "omni-moderation-latest", "input": SMALL}),
    "moderations": ("/moderations", {"model": "omni-moderation-latest", "input": [SMALL[:900]] * 32}),
    "thread, 1,000 messages": ("/threads", {"messages": [{"role": "user", "content": "x"}] * 1000}),
    "assistant": ("/assistants", {"model": "gpt-4o", "instructions": SMALL, "tools": [tool(at) for at in range(10)]}),
}


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], float]]:
    """Give a function that tells how long the longest step since its last call was, in seconds of the thread."""
    steps: list[float] = [0.0]
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        begun = time.thread_time()
        run(self)
        steps.append(time.thread_time() - begun)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)

    def tell() -> float:
        most = max(steps)
        steps[:] = [0.0]
        return most

    yield tell


class Exchange:
    """One request by hand, so that the client costs nothing."""

    def __init__(self, path: str, body: Any) -> None:
        self.raw, self.status, self.given = codec.dumps(body), 0, False
        lines = {**KEY, "content-type": "application/json", "openai-beta": "assistants=v2"}
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": f"/v1{path}",
            "raw_path": f"/v1{path}".encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
        }

    async def receive(self) -> Any:
        if self.given:
            await asyncio.Event().wait()
        self.given = True
        return {"type": "http.request", "body": self.raw}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)


@pytest.mark.parametrize("name", CASES)
def test_no_request_holds_the_loop(name: str, longest: Callable[[], float]) -> None:
    edge = Application(Settings(clock="manual")).edge
    took = MOST
    with asyncio.Runner() as runner:
        for _ in range(2):  # the first call may have things to load
            exchange = Exchange(*CASES[name])
            longest()
            runner.run(edge(exchange.scope, exchange.receive, exchange.send))
            took = min(took, longest())
    print(f"{name}: {took * 1000:.1f} ms, {exchange.status}")
    assert exchange.status in (200, 400)
    assert took < MOST


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0] in ("/chat/completions", "/embeddings")])
def test_the_short_way_takes_no_longer(name: str) -> None:
    edge = Application(Settings(clock="manual")).edge
    exchange = Exchange(*CASES[name])
    if len(exchange.raw) > LARGE_BODY:
        return
    url = exchange.scope["raw_path"]
    assert isinstance(url, bytes)
    took = MOST
    for _ in range(2):
        begun = time.thread_time()
        edge.quick(edge.head(url, exchange.scope["headers"]), exchange.raw)  # type: ignore[arg-type]
        took = min(took, time.thread_time() - begun)
    print(f"{name}: {took * 1000:.1f} ms")
    assert took < MOST


def test_a_run_on_a_long_thread_does_not_hold_the_loop(longest: Callable[[], float]) -> None:
    world = World()
    thread, assistant = world.thread("Hello"), world.assistant(tools=[])
    (first,) = world.app.store.list(world.tenant, "message", parent=thread)
    with world.app.store.transaction():
        for at in range(5_000):
            world.app.store.put(world.tenant, "message", {**first, "id": f"msg_{at}"}, parent=thread)
    took = [MOST, MOST]
    with asyncio.Runner() as runner:
        for _ in range(2):
            for at, streamed in enumerate((False, True)):
                exchange = Exchange(f"/threads/{thread}/runs", {"assistant_id": assistant, "stream": streamed})
                longest()
                runner.run(world.app.edge(exchange.scope, exchange.receive, exchange.send))
                assert exchange.status == 200
                world.get(f"/threads/{thread}/messages", limit=1)  # lets the run end
                took[at] = min(took[at], longest())
    print(f"a run on a long thread: {took[0] * 1000:.1f} ms, streamed: {took[1] * 1000:.1f} ms")
    assert max(took) < MOST

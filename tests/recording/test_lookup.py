"""A request finds the exchange that was recorded for it, whatever differs between equal calls."""

from dataclasses import replace

from mockai.recording import Body, Chunk, Exchange, Part, Request, Response
from mockai.recording.lookup import Deck
from mockai.recording.redaction import Redaction

JSON = {"content-type": "application/json", "authorization": "Bearer sk-abcdefgh1234"}


def request(
    body: bytes = b'{"model":"m","n":1}', path: str = "/v1/chat/completions", more: dict[str, str] | None = None
) -> Request:
    return Request("POST", path, {**JSON, **(more or {})}, Body.of(body))


def deck(*requests: Request) -> Deck:
    made = Deck([])
    for number, asked in enumerate(requests):
        made.add(
            Exchange(asked, Response(200, {}, (Chunk(0, str(number).encode()),)), where=f"#{number}"), Redaction()
        )
    return made


def answer(of: Deck, asked: Request, caller: str = "a") -> bytes | None:
    found = of.find(asked, caller)
    return None if found is None else found.take().response.body


def test_what_does_not_count() -> None:
    asked = request()
    known = deck(asked)
    for other in (
        request(b'{"n": 1, "model": "m"}'),
        request(b'{"model":"m","n":1,"user":"ann"}'),
        request(more={"user-agent": "x", "x-stainless-lang": "js"}),
        request(path="/chat/completions"),
        request(more={"authorization": "Bearer another-key"}),
        request(more={"content-type": "application/json; charset=utf-8"}),
    ):
        assert answer(known, other) == b"0", other


def test_what_counts() -> None:
    known = deck(request())
    for other in (
        request(b'{"model":"m","n":2}'),
        request(b'{"model":"m"}'),
        request(path="/v1/completions"),
        request(path="/v1/chat/completions?limit=1"),
        replace(request(), headers={"content-type": "application/json"}),
        request(more={"content-type": "text/plain"}),
        request(more={"openai-beta": "assistants=v2"}),
    ):
        assert answer(known, other) is None, other


def test_equal_requests_get_their_answers_in_turn_for_each_caller() -> None:
    known = deck(request(), request())
    assert [answer(known, request()) for _ in range(3)] == [b"0", b"1", b"1"]
    assert answer(known, request(), "b") == b"0"


def test_a_form_matches_by_its_parts() -> None:
    def form(content: bytes) -> Request:
        return Request("POST", "/v1/files", JSON, form=(Part("file", Body.of(content), "a"),))

    known = deck(form(b"one"))
    assert answer(known, form(b"one")) == b"0"
    assert answer(known, form(b"two")) is None


def test_a_miss_names_the_nearest_and_each_difference() -> None:
    known = deck(
        request(b'{"model":"x","messages":[{"content":"a"}]}'), request(b'{"model":"m","messages":[{"content":"b"}]}')
    )
    miss = str(known.explain(request(b'{"model":"m","messages":[{"content":"c"}],"n":2}')))
    assert "#1" in miss
    assert 'body.messages[0].content was "b", now "c"' in miss
    assert "body.n was not sent then" in miss
    assert "model" not in miss
    assert "no recorded exchange" in str(known.explain(Request("GET", "/v1/other")))

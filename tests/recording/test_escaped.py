"""Secrets that JSON, an address or a form writes with escapes are found, too."""

from pathlib import Path

import pytest

from mockai.recording import Body, Exchange, Part, Request, Response
from mockai.recording.exchange import Chunk
from mockai.recording.redaction import Redaction, SecretError
from mockai.recording.tape import TapeWriter

KEY = "sk-proj-abcDEF1234567890abcdef"
OWN = "my-own-credential-77"
STREAM = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\ndata: [DONE]\n\n'


def written(folder: Path, request: Request, answer: bytes = b"{}") -> str:
    entry = Exchange(request, Response(200, {}, (Chunk(0.0, answer),)), "2026-01-01T00:00:00Z")
    return TapeWriter(folder, "http://upstream/v1", Redaction()).add(entry).read_text("utf-8")


def sent(body: bytes = b"{}", path: str = "/v1/x", form: tuple[Part, ...] | None = None) -> Request:
    return Request("POST", path, {"authorization": f"Bearer {OWN}"}, Body.of(body), form)


@pytest.mark.parametrize("before", ["\\n", "\\t", "\\r", " ", "="])
@pytest.mark.parametrize(
    "secret", [KEY, "org-abcdefgh1234", "proj_abcdefgh1234", "req_0123456789abcdef0123456789abcdef"]
)
def test_what_follows_an_escape_is_taken_out(tmp_path: Path, before: str, secret: str) -> None:
    text = f'{{"content":"env:{before}{secret}"}}'.encode()
    assert secret not in written(tmp_path / "asked", sent(text))
    streamed = STREAM.replace(b"%b", f"env:{before}{secret}".encode())
    assert secret not in written(tmp_path / "streamed", sent(), streamed)


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_0123456789abcdef0123456789abcdef0123",
        "hf_0123456789abcdef0123456789abcdef",
        "AIzaSyA0123456789abcdef0123456789abcdefg",
        "xoxb-0123456789-abcdef",
    ],
)
def test_what_follows_an_escape_stops_the_writing(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SecretError):
        written(tmp_path, sent(f'{{"content":"a\\n{secret}"}}'.encode()))


@pytest.mark.parametrize(
    "request_",
    [
        sent(b'{"content":"sk-\\u0070roj-abcDEF1234567890abcdef"}'),
        sent(b'{"content":"my-\\u006fwn-credential-77"}'),
        sent(b'{"\\u0061pi_key":"mysupersecret"}'),
        sent(path="/v1/models?q=sk%2Dproj-abcDEF1234567890abcdef"),
        sent(form=(Part("file", Body.of(b"x"), "AKIAABCDEFGHIJKLMNOP.txt"),)),
        sent(form=(Part("file", Body.of(b'{"a":"AKIA\\u0041BCDEFGHIJKLMNOP"}'), "a.json"),)),
    ],
)
def test_what_escapes_hide_stops_the_writing(tmp_path: Path, request_: Request) -> None:
    with pytest.raises(SecretError):
        written(tmp_path, request_)


@pytest.mark.parametrize("name", ["api_key", "password", "organization", "project_id"])
def test_a_value_in_json_in_a_string_is_taken_out(tmp_path: Path, name: str) -> None:
    body = f'{{"arguments":"{{\\"{name}\\": \\"mysupersecret\\", \\"city\\": \\"Oslo\\"}}"}}'.encode()
    text = written(tmp_path, sent(body))
    assert "mysupersecret" not in text
    assert "Oslo" in text

"""Recordings as files: they hold what went by, and not its secrets."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mockai.recording import Body, Chunk, Exchange, Part, Request, Response
from mockai.recording.forms import FormReader, boundary_of, encoded
from mockai.recording.redaction import Redaction, SecretError
from mockai.recording.scrubbing import rewritten
from mockai.recording.tape import TapeError, TapeWriter, read, read_folder
from mockai.wire import codec

SECRET = "sk-proj-abcdEFGH12345678"
RUN, FILE = "run_FEFAUboptcjXZ5dto9CKLzF8", "file-FqLLytrEaPH6hmSPXTr1db"


def exchange(
    body: bytes = b"{}",
    *chunks: bytes,
    path: str = "/v1/chat/completions",
    more: dict[str, str] | None = None,
    **headers: str,
) -> Exchange:
    headers |= more or {}
    request = Request("POST", path, {"content-type": "application/json", **headers}, Body.of(body))
    answer = tuple(Chunk(at / 10, data) for at, data in enumerate(chunks or (b'{"id":"x"}',)))
    return Exchange(request, Response(200, {"content-type": "application/json"}, answer), "2026-01-01T00:00:00Z")


def written(folder: Path, *exchanges: Exchange, redaction: Redaction | None = None) -> str:
    writer = TapeWriter(folder, "http://upstream/v1", redaction or Redaction())
    paths = {writer.add(entry) for entry in exchanges}
    return "".join(path.read_text("utf-8") for path in sorted(paths))


def back(folder: Path) -> list[Exchange]:
    return [entry for tape in read_folder(folder) for entry in tape.exchanges]


@given(pieces=st.lists(st.binary(max_size=30) | st.text(max_size=30).map(str.encode), min_size=1, max_size=4))
def test_bytes_come_back_as_they_were(pieces: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        written(Path(folder), exchange(b"{}", *pieces))
        (entry,) = back(Path(folder))
    assert entry.response.body == b"".join(pieces)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), VALUES, max_size=4))
def test_json_comes_back_byte_for_byte(value: object) -> None:
    raw = codec.dumps(value)
    with TemporaryDirectory() as folder:
        text = written(Path(folder), exchange(raw, raw))
        assume("<redacted:" not in text)  # a key that is called `authorization` has its value taken out
        (entry,) = back(Path(folder))
    assert entry.response.body == raw
    assert entry.request.body == Body.of(raw)


def test_an_id_that_an_answer_brought_is_a_reference(tmp_path: Path) -> None:
    brings = exchange(f'{{"file":"{FILE}"}}'.encode(), f'{{"id":"{RUN}","file_id":"{FILE}"}}'.encode())
    asks = exchange(b"{}", f'{{"id":"{RUN}"}}'.encode(), path=f"/v1/chat/completions/{RUN}?after={RUN}")
    text = written(tmp_path, brings, asks)
    assert text.count(RUN) == 1, "only in the table of ids"
    assert "<run:1>: " + RUN in text
    assert "<file:" not in text, "the caller knew the file before"
    assert [entry.request.path for entry in back(tmp_path)][1] == f"/v1/chat/completions/{RUN}?after={RUN}"


def test_references_go_on_where_the_last_recording_ended(tmp_path: Path) -> None:
    written(tmp_path, exchange(b"{}", f'{{"id":"{RUN}"}}'.encode()))
    other = RUN[:-1] + "9"
    text = written(
        tmp_path, exchange(b"{}", f'{{"id":"{RUN}"}}'.encode()), exchange(b"{}", f'{{"id":"{other}"}}'.encode())
    )
    assert text.count("mockai: recording") == 1
    assert f"<run:2>: {other}" in text


def test_what_reads_like_a_reference_stays_what_it_was(tmp_path: Path) -> None:
    body = f'{{"id":"{RUN}","text":"<run:1>"}}'.encode()
    other = f'{{"id":"{RUN}","ids":["a"],"literal":true}}'.encode()
    written(tmp_path, exchange(b"{}", body), exchange(b"{}", other))
    assert [entry.response.body for entry in back(tmp_path)] == [body, other]


def test_an_id_cut_by_two_chunks_is_renamed(tmp_path: Path) -> None:
    chunks = [f'data: {{"id":"{RUN[:9]}'.encode(), f'{RUN[9:]}"}}\n\ndata: é'.encode()[:-1], b"\xa9\n\n"]
    text = written(tmp_path, exchange(b"{}", *chunks))
    assert text.count("<run:1>") == 2
    (entry,) = back(tmp_path)
    assert entry.response.body == b"".join(chunks)
    assert [chunk.at for chunk in entry.response.chunks] == [0.0, 0.1, 0.2]


@given(pieces=st.lists(st.text("abx", max_size=6), min_size=1, max_size=6))
def test_pieces_join_to_the_rewritten_text(pieces: list[str]) -> None:
    import re

    found = rewritten(pieces, [(re.compile("ab+"), "<x:1>"), (re.compile("b"), "")])
    assert len(found) == len(pieces)
    assert "".join(found) == re.sub("b", "", re.sub("ab+", "<x:1>", "".join(pieces)))


@pytest.mark.parametrize(
    ("sent", "gone"),
    [
        (exchange(b"{}", authorization=f"Bearer {SECRET}"), SECRET),
        (exchange(b'{"messages":"my own-secret-word"}', authorization="Bearer own-secret-word"), "own-secret-word"),
        (exchange(b"{}", b'{"echo":"own-secret-word"}', authorization="Bearer own-secret-word"), "own-secret-word"),
        (exchange(b"{}", more={"api-key": "azure-key-0123"}), "azure-key-0123"),
        (exchange(b"{}", cookie="session=topsecret1"), "topsecret1"),
        (exchange(f'{{"text":"use {SECRET}"}}'.encode()), SECRET),
        (exchange(b'{"tools":[{"headers":{"Authorization":"plainword"}}]}'), "plainword"),
        (exchange(path="/v1/models?api-key=plainword&limit=2"), "plainword"),
        (exchange(b"{}", b'{"organization_id":"acme","project":"web"}'), "acme"),
        (exchange(b"{}", b'{"error":"on organization org-AbCdEf123456 today"}'), "org-AbCdEf123456"),
        (exchange(b"{}", b'{"project":"proj_AbCdEf123456"}'), "proj_AbCdEf123456"),
        (exchange(b"{}", b'{"request_id":"req_0123456789abcdef0123456789abcdef"}'), "req_0123"),
        (exchange(b"{}", b'{"message":"Incorrect API key provided: sk-inval*****-key."}'), "sk-inval"),
        (exchange(more={"openai-organization": "org-mine"}), "org-mine"),
        (exchange(more={"x-custom": "who knows"}), "who knows"),
    ],
)
def test_secrets_are_not_written(tmp_path: Path, sent: Exchange, gone: str) -> None:
    text = written(tmp_path, sent)
    assert gone not in text
    assert back(tmp_path)


def test_more_is_taken_out_on_demand(tmp_path: Path) -> None:
    import re

    sent = exchange(b'{"a":"ann@example.com","b":"customer 4711"}', more={"x-mine": "kept"})
    assert "ann@example.com" in written(tmp_path / "plain", sent)
    asked = Redaction(True, frozenset({"x-mine"}), (re.compile(r"customer \d+"),))
    text = written(tmp_path / "asked", sent, redaction=asked)
    assert "example.com" not in text
    assert "4711" not in text
    assert "x-mine: kept" in text
    assert read(tmp_path / "asked" / "chat.yaml").redaction == asked


@pytest.mark.parametrize(
    ("body", "answer", "kind"),
    [
        (b'{"k":"AKIAABCDEFGHIJKLMNOP"}', b"{}", "an AWS access key"),
        (b'{"k":"-----BEGIN RSA PRIVATE KEY-----"}', b"{}", "a private key"),
        (b"{}", b'{"k":"eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"}', "a JSON web token"),
        (b'{"u":"https://ann:pass@example.com/"}', b"{}", "a password in a URL"),
    ],
)
def test_a_secret_that_remains_stops_the_writing(tmp_path: Path, body: bytes, answer: bytes, kind: str) -> None:
    with pytest.raises(SecretError, match=kind) as caught:
        written(tmp_path, exchange(body, answer))
    assert "AKIA" not in str(caught.value)
    assert back(tmp_path) == []


def test_a_secret_told_piece_by_piece_is_seen(tmp_path: Path) -> None:
    events = [
        f'data: {{"delta":{{"content":"{SECRET[at : at + 6]}"}}}}\n\n'.encode() for at in range(0, len(SECRET), 6)
    ]
    with pytest.raises(SecretError, match="a key of the API"):
        written(tmp_path, exchange(b"{}", *events))


@pytest.mark.parametrize(
    ("head", "entry"),
    [
        ("", "request: {method: GET, path: 5}\nresponse: {status: 200}"),
        ("", "ids: [1]\nrequest: {method: GET, path: /v1/x}\nresponse: {status: 200}"),
        ('redact: {patterns: ["("]}\n', "request: {method: GET, path: /v1/x}\nresponse: {status: 200}"),
    ],
)
def test_what_is_no_recording_is_told(tmp_path: Path, head: str, entry: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"mockai: recording\nformat: 1\n{head}...\n---\n{entry}\n...\n")
    with pytest.raises(TapeError, match=r"x\.yaml"):
        read(path)


def test_a_full_disk_leaves_what_was_written_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TapeWriter(tmp_path, "http://upstream/v1", Redaction())
    writer.add(exchange())
    write, left = os.write, [9]

    def full(descriptor: int, raw: bytes) -> int:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, raw[: left.pop()])

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match="No space left"):
        writer.add(exchange())
    monkeypatch.undo()
    writer.add(exchange())
    (tape,) = read_folder(tmp_path)
    assert (len(tape.exchanges), tape.torn) == (2, False)


@pytest.mark.parametrize("cut", [10, 80, 200, -4, -1])
def test_a_torn_end_is_dropped_and_mended(tmp_path: Path, cut: int) -> None:
    written(tmp_path, exchange(b"{}", b'{"n":1}'))
    path = tmp_path / "chat.yaml"
    first = path.read_bytes()
    written(tmp_path, exchange(b"{}", b'{"n":2}'))
    whole = path.read_bytes()
    path.write_bytes(first + whole[len(first) :][:cut])
    assert [entry.response.body for entry in back(tmp_path)] == [b'{"n":1}']
    assert read(path).torn
    written(tmp_path, exchange(b"{}", b'{"n":3}'))
    assert [entry.response.body for entry in back(tmp_path)] == [b'{"n":1}', b'{"n":3}']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [\n...\n", ["is not YAML", ":"]),
        ("a: 1\n...\n", ["is no recording"]),
        ("mockai: recording\nformat: 99\n...\n", ["99", "format 1"]),
        ("---\nmockai: recording\nformat: 1\n...\n---\nrequest: {}\n...\n", ["exchange 1", "response"]),
    ],
)
def test_a_file_that_is_no_recording_is_told(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(TapeError) as caught:
        read(path)
    assert all(word in str(caught.value) for word in [str(path), *words])


def test_a_form_is_taken_apart_and_put_together() -> None:
    parts = (Part("purpose", Body.of(b"batch")), Part("file", Body.of(bytes(range(256))), "a.bin", "x/y"))
    raw, kind = encoded(parts)
    boundary = boundary_of(kind)
    assert boundary
    reader = FormReader(boundary)
    for at in range(0, len(raw), 7):
        reader.add(raw[at : at + 7])
    assert reader.parts() == parts


def test_a_test_has_a_file_of_its_own(tmp_path: Path) -> None:
    written(tmp_path, exchange(more={"x-test-id": "suite/test one"}), exchange())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chat.yaml", "suite-test-one.yaml"]

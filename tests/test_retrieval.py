"""Retrieval: text out of files, chunks of real tokens, filters, ranks, and what other resources use of stores."""

import gc
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import docx
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai import contents, retrieval
from mockai.api import OPERATIONS
from mockai.app import Application
from mockai.call import Call
from mockai.clock import ManualClock
from mockai.engine import tokens
from mockai.retrieval import extract, life, objects
from mockai.retrieval.extract import TOO_LARGE, UNPARSED, UNSUPPORTED, UnreadableError, pieces
from mockai.retrieval.filters import FILTERS, holds
from mockai.retrieval.indexing import ENCODING, Indexing, cut, segments, token_lengths, unpacked
from mockai.retrieval.shelf import Shelf, joined
from mockai.settings import Settings
from mockai.wire.errors import ApiError
from mockai.wire.ids import Ids
from tests.passages import DOCUMENTS, QUESTIONS

AUTO = objects.AUTO


def indexed(text: str | bytes, extension: str = "txt") -> Indexing:
    raw = text.encode() if isinstance(text, str) else text
    indexing = Indexing(extension, len(raw), [raw], AUTO)
    for _ in indexing.parts:
        pass
    return indexing


def shelf_of(*texts: str) -> Shelf:
    return joined(0, [{}] * len(texts), [unpacked(b"".join(indexed(text).packed())) for text in texts])


# --- text ----------------------------------------------------------------------------------------


def read(raw: bytes, extension: str) -> str:
    return "".join(pieces(extension, len(raw), [raw[:5], raw[5:]]))


def test_texts_come_in_utf_8_and_utf_16() -> None:
    for raw in ("ä€𝄞 text".encode(), "ä€𝄞 text".encode("utf-8-sig"), "ä€𝄞 text".encode("utf-16")):
        assert read(raw, "txt") == read(raw, "") == "ä€𝄞 text"


def test_a_page_is_what_its_reader_sees() -> None:
    page = b"<html><head><title>Rain &amp; sun</title><style>p {}</style></head><body><script>x()</script>"
    page += b"<p>It\nrains in <b>Spain</b>.</p><ul><li>one<li>two</ul></body></html>"
    assert read(page, "html") == "Rain & sun\nIt rains in Spain.\none\ntwo\n"


def pdf_of(text: str) -> bytes:
    """Return a PDF of one page that shows a line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>"
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        font,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
    ]
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 6\n0000000000 65535 f \n%btrailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return made + end % (table, len(made))


def docx_of(text: str) -> bytes:
    document, made = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    cells = document.add_table(1, 2).rows[0].cells
    cells[0].text, cells[1].text = "left", "right"
    document.save(made)
    return made.getvalue()


def test_documents_are_read_with_their_libraries() -> None:
    assert read(pdf_of("The whale sings"), "pdf").strip() == "The whale sings"
    assert read(docx_of("The whale sings"), "docx") == "The whale sings\nleft\tright\n"


def test_without_the_extra_documents_are_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "find_spec", lambda name: None)
    for extension in ("pdf", "docx"):
        assert indexed(pdf_of("x"), extension).error == UNSUPPORTED


def empty_pdf() -> bytes:
    made, writer = io.BytesIO(), pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("raw", "extension", "error"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "", UNSUPPORTED),
        (b"PK", "pptx", UNSUPPORTED),
        (b"caf\xe9", "txt", UNPARSED),
        (b"  \n ", "md", UNPARSED),
        (b"no pdf at all", "pdf", UNPARSED),
        (b"no zip at all", "docx", UNPARSED),
        (empty_pdf(), "pdf", UNPARSED),
    ],
    ids=repr,
)
def test_what_cannot_be_read_is_told(raw: bytes, extension: str, error: tuple[str, str]) -> None:
    assert indexed(raw, extension).error == error


def test_a_file_beyond_all_bounds_is_not_even_read() -> None:
    with pytest.raises(UnreadableError) as caught:
        list(pieces("txt", extract.MOST_BYTES + 1, iter(lambda: pytest.fail("it was read"), None)))
    assert caught.value.error == TOO_LARGE


def test_a_file_has_so_many_tokens_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockai.retrieval.indexing.MOST_TOKENS", 100)
    assert indexed("word " * 90).error is None
    assert indexed("word " * 110).error == TOO_LARGE


# --- chunks --------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["the ", "sea\n", "\n\n", "  ", "1234", "🌊", "é"]
)


@given(st.lists(WORDS, max_size=300).map("".join))
def test_cutting_loses_nothing(text: str) -> None:
    assert "".join(segments(text)) == text
    raw = text.encode()
    spans = cut(raw, token_lengths()[tokens.encode(ENCODING, text)], 100, 30)
    covered = 0
    for start, end in spans:
        assert start <= covered <= end
        assert raw[start:end].decode() in text
        covered = end
    assert covered == len(raw)


def test_a_chunk_has_the_tokens_that_were_asked_for() -> None:
    text = " ".join(f"number {at} of many" for at in range(2000))
    whole = tokens.encode(ENCODING, text)
    assert [token for part in segments(text) for token in tokens.encode(ENCODING, part)] == whole
    raw = text.encode()
    for size, overlap in ((800, 400), (100, 0), (4096, 2048)):
        spans = cut(raw, token_lengths()[whole], size, overlap)
        chunks = [tokens.encode(ENCODING, raw[start:end].decode()) for start, end in spans]
        assert all(len(chunk) == size for chunk in chunks[:-1])
        assert 0 < len(chunks[-1]) <= size
        assert len(chunks) == -(-(len(whole) - overlap) // (size - overlap))
        for left, right in pairwise(chunks):
            assert left[size - overlap :] == right[: min(overlap, len(right))]


# --- filters -------------------------------------------------------------------------------------

ATTRIBUTES = {"year": 1999, "name": "b", "old": True, "rate": 0.5}
COMPARED = [
    ("eq", "year", 1999, True),
    ("eq", "year", 1999.0, True),
    ("eq", "year", "1999", False),
    ("eq", "old", True, True),
    ("eq", "old", 1, False),
    ("ne", "year", 2000, True),
    ("ne", "year", 1999, False),
    ("ne", "year", "1999", True),
    ("ne", "gone", 1, True),
    ("eq", "gone", 1, False),
    ("gt", "year", 1998, True),
    ("gt", "year", 1999, False),
    ("gte", "year", 1999, True),
    ("lt", "rate", 1, True),
    ("lt", "name", "c", True),
    ("lt", "name", 5, False),
    ("lte", "rate", 0.4, False),
    ("in", "name", ["a", "b"], True),
    ("in", "name", ["a"], False),
    ("in", "year", [1, 1999], True),
    ("nin", "name", ["a"], True),
    ("nin", "name", ["b"], False),
    ("nin", "gone", ["b"], True),
    ("in", "gone", ["b"], False),
]


@pytest.mark.parametrize(("kind", "key", "value", "passes"), COMPARED)
def test_comparisons(kind: str, key: str, value: Any, passes: bool) -> None:
    asked = {"type": kind, "key": key, "value": value}
    FILTERS.check(asked, "filters")
    assert holds(asked, ATTRIBUTES) is passes


def test_compounds_nest() -> None:
    yes, no = ({"type": "eq", "key": "year", "value": year} for year in (1999, 1))
    either = {"type": "or", "filters": [no, yes]}
    both = {"type": "and", "filters": [yes, no]}
    nested = {"type": "and", "filters": [either, {"type": "or", "filters": [both, either]}]}
    FILTERS.check(nested, "filters")
    assert [holds(asked, ATTRIBUTES) for asked in (either, both, nested)] == [True, False, True]
    with pytest.raises(ApiError, match="filters.filters"):
        FILTERS.check({"type": "and", "filters": [{"type": "eq", "key": "a"}]}, "filters")


# --- ranks ---------------------------------------------------------------------------------------


def test_the_right_document_is_among_the_first_three() -> None:
    shelf, names = shelf_of(*DOCUMENTS.values()), list(DOCUMENTS)
    assert (len(names), len(QUESTIONS)) == (30, 60)
    for weights, wanted in (((0.5, 0.5), 0.85), ((1.0, 0.0), 0.7)):
        good = 0
        for question, name in QUESTIONS:
            scores = shelf.scores(question, weights)
            assert 0 <= scores.min() <= scores.max() <= 1
            good += names.index(name) in (-scores).argsort(kind="stable")[:3]
        assert good / len(QUESTIONS) >= wanted


def test_a_word_that_only_one_chunk_has_finds_it() -> None:
    texts = [
        f"The {name} report of the year, with many words about money and trade."
        for name in ("xyzzy", "plugh", "frotz")
    ]
    assert shelf_of(*texts).scores("plugh", (0.5, 0.5)).argmax() == 1
    chinese = shelf_of("我们的退货政策是三十天", "今天的天气很好")
    assert chinese.scores("退货政策", (0.5, 0.5)).argmax() == 0


def test_a_search_over_20_000_chunks_takes_less_than_50_ms() -> None:
    parts = [unpacked(b"".join(indexed(text * 3).packed())) for text in DOCUMENTS.values()]
    shelf = joined(0, [{}] * 20_000, [parts[at % 30] for at in range(20_000)])
    assert len(shelf.owners) == 20_000
    took = []
    for question, _ in QUESTIONS[:20]:
        begun = time.thread_time()
        shelf.scores(question, (0.5, 0.5))
        took.append(time.thread_time() - begun)
    assert sorted(took)[len(took) // 2] < 0.050


def test_a_million_characters_are_indexed_in_slices() -> None:
    sentences = " ".join(DOCUMENTS.values())
    text = "".join(f"{at}. {sentences}\n" for at in range(150))[:1_000_000]
    indexing = Indexing("txt", len(text), [text.encode()], AUTO)
    token_lengths()  # the table of tokens is read once a process
    gc.collect()
    took, begun = [], time.thread_time()
    for _ in indexing.parts:
        took.append(time.thread_time() - begun)
        begun = time.thread_time()
    assert indexing.error is None
    assert len(unpacked(b"".join(indexing.packed())).spans) == indexing.chunks > 500
    assert sum(took) < 10
    assert sorted(took)[len(took) * 9 // 10] < 0.040


# --- what other resources use --------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def call(clock: ManualClock) -> Iterator[Call]:
    application = Application(Settings(), clock=clock)
    edge, store = application.edge, application.store
    yield Call(
        operation=OPERATIONS[0],
        now=clock.now(),
        body=None,
        path={},
        query={},
        headers={},
        tenant="org/proj",
        organization="org",
        project="proj",
        request_id="",
        ids=Ids(0, "org/proj", store.counter("org/proj")),
        store=store,
        settings=application.settings,
        host=edge,
    )
    store.close()


def add(call: Call, name: str, text: str) -> str:
    file = contents.made(call.ids, "assistants", name, created=call.created)
    id: str = contents.add(call, file, [text.encode()])["id"]
    return id


def later(call: Call, days: float) -> Call:
    return replace(call, now=call.now + days * objects.DAY)


def test_a_search_goes_over_several_stores(call: Call) -> None:
    one = retrieval.create(call, file_ids=[add(call, "bees.txt", DOCUMENTS["bees"])])
    two = retrieval.create(
        call,
        files=[
            {"file_id": add(call, f"{name}.txt", DOCUMENTS[name]), "attributes": {"n": name}}
            for name in ("cat", "roses")
        ],
    )
    ids = [one["id"], two["id"]]
    hits = retrieval.search(call, ids, ["How much does a cat sleep?", "When is honey harvested?"], limit=2)
    assert {hit.filename for hit in hits} == {"cat.txt", "bees.txt"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.text for hit in hits} == {DOCUMENTS["cat"], DOCUMENTS["bees"]}
    only = retrieval.search(call, ids, ["cat"], filters={"type": "eq", "key": "n", "value": "roses"})
    assert [(hit.filename, hit.store_id, hit.attributes) for hit in only] == [
        ("roses.txt", two["id"], {"n": "roses"})
    ]
    assert retrieval.search(call, ids, ["cat"], threshold=0.99) == []
    rest = retrieval.search(call, ids, ["cat"], limit=5, skip=1)
    assert rest == retrieval.search(call, ids, ["cat"], limit=5)[1:]


def test_a_store_is_found_up_to_date_or_not_at_all(call: Call) -> None:
    assert retrieval.find(call, "vs_nope") is None
    with pytest.raises(ApiError, match="No vector store found with id 'vs_nope'"):
        retrieval.search(call, ["vs_nope"], ["x"])
    made = retrieval.create(call, expires_after={"anchor": "last_active_at", "days": 7}, name="of a thread")
    retrieval.attach(call, made["id"], add(call, "a.txt", "The sea is wide."), {"k": 1})
    life.settle(call, made["id"])
    found = retrieval.find(call, made["id"])
    assert found is not None
    assert (found["status"], found["file_counts"]["completed"]) == ("completed", 1)


def test_stores_are_filled_inside_transactions_while_another_thread_indexes(call: Call) -> None:
    id = retrieval.create(call, file_ids=[add(call, "a.txt", "The sea is wide.")])["id"]
    filled = threading.Event()

    def fill() -> None:
        with call.store.transaction():
            assert retrieval.find(call, id) is not None
            retrieval.attach(call, id, add(call, "b.txt", "Bread is baked."))
            retrieval.create(call, file_ids=[add(call, "c.txt", "Snow falls.")])
        filled.set()

    with call.host.work.claim(call, objects.path_of(id)):
        threading.Thread(target=fill, daemon=True).start()
        assert filled.wait(10)


def test_a_search_is_possible_in_the_middle_of_other_work(call: Call) -> None:
    id = retrieval.create(call, file_ids=[add(call, "a.txt", "The sea is wide.")])["id"]
    found: list[retrieval.Hit] = []

    def work() -> None:
        with call.host.work.claim(call, "/batches/b"):
            found.extend(retrieval.search(call, [id], ["sea"]))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(10)
    assert [hit.filename for hit in found] == ["a.txt"]


def test_use_puts_the_expiry_off(call: Call) -> None:
    made = retrieval.create(
        call, file_ids=[add(call, "a.txt", "The sea is wide.")], expires_after={"anchor": "last_active_at", "days": 7}
    )
    used = later(call, 6)
    assert retrieval.search(used, [made["id"]], ["sea"])[0].filename == "a.txt"
    found = retrieval.find(later(call, 12), made["id"])
    assert found is not None
    assert (found["status"], found["last_active_at"], found["expires_at"]) == (
        "completed",
        used.created,
        used.created + 7 * objects.DAY,
    )
    gone = retrieval.find(later(call, 13), made["id"])
    assert gone is not None
    assert gone["status"] == "expired"
    with pytest.raises(ApiError, match="has expired"):
        retrieval.search(later(call, 13), [made["id"]], ["sea"])
    with pytest.raises(ApiError, match="has expired"):
        retrieval.attach(later(call, 13), made["id"], add(call, "b.txt", "x"))


def test_nothing_is_made_when_a_file_is_missing(call: Call) -> None:
    with pytest.raises(ApiError, match="No such File object: file-nope"):
        retrieval.create(call, file_ids=[add(call, "a.txt", "x"), "file-nope"])
    assert call.store.count(call.tenant, objects.STORE) == 0

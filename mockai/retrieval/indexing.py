"""Indexing: text becomes chunks of real tokens, chunks become vectors and words, in parts of a few milliseconds.

An index is one blob: where each chunk lies in the text, its vector in small integers (sums of their products are
exact, so a search gives the same order on every machine), and the words of all chunks. Imports numpy: imported late.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

from mockai.engine import tokens
from mockai.engine.stems import stem_of
from mockai.engine.topics import COMMON
from mockai.engine.vectors import embed
from mockai.retrieval.extract import TOO_LARGE, UNPARSED, UnreadableError, pieces

ENCODING = "cl100k_base"
MODEL, WIDTH = "text-embedding-3-large", 3072
SIZE = 256
"""Components of a vector."""
SCALE = 400.0
"""What a component of a unit vector is multiplied by; the few beyond 127 are cut."""
MOST_TOKENS = 5_000_000
SEGMENT = 8_000
"""Characters that are encoded in one go."""
GROUP = 4
"""Chunks that are embedded in one go."""
HEAD = struct.Struct("<4sII")
MAGIC = b"vec1"
TF_MOST = 255

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int8]

_WORDS = re.compile(r"\w+")
_CONTINUES = 0b1000_0000
_IDEOGRAPHS = "\u2e80"  # from here on words are written without blanks: pairs of characters stand for them


class Indexing:
    """The indexing of one file: run `parts` to its end, then read `error`, or `text`, `chunks` and `packed`."""

    def __init__(self, extension: str, size: int, source: Iterable[bytes], sizes: Mapping[str, int]) -> None:
        """Begin with a file's content, `size` bytes, to be cut as `sizes` says."""
        self.error: tuple[str, str] | None = None
        self.text = b""
        self.chunks = 0
        self._index = _Index()
        self.parts = self._run(extension, size, source, sizes)

    def _run(self, extension: str, size: int, source: Iterable[bytes], sizes: Mapping[str, int]) -> Iterator[None]:
        try:
            found = []
            for piece in pieces(extension, size, source):
                found.append(piece)
                if len(piece) >= SEGMENT:  # small files are done without a pause
                    yield
            text = "".join(found)
            if not text.strip():
                raise UnreadableError(UNPARSED)
            ends: list[Ints] = []
            known = 0
            for segment in segments(text):
                if ends:
                    yield
                ends.append(token_lengths()[tokens.encode(ENCODING, segment)])
                known += len(ends[-1])
                if known > MOST_TOKENS:
                    raise UnreadableError(TOO_LARGE)
            self.text = text.encode("utf-8", "replace")
        except UnreadableError as unreadable:
            self.error = unreadable.error
            return
        spans = cut(self.text, np.concatenate(ends), sizes["max_chunk_size_tokens"], sizes["chunk_overlap_tokens"])
        for at in range(0, len(spans), GROUP):
            if at:
                yield
            self._index.add(spans[at : at + GROUP], self.text)
        self.chunks = len(spans)

    def packed(self) -> Iterable[bytes]:
        """Return the index as bytes."""
        return self._index.packed()


@dataclass(slots=True)
class _Index:
    """An index that grows."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    vectors: list[Small] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    words: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    """Of each chunk, and how often it has each."""
    times: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def add(self, spans: Sequence[tuple[int, int]], text: bytes) -> None:
        texts = [text[start:end].decode("utf-8", "replace") for start, end in spans]
        self.vectors.append(vectors_of(texts))
        for span, chunk in zip(spans, texts, strict=True):
            counted = Counter(words_of(chunk))
            self.words.append(np.array(list(counted), "<u4"))
            self.times.append(np.array([min(TF_MOST, times) for times in counted.values()], "<u1"))
            self.lengths.append(counted.total())
            self.spans.append(span)

    def packed(self) -> Iterable[bytes]:
        counts = [len(words) for words in self.words]
        yield HEAD.pack(MAGIC, len(self.spans), sum(counts))
        yield np.array(self.spans, "<u4").tobytes()
        yield np.array(self.lengths, "<u4").tobytes()
        yield np.concatenate(self.vectors).tobytes()
        yield np.concatenate(self.words).tobytes()
        yield np.repeat(np.arange(len(counts), dtype="<u4"), counts).tobytes()
        yield np.concatenate(self.times).tobytes()


@dataclass(slots=True)
class Part:
    """The index of one file, read back."""

    spans: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint32]
    vectors: Small
    words: npt.NDArray[np.uint32]
    owners: npt.NDArray[np.uint32]
    times: npt.NDArray[np.uint8]


def unpacked(raw: bytes) -> Part:
    """Return the index of one file."""
    _, chunks, words = HEAD.unpack_from(raw)
    at = HEAD.size
    arrays = []
    for kind, count in (("<u4", 2 * chunks), ("<u4", chunks), ("i1", SIZE * chunks), ("<u4", words), ("<u4", words)):
        arrays.append(np.frombuffer(raw, kind, count, at))
        at += arrays[-1].nbytes
    spans, lengths, vectors, found, owners = arrays
    times = np.frombuffer(raw, "<u1", words, at)
    return Part(spans.reshape(-1, 2), lengths, vectors.reshape(-1, SIZE), found, owners, times)


def vectors_of(texts: Sequence[str]) -> Small:
    """Return a row a text, of small integers."""
    rows = embed(texts, MODEL, WIDTH, SIZE)
    small: Small = np.clip(np.rint(rows * SCALE), -127, 127).astype(np.int8)
    return small


def words_of(text: str) -> list[int]:
    """Return what stands for the words of a text that say something, in their order."""
    return [number for word in _WORDS.findall(text.lower()) if word not in COMMON for number in _numbers(word)]


_known: dict[str, tuple[int, ...]] = {}
MOST_KNOWN = 50_000


def _numbers(word: str) -> tuple[int, ...]:
    numbers = _known.get(word)
    if numbers is None:
        forms = [stem_of(word)]
        if word[0] >= _IDEOGRAPHS and len(word) > 2:
            forms = [word[at : at + 2] for at in range(len(word) - 1)]
        numbers = tuple(crc32(form.encode("utf-8", "replace")) for form in forms)
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[word] = numbers
    return numbers


# --- cutting -------------------------------------------------------------------------------------


def segments(text: str) -> Iterator[str]:
    """Yield a text in parts whose tokens are those of the whole: cut where no token goes across, if there is such."""
    at = 0
    while len(text) - at > SEGMENT:
        end = _boundary(text, at + SEGMENT // 2, at + SEGMENT)
        yield text[at:end]
        at = end
    yield text[at:]


_SAFE = (re.compile(r"\n(?=\S)"), re.compile(r"(?<=\w)(?= \w)"))


def _boundary(text: str, low: int, high: int) -> int:
    for pattern in _SAFE:
        found = [match.end() for match in pattern.finditer(text, low, high)]
        if found:
            return found[-1]
    return high


@cache
def token_lengths() -> Ints:
    """Return how many bytes each token stands for, by its id."""
    known = range(tokens.vocabulary_size(ENCODING))
    return np.array(
        [len(tokens.token_bytes(ENCODING, token)) if tokens.exists(ENCODING, token) else 0 for token in known]
    )


def cut(text: bytes, lengths: Ints, size: int, overlap: int) -> list[tuple[int, int]]:
    """Return where the chunks lie: `size` tokens each, of which `overlap` are those that end the one before."""
    edges = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    count, step = len(lengths), size - overlap
    spans = []
    for first in range(0, count, step):
        last = min(first + size, count)
        spans.append((_whole(text, int(edges[first])), _whole(text, int(edges[last]))))
        if last == count:
            break
    return spans


def _whole(text: bytes, at: int) -> int:
    """Return the first place from `at` on where a character begins: tokens may end inside one."""
    while at < len(text) and text[at] & 0b1100_0000 == _CONTINUES:
        at += 1
    return at

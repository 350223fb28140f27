"""Text out of files: what each kind of file needs, in pieces, so that nobody waits for a long one."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from itertools import islice

PLAIN = "c cpp cs css csv go java js json md php py rb sh tex ts txt".split()
UNSUPPORTED = ("unsupported_file", "The file type is not supported.")
TOO_LARGE = ("invalid_file", "The file could not be parsed because it is too large.")
UNPARSED = ("invalid_file", "The file could not be parsed.")
PIECE = 64 * 1024
"""Bytes that are looked at in one go."""
PARAGRAPHS = 50
MOST_BYTES = 64 * 1024 * 1024
"""A text beyond this has more than the 5,000,000 tokens that a file may have."""


_BLANKS = re.compile(r"\s+")


class UnreadableError(Exception):
    """A file without text that could be searched: `error` is a file's `last_error`."""

    def __init__(self, error: tuple[str, str]) -> None:
        """Hold the code and the message."""
        super().__init__(error[1])
        self.error = error


def supported(extension: str) -> bool:
    """Return whether files of this extension may be attached; `extension` comes as it was written, without the dot.

    A file without one is judged by its content.
    """
    return extension in READERS or not extension


def pieces(extension: str, size: int, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the text of a file in pieces. Raises `UnreadableError`."""
    if size > MOST_BYTES:
        raise UnreadableError(TOO_LARGE)
    reader = READERS.get(extension)
    if reader is not None:
        yield from reader(chunks)
        return
    try:
        yield from _plain(chunks)
    except UnreadableError:
        raise UnreadableError(UNSUPPORTED) from None


def _plain(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield text in UTF-8, or in UTF-16 with its mark."""
    decoder: codecs.IncrementalDecoder | None = None
    try:
        for piece in _cut(chunks):
            if decoder is None:
                marked = piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
                decoder = codecs.getincrementaldecoder("utf-16" if marked else "utf-8-sig")()
            text = decoder.decode(piece)
            if "\x00" in text:
                raise UnreadableError(UNPARSED)
            yield text
        if decoder is not None:
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UnreadableError(UNPARSED) from None


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for at in range(0, len(chunk), PIECE):
            yield chunk[at : at + PIECE]


class _Page(HTMLParser):
    """Collects what a reader of the page sees, a block a line."""

    HIDDEN = ("script", "style", "template", "noscript")
    INLINE = frozenset(
        "a abbr b bdi bdo cite code dfn em font i kbd mark q s samp small span strong sub sup u var".split()
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self.HIDDEN
        if tag not in self.INLINE:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN and self._hidden > 0
        if tag not in self.INLINE:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(_BLANKS.sub(" ", data))

    def text(self) -> str:
        """Return the lines that have something on them, and forget them."""
        lines = (" ".join(line.split()) for line in "".join(self.found).split("\n"))
        self.found.clear()
        return "".join(f"{line}\n" for line in lines if line)


def _html(chunks: Iterable[bytes]) -> Iterator[str]:
    page = _Page()
    for text in _plain(chunks):
        page.feed(text)
        yield ""
    page.close()
    yield page.text()


def _library(name: str, read: Callable[[bytes], Iterator[str]]) -> Callable[[Iterable[bytes]], Iterator[str]]:
    """Read with a library of the extra `documents`; without it the kind of file is not supported."""

    def reader(chunks: Iterable[bytes]) -> Iterator[str]:
        if find_spec(name) is None:
            raise UnreadableError(UNSUPPORTED)
        try:
            yield from read(b"".join(chunks))
        except Exception as error:  # whatever a library says about a broken file, it is one
            raise UnreadableError(UNPARSED) from error

    return reader


def _pdf(raw: bytes) -> Iterator[str]:
    import pypdf

    for page in pypdf.PdfReader(io.BytesIO(raw)).pages:
        yield f"{page.extract_text()}\n"


def _docx(raw: bytes) -> Iterator[str]:
    import docx
    from docx.table import Table

    blocks = docx.Document(io.BytesIO(raw)).iter_inner_content()
    while some := list(islice(blocks, PARAGRAPHS)):
        yield "".join(f"{_row_text(block) if isinstance(block, Table) else block.text}\n" for block in some)


def _row_text(table: object) -> str:
    rows = getattr(table, "rows", ())
    return "\n".join("\t".join(cell.text for cell in row.cells) for row in rows)


def _unread(chunks: Iterable[bytes]) -> Iterator[str]:
    """Refuse what the API reads, but nothing here does."""
    raise UnreadableError(UNSUPPORTED)


READERS: dict[str, Callable[[Iterable[bytes]], Iterator[str]]] = {
    **dict.fromkeys(PLAIN, _plain),
    "html": _html,
    "pdf": _library("pypdf", _pdf),
    "docx": _library("docx", _docx),
    "doc": _unread,
    "pptx": _unread,
}
"""By the extension of the file name, in lower case: the API refuses `.PDF`."""

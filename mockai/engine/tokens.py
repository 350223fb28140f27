"""Exact tokens: tiktoken with its official ranks, offline.

The ranks come from the data files of an installed wheel. tiktoken names the SHA-256 that each file must have;
a file with another one is refused.
"""

from __future__ import annotations

import binascii
import gzip
import hashlib
import importlib.util
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import tiktoken

_ID = re.compile(r"[0-9]{1,9}")

RANKS_WHEEL = "bpe_openai"
MOST_SPACE = 512_000
"""White space that may stand together: tiktoken's own search ends in a panic beyond a million characters of it. Cut
at a multiple of 128, the size of the longest such token, spaces give the same tokens."""
SHORT = 512
"""Texts up to this many characters are remembered by themselves, longer ones by their digest."""
REMEMBERED = 20_000

_TOO_MUCH_SPACE = re.compile(rf"(?<!\s)\s{{{MOST_SPACE}}}")

_loading = threading.RLock()
_encodings: dict[str, tiktoken.Encoding] = {}


def encoding(name: str) -> tiktoken.Encoding:
    """Return the encoding `o200k_base` or `cl100k_base`; loads it (about 0.2 s) at its first use."""
    found = _encodings.get(name)
    if found is None:
        with _loading:
            found = _encodings.get(name) or _load(name)
            _encodings[name] = found
    return found


warm = encoding


def _load(name: str) -> tiktoken.Encoding:
    from tiktoken_ext import openai_public

    build: Callable[[], dict[str, Any]] = getattr(openai_public, name)
    original = openai_public.load_tiktoken_bpe
    openai_public.load_tiktoken_bpe = lambda url, expected_hash=None: _ranks(name, expected_hash)
    try:
        return tiktoken.Encoding(**build())
    finally:
        openai_public.load_tiktoken_bpe = original


def _ranks(name: str, expected_hash: str | None) -> dict[bytes, int]:
    raw = official_ranks(name)
    if hashlib.sha256(raw).hexdigest() != expected_hash:
        raise RuntimeError(f"the token ranks of {name} are not the official ones; reinstall {RANKS_WHEEL}")
    fields = raw.split()
    count = len(fields) // 2
    # The official files count from 0 upwards without a gap; parsing the numbers would take 20 ms.
    ranks = range(count) if int(fields[-1]) == count - 1 else map(int, fields[1::2])
    return dict(zip(map(binascii.a2b_base64, fields[::2]), ranks, strict=True))


def official_ranks(name: str) -> bytes:
    """Return the ranks of an encoding as their official file has them: a token in base64 and its rank a line."""
    return gzip.decompress((_data_folder() / f"{name}.tiktoken.gz").read_bytes())


def _data_folder() -> Path:
    # The package itself is not imported: that takes half a second, and only its data is wanted.
    spec = importlib.util.find_spec(RANKS_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the wheel {RANKS_WHEEL}, which carries the token ranks, is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def encode(name: str, text: str) -> list[int]:
    """Return the tokens of `text`; what looks like a special token is plain text."""
    found: list[int] = []
    while len(text) > MOST_SPACE and (space := _TOO_MUCH_SPACE.search(text)):
        found += encoding(name).encode_ordinary(text[: space.end()])
        text = text[space.end() :]
    return found + encoding(name).encode_ordinary(text) if found else encoding(name).encode_ordinary(text)


def decode(name: str, ids: Sequence[int]) -> str:
    """Return the text of tokens; bytes that are no UTF-8 become U+FFFD."""
    return encoding(name).decode(list(ids))


def token_bytes(name: str, token: int) -> bytes:
    """Return the bytes of one token. Raises KeyError for an id outside the vocabulary."""
    return encoding(name).decode_single_token_bytes(token)


def exists(name: str, token: int) -> bool:
    """Return whether an id stands for a token: the vocabularies have gaps near their ends."""
    try:
        encoding(name).decode_single_token_bytes(token)
    except (KeyError, OverflowError):
        return False
    return True


def vocabulary_size(name: str) -> int:
    """Return one more than the largest token id."""
    return encoding(name).n_vocab


def no_id(name: str, keys: Iterable[str]) -> str | None:
    """Return the first of some keys that is no token id written in digits; None if all are."""
    return next((key for key in keys if not _ID.fullmatch(key) or int(key) >= vocabulary_size(name)), None)


class _Counts:
    """A bounded memory of token counts: prompts repeat, and counting is the dear part of a long one.

    The text that was not asked for the longest is forgotten first. Threads may share it.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[tuple[str, str | bytes], int] = OrderedDict()

    def count(self, name: str, text: str) -> int:
        """Return the number of tokens of `text`. Repeated texts are counted once."""
        if not text:
            return 0
        short = len(text) <= SHORT
        key = (name, text if short else hashlib.blake2b(text.encode("utf-8", "surrogatepass")).digest())
        # Taken out and put back, a text is the youngest again; threads that meet here count twice at worst.
        count = self._known.pop(key, None)
        if count is None:
            count = len(encode(name, text))
            if len(self._known) >= self._size:
                self._known.popitem(last=False)
        self._known[key] = count
        return count


count = _Counts(REMEMBERED).count

"""JSON, in and out: the only place that encodes or decodes it."""

import json
from functools import lru_cache
from typing import Any

import orjson

Fault = orjson.JSONDecodeError


dumps = orjson.dumps
"""Encodes as compact UTF-8 JSON. Key order is kept; non-ASCII text is written as it is."""
loads = orjson.loads
"""Decodes strictly: no NaN, no Infinity, no invalid UTF-8, bounded nesting; of equal keys the last wins.

Raises `Fault` (a ValueError) on anything else.
"""


FEW = 64
"""Keys of an object that are counted one by one."""


def repeats(raw: bytes, value: dict[str, Any]) -> bool:
    """Return whether the text of an object, `value`, gives one of its own keys twice.

    Few keys are counted in the text; only where one is there more than once, as a key or else, it is read again.
    """
    if raw.count(b'":') == len(value):  # no other keys, so none twice
        return False
    if len(value) <= FEW:
        for key in value:
            if raw.count(_quoted(key)) > 1:
                break
        else:
            return False
    sizes = [0]  # of the objects in the text, the whole one last
    try:
        json.loads(raw, object_pairs_hook=lambda pairs: sizes.append(len(pairs)))
    except (ValueError, RecursionError):  # numbers and nesting beyond what this reader takes
        return False
    return sizes[-1] > len(value)


@lru_cache(maxsize=1024)
def _quoted(key: str) -> bytes:
    return dumps(key)


def dumps_text(value: Any) -> str:
    """Encode as a compact JSON string."""
    return orjson.dumps(value).decode()


def dumps_spaced(value: Any) -> str:
    """Encode with a space after colons and commas, as Python services do; non-ASCII text stays as it is."""
    return json.dumps(value, ensure_ascii=False)


def dumps_row(row: Any) -> bytes:
    """Encode a contiguous numpy row; float32 values print in their shortest form."""
    return orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY)


def canonical(value: Any) -> bytes:
    """Encode with sorted keys: equal values give equal bytes, whatever order their keys came in."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def pretty(value: Any) -> bytes:
    """Encode with an indent of two spaces, for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)

"""What kinds of files and pictures assistants take: told by the ends of their names (assistants.md §9.5)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from mockai import contents, retrieval
from mockai.call import Call
from mockai.wire.errors import ApiError

SEARCHED = frozenset(
    ".c .cpp .cs .css .doc .docx .go .html .java .js .json .md .pdf .php .pptx .py .rb .sh .tex .ts .txt".split()
)
PICTURES = (".jpeg", ".jpg", ".png", ".gif", ".webp")


def check_searched(call: Call, ids: Iterable[str]) -> None:
    """Refuse files that cannot be searched."""
    strange = [_end_of(call, id) for id in ids if not searched(call, id)]
    if strange:
        text = retrieval.NOT_FOR_RETRIEVAL.format(", ".join(dict.fromkeys(map(str, strange))))
        raise ApiError(400, text, param="file_ids", code="unsupported_file")


def searched(call: Call, id: str) -> bool:
    """Return whether a file can be searched; one without an extension is judged by its content, later."""
    end = _end_of(call, id)
    return not end or end in SEARCHED


def check_picture(call: Call, id: str) -> None:
    """Refuse a file that is no picture."""
    end = _end_of(call, id)
    if end is not None and end.lower() not in PICTURES:
        text = f"Expected file type to be a supported format: {', '.join(PICTURES)} but got {end}"
        raise ApiError(400, f"Invalid message content: {text}")


def check_url(call: Call, path: str, url: str) -> None:
    """Refuse an address that does not end as a picture's; `path` tells where it stood."""
    if call.settings.validate != "api" or url.partition("?")[0].lower().endswith(PICTURES):
        return
    # No source shows more of the text than its first words.
    text = f"Invalid '{path}'. Expected url to end in a supported format: {', '.join(PICTURES)}."
    raise ApiError(400, text, param=path, code="invalid_value")


def _end_of(call: Call, id: str) -> str | None:
    """Return how the name of a file ends, `.txt`; None for a file that is not there, or where nothing is refused."""
    file = contents.find(call, id) if call.settings.validate == "api" else None
    return None if file is None else PurePath(file["filename"]).suffix

"""What kinds of files and pictures assistants take: told by the ends of their names (assistants.md §9.5)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from mockai import contents
from mockai.call import Call
from mockai.wire.errors import ApiError

SEARCHED = frozenset(
    ".c .cpp .cs .css .doc .docx .go .html .java .js .json .md .pdf .php .pptx .py .rb .sh .tex .ts .txt".split()
)
PICTURES = (".jpeg", ".jpg", ".png", ".gif", ".webp")
GUIDE = "https://platform.openai.com/docs/assistants/tools/file-search/supported-files"


def check_searched(call: Call, ids: Iterable[str]) -> None:
    """Refuse files that cannot be searched; those that do not exist are none of them."""
    strange = [end for id in ids if (end := _end_of(call, id)) is not None and end not in SEARCHED]
    if strange:
        names = ", ".join(dict.fromkeys(end or "none" for end in strange))
        text = f"Files with extensions [{names}] are not supported for retrieval. See {GUIDE}"
        raise ApiError(400, text, param="file_ids", code="unsupported_file")


def check_picture(call: Call, id: str) -> None:
    """Refuse a file that is no picture."""
    end = _end_of(call, id)
    if end is not None and end not in PICTURES:
        text = f"Expected file type to be a supported format: {', '.join(PICTURES)} but got {end or 'none'}"
        raise ApiError(400, f"Invalid message content: {text}")


def check_url(call: Call, path: str, url: str) -> None:
    """Refuse an address that does not end as a picture's; `path` tells where it stood."""
    if call.settings.validate != "api" or url.partition("?")[0].lower().endswith(PICTURES):
        return
    # No source shows more of the text than its first words.
    text = f"Invalid '{path}'. Expected url to end in a supported format: {', '.join(PICTURES)}."
    raise ApiError(400, text, param=path, code="invalid_value")


def _end_of(call: Call, id: str) -> str | None:
    """Return how the name of a file ends, `.txt`; None where no file of its kind is refused."""
    file = contents.find(call, id) if call.settings.validate == "api" else None
    return None if file is None else PurePath(file["filename"]).suffix.lower()

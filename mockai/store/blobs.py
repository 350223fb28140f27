"""Contents: small ones are held as bytes, those above 1 MiB as files in a folder, read and written in chunks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mockai.clock import SystemClock

INLINE = 1024 * 1024
"""Bytes up to which a content is no file."""
CHUNK = 256 * 1024
STALE = 3600.0
"""Seconds after which a file that nothing names is the rest of a crash."""


class Folder:
    """The folder of the large contents; it exists from the first of them on."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep files in `path`, or in a folder of its own that goes with `close`."""
        self._path, self._own = path, path is None

    @property
    def path(self) -> Path:
        """Return the folder, made if need be."""
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="mockai-"))
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path

    def take(self, chunks: Iterable[bytes]) -> tuple[bytes | Path, int]:
        """Return a content as bytes, or as a new file when it is large, and its size in bytes."""
        held, size, source = [], 0, iter(chunks)
        for chunk in source:
            held.append(chunk)
            size += len(chunk)
            if size > INLINE:
                break
        else:
            return b"".join(held), size
        with tempfile.NamedTemporaryFile(dir=self.path, delete=False) as file:
            path = Path(file.name)
            try:
                file.writelines(held)
                for chunk in source:
                    file.write(chunk)
                    size += len(chunk)
            except BaseException:
                path.unlink()
                raise
        return path, size

    def sweep(self, named: Iterable[str]) -> None:
        """Remove files that nothing names and nobody is writing."""
        if self._path is None or not self._path.is_dir():
            return
        known, now = set(named), SystemClock().now()
        for file in self._path.iterdir():
            if file.name not in known and now - file.stat().st_mtime > STALE:
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder if it was made here."""
        if self._own and self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None


def pour(content: bytes | Path, start: int) -> Iterator[bytes]:
    """Return a content in chunks. A file is opened at once, so that a deletion does not cut the reading."""
    if isinstance(content, bytes):
        return iter([content[start:]] if len(content) > start else [])
    file = content.open("rb")
    file.seek(start)
    return _chunks(file)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk

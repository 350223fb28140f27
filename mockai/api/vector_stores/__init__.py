"""Vector stores, their files, batches of files, and search (vector_stores.md)."""

from dataclasses import replace

from mockai.api.vector_stores import file_batches, files, search, stores
from mockai.api.vector_stores.found import admit

OPERATIONS = tuple(
    replace(operation, admit=admit)
    for operation in (*stores.OPERATIONS, *search.OPERATIONS, *files.OPERATIONS, *file_batches.OPERATIONS)
)

__all__ = ["OPERATIONS"]

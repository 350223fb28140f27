"""Vector stores, their files, batches of files, and search (vector_stores.md)."""

from mockai.api.vector_stores import file_batches, files, search, stores

OPERATIONS = (*stores.OPERATIONS, *search.OPERATIONS, *files.OPERATIONS, *file_batches.OPERATIONS)

__all__ = ["OPERATIONS"]

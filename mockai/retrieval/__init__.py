"""Vector stores as every resource uses them: make, find, attach, search.

What the endpoints of vector stores answer, what `tool_resources` of a thread makes and what `file_search` looks in
are the same stores. Here lies what they are and do; `mockai/api/vector_stores` is their endpoints.
"""

from mockai.retrieval.filters import FILTERS
from mockai.retrieval.objects import ATTRIBUTES, CHUNKING, EXPIRES_AFTER
from mockai.retrieval.search import Hit, search
from mockai.retrieval.stores import NOT_FOR_RETRIEVAL, attach, create, detach, find, forget, holds, unknown

__all__ = [
    "ATTRIBUTES",
    "CHUNKING",
    "EXPIRES_AFTER",
    "FILTERS",
    "NOT_FOR_RETRIEVAL",
    "Hit",
    "attach",
    "create",
    "detach",
    "find",
    "forget",
    "holds",
    "search",
    "unknown",
]

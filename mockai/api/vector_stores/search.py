"""Search in a vector store (vector_stores.md §5)."""

from __future__ import annotations

import re
from typing import Any

from mockai import retrieval
from mockai.api.vector_stores.found import always, store_of
from mockai.call import Call, Json, Operation
from mockai.engine.topics import COMMON
from mockai.retrieval import FILTERS, Hit
from mockai.retrieval.search import MOST
from mockai.wire import errors
from mockai.wire.schema import Array, Bool, Decimal, Enum, Int, Object, OneOf, Str

SEARCH = Object(
    {
        "query": OneOf(Str(), Array(Str(), min_length=1, of="strings")),
        "rewrite_query": Bool(),
        "max_num_results": Int(1, MOST),
        "filters": FILTERS,
        "ranking_options": Object(
            {"ranker": Enum("none", "auto", "default-2024-11-15"), "score_threshold": Decimal(0, 1)}
        ),
    },
    required=("query",),
)
DEFAULT = 10
_WORDS = re.compile(r"[\w'’-]+")


def search(call: Call) -> Json:
    """Return the chunks that answer best, the best first; `page` in the query goes on where an answer ended."""
    body, store = call.body, store_of(call)
    asked = body["query"]
    queries = [asked] if isinstance(asked, str) else asked
    if body.get("rewrite_query"):
        queries = [rewritten(query) for query in queries]
    limit = min(MOST, max(1, body.get("max_num_results") or DEFAULT))
    skip = _skip(call)
    ranking = body.get("ranking_options") or {}
    hits = (
        retrieval.search(
            call,
            [store["id"]],
            queries,
            limit=limit + 1,
            filters=body.get("filters"),
            ranker=ranking.get("ranker") or "auto",
            threshold=ranking.get("score_threshold") or 0.0,
            skip=skip,
        )
        if store is not None and queries
        else []
    )
    more = len(hits) > limit
    return {
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": [_shown(hit) for hit in hits[:limit]],
        "has_more": more,
        "next_page": f"page_{skip + limit}" if more else None,
    }


def rewritten(query: str) -> str:
    """Return a question as what it looks for: without the words that say little."""
    kept = [word for word in _WORDS.findall(query) if word.lower() not in COMMON]
    return " ".join(kept) or query


def _skip(call: Call) -> int:
    given = (call.query.get("page") or [""])[0]
    if not given:
        return 0
    number = given.removeprefix("page_")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise errors.ApiError(400, f"Invalid 'page': '{given}'.", param="page", code="invalid_value")
    return int(number)


def _shown(hit: Hit) -> dict[str, Any]:
    return {
        "file_id": hit.file_id,
        "filename": hit.filename,
        "score": hit.score,
        "attributes": hit.attributes,
        "content": [{"type": "text", "text": hit.text}],
    }


OPERATIONS = (
    Operation(
        "POST", "/vector_stores/{vector_store_id}/search", search, "vector_stores.search", body=SEARCH, weigh=always
    ),
)

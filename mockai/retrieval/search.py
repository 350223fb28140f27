"""Search: the chunks that answer best, across several stores (vector_stores.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mockai.call import Call, Json
from mockai.retrieval import life
from mockai.retrieval.filters import holds
from mockai.retrieval.objects import expiry, put_store
from mockai.retrieval.stores import usable

MOST = 50
"""Results of one search."""
# How much the vector and the shared words weigh. Without a ranker the vector decides alone.
WEIGHTS = {"none": (1.0, 0.0)}
RANKED = (0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found."""

    store_id: str
    file_id: str
    filename: str
    score: float
    """0 to 1."""
    text: str
    attributes: Json


def search(
    call: Call,
    store_ids: Iterable[str],
    queries: Sequence[str],
    *,
    limit: int = 10,
    filters: Any = None,
    ranker: str = "auto",
    threshold: float = 0.0,
    weights: tuple[float, float] | None = None,
    skip: int = 0,
) -> list[Hit]:
    """Return the chunks that answer one of `queries` best, the best first, at most `limit` after the first `skip`.

    `filters` looks at the attributes of files, `threshold` is the least score, `weights` are those of vectors and
    words in place of the ranker's. What is not indexed yet is not found. The stores are used, so their expiry moves.
    Raises the API's error for an unknown or an expired store. Not to be called inside a transaction.
    """
    import numpy as np  # takes a while to load

    from mockai.retrieval.shelf import shelf_of

    weights = weights or WEIGHTS.get(ranker, RANKED)
    found: list[tuple[float, str, Json, tuple[int, int]]] = []
    for store_id in dict.fromkeys(store_ids):
        life.finish(call, store_id)
        shelf = shelf_of(call, _touch(call, store_id))
        if not len(shelf.owners):
            continue
        scores = np.max([shelf.scores(query, weights) for query in queries], axis=0)
        if filters is not None:
            passing = np.array([holds(filters, record["shown"]["attributes"]) for record in shelf.files])
            scores[~passing[shelf.owners]] = -1.0
        best = np.argsort(-scores, kind="stable")[: limit + skip]
        for at in best[scores[best] >= threshold].tolist():
            start, end = shelf.spans[at].tolist()
            found.append((float(scores[at]), store_id, shelf.files[shelf.owners[at]], (start, end)))
    found.sort(key=lambda entry: -entry[0])
    hits = (_hit(call, *entry) for entry in found[skip : skip + limit])
    return [hit for hit in hits if hit.text]  # the text of a file that is taken out meanwhile is gone


def _touch(call: Call, store_id: str) -> Json:
    """Note that a store is used now, and return its record."""
    with call.store.transaction():
        store = usable(call, store_id)
        shown = store["shown"]
        if shown["last_active_at"] != call.created:
            shown["last_active_at"] = call.created
            shown["expires_at"] = expiry(shown["expires_after"], call.created)
            put_store(call, store)
        return store


def _hit(call: Call, score: float, store_id: str, record: Json, span: tuple[int, int]) -> Hit:
    shown = record["shown"]
    text = text_of(call, record, *span)
    return Hit(store_id, shown["id"], record["filename"], score, text, shown["attributes"])


def text_of(call: Call, record: Json, start: int = 0, end: int | None = None) -> str:
    """Return the text of a file in a store, or a part of it by bytes; empty when it is gone."""
    wanted, found = None if end is None else end - start, bytearray()
    for chunk in call.store.read(call.tenant, f"{record['blob']}/text", start) or ():
        found += chunk
        if wanted is not None and len(found) >= wanted:
            break
    return found[:wanted].decode("utf-8", "replace")

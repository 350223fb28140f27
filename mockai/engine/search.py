"""Web search answers: a citation with a link, as the search models give it. Nothing is ever looked up."""

from __future__ import annotations

from typing import Any

from mockai.engine import tokens
from mockai.engine.mentions import words
from mockai.engine.plan import Choice, Request

Json = dict[str, Any]


def annotate(choice: Choice, request: Request) -> list[Json]:
    """Add a cited link to the text of a search model, and return its annotations.

    JSON stays JSON, a text that was to end at stop strings ends there, and no link goes beyond the limit.
    """
    formed = (request.body.get("response_format") or {}).get("type") in ("json_object", "json_schema")
    if choice.calls or choice.refusal or choice.finish != "stop" or formed or request.stop:
        return []
    choice.logprobs = None  # search models give none
    topic = "-".join(words(request.last_user)[:6]) or "news"
    url = f"https://example.com/{topic}?utm_source=openai"
    title = topic.replace("-", " ").capitalize()
    text = choice.text
    link = f" ([example.com]({url}))"
    encoding = request.model.encoding
    added = tokens.encode(encoding, link)
    if choice.tokens + len(added) > request.limit:
        return []
    choice.pieces = [*choice.pieces, *(tokens.token_bytes(encoding, token) for token in added)]
    choice.tokens += len(added)
    citation = {"end_index": len(text) + len(link), "start_index": len(text) + 1, "title": title, "url": url}
    return [{"type": "url_citation", "url_citation": citation}]

"""Batches: files of requests, run line by line through the same operations as live ones (batches.md)."""

from mockai.api.batches.batches import OPERATIONS

__all__ = ["OPERATIONS"]

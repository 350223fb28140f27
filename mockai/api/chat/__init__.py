"""Chat: completions, and those that were stored."""

from mockai.api.chat.completions import OPERATIONS

__all__ = ["OPERATIONS"]

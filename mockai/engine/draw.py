"""The one seed: keys derived from what determines an answer, and draws from a key.

Nothing here depends on the process, the machine or the hash seed of the interpreter.
"""

import hashlib
import marshal
import random

BLOCK = 64
"""Bytes of a block: what one round of the hash gives."""


def key(*parts: bytes | str | int) -> bytes:
    """Return 16 bytes that depend on every part and on the borders between them."""
    # Format 2 writes kinds, lengths and values, and nothing of where or how often they lie in memory.
    return hashlib.blake2b(marshal.dumps(parts, 2), digest_size=16).digest()


def block(of: bytes, number: int) -> bytes:
    """Return `BLOCK` uniform bytes; the blocks of a key are its endless stream."""
    return hashlib.blake2b(of + number.to_bytes(4, "big")).digest()


def stream(of: bytes, size: int) -> bytes:
    """Return `size` uniform bytes; a longer stream of the same key starts with the shorter one."""
    return hashlib.shake_128(of).digest(size)


class Draw(random.Random):
    """Draws from one key: `random()`, `randrange()`, `choice()`, `shuffle()` … repeat for the same key."""

    def __init__(self, *parts: bytes | str | int) -> None:
        """Seed from `parts`, as `key` does."""
        super().__init__(int.from_bytes(key(*parts), "big"))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.random() < probability

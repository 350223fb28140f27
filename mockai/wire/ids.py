"""Object ids: the real prefixes and alphabets, drawn from a seed, a tenant and a counter.

Id formats: chat.md §2, files.md §1 and §5, batches.md §2, fine_tuning.md §3, assistants.md §2.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TO_BASE62 = bytes(ord(BASE62[byte % 62]) for byte in range(256))
_EPOCH = 1_576_800_000  # completion ids count their seconds from here


@lru_cache(maxsize=64)
def stamp(created: int) -> str:
    """Return the five base-62 characters that open a completion id: seconds since 2019-12-20."""
    left, digits = max(0, created - _EPOCH), ""
    for _ in range(5):
        left, digit = divmod(left, 62)
        digits = BASE62[digit] + digits
    return digits


IN_A_BLOCK, ID_BYTES = 64, 32


class Ids:
    """Makes the ids of one tenant. The same seed, tenant and count give the same id again.

    `count` returns the next number of the tenant's counter; no number is returned twice. The bytes of 64 ids in a
    row are drawn at once.
    """

    __slots__ = ("_count", "_drawn", "_key")

    def __init__(self, seed: int, tenant: str, count: Callable[[], int]) -> None:
        """Bind the maker to a server seed, a tenant and its counter."""
        self._key = hashlib.blake2b(f"{seed}\x00{tenant}".encode(), digest_size=32).digest()
        self._count = count
        self._drawn = (-1, b"")

    def _digest(self, size: int) -> bytes:
        block, place = divmod(self._count(), IN_A_BLOCK)
        known, drawn = self._drawn
        if known != block:
            drawn = hashlib.shake_128(self._key + block.to_bytes(8, "big")).digest(IN_A_BLOCK * ID_BYTES)
            self._drawn = (block, drawn)
        return drawn[place * ID_BYTES : place * ID_BYTES + size]

    def alnum(self, prefix: str, size: int = 24) -> str:
        """Return `prefix` and `size` base-62 characters: `asst_`, `run_`, `file-`, `ftjob-` and so on."""
        return prefix + self._digest(size).translate(TO_BASE62).decode()

    def hex(self, prefix: str = "", size: int = 32) -> str:
        """Return `prefix` and `size` lower-case hexadecimal digits: `req_`, `vs_`, `audio_` and so on."""
        return prefix + self._digest((size + 1) // 2).hex()[:size]

    def dated_hex(self, prefix: str, created: int) -> str:
        """Return `prefix`, `created` in eight hexadecimal digits, and 24 more (`batch_`, `upload_`)."""
        return f"{prefix}{created & 0xFFFFFFFF:08x}{self._digest(12).hex()}"

    def completion(self, prefix: str, created: int) -> str:
        """Return a `chatcmpl-` or `cmpl-` id: a base-62 time stamp of five characters and 24 random ones."""
        return prefix + stamp(created) + self._digest(24).translate(TO_BASE62).decode()

    def decimal(self, prefix: str) -> str:
        """Return `prefix` and a decimal number of three or four digits (`modr-7401`)."""
        return f"{prefix}{100 + int.from_bytes(self._digest(4), 'big') % 9900}"

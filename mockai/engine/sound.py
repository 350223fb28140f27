"""Containers of sound: 16-bit mono samples as WAV and FLAC, silence as Ogg Opus (RFC 9639, RFC 7845)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache

BLOCK = 4096
"""Samples of a FLAC frame."""
OPUS_SILENCE, OPUS_SAMPLES = b"\xf8\xff\xfe", 960
"""One packet, mono, and the samples that it lasts at 48 kHz: 20 ms."""
PAGE = 50
"""Packets of an Ogg page."""


def pcm(samples: Sequence[int]) -> bytes:
    """Return little-endian samples without a container."""
    return struct.pack(f"<{len(samples)}h", *samples)


def wav(samples: Sequence[int], rate: int) -> bytes:
    """Return a RIFF file."""
    data = pcm(samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return b"".join(
        (struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE"), form, struct.pack("<4sI", b"data", len(data)), data)
    )


def flac(samples: Sequence[int], rate: int) -> bytes:
    """Return a FLAC file whose frames hold the samples as they are."""
    packed = rate << 44 | 15 << 36 | len(samples)  # rate, one channel, 16 bits, number of samples
    about = struct.pack(">HH6xQ16x", BLOCK, BLOCK, packed)
    frames = [
        _flac_frame(number, samples[first : first + BLOCK])
        for number, first in enumerate(range(0, len(samples), BLOCK))
    ]
    return b"".join((b"fLaC\x80", struct.pack(">I", len(about))[1:], about, *frames))


def _flac_frame(number: int, samples: Sequence[int]) -> bytes:
    head = b"\xff\xf8\x70\x08" + chr(number).encode() + struct.pack(">H", len(samples) - 1)
    head += bytes([_crc(8, 0x07, head)])
    frame = head + b"\x02" + struct.pack(f">{len(samples)}h", *samples)
    return frame + struct.pack(">H", _crc(16, 0x8005, frame))


def opus(seconds: float) -> bytes:
    """Return an Ogg Opus file of silence."""
    packets = max(1, round(seconds * 48_000 / OPUS_SAMPLES))
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 312, 24_000, 0, 0)
    tags = struct.pack("<8sI6sI", b"OpusTags", 6, b"mockai", 0)
    pages = [_ogg_page(0, 2, 0, [head]), _ogg_page(1, 0, 0, [tags])]
    for first in range(0, packets, PAGE):
        count = min(PAGE, packets - first)
        last = first + count
        pages.append(_ogg_page(len(pages), 4 * (last == packets), last * OPUS_SAMPLES, [OPUS_SILENCE] * count))
    return b"".join(pages)


def _ogg_page(number: int, kind: int, position: int, packets: Sequence[bytes]) -> bytes:
    """Return a page of packets that are shorter than 255 bytes; kind 2 begins a stream, 4 ends it."""
    fields = (b"OggS", 0, kind, position, 1, number)
    tail = bytes([len(packets), *map(len, packets)]) + b"".join(packets)
    check = _crc(32, 0x04C11DB7, struct.pack("<4sBBqIII", *fields, 0) + tail)
    return struct.pack("<4sBBqIII", *fields, check) + tail


def _crc(bits: int, polynomial: int, data: bytes) -> int:
    """Return a checksum, most significant bit first, from 0 on."""
    table, shift, mask, value = _crc_table(bits, polynomial), bits - 8, (1 << bits) - 1, 0
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> shift ^ byte]
    return value


@cache
def _crc_table(bits: int, polynomial: int) -> tuple[int, ...]:
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)

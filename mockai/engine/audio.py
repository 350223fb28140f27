"""Spoken answers: short, playable sounds made on the fly, one soft tone a word."""

from __future__ import annotations

import base64
import math
from functools import lru_cache

from mockai.engine import sound
from mockai.engine.draw import Draw

RATE = 24_000
TONE, GAP = 0.06, 0.02  # seconds
MOST_WORDS = 40

# MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono: the header of a frame, whose zeroed rest decodes to silence.
_MP3_HEADER, _MP3_FRAME, _MP3_SECONDS = b"\xff\xfb\x90\xc4", 417, 1152 / 44_100
# AAC-LC, 24 kHz, mono, in ADTS framing: one silent frame.
_AAC_FRAME = b"\xff\xf1\x58\x40\x01\xbf\xfc\x21\x10\x04\x60\x8c\x1c"


@lru_cache(maxsize=64)
def speak(text: str, form: str) -> str:
    """Return base64 audio for a text: tones as `wav`, `pcm16` and `flac`, silence as `mp3`, `aac` and `opus`.

    The length is that of the words, at most a few seconds.
    """
    samples = _tones(text)
    seconds = len(samples) / RATE
    raw = {
        "pcm16": lambda: sound.pcm(samples),
        "flac": lambda: sound.flac(samples, RATE),
        "opus": lambda: sound.opus(seconds),
        "mp3": lambda: (_MP3_HEADER + bytes(_MP3_FRAME - 4)) * max(1, round(seconds / _MP3_SECONDS)),
        "aac": lambda: _AAC_FRAME * max(1, round(seconds * RATE / 1024)),
    }.get(form, lambda: sound.wav(samples, RATE))()
    return base64.b64encode(raw).decode()


def _tones(text: str) -> list[int]:
    samples: list[int] = []
    size, silence = int(TONE * RATE), [0] * int(GAP * RATE)
    for word in text.split()[:MOST_WORDS] or [""]:
        pitch = 180 * 2 ** (Draw("tone", word).randrange(12) / 12)
        step = 2 * math.pi * pitch / RATE
        samples += [round(6000 * math.sin(step * at) * math.sin(math.pi * at / size)) for at in range(size)]
        samples += silence
    return samples

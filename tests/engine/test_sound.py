"""Containers of sound: checksums against their published check values, and samples that come back."""

import io
import struct
import wave

import pytest

from mockai.engine import sound

SAMPLES = [(at * 37) % 12_000 - 6000 for at in range(sound.BLOCK + 100)]
HEAD, FRAME_HEAD = 4 + 4 + 34, 4 + 1 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("bits", "polynomial", "value"), [(8, 0x07, 0xF4), (16, 0x8005, 0xFEE8), (32, 0x04C11DB7, 0x89A1897F)]
)
def test_checksums(bits: int, polynomial: int, value: int) -> None:
    assert sound._crc(bits, polynomial, b"123456789") == value


def test_a_wav_file_holds_the_samples() -> None:
    with wave.open(io.BytesIO(sound.wav(SAMPLES, 24_000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(len(SAMPLES)) == sound.pcm(SAMPLES)


def test_a_flac_file_holds_the_samples() -> None:
    raw = sound.flac(SAMPLES, 24_000)
    assert raw[:8] == b"fLaC\x80\0\0\x22"
    (packed,) = struct.unpack_from(">Q", raw, 18)
    assert (packed >> 44, packed >> 41 & 7, packed >> 36 & 31, packed & 0xFFFFFFFFF) == (24_000, 0, 15, len(SAMPLES))
    found: list[int] = []
    at = HEAD
    while at < len(raw):
        count = struct.unpack_from(">H", raw, at + 5)[0] + 1
        found += struct.unpack_from(f">{count}h", raw, at + FRAME_HEAD)
        end = at + FRAME_HEAD + 2 * count
        assert sound._crc(16, 0x8005, raw[at : end + 2]) == 0
        at = end + 2
    assert found == SAMPLES


def test_an_opus_file_lasts_as_long_as_it_says() -> None:
    raw = sound.opus(2.0)
    pages = [at for at in range(len(raw)) if raw.startswith(b"OggS", at)]
    assert raw[pages[0] + 28 :].startswith(b"OpusHead")
    assert raw[pages[1] + 28 :].startswith(b"OpusTags")
    positions = [struct.unpack_from("<q", raw, at + 6)[0] for at in pages]
    assert positions == [0, 0, 48_000, 96_000]
    assert [raw[at + 5] for at in pages] == [2, 0, 0, 4]

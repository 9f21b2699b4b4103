"""Several pictures one after the other: where each ends."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from imagefiles import encoded, noise
from PIL import Image

from waldo_cli.inputs.stream import pictures

KINDS = {
    "PNG": {},
    "JPEG": {"progressive": True},
    "GIF": {},
    "WEBP": {"lossless": True},
    "BMP": {},
    "PPM": {},
    "TIFF": {"compression": "tiff_deflate"},
    "AVIF": {},
    "JPEG2000": {},
}
LIMIT = 1 << 28


def drawn(kind: str, count: int = 4) -> list[bytes]:
    return [
        encoded(
            Image.fromarray((noise(20 + n, 30, seed=n) * 255).astype(np.uint8)), kind, **KINDS[kind]
        )
        for n in range(count)
    ]


def reader(data: bytes, step: int) -> Callable[[int], bytes]:
    file = io.BytesIO(data)
    return lambda size: file.read(min(size, step))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 13, 1 << 20])
def test_pictures_are_told_apart_however_they_come(kind: str, step: int) -> None:
    whole = drawn(kind)
    got = list(pictures(reader(b"".join(whole), step), LIMIT))
    assert [data for data, _ in got] == whole
    assert [more for _, more in got] == [True, True, True, False]


def test_kinds_may_differ() -> None:
    whole = [drawn(kind, 1)[0] for kind in (*KINDS, *reversed(KINDS))]
    assert [data for data, _ in pictures(reader(b"".join(whole), 99), LIMIT)] == whole


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_and_is_no_picture_belongs_to_the_last(kind: str) -> None:
    data = drawn(kind, 1)[0] + b"\0\0\0\x18ftypmp42 and so on"
    assert list(pictures(reader(data, 50), LIMIT)) == [(data, False)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_ends_within_a_picture_gives_what_has_come(kind: str) -> None:
    first, second = drawn(kind, 2)
    for cut in (17, len(second) // 2, len(second) - 1):
        got = [data for data, _ in pictures(reader(first + second[:cut], 64), LIMIT)]
        assert got == [first, second[:cut]], cut


@pytest.mark.parametrize(
    "data", [b"", b"text", b"II*\0" + bytes(99), b"%PDF-1.7", b"BM" + bytes(60)]
)
def test_what_has_no_end_of_its_own_is_one(data: bytes) -> None:
    assert list(pictures(reader(data * 1, 5), LIMIT)) == [(data, False)]


@pytest.mark.parametrize(
    "mark", [b"\xe2MPF\0", b"\xe1http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version=1/>"]
)
def test_the_second_jpeg_of_a_phone_is_no_picture_of_the_stream(mark: bytes) -> None:
    first, second = drawn("JPEG", 2)
    segment = b"\xff" + mark[:1] + (len(mark) + 1).to_bytes(2, "big") + mark[1:]
    data = first[:2] + segment + first[2:] + second
    assert list(pictures(reader(data, 64), LIMIT)) == [(data, False)]


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_picture_beyond_the_limit_no_more_is_read(kind: str) -> None:
    first = drawn(kind, 1)[0]
    read = 0

    def endless(size: int) -> bytes:
        nonlocal read
        read += size
        return (first[:20] + b"\1" * size)[:size] if read == size else b"\1" * size

    ((data, more),) = pictures(endless, 100_000)
    assert (len(data), more) == (100_001, False)
    assert read < 300_000


def test_a_picture_is_given_before_the_next_has_come_whole() -> None:
    first, second = drawn("PNG", 2)
    asked = []

    def slow(size: int) -> bytes:
        asked.append(size)
        return [first, second[:16], second[16:], b""][len(asked) - 1]

    stream = pictures(slow, LIMIT)
    assert next(stream) == (first, True)
    assert len(asked) == 2

"""Several pictures one after the other: where each ends."""

from __future__ import annotations

import io
import struct
import tracemalloc
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


@pytest.mark.parametrize("step", [1, 1 << 20])
def test_white_space_between_pictures_of_netpbm_is_passed_over(step: int) -> None:
    whole = drawn("PPM")
    got = list(pictures(reader(b" \r\n".join(whole) + b"\n\n", step), LIMIT))
    assert [data.rstrip(b" \r\n") for data, _ in got] == [data.rstrip(b" \r\n") for data in whole]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "jpeg", "tiff_deflate"])
@pytest.mark.parametrize("size", [(20, 30), (33, 47)])
def test_files_of_several_pages_are_told_apart(compression: str, size: tuple[int, int]) -> None:
    pages = [Image.fromarray((noise(*size, seed=n) * 255).astype(np.uint8)) for n in range(3)]
    pages[0].getexif()[0x9003] = "2020:01:01 00:00:00"
    options = {"save_all": True, "append_images": pages[1:], "compression": compression}
    book = encoded(pages[0], "TIFF", **options)
    whole = [book, *drawn("PNG", 1), book, *drawn("AVIF", 1), book]
    got = list(pictures(reader(b"".join(whole), 777), LIMIT))
    assert [data for data, _ in got] == whole


def tiff_of(directories: list[list[tuple[int, int, int, int]]]) -> bytes:
    """A TIFF of empty directories, each behind the one before: tag, type, number, value."""
    data, at = b"II*\0" + struct.pack("<I", 8), 8
    for n, entries in enumerate(directories, 1):
        at += 2 + 12 * len(entries) + 4
        data += struct.pack("<H", len(entries))
        data += b"".join(struct.pack("<HHII", *entry) for entry in entries)
        data += struct.pack("<I", at if n < len(directories) else 0)
    return data


def test_directories_that_a_page_points_to_belong_to_it() -> None:
    exif = 8 + 2 + 2 * 12 + 4
    data = bytearray(tiff_of([[(256, 3, 1, 5), (34665, 4, 1, exif)]]))
    data += struct.pack("<HHHIII", 1, 36867, 2, 20, exif + 18, 0) + b"2020:01:01 00:00:00\0"
    whole = [bytes(data), *drawn("PNG", 1)]
    assert [d for d, _ in pictures(reader(b"".join(whole), 99), LIMIT)] == whole


@pytest.mark.parametrize(
    "strange",
    [
        tiff_of([[(65000 + n, 1, 2000, 0) for n in range(500)]]),  # one place, named by many tags
        tiff_of([[(330, 4, 400_000, 8)]]),
        tiff_of([[(256, 3, 1, 5)]] * 20_000),
        tiff_of([[(273, 4, 1, 0xFFFFFFF0), (279, 4, 1, 0xFFFFFFF0)]]),
        b"\0\0\0\x1cftypavif" + b"\0" * 16 + b"\0\0\0\x08free" * 20_000,
    ],
)
def test_strange_ends_take_little_time_and_memory(strange: bytes) -> None:
    tracemalloc.start()
    try:
        got = list(pictures(reader(strange, 1 << 16), LIMIT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert b"".join(data for data, _ in got) == strange
    assert peak < 20 * len(strange) + (1 << 21)


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

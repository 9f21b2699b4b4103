"""Pages of a TIFF, cut out as files of their own."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from imagefiles import encoded, noise, tiff
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import TruncatedError
from waldo_cli.images.load import load_image
from waldo_cli.images.pages import contents
from waldo_cli.images.tiff import Page, cut_out, pages

LIMIT = 1 << 28


def book(count: int = 3, **options: object) -> bytes:
    mode = "1" if options.get("compression") == "group4" else "RGB"
    drawn = [
        Image.fromarray((noise(50 + n, 70, seed=n) * 255).astype(np.uint8)).convert(mode)
        for n in range(count)
    ]
    return encoded(drawn[0], "TIFF", save_all=True, append_images=drawn[1:], **options)


@pytest.mark.parametrize(
    "compression", [None, "tiff_deflate", "tiff_lzw", "jpeg", "packbits", "group4"]
)
@pytest.mark.parametrize("big", [False, True])
def test_a_page_cut_out_is_the_page(compression: str | None, big: bool) -> None:
    data = book(compression=compression, big_tiff=big)
    directories = pages(io.BytesIO(data))
    for number, directory in enumerate(directories):
        alone = cut_out(io.BytesIO(data), directory, LIMIT)
        assert len(pages(io.BytesIO(alone))) == 1
        assert len(alone) < len(data) / 2
        whole = Image.open(io.BytesIO(data))
        whole.seek(number)
        expected = np.asarray(whole.convert("RGB"), np.float32) / 255
        np.testing.assert_allclose(load_image(alone), expected, atol=1e-6)
    assert len(directories) == 3


def directory(file: bytes, position: int) -> list[tuple[int, int, int, int]]:
    (count,) = struct.unpack_from("<H", file, position)
    return [struct.unpack_from("<HHII", file, position + 2 + 12 * n) for n in range(count)]


def marked(data: bytes, page: int, tag: int, value: int) -> bytes:
    """Put a tag in the place of the width's, whose page is then no use but as an example."""
    position = places(data)[page]
    return data[: position + 2] + struct.pack("<HHII", tag, 4, 1, value) + data[position + 14 :]


def places(data: bytes) -> list[int]:
    """Where the directories of the pages are."""
    return [page.directory for page in pages(io.BytesIO(data))]


KINDS = [
    (254, 0, True),
    (254, 2, True),
    (254, 1, False),
    (254, 4, False),
    (255, 2, False),
    (255, 3, True),
]


@pytest.mark.parametrize(("tag", "value", "is_page"), KINDS)
def test_reduced_copies_and_masks_are_no_pages(tag: int, value: int, is_page: bool) -> None:
    data = marked(book(), 1, tag, value)
    assert len(pages(io.BytesIO(data))) == 2 + is_page


@pytest.mark.parametrize(("tag", "value"), [(50706, 0x101), (262, 32803), (262, 34892)])
def test_a_raw_file_has_no_pages(tag: int, value: int) -> None:
    data = book()
    assert pages(io.BytesIO(marked(data, 1, tag, value))) == []
    assert pages(io.BytesIO(data[:8] + b"CR" + data[10:])) == []


def test_a_file_of_reduced_copies_only_has_its_first_page() -> None:
    data = book(2)
    for page in (1, 0):
        data = marked(data, page, 254, 1)
    assert len(pages(io.BytesIO(data))) == 1


def test_a_chain_that_leads_in_a_circle_or_nowhere_ends(tmp_path: Path) -> None:
    data = bytearray(book(3))
    first, second, third = places(bytes(data))
    (count,) = struct.unpack_from("<H", data, third)
    for target in (first, second, third, len(data) + 5, 0xFFFFFFFF):
        struct.pack_into("<I", data, third + 2 + 12 * count, target)
        assert places(bytes(data)) == [first, second, third], target
    assert pages(io.BytesIO(b"II*\0")) == []
    far = b"II+\0\x08\0\0\0" + b"\xff" * 40
    assert pages(io.BytesIO(far)) == []
    with (tmp_path / "far.tif").open(
        "w+b"
    ) as file:  # where it may not seek beyond what a disk can hold
        file.write(far)
        assert pages(file) == []


def test_a_page_that_the_file_cuts_off_stays_cut_off() -> None:
    data = book()
    last = places(data)[-1]
    strip = {tag: value for tag, _, _, value in directory(data, last)}
    # The strip is moved to the end, where a part of it is missing.
    moved = data + data[strip[273] : strip[273] + strip[279] // 2]
    where = next(n for n, entry in enumerate(directory(data, last)) if entry[0] == 273)
    at = last + 2 + 12 * where + 8
    moved = moved[:at] + struct.pack("<I", len(data)) + moved[at + 4 :]
    alone = cut_out(io.BytesIO(moved), Page(last), LIMIT)
    with pytest.raises(ImageError, match="truncated TIFF"):
        load_image(alone)
    assert load_image(alone, allow_truncated=True).shape == (52, 70, 3)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg"])
def test_of_a_cut_file_a_page_has_all_its_pixels_or_is_called_truncated(compression: str) -> None:
    data = book(2, compression=compression)
    whole = load_image(data, page=2)
    for size in range(places(data)[1] + 100, len(data)):
        with contextlib.suppress(TruncatedError):
            np.testing.assert_array_equal(load_image(data[:size], page=2), whole, str(size))


def test_a_page_beyond_the_limit_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waldo_cli.images.tiff.MAX_FILE_BYTES_EVER", 1000)
    data = book()
    with pytest.raises(ImageError, match="a page of more than 0 MiB; --max-pixels raises this"):
        cut_out(io.BytesIO(data), pages(io.BytesIO(data))[0], 1000)


def test_strips_that_share_their_bytes_count_each() -> None:
    """A small file whose page claims gigabytes: one strip of a kilobyte, a hundred thousand times."""
    strips = 100_000
    offsets = struct.pack(f"<{strips}I", *[8] * strips)
    counts = struct.pack(f"<{strips}I", *[10_000] * strips)
    head = 8 + 10_000
    entries = struct.pack("<HHIIHHII", 273, 4, strips, head, 279, 4, strips, head + len(offsets))
    end = head + len(offsets) + len(counts)
    file = b"II*\0" + struct.pack("<I", end) + bytes(10_000) + offsets + counts
    file += struct.pack("<H", 2) + entries + bytes(4)
    with pytest.raises(ImageError, match="a page of more than"):
        cut_out(io.BytesIO(file), Page(end), LIMIT)


def test_without_lengths_of_strips_the_whole_file_goes_along() -> None:
    data = book(compression=None)
    second = places(data)[1]
    at = second + 2 + 12 * next(n for n, e in enumerate(directory(data, second)) if e[0] == 279)
    bare = data[:at] + struct.pack("<HHII", 65000, 4, 1, 0) + data[at + 12 :]
    alone = cut_out(io.BytesIO(bare), Page(second), LIMIT)
    assert len(alone) == len(bare)
    assert places(alone)[0] == second
    with pytest.raises(ImageError, match="larger than"):
        cut_out(io.BytesIO(bare), Page(second), 1000)


def test_a_tiff_of_one_page_made_by_hand_is_cut_out_as_it_is() -> None:
    samples = (noise(8, 9) * 255).astype(np.uint8)
    for order in ("<", ">"):
        data = tiff(samples, 2, order=order)
        (only,) = pages(io.BytesIO(data))
        np.testing.assert_array_equal(
            load_image(cut_out(io.BytesIO(data), only, LIMIT)), load_image(data)
        )


def with_inner(size: int, *, reduced: bool, outer_reduced: bool = False) -> bytes:
    """A white picture of 8x8 with a black one in a directory below it."""
    white, black = np.full((8, 8, 1), 255, np.uint8), np.zeros((size, size, 1), np.uint8)
    inner = tiff(black, 1, tags={254: (4, [int(reduced)])})
    outer = tiff(white, 1, tags={254: (4, [int(outer_reduced)]), 330: (4, [0])})
    base = len(outer) + len(outer) % 2
    # Places in the inner file count from the beginning of the outer one.
    moved = bytearray(inner)
    start = places(inner)[0]
    for n, (tag, _, number, _) in enumerate(directory(inner, start)):
        if tag == 273 or number > 2:
            at = start + 2 + 12 * n + 8
            struct.pack_into("<I", moved, at, struct.unpack_from("<I", moved, at)[0] + base)
    whole = bytearray(outer.ljust(base, b"\0") + moved)
    first = places(outer)[0]
    row = next(n for n, entry in enumerate(directory(outer, first)) if entry[0] == 330)
    struct.pack_into("<I", whole, first + 2 + 12 * row + 8, base + start)
    return bytes(whole)


@pytest.mark.parametrize(
    ("size", "reduced", "outer_reduced", "levels"),
    [
        (8, False, False, [1, 0]),
        (16, False, False, [1, 0]),
        (4, False, False, [1]),  # a level of a pyramid that is not marked
        (8, True, False, [1]),
        (16, False, True, [0]),
    ],
)
def test_a_full_picture_in_a_directory_below_is_a_page(
    size: int, reduced: bool, outer_reduced: bool, levels: list[int]
) -> None:
    data = with_inner(size, reduced=reduced, outer_reduced=outer_reduced)
    assert contents(data).count == len(levels)
    loaded = [load_image(data, page=n)[0, 0, 0] for n in range(1, len(levels) + 1)]
    assert loaded == levels


@pytest.mark.parametrize(("claims", "count"), [(3, 3), (2, 2), (900, 3)])
def test_a_stack_of_imagej_with_one_directory_has_all_its_pages(claims: int, count: int) -> None:
    samples = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    text = f"ImageJ=1.53t\nimages={claims}\nslices=3\n"
    data = encoded(Image.fromarray(samples[0]), "TIFF", description=text)
    assert data.endswith(samples[0].tobytes())
    data += samples[1:].tobytes()
    assert contents(data).count == count
    for number in range(count):
        grey = load_image(data, page=number + 1)[..., 0] * 255
        np.testing.assert_allclose(grey, samples[number], atol=0.01)


def test_no_file_claims_more_pages_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waldo_cli.images.tiff._MAX_DIRECTORIES", 7)
    data = encoded(Image.new("L", (1, 1)), "TIFF", description="ImageJ=1.53t\nimages=999999\n")
    assert contents(data + bytes(100)).count == 7

"""Pictures of Netpbm: all depths, odd headers, and what is not whole."""

from __future__ import annotations

import io

import numpy as np
import pytest
from imagefiles import encoded, noise
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images.load import load_image
from waldo_cli.images.pnm import LONGEST_HEADER, header

COLOURS = noise(7, 9)
GREY = noise(7, 9, 1)[..., 0]


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_what_pillow_writes_has_the_same_pixels_as_a_png(mode: str) -> None:
    picture = Image.fromarray(COLOURS).convert(mode)
    same = load_image(encoded(picture, "PNG"))
    assert np.array_equal(load_image(encoded(picture, "PPM")), same)
    assert np.array_equal(load_image(io.BytesIO(encoded(picture, "PPM"))), same)


@pytest.mark.parametrize("white", [1, 15, 100, 255, 256, 1023, 65534, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_white_is_the_white(white: int, channels: int) -> None:
    stored = np.random.default_rng(0).integers(0, white + 1, (7, 9, channels))
    stored[0, 0] = white
    samples = stored.astype(">u2" if white > 255 else "u1").tobytes()
    kind = b"P6" if channels == 3 else b"P5"
    pixels = load_image(kind + b" 9 7 %d\n" % white + samples)
    expected = np.broadcast_to(stored / white, (7, 9, 3))
    np.testing.assert_allclose(pixels, expected, atol=1e-5)
    assert (pixels[0, 0] == 1).all()


@pytest.mark.parametrize(
    "head",
    [b"P5 9 7 255 ", b"P5\n# made by hand\n9 7\n255\n", b"P5#\n#\r\n9\t#x\n 7\r255\n", b"P5 9 0007 255\n"],
)  # fmt: skip
def test_headers_may_hold_comments_and_any_white_space(head: bytes) -> None:
    assert np.array_equal(
        load_image(head + GREY.tobytes()), load_image(encoded(Image.fromarray(GREY), "PNG"))
    )


def test_bits_of_a_row_are_filled_up_to_bytes() -> None:
    assert (load_image(b"P4 3 2 \x40\xa0")[..., 0] == [[1, 0, 1], [0, 1, 0]]).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P6 9 7 255 " + bytes(7 * 9 * 3 - 1), "truncated PNM"),
        (b"P5 9 7 1023 " + bytes(7 * 9 * 2 - 1), "truncated PNM"),
        (b"P6 9", "truncated PNM"),
        (b"P6 9 7 0 " + bytes(189), "white is 0"),
        (b"P6 9 7 65536 " + bytes(378), "white is 65536"),
        (b"P6 0 7 255 ", "empty"),
        (b"P6 100000 100000 255 ", "too large"),
        (b"P5 9000 9000 255 ", "decompression bomb"),
        (b"P6 99999999999 7 255 " + bytes(LONGEST_HEADER), "header"),
        (b"P6 " + b"#\n" * 200 + b"9 7 255 " + bytes(LONGEST_HEADER), "header"),
    ],
)
def test_what_is_not_whole_or_too_large_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        load_image(data)


def test_missing_rows_are_black_if_that_is_allowed() -> None:
    pixels = load_image(b"P5 9 7 255 " + b"\xff" * 9 * 5, allow_truncated=True)
    assert (pixels[:5] == 1).all()
    assert (pixels[5:] == 0).all()


def test_a_header_ends_with_one_white_space() -> None:
    found = header(b"P5 9 7 255\n\n" + bytes(62))
    assert found is not None
    assert (found.start, found.end) == (11, 11 + 63)
    assert header(b"P5 9 7 255") is None

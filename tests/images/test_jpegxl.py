"""JPEG XL: the size in the header, and what opens it."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagefiles import as_float, encoded, noise
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images import jpegxl
from waldo_cli.images.load import load_image

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"


def bits(*fields: tuple[int, int]) -> bytes:
    """A codestream's beginning: values and numbers of bits, the lowest bit first."""
    value = at = 0
    for number, count in fields:
        value |= number << at
        at += count
    return b"\xff\x0a" + value.to_bytes(16, "little")


def test_sizes_in_all_their_forms() -> None:
    eights = bits((1, 1), (4, 5), (0, 3), (9, 5), (1, 1))
    assert jpegxl.screen(eights, None) == 1  # 80x40, all default
    assert jpegxl._header(eights)[:2] == (80, 40)
    ratio = bits((1, 1), (2, 5), (5, 3), (1, 1))
    assert jpegxl._header(ratio)[:2] == (24 * 16 // 9, 24)
    long = bits((0, 1), (2, 2), (99_999, 18), (0, 3), (0, 2), (299, 9), (0, 1), (1, 1), (5, 3))
    assert jpegxl._header(long) == (300, 100_000, 6, False)


@pytest.mark.parametrize("sized", [False, True])
def test_animations_are_refused_since_the_decoder_shows_their_end(sized: bool) -> None:
    size = ((1, 1), (4, 5), (0, 3), (9, 5))
    intrinsic = ((1, 1), *size) if sized else ((0, 1),)
    data = bits(*size, (0, 1), (1, 1), (0, 3), *intrinsic, (0, 1), (1, 1))
    with pytest.raises(ImageError, match="animation of JPEG XL"):
        load_image(data)


def test_bombs_are_refused_by_their_header() -> None:
    large = bits((0, 1), (2, 2), (19_999, 18), (1, 3), (1, 1))
    for data in (
        large,
        CONTAINER + b"\0\0\0\x1ajxlc" + large,
        CONTAINER + b"\0\0\0\0jxlp\0\0\0\0" + large,
    ):
        with pytest.raises(ImageError, match="too large: 20000x20000"):
            load_image(data)
    with pytest.raises(ImageError, match="truncated JPEG XL"):
        load_image(CONTAINER + b"\0\0\0\x08abcd")


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl.JpegXLImagePlugin", None)
    with pytest.raises(ImageError, match=r"pip install 'waldo-cli\[jxl\]'"):
        load_image(bits((1, 1), (4, 5), (0, 3), (9, 5), (1, 1)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_lossless_pictures_keep_their_samples(mode: str) -> None:
    pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    picture = Image.fromarray(noise(24, 32)).convert(mode)
    image = load_image(encoded(picture, "JXL", lossless=True))
    np.testing.assert_allclose(image, as_float(np.asarray(picture.convert("RGB"))), atol=1e-6)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for start in (b"\xff\x0a", CONTAINER, CONTAINER + b"\0\0\0\0jxlc"):
        try:
            turn = jpegxl.screen(start + data, None)
        except ImageError:
            turn = 1
        assert turn in range(1, 9)


def test_boxes_that_end_behind_the_file_are_truncated_and_other_damage_is_named() -> None:
    pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    whole = encoded(Image.fromarray(noise(24, 32)), "JXL")
    boxed = CONTAINER + struct.pack(">I4s", 8 + len(whole), b"jxlc") + whole
    with pytest.raises(ImageError, match="truncated JPEG XL"):
        load_image(boxed[:-20])
    with pytest.raises(ImageError, match="damaged JPEG XL: it cannot be decoded"):
        load_image(whole[:-20])  # a bare codestream does not say where it ends

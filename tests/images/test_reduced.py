"""A picture that is read at a part of its size stands for the whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from imagefiles import encoded
from PIL import Image

from waldo_cli.detector.pyramid import Level, cut
from waldo_cli.detector.turn import turned
from waldo_cli.errors import ImageError
from waldo_cli.geometry import Size
from waldo_cli.images.load import load_pixels, load_reduced
from waldo_cli.images.orientation import ORIENTATION
from waldo_cli.images.reduced import ReducedImage

FACTORS = [2, 4, 8]
SMALL = Size(19, 25)

# Slopes along both axes: what is read in a wrong place has other colours. The size is no multiple of a
# factor.
ROWS, COLS = np.mgrid[:301, :403]
SLOPES = np.stack([COLS * 255 / 403, ROWS * 255 / 301, (ROWS + COLS) * 255 / 704], axis=2)
PICTURE = Image.fromarray(SLOPES.astype(np.uint8))


def reduced(data: bytes, factor: int, *, orient: bool = True) -> ReducedImage:
    image = load_reduced(data, lambda _: factor, orient=orient)
    assert isinstance(image, ReducedImage)
    return image


def is_like(image: ReducedImage, whole: np.ndarray, atol: float = 1.6) -> None:
    """Its levels and cuts are those of the whole, by `atol` of 255 at most."""
    assert image.shape == whole.shape
    assert image.pixels.size < whole.size / image.factor**2 * 1.1
    size = SMALL if whole.shape[0] < whole.shape[1] else Size(*SMALL[::-1])
    np.testing.assert_allclose(Level(image, size)[:], Level(whole, size)[:], atol=atol / 255)
    for center in ((30.0, 40.0), (whole.shape[1] - 3.0, whole.shape[0] / 2)):
        pieces = (cut(pixels, center, 1 / 8, (9, 7)) for pixels in (image, whole))
        np.testing.assert_allclose(*pieces, atol=2 * atol / 255)


def lossless_jpeg() -> bytes:
    """64x48 pixels of 128, each the same as the one before it: a bit of Huffman code each."""
    segments = {
        0xC3: bytes([8, 0, 48, 0, 64, 1, 1, 0x11, 0]),
        0xC4: bytes([0, 1, *[0] * 15, 0]),
        0xDA: bytes([1, 1, 0, 1, 0, 0]),
    }
    data = b"".join(
        bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body
        for marker, body in segments.items()
    )
    return b"\xff\xd8" + data + bytes(64 * 48 // 8) + b"\xff\xd9"


def test_a_lossless_jpeg_is_read_whole() -> None:
    image = load_reduced(lossless_jpeg(), lambda _: 2)
    np.testing.assert_array_equal(image, np.full((48, 64, 3), 128, np.uint8))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_place_stays_where_it_is_whatever_the_turn(turn: int, factor: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    data = encoded(PICTURE, "JPEG", quality=95, exif=exif)
    for orient in (True, False):
        is_like(reduced(data, factor, orient=orient), load_pixels(data, orient=orient))


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("factor", FACTORS)
def test_it_turns_as_the_whole_does(turn: int, factor: int) -> None:
    data = encoded(PICTURE, "JPEG", quality=95)
    is_like(reduced(data, factor).turned(turn), turned(load_pixels(data), turn))


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"quality": 50}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_kind_of_jpeg_is_read_so(mode: str, options: dict[str, object]) -> None:
    data = encoded(PICTURE.convert(mode), "JPEG", **{"quality": 95} | options)
    is_like(reduced(data, 4), load_pixels(data), atol=4 if options == {"quality": 50} else 1.6)


def test_of_several_pictures_in_a_jpeg_the_primary_one_is_read() -> None:
    other = Image.new("RGB", (403, 301), "red")
    data = encoded(PICTURE, "MPO", save_all=True, append_images=[other], quality=95)
    is_like(reduced(data, 2), load_pixels(data))


def test_the_whole_can_be_read_afterwards(tmp_path: Path) -> None:
    data = encoded(PICTURE, "JPEG")
    path = tmp_path / "page.jpg"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (str(path), path, data, file):
            image = load_reduced(source, lambda _: 8)
            assert isinstance(image, ReducedImage)
            np.testing.assert_array_equal(image.whole(), load_pixels(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_other_formats_are_read_whole(kind: str) -> None:
    data = encoded(PICTURE, kind)
    np.testing.assert_array_equal(load_reduced(data, lambda _: 4), load_pixels(data))


def test_a_jpeg_is_read_whole_where_it_is_not_to_be_reduced_or_lacks_its_end() -> None:
    data = encoded(PICTURE, "JPEG")
    unfinished = data.removesuffix(b"\xff\xd9")
    for source, factor in ((data, 1), (unfinished, 4)):
        image = load_reduced(source, lambda _, factor=factor: factor)
        np.testing.assert_array_equal(image, load_pixels(source))
    short = partial(load_reduced, data[: len(data) // 2], lambda _: 4, allow_truncated=True)
    assert isinstance(short(), np.ndarray)
    thin = encoded(Image.new("L", (403, 3)), "JPEG")
    assert isinstance(load_reduced(thin, lambda _: 4), np.ndarray)


def test_the_reduction_is_asked_about_the_whole() -> None:
    asked: list[Size] = []
    load_reduced(encoded(PICTURE, "JPEG"), lambda size: asked.append(size) or 2)
    assert asked == [Size(301, 403)]


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_what_is_refused_whole_is_refused_reduced(options: dict[str, object]) -> None:
    data = encoded(PICTURE, "JPEG", **options)
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        short = data[: int(share * len(data))]
        with pytest.raises(ImageError) as whole:
            load_pixels(short)
        with pytest.raises(ImageError) as part:
            load_reduced(short, lambda _: 8)
        assert part.value.reason == whole.value.reason
    with pytest.raises(ImageError, match="too large: 403x301"):
        load_reduced(data, lambda _: 8, max_pixels=100_000)

"""An image in any form is the same image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waldo_cli.arrays import as_floats
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.images.given import as_image, as_mask, is_picture
from waldo_cli.images.load import load_image, load_mask

PIXELS = np.random.default_rng(4).integers(0, 256, (9, 12, 3), np.uint8)


def test_paths_bytes_files_pictures_and_arrays_are_the_same_image(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(PIXELS)
    picture.save(path)
    expected = load_image(path)
    with path.open("rb") as file:
        for given in (str(path), path, path.read_bytes(), file, picture, PIXELS):
            np.testing.assert_array_equal(as_floats(as_image(given)), expected)
    floats = expected.copy()
    assert as_image(floats) is floats


COLOUR = Image.fromarray(PIXELS)
CLEAR = Image.fromarray(np.dstack([PIXELS, PIXELS[:, :, 0]]))
PICTURES = [
    *(COLOUR.convert(mode) for mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV")),
    *(CLEAR.convert(mode) for mode in ("LA", "RGBA")),
    CLEAR.convert("RGBA").convert("RGBa"),
    CLEAR.quantize(16, method=Image.Quantize.FASTOCTREE),
]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.mode)
def test_pictures_of_every_mode_are_as_pillow_shows_them(picture: Image.Image) -> None:
    white = Image.new("RGBA", (12, 9), "white")
    opaque = picture.convert("RGB") if picture.mode == "HSV" else picture
    white.alpha_composite(opaque.convert("RGBA"))
    np.testing.assert_allclose(
        as_floats(as_image(picture)), np.asarray(white.convert("RGB")) / 255, atol=2.1 / 255
    )


def test_deep_and_float_pictures_keep_their_samples() -> None:
    deep = Image.fromarray(np.arange(108, dtype=np.uint16).reshape(9, 12) * 600)
    np.testing.assert_allclose(as_image(deep)[:, :, 0], np.asarray(deep) / 65535, atol=1e-6)
    floats = Image.fromarray(np.linspace(0, 1, 108, dtype=np.float32).reshape(9, 12))
    np.testing.assert_allclose(as_image(floats)[:, :, 0], np.asarray(floats), atol=1e-6)


def test_a_picture_is_turned_as_its_file_would_be() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", exif=exif)
    with Image.open(file) as picture:
        np.testing.assert_array_equal(as_floats(as_image(picture)), load_image(file.getvalue()))


def test_arrays_of_other_samples_and_channels_are_the_image_that_they_show() -> None:
    shown = PIXELS / np.float32(255)
    np.testing.assert_allclose(as_image(PIXELS.astype(np.uint16) * 257), shown, atol=1e-6)
    grey = as_image(PIXELS[:, :, 0])
    np.testing.assert_array_equal(as_image(PIXELS[:, :, :1]), grey)
    assert grey.shape == PIXELS.shape
    np.testing.assert_array_equal(grey[:, :, 2], shown[:, :, 0])
    clear = np.dstack([PIXELS, PIXELS[:, :, 0]])
    expected = as_image(Image.fromarray(clear))
    for array in (clear, clear / 255):
        np.testing.assert_allclose(as_image(array), expected, atol=1e-6)


def test_a_mask_in_any_form_is_the_same_mask(tmp_path: Path) -> None:
    clear = np.dstack([PIXELS, PIXELS[:, :, 0]])
    for pixels in (PIXELS, clear):
        path = tmp_path / "a.png"
        picture = Image.fromarray(pixels)
        picture.save(path)
        colours, weights = load_mask(path)
        for given in (path, path.read_bytes(), picture, pixels, pixels / 255):
            mask = as_mask(given)
            np.testing.assert_allclose(mask[0], colours, atol=1e-6)
            assert mask[0].dtype == np.float32
            if weights is None:
                assert mask[1] is None
            else:
                np.testing.assert_allclose(mask[1], weights, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 4, 2)), r"a mask is \(A, B, 3\)"),
        (np.zeros((0, 4, 3)), r"a mask is \(A, B, 3\)"),
        (np.zeros((4, 4, 3), np.int64), "not int64"),
        (np.zeros((4, 4, 3), complex), "not complex128"),
        (np.array(["a"]), "not ndarray"),
    ],
)
def test_what_is_no_mask_is_told(array: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        as_mask(array)


def test_one_picture_is_told_from_a_list_of_them(tmp_path: Path) -> None:
    assert all(map(is_picture, ("a.png", Path("a.png"), b"", io.BytesIO(), COLOUR, PIXELS)))
    assert not any(map(is_picture, ([PIXELS], (COLOUR,), np.stack([PIXELS, PIXELS]))))


def test_what_is_no_image_is_told() -> None:
    with pytest.raises(InvalidInputError, match="an image is a path, bytes, a picture or an array"):
        as_image(None)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=r"gone\.png"):
        as_image("gone.png")

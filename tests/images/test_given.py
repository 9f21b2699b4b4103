"""An image in any form is the same image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waldo_cli.arrays import as_floats
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.images.given import as_image
from waldo_cli.images.load import load_image

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


def test_what_is_no_image_is_told() -> None:
    with pytest.raises(InvalidInputError, match="an image is a path, bytes, a picture or an array"):
        as_image(None)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=r"gone\.png"):
        as_image("gone.png")

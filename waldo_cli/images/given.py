"""An image in whatever form a caller has it: a path, bytes, a file, a picture of Pillow's, an array."""

from __future__ import annotations

import io
import os
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from waldo_cli.errors import InvalidInputError
from waldo_cli.images.decode import Source
from waldo_cli.images.load import load_pixels

#: What `detect` takes for an image.
AnyImage = NDArray[Any] | Source | Image.Image

# Modes of Pillow's pictures that a PNG holds, and those that only a TIFF does; all others become RGB.
_PNG_MODES = frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))
_TIFF_MODES = frozenset(("I", "F"))


def as_image(image: AnyImage) -> NDArray[Any]:
    """Return an image as an array; a picture as `load_pixels` gives it.

    Parameters
    ----------
    image
        A path, bytes, an open binary file; a picture of Pillow's, which is treated as its file would be:
        turned by its EXIF orientation, transparent pixels on white; or an array, which is returned as it is.

    Raises
    ------
    InvalidInputError
        It is none of these.
    FileError
        It cannot be read, or is no picture.
    """
    if isinstance(image, str | os.PathLike | bytes) or hasattr(image, "read"):
        return load_pixels(cast(Source, image))
    if isinstance(image, Image.Image):
        return _of_pillow(image)
    array = np.asarray(image)
    if array.dtype.kind not in "fiubc":
        raise InvalidInputError(
            f"an image is a path, bytes, a picture or an array, not {type(image).__name__}"
        )
    return array


def _of_pillow(picture: Image.Image) -> NDArray[Any]:
    turned = ImageOps.exif_transpose(picture)
    if turned.mode not in _PNG_MODES | _TIFF_MODES:
        turned = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    # Through a file, so that there is one way from samples to an image. It is not compressed.
    file = io.BytesIO()
    if turned.mode in _TIFF_MODES:
        turned.save(file, "TIFF")
    else:
        turned.save(file, "PNG", compress_level=0, exif=b"")
    return load_pixels(file.getvalue(), max_pixels=max(1, turned.width * turned.height))

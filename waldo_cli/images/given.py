"""An image or a mask in the form a caller has it: a path, bytes, a file, a picture of Pillow's, an array."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from waldo_cli.arrays import Floats
from waldo_cli.errors import ImageError, InvalidInputError
from waldo_cli.images.decode import Source
from waldo_cli.images.load import load_mask, load_reduced
from waldo_cli.images.reduced import AnyPixels, Reduction

#: What `detect` takes for an image.
AnyImage = NDArray[Any] | Source | Image.Image

# Modes of Pillow's pictures that a PNG holds, and those that only a TIFF does; all others become RGB.
_PNG_MODES = frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))
_TIFF_MODES = frozenset(("I", "F"))


def is_picture(given: object) -> bool:
    """Return whether this is one picture in one of the forms of `AnyImage`, not a list of several."""
    if isinstance(given, np.ndarray):
        return given.ndim < 4
    return isinstance(given, str | os.PathLike | bytes | Image.Image) or hasattr(given, "read")


def as_image(image: AnyImage, reduction: Reduction | None = None) -> AnyPixels:
    """Return an image as an array; a file as `load_reduced` gives it.

    Parameters
    ----------
    image
        A path, bytes, an open binary file; a picture of Pillow's, which is treated as its file would be:
        turned by its EXIF orientation, transparent pixels on white; or an array. Arrays ``(H, W, 3)`` of
        floats or uint8 are returned as they are. Others of uint8 are divided by 255 and uint16 by 65535, grey
        ``(H, W)`` and ``(H, W, 1)`` is copied to three channels, and ``(H, W, 4)`` is blended with white by
        its alpha.
    reduction
        How much a file may be reduced; None: not at all.

    Raises
    ------
    InvalidInputError
        It is none of these.
    FileError
        It cannot be read, or is no picture.
    """
    source = _source(image)
    if source is not None:
        return load_reduced(source, reduction, max_pixels=_pixels(image))
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image
    array = _as_floats(image, "an image")
    if array.ndim == 3 and array.shape[2] == 4:
        colours, alpha = array[:, :, :3], array[:, :, 3:]
        return np.asarray(colours * alpha + (1 - alpha))
    return array


def as_mask(mask: AnyImage) -> tuple[Floats, Floats | None]:
    """Return a mask as `load_mask` does: colours ``(A, B, 3)``, and weights ``(A, B)`` or None.

    It may have the forms of `as_image`; the alpha of an array ``(A, B, 4)`` is its weights.

    Raises
    ------
    InvalidInputError
        It is no picture.
    FileError
        It cannot be read, or is no picture; or every pixel is transparent.
    """
    source = _source(mask)
    if source is not None:
        return load_mask(source, max_pixels=_pixels(mask))
    array = _as_floats(mask, "a mask")
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise InvalidInputError(
            f"a mask is (A, B, 3), or (A, B, 4) with weights, not {array.shape}"
        )
    if array.dtype.kind not in "fb":
        raise InvalidInputError(
            f"a mask holds floats in [0, 1], uint8 or uint16, not {array.dtype}"
        )
    array = array.astype(np.float32)
    return array[:, :, :3], array[:, :, 3] if array.shape[2] == 4 else None


def _source(given: AnyImage) -> Source | None:
    """What to open; None for an array."""
    if isinstance(given, Image.Image):
        return _file_of(given)
    if is_picture(given) and not isinstance(given, np.ndarray):
        return given
    return None


def _pixels(given: AnyImage) -> int | None:
    """The limit of pixels: a picture that Pillow has opened already is not measured again."""
    return max(1, given.width * given.height) if isinstance(given, Image.Image) else None


def _as_floats(given: object, what: str) -> NDArray[Any]:
    """An array whose samples and channels are brought to those of an image, where it is known how."""
    try:
        array = np.asarray(given)
        is_array = array.dtype.kind in "fiubc"
    except ValueError:  # rows of several lengths
        is_array = False
    if not is_array:
        raise InvalidInputError(
            f"{what} is a path, bytes, a picture or an array, not {type(given).__name__}"
        )
    if array.dtype in (np.uint8, np.uint16):
        array = array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    return array.repeat(3, axis=2) if array.ndim == 3 and array.shape[2] == 1 else array


def _file_of(picture: Image.Image) -> bytes:
    """A picture as a file that is not compressed, so that there is one way from samples to an image."""
    file = io.BytesIO()
    try:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode not in _PNG_MODES | _TIFF_MODES:
            turned = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
        if turned.mode in _TIFF_MODES:
            turned.save(file, "TIFF")
        else:
            turned.save(file, "PNG", compress_level=0, exif=b"")
    except (OSError, SyntaxError, ValueError) as e:  # it was opened, and is only read now
        raise ImageError(f"Pillow cannot read the picture: {e}") from e
    return file.getvalue()

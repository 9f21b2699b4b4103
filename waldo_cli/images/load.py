"""Pictures as arrays.

Whatever the file holds, the result is one thing: float32 `(H, W, 3)` in [0, 1], RGB as a person
sees it. A file that cannot be brought there honestly is an `ImageError` with one reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from waldo_cli.errors import ImageError
from waldo_cli.images.decode import Source, opened

if TYPE_CHECKING:
    from waldo_cli.arrays import Floats


def load_image(
    path_or_file: Source,
    *,
    max_pixels: int | None = None,
    orient: bool = True,
    allow_truncated: bool = False,
) -> Floats:
    """Open a picture as RGB.

    Of an animation or a document of several pages the first is taken. Transparent pixels show white
    behind them, the paper that a page is drawn on: what an editor hides below alpha 0 must not come
    back. Grey is given to all three channels; 16 bits are divided by 65535, so that an 8-bit value
    `x` and a 16-bit value `257 x` are the same. Samples without a natural white (float, 32-bit,
    signed) stay as they are inside [0, 1]; beyond it, the smallest becomes black and the largest
    white, and NaN is transparent. Colour profiles are not applied.

    Parameters
    ----------
    path_or_file
        Path, open binary file (read to its end), or the bytes themselves.
    max_pixels
        Most pixels, checked before memory is taken for them. By default 200 Mpx, of which what
        exceeds 24 Mpx must also be at least 1 byte for 100 pixels; a number given replaces both. Files
        are read up to 256 MiB, or up to 8 bytes for each pixel of the number given, at most 1 GiB.
    orient
        Apply the turn that the EXIF orientation asks for.
    allow_truncated
        Take what is there of a file that ends too early; missing rows are black or grey.

    Returns
    -------
    ndarray, `(H, W, 3)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        Not a regular file; not a PNG, JPEG, GIF, WEBP, TIFF or BMP; too large, truncated, damaged.
    FileError
        The file is missing or cannot be read.
    """
    with opened(path_or_file, max_pixels, allow_truncated=allow_truncated) as picture:
        return picture.rgb(orient=orient)


def load_mask(
    path_or_file: Source, *, max_pixels: int | None = None
) -> tuple[Floats, Floats | None]:
    """Open the picture to look for; its transparency says how much each pixel counts.

    Parameters
    ----------
    path_or_file, max_pixels
        As for `load_image`.

    Returns
    -------
    mask : ndarray, `(A, B, 3)` float32
        Colours in [0, 1], as by `load_image` but with nothing put behind transparent pixels.
    weights : ndarray, `(A, B)` float32, or None
        Alpha in [0, 1]; None where every pixel is opaque.

    Raises
    ------
    ImageError
        As by `load_image`; also where every pixel is transparent, and where all pixels that count
        have one colour: such a mask fits everywhere equally well.
    FileError
        The file is missing or cannot be read.
    """
    with opened(path_or_file, max_pixels) as picture:
        mask, weights = picture.colour_and_alpha()
        counted = mask if weights is None else mask[weights > 0]
        counted = counted.reshape(-1, 3)
        if not len(counted):
            raise ImageError("the mask is transparent everywhere: nothing to look for")
        if (counted == counted[0]).all():
            raise ImageError(
                "the mask has one colour only: nothing to tell it from its surroundings"
            )
        return mask, weights


def load_weights(path_or_file: Source, *, max_pixels: int | None = None) -> Floats:
    """Open a grey picture as weights: black, or transparent, is 0; white is 1.

    Returns
    -------
    ndarray, `(H, W)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        As by `load_image`; also where the picture has colours, and where it is black everywhere.
    """
    with opened(path_or_file, max_pixels) as picture:
        colour, alpha = picture.colour_and_alpha()
        weights = colour[..., 0]
        if not (colour == weights[..., np.newaxis]).all():
            raise ImageError("weights must be a grey picture, this one has colours")
        weights = weights.copy() if alpha is None else weights * alpha
        if not weights.any():
            raise ImageError("the weights are 0 everywhere: nowhere to look")
        return weights

"""Load pictures, masks and weights as arrays.

For every kind of file the result is the same: float32 `(H, W, 3)` in [0, 1], RGB, as a person sees the
picture. A file for which that is not possible raises `ImageError` with one reason. `decode` opens the file,
`samples` converts it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from waldo_cli.arguments import FLAG, must_be
from waldo_cli.errors import ImageError
from waldo_cli.images.decode import Source, max_file_bytes, naming, opened, read_all
from waldo_cli.images.pages import contents

if TYPE_CHECKING:
    from waldo_cli.arrays import Floats, Pixels
    from waldo_cli.images.reduced import AnyPixels, Reduction


def load_image(
    path_or_file: Source,
    *,
    page: int = 1,
    max_pixels: int | None = None,
    orient: bool = True,
    allow_truncated: bool = False,
    must_show: bool = False,
) -> Floats:
    """Open a picture as RGB.

    - Of a file with several pictures (TIFF, PDF, archives, animations) the first is loaded, or the `page`
      that is asked for. Of a TIFF, reduced copies of a picture and masks are no pages. Of a JPEG (MPO) or a
      HEIF file with several full pictures, the primary one is the first; thumbnails, depth and gain maps are
      none.
    - The picture is turned as the file asks, by its format's own rule: docs/formats.md has a table.
    - Transparent pixels are blended with white, like a drawing on paper. Colours that an editor has left in
      pixels of alpha 0 do not appear. A bitmap (BMP) whose alpha is 0 everywhere is taken as opaque.
    - Grey is copied to all three channels.
    - Samples of 16 bits are divided by 65535, so that an 8-bit value `x` and a 16-bit value `257 x` give the
      same result.
    - Samples for which no value always means white (float, 32-bit, signed) stay unchanged if all are in
      [0, 1]. Otherwise the smallest becomes black and the largest white, but for a few broken pixels. NaN is
      transparent, and so is what the file declares as no data (GDAL's tag), the lowest and highest number
      that a float can be, and a fill such as -9999 far from all others.
    - Colour profiles are not applied.

    Parameters
    ----------
    path_or_file
        Path, open binary file (read to its end), or the bytes of the file.
    page
        Which page of a TIFF, of a PDF (extra ``pdf``) or of an archive (CBZ, ZIP), which frame of an
        animation, or which picture of a JPEG or HEIF file, counted from 1.
    max_pixels
        Most pixels, checked before memory is allocated for them. The default is 200 Mpx, and a picture of
        more than 24 Mpx must also have as many bytes as its bits and compression need for them; a number
        replaces both limits.
        Files may have up to 256 MiB, or up to 8 bytes for each pixel of that number, or as many as their
        pixels need without compression, but at most 1 GiB.
    orient
        Turn the picture as the file asks; otherwise its pixels are as they are stored.
    allow_truncated
        Accept a file that ends too early; missing rows are black or grey.
    must_show
        Refuse a picture that is transparent everywhere; otherwise it is white.

    Returns
    -------
    ndarray, `(H, W, 3)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        It is not a regular file; not a picture of a format that is opened; too large, or too slow to decode;
        truncated or damaged.
    FileError
        The file is missing or cannot be read.
    """
    must_be(FLAG, orient=orient, must_show=must_show)
    with opened(path_or_file, max_pixels, page=page, allow_truncated=allow_truncated) as picture:
        return picture.rgb(orient=orient, must_show=must_show)


def load_pixels(
    path_or_file: Source,
    *,
    page: int = 1,
    max_pixels: int | None = None,
    orient: bool = True,
    allow_truncated: bool = False,
    must_show: bool = False,
) -> Pixels:
    """`load_image`, but 8-bit samples that are just divided by 255 there stay bytes: a quarter of the memory.

    `as_floats` makes of the result what `load_image` returns.
    """
    with opened(path_or_file, max_pixels, page=page, allow_truncated=allow_truncated) as picture:
        return picture.pixels(orient=orient, must_show=must_show)


def load_reduced(
    path_or_file: Source,
    reduction: Reduction | None,
    *,
    page: int = 1,
    max_pixels: int | None = None,
    orient: bool = True,
    allow_truncated: bool = False,
    must_show: bool = False,
) -> AnyPixels:
    """`load_pixels`, but of a JPEG fewer pixels are read where `reduction` allows it.

    Limits are those of the whole picture. The result can read that, too: from the same path, when it is asked
    to.
    """
    if reduction is not None and hasattr(path_or_file, "read"):
        # It can be read only once, and the whole may be asked for.
        path_or_file = read_all(path_or_file, max_file_bytes(max_pixels))
    with opened(
        path_or_file,
        max_pixels,
        page=page,
        allow_truncated=allow_truncated,
        reduction=reduction,
    ) as picture:
        if picture.factor > 1:
            whole = partial(
                load_pixels, path_or_file, page=page, max_pixels=max_pixels, orient=orient
            )
            return picture.reduced(whole, orient=orient)
        return picture.pixels(orient=orient, must_show=must_show)


def load_mask(
    path_or_file: Source, *, max_pixels: int | None = None
) -> tuple[Floats, Floats | None]:
    """Open the picture to search for; the alpha of a pixel says how much the pixel counts.

    Parameters
    ----------
    path_or_file, max_pixels
        As for `load_image`.

    Returns
    -------
    mask : ndarray, `(A, B, 3)` float32
        Colours in [0, 1], as from `load_image`, but transparent pixels are not blended with white.
    weights : ndarray, `(A, B)` float32, or None
        Alpha in [0, 1]; None if every pixel is opaque.

    Raises
    ------
    ImageError
        As for `load_image`; also if every pixel is transparent.
    FileError
        The file is missing or cannot be read.
    """
    with opened(path_or_file, max_pixels) as picture:
        mask, weights = picture.colour_and_alpha()
        if weights is not None and not weights.any():
            raise ImageError("the mask is transparent everywhere: nothing to look for")
        return mask, weights


def load_weights(path_or_file: Source, *, max_pixels: int | None = None) -> Floats:
    """Open a grey picture as weights: black is 0 and white is 1, multiplied by alpha.

    Parameters
    ----------
    path_or_file, max_pixels
        As for `load_image`.

    Returns
    -------
    ndarray, `(H, W)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        As for `load_image`; also if the file holds several pictures, if the picture has colours, or if all
        weights are 0.
    """
    if isinstance(path_or_file, str | os.PathLike | bytes):
        given = path_or_file if isinstance(path_or_file, bytes) else os.fspath(path_or_file)
        with naming(path_or_file):
            count = contents(given).count
            if count > 1:
                raise ImageError(f"weights are one picture, this file has {count}: save one")
    with opened(path_or_file, max_pixels) as picture:
        colour, alpha = picture.colour_and_alpha()
        weights = colour[..., 0]  # grey: all three channels are equal
        if not (colour == weights[..., np.newaxis]).all():
            raise ImageError("weights must be a grey picture, this one has colours")
        weights = weights.copy() if alpha is None else weights * alpha
        if not weights.any():
            raise ImageError("the weights are 0 everywhere: nowhere to look")
        return weights

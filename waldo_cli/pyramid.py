"""Scales: the image at several sizes, and cuts of it.

Resampling is Pillow's bilinear filter in floating point; where it shrinks it averages over all source
pixels (antialiased), so that a level holds no aliases of print dots and stripes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waldo_cli._threads import spread
from waldo_cli.geometry import Pair

Floats = NDArray[np.float32]


def level_size(height: int, width: int, scale: float) -> Pair:
    """Rows and columns of an image at a scale; at least one pixel each way."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: Floats, rows: int, cols: int) -> Floats:
    """The image ``(H, W, C)`` at another size ``(rows, cols, C)``."""
    if image.shape[:2] == (rows, cols):
        return image
    whole = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
    return _resample(image, (rows, cols), whole)


def levels(image: Floats, scales: Sequence[float]) -> Iterator[tuple[float, Floats]]:
    """The image at each scale, one at a time.

    A level at half the image's size or less is made from the smallest level that is at least twice
    as large: the antialiasing filter then runs over a few pixels instead of the whole page.
    """
    height, width = image.shape[:2]
    made: list[tuple[float, Floats]] = [(1.0, image)]
    for scale in sorted(scales, reverse=True):
        source = min((m for m in made if m[0] >= 2 * scale), default=made[0], key=lambda m: m[0])
        level = resize(source[1], *level_size(height, width, scale))
        if scale < 1:
            made.append((scale, level))
        yield scale, level


def cut(image: Floats, center: tuple[float, float], scale: float, size: Pair) -> Floats:
    """A piece of the image around a point, at a scale.

    Parameters
    ----------
    image
        ``(H, W, C)``.
    center
        ``(x, y)``, continuous, in pixels of the image.
    scale
        Pixels of the cut for one pixel of the image.
    size
        Rows and columns of the cut. What lies outside the image repeats its edge.
    """
    half_w, half_h = size[1] / scale / 2, size[0] / scale / 2
    left, top = center[0] - half_w, center[1] - half_h
    # The filter looks at most one output pixel further than the cut itself.
    reach = int(np.ceil(max(1.0, 1 / scale))) + 1
    first_col, first_row = int(np.floor(left)) - reach, int(np.floor(top)) - reach
    last_col = int(np.ceil(left + 2 * half_w)) + reach
    last_row = int(np.ceil(top + 2 * half_h)) + reach
    rows = np.clip(np.arange(first_row, last_row), 0, image.shape[0] - 1)
    cols = np.clip(np.arange(first_col, last_col), 0, image.shape[1] - 1)
    piece = image[rows[:, None], cols[None, :]]
    box = (left - first_col, top - first_row)
    window = (box[0], box[1], box[0] + 2 * half_w, box[1] + 2 * half_h)
    return _resample(piece, size, window)


def _resample(image: Floats, size: Pair, window: tuple[float, float, float, float]) -> Floats:
    """The window (left, top, right, bottom) of an image at a size, channel by channel."""
    out = np.empty((*size, image.shape[2]), np.float32)

    def work(channel: int) -> None:
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
        resampled = plane.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=window)
        out[:, :, channel] = np.asarray(resampled)

    spread(lambda: work, range(image.shape[2]), most=None if out.size > 1 << 18 else 1)
    return out

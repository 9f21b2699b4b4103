"""Scales: the image at several sizes, and cuts of it.

Resampling is Pillow's bilinear filter in floating point; where it shrinks it averages over all source
pixels (antialiased), so that a level holds no aliases of print dots and stripes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waldo_cli.geometry import Pair

Floats = NDArray[np.float32]


def level_size(height: int, width: int, scale: float) -> Pair:
    """Rows and columns of an image at a scale; at least one pixel each way."""
    return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True, eq=False)
class Level:
    """An image at another size, with a margin around it, resampled row by row as it is asked for.

    A page of 100 megapixels is never held a second time: who needs rows `a` to `b` takes
    ``level[a:b]``.

    Attributes
    ----------
    source
        The image, or a smaller one made of it, ``(H, W, C)``.
    size
        Rows and columns of the level without its margin.
    margin
        Rows above and below, columns left and right.
    boundary
        What the margin holds: "edge", "reflect" or "zero", in numpy's meaning of these words.
    """

    source: Floats
    size: Pair
    margin: tuple[Pair, Pair] = ((0, 0), (0, 0))
    boundary: str = "edge"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels, margin included."""
        (top, bottom), (left, right) = self.margin
        rows, cols = self.size
        return rows + top + bottom, cols + left + right, self.source.shape[2]

    def __getitem__(self, wanted: slice) -> Floats:
        """Rows `wanted` (a slice with step 1) of the level with its margin."""
        start, stop, _ = wanted.indices(self.shape[0])
        (top, _), sides = self.margin
        asked = np.arange(start - top, stop - top)
        last = self.size[0] - 1
        if self.boundary == "reflect" and last > 0:
            inside = last - np.abs((asked % (2 * last)) - last)
        else:
            inside = np.clip(asked, 0, last)
        first = int(inside.min())
        rows = self._resampled(first, int(inside.max()) + 1)
        if len(rows) != len(asked) or not (inside == asked).all():
            rows = rows[inside - first]
        if self.boundary == "zero":
            rows = np.where((inside == asked)[:, None, None], rows, np.float32(0))
        if any(sides):
            mode: Any = {"zero": "constant"}.get(self.boundary, self.boundary)
            rows = np.pad(rows, ((0, 0), sides, (0, 0)), mode=mode)
        return rows

    def _resampled(self, first: int, last: int) -> Floats:
        """Rows `first` to `last` of the level without its margin."""
        height, width = self.source.shape[:2]
        if self.size == (height, width):
            return self.source[first:last]
        step = height / self.size[0]
        reach = math.ceil(max(1.0, step)) + 1  # how far the filter looks
        low = max(0, math.floor(first * step) - reach)
        high = min(height, math.ceil(last * step) + reach)
        window = (0.0, first * step - low, float(width), min(last * step, height) - low)
        return _resample(self.source[low:high], (last - first, self.size[1]), window)


def levels(image: Floats, scales: Sequence[float]) -> Iterator[tuple[float, Level]]:
    """The image at each scale, largest first.

    A level at a quarter of the image's size or less is made from a copy that is halved once for each
    octave: the antialiasing filter then runs over a few pixels instead of the whole page.
    """
    height, width = image.shape[:2]
    octave, source = 1.0, image
    for scale in sorted(scales, reverse=True):
        while octave >= 4 * scale:
            octave /= 2
            source = Level(source, level_size(height, width, octave))[:]
        yield scale, Level(source, level_size(height, width, scale))


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
    for channel in range(image.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
        resampled = plane.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=window)
        out[:, :, channel] = np.asarray(resampled)
    return out

"""The image at several sizes (`levels`), and small pieces of it at any scale (`cut`).

Resampling is bilinear. Where it shrinks, the triangle of weights is wider by the same factor (antialiasing),
so that print dots and stripes leave no false patterns. The weights are those of Pillow's `BILINEAR`, and the
numbers are the same up to rounding. Here they are computed as products with small matrices (`_Filter`),
which takes a quarter to half of the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats, Pixels, as_floats
from waldo_cli.correlate.correlation import PAD_MODES
from waldo_cli.correlate.gemm import multiply
from waldo_cli.detector.light import Light, LitImage, Searched
from waldo_cli.geometry import Pair, Size
from waldo_cli.images.reduced import AnyPixels, ReducedImage
from waldo_cli.stack.cost import OUTPUTS_OF_CUT

# Outputs of one matrix product. More would fill the matrix with zeros, fewer would not be worth the call.
_OUTPUTS = 16
# Rows that are resampled along both axes before the next ones, so that the intermediate result stays in the
# cache.
_ROWS = 512


@dataclass(frozen=True, eq=False)
class _Filter:
    """How some neighbouring outputs along an axis are made: outputs = weights @ inputs.

    Attributes
    ----------
    outputs, inputs
        Which of them.
    weights
        ``(outputs, inputs)``; the weights of each output sum to 1.
    """

    outputs: slice
    inputs: slice
    weights: Floats

    def interleaved(self, channels: int) -> _Filter:
        """The same for rows of pixels with channels last, from the right: outputs = inputs @ weights."""
        inputs, outputs = self.weights.shape[::-1]
        weights = np.zeros((inputs, channels, outputs, channels), np.float32)
        for c in range(channels):
            weights[:, c, :, c] = self.weights.T
        to, of = (slice(s.start * channels, s.stop * channels) for s in (self.outputs, self.inputs))
        return _Filter(to, of, weights.reshape(inputs * channels, outputs * channels))


def _filters(
    start: float, step: float, count: int, length: int, together: int = _OUTPUTS
) -> list[_Filter]:
    """Filters for all outputs along an axis.

    Parameters
    ----------
    start
        Where the first output begins, in input pixels.
    step
        How many input pixels an output stands for.
    count
        How many outputs there are.
    length
        How many input pixels there are. The weights of what lies outside go to the pixels inside.
    together
        Outputs of one filter.
    """
    centers = start + (np.arange(count) + 0.5) * step
    reach = max(step, 1.0)  # half the base of the triangle
    # The input pixels that an output sees: `first` to `last`, the last one not included.
    first = np.maximum((centers - reach + 0.5).astype(np.intp), 0)
    last = np.minimum((centers + reach + 0.5).astype(np.intp), length)
    taps = first[:, None] + np.arange((last - first).max())
    weights = np.maximum(1 - np.abs(taps + 0.5 - centers[:, None]) / reach, 0)
    weights[taps >= last[:, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    edges = list(range(0, count, together))
    # Gather the weights of each filter into one matrix: its column 0 is the first input of its first output.
    begins = np.repeat(first[edges], together)[:count]
    dense = np.zeros((count, int((last - begins).max())), np.float32)
    row, tap = np.nonzero(weights)
    dense[row, taps[row, tap] - begins[row]] = weights[row, tap]
    filters = []
    for o in edges:
        outputs = slice(o, min(o + together, count))
        inputs = slice(int(first[o]), int(last[outputs.stop - 1]))
        filters.append(_Filter(outputs, inputs, dense[outputs, : inputs.stop - inputs.start]))
    return filters


def level_size(height: int, width: int, scale: float) -> Size:
    """Rows and columns of an image at a scale; at least one pixel each way."""
    return Size(max(1, round(height * scale)), max(1, round(width * scale)))


@dataclass(frozen=True, eq=False)
class Level:
    """An image at another size, with a margin around it, resampled when rows of it are asked for.

    ``level[a:b]`` makes rows `a` to `b`: a page of 100 megapixels is never held in memory a second time.

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

    source: Searched
    size: Size
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
        asked = np.arange(start - top, stop - top)  # without margin: negative above the level
        last = self.size.rows - 1
        # The row of the level that stands at each row of the margin.
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
            rows = np.pad(rows, ((0, 0), sides, (0, 0)), mode=PAD_MODES[self.boundary])
        return rows

    def _resampled(self, first: int, last: int) -> Floats:
        """Rows `first` to `last` of the level without its margin."""
        pixels, factor, (top, _), _ = read_of(self.source)
        if self.size == pixels.shape[:2] and factor == 1:
            level = as_floats(pixels[first:last])
        else:
            step = self.source.shape[0] / self.size.rows / factor
            rows = _filters(first * step - top / factor, step, last - first, pixels.shape[0])
            level = _resample(pixels, rows, self._columns)
        if self._light is not None:
            light, across = self._light
            if np.may_share_memory(level, pixels):  # these are the source's own
                level = level.copy()
            light.apply(level, (np.arange(first, last) + 0.5) / self.size.rows, across)
        return level

    @cached_property
    def _columns(self) -> list[_Filter]:
        pixels, factor, (_, left), _ = read_of(self.source)
        step = self.source.shape[1] / self.size.cols / factor
        filters = _filters(-left / factor, step, self.size.cols, pixels.shape[1])
        return [f.interleaved(pixels.shape[2]) for f in filters]

    @cached_property
    def _light(self) -> tuple[Light, Floats] | None:
        """The light that is to be evened, and its factors at the columns."""
        light = read_of(self.source).light
        if light is None:
            return None
        return light, light.across((np.arange(self.size.cols) + 0.5) / self.size.cols)


class Read(NamedTuple):
    """What was read of an image.

    Attributes
    ----------
    pixels
        ``(h, w, 3)``.
    factor, origin
        The side of each in pixels of the image, and the row and column at which the first one begins.
    light
        The light on the image, where it is to be evened.
    """

    pixels: Pixels
    factor: int
    origin: tuple[int, int]
    light: Light | None


def read_of(image: Searched) -> Read:
    """What was read of an image that is searched."""
    if isinstance(image, LitImage):
        return read_of(image.image)._replace(light=image.light)
    if isinstance(image, ReducedImage):
        return Read(image.pixels, image.factor, image.origin, None)
    return Read(image, 1, (0, 0), None)


def levels(image: Searched, scales: Sequence[float]) -> Iterator[tuple[float, Level]]:
    """The image at each scale, largest first.

    A level of a quarter of the image's size or less is made from a copy that is halved once for each octave.
    Then the antialiasing filter sees a few pixels for each output instead of hundreds.
    """
    height, width = image.shape[:2]
    # An image that was read at half its size is the first copy itself.
    _, factor, _, light = read_of(image)
    octave = 1.0 / factor
    source: AnyPixels = image.image if isinstance(image, LitImage) else image
    for scale in sorted(scales, reverse=True):
        while octave >= 4 * scale:
            octave /= 2
            source = Level(source, level_size(height, width, octave))[:]
        shown = source if light is None else LitImage(source, light)
        yield scale, Level(shown, level_size(height, width, scale))


def cut(image: Searched, center: tuple[float, float], scale: float, size: Pair) -> Floats:
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
    pixels, factor, origin, light = read_of(image)
    scale *= factor
    filters: list[list[_Filter]] = []
    places: list[NDArray[np.intp]] = []  # rows and columns of the pixels that are seen
    for middle, begin, count, length in zip(
        center[::-1], origin, size, pixels.shape[:2], strict=True
    ):
        start = (middle - begin) / factor - count / scale / 2
        # The filter sees at most one output pixel beyond the cut on each side.
        reach = math.ceil(max(1.0, 1 / scale)) + 1
        first, last = math.floor(start) - reach, math.ceil(start + count / scale) + reach
        filters.append(_filters(start - first, 1 / scale, count, last - first, OUTPUTS_OF_CUT))
        places.append(np.clip(np.arange(first, last), 0, length - 1))
    cols = slice(places[1][0], places[1][-1] + 1)
    out = np.empty((size[0], pixels.shape[2] * size[1]), np.float32)
    # Some rows of the cut at a time: at small scales they see much of the image.
    for down in filters[0]:
        seen = places[0][down.inputs]
        piece = pixels[seen[0] : seen[-1] + 1, cols]
        if piece.shape[:2] != (len(seen), len(places[1])):
            # It reaches beyond the image: repeat the edge.
            piece = piece[seen[:, None] - seen[0], places[1] - cols.start]
        high, wide, channels = piece.shape
        planes = np.ascontiguousarray(as_floats(piece).transpose(0, 2, 1)).reshape(-1, wide)
        across = np.empty((high * channels, size[1]), np.float32)
        for f in filters[1]:
            multiply(planes[:, f.inputs], f.weights.T, across[:, f.outputs])
        multiply(down.weights, across.reshape(high, -1), out[down.outputs])
    pieces = out.reshape(size[0], -1, size[1]).transpose(0, 2, 1)
    if light is None:
        return pieces
    down, across = (
        (middle + (np.arange(count) + 0.5 - count / 2) * factor / scale) / length
        for middle, count, length in zip(center[::-1], size, image.shape[:2], strict=True)
    )
    light.apply(pieces, down, light.across(across))
    return pieces


def _resample(image: Pixels, rows: Sequence[_Filter], cols: Sequence[_Filter]) -> Floats:
    """An image `(H, W, C)` through filters along its rows and its interleaved columns."""
    channels = image.shape[2]
    out = np.empty((rows[-1].outputs.stop, cols[-1].outputs.stop), np.float32)
    together = _ROWS // _OUTPUTS
    between = np.empty((min(_ROWS, len(out)), image.shape[1] * channels), np.float32)
    for n in range(0, len(rows), together):
        group = rows[n : n + together]
        top, bottom = group[0].outputs.start, group[-1].outputs.stop
        for f in group:
            outputs = slice(f.outputs.start - top, f.outputs.stop - top)
            # `reshape` copies these rows where the image is a view with gaps.
            inputs = as_floats(image[f.inputs]).reshape(f.weights.shape[1], -1)
            multiply(f.weights, inputs, between[outputs])
        for f in cols:
            multiply(between[: bottom - top, f.inputs], f.weights, out[top:bottom, f.outputs])
    return out.reshape(len(out), -1, channels)

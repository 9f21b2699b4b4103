"""Pictures of maps and of pieces of the image, for the page of `waldo explain`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Bytes, Floats
from waldo_cli.detector.explanation import SURROUNDINGS
from waldo_cli.detector.maps import Grid
from waldo_cli.detector.pyramid import cut
from waldo_cli.geometry import Point, Span
from waldo_cli.show.heatmap import inferno
from waldo_cli.show.thumbnails import bytes_of


def inside_spans(
    x: Floats, first: tuple[float, float], jump: tuple[float, float], spans: tuple[Span, Span]
) -> Floats:
    """The cells of a map whose centres lie within the spans of the window it was made from."""
    rows, cols = (
        (first[axis] + np.arange(x.shape[axis]) * jump[axis] >= spans[axis][0])
        & (first[axis] + np.arange(x.shape[axis]) * jump[axis] < spans[axis][1])
        for axis in (0, 1)
    )
    return x[rows][:, cols]


def colour_range(maps: Sequence[Floats]) -> tuple[float, float]:
    """The values shown dark and bright in maps that share one colour scale: their median and maximum."""
    middle = np.median(np.concatenate([m.ravel()[::7] for m in maps]))
    return float(middle), max(float(m.max()) for m in maps)


def _reach(image: Floats) -> int:
    """How many pixels to each side of a place its surroundings are shown."""
    return max(SURROUNDINGS, int(min(image.shape[:2])) // 10)


def surroundings(image: Floats, at: Point) -> Floats:
    """A square with the place in its middle; beyond the image's edge it is grey."""
    reach, col, row = _reach(image), int(at[0]), int(at[1])
    top, left = max(0, row - reach), max(0, col - reach)
    inside = image[top : row + reach, left : col + reach]
    square = np.full((2 * reach, 2 * reach, 3), 0.5, np.float32)
    rows = slice(top - row + reach, top - row + reach + inside.shape[0])
    cols = slice(left - col + reach, left - col + reach + inside.shape[1])
    square[rows, cols] = inside
    return square


def map_surroundings(grid: Grid, at: Point, image: Floats) -> Floats:
    """The same square of a map: each pixel has the value of the nearest cell."""
    values, reach = flat(grid), _reach(image)
    cells: list[NDArray[np.intp]] = []
    outside: list[NDArray[np.bool_]] = []
    for axis, middle in ((0, at[1]), (1, at[0])):
        pixels = int(middle) + np.arange(-reach, reach)
        nearest = np.rint((pixels + 0.5 - grid.origin[axis]) / grid.step[axis])
        cells.append(np.clip(nearest, 0, values.shape[axis] - 1).astype(np.intp))
        outside.append((pixels < 0) | (pixels >= image.shape[axis]))
    square: Floats = values[cells[0][:, None], cells[1]]
    square[outside[0][:, None] | outside[1]] = values.min()
    return square


def flat(grid: Grid) -> Floats:
    """The largest channel; where no answer may lie (-inf), the smallest value there is."""
    values: Floats = grid.values.max(axis=2)
    finite = np.isfinite(values)
    lowest = values[finite].min() if finite.any() else np.float32(0)
    return np.where(finite, values, lowest)


def shrunk(values: Floats, width: int) -> Floats:
    """The map at about `width` columns or fewer. Each cell keeps the largest value, so no peak is lost."""
    step = -(-values.shape[1] // width)
    pads = [(0, -n % step) for n in values.shape]
    blocks = np.pad(values, pads, mode="edge")
    rows = blocks.shape[0] // step
    largest: Floats = blocks.reshape(rows, step, -1, step).max(axis=(1, 3))
    return largest


def fitted(picture: Bytes, width: int) -> Bytes:
    if picture.shape[1] <= width:
        return picture
    rows = max(1, round(picture.shape[0] * width / picture.shape[1]))
    middle, scale = (picture.shape[1] / 2, picture.shape[0] / 2), width / picture.shape[1]
    fitted = cut(picture.astype(np.float32), middle, scale, (rows, width))
    return fitted.astype(np.uint8)


def coloured(values: Floats, low: float | None = None, high: float | None = None) -> Bytes:
    """A map in colours, from dark at `low` to bright at `high`: its own range where not given."""
    low = float(values.min()) if low is None else low
    span = (float(values.max()) if high is None else high) - low
    steps = np.clip((values - low) * (255 / span if span > 0 else 0), 0, 255)
    colours: Bytes = inferno().astype(np.uint8)
    return np.asarray(colours[steps.astype(np.intp)])


def rgb(picture: Floats) -> Bytes:
    """A picture of values that may lie outside [0, 1], such as a resampled one."""
    return bytes_of(np.clip(picture, 0, 1))

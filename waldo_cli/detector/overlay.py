"""All maps of an image laid over its own pixels, made row by row when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.detector.maps import Grid
from waldo_cli.detector.turn import box_back
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.parallel import spread

# Pixels that are made at a time where all are asked for.
_BAND_PIXELS = 1 << 18


@dataclass(frozen=True, eq=False)
class Overlay:
    """The largest activation of all grids at the centre of each pixel, ``(H, W)`` float32.

    ``overlay[a:b]`` makes rows `a` to `b`: for a heatmap, a map of the whole image is never held in memory.

    Attributes
    ----------
    grids
        As `merged` returns them.
    image
        Rows and columns of the image that was searched.
    part
        The part of it that the grids cover. Around it stands the lowest value of the part.
    limit
        What is above it is lowered to it.
    raised
        Row, column and value of pixels that have at least this value.
    turn
        By how many degrees clockwise the image was turned before it was searched. The overlay lies on the
        image as it was before.
    """

    grids: tuple[Grid, ...]
    image: Size
    part: Box
    limit: float = math.inf
    raised: tuple[tuple[int, int, float], ...] = ()
    turn: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, cols = self.image
        return (cols, rows) if self.turn in (90, 270) else (rows, cols)

    def __getitem__(self, wanted: slice) -> Floats:
        """These rows, with all columns."""
        height, width = self.shape
        rows, cols = np.arange(height)[wanted], np.arange(width)
        if self.turn == 90:
            out = self._searched(cols, height - 1 - rows).T
        elif self.turn == 180:
            out = self._searched(height - 1 - rows, width - 1 - cols)
        elif self.turn == 270:
            out = self._searched(width - 1 - cols, rows).T
        else:
            out = self._searched(rows, cols)
        for row, col, value in self.raised:
            here = rows == row
            out[here, col] = np.maximum(out[here, col], np.float32(value))
        return out

    def whole(self) -> Floats:
        """All rows."""
        out = np.empty(self.shape, np.float32)
        if Size(self.part.height, self.part.width) != self.image:
            _ = self._lowest  # now, by one thread, before all need it

        def work(rows: slice) -> None:
            out[rows] = self[rows]

        spread(work, _bands(*self.shape))
        return out

    def max(self) -> float:
        """The largest value."""
        return _extreme(self, np.maximum)

    def raised_at(self, places: Iterable[Detection]) -> Overlay:
        """The same, and each detection's pixel has at least its score: interpolation may have lowered it."""
        rows, cols = self.shape
        at = tuple((min(int(d.y), rows - 1), min(int(d.x), cols - 1), d.score) for d in places)
        return replace(self, raised=self.raised + at)

    def turned_back(self, turn: int) -> Overlay:
        """The same on the image before it was turned clockwise by `turn` degrees; it must be unturned."""
        there = replace(self, turn=turn)
        size = Size(*there.shape)
        boxes = [
            (box_back(Box(col, row, 1, 1), turn, size), value) for row, col, value in self.raised
        ]
        return replace(there, raised=tuple((box.top, box.left, value) for box, value in boxes))

    def _searched(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> Floats:
        """Values at rows and columns of the image as it was searched."""
        out = self._around_part(rows, cols)
        if math.isfinite(self.limit):
            np.minimum(out, np.float32(self.limit), out=out)
        return out

    def _around_part(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> Floats:
        part = self.part
        if Size(part.height, part.width) == self.image:
            return _interpolated_all(self.grids, rows, cols)
        out = np.full((len(rows), len(cols)), self._lowest, np.float32)
        inside = (rows >= part.top) & (rows < part.top + part.height)
        across = (cols >= part.left) & (cols < part.left + part.width)
        if inside.any() and across.any():
            values = _interpolated_all(
                self.grids, rows[inside] - part.top, cols[across] - part.left
            )
            out[np.ix_(inside, across)] = values
        return out

    @cached_property
    def _lowest(self) -> float:
        """The lowest value of the part."""
        whole = Overlay(
            self.grids,
            Size(self.part.height, self.part.width),
            Box(0, 0, self.part.width, self.part.height),
        )
        return _extreme(whole, np.minimum)


def _bands(height: int, width: int) -> Iterator[slice]:
    step = max(1, _BAND_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def _extreme(overlay: Overlay, ufunc: np.ufunc) -> float:
    """The largest or the smallest value of an overlay."""
    bands = list(_bands(*overlay.shape))
    found = np.empty(len(bands), np.float32)

    def work(n: int) -> None:
        found[n] = ufunc.reduce(overlay[bands[n]], axis=None)

    spread(work, range(len(bands)))
    return float(ufunc.reduce(found))


def merged(grids: Sequence[Grid], image: Size) -> tuple[Grid, ...]:
    """Grids of one map, ``(H', W')`` each, as few as can stand for all of them.

    Grids that are coarser than the image are merged, from the coarsest to the finest: each is interpolated
    at the cells of the next one. So only one of them is enlarged to the image's size.
    """
    lowest = min(float(g.values.min(where=np.isfinite(g.values), initial=np.inf)) for g in grids)
    if not math.isfinite(lowest):  # the region is so small that no cell has its centre in it
        lowest = 0.0
    kept: list[Grid] = []  # first all coarse grids in one, then each finer one
    for grid in sorted(grids, key=lambda g: g.values.size):
        coarse = grid.values.size <= image.rows * image.cols
        if coarse or not grid.values.min() >= lowest:
            # A copy; it also replaces -inf, where no answer may lie.
            grid = replace(grid, values=np.maximum(grid.values, np.float32(lowest)))
        if kept and coarse:
            above = _interpolated(kept.pop(), grid.centers(0), grid.centers(1))
            np.maximum(grid.values, above, out=grid.values)
        kept.append(grid)
    return tuple(kept)


def _interpolated_all(
    grids: Sequence[Grid], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> Floats:
    """The largest value of all grids at the centres of pixels."""
    y: Doubles = rows + np.float64(0.5)
    x: Doubles = cols + np.float64(0.5)
    out = _interpolated(grids[0], y, x)
    for grid in grids[1:]:
        np.maximum(out, _interpolated(grid, y, x), out=out)
    return out


def _interpolated(source: Grid, y: Doubles, x: Doubles) -> Floats:
    """Bilinear values of a map at rows `y` and columns `x` of the image; its edge repeats outside."""
    values = source.values
    places = []
    for axis, at in enumerate((y, x)):
        at = (at - source.origin[axis]) / source.step[axis]
        at = np.clip(at, 0, values.shape[axis] - 1)
        low = at.astype(np.intp)
        high = np.minimum(low + 1, values.shape[axis] - 1)
        places.append((low, high, (at - low).astype(np.float32)))
    # Only the columns that are needed.
    (low, high, _) = places[1]
    left = int(low.min())
    values = values[:, left : int(high.max()) + 1]
    places[1] = (low - left, high - left, places[1][2])
    for axis, (low, high, fraction) in enumerate(places):
        result = values.take(low, axis=axis)
        if fraction.any():
            result += (values.take(high, axis=axis) - result) * (
                fraction[:, None] if axis == 0 else fraction
            )
        values = result
    return values

"""Local maxima of activation maps, and non-maximum suppression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.stack.stack import Stack


def local_maxima(scores: Floats, limit: int) -> NDArray[np.intp]:
    """The best local maxima of a map.

    Parameters
    ----------
    scores
        ``(H, W)``; NaN is never a maximum, nor is -inf.
    limit
        At most so many.

    Returns
    -------
    indices
        ``(N, 2)`` rows and columns where no neighbour of the eight is larger, best first, equal
        scores by row, then column.
    """
    largest = np.full((scores.shape[0] + 2, scores.shape[1] + 2), -np.inf, np.float32)
    largest[1:-1, 1:-1] = scores
    largest = np.maximum(np.maximum(largest[:-2], largest[1:-1]), largest[2:])
    largest = np.maximum(np.maximum(largest[:, :-2], largest[:, 1:-1]), largest[:, 2:])
    flat = np.flatnonzero((scores >= largest) & np.isfinite(scores))
    values = scores.ravel()[flat]
    if len(flat) > limit:  # keep the best, and of equals at the cut the first in reading order
        cut = np.partition(values, len(values) - limit)[len(values) - limit]
        above = values > cut
        equal = np.flatnonzero(values == cut)[: limit - int(above.sum())]
        keep = np.sort(np.concatenate([np.flatnonzero(above), equal]))
        flat, values = flat[keep], values[keep]
    flat = flat[np.argsort(-values, kind="stable")]
    return np.stack(np.divmod(flat, scores.shape[1]), axis=1)


def refine(scores: Floats, row: int, col: int) -> tuple[float, float]:
    """How far the summit lies from a local maximum, in cells, each way in [-0.5, 0.5].

    A parabola through the maximum and its two neighbours, along rows and columns apart; 0 at the
    map's edge and on flat ground.
    """
    offsets = []
    for before, after, size, at in (
        ((row - 1, col), (row + 1, col), scores.shape[0], row),
        ((row, col - 1), (row, col + 1), scores.shape[1], col),
    ):
        offset = 0.0
        if 0 < at < size - 1:
            a, b, c = (float(scores[p]) for p in (before, (row, col), after))
            bend = a - 2 * b + c
            if np.isfinite(bend) and bend < 0:
                offset = min(0.5, max(-0.5, (a - c) / (2 * bend)))
        offsets.append(offset)
    return offsets[0], offsets[1]


def overlap(a: Box, b: Box) -> float:
    """Shared area over the smaller box's area, so that a box within a box overlaps by 1."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(a.area, b.area)


def suppress(boxes: Iterable[Box], max_overlap: float) -> Iterator[int]:
    """Non-maximum suppression: of boxes that come best first, the indices of those to keep.

    A box goes when it overlaps a better one that stays by more than `max_overlap` (`overlap`). Lazy:
    the caller stops when it has enough.
    """
    kept: list[tuple[int, int, int, int, Box]] = []
    for index, box in enumerate(boxes):
        x0, y0, x1, y1 = box.left, box.top, box.left + box.width, box.top + box.height
        # Nearly all boxes lie apart, and a page has ten thousand pairs of them.
        if all(
            x0 >= right
            or x1 <= left
            or y0 >= bottom
            or y1 <= top
            or overlap(box, better) <= max_overlap
            for left, top, right, bottom, better in kept
        ):
            kept.append((x0, y0, x1, y1, box))
            yield index


# Of two finds that share more than this part of the smaller one's box only the better stays.
MAX_OVERLAP = 0.5

# Local maxima kept per scale. Suppression needs a few per answer; a page has tens of thousands.
PEAKS_PER_LEVEL = 4096


def find_peaks(
    stack: Stack,
    grids: Sequence[Grid],
    channel: int,
    label: str,
    count: int,
    max_overlap: float,
    width: int,
    height: int,
) -> list[Detection]:
    """The best `count` places of one output channel over all scales, overlapping ones suppressed.

    Nothing is suppressed where `max_overlap` is 1.
    """
    size = stack.object or Size(1, 1)
    found: list[tuple[float, float, float, int, int, int]] = []
    for number, grid in enumerate(grids):
        values = grid.values[:, :, channel]
        ys, xs = grid.centers(0), grid.centers(1)
        rows, cols = local_maxima(values, max(PEAKS_PER_LEVEL, 8 * count)).T
        columns = (-values[rows, cols], ys[rows], xs[cols], np.full_like(rows, number), rows, cols)
        found += zip(*(column.tolist() for column in columns), strict=True)
    found.sort()
    places: list[tuple[float, float]] = []

    def in_order() -> Iterator[Box]:
        for _, y, x, number, i, j in found:
            grid = grids[number]
            dy, dx = refine(grid.values[:, :, channel], i, j)
            places.append((y + dy * grid.step[0], x + dx * grid.step[1]))
            yield _box(grid, size, *places[-1])

    out: list[Detection] = []
    for index in suppress(in_order(), max_overlap):
        score, cell_y, cell_x, number, _, _ = found[index]
        y, x = places[index]
        # A hundredth of a pixel, and float32's own digits, are all that these numbers hold.
        at = (round(min(max(x, 0.0), width), 2), round(min(max(y, 0.0), height), 2))
        # The box of the cell itself: a mask's window, exactly.
        box = _box(grids[number], size, cell_y, cell_x).clipped(width, height)
        out.append(Detection(label, *at, as_printed(-score), box, grids[number].scale))
        if len(out) == count:
            break
    return out


def _box(grid: Grid, size: Size, y: float, x: float) -> Box:
    """Where an object of `size` (at the grid's scale) lies that is centred there."""
    h, w = size.rows / grid.factor[0], size.cols / grid.factor[1]
    return Box(round(x - w / 2), round(y - h / 2), max(1, round(w)), max(1, round(h)))


def as_printed(score: float | np.float32) -> float:
    """The shortest decimal that is this float32."""
    return float(str(np.float32(score)))

"""Local maxima of maps, refined below a cell, and non-maximum suppression: from `Maps` to detections."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid, Maps
from waldo_cli.geometry import Box, Detection

# Two detections may share at most this part of the smaller one's box; otherwise only the better one stays.
MAX_OVERLAP = 0.5

# Local maxima that are kept for each scale. A page has tens of thousands, suppression needs a few for each
# answer.
PEAKS_PER_LEVEL = 4096

# Cells of a map whose maxima are looked for at a time, so that little memory is needed beside the map.
BAND_CELLS = 1 << 20


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
    rows, cols = scores.shape
    kept, values = np.empty(0, np.intp), np.empty(0, np.float32)
    band = max(1, BAND_CELLS // cols)
    for top in range(0, rows, band):
        # The best so far and those of the next rows, in reading order.
        flat = _maxima_of_rows(scores, top, min(top + band, rows))
        kept = np.concatenate([kept, flat])
        values = np.concatenate([values, scores[flat // cols, flat % cols]])
        if (
            len(kept) > limit
        ):  # keep the best; of equal ones at the limit, the first in reading order
            cut = np.partition(values, len(values) - limit)[len(values) - limit]
            above = values > cut
            equal = np.flatnonzero(values == cut)[: limit - int(above.sum())]
            keep = np.sort(np.concatenate([np.flatnonzero(above), equal]))
            kept, values = kept[keep], values[keep]
    kept = kept[np.argsort(-values, kind="stable")]
    return np.stack(np.divmod(kept, cols), axis=1)


def _maxima_of_rows(scores: Floats, top: int, bottom: int) -> NDArray[np.intp]:
    """Flat indices of the local maxima in rows `top` to `bottom`."""
    first, last = max(top - 1, 0), min(bottom + 1, scores.shape[0])
    largest = np.full((bottom - top + 2, scores.shape[1] + 2), -np.inf, np.float32)
    largest[first - top + 1 : last - top + 1, 1:-1] = scores[first:last]
    largest = np.maximum(np.maximum(largest[:-2], largest[1:-1]), largest[2:])
    largest = np.maximum(np.maximum(largest[:, :-2], largest[:, 1:-1]), largest[:, 2:])
    mine = scores[top:bottom]
    flat: NDArray[np.intp] = np.flatnonzero((mine >= largest) & np.isfinite(mine))
    return flat + np.intp(top * scores.shape[1])


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


class HasBox(Protocol):
    """What non-maximum suppression needs of a find, a peak or a proposal."""

    @property
    def box(self) -> Box: ...


Boxed = TypeVar("Boxed", bound=HasBox)


def suppress(ranked: Iterable[Boxed], max_overlap: float) -> Iterator[Boxed]:
    """Non-maximum suppression: of things that come best first, those to keep.

    One goes when its box overlaps that of a better one that stays by more than `max_overlap` (`overlap`).
    Lazy: the caller stops when it has enough.
    """
    if max_overlap >= 1:  # no two boxes share more than the whole smaller one
        yield from ranked
        return
    kept = _KeptBoxes(max_overlap)
    for one in ranked:
        if kept.has_room_for(one.box):
            kept.add(one.box)
            yield one


class _KeptBoxes:
    """Boxes that stay, found by their place: to compare each new box with all of them would be slow.

    Boxes of up to 1, 2, 4, 8 ... pixels each have a grid of their own, whose cells are as large as they are:
    so a box that overlaps one of them lies in the same cell or in one next to it.
    """

    def __init__(self, max_overlap: float) -> None:
        self._max_overlap = max_overlap
        # By the size of the cells: the boxes by the cell of their top left corner; and all in one list.
        self._grids: dict[int, tuple[dict[tuple[int, int], list[Box]], list[Box]]] = {}

    def add(self, box: Box) -> None:
        cell = 1 << (max(box.width, box.height, 1) - 1).bit_length()
        grid, every = self._grids.setdefault(cell, ({}, []))
        grid.setdefault((box.top // cell, box.left // cell), []).append(box)
        every.append(box)

    def has_room_for(self, box: Box) -> bool:
        """Return whether the box overlaps none of those that stay by more than allowed."""
        left, top, right, bottom = box.left, box.top, box.left + box.width, box.top + box.height
        for better in self._near(box):
            # Compare edges first, which is quick: nearly all boxes lie apart.
            if (
                better.left < right
                and better.top < bottom
                and better.left + better.width > left
                and better.top + better.height > top
                and overlap(box, better) > self._max_overlap
            ):
                return False
        return True

    def _near(self, box: Box) -> Iterator[Box]:
        """Those that the box may overlap, and some more."""
        for cell, (grid, every) in self._grids.items():
            rows = range(box.top // cell - 1, (box.top + box.height) // cell + 1)
            cols = range(box.left // cell - 1, (box.left + box.width) // cell + 1)
            if len(rows) * len(cols) >= len(every):
                yield from every
                continue
            for row in rows:
                for col in cols:
                    yield from grid.get((row, col), ())


class Peak(NamedTuple):
    """A local maximum of a map.

    Attributes
    ----------
    score
        The activation there.
    cell
        ``(y, x)`` of the centre of its cell, in pixels of the image.
    summit
        ``(y, x)`` of the maximum, refined below a cell.
    grid
        The map.
    box
        Around the summit, not cut at the image's edge.
    """

    score: float
    cell: tuple[float, float]
    summit: tuple[float, float]
    grid: Grid
    box: Box


def find_peaks(
    maps: Maps, channel: int, label: str, count: int, max_overlap: float
) -> list[Detection]:
    """The best `count` places of one channel over all scales, overlapping ones suppressed.

    Nothing is suppressed where `max_overlap` is 1.
    """
    peaks = suppress(_ranked(maps, channel, count), max_overlap)
    return [_as_detection(maps, peak, label) for peak in itertools.islice(peaks, count)]


def _ranked(maps: Maps, channel: int, count: int) -> Iterator[Peak]:
    """The peaks of one channel over all scales, best first, equal ones by row, then column."""
    found: list[tuple[float, float, float, int, int, int]] = []
    for number, grid in enumerate(maps.grids):
        values = grid.values[:, :, channel]
        ys, xs = grid.centers(0), grid.centers(1)
        rows, cols = local_maxima(values, max(PEAKS_PER_LEVEL, 8 * count)).T
        columns = (-values[rows, cols], ys[rows], xs[cols], np.full_like(rows, number), rows, cols)
        found += zip(*(column.tolist() for column in columns), strict=True)
    found.sort()
    for loss, y, x, number, row, col in found:
        grid = maps.grids[number]
        dy, dx = refine(grid.values[:, :, channel], row, col)
        summit = (y + dy * grid.step[0], x + dx * grid.step[1])
        yield Peak(-loss, (y, x), summit, grid, maps.box(grid, *summit))


def _as_detection(maps: Maps, peak: Peak, label: str) -> Detection:
    """A peak as it is reported: to a hundredth of a pixel, and in float32's own digits."""
    y, x = (
        round(min(max(at, 0.0), size), 2) for at, size in zip(peak.summit, maps.image, strict=True)
    )
    # The box of the cell itself: a mask's window, exactly.
    box = maps.box(peak.grid, *peak.cell).clipped(maps.image.cols, maps.image.rows)
    return Detection(label, x, y, as_printed(peak.score), box, peak.grid.scale)


def as_printed(score: float | np.float32) -> float:
    """The shortest decimal that is this float32."""
    return float(str(np.float32(score)))

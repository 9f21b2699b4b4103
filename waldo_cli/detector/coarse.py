"""Places that may be what a mask shows: coarse to fine, the first step.

For each scale, mask and image are resized so that the thing measures about `COARSE` pixels (more, if too
little of the mask is left), and the mask is correlated in all its turns, plain ones and mirrored ones by
themselves. The best places of each scale are compared with the mask part by part, as something may hide one,
and those for which most speaks are candidates. (Where there is one scale and no turn, `detect` correlates at
full size instead, and `of_maps` takes candidates of that.) `matching` verifies them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.correlate.correlation import normalized_cross_correlate
from waldo_cli.detector.agreement import Agreement, compare
from waldo_cli.detector.maps import Grid, Maps, times_prior
from waldo_cli.detector.matcher import COARSE, GLANCE, UPRIGHT, Matcher, Turn, turned_planes
from waldo_cli.detector.peaks import local_maxima
from waldo_cli.detector.poses import ImagePyramid, Poses, Rows
from waldo_cli.detector.pyramid import Level, level_size
from waldo_cli.detector.template import Template
from waldo_cli.detector.verdict import promise
from waldo_cli.geometry import Size

# Places of each scale that are compared part by part, at least: the best one of each cell, a quarter of the
# thing wide and high, of the best local maxima.
PER_SCALE, _MAXIMA, _CELL = 384, 4096, 4

# Candidates: those that are aligned, and those that come through the first alignment. So many are enough for
# `FINDS` finds; for more there are more, up to `MOST_EFFORT` times as many.
TOGETHER, ALIGNED, FINDS, MOST_EFFORT = 80, 32, 16, 16

# Of them so many are chosen by what speaks for them to one by its correlation.
_TO_ONE = 4

# Largest number of scores of turned masks in memory at once, 64 MB.
_MOST_SCORES = 1 << 24

# Seconds on one core for a pixel of a level: for sums over the windows, and for each turn.
_SECONDS_A_PIXEL, _SECONDS_A_TURN = 8e-8, 5e-8

# Points along each side by which the common part of two finds is measured.
_POINTS = 8


def effort(count: int) -> int:
    """How many times as many candidates it takes to have `count` finds: a power of 2.

    The first finds are then the same, however many are asked for, within wide limits.
    """
    return min(MOST_EFFORT, 1 << max(0, math.ceil(math.log2(count / FINDS))))


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places that may be it, one row for each.

    Attributes
    ----------
    poses
        How the mask would lie there.
    scores
        So far.
    scales
        ``(N,)`` the scale at which each was found; alignment moves that of the pose.
    """

    poses: Poses
    scores: Doubles
    scales: Doubles

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Rows) -> Candidates:
        return Candidates(self.poses[index], self.scores[index], self.scales[index])

    @staticmethod
    def joined(parts: Sequence[Candidates]) -> Candidates:
        return Candidates(
            Poses.joined([p.poses for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.scales for p in parts]),
        )


def coarse_search(
    matcher: Matcher, pyramid: ImagePyramid, prior: Floats | None, count: int
) -> tuple[list[Grid], Candidates]:
    """A map for each scale, of the best score of all turns, and candidates for `count` finds."""
    grids: list[Grid] = []
    found: list[Candidates] = []
    # Each place has candidates of both kinds: a mask that looks much like its mirror image may be either.
    kinds = [[t for t in matcher.turns if t.mirrored == flipped] for flipped in (False, True)]
    for scale, turns in itertools.product(matcher.scales_for(pyramid.size), filter(None, kinds)):
        grid, which = _coarse_map(matcher, pyramid, scale, turns)
        if prior is not None:
            grid = times_prior(grid, prior)
        if grids and grids[-1].scale == scale:
            grids[-1] = replace(grid, values=np.maximum(grids[-1].values, grid.values))
        else:
            grids.append(grid)
        found.append(_best_places(matcher, grid, 0, count, turns, which))
    return grids, _likely(matcher, pyramid, Candidates.joined(found), TOGETHER * effort(count))


def _best_places(
    matcher: Matcher,
    grid: Grid,
    channel: int,
    count: int,
    turns: Sequence[Turn] = UPRIGHT,
    which: NDArray[np.intp] | None = None,
) -> Candidates:
    """The best places of a map, not too near to each other, enough for `count` finds.

    `which` of the turns it is, is told for each place ``(H', W')``, where there are several.
    """
    thing = grid.object_size or matcher.mask.size  # in cells of the map
    values = grid.values[:, :, channel]
    rows, cols = best_of_cells(values, thing, _MAXIMA, max(PER_SCALE, TOGETHER * effort(count)))
    lying = [
        turns[0 if which is None else which[row, col]] for row, col in zip(rows, cols, strict=True)
    ]
    scales = np.full(len(rows), grid.scale)
    poses = Poses(
        grid.centers(1)[cols],
        grid.centers(0)[rows],
        scales,
        np.array([turn.angle for turn in lying], np.float64),
        np.array([turn.mirrored for turn in lying], bool),
    )
    return Candidates(poses, values[rows, cols].astype(np.float64), scales)


def best_of_cells(
    values: Floats, thing: Size, maxima: int, count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the best of some local maxima, best first: one of each cell, at most `count`.

    A cell is a quarter of the thing wide and high.
    """
    at = local_maxima(values, maxima)
    cells = at // np.maximum(1, np.array(thing) // _CELL)
    first = np.sort(np.unique(cells, axis=0, return_index=True)[1])
    rows, cols = at[first[:count]].T
    return rows, cols


def _likely(
    matcher: Matcher, pyramid: ImagePyramid, places: Candidates, count: int | None = None
) -> Candidates:
    """Those places, at most `count`, that are the most likely ones as they are, best first.

    They are those for which most speaks, and some of those that correlate best: a correlation alone would
    pass over a thing of which a part is hidden, since hundreds of places have more; what speaks for a place
    would pass over one that hangs over the edge, of which few numbers are seen.
    """
    if not len(places):  # a region too narrow for any
        return places
    agreement = compared(matcher, pyramid, places, matcher.larger * GLANCE)
    correlation = worth(agreement.score, agreement.independent)
    speaks = promise(agreement)
    by_both = [np.argsort(np.argsort(-a, kind="stable")) for a in (speaks, correlation)]
    order = np.argsort(np.minimum(by_both[0], _TO_ONE * by_both[1]), kind="stable")
    return places[order[:count]]


def worth(scores: Doubles, numbers: Doubles | float) -> Doubles:
    """The order of correlations of so many independent numbers: one of few is easily high."""
    few: Doubles = 0.4 * np.log(np.maximum(numbers, 1.0))
    return np.asarray(np.arctanh(np.clip(scores, -0.5, 0.995)) + few)


def _coarse_map(
    matcher: Matcher, pyramid: ImagePyramid, scale: float, turns: Sequence[Turn]
) -> tuple[Grid, NDArray[np.intp]]:
    """The best score of some turns at each place, and which of them it is, ``(H', W')``."""
    size, factor = coarse_grid(matcher, scale)
    level = pyramid.resized(factor)
    A, B = _extent(size, matcher.turns)
    values: Floats = np.zeros(0, np.float32)
    which: NDArray[np.intp] = np.zeros(0, np.intp)
    at_a_time = max(1, _MOST_SCORES // (level.shape[0] * level.shape[1]))
    for start in range(0, len(turns), at_a_time):
        bank, weights = _bank(matcher, size, turns[start : start + at_a_time], (A, B))
        scores = _scores(level, bank, weights, one_colour=matcher.one_colour)
        here = scores.argmax(2)
        top = np.take_along_axis(scores, here[:, :, None], 2)[:, :, 0]
        if start == 0:
            values, which = top, here
        else:
            which = np.where(top > values, here + start, which)
            values = np.maximum(top, values)
    factors = tuple(n / full for n, full in zip(level.shape, pyramid.size, strict=False))
    # A window of even length has its centre half a pixel behind the pixel that its score stands at.
    origin = tuple((0.5 + (n + 1) % 2 / 2) / f for n, f in zip((A, B), factors, strict=True))
    step = (1 / factors[0], 1 / factors[1])
    placed = (origin[0], origin[1]), step, scale, (factors[0], factors[1])
    return Grid(values[:, :, None], *placed, object_size=size), which


def coarse_grid(matcher: Matcher, scale: float, side: float | None = None) -> tuple[Size, float]:
    """The size of the thing in the coarse search, and by what the image is resized for that.

    The size is that of about `side`² points; when None, so many that enough of the mask is left.
    """
    size = matcher.grid(matcher.larger * COARSE if side is None else side, scale)
    return size, min(1.0, math.sqrt(size.rows * size.cols / math.prod(matcher.mask.size)) / scale)


def expected_seconds(matcher: Matcher, image: Size) -> float:
    """Expected seconds on one core of `coarse_search`, which takes most of a search that is long."""
    factors = [coarse_grid(matcher, scale)[1] for scale in matcher.scales_for(image)]
    pixels = sum(math.prod(level_size(*image, factor)) for factor in factors)
    kinds = len({turn.mirrored for turn in matcher.turns})
    seconds = pixels * (_SECONDS_A_PIXEL * kinds + _SECONDS_A_TURN * len(matcher.turns))
    return seconds * (3 if matcher.one_colour else 1)


def _scores(level: Floats, bank: Floats, weights: Floats, *, one_colour: bool) -> Floats:
    if not one_colour:
        return normalized_cross_correlate(level, bank, weights=weights, padding="partial")
    # A shape may be brighter or darker than its ground, and in each channel another.
    channels = (
        np.abs(
            normalized_cross_correlate(
                level[:, :, c : c + 1], bank, weights=weights, padding="partial"
            )
        )
        for c in range(level.shape[2])
    )
    best = next(channels)
    for scores in channels:
        np.maximum(best, scores, out=best)
    return best


def _extent(size: Size, turns: Sequence[Turn]) -> tuple[int, int]:
    """Rows and columns that hold a mask of a size in all its turns; of a disc where it may be any of many."""
    if _as_disc(size, turns):
        return (min(size),) * 2
    reach = [math.radians(turn.angle) for turn in turns]
    rows = max(abs(math.cos(a)) * size.rows + abs(math.sin(a)) * size.cols for a in reach)
    cols = max(abs(math.sin(a)) * size.rows + abs(math.cos(a)) * size.cols for a in reach)
    return math.ceil(rows - 1e-6), math.ceil(cols - 1e-6)


def _as_disc(size: Size, turns: Sequence[Turn]) -> bool:
    """Whether only the inscribed disc is correlated: one window for all turns, which share its sums."""
    return max(size) <= 1.5 * min(size) and any(turn.angle % 90 for turn in turns)


def _bank(
    matcher: Matcher, size: Size, turns: Sequence[Turn], extent: tuple[int, int]
) -> tuple[Floats, Floats]:
    """The mask at a size in several turns, ``(A, B, C, K)``, and its weights, ``(A, B, K or 1)``."""
    mask = matcher.sought
    small = Level(mask.weighed(), size)[:]
    A, B = extent
    y, x = np.mgrid[:A, :B] + np.array([(1 - A) / 2, (1 - B) / 2])[:, None, None]
    turned = np.stack([turned_planes(small, turn, x, y) for turn in turns], axis=3)
    w = turned[:, :, -1]
    bank = turned[:, :, :-1] / np.maximum(w, 1e-3)[:, :, None]
    w = np.where(w > 0.01, np.minimum(w, 1), 0)
    if _as_disc(size, matcher.turns):
        inside = (x**2 + y**2 <= (min(size) / 2) ** 2)[:, :, None].astype(np.float32)
        w = inside if mask.weights is None else w * inside
    elif mask.weights is None and all(turn.angle % 180 == 0 for turn in turns):
        w = np.ones((A, B, 1), np.float32)
    return bank.astype(np.float32), w.astype(np.float32)


def of_maps(
    matcher: Matcher,
    pyramid: ImagePyramid,
    maps: Maps,
    channel: int,
    count: int,
    max_overlap: float,
) -> Candidates:
    """Candidates for `count` finds from a mask's maps at full size."""
    found = [_best_places(matcher, grid, channel, count) for grid in maps.grids]
    places = _likely(matcher, pyramid, Candidates.joined(found))
    rows = np.arange(len(places))
    return places[apart(places.poses, matcher, max_overlap, ALIGNED * effort(count), rows)]


def compared(
    matcher: Matcher,
    pyramid: ImagePyramid,
    found: Candidates,
    side: float,
    *,
    blurred: bool = False,
) -> Agreement:
    """How well the image agrees with about `side`² points of the mask (`Matcher.template`)."""
    if not len(found):
        return compare(pyramid, matcher.template(side, 1.0), found.poses, 1.0)
    by_scale = Agreement.joined(
        [
            compare(pyramid, template, some.poses, float(some.scales[0]))
            for some, template in of_each_scale(matcher, found, side, blurred)
        ]
    )
    return by_scale[np.argsort(np.argsort(found.scales, kind="stable"))]


def of_each_scale(
    matcher: Matcher, found: Candidates, side: float, blurred: bool = False
) -> Iterator[tuple[Candidates, Template]]:
    """The candidates of each scale, smallest first, with the template for them."""
    for scale in np.unique(found.scales):
        yield found[found.scales == scale], matcher.template(side, float(scale), blurred=blurred)


def apart(
    poses: Poses, matcher: Matcher, max_overlap: float, count: int, names: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Non-maximum suppression of poses that come best first: the `names` of those to keep, at most `count`.

    What two share is measured over points of the smaller one, so that turned boxes are compared as they lie.
    """
    rows, cols = matcher.mask.size
    y, x = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5, (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    points = np.stack(np.meshgrid(x * cols, y * rows), axis=2).reshape(-1, 2)
    matrices = poses.matrices()
    inverses = np.linalg.inv(matrices)
    centers = np.stack([poses.x, poses.y], axis=1)
    reach = math.hypot(rows, cols) / 2 * poses.scale
    kept: list[int] = []
    free = np.ones(len(poses), bool)  # no kept one shares too much with it
    for n in range(len(poses)):
        if not free[n]:
            continue
        kept.append(n)
        if len(kept) == count:
            break
        away = centers[n + 1 :] - centers[n]
        near = free[n + 1 :] & (np.hypot(away[:, 0], away[:, 1]) < reach[n + 1 :] + reach[n])
        others = np.flatnonzero(near) + n + 1
        if not len(others):
            continue
        # Points of the smaller of each two, as the larger one has them.
        pairs = (n, others), (others, n)
        small, large = (np.where(poses.scale[n] < poses.scale[others], *pair) for pair in pairs)
        inside = (
            points @ matrices[small].swapaxes(1, 2) + (centers[small] - centers[large])[:, None]
        )
        inside = np.abs(inside @ inverses[large].swapaxes(1, 2))
        shared = ((inside[:, :, 0] < cols / 2) & (inside[:, :, 1] < rows / 2)).mean(axis=1)
        free[others] = shared <= max_overlap
    return names[np.array(kept, np.intp)]

"""A mask sought at several scales and turns: coarse to fine, and a verdict on each place.

1. `coarse_search`: for each scale, mask and image are resized so that the thing measures about `COARSE`
   pixels (more, if too little of the mask is left), and the mask is correlated in all its turns, plain ones
   and mirrored ones by themselves. The best places of each scale are compared with the mask part by part,
   as something may hide one, and those for which most speaks are candidates. (Where there is one scale and
   no turn, `detect` correlates at full size instead, and `of_maps` takes candidates of that.)
2. `verified`: the candidates are aligned with more and more points of the mask (`alignment`), copies of the
   mask are tried near the best, and those that lie over better ones are dropped. Each is compared with the
   mask part by part, and `verdict` says how easily chance brings such an agreement about.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.correlate.correlation import normalized_cross_correlate
from waldo_cli.detector.alignment import (
    ANGLE,
    PLACE,
    SCALE,
    Agreement,
    ImagePyramid,
    Poses,
    Rows,
    Template,
    align,
    compare,
)
from waldo_cli.detector.maps import Grid, Maps, times_prior
from waldo_cli.detector.peaks import as_printed, local_maxima
from waldo_cli.detector.pyramid import Level, level_size
from waldo_cli.detector.verdict import MOST_CHANCE, chance_of, evidence, rivals
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.stack.stack import Mask

# Sides, in pixels, of a square with the thing's area, as it is looked at in each step. A mask with fine
# detail, of which less than a share is left at the coarse size, is looked at some times larger in all but the
# last step.
COARSE, GLANCE, FIRST, SECOND, FINE = 16, 12, 20, 32, 96
_LEAST_LEFT, _LARGER = 0.4, (1.0, 1.5, 2.0, 3.0)

# The image may be blurred: the standard deviation of a Gaussian, in its pixels.
BLUR = 1.0

# A thing whose shorter side measures less in the image tells too little to be sought at that scale.
SMALLEST = 8

# Places of each scale that are compared part by part, at least: the best one of each cell, a quarter of the
# thing wide and high, of the best local maxima.
PER_SCALE, _MAXIMA, _CELL = 384, 4096, 4
# Candidates: those that are aligned, and those that come through the first alignment. So many are enough for
# `FINDS` finds; for more there are more, up to `MOST_EFFORT` times as many.
TOGETHER, ALIGNED, FINDS, MOST_EFFORT = 80, 32, 16, 16
# Of them so many are chosen by what speaks for them to one by its correlation.
_TO_ONE = 4
# Finds among the first candidates, up to which the candidates after them are skipped: they are worse.
SEVERAL = 8
# Candidates that are aligned as finely as is reported, at least.
REFINED = 16

# Largest number of scores of turned masks in memory at once, 64 MB.
_MOST_SCORES = 1 << 24
# Steps of an alignment: more do not change where it ends.
STEPS = 4

# Seconds on one core for a pixel of a level: for sums over the windows, and for each turn.
_SECONDS_A_PIXEL, _SECONDS_A_TURN = 8e-8, 5e-8

# Masks whose colours vary less under their weights are matched by their shape. At its rim, so many pixels
# wide, a shape that has been resized may be of other colours.
_FLAT, _RIM = 6 / 255, 2
# What the worst colour takes from the score of a shape, as a share of it.
_COLOUR = 0.3

# Points along each side by which the common part of two finds is measured.
_POINTS = 8
# How far from a candidate a copy of the mask is tried, as a share of its sides; near so many candidates that
# the mask's pixels, times their number, are about this many.
_COPY_NEAR, _COPIES = 0.12, 1 << 19
# Poses so near are one: share of the thing's shorter side, logarithm of the scale, degrees.
_SAME = (0.1, 0.06, 4.0)
# How near to the pixels' own grid a pose must be to be tried there: pixels, share of the scale, degrees.
_NEAR_GRID = (0.75, 0.04, 2.0)

# The template of a refinement has a few points more than the scale so far would give it.
_A_LITTLE_MORE = 1.05

# How far beyond the scales that are asked for a thing may be: half a step of a coarse ladder.
_BEYOND_SCALES = 1.15


def effort(count: int) -> int:
    """How many times as many candidates it takes to have `count` finds: a power of 2.

    The first finds are then the same, however many are asked for, within wide limits.
    """
    return min(MOST_EFFORT, 1 << max(0, math.ceil(math.log2(count / FINDS))))


class Turn(NamedTuple):
    """A mask is mirrored left to right first, where it is, and then turned counter-clockwise as seen."""

    angle: float = 0.0
    mirrored: bool = False


UPRIGHT = (Turn(),)


def is_one_colour(mask: Mask) -> bool:
    """True if a mask has one colour and a shape: its weights tell it from its surroundings.

    Raises
    ------
    InvalidInputError
        It has one colour and no shape.
    """
    if mask.pixels[_opaque(mask)].std(axis=0).max() > _FLAT:
        return False
    if mask.weights is None or mask.weights.std() < _FLAT:
        raise InvalidInputError(
            "the mask has one colour only and no shape: nothing to tell it from its surroundings; cut it out"
            " with some of what is around it, or make that transparent"
        )
    return True


def _by_opacity(mask: Mask) -> Mask:
    """The mask with smaller weights where it is partly transparent, such as at the rim of an icon.

    What is behind such a pixel shows through, and is not known: its weight is its alpha squared. (A higher
    power finds a few more in JPEGs, and more where nothing is.)
    """
    if mask.weights is None:
        return mask
    return replace(mask, weights=mask.weights**2 / mask.weights.max())


def _opaque(mask: Mask) -> NDArray[np.bool_]:
    """Where a mask has its colours, ``(A, B)``: away from the rim of its shape, if anything is."""
    if mask.weights is None:
        return np.ones(mask.size, bool)
    opaque = mask.weights > mask.weights.max() / 2
    padded = np.pad(opaque, _RIM, constant_values=True)
    inner = padded
    for axis in (0, 1):
        inner = np.asarray(sliding_window_view(inner, 2 * _RIM + 1, axis=axis).all(axis=-1))
    return inner if inner.any() else opaque


@dataclass(frozen=True, eq=False)
class Matcher:
    """A mask, and the scales and turns at which it is sought.

    Attributes
    ----------
    mask
        As given.
    scales, turns
        How large, and how it may lie.
    score
        What is reported: "ccc", the concordance, which is 1 only where the colours agree, too, or "ncc".
    """

    mask: Mask
    scales: tuple[float, ...]
    turns: tuple[Turn, ...] = UPRIGHT
    score: str = "ccc"

    @cached_property
    def one_colour(self) -> bool:
        """Whether the mask is matched by its shape."""
        return is_one_colour(self.mask)

    @cached_property
    def colour(self) -> Doubles | None:
        """The colour of a mask that is matched by its shape, ``(3,)``."""
        if not self.one_colour:
            return None
        return np.asarray(self.mask.pixels[_opaque(self.mask)].mean(axis=0, dtype=np.float64))

    @cached_property
    def sought(self) -> Mask:
        """The mask with weights for its colours, or its shape as a mask of one channel."""
        if not self.one_colour:
            return _by_opacity(self.mask)
        assert self.mask.weights is not None  # noqa: S101 - for the type checker; `is_one_colour` has seen it
        return Mask(self.mask.label, self.mask.weights[:, :, None].astype(np.float32))

    @property
    def any_contrast(self) -> bool:
        """Whether the image may have any contrast beside the mask's."""
        return self.score == "ncc" or self.one_colour

    @property
    def free(self) -> tuple[str, ...]:
        """What an alignment may change."""
        scale = (SCALE,) if len(self.scales) > 1 else ()
        return (PLACE, *scale, *((ANGLE,) if len({t.angle for t in self.turns}) > 1 else ()))

    def grid(self, side: float, scale: float) -> Size:
        """Rows and columns at which the thing has about `side`² points; not more than mask or image have."""
        rows, cols = self.mask.size
        k = max(side / math.sqrt(rows * cols), min(SMALLEST, side / 2) / min(rows, cols))
        k = min(k, 1.0, scale)
        return Size(max(1, round(rows * k)), max(1, round(cols * k)))

    @cached_property
    def larger(self) -> float:
        """How many times larger than `COARSE` the mask must be looked at, so that it is told from others."""
        whole = self.template(FINE, 1.0).energy
        return next(
            (f for f in _LARGER if self.template(f * COARSE, 1.0).energy >= _LEAST_LEFT * whole),
            _LARGER[-1],
        )

    @property
    def half_side(self) -> float:
        """The side at which the mask is seen from twice as far as in the second alignment."""
        return max(float(SMALLEST), math.sqrt(math.prod(self.grid(self.larger * SECOND, 1.0))) / 2)

    def template(self, side: float, scale: float, *, blurred: bool = False) -> Template:
        """The template for an alignment; as a blurred image shows the mask, where that is asked for."""
        grid = self.grid(side, scale)
        # What blur does depends on the scale; a sharp template on its points alone.
        key = (grid, scale if blurred else None)
        known = self._templates.get(key)
        if known is None:
            known = Template.of(self.sought, grid, self.colour)
            if blurred:
                down, across = (BLUR / (pitch * scale) for pitch in known.pitch)
                known = known.blurred((down, across))
            self._templates[key] = known
        return known

    @cached_property
    def _templates(self) -> dict[tuple[Size, float | None], Template]:
        return {}

    def reported(self, agreement: Agreement, weights: Doubles) -> Doubles:
        """The scores that are reported, those above 0 times the prior's weights."""
        scores = agreement.score
        if self.score == "ccc" and self.one_colour:
            # Its colour may be another, and decides between places where its shape is alike.
            scores = scores * (1 - _COLOUR * (1 - agreement.concordance))
        elif self.score == "ccc":
            scores = agreement.concordance
        return np.where(scores > 0, scores * weights, scores)

    def scales_for(self, image: Size) -> list[float]:
        """The scales at which enough of the thing is left, and at which it fits into the image.

        Raises
        ------
        InvalidInputError
            There is none.
        """
        size = self.mask.size
        small, large = SMALLEST / min(size), min(image.rows / size.rows, image.cols / size.cols)
        least = min(small, 1.0)  # a mask that is smaller itself is sought as it is
        fitting = [s for s in self.scales if s <= large * (1 + 1e-9)]
        if not fitting:
            raise InvalidInputError(
                f"what is sought is {size}, the image {image}, and the smallest scale"
                f" {min(self.scales):g}: it must fit inside; use a smaller --scales or a smaller mask"
            )
        return [s for s in fitting if s >= least * (1 - 1e-9)] or fitting[-1:]


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


class Match(NamedTuple):
    """A detection, and where it stands among others: smaller keys come first.

    Sort by `key` alone: detections have no order.
    """

    key: tuple[float, ...]
    detection: Detection

    @property
    def box(self) -> Box:
        return self.detection.box

    def moved(self, part: Box) -> Match:
        """The match in an image of which the one that it was found in is a part."""
        if part.left == part.top == 0:
            return self
        d = self.detection
        box = Box(d.box.left + part.left, d.box.top + part.top, d.box.width, d.box.height)
        polygon = d.polygon and tuple(
            (round(x + part.left, 2), round(y + part.top, 2)) for x, y in d.polygon
        )
        x, y = round(d.x + part.left, 2), round(d.y + part.top, 2)
        return Match(self.key, replace(d, x=x, y=y, box=box, polygon=polygon))


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
    rows, cols = local_maxima(values, _MAXIMA).T
    cells = np.stack([rows // max(1, thing.rows // _CELL), cols // max(1, thing.cols // _CELL)])
    first = np.sort(np.unique(cells, axis=1, return_index=True)[1])
    first = first[: max(PER_SCALE, TOGETHER * effort(count))]
    rows, cols = rows[first], cols[first]
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
    agreement = _compared(matcher, pyramid, places, matcher.larger * GLANCE)
    # A score of few numbers is easily high.
    numbers = np.log(np.maximum(agreement.independent, 1.0))
    correlation = np.arctanh(np.clip(agreement.score, -0.5, 0.995)) + 0.4 * numbers
    speaks = evidence(agreement, any_contrast=True)
    by_both = [np.argsort(np.argsort(-a, kind="stable")) for a in (speaks, correlation)]
    order = np.argsort(np.minimum(by_both[0], _TO_ONE * by_both[1]), kind="stable")
    return places[order[:count]]


def _coarse_map(
    matcher: Matcher, pyramid: ImagePyramid, scale: float, turns: Sequence[Turn]
) -> tuple[Grid, NDArray[np.intp]]:
    """The best score of some turns at each place, and which of them it is, ``(H', W')``."""
    size, factor = _coarse_grid(matcher, scale)
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


def _coarse_grid(matcher: Matcher, scale: float) -> tuple[Size, float]:
    """The size of the thing in the coarse search, and by what the image is resized for that."""
    size = matcher.grid(matcher.larger * COARSE, scale)
    return size, min(1.0, math.sqrt(size.rows * size.cols / math.prod(matcher.mask.size)) / scale)


def expected_seconds(matcher: Matcher, image: Size) -> float:
    """Expected seconds on one core of `coarse_search`, which takes most of a search that is long."""
    factors = [_coarse_grid(matcher, scale)[1] for scale in matcher.scales_for(image)]
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
    turned = np.stack([_turned(small, turn, x, y) for turn in turns], axis=3)
    w = turned[:, :, -1]
    bank = turned[:, :, :-1] / np.maximum(w, 1e-3)[:, :, None]
    w = np.where(w > 0.01, np.minimum(w, 1), 0)
    if _as_disc(size, matcher.turns):
        inside = (x**2 + y**2 <= (min(size) / 2) ** 2)[:, :, None].astype(np.float32)
        w = inside if mask.weights is None else w * inside
    elif mask.weights is None and all(turn.angle % 180 == 0 for turn in turns):
        w = np.ones((A, B, 1), np.float32)
    return bank.astype(np.float32), w.astype(np.float32)


def _turned(planes: Floats, turn: Turn, x: Doubles, y: Doubles) -> Floats:
    """Planes at points x, y beside the centre, after they are mirrored and turned; 0 outside."""
    from scipy import ndimage  # a tenth of a second to import: only where something is turned

    if turn == Turn() and planes.shape[:2] == x.shape:
        return planes
    a = math.radians(turn.angle)
    col = x * math.cos(a) - y * math.sin(a)
    row = x * math.sin(a) + y * math.cos(a)
    if turn.mirrored:
        col = -col
    rows, cols = planes.shape[:2]
    at = (row + (rows - 1) / 2, col + (cols - 1) / 2)
    return np.dstack(
        [
            ndimage.map_coordinates(planes[:, :, c], at, order=1, mode="constant")
            for c in range(planes.shape[2])
        ]
    )


def as_it_lies(mask: Mask, turn: Turn) -> Mask:
    """A mask mirrored and turned: what is outside of it has no weight."""
    if turn == UPRIGHT[0]:
        return mask
    size, a = mask.size, math.radians(turn.angle)
    A, B = (
        math.ceil(abs(math.cos(a)) * n + abs(math.sin(a)) * m - 1e-6) for n, m in (size, size[::-1])
    )
    y, x = np.mgrid[:A, :B] + np.array([(1 - A) / 2, (1 - B) / 2])[:, None, None]
    planes = _turned(mask.weighed(), turn, x, y)
    weights = np.clip(planes[:, :, -1], 0, 1).astype(np.float32)
    pixels = planes[:, :, :-1] / np.maximum(weights, 1e-3)[:, :, None]
    whole = mask.weights is None and turn.angle % 90 == 0
    return Mask(mask.label, pixels.astype(np.float32), None if whole else weights)


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
    return places[_apart(places.poses, matcher, max_overlap, ALIGNED * effort(count), rows)]


def verified(
    matcher: Matcher,
    pyramid: ImagePyramid,
    candidates: Candidates,
    prior: Floats | None,
    *,
    count: int,
    max_overlap: float,
    accepts: Callable[[Detection], bool],
    first: int,
) -> list[Match]:
    """The candidates as detections, best first, at most `count`; of those that overlap only the best.

    Those that chance would hardly bring about come before all others. Where at most `SEVERAL` of the `first`
    candidates are finds, which `accepts` tells, the others are not looked at, and at most `FINDS` come back.
    """
    if len(candidates) > first:
        few = verified(
            matcher,
            pyramid,
            candidates[:first],
            prior,
            count=min(count, FINDS),
            max_overlap=max_overlap,
            accepts=accepts,
            first=first,
        )
        if sum(accepts(match.detection) for match in few) <= SEVERAL:
            return few
    first_side = matcher.larger * FIRST
    found = _aligned(matcher, pyramid, candidates, first_side, prior)
    if not len(found):  # all have left the region
        return []
    agreement = _compared(matcher, pyramid, found, first_side)
    order = np.argsort(-evidence(agreement, any_contrast=True), kind="stable")
    found = found[order][_distinct(found.poses[order], matcher, ALIGNED * effort(count))]
    found = _aligned(matcher, pyramid, found, matcher.larger * SECOND, prior)
    if not len(found):
        return []
    copies = _copies_near(matcher, pyramid, found, max_overlap)
    copies = copies[~np.isnan(_weights(prior, copies.poses))]
    found = Candidates.joined([found, copies])
    agreement, speaks = _evidence(matcher, pyramid, found, len(copies))
    weights = _weights(prior, found.poses)
    chances = chance_of(speaks, rivals(speaks, _different(found.poses, matcher)))
    # Half as likely to be there: chance is twice as likely to be what brings it about.
    chances = np.where(weights > 0, np.minimum(chances / np.maximum(weights, 1e-9), 1.0), 1.0)
    scores = matcher.reported(agreement, weights)
    keys = [
        _key(chances[n], scores[n], agreement.concordance[n], found.poses[[n]])
        for n in range(len(found))
    ]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
    # A few more than asked for, since the order may change once more. Of places that overlap the finer look
    # decides between the best two: what is fine tells scales apart.
    kept = _apart(found.poses[order], matcher, max_overlap, max(count, REFINED), order)
    others = order[(chances[order] <= MOST_CHANCE) & ~np.isin(order, kept)]
    kept = np.append(kept, _apart(found.poses[others], matcher, max_overlap, len(kept), others))
    poses, matches = [], []
    for n in kept.tolist():
        pose, there, chance = found.poses[[n]], agreement[[n]], float(chances[n])
        if chance <= MOST_CHANCE:  # nobody asks for the exact place of anything else
            pose, there = _refined(matcher, pyramid, pose)
            if evidence(there, any_contrast=matcher.any_contrast)[0] == -np.inf:
                chance = 1.0
        poses.append(pose)
        matches.append(_match(matcher, pyramid.size, pose, there, chance, float(weights[n])))
    order = np.array(sorted(range(len(matches)), key=lambda n: matches[n].key), np.intp)
    best = _apart(Poses.joined([poses[n] for n in order]), matcher, max_overlap, count, order)
    return [matches[n] for n in best]


def _evidence(
    matcher: Matcher, pyramid: ImagePyramid, found: Candidates, copies: int
) -> tuple[Agreement, Doubles]:
    """How well the image agrees with the mask at each candidate, and what speaks for it.

    They are seen from further away, too, since noise and strong compression spoil what is fine first, and
    compared with the mask as a blurred image shows it. The last ones, so many copies, are also compared
    pixel by pixel.
    """
    side, any_contrast = matcher.larger * SECOND, matcher.any_contrast
    agreement = _compared(matcher, pyramid, found, side)
    from_afar = _compared(matcher, pyramid, found, matcher.half_side)
    blurred = _compared(matcher, pyramid, found, side, blurred=True)
    speaks = np.max(
        [evidence(a, any_contrast=any_contrast) for a in (agreement, from_afar, blurred)], axis=0
    )
    if copies:
        last = slice(-copies, None)
        whole = _pixel_by_pixel(matcher, pyramid, found.poses[last], agreement.independent[last])
        agreement = Agreement.joined([agreement[:-copies], whole])
        speaks[last] = np.maximum(speaks[last], evidence(whole, any_contrast=any_contrast))
    return agreement, speaks


def _key(chance: float, score: float, concordance: float, pose: Poses) -> tuple[float, ...]:
    """The order of places: what may be reported first, then by score, then by colour, then as one reads.

    What may only just be reported comes after all that is ten times surer, so that a thing that is half
    hidden, whose score is low, goes before what only resembles it. Scores that differ by less than a
    ten-thousandth are the same: alignment finds them no better.
    """
    unlikely = float((chance > MOST_CHANCE / 10) + (chance > MOST_CHANCE))
    return (unlikely, -round(score, 4), -round(concordance, 3), float(pose.y[0]), float(pose.x[0]))


def _refined(matcher: Matcher, pyramid: ImagePyramid, pose: Poses) -> tuple[Poses, Agreement]:
    """A pose, aligned as finely as is reported, and on the pixels' own grid where it belongs there."""
    # The first turn may have changed the scale, and with it what can be told apart.
    for _ in range(2):
        scale = float(pose.scale[0])
        template = matcher.template(FINE, scale * _A_LITTLE_MORE)
        pitch = scale * math.sqrt(template.pitch[0] * template.pitch[1])
        near = pyramid.around(pose, 0.55 * scale * math.hypot(*matcher.mask.size), pitch)
        starts = [
            pose,
            align(near, template, pose, scale, matcher.free, STEPS)[0],
            align(near, template, pose, scale, matcher.free, STEPS, trimmed=True)[0],
        ]
        # With all parts of the mask the place is the most exact, unless something hides one of them.
        all_of_them = compare(near, template, Poses.joined(starts), scale)
        best = int(np.argmax(all_of_them.score + all_of_them.trimmed))
        pose, agreement = starts[best], all_of_them[[best]]
    snapped = _on_pixels(matcher, pose)
    if snapped is not None:
        there = _pixel_by_pixel(matcher, pyramid, snapped, agreement.independent)
        if there.score[0] > agreement.score[0] - 1e-3:
            pose, agreement = snapped, there
    return pose, agreement


def _match(
    matcher: Matcher,
    image: Size,
    pose: Poses,
    agreement: Agreement,
    chance: float,
    weight: float,
) -> Match:
    score = float(matcher.reported(agreement, np.array([weight]))[0])
    key = _key(chance, score, float(agreement.concordance[0]), pose)
    return Match(key, _as_detection(matcher, image, pose, score, chance, agreement))


def _on_pixels(matcher: Matcher, pose: Poses) -> Poses | None:
    """A pose that lies within a hair of the pixels' own grid, on it; None for others.

    A copy of the mask is then compared pixel for pixel.
    """
    turn = np.round(pose.angle / 90) * 90
    across = bool(turn[0] // 90 % 2)
    half = [n % 2 / 2 for n in (matcher.mask.size if across else matcher.mask.size[::-1])]
    x, y = (np.round(at - h) + h for at, h in zip((pose.x, pose.y), half, strict=True))
    place, growth, degrees = _NEAR_GRID
    apart = (abs(x - pose.x) / place, abs(y - pose.y) / place, abs(pose.scale - 1) / growth)
    if max(map(float, (*(a[0] for a in apart), abs(turn - pose.angle)[0] / degrees))) > 1:
        return None
    return Poses(x, y, np.ones(1), turn, pose.mirrored)


def _aligned(
    matcher: Matcher,
    pyramid: ImagePyramid,
    found: Candidates,
    side: float,
    prior: Floats | None,
) -> Candidates:
    """The candidates, aligned with about `side`² points of the mask; not those that have left the prior."""
    parts = [found[[]]]
    for some, template in _by_scale(matcher, found, side):
        scale = float(some.scales[0])
        poses, scores = align(
            pyramid, template, some.poses, scale, matcher.free, STEPS, trimmed=True
        )
        parts.append(Candidates(poses, scores, some.scales))
    aligned = Candidates.joined(parts)
    inside = ~np.isnan(_weights(prior, aligned.poses))
    inside &= (aligned.poses.scale > min(matcher.scales) / _BEYOND_SCALES) & (
        aligned.poses.scale < max(matcher.scales) * _BEYOND_SCALES
    )
    for at, size in ((aligned.poses.x, pyramid.size.cols), (aligned.poses.y, pyramid.size.rows)):
        inside &= (at >= 0) & (at <= size)
    return aligned[inside]


def _copies_near(
    matcher: Matcher, pyramid: ImagePyramid, found: Candidates, max_overlap: float
) -> Candidates:
    """Near the best candidates: where a copy would lie, neither resized nor turned.

    Most of what people seek is a copy; and a blurred mask may agree as well at another scale, from which no
    alignment leads to the copy's.
    """
    upright = matcher.free != (PLACE,) and Turn() in matcher.turns and not matcher.one_colour
    if not (upright and min(matcher.scales) <= 1 <= max(matcher.scales)):
        return found[[]]
    order = np.argsort(-found.scores, kind="stable")
    mask, image = matcher.sought, pyramid.level(1.0).pixels
    rows, cols = mask.size
    near = [max(3, math.ceil(_COPY_NEAR * n)) for n in (rows, cols)]
    weights = None if mask.weights is None else mask.weights[:, :, None]
    places: list[tuple[float, float, float]] = []
    most = min(max(_COPIES // (rows * cols), 2), REFINED)
    for n in _apart(found.poses[order], matcher, max_overlap, most, order).tolist():
        top = max(0, round(found.poses.y[n] - rows / 2) - near[0])
        left = max(0, round(found.poses.x[n] - cols / 2) - near[1])
        piece = image[top : top + rows + 2 * near[0], left : left + cols + 2 * near[1]]
        if piece.shape[0] < rows or piece.shape[1] < cols:
            continue
        scores = normalized_cross_correlate(piece, mask.pixels[..., None], weights=weights)[..., 0]
        row, col = np.unravel_index(int(scores.argmax()), scores.shape)
        places.append((left + col + cols / 2, top + row + rows / 2, float(scores[row, col])))
    x, y, best = np.array(places, np.float64).reshape(-1, 3).T
    ones, zeros = np.ones(len(x)), np.zeros(len(x))
    return Candidates(Poses(x, y, ones, zeros, zeros.astype(bool)), best, ones)


def _compared(
    matcher: Matcher,
    pyramid: ImagePyramid,
    found: Candidates,
    side: float,
    *,
    blurred: bool = False,
) -> Agreement:
    """How well the image agrees with about `side`² points of the mask (`Matcher.template`)."""
    by_scale = Agreement.joined(
        [
            compare(pyramid, template, some.poses, float(some.scales[0]))
            for some, template in _by_scale(matcher, found, side, blurred)
        ]
    )
    return by_scale[np.argsort(np.argsort(found.scales, kind="stable"))]


def _pixel_by_pixel(
    matcher: Matcher, pyramid: ImagePyramid, poses: Poses, independent: Doubles
) -> Agreement:
    """How well the image agrees with all of the mask's pixels at its own size.

    How many independent numbers these are is told: to find out takes longer than all the rest.
    """
    return compare(pyramid, matcher.template(math.inf, 1.0), poses, 1.0, independent)


def _by_scale(
    matcher: Matcher, found: Candidates, side: float, blurred: bool = False
) -> Iterator[tuple[Candidates, Template]]:
    """The candidates of each scale, smallest first, with the template for them."""
    for scale in np.unique(found.scales):
        yield found[found.scales == scale], matcher.template(side, float(scale), blurred=blurred)


def _weights(prior: Floats | None, poses: Poses) -> Doubles:
    """The prior at the centres of poses; 1 where there is none."""
    if prior is None:
        return np.ones(len(poses))
    row, col = (
        np.clip(at, 0, size - 1).astype(np.intp)
        for at, size in zip((poses.y, poses.x), prior.shape, strict=True)
    )
    return prior[row, col].astype(np.float64)


def _distinct(poses: Poses, matcher: Matcher, count: int) -> NDArray[np.intp]:
    """At most `count` rows of poses, which come best first: those not nearly the same as a better one."""
    side = min(matcher.mask.size) * poses.scale
    kept: list[int] = []
    for n in range(len(poses)):
        if len(kept) == count:
            break
        better = poses[kept]
        same = np.hypot(better.x - poses.x[n], better.y - poses.y[n]) < _SAME[0] * side[n]
        same &= np.abs(np.log(better.scale / poses.scale[n])) < _SAME[1]
        same &= np.abs((better.angle - poses.angle[n] + 180) % 360 - 180) < _SAME[2]
        if not (same & (better.mirrored == poses.mirrored[n])).any():
            kept.append(n)
    return np.array(kept, np.intp)


def _different(poses: Poses, matcher: Matcher) -> NDArray[np.bool_]:
    """Whether each two poses are different places, ``(N, N)``: further apart than half the thing's side."""
    side = min(matcher.mask.size) * np.minimum(poses.scale[:, None], poses.scale)
    away = np.hypot(poses.x[:, None] - poses.x, poses.y[:, None] - poses.y)
    return away > side / 2


def _apart(
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


def _as_detection(
    matcher: Matcher,
    image: Size,
    pose: Poses,
    score: float,
    chance: float,
    agreement: Agreement,
) -> Detection:
    """A pose as it is reported: to a hundredth of a pixel and of a degree."""
    x, y, scale = float(pose.x[0]), float(pose.y[0]), float(pose.scale[0])
    angle = round(-((180 - float(pose.angle[0])) % 360 - 180), 2) + 0.0
    rows, cols = matcher.mask.frame
    corners = np.array([(-cols, -rows), (cols, -rows), (cols, rows), (-cols, rows)]) / 2
    at = corners @ pose.matrices()[0].T + (x, y)
    left, top = at.min(axis=0)
    right, bottom = at.max(axis=0)
    box = Box(
        round(left), round(top), max(1, round(right - left)), max(1, round(bottom - top))
    ).clipped(image.cols, image.rows)
    lies_turned = angle != 0 or bool(pose.mirrored[0])
    return Detection(
        matcher.mask.label,
        round(min(max(x, 0.0), image.cols), 2),
        round(min(max(y, 0.0), image.rows), 2),
        as_printed(round(score, 6)),
        box,
        round(scale, 4),
        angle=angle,
        mirrored=bool(pose.mirrored[0]),
        polygon=tuple((round(float(a), 2), round(float(b), 2)) for a, b in at)
        if lies_turned
        else None,
        chance=float(f"{chance:.3g}"),
        gain=round(float(agreement.gain[0]), 4),
        offset=round(float(agreement.offset[0]), 4),
    )

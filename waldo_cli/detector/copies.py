"""Copies of a mask, neither resized nor turned: most of what people seek.

A copy lies on the pixels' own grid, and all pixels of the mask can be compared with it. It is tried near
the best candidates in any case. Where something hides a part of it, hundreds of places that are nothing
correlate better; so what may be left is sought by itself: each half of the mask, and all but its middle. If
a corner, a strip at a side, or the middle is hidden, one of these is whole.

A shape of one colour is found by how it differs from its ground. On a ground of many colours it differs here
in one way and there in another, but has its own colour all over, as hardly anything around it has. So copies
of it are sought in a picture of how near each pixel is to that colour, too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.correlate.correlation import normalized_cross_correlate
from waldo_cli.detector.agreement import Agreement, compare
from waldo_cli.detector.coarse import Candidates, apart, best_of_cells, coarse_grid, effort, worth
from waldo_cli.detector.maps import prior_at
from waldo_cli.detector.matcher import GLANCE, Matcher, Turn, of_planes
from waldo_cli.detector.poses import PLACE, ImagePyramid, Poses
from waldo_cli.detector.pyramid import Level
from waldo_cli.detector.template import Template
from waldo_cli.geometry import Size
from waldo_cli.stack.stack import Mask

# How far from a place a copy of the mask is tried, as a share of its sides; at so many places that the mask's
# pixels, times their number, are about this many, up to a number of them.
_NEAR, _PIXELS, _PLACES = 0.12, 1 << 19, 16

# Places of each part that are looked at more closely: the best one of each cell, of some local maxima.
_OF_EACH_PART, _MAXIMA = 6, 64

# Places that share more than this are one.
_ONE_PLACE = 0.5

# A part of a mask with less contrast is flat.
_FLAT = 2 / 255

# A pixel whose channels differ from a colour by this (root mean square) is not near to it.
_NEAR_COLOUR = 0.12

# The parts of a mask, of a size, that are sought together: those of one size share a correlation.
_Parts = Callable[[Size], Iterator[list[NDArray[np.bool_]]]]


def copies_near(
    matcher: Matcher, pyramid: ImagePyramid, found: Candidates, max_overlap: float
) -> Candidates:
    """Where a copy would lie near the best candidates.

    A blurred mask may agree as well at another scale, from which no alignment leads to the copy's.
    """
    if matcher.free == (PLACE,) or matcher.one_colour or not _may_be_copied(matcher):
        return found[[]]
    order = np.argsort(-found.scores, kind="stable")
    best = apart(found.poses[order], matcher, max_overlap, _most_places(matcher), order)
    return _placed(matcher, pyramid, found.poses[best], np.ones(matcher.mask.size, bool))


def copies_partly_hidden(
    matcher: Matcher, pyramid: ImagePyramid, prior: Floats | None, count: int, known: Poses
) -> Candidates:
    """Where a copy may lie of which something hides a part, by the scores of what is left.

    Enough of them for `count` finds, and none where copies are `known`, which agree in all their parts.
    """
    return _copies(matcher, pyramid, prior, count, known, _parts, coarse_grid(matcher, 1.0))


def copies_in_colour(
    matcher: Matcher, colour: Doubles, pyramid: ImagePyramid, prior: Floats | None, count: int
) -> tuple[Candidates, Agreement]:
    """Where a mask of one colour may lie in it, whatever is behind it, and how well the image agrees there.

    Enough places for `count` finds.
    """
    near_colour = ImagePyramid(_nearness(pyramid.level(1.0).pixels, colour))
    # Little is near the colour: a smaller size than that of the coarse search tells enough.
    grid = coarse_grid(matcher, 1.0, matcher.larger * GLANCE)
    found = _copies(matcher, near_colour, prior, count, _none().poses, _whole, grid)
    shape, poses = matcher.sought, found.poses
    # What shines through at its rim has some other colour.
    opaque = np.square(2 * shape.pixels[:, :, 0] - 1)
    template = Template.of(replace(shape, weights=opaque), shape.size)
    numbers = np.full(len(poses), matcher.independent)
    by_colour = compare(near_colour, template, poses, 1.0, numbers)
    by_shape = compare(pyramid, matcher.template(math.inf, 1.0), poses, 1.0, numbers)
    return found, replace(by_colour, gain=by_shape.gain, offset=by_shape.offset)


def _nearness(image: Floats, colour: Doubles) -> Floats:
    """How near each pixel is to a colour, ``(H, W, 1)``: 1 where it is the same, down to 0."""
    apart_by = image - colour.astype(np.float32)
    near: Floats = np.einsum("ijc,ijc->ij", apart_by, apart_by)[:, :, None]
    near *= np.float32(-1 / (_NEAR_COLOUR**2 * len(colour)))
    near += np.float32(1)
    return np.maximum(near, np.float32(0), out=near)


def _copies(
    matcher: Matcher,
    pyramid: ImagePyramid,
    prior: Floats | None,
    count: int,
    known: Poses,
    parts_of: _Parts,
    grid: tuple[Size, float],
) -> Candidates:
    """Where a copy may lie by some of its parts, enough of them for `count` finds; none near those `known`.

    `grid` says how large it is looked at first, as `coarse_grid` does.
    """
    if not _may_be_copied(matcher):
        return _none()
    mask, size = matcher.sought, matcher.mask.size
    small_size, factor = grid
    level = pyramid.resized(factor)
    shape = [n - side + 1 for n, side in zip(level.shape, small_size, strict=False)]
    if min(shape) < 1:
        return _none()
    small = of_planes(mask.label, Level(mask.weighed(), small_size)[:], whole=mask.weights is None)
    # Of a copy that lies in the image as a whole, from the level's pixels to the image's.
    y, x = (
        (np.arange(n) + side / 2) * (of / by)
        for n, side, of, by in zip(shape, small_size, pyramid.size, level.shape, strict=False)
    )
    weight = _allowed(matcher, prior, known, y, x)
    places: list[Candidates] = [_none()]
    parts: list[NDArray[np.bool_]] = []
    found = _places_of_parts(level, small, weight, y, x, effort(count), parts_of)
    for part, there in zip(itertools.chain(*parts_of(size)), found, strict=True):
        places.append(there)
        parts += [part] * len(there)
    every = Candidates.joined(places)
    order = np.argsort(-every.scores, kind="stable")
    most = _most_places(matcher) * effort(count)
    best = apart(every.poses[order], matcher, _ONE_PLACE, most, order)
    if small_size == size:  # the places are those of pixels already
        return every[best]
    placed = (_placed(matcher, pyramid, every.poses[[n]], parts[n]) for n in best.tolist())
    return Candidates.joined([_none(), *placed])


def _none() -> Candidates:
    nothing = np.zeros(0)
    return Candidates(_poses(nothing, nothing), nothing, nothing)


def _poses(x: Doubles, y: Doubles) -> Poses:
    """Copies with their centres there."""
    ones, zeros = np.ones(len(x)), np.zeros(len(x))
    return Poses(x, y, ones, zeros, zeros.astype(bool))


def _may_be_copied(matcher: Matcher) -> bool:
    """Whether a copy is asked for."""
    return Turn() in matcher.turns and min(matcher.scales) <= 1 <= max(matcher.scales)


def _most_places(matcher: Matcher) -> int:
    return min(max(_PIXELS // math.prod(matcher.mask.size), 2), _PLACES)


def _parts(size: Size) -> Iterator[list[NDArray[np.bool_]]]:
    """What may be left of a mask, ``(A, B)`` each, by their sizes: its halves, and all but the middle."""
    row, col = np.indices(size)
    for at, n in zip((row, col), size, strict=True):
        yield [at < (n + 1) // 2, at >= n // 2]
    yield [
        np.logical_or(
            *(
                np.minimum(at, n - 1 - at) < max(1, n // 4)
                for at, n in zip((row, col), size, strict=True)
            )
        )
    ]


def _whole(size: Size) -> Iterator[list[NDArray[np.bool_]]]:
    """All of a mask."""
    yield [np.ones(size, bool)]


def _is_flat(part: Mask) -> bool:
    """Whether a part of a mask has no contrast where it is not transparent."""
    seen = part.pixels[np.ones(part.size, bool) if part.weights is None else part.weights > 0]
    return not len(seen) or bool(seen.std(axis=0).max() < _FLAT)


def _seen(mask: Mask, part: NDArray[np.bool_]) -> tuple[Mask, tuple[int, int]]:
    """A part of a mask, cut out, and its row and column in the mask."""
    (top, bottom), (left, right) = (
        np.flatnonzero(part.any(axis=axis))[[0, -1]].tolist() for axis in (1, 0)
    )
    window = slice(top, bottom + 1), slice(left, right + 1)
    weights = None if mask.weights is None else mask.weights[window]
    if not part[window].all():
        weights = part[window].astype(np.float32) * (1 if weights is None else weights)
    return Mask(mask.label, np.ascontiguousarray(mask.pixels[window]), weights), (top, left)


def _correlated(image: Floats, seen: Sequence[Mask]) -> Floats:
    """The scores ``(H', W', K)`` of K parts of a mask, of one size."""
    weights = [part.weights for part in seen if part.weights is not None]
    # A part that is transparent correlates with nothing.
    weights = [w if w.any() else np.ones_like(w) for w in weights]
    bank = np.stack([part.pixels for part in seen], axis=3)
    return normalized_cross_correlate(
        image, bank, weights=np.stack(weights, axis=2) if weights else None
    )


def _places_of_parts(
    level: Floats,
    small: Mask,
    weight: Floats,
    y: Doubles,
    x: Doubles,
    times: int,
    parts_of: _Parts,
) -> Iterator[Candidates]:
    """Of each part of a small mask the best places in a level, at so many times as many as for a few finds.

    `weight` says for each place of the whole mask, of which `y` and `x` are the centres, how likely it is.
    """
    rows, cols = weight.shape
    for parts in parts_of(small.size):
        seen, corners = zip(*(_seen(small, part) for part in parts), strict=True)
        scores = _correlated(level, seen)
        for k, (top, left) in enumerate(corners):
            if _is_flat(seen[k]):
                yield _none()
                continue
            here = scores[top : top + rows, left : left + cols, k]
            here = np.where(weight > 0, here * weight, np.float32(-np.inf))
            row, col = best_of_cells(here, small.size, _MAXIMA * times, _OF_EACH_PART * times)
            numbers = Template.of(seen[k], seen[k].size).independent
            scored = worth(here[row, col].astype(np.float64), numbers)
            yield Candidates(_poses(x[col], y[row]), scored, np.ones(len(row)))


def _allowed(
    matcher: Matcher, prior: Floats | None, known: Poses, y: Doubles, x: Doubles
) -> Floats:
    """The prior at centres of a copy, ``(H', W')``; 0 where it allows none, and near those that are known."""
    weight = np.ones((len(y), len(x)), np.float32)
    if prior is not None:
        weight = np.nan_to_num(prior_at(prior, y[:, None], x))
    half_rows, half_cols = (n / 2 for n in matcher.mask.size)
    for top, left in zip(known.y, known.x, strict=True):
        near = (abs(y - top) < half_rows)[:, None] & (abs(x - left) < half_cols)
        weight[near] = 0
    return weight


def _placed(
    matcher: Matcher, pyramid: ImagePyramid, near: Poses, part: NDArray[np.bool_]
) -> Candidates:
    """Near each pose: the pixel at which a part of the mask correlates best."""
    image, (rows, cols) = pyramid.level(1.0).pixels, matcher.mask.size
    seen, (down, across) = _seen(matcher.sought, part)
    reach_y, reach_x = (max(3, math.ceil(_NEAR * n)) for n in (rows, cols))
    places: list[tuple[float, float, float]] = []
    for x, y in zip(near.x.tolist(), near.y.tolist(), strict=True):
        top = max(0, round(y - rows / 2) - reach_y)
        left = max(0, round(x - cols / 2) - reach_x)
        piece = image[top : top + rows + 2 * reach_y, left : left + cols + 2 * reach_x]
        if piece.shape[0] < rows or piece.shape[1] < cols:
            continue
        high, wide = (n - side + 1 for n, side in zip(piece.shape, (rows, cols), strict=False))
        scores = _correlated(piece, [seen])[down : down + high, across : across + wide, 0]
        row, col = np.unravel_index(int(scores.argmax()), scores.shape)
        places.append((left + col + cols / 2, top + row + rows / 2, float(scores[row, col])))
    x, y, best = np.array(places, np.float64).reshape(-1, 3).T
    return Candidates(_poses(x, y), best, np.ones(len(x)))

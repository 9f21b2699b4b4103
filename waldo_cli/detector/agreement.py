"""How well the image agrees with a mask: its pixels under the mask's points, fitted by gain and offset.

Over the whole of the mask; over the parts of it that agree best, so that a few wrong pixels do not decide;
and over what lies outside a rectangle that something may hide.

References
----------
Rousseeuw, "Least Median of Squares Regression", JASA 1984 (least trimmed squares).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Array, Doubles, Floats
from waldo_cli.detector.poses import ImagePyramid, Poses, Rows
from waldo_cli.detector.template import Template, Window

# Numbers that are gathered at once, candidates times points times channels: as many as stay in the cache.
_TOGETHER = 1 << 18

# The share of a mask's energy, or of its parts, that may disagree.
_MAY_DISAGREE = 0.4
# Of the mask's energy so much must be left in what agrees; and outside a rectangle that is hidden.
_LEAST_KEPT, _LEAST_SEEN = 0.1, 0.25

# Agreements that differ by less are equal: rounding must not choose what is left out. Of rectangles without
# which at most so many times as much disagreement is left as at best, the smallest is left out.
_AS_GOOD, _ABOUT_AS_GOOD = 1e-9, 1.1

# A pixel is the mask's if it is so near, or its square is at most so many times the mean square of the noise.
_SAME_PIXEL, _OF_NOISE = 4 / 255, 4
# If more of a rectangle than this is the mask's, nothing hides it. It is asked where the rest agrees so well.
_MOST_THERE, _LEAST_COPY = 0.5, 0.7
# It shows another thing on the same ground, if all else agrees but for this share of the disagreement, if so
# much of it is the mask's, at most so many of the mask's details in it, and so many of all details are lost.
_ELSEWHERE, _GROUND_THERE, _DETAILS_THERE, _DETAILS_LOST = 0.05, 0.4, 0.45, 0.1


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well the image agrees with a template at each of N poses.

    Attributes
    ----------
    score
        Normalised cross-correlation over the part of the mask that lies inside the image.
    gain, offset
        Contrast of the image beside that of the mask, and mean difference of brightness. For a mask of one
        colour: by how much the shape is brighter than its ground, from -1 to 1, and than the mask.
    concordance
        Lin's concordance correlation: as the score, but 1 only where the colours are the same, too. For a
        mask of one colour: 1 less the root mean square of the colours' difference.
    trimmed
        The score without the parts that agree least, which hold up to 40 % of the mask's energy.
    kept_gain, kept_offset
        Gain without these parts, and how far the colours are off then: the root mean square of the channels'
        differences. NaN for a mask of one colour.
    inside
        Share of the mask's weight that lies inside the image.
    independent
        How many independent numbers the mask amounts to (`Template.independent`).
    uncovered, uncovered_gain, uncovered_offset
        Score, gain and offset (as `kept_offset`) without the rectangle of the mask that something may hide:
        the one without which the score is highest. NaN where nobody asked.
    seen
        Share of the mask's weight outside that rectangle.
    another
        Whether that rectangle shows another thing on the mask's ground, such as another word on a button, and
        all else is a copy. False where nobody asked, and for a mask of one colour.
    """

    score: Doubles
    gain: Doubles
    offset: Doubles
    concordance: Doubles
    trimmed: Doubles
    kept_gain: Doubles
    kept_offset: Doubles
    inside: Doubles
    independent: Doubles
    uncovered: Doubles
    uncovered_gain: Doubles
    uncovered_offset: Doubles
    seen: Doubles
    another: NDArray[np.bool_]

    @staticmethod
    def joined(parts: Sequence[Agreement]) -> Agreement:
        """All rows of several tables, one after the other."""
        return Agreement(
            *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Agreement))
        )

    def __getitem__(self, index: Rows) -> Agreement:
        return Agreement(*(getattr(self, f.name)[index] for f in fields(self)))


def compare(
    pyramid: ImagePyramid,
    template: Template,
    poses: Poses,
    scale: float,
    independent: Doubles | None = None,
    *,
    hidden: bool = False,
) -> Agreement:
    """How well the image agrees with a template at each pose.

    `scale` is that of all poses, roughly: it decides which level of the image is looked at. `independent` is
    what the agreement says for each pose instead of `Template.independent`. With `hidden`, it also says how
    well the rest agrees if something hides a rectangle.
    """
    if independent is None:
        independent = np.full(len(poses), template.independent)
    parts = [
        _agreement(
            template, *sampled(pyramid, template, poses[some], scale), independent[some], hidden
        )
        for some in groups(template, len(poses))
    ]
    return Agreement.joined(parts)


def groups(template: Template, count: int) -> list[slice]:
    """Slices of the candidates, of so many that their pixels stay in the cache."""
    size = max(1, _TOGETHER // (3 * len(template.weights)))
    return [slice(n, n + size) for n in range(0, max(count, 1), size)]


def sampled(
    pyramid: ImagePyramid, template: Template, poses: Poses, scale: float
) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Pixels of the image under the points of a template, ``(C, N, P)``, and whether inside, ``(N, P)``.

    None instead where all of them are.
    """
    view = pyramid.level(scale * math.sqrt(template.pitch[0] * template.pitch[1]))
    pixels = view.pixels
    for axis in (0, 1):
        if pixels.shape[axis] == 1:  # a neighbour, to interpolate with
            pixels = np.repeat(pixels, 2, axis)
    # From the points of the template to the view's columns and rows: (N, 2, 2) and (N, 2).
    factor, origin = np.array(view.factor[::-1]), np.array(view.origin[::-1])
    matrices = poses.matrices() * factor[:, None]
    centers = (np.stack([poses.x, poses.y], 1) - origin) * factor - 0.5
    places = (matrices.reshape(-1, 2) @ template.at).reshape(-1, 2, template.at.shape[1])
    places += centers[:, :, None]
    low = -origin * factor - 0.5
    high = low + np.array([pyramid.size.cols, pyramid.size.rows]) * factor
    inside = None
    if len(poses) and ((places.min((0, 2)) <= low) | (places.max((0, 2)) >= high)).any():
        inside = ((places > low[:, None]) & (places < high[:, None])).all(1)
    H, W = view.pixels.shape[:2]
    x = np.clip(places[:, 0].astype(np.float32), 0, W - 1)
    y = np.clip(places[:, 1].astype(np.float32), 0, H - 1)
    rows, cols, channels = pixels.shape
    col, row = np.minimum(x.astype(np.intp), cols - 2), np.minimum(y.astype(np.intp), rows - 2)
    x -= col
    y -= row
    at = row * cols + col
    flat = pixels.reshape(-1, channels)

    def between(here: NDArray[np.intp]) -> Floats:
        """What lies between pixels and those right of them."""
        # A plane for each channel: what follows sums over the points of one.
        left, right = (
            np.ascontiguousarray(np.moveaxis(np.take(flat, pixel, 0, mode="clip"), 2, 0))
            for pixel in (here, here + 1)
        )
        right -= left
        right *= x
        right += left
        return right

    top, bottom = between(at), between(at + cols)
    bottom -= top
    bottom *= y
    bottom += top
    return bottom, inside


class _Sums(NamedTuple):
    """Sums over some points of N windows x and of a template v, each point times its weight.

    Those of the template alone may be of one window, N is 1 then.
    """

    W: Doubles  # (N, ...) of the weights
    Wv: Doubles  # (C, N, ...)
    Wvv: Doubles  # (N, ...), over all channels
    Wx: Doubles  # (C, N, ...)
    Wxx: Doubles  # (N, ...), over all channels
    Wxv: Doubles  # (N, ...), over all channels

    @property
    def energy(self) -> Doubles:
        """``(N, ...)`` Σ w (v - mean)² of the template, over all channels."""
        energy: Doubles = self.Wvv - np.square(self.Wv).sum(0) / np.maximum(self.W, 1e-9)
        return energy

    def fitted(self) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """Score, gain and offsets of the windows against the template, and the template's energy."""
        total, vv = np.maximum(self.W, 1e-9), self.energy
        xx = self.Wxx - np.square(self.Wx).sum(0) / total
        xv = self.Wxv - (self.Wx * self.Wv).sum(0) / total
        score = np.where(xx > 1e-12, xv / np.sqrt(np.maximum(xx * vv, 1e-24)), 0)
        gain = xv / np.maximum(vv, 1e-12)
        return np.clip(score, -1, 1), gain, (self.Wx - gain * self.Wv) / total, vv


@dataclass(frozen=True, eq=False)
class Fit:
    """Windows fitted by gain and offset to a template: window = gain * values + means, roughly."""

    window: Window
    centred: Array  # (C, N, P) the window minus its means; C is 1 for a template of one colour
    means: Doubles  # (C, N)
    slopes: Doubles  # (C, N) for a template of one colour: gain of each channel
    sums: _Sums  # of each part, (N, B)
    gain: Doubles  # (N,)
    score: Doubles  # (N,)
    inside: Doubles  # (N,)


def fitted(template: Template, pixels: Array, inside: NDArray[np.bool_] | None) -> Fit:
    """The fit of each window, computed in the precision of `pixels`, which are changed."""
    window, share = template.whole, np.ones(pixels.shape[1])
    if inside is not None:
        weights = template.weights * inside
        share = weights.sum(1)
        weights /= np.maximum(share, 1e-9)[:, None]
        values = template.values[:, None] - (template.values @ weights.T)[:, :, None]
        window = Window.of(template, weights.astype(pixels.dtype), values.astype(pixels.dtype))
    w = window.weights.astype(pixels.dtype)
    v = window.values.astype(pixels.dtype)
    means = pixels @ w[0] if len(w) == 1 else np.einsum("np,cnp->cn", w, pixels)
    pixels -= means[:, :, None]
    floor = 1e-12 + 1e-10 * float(np.square(means).sum(0).max(initial=0.0))
    slopes = np.zeros(means.shape)
    if template.colour is not None:
        against = np.einsum("np,cnp->cn", np.broadcast_to(w * v[0], pixels.shape[1:]), pixels)
        total = (np.square(pixels).sum(0) * w).sum(1)
        strength = np.sqrt(np.square(against).sum(0))
        score = strength / np.sqrt(np.maximum(window.energy * total, floor**2))
        slopes = against / np.maximum(window.energy, 1e-12)
        # The colours along the line that tells the shape best from its ground.
        direction = against / np.maximum(strength, 1e-12)
        pixels = (pixels * direction[:, :, None]).sum(0, keepdims=True)
    Wx = template.summed(pixels * w)
    Wxx = template.summed(np.square(pixels).sum(0) * w)
    Wxv = template.summed((pixels * v).sum(0) * w)
    if template.colour is None:
        strength, total = Wxv.sum(1), Wxx.sum(1)
        score = strength / np.sqrt(np.maximum(window.energy * total, 1e-30))
        score = np.where(total > floor, score, 0)
    return Fit(
        window,
        pixels,
        means.astype(np.float64),
        slopes.astype(np.float64),
        _Sums(window.W, window.Wv, window.Wvv, Wx, Wxx, Wxv),
        (strength / np.maximum(window.energy, 1e-12)).astype(np.float64),
        np.clip(score, -1, 1).astype(np.float64),
        share,
    )


@dataclass(frozen=True, eq=False)
class TrimmedFit:
    """A fit over those parts of the mask that agree best, the others left out."""

    score: Doubles  # (N,)
    gain: Doubles  # (N,)
    offset: Doubles  # (C, N), beside the means of the whole
    kept: Doubles  # (N, B), 1 for parts that are kept and 0 for others


def trimmed_fit(fit: Fit) -> TrimmedFit:
    """Fit anew without the parts that agree least and hold up to 40 % of the mask's energy.

    What hides a part of the thing then does not decide: Rousseeuw's least trimmed squares, over parts.
    """
    W, Wv, Wvv, Wx, Wxx, Wxv = fit.sums
    energy = fit.sums.energy
    energy = energy / np.maximum(energy.sum(1, keepdims=True), 1e-12)
    energy = np.broadcast_to(energy, Wxx.shape)
    gain, offset = fit.gain, np.zeros(Wx.shape[:2])
    score, kept = fit.score, np.ones(Wxx.shape)
    for _ in range(2):
        # Σ w (x - gain v - offset)² over each part
        apart = Wxx + gain[:, None] * (gain[:, None] * Wvv - 2 * Wxv)
        off = offset[:, :, None]
        apart += (off * (off * W - 2 * (Wx - gain[:, None] * Wv))).sum(0)
        worst = np.argsort(-apart, axis=1)
        lost = np.cumsum(np.take_along_axis(energy, worst, 1), axis=1)
        np.put_along_axis(kept, worst, (lost > _MAY_DISAGREE).astype(float), axis=1)
        sums = _Sums(*((kept * of_part).sum(-1) for of_part in fit.sums))
        score, gain, offset, left = sums.fitted()
        # Of a mask of two colours one alone may be left, which agrees with anything flat: take all then.
        flat = left < _LEAST_KEPT * fit.window.energy
        score, gain = np.where(flat, fit.score, score), np.where(flat, fit.gain, gain)
        offset = np.where(flat, 0, offset)
        kept[flat] = 1
    return TrimmedFit(score, gain, offset, kept)


class _Uncovered(NamedTuple):
    """A fit over what lies outside a rectangle of parts."""

    score: Doubles  # (N,)
    gain: Doubles  # (N,)
    offset: Doubles  # (C, N), beside the means of the whole
    seen: Doubles  # (N,) share of the weight that lies outside
    another: NDArray[
        np.bool_
    ]  # (N,) whether the rectangle shows another thing on the mask's ground


def _uncovered(template: Template, fit: Fit) -> _Uncovered:
    """Fit anew without that rectangle of parts, or none, without which the score is highest.

    What hides a thing is in one place. What only resembles it differs here and there. Of rectangles about as
    good the smallest counts. If most of the mask is in it after all, nothing hides it: it is another thing of
    that frame, such as a button with another word.
    """
    rows, cols = template.parts
    outside = _outside_rectangles(rows, cols).T  # (B, R)
    sums = _Sums(*(of_part @ outside for of_part in fit.sums))
    score, gain, offset, left = sums.fitted()
    # The first one is no rectangle.
    enough = left >= _LEAST_SEEN * fit.window.energy[:, None]
    enough[:, 0] = True
    score = np.where(enough, score, -1)
    seen = np.broadcast_to(sums.W, score.shape)
    lack = 1 - score
    as_good = lack <= _ABOUT_AS_GOOD * lack.min(1, keepdims=True) + _AS_GOOD
    best = np.where(as_good, seen, -1).argmax(1)
    n = np.arange(len(best))
    # Where what is left is no copy, nobody asks whether something hides the rest.
    some = np.flatnonzero((best > 0) & (score[n, best] > _LEAST_COPY))
    chosen = best[some]
    covered = 1 - outside[:, chosen].T  # (n, B)
    there, lost, kept = _in_it(
        template, fit, some, gain[some, chosen], offset[:, some, chosen], covered
    )
    another = np.zeros(len(best), bool)
    if template.colour is None:
        another[some] = (
            (lack[some, chosen] < _ELSEWHERE * lack[some, 0])
            & (there > _GROUND_THERE)
            & (lost > _DETAILS_LOST)
            & (kept < _DETAILS_THERE)
        )
    best[some[there > _MOST_THERE]] = 0
    return _Uncovered(
        score[n, best],
        gain[n, best],
        offset[:, n, best],
        seen[n, best] / np.maximum(seen[:, 0], 1e-9),
        another,
    )


def _in_it(
    template: Template,
    fit: Fit,
    some: NDArray[np.intp],
    gain: Doubles,
    offset: Doubles,
    covered: Doubles,
) -> tuple[Doubles, Doubles, Doubles]:
    """What of the mask is there where a rectangle is covered, if the image is as it is outside it.

    Of `some` of the windows, n of them: gain ``(n,)``, offset ``(C, n)``, covered parts ``(n, B)``. Returned
    are shares ``(n,)``: of the rectangle, what is there; of all the mask's details (`Template.details`), what
    is lost in it; of those in it, what is there.
    """
    values, weights = fit.window.values, fit.window.weights
    if len(weights) > 1:
        values, weights = values[:, some], weights[some]
    apart = fit.centred[:, some] - gain[:, None] * values
    apart -= offset[:, :, None]
    squares = np.square(apart, out=apart).mean(0)
    weights = np.broadcast_to(weights, squares.shape)
    noise = (template.summed(squares * weights) * (1 - covered)).sum(1)
    noise /= np.maximum(((1 - covered) * template.summed(weights)).sum(1), 1e-9)
    same = squares <= np.square(_SAME_PIXEL) + _OF_NOISE * noise[:, None]

    def inside(weights: Doubles) -> Doubles:
        total: Doubles = (covered * template.summed(weights)).sum(1)
        return total

    details = weights * template.details
    in_it, kept = inside(details), inside(details * same)
    return (
        inside(weights * same) / np.maximum(inside(weights), 1e-9),
        (in_it - kept) / np.maximum(details.sum(1), 1e-9),
        kept / np.maximum(in_it, 1e-9),
    )


@functools.cache
def _outside_rectangles(rows: int, cols: int) -> Doubles:
    """``(R, rows * cols)``: 1 for parts outside a rectangle of up to 40 % of them; the first is none."""
    kept = [np.ones((rows, cols))]
    for top, left in np.ndindex(rows, cols):
        for height, width in np.ndindex(rows - top, cols - left):
            if (height + 1) * (width + 1) <= _MAY_DISAGREE * rows * cols:
                kept.append(np.ones((rows, cols)))
                kept[-1][top : top + height + 1, left : left + width + 1] = 0
    return np.stack(kept).reshape(len(kept), -1)


def _agreement(
    template: Template,
    pixels: Floats,
    inside: NDArray[np.bool_] | None,
    independent: Doubles,
    hidden: bool,
) -> Agreement:
    fit = fitted(template, pixels.astype(np.float64), inside)
    rest = trimmed_fit(fit)
    # Means of the mask over what lies inside, to compare brightness.
    own = (template.values @ fit.window.weights.T) + template.mean[:, None]
    gain = fit.gain
    nan = np.full(len(gain), np.nan)
    rest_seen = (
        _uncovered(template, fit)
        if hidden
        else _Uncovered(nan, nan, nan[None], nan, np.zeros(len(gain), bool))
    )
    if template.colour is not None:
        # The colour where the shape is opaque, by a line through the window's colours over its opacity.
        apart = fit.means + fit.slopes * (1 - own) - template.colour[:, None]
        gain, offset = fit.slopes.mean(0), apart.mean(0)
        concordance = 1 - np.sqrt(np.square(apart).mean(0))
        kept_gain = kept_offset = uncovered_gain = uncovered_offset = nan
    else:
        apart = fit.means - own
        offset = apart.mean(0)
        product = fit.gain * fit.window.energy
        different = fit.window.energy + fit.sums.Wxx.sum(1) + np.square(apart).sum(0)
        concordance = 2 * product / np.maximum(different, 1e-12)
        kept_gain, uncovered_gain = rest.gain, rest_seen.gain
        kept_offset, uncovered_offset = (
            np.sqrt(np.square(apart + offset).mean(0)) for offset in (rest.offset, rest_seen.offset)
        )
    return Agreement(
        fit.score,
        gain,
        offset,
        np.clip(concordance, -1, 1),
        rest.score,
        kept_gain,
        kept_offset,
        fit.inside,
        independent,
        rest_seen.score,
        uncovered_gain,
        uncovered_offset,
        rest_seen.seen,
        rest_seen.another,
    )

"""Where exactly a mask lies: place, scale and angle, refined together for many candidates at once.

A `Pose` says how the mask lies in the image. `Template` is the mask at a number of grid points, and `align`
moves poses until the pixels of the image under these points agree with the mask as well as they can: the
inverse compositional form of Lucas and Kanade's method, in which the derivatives are those of the mask and
are computed once. `compare` says how well they agree.

References
----------
Baker, Matthews, "Lucas-Kanade 20 Years On: A Unifying Framework", IJCV 2004; Evangelidis, Psarakis,
"Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", PAMI 2008.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Array, Doubles, Floats
from waldo_cli.detector.pyramid import Level, cut, level_size
from waldo_cli.geometry import Size
from waldo_cli.stack.stack import Mask

# What one step may change at most: grid points, and the logarithm of the scale or radians.
_MAX_SHIFT = 1.5
_MAX_TURN = 0.12

# Up to this many pixels of the image from point to point its own pixels are the best: others, so little
# larger, would be blurred for nothing, and a scale of 1 is often off by a rounding.
_OWN_PIXELS = 1.05

# Numbers that are gathered at once, candidates times points times channels: as many as stay in the cache.
_TOGETHER = 1 << 18

# A pose has four parameters; these are the columns of what a step solves for.
PLACE, SCALE, ANGLE = "place", "scale", "angle"
# Which rows of a table of candidates.
Rows = slice | list[int] | NDArray[np.intp] | NDArray[np.bool_]
FIELDS = ("x", "y", "scale", "angle", "mirrored")


@dataclass(frozen=True, eq=False)
class Poses:
    """How masks lie in the image, one row for each candidate.

    Attributes
    ----------
    x, y
        Centre of the mask, continuous coordinates of the image.
    scale
        How large it is, beside the mask.
    angle
        By how many degrees it is turned counter-clockwise, as seen.
    mirrored
        Whether it was mirrored left to right, before it was turned.
    """

    x: Doubles
    y: Doubles
    scale: Doubles
    angle: Doubles
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Rows) -> Poses:
        return Poses(*(getattr(self, name)[index] for name in FIELDS))

    @staticmethod
    def joined(parts: list[Poses]) -> Poses:
        """All rows of several tables, one after the other."""
        return Poses(*(np.concatenate([getattr(p, name) for p in parts]) for name in FIELDS))

    def matrices(self) -> Doubles:
        """``(N, 2, 2)``: from (x, y) beside the mask's centre to (x, y) beside the pose's, in pixels."""
        radians = np.radians(self.angle)
        cos, sin = self.scale * np.cos(radians), self.scale * np.sin(radians)
        flip = np.where(self.mirrored, -1.0, 1.0)
        # y points down, so that a turn counter-clockwise has the signs of one clockwise in textbooks.
        return np.stack([np.stack([flip * cos, sin], 1), np.stack([-flip * sin, cos], 1)], 1)


class View(NamedTuple):
    """Pixels ``(H, W, C)`` of the image at another size, and where they lie: by rows and columns.

    The image's continuous coordinate ``y`` is at row ``(y - origin) * factor - 0.5``.
    """

    pixels: Floats
    factor: tuple[float, float]
    origin: tuple[float, float]


class ImagePyramid:
    """The image at sizes that fall by a square root of two each, made when first asked for."""

    def __init__(self, image: Floats) -> None:
        self.size = Size(*image.shape[:2])
        self._levels: dict[int, Floats] = {0: np.ascontiguousarray(image)}
        self._piece: View | None = None

    def around(self, pose: Poses, side: float, pitch: float) -> ImagePyramid:
        """What is around one pose, up to `side` pixels of the image each way, resized for just this pitch."""
        if pitch <= _OWN_PIXELS:
            return self
        size = math.ceil(2 * side / pitch) + 4
        near = cut(self._levels[0], (float(pose.x[0]), float(pose.y[0])), 1 / pitch, (size, size))
        piece = ImagePyramid(near)
        piece.size = self.size
        corner = [float(at[0]) - size / 2 * pitch for at in (pose.y, pose.x)]
        piece._piece = View(near, (1 / pitch, 1 / pitch), (corner[0], corner[1]))
        return piece

    def level(self, pitch: float) -> View:
        """The level whose pixels are nearest to `pitch` pixels of the image."""
        if self._piece is not None:
            return self._piece
        step = max(0, round(2 * math.log2(max(pitch, 1.0))))
        if step not in self._levels:
            near = max(s for s in self._levels if s <= max(0, step - 4) or s == 0)
            size = level_size(*self.size, 2 ** (-step / 2))
            self._levels[step] = np.ascontiguousarray(Level(self._levels[near], size)[:])
        values = self._levels[step]
        factor = (values.shape[0] / self.size.rows, values.shape[1] / self.size.cols)
        return View(values, factor, (0.0, 0.0))

    def resized(self, factor: float) -> Floats:
        """The image at a factor of at most 1, made of the next larger level."""
        size = level_size(*self.size, factor)
        if size == self.size:
            return self._levels[0]
        # A level of at least one and a half times the size: the filter sees enough pixels, and not too many.
        return Level(self.level(max(1.0, 0.6 / factor)).pixels, size)[:]


@dataclass(frozen=True, eq=False)
class Template:
    """A mask at grid points, with what a step needs.

    Attributes
    ----------
    values
        ``(C, P)`` the mask, its weighted mean removed from each channel.
    mean
        ``(C,)`` that mean.
    weights
        ``(P,)``, their sum is 1.
    at
        ``(2, P)`` x and y of the points beside the mask's centre, in pixels of the mask.
    pitch
        Distance of two points, in pixels of the mask.
    grid
        Rows and columns of points.
    colour
        Of a mask of one colour, ``(3,)``: the values are those of its shape, and in the image it may have any
        colour. None for all others.
    """

    values: Doubles
    mean: Doubles
    weights: Doubles
    at: Doubles
    pitch: tuple[float, float]
    grid: Size
    colour: Doubles | None

    @classmethod
    def of(cls, mask: Mask, grid: Size, colour: Doubles | None = None) -> Template:
        """The template of a mask with so many rows and columns of points, at most those of the mask."""
        small = Level(mask.weighed(), grid)[:].astype(np.float64)
        w = np.maximum(small[:, :, -1], 0)
        values = small[:, :, :-1] / np.maximum(w, 1e-9)[:, :, None]
        mean = np.einsum("ij,ijc->c", w, values) / w.sum()
        values = np.where(w[:, :, None] > 1e-6, values - mean, 0)
        pitch = (mask.size.rows / grid.rows, mask.size.cols / grid.cols)
        y = (np.arange(grid.rows) + 0.5) * pitch[0] - mask.size.rows / 2
        x = (np.arange(grid.cols) + 0.5) * pitch[1] - mask.size.cols / 2
        at = np.stack(np.broadcast_arrays(x[None, :], y[:, None])).reshape(2, -1)
        values = np.moveaxis(values, 2, 0).reshape(values.shape[2], -1)
        return cls(values, mean, (w / w.sum()).reshape(-1), at, pitch, grid, colour)

    def blurred(self, sigma: tuple[float, float]) -> Template:
        """The mask as a blurred image shows it: under a Gaussian of so many rows and columns of points.

        What lies around the mask is not known and has no share in it.
        """
        down, across = (
            np.exp(-np.square(np.subtract.outer(np.arange(n), np.arange(n)) / s) / 2)
            for n, s in zip(self.grid, sigma, strict=True)
        )
        w = self.weights.reshape(self.grid)
        planes = down @ (self.values.reshape(-1, *self.grid) * w) @ across.T
        values = (planes / np.maximum(down @ w @ across.T, 1e-30)).reshape(self.values.shape)
        mean = values @ self.weights
        values = np.where(self.weights > 0, values - mean[:, None], 0)
        return replace(self, values=values, mean=self.mean + mean)

    @cached_property
    def energy(self) -> float:
        """Σ w V'² over points and channels."""
        return float((np.square(self.values) @ self.weights).sum())

    @cached_property
    def independent(self) -> float:
        """How many independent numbers the mask amounts to, of its points and of its colours.

        Points over the sum of the mask's autocorrelation², times the participation ratio of the colours:
        1 for a grey mask, 3 where all channels vary alike and by themselves.
        """
        planes = (self.values * np.sqrt(self.weights)).reshape(-1, *self.grid)
        spectrum = np.fft.rfft2(planes, [2 * n for n in self.grid])
        power = np.square(np.abs(spectrum)).sum(0)
        auto = np.fft.irfft2(power, [2 * n for n in self.grid])
        auto /= max(float(auto[0, 0]), 1e-30)
        points = (self.weights > 0).sum() / np.square(auto).sum()
        covariance = (self.values * self.weights) @ self.values.T
        colours = np.trace(covariance) ** 2 / max(float(np.square(covariance).sum()), 1e-30)
        return float(points * colours)

    @cached_property
    def derivatives(self) -> Doubles:
        """``(4, C, P)`` how the values change with a shift in x, in y, a change of scale and a turn."""
        planes = self.values.reshape(-1, *self.grid)
        dy, dx = (
            np.asarray(np.gradient(planes, self.pitch[axis], axis=axis + 1)).reshape(
                self.values.shape
            )
            if self.grid[axis] > 1
            else np.zeros_like(self.values)
            for axis in (0, 1)
        )
        x, y = self.at
        return np.stack([dx, dy, dx * x + dy * y, dy * x - dx * y])

    def equations(self, free: tuple[str, ...]) -> _Equations:
        """What a step needs. `free` names what of the pose may change, of PLACE, SCALE and ANGLE."""
        known = self._equations.get(free)
        if known is None:
            known = self._equations[free] = self._equations_of(free)
        return known

    @cached_property
    def _equations(self) -> dict[tuple[str, ...], _Equations]:
        return {}

    def _equations_of(self, free: tuple[str, ...]) -> _Equations:
        chosen = [0, 1, *([2] if SCALE in free else []), *([3] if ANGLE in free else [])]
        basis = np.concatenate([self.values[None], -self.derivatives[chosen]])
        weighted = basis * self.weights
        m, channels = basis.shape[:2]
        weights = self.summed(self.weights)
        normal = np.zeros((len(weights), m + channels, m + channels))
        normal[:, :m, :m] = self.summed(np.einsum("icp,jcp->ijp", weighted, basis)).transpose(
            2, 0, 1
        )
        normal[:, :m, m:] = self.summed(weighted).transpose(2, 0, 1)
        normal[:, m:, :m] = normal[:, :m, m:].transpose(0, 2, 1)
        offsets = np.arange(m, m + channels)
        normal[:, offsets, offsets] = weights[:, None]
        return _Equations(
            weighted.transpose(1, 2, 0).astype(np.float32), self.weights.astype(np.float32), normal
        )

    @property
    def parts(self) -> tuple[int, int]:
        """Rows and columns of parts."""
        rows, cols = self._parts
        return rows.shape[1], cols.shape[1]

    def summed(self, x: Array) -> Doubles:
        """Sums ``(..., B)`` of ``(..., P)`` over the parts of the mask, B of them."""
        rows, cols = self._parts
        grid = x.reshape(-1, *self.grid)
        across = (grid.reshape(-1, self.grid.cols) @ cols.astype(x.dtype)).astype(np.float64)
        sums: Doubles = rows.T @ across.reshape(len(grid), self.grid.rows, cols.shape[1])
        return sums.reshape(*x.shape[:-1], math.prod(self.parts))

    @cached_property
    def part(self) -> NDArray[np.intp]:
        """``(P,)`` the part that each point belongs to."""
        rows, cols = self._parts
        return np.ravel(rows.argmax(1)[:, None] * cols.shape[1] + cols.argmax(1))

    @cached_property
    def _parts(self) -> tuple[Doubles, Doubles]:
        """Which rows and columns of points lie in which parts: ones in ``(rows, b)`` and ``(cols, b')``."""
        rows, cols = (
            (np.arange(n) * min(_PARTS, n) // n)[:, None] == np.arange(min(_PARTS, n))
            for n in self.grid
        )
        return rows.astype(np.float64), cols.astype(np.float64)

    @cached_property
    def whole(self) -> _Window:
        """The template over a window that lies inside the image."""
        return _Window.of(self, self.weights[None], self.values[:, None])


@dataclass(frozen=True, eq=False)
class _Equations:
    """The normal equations of a step, over any parts of a mask.

    Of k = 1 + n + C numbers: the gain, n changes of the pose times the gain, and the offset of each channel.
    """

    basis: Floats  # (C, P, 1 + n) derivatives by the first of them, weighted
    weights: Floats  # (P,)
    normal: Doubles  # (B, k, k) for each part of the mask (`Template.summed`)

    def solved(self, error: Floats, kept: Doubles) -> Doubles:
        """The numbers ``(N, k)`` that make errors ``(C, N, P)`` least over the parts kept, ``(N, B)``."""
        right = np.concatenate([(error @ self.basis).sum(0), (error @ self.weights).T], axis=1)
        k = self.normal.shape[1]
        normal = (kept @ self.normal.reshape(-1, k * k)).reshape(-1, k, k)
        # What tells nothing of a number leaves it as it is.
        diagonal = np.einsum("nkk->nk", normal)  # a view
        diagonal *= 1 + 1e-6
        diagonal += 1e-12
        solved = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        return solved.astype(np.float64)


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
class _Window:
    """A template over what lies inside the image, for N windows, or for all of them where N is 1.

    B parts of the mask (`Template.summed`).
    """

    weights: Array  # (N, P), 0 for what lies outside, sum 1 (0 where nothing lies inside)
    values: Array  # (C, N, P) the template, its mean over the inside removed
    W: Doubles  # (N, B) sums of weights
    Wv: Doubles  # (C, N, B) of weighted values
    Wvv: Doubles  # (N, B) of weighted squares

    @classmethod
    def of(cls, template: Template, weights: Array, values: Array) -> _Window:
        weighted = values * weights
        return cls(
            weights,
            values,
            template.summed(weights),
            template.summed(weighted),
            template.summed((weighted * values).sum(0)),
        )

    @cached_property
    def energy(self) -> Doubles:
        """``(N,)`` Σ w v² over points and channels."""
        return np.asarray(self.Wvv.sum(1))


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

    @staticmethod
    def joined(parts: Sequence[Agreement]) -> Agreement:
        """All rows of several tables, one after the other."""
        return Agreement(
            *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Agreement))
        )

    def __getitem__(self, index: Rows) -> Agreement:
        return Agreement(*(getattr(self, f.name)[index] for f in fields(self)))


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
        for some in _groups(template, len(poses))
    ]
    return Agreement.joined(parts)


def align(
    pyramid: ImagePyramid,
    template: Template,
    poses: Poses,
    scale: float,
    free: tuple[str, ...],
    steps: int,
    *,
    trimmed: bool = False,
) -> tuple[Poses, Doubles]:
    """Move each pose to where the image agrees best with the template, and the scores there.

    At most `steps` steps; of all poses on the way the best one counts. `free` names what may change
    (`Template.equations`). With `trimmed`, the parts of the mask that agree least have no say in a step
    (`Agreement`), and a score is the mean of that with them and without them.
    """
    equations = template.equations(free)
    moved: list[Poses] = []
    scores: list[Doubles] = []
    for some in _groups(template, len(poses)):
        here = best = poses[some]
        best_score = np.full(len(here), -np.inf)
        for step in range(steps + 1):
            pixels, inside = sampled(pyramid, template, here, scale)
            fit = _fitted(template, pixels, inside)
            rest = _trimmed(fit) if trimmed else None
            score = fit.score if rest is None else (fit.score + rest.score) / 2
            better = score > best_score
            best_score = np.where(better, score, best_score)
            best = Poses(
                *(np.where(better, getattr(here, name), getattr(best, name)) for name in FIELDS)
            )
            if step < steps:
                here = _moved(template, here, equations, fit, rest, free)
        moved.append(best)
        scores.append(best_score)
    return Poses.joined(moved), np.concatenate(scores)


def _groups(template: Template, count: int) -> list[slice]:
    """Slices of the candidates, of so many that their pixels stay in the cache."""
    size = max(1, _TOGETHER // (3 * len(template.weights)))
    return [slice(n, n + size) for n in range(0, max(count, 1), size)]


@dataclass(frozen=True, eq=False)
class _Fit:
    """Windows fitted by gain and offset to a template: window = gain * values + means, roughly."""

    window: _Window
    centred: Array  # (C, N, P) the window minus its means; C is 1 for a template of one colour
    means: Doubles  # (C, N)
    slopes: Doubles  # (C, N) for a template of one colour: gain of each channel
    sums: _Sums  # of each part, (N, B)
    gain: Doubles  # (N,)
    score: Doubles  # (N,)
    inside: Doubles  # (N,)


def _fitted(template: Template, pixels: Array, inside: NDArray[np.bool_] | None) -> _Fit:
    """The fit of each window, computed in the precision of `pixels`, which are changed."""
    window, share = template.whole, np.ones(pixels.shape[1])
    if inside is not None:
        weights = template.weights * inside
        share = weights.sum(1)
        weights /= np.maximum(share, 1e-9)[:, None]
        values = template.values[:, None] - (template.values @ weights.T)[:, :, None]
        window = _Window.of(template, weights.astype(pixels.dtype), values.astype(pixels.dtype))
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
    return _Fit(
        window,
        pixels,
        means.astype(np.float64),
        slopes.astype(np.float64),
        _Sums(window.W, window.Wv, window.Wvv, Wx, Wxx, Wxv),
        (strength / np.maximum(window.energy, 1e-12)).astype(np.float64),
        np.clip(score, -1, 1).astype(np.float64),
        share,
    )


def _moved(
    template: Template,
    poses: Poses,
    equations: _Equations,
    fit: _Fit,
    rest: _Trimmed | None,
    free: tuple[str, ...],
) -> Poses:
    """The poses after one step. What lies outside is taken to agree, what is left out has no say."""
    gain, offset = fit.gain, np.zeros(fit.sums.Wx.shape[:2])
    kept = np.ones((len(poses), equations.normal.shape[0]))
    ignored = (fit.window.weights == 0) & (template.weights > 0)
    if rest is not None:
        gain, offset, kept = rest.gain, rest.offset, rest.kept
        ignored = ignored | (kept == 0)[:, template.part]
    error = fit.centred - gain.astype(np.float32)[:, None] * fit.window.values.astype(np.float32)
    error -= offset.astype(np.float32)[:, :, None]
    if ignored.any():
        error = np.where(ignored, np.float32(0), error)
    solved = equations.solved(error, kept)
    total = gain + solved[:, 0]
    change = solved[:, 1:] / np.where(total > 1e-6, total, np.inf)[:, None]
    limit = _MAX_SHIFT * template.pitch[0]
    place = np.clip(change[:, :2], -limit, limit)
    others = [np.clip(c, -_MAX_TURN, _MAX_TURN) for c in change[:, 2:].T]
    growth = others.pop(0) if SCALE in free else np.zeros(len(poses))
    turn = others.pop(0) if ANGLE in free else np.zeros(len(poses))
    shift = (poses.matrices() @ place[:, :, None])[:, :, 0]
    clockwise = np.degrees(np.arctan2(turn, 1 + growth))
    return replace(
        poses,
        x=poses.x + shift[:, 0],
        y=poses.y + shift[:, 1],
        scale=poses.scale * np.hypot(1 + growth, turn),
        angle=poses.angle - np.where(poses.mirrored, -clockwise, clockwise),
    )


# Parts of a mask along each side, for `trimmed`; and the share of them that may disagree.
_PARTS = 8
_MAY_DISAGREE = 0.4
# Of the mask's energy so much must be left in what agrees; and outside a rectangle that is hidden.
_LEAST_KEPT, _LEAST_SEEN = 0.1, 0.25

# Agreements that differ by less are equal: rounding must not choose what is left out.
_AS_GOOD = 1e-9


@dataclass(frozen=True, eq=False)
class _Trimmed:
    """A fit over those parts of the mask that agree best, the others left out."""

    score: Doubles  # (N,)
    gain: Doubles  # (N,)
    offset: Doubles  # (C, N), beside the means of the whole
    kept: Doubles  # (N, B), 1 for parts that are kept and 0 for others


def _trimmed(fit: _Fit) -> _Trimmed:
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
    return _Trimmed(score, gain, offset, kept)


class _Uncovered(NamedTuple):
    """A fit over what lies outside a rectangle of parts."""

    score: Doubles  # (N,)
    gain: Doubles  # (N,)
    offset: Doubles  # (C, N), beside the means of the whole
    seen: Doubles  # (N,) share of the weight that lies outside


def _uncovered(template: Template, fit: _Fit) -> _Uncovered:
    """Fit anew without that rectangle of parts, or none, without which the score is highest.

    What hides a thing is in one place. What only resembles it differs here and there.
    """
    rows, cols = template.parts
    kept = _outside_rectangles(rows, cols).T  # (B, R)
    sums = _Sums(*(of_part @ kept for of_part in fit.sums))
    score, gain, offset, left = sums.fitted()
    # The first one is no rectangle.
    enough = left >= _LEAST_SEEN * fit.window.energy[:, None]
    enough[:, 0] = True
    score = np.where(enough, score, -1)
    best = (score > score.max(1, keepdims=True) - _AS_GOOD).argmax(1)
    n = np.arange(len(best))
    seen = np.broadcast_to(sums.W, score.shape)[n, best]
    whole = np.broadcast_to(sums.W, score.shape)[:, 0]
    return _Uncovered(
        score[n, best], gain[n, best], offset[:, n, best], seen / np.maximum(whole, 1e-9)
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
    fit = _fitted(template, pixels.astype(np.float64), inside)
    rest = _trimmed(fit)
    # Means of the mask over what lies inside, to compare brightness.
    own = (template.values @ fit.window.weights.T) + template.mean[:, None]
    gain = fit.gain
    nan = np.full(len(gain), np.nan)
    rest_seen = _uncovered(template, fit) if hidden else _Uncovered(nan, nan, nan[None], nan)
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
    )

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
        if pitch <= 1:
            return self  # the image's own pixels
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
        ``(P, C)`` the mask, its weighted mean removed from each channel.
    mean
        ``(C,)`` that mean.
    weights
        ``(P,)``, their sum is 1.
    at
        ``(P, 2)`` x, y of the points beside the mask's centre, in pixels of the mask.
    pitch
        Distance of two points, in pixels of the mask.
    grid
        Rows and columns of points.
    one_colour
        The values are those of a shape, whose colour in the image does not matter.
    """

    values: Doubles
    mean: Doubles
    weights: Doubles
    at: Doubles
    pitch: tuple[float, float]
    grid: Size
    one_colour: bool

    @classmethod
    def of(cls, mask: Mask, grid: Size, *, one_colour: bool = False) -> Template:
        """The template of a mask with so many rows and columns of points, at most those of the mask."""
        small = Level(mask.weighed(), grid)[:].astype(np.float64)
        w = np.maximum(small[:, :, -1], 0)
        values = small[:, :, :-1] / np.maximum(w, 1e-9)[:, :, None]
        mean = np.einsum("ij,ijc->c", w, values) / w.sum()
        values = np.where(w[:, :, None] > 1e-6, values - mean, 0)
        pitch = (mask.size.rows / grid.rows, mask.size.cols / grid.cols)
        y = (np.arange(grid.rows) + 0.5) * pitch[0] - mask.size.rows / 2
        x = (np.arange(grid.cols) + 0.5) * pitch[1] - mask.size.cols / 2
        at = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=2).reshape(-1, 2)
        C = values.shape[2]
        return cls(
            values.reshape(-1, C), mean, (w / w.sum()).reshape(-1), at, pitch, grid, one_colour
        )

    @cached_property
    def energy(self) -> float:
        """Σ w V'² over points and channels."""
        return float(np.einsum("p,pc,pc->", self.weights, self.values, self.values))

    @cached_property
    def independent(self) -> float:
        """How many independent numbers the mask amounts to: points over the sum of its autocorrelation²."""
        planes = self.values.reshape(*self.grid, -1) * np.sqrt(self.weights).reshape(*self.grid, 1)
        spectrum = np.fft.rfft2(planes, [2 * n for n in self.grid], axes=(0, 1))
        power = np.square(np.abs(spectrum)).sum(2)
        auto = np.fft.irfft2(power, [2 * n for n in self.grid])
        auto /= max(float(auto[0, 0]), 1e-30)
        return float((self.weights > 0).sum() / np.square(auto).sum())

    @cached_property
    def derivatives(self) -> Doubles:
        """``(4, P, C)`` how the values change with a shift in x, in y, a change of scale and a turn."""
        planes = self.values.reshape(*self.grid, -1)
        slopes = [
            np.asarray(np.gradient(planes, self.pitch[axis], axis=axis))
            if self.grid[axis] > 1
            else np.zeros_like(planes)
            for axis in (0, 1)
        ]
        dy, dx = (slope.reshape(self.values.shape) for slope in slopes)
        x, y = self.at[:, :1], self.at[:, 1:]
        return np.stack([dx, dy, dx * x + dy * y, dy * x - dx * y])

    def solver(self, free: tuple[str, ...]) -> Doubles:
        """``(1 + n, P * C)``: from pixels, their means removed, to gain and n changes of the pose times gain.

        `free` names what may change, of PLACE, SCALE and ANGLE.
        """
        chosen = [0, 1, *([2] if SCALE in free else []), *([3] if ANGLE in free else [])]
        basis = np.concatenate([self.values[None], -self.derivatives[chosen]])
        basis -= np.einsum("p,kpc->kc", self.weights, basis)[:, None]
        weighted = basis * self.weights[:, None]
        normal = np.einsum("kpc,lpc->kl", weighted, basis)
        normal[np.diag_indices(len(normal))] *= 1 + 1e-6
        solver: Doubles = np.linalg.pinv(normal, rcond=1e-10) @ weighted.reshape(len(basis), -1)
        return solver


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well the image agrees with a template at each of N poses.

    Attributes
    ----------
    score
        Normalised cross-correlation over the part of the mask that lies inside the image.
    gain, offset
        Contrast of the image beside that of the mask, and mean difference of brightness.
    concordance
        Lin's concordance correlation: as the score, but 1 only where the colours are the same, too.
    trimmed
        The score without the parts that agree least, which hold up to 40 % of the mask's energy.
    inside
        Share of the mask's weight that lies inside the image.
    independent
        How many independent numbers the mask amounts to (`Template.independent`).
    """

    score: Doubles
    gain: Doubles
    offset: Doubles
    concordance: Doubles
    trimmed: Doubles
    inside: Doubles
    independent: Doubles

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
) -> tuple[Floats, Floats]:
    """Pixels of the image under the points of a template, ``(N, P, C)``, and whether inside, ``(N, P)``."""
    view = pyramid.level(scale * math.sqrt(template.pitch[0] * template.pitch[1]))
    H, W, C = view.pixels.shape
    offsets = np.einsum("nij,pj->npi", poses.matrices(), template.at)
    x, y = poses.x[:, None] + offsets[:, :, 0], poses.y[:, None] + offsets[:, :, 1]
    inside = (x > 0) & (x < pyramid.size.cols) & (y > 0) & (y < pyramid.size.rows)
    x = ((x - view.origin[1]) * view.factor[1] - 0.5).astype(np.float32)
    y = ((y - view.origin[0]) * view.factor[0] - 0.5).astype(np.float32)
    x, y = np.clip(x, 0, W - 1), np.clip(y, 0, H - 1)
    col, row = (
        np.minimum(x.astype(np.int32), max(W - 2, 0)),
        np.minimum(y.astype(np.int32), max(H - 2, 0)),
    )
    fx, fy = (x - col)[:, :, None], (y - row)[:, :, None]
    right, down = int(W > 1), int(H > 1) * W
    flat = view.pixels.reshape(-1, C)
    at = row * W + col
    top = flat[at] * (1 - fx) + flat[at + right] * fx
    bottom = flat[at + down] * (1 - fx) + flat[at + down + right] * fx
    return top * (1 - fy) + bottom * fy, inside.astype(np.float32)


def compare(pyramid: ImagePyramid, template: Template, poses: Poses, scale: float) -> Agreement:
    """How well the image agrees with a template at each pose.

    `scale` is that of all poses, roughly: it decides which level of the image is looked at.
    """
    parts = [
        _agreement(template, *sampled(pyramid, template, poses[some], scale))
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
    (`Template.solver`). With `trimmed`, the parts of the mask that agree least have no say in a step
    (`Agreement`), and a score is the mean of that with them and without them.
    """
    solver = template.solver(free)
    moved: list[Poses] = []
    scores: list[Doubles] = []
    for some in _groups(template, len(poses)):
        here = best = poses[some]
        best_score = np.full(len(here), -np.inf)
        for step in range(steps + 1):
            pixels, inside = sampled(pyramid, template, here, scale)
            fit = _fitted(template, pixels, inside)
            rest = _trimmed(template, fit) if trimmed else None
            score = fit.score if rest is None else (fit.score + rest.score) / 2
            better = score > best_score
            best_score = np.where(better, score, best_score)
            best = Poses(
                *(np.where(better, getattr(here, name), getattr(best, name)) for name in FIELDS)
            )
            if step < steps:
                here = _moved(template, here, solver, fit, rest, free)
        moved.append(best)
        scores.append(best_score)
    return Poses.joined(moved), np.concatenate(scores)


def _groups(template: Template, count: int) -> list[slice]:
    """Slices of the candidates, of so many that their pixels stay in the cache."""
    size = max(1, _TOGETHER // (3 * len(template.at)))
    return [slice(n, n + size) for n in range(0, max(count, 1), size)]


@dataclass(frozen=True, eq=False)
class _Fit:
    """Windows fitted by gain and offset to a template: window = gain * values + means, roughly."""

    centred: Array  # (N, P, C) the window minus its means; C is 1 for a template of one colour
    weights: Array  # (N, P), 0 for what lies outside, sum 1 (0 where nothing lies inside)
    means: Doubles  # (N, C)
    values: Array  # (N or 1, P, C) the template, its mean over the inside removed
    gain: Doubles  # (N,)
    score: Doubles  # (N,)
    inside: Doubles  # (N,)


def _fitted(template: Template, pixels: Array, inside: Floats) -> _Fit:
    """The fit of each window, computed in the precision of `pixels`."""
    w = template.weights.astype(pixels.dtype)[None] * inside
    share = w.sum(1)
    whole = bool((share > 1 - 1e-6).all())
    w = w / np.maximum(share, 1e-9)[:, None]
    means = np.einsum("np,npc->nc", w, pixels)
    centred = pixels - means[:, None]
    values = template.values.astype(pixels.dtype)[None]
    if not whole:
        values = (
            values
            - np.einsum("np,npc->nc", w, np.broadcast_to(values, (len(w), *values.shape[1:])))[
                :, None
            ]
        )
    energy = (
        np.einsum("np,npc->n", w, np.square(values))
        if not whole
        else np.full(len(w), template.energy)
    )
    floor = 1e-12 + 1e-10 * float(np.square(means).sum(1).max(initial=0.0))
    if template.one_colour:
        against = np.einsum("np,np,npc->nc", w, np.broadcast_to(values[:, :, 0], w.shape), centred)
        total = np.einsum("np,npc->n", w, np.square(centred))
        strength = np.sqrt(np.square(against).sum(1))
        score = strength / np.sqrt(np.maximum(energy * total, floor**2))
        direction = against / np.maximum(strength, 1e-12)[:, None]
        centred = np.einsum("npc,nc->np", centred, direction)[:, :, None]
        gain = strength / np.maximum(energy, 1e-12)
    else:
        total = np.einsum("np,npc->n", w, np.square(centred))
        product = np.einsum("np,npc->n", w, values * centred)
        score = np.where(total > floor, product / np.sqrt(np.maximum(energy * total, 1e-30)), 0)
        gain = product / np.maximum(energy, 1e-12)
    return _Fit(
        centred,
        w,
        means.astype(np.float64),
        values,
        gain.astype(np.float64),
        np.clip(score, -1, 1).astype(np.float64),
        share.astype(np.float64),
    )


def _moved(
    template: Template,
    poses: Poses,
    solver: Doubles,
    fit: _Fit,
    rest: _Trimmed | None,
    free: tuple[str, ...],
) -> Poses:
    """The poses after one step. What lies outside, or is left out, is taken to agree."""
    centred, gain, offset = fit.centred, fit.gain, np.zeros((len(poses), 1))
    left_out = (fit.weights == 0) & (template.weights > 0)[None]
    if rest is not None:
        left_out, gain, offset = left_out | ~rest.kept, rest.gain, rest.offset
    if left_out.any():
        agreed = gain[:, None, None].astype(np.float32) * fit.values + offset[:, None].astype(
            np.float32
        )
        centred = np.where(left_out[:, :, None], agreed, centred)
    solved = centred.reshape(len(poses), -1) @ solver.T.astype(np.float32)
    change = solved[:, 1:] / np.where(solved[:, :1] > 1e-6, solved[:, :1], np.inf)
    limit = _MAX_SHIFT * template.pitch[0]
    dx, dy = np.clip(change[:, 0], -limit, limit), np.clip(change[:, 1], -limit, limit)
    others = [np.clip(c, -_MAX_TURN, _MAX_TURN) for c in change[:, 2:].T]
    growth = others.pop(0) if SCALE in free else np.zeros(len(poses))
    turn = others.pop(0) if ANGLE in free else np.zeros(len(poses))
    shift = np.einsum("nij,nj->ni", poses.matrices(), np.stack([dx, dy], 1))
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


@dataclass(frozen=True, eq=False)
class _Trimmed:
    """A fit over those parts of the mask that agree best, the others left out."""

    score: Doubles  # (N,)
    gain: Doubles  # (N,)
    offset: Doubles  # (N, C), beside the means of the whole
    kept: NDArray[np.bool_]  # (N, P)


def _trimmed(template: Template, fit: _Fit) -> _Trimmed:
    """Fit anew without the parts that agree least and hold up to 40 % of the mask's energy.

    What hides a part of the thing then does not decide: Rousseeuw's least trimmed squares, over parts.
    """
    part = [np.arange(n) * min(_PARTS, n) // n for n in template.grid]
    starts = [np.flatnonzero(np.diff(p, prepend=-1)) for p in part]
    of = (part[0][:, None] * len(starts[1]) + part[1]).reshape(-1)  # the part of each point

    def summed(x: Array) -> Doubles:  # (N, P, C) -> (N, parts, C)
        grid = x.reshape(len(x), *template.grid, x.shape[2])
        sums = np.add.reduceat(np.add.reduceat(grid, starts[0], axis=1), starts[1], axis=2)
        parts: Doubles = sums.reshape(len(x), -1, x.shape[2]).astype(np.float64)
        return parts

    w, x = fit.weights[:, :, None], fit.centred
    v = np.broadcast_to(fit.values, x.shape)
    W, Wx, Wv = summed(w), summed(w * x), summed(w * v)
    Wxx, Wvv, Wxv = (
        summed((w * a * b).sum(2, keepdims=True))[:, :, 0] for a, b in ((x, x), (v, v), (x, v))
    )
    energy = Wvv - np.square(Wv).sum(2) / np.maximum(W[:, :, 0], 1e-9)
    energy = energy / np.maximum(energy.sum(1, keepdims=True), 1e-12)
    gain, offset = fit.gain, np.zeros((len(x), x.shape[2]))
    score, kept = fit.score, np.ones(energy.shape)
    for _ in range(2):
        # Σ w (x - gain v - offset)² over each part
        apart = Wxx + gain[:, None] ** 2 * Wvv - 2 * gain[:, None] * Wxv
        apart += (
            offset[:, None] * (offset[:, None] * W - 2 * (Wx - gain[:, None, None] * Wv))
        ).sum(2)
        worst = np.argsort(-apart, axis=1)
        lost = np.cumsum(np.take_along_axis(energy, worst, 1), axis=1)
        kept = np.ones(apart.shape)
        np.put_along_axis(kept, worst, (lost > _MAY_DISAGREE).astype(float), axis=1)
        total = np.maximum(np.einsum("nb,nbc->nc", kept, W), 1e-9)
        mean_x, mean_v = (np.einsum("nb,nbc->nc", kept, s) / total for s in (Wx, Wv))
        xx, vv, xv = (np.einsum("nb,nb->n", kept, s) for s in (Wxx, Wvv, Wxv))
        xx -= (total * mean_x**2).sum(1)
        vv -= (total * mean_v**2).sum(1)
        xv -= (total * mean_x * mean_v).sum(1)
        score = np.where((xx > 1e-12) & (vv > 1e-12), xv / np.sqrt(np.maximum(xx * vv, 1e-24)), 0)
        gain = xv / np.maximum(vv, 1e-12)
        offset = mean_x - gain[:, None] * mean_v
    return _Trimmed(np.clip(score, -1, 1), gain, offset, (kept > 0)[:, of])


def _agreement(template: Template, pixels: Floats, inside: Floats) -> Agreement:
    fit = _fitted(template, pixels.astype(np.float64), inside)
    values = np.broadcast_to(fit.values, fit.centred.shape)
    energy = np.einsum("np,npc->n", fit.weights, np.square(values))
    total = np.einsum("np,npc->n", fit.weights, np.square(fit.centred))
    # Means of the mask over what lies inside, to compare brightness.
    if template.one_colour:
        offset = concordance = np.zeros(len(pixels))
    else:
        own = np.einsum("np,pc->nc", fit.weights, template.values) + template.mean
        apart = fit.means - own
        offset = apart.mean(1)
        product = fit.gain * energy
        concordance = 2 * product / np.maximum(energy + total + np.square(apart).sum(1), 1e-12)
    return Agreement(
        fit.score,
        fit.gain,
        offset,
        np.clip(concordance, -1, 1),
        _trimmed(template, fit).score,
        fit.inside,
        np.full(len(pixels), template.independent),
    )

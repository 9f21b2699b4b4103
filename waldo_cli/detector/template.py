"""A mask at a number of grid points, with all that comparing and aligning it needs and that is computed once.

The derivatives by place, scale and angle are those of the mask, not of the image: the inverse compositional
form of Lucas and Kanade's method.

References
----------
Baker, Matthews, "Lucas-Kanade 20 Years On: A Unifying Framework", IJCV 2004.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Array, Doubles, Floats
from waldo_cli.detector.poses import ANGLE, SCALE
from waldo_cli.detector.pyramid import Level
from waldo_cli.geometry import Size
from waldo_cli.stack.stack import Mask

# Parts of a mask along each side, to tell where it agrees and where not.
_PARTS = 8
# A point is a detail of its part if it is so far from the part's median.
_DETAIL = 24 / 255


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

    def equations(self, free: tuple[str, ...]) -> Equations:
        """What a step needs. `free` names what of the pose may change, of PLACE, SCALE and ANGLE."""
        known = self._known.get(free)
        if known is None:
            known = self._known[free] = self._equations_of(free)
        return known

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Equations]:
        return {}

    def _equations_of(self, free: tuple[str, ...]) -> Equations:
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
        return Equations(
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
    def details(self) -> NDArray[np.bool_]:
        """``(P,)`` the points that differ from the ground of their part, its median."""
        grounds = np.stack(
            [np.median(self.values[:, self.part == n], 1) for n in range(self.part.max() + 1)], 1
        )
        apart = np.square(self.values - grounds[:, self.part]).mean(0)
        return np.asarray(apart > np.square(_DETAIL))

    @cached_property
    def _parts(self) -> tuple[Doubles, Doubles]:
        """Which rows and columns of points lie in which parts: ones in ``(rows, b)`` and ``(cols, b')``."""
        rows, cols = (
            (np.arange(n) * min(_PARTS, n) // n)[:, None] == np.arange(min(_PARTS, n))
            for n in self.grid
        )
        return rows.astype(np.float64), cols.astype(np.float64)

    @cached_property
    def whole(self) -> Window:
        """The template over a window that lies inside the image."""
        return Window.of(self, self.weights[None], self.values[:, None])


@dataclass(frozen=True, eq=False)
class Window:
    """A template over what lies inside the image, for N windows, or for all of them where N is 1.

    B parts of the mask (`Template.summed`).
    """

    weights: Array  # (N, P), 0 for what lies outside, sum 1 (0 where nothing lies inside)
    values: Array  # (C, N, P) the template, its mean over the inside removed
    W: Doubles  # (N, B) sums of weights
    Wv: Doubles  # (C, N, B) of weighted values
    Wvv: Doubles  # (N, B) of weighted squares

    @classmethod
    def of(cls, template: Template, weights: Array, values: Array) -> Window:
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
class Equations:
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

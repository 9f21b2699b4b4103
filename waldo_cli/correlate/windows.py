"""Sums over windows: what scores divide by, and what is left of masks at the image's edge."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from waldo_cli.arrays import Array, Doubles
from waldo_cli.correlate.overlap_save import Plan
from waldo_cli.geometry import Pair

# Numbers that are added at a time: as many as stay in the cache.
_RUN = 1 << 16


@dataclass(frozen=True)
class PreparedMasks:
    """What does not depend on the image, for some of the masks; arrays in float64, planes first."""

    # (K, C, A, B) weighted; mean removed and of norm 1 where the score wants it; a mask of one
    # colour is 0
    V: Doubles
    w: Doubles  # (n, 1, A, B) n = 1 where all masks share their weights, else K
    centred: bool
    normed: bool

    @property
    def extent(self) -> Pair:
        return self.V.shape[2], self.V.shape[3]


class BoxSums:
    """One thread's sums over boxes of pixels: of each channel, and of the sum of their squares.

    Additions only, and all of them of long runs of memory: down the columns each row of sums is the
    last one and what has changed; along the rows sums of 2, 4, 8 ... neighbours are put together.
    Running sums along the rows would wait for each addition. Planes lie side by side in each row; the
    last sums of a row reach into the next plane and mean nothing.
    """

    def __init__(self, extent: Pair, tiling: Plan) -> None:
        self._extent = extent
        rows, cols = tiling.shape
        self.planes = np.zeros((rows, tiling.channels + 1, cols))
        self.pixels = self.planes[:, :-1].transpose(0, 2, 1)  # less their level
        one = self.planes[0].size
        self._rows = max(1, _RUN // one)
        self._down = np.zeros((self._rows, *self.planes.shape[1:]))
        self._turns = np.zeros((2, self._rows * one))

    def aim(self, pixels: Array, at: Pair, level: Array) -> None:
        """Look at pixels `(h, w, C)` less `level`, `at` rows and columns into the tile; zeros around."""
        planes = self.planes
        top, left = at
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        planes[:top] = 0
        planes[bottom:] = 0
        planes[top:bottom, :, :left] = 0
        planes[top:bottom, :, right:] = 0
        inner = planes[top:bottom, :, left:right]
        for c, own in enumerate(level.astype(np.float64)):
            np.subtract(pixels[:, :, c], own, out=inner[:, c])
        np.einsum("rcj,rcj->rj", inner[:, :-1], inner[:, :-1], out=inner[:, -1])

    def sums(self, outputs: int) -> Iterator[tuple[slice, Array]]:
        """So many rows of outputs, some at a time, `(rows, C + 1, cols)`; valid until the next."""
        A, B = self._extent
        planes = self.planes
        first = planes[:A].sum(0)
        for i in range(0, outputs, self._rows):
            down = self._down[: outputs - i]
            n = len(down)
            down[0] = first
            np.subtract(planes[i + A : i + A + n - 1], planes[i : i + n - 1], out=down[1:])
            for above, row in itertools.pairwise(down):
                row += above
            if i + n < outputs:
                first = down[-1] + planes[i + n + A - 1] - planes[i + n - 1]
            yield slice(i, i + n), self._across(down, B)

    def _across(self, down: Array, length: int) -> Array:
        """Sums of so many neighbours along the rows, each where its first one is."""
        ones = down.reshape(-1)
        sums, have, turn = ones, 1, 0
        for digit in f"{length:b}"[1:]:
            end = ones.size - 2 * have + 1
            out = self._turns[turn, : ones.size]
            np.add(sums[:end], sums[have : have + end], out=out[:end])
            sums, have, turn = out, 2 * have, 1 - turn
            if digit == "1":
                end -= 1
                sums[:end] += ones[have:]
                have += 1
        return sums.reshape(down.shape)


class MaskSums:
    """What is left of masks that reach over the image's edge: sums over any rectangle of them."""

    def __init__(self, m: PreparedMasks, image: Pair) -> None:
        self.image, self.extent = image, m.extent
        self.w = _integral(m.w)
        self.V = _integral(m.V)
        self.VV = _integral(np.square(m.V).sum(1) / np.where(m.w[:, 0] > 0, m.w[:, 0], 1))

    def around(self, corner: Pair, shape: Pair) -> WindowsAtEdge | None:
        """The tile's outputs at `corner`; None where all their windows lie inside."""
        edges = []
        for i, n, size, extent in zip(corner, shape, self.image, self.extent, strict=True):
            start = np.arange(i, i + n) - (extent - 1) // 2
            edges.append((np.maximum(-start, 0), np.minimum(size - start, extent)))
        (top, bottom), (left, right) = edges
        whole = (bottom - top == self.extent[0]).all() and (right - left == self.extent[1]).all()
        return None if whole else WindowsAtEdge(self, top, bottom, left, right)


@dataclass
class WindowsAtEdge:
    """For each output of a tile, the rectangle of the mask that lies inside the image."""

    border: MaskSums
    top: Array
    bottom: Array
    left: Array
    right: Array

    def sum(self, integral: Array) -> Array:
        """Over that rectangle, `(..., h, w)`."""
        rows = integral[..., self.bottom, :] - integral[..., self.top, :]
        inside: Array = rows[..., self.right] - rows[..., self.left]
        return inside


def _integral(x: Array) -> Array:
    """Sums over all rectangles that start at the first row and column."""
    out = np.zeros((*x.shape[:-2], x.shape[-2] + 1, x.shape[-1] + 1))
    x.cumsum(-2).cumsum(-1, out=out[..., 1:, 1:])
    return out


def windows_that_meet(holes: Array, at: Pair, w: Array, shape: Pair) -> Array:
    """Which windows hold one of the holes where the weight is not 0, `(h, w, K)` or `(h, w, 1)`."""
    A, B = w.shape[2:]
    field = np.zeros((shape[0] + A - 1, shape[1] + B - 1))
    field[at[0] : at[0] + holes.shape[0], at[1] : at[1] + holes.shape[1]] = holes
    spectrum = np.fft.rfft2(field)
    met = [
        np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(live, field.shape)), field.shape)
        for live in (w[:, 0] > 0).astype(np.float64)
    ]
    return np.stack(met, axis=2)[: shape[0], : shape[1]] > 0.5

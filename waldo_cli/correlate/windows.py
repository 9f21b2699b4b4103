"""Sums over windows: what scores divide by, and what is left of masks at the image's edge.

`BoxSums` adds up pixels over all windows of a tile. `MaskSums` adds up parts of masks: where a window
hangs over the image's edge (`WindowsAtEdge`), only the part of the mask that lies inside is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from waldo_cli.arrays import Array, Doubles
from waldo_cli.correlate.overlap_save import Tiling
from waldo_cli.geometry import Pair

# Numbers that are added at a time: as many as stay in the cache. Rows of a tile go in groups of this size.
_RUN = 1 << 16


@dataclass(frozen=True)
class PreparedMasks:
    """What does not depend on the image, for some of the masks; arrays in float64, planes first.

    Attributes
    ----------
    V
        `(K, C, A, B)`, weighted; mean removed where `centred`, norm 1 where `normed`. A mask of one colour
        is 0.
    w
        `(n, 1, A, B)` weights; n = 1 where all masks share them, else K.
    centred, normed
        What the score wants.
    """

    V: Doubles
    w: Doubles
    centred: bool
    normed: bool

    @property
    def extent(self) -> Pair:
        return self.V.shape[2], self.V.shape[3]


class BoxSums:
    """One thread's sums over boxes of pixels: of each channel, and of the sum of their squares.

    Only additions of long runs of memory. Down the columns, a row of sums is the row above, plus the row of
    pixels that enters the box, minus the one that leaves it. Along the rows, sums of 2, 4, 8 ... neighbours
    are combined, because a running sum would have to wait for each addition. The planes lie side by side in
    each row, so the last sums of a row reach into the next plane; they are never read.

    Attributes
    ----------
    planes
        `(rows, C + 1, cols)`: the channels, and the sum of their squares.
    pixels
        The channels alone as `(rows, cols, C)`, a view. Their level is removed.
    """

    def __init__(self, extent: Pair, tiling: Tiling) -> None:
        self._extent = extent
        rows, cols = tiling.shape
        self.planes = np.zeros((rows, tiling.channels + 1, cols))
        self.pixels = self.planes[:, :-1].transpose(0, 2, 1)
        row_size = self.planes[0].size
        self._rows = max(1, _RUN // row_size)
        self._down = np.zeros((self._rows, *self.planes.shape[1:]))
        self._turns = np.zeros((2, self._rows * row_size))

    def set_pixels(self, pixels: Array, at: Pair, level: Array) -> None:
        """Put pixels `(h, w, C)` minus `level` into the tile, shifted by `at`; zeros around them."""
        planes = self.planes
        top, left = at
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        planes[:top] = 0
        planes[bottom:] = 0
        planes[top:bottom, :, :left] = 0
        planes[top:bottom, :, right:] = 0
        inner = planes[top:bottom, :, left:right]
        for c, mean in enumerate(level.astype(np.float64)):
            np.subtract(pixels[:, :, c], mean, out=inner[:, c])
        np.einsum("rcj,rcj->rj", inner[:, :-1], inner[:, :-1], out=inner[:, -1])

    def sums(self, outputs: int) -> Iterator[tuple[slice, Array]]:
        """Sums for the first `outputs` rows, in groups `(rows, C + 1, cols)`; valid until the next group."""
        A, B = self._extent
        planes = self.planes
        first = planes[:A].sum(0)
        for i in range(0, outputs, self._rows):
            down = self._down[: outputs - i]
            n = len(down)
            down[0] = first
            # What changes from row to row: the pixels that enter minus those that leave.
            np.subtract(planes[i + A : i + A + n - 1], planes[i : i + n - 1], out=down[1:])
            for above, row in itertools.pairwise(down):
                row += above
            if i + n < outputs:
                first = down[-1] + planes[i + n + A - 1] - planes[i + n - 1]
            yield slice(i, i + n), self._across(down, B)

    def _across(self, down: Array, length: int) -> Array:
        """Sums of `length` neighbours along the rows, each where its first one is.

        The binary digits of `length` say how: each doubles the number of neighbours, a 1 adds one more.
        """
        ones = down.reshape(-1)
        sums, count, turn = ones, 1, 0  # sums of `count` neighbours
        for digit in f"{length:b}"[1:]:
            end = ones.size - 2 * count + 1
            out = self._turns[turn, : ones.size]
            np.add(sums[:end], sums[count : count + end], out=out[:end])
            sums, count, turn = out, 2 * count, 1 - turn
            if digit == "1":
                end -= 1
                sums[:end] += ones[count:]
                count += 1
        return sums.reshape(down.shape)


class MaskSums:
    """Sums over any rectangle of the masks, for windows that hang over the image's edge.

    Attributes
    ----------
    w, V, VV
        Integrals (`_integral`) of the weights, of the weighted masks and of w V'².
    """

    def __init__(self, m: PreparedMasks, image: Pair) -> None:
        self.image, self.extent = image, m.extent
        self.w = _integral(m.w)
        self.V = _integral(m.V)
        self.VV = _integral(np.square(m.V).sum(1) / np.where(m.w[:, 0] > 0, m.w[:, 0], 1))

    def at_edge(self, corner: Pair, shape: Pair) -> WindowsAtEdge | None:
        """What lies inside of the windows of the outputs at `corner`; None where all of them lie inside."""
        edges = []
        for i, n, size, extent in zip(corner, shape, self.image, self.extent, strict=True):
            start = np.arange(i, i + n) - (extent - 1) // 2
            edges.append((np.maximum(-start, 0), np.minimum(size - start, extent)))
        (top, bottom), (left, right) = edges
        inside = (bottom - top == self.extent[0]).all() and (right - left == self.extent[1]).all()
        return None if inside else WindowsAtEdge(self, top, bottom, left, right)


@dataclass
class WindowsAtEdge:
    """For each output of a tile, the rectangle of the mask that lies inside the image.

    Attributes
    ----------
    masks
        Whose rectangles these are.
    top, bottom
        First row of the mask that lies inside and the one after the last, for each row of outputs.
    left, right
        The same for columns.
    """

    masks: MaskSums
    top: Array
    bottom: Array
    left: Array
    right: Array

    def sum(self, integral: Array) -> Array:
        """Sums over that rectangle, `(..., h, w)`, by the integral of what is summed."""
        rows = integral[..., self.bottom, :] - integral[..., self.top, :]
        inside: Array = rows[..., self.right] - rows[..., self.left]
        return inside


def _integral(x: Array) -> Array:
    """Sums over all rectangles that start at the first row and column (a summed-area table)."""
    out = np.zeros((*x.shape[:-2], x.shape[-2] + 1, x.shape[-1] + 1))
    x.cumsum(-2).cumsum(-1, out=out[..., 1:, 1:])
    return out


def windows_with_invalid(invalid: Array, at: Pair, w: Array, shape: Pair) -> Array:
    """True for windows that hold an invalid pixel where the weight is not 0, `(h, w, K)` or `(h, w, 1)`.

    Their number in each window is the correlation of the invalid pixels with the places that have a weight.
    """
    A, B = w.shape[2:]
    field = np.zeros((shape[0] + A - 1, shape[1] + B - 1))
    field[at[0] : at[0] + invalid.shape[0], at[1] : at[1] + invalid.shape[1]] = invalid
    spectrum = np.fft.rfft2(field)
    counts = [
        np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(counted, field.shape)), field.shape)
        for counted in (w[:, 0] > 0).astype(np.float64)
    ]
    return np.stack(counts, axis=2)[: shape[0], : shape[1]] > 0.5

"""Weighted, normalised scores of masks, tile by tile.

With weights w of sum W, image x and mask V, all sums over the window (and channels c where it says
so):

    V' = V - Σ w V / W           numerator = Σ_c w V' x
    energy  Q = Σ_c w x²         sums S_c = Σ w x_c
    h = numerator / sqrt(Σ_c w V'² · (Q - Σ_c S_c² / W))

Sums are float64, and a tile's own level is taken out first, so that what cancels in `Q - Σ S² / W`
costs no digits of the score. The numerator is float32 in tiles where no window is so flat that it
would show.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from waldo_cli.arrays import Array
from waldo_cli.correlate.overlap_save import BLOCK, Bank, Plan, Tile, plan
from waldo_cli.correlate.windows import (
    BoxSums,
    MaskSums,
    PreparedMasks,
    WindowsAtEdge,
    windows_that_meet,
)
from waldo_cli.geometry import Pair
from waldo_cli.parallel import spread_workers

# A window at the image's edge scores 0 where less than this share of the mask's weight lies inside.
MIN_SHARE_INSIDE = 0.25

# A mask is of one colour where its variation is below this share of its magnitude: float32 rounding
# of a constant is 6e-8 of it, one step of 16 bits 1.5e-5.
_FLAT = 1e-6
# A window is flat where its variation is less than rounding may have left: of float32 pixels at the
# tile's level, and of sums over the tile in float64. Both as shares of squares.
_ROUGH = 1e-14
_DROWNED = 1e-13
_TINY = 1e-200
# Rounding of a float32 transform, as a share of the root mean square of what goes in and comes out
# (measured), and how much of it a score may show.
_ROUNDING = 1.2e-7
_SHOWN = 3e-6
# Where float32 neither overflows nor loses digits in sums and products of a tile.
_RANGE = (1e-25, 1e25)

_NOTHING = np.empty(0)


def correlate(
    image: npt.NDArray[np.float32],
    masks: npt.NDArray[np.float32],
    w: npt.NDArray[np.float32],
    score: str,
    partial: bool,
) -> npt.NDArray[np.float32]:
    """Scores of masks `(A, B, C, K)` with weights `(A, B, 1 or K)`, `(H', W', K)`.

    `partial`: output of the image's size, windows compared where they lie inside.
    """
    A, B, C, K = masks.shape
    H, W = image.shape[:2]
    outputs = (H, W) if partial else (H - A + 1, W - B + 1)
    out = np.empty((*outputs, K), np.float32)
    tiling, _ = plan(outputs, (A, B), C, K, 8)
    shared = w.shape[2] == 1
    turn = max(1, tiling.kernels_at_a_time(C if shared else C + 1))
    for k in range(0, K, turn):
        some = _prepare(masks[..., k : k + turn], w if shared else w[..., k : k + turn], score)
        _run(image, some, tiling, out[:, :, k : k + turn], partial)
    return out


def _prepare(masks: Array, w: Array, score: str) -> PreparedMasks:
    centred, normed = score in ("ncc", "zero-mean"), score in ("ncc", "cosine")
    v = masks.transpose(3, 2, 0, 1).astype(np.float64)
    u = w.transpose(2, 0, 1)[:, None].astype(np.float64)
    V = u * v
    energy = np.einsum("kcab,kcab->k", V, v)
    if centred:
        v -= V.sum((2, 3), keepdims=True) / u.sum((2, 3), keepdims=True)
        np.multiply(u, v, out=V)
    if normed:
        left = np.einsum("kcab,kcab->k", V, v)
        left[left <= _FLAT**2 * energy] = np.inf
        V /= np.sqrt(left)[:, None, None, None]
    return PreparedMasks(V, u, centred, normed)


def _run(image: Array, m: PreparedMasks, tiling: Plan, out: Array, partial: bool) -> None:
    """Scores of the prepared masks, tiles spread over threads."""
    A, B = m.extent
    H, W = image.shape[:2]
    before = ((A - 1) // 2, (B - 1) // 2) if partial else (0, 0)
    banks = _Banks(m, tiling)
    summed = _by_sums(m, tiling)
    (banks.single if summed and m.centred and not partial else banks.double).fill()
    border = MaskSums(m, (H, W)) if partial else None

    def new_worker() -> Callable[[Pair], None]:
        windows = _Windows(m, tiling, banks, summed)
        block = np.empty((min(len(m.V), BLOCK), *tiling.step), np.float32)

        def work(corner: Pair) -> None:
            i, j = corner
            target = out[i : i + tiling.step[0], j : j + tiling.step[1]]
            h, w = target.shape[:2]
            row, col = i - before[0], j - before[1]  # of the first pixel that the tile meets
            top, left = max(row, 0), max(col, 0)
            pixels = image[top : row + h + A - 1, left : col + w + B - 1]
            at = (top - row, left - col)
            around = border.around(corner, (h, w)) if border else None
            holes = None
            if not windows.aim(pixels, at, (h, w), around):
                holes = np.isnan(pixels - pixels).any(2)
                pixels = np.where(holes[:, :, None], np.float32(0), pixels)
                windows.aim(pixels, at, (h, w), around)
            if len(m.V) == 1:
                windows.score(0, target[:, :, 0])
            else:
                for k in range(0, len(m.V), BLOCK):
                    some = block[: len(m.V) - k, :h, :w]
                    for n, scores in enumerate(some):
                        windows.score(k + n, scores)
                    target[:, :, k : k + BLOCK] = some.transpose(1, 2, 0)
            if holes is not None:
                met = np.broadcast_to(windows_that_meet(holes, at, m.w, (h, w)), target.shape)
                target[met] = np.nan

        return work

    spread_workers(new_worker, tiling.corners(*out.shape[:2]), tiling.threads())


def _by_sums(m: PreparedMasks, tiling: Plan) -> bool:
    """Sums over a whole box are quicker by adding; other weights, and masks in pieces, go by transform."""
    return m.normed and len(tiling.offsets) == 1 and bool((m.w == m.w[0, 0, 0, 0]).all())


class _Banks:
    """What the threads share: spectra of masks and weights, and whose turn it is to add."""

    def __init__(self, m: PreparedMasks, tiling: Plan) -> None:
        self.single = Bank(m.V, tiling, np.float32)
        self.double = Bank(m.V, tiling, np.float64)
        self.weights = Bank(m.w, tiling, np.float64)
        self.turn = threading.Lock()


@dataclass
class _Sums:
    """Over the windows of a tile, for one set of weights."""

    mass: Any  # Σ w, a number or (h, w)
    values: Array  # Σ w x, (C, h, w), where they are needed
    inverse: Array  # 1 / sqrt(Σ w x'²), 0 where the window is flat
    single: bool = False  # a numerator of float32 is good enough for these


class _Windows:
    """One thread's way from a tile's pixels to its scores."""

    def __init__(self, m: PreparedMasks, tiling: Plan, banks: _Banks, summed: bool) -> None:
        self._m, self._banks = m, banks
        self._boxes = BoxSums(m.extent, tiling) if summed else None
        self._tiling = tiling
        # By whether they are of float32: mostly one of the two will do.
        self._tiles: dict[bool, Tile] = {}
        self._aimed: set[bool] = set()

    def aim(self, pixels: Array, at: Pair, shape: Pair, around: WindowsAtEdge | None) -> bool:
        """Look at these pixels; False if one of them is NaN or infinite."""
        self._shape, self._around = shape, around
        self._known: dict[int, _Sums] = {}
        C = self._m.V.shape[1]
        level = np.zeros(C, np.float32)
        if self._m.centred:  # any level would do that is near; a sample is enough
            level = pixels[::8, ::8].mean((0, 1), dtype=np.float64).astype(np.float32)
        self._level = level
        self._aimed.clear()
        self._pixels, self._at = pixels, at
        if self._boxes is None:
            tile = self._tile(single=False)
            tile.load(0)
            squares = tile.squares
        else:
            self._boxes.aim(pixels, at, level)
            squares = self._boxes.planes[:, -1]
        self._energy = float(squares.sum(0).sum())  # Σ x² over the tile, less its level
        # Whether a numerator of float32 may do: the sums will tell.
        low, high = _RANGE
        summed = self._boxes is not None and self._m.centred and around is None
        self._coarse = summed and low < self._energy < high
        return tile.finite() if self._boxes is None else math.isfinite(self._energy)

    def _tile(self, *, single: bool) -> Tile:
        """The spectra of what is looked at, in float32 or float64."""
        if single not in self._tiles:
            dtype = np.float32 if single else np.float64
            self._tiles[single] = Tile(self._tiling, dtype, energy=self._boxes is None)
        tile = self._tiles[single]
        if single not in self._aimed:
            self._aimed.add(single)
            if self._boxes is None:
                tile.aim(self._pixels, self._at, self._level)
            else:
                tile.aim(self._boxes.pixels)
        return tile

    def score(self, k: int, target: Array) -> None:
        """Write the scores of mask k over the tile."""
        m, around = self._m, self._around
        h, w = target.shape
        n = k if len(m.w) > 1 and self._boxes is None else 0
        sums = self._sums(n)
        bank = self._banks.single if sums.single else self._banks.double
        numerator = self._tile(single=sums.single).correlate(bank, k, range(m.V.shape[1]))[:h, :w]
        own = _NOTHING
        if around is not None:
            if m.normed:
                own = around.sum(around.border.VV[k])
            # V' has mean 0 over the whole mask, and another one over the part of it that lies
            # inside.
            for values, integral in zip(sums.values, around.border.V[k], strict=False):
                part = around.sum(integral)
                numerator -= values * part / sums.mass
                if m.normed:
                    own -= part * part / sums.mass
        if m.normed:
            numerator *= sums.inverse
            if around is not None:
                numerator *= np.where(own > _FLAT**2, 1 / np.sqrt(np.maximum(own, _FLAT**2)), 0)
            np.clip(numerator, -1, 1, out=target)
        else:
            target[...] = numerator
        if around is not None:
            target[sums.mass < MIN_SHARE_INSIDE * m.w[n].sum()] = 0

    def _sums(self, n: int) -> _Sums:
        """For weight set n."""
        if n not in self._known:
            self._known = {n: self._measure(n)}
        return self._known[n]

    def _measure(self, n: int) -> _Sums:
        m, around = self._m, self._around
        mass: Any = m.w[n].sum()
        if around is not None:
            mass = np.maximum(around.sum(around.border.w[n])[0], _TINY)
        if not m.normed and (around is None or not m.centred):
            return _Sums(mass, _NOTHING, _NOTHING)
        C = m.V.shape[1]
        values = np.empty((C, *self._shape)) if around is not None and m.centred else _NOTHING
        variation = np.empty(self._shape)
        # Sums over boxes are so many short calls of numpy that two threads at them wait for Python's lock
        # longer than one takes for both: who would have to wait transforms first.
        turn = self._banks.turn if self._boxes is not None else None
        if turn is not None and turn.locked():
            self._tile(single=self._coarse).load(0)
        with turn or contextlib.nullcontext():
            for rows, sums in self._window_sums(n):
                if m.centred:
                    if around is not None:
                        values[:, rows] = sums[:, :C].transpose(1, 0, 2)
                    removed = np.einsum("rcj,rcj->rj", sums[:, :C], sums[:, :C])
                    removed /= mass if around is None else mass[rows]
                    np.subtract(sums[:, C], removed, out=variation[rows])
                else:
                    variation[rows] = sums[:, C]
        energy = self._energy
        level = float(np.square(self._level, dtype=float).sum())
        floor = _ROUGH * float(m.w[n].sum()) * level + _DROWNED * energy
        flat = variation <= max(floor, _TINY)
        typical = max(float(variation.sum(0).sum()) / flat.size, 0.0)
        np.copyto(variation, np.inf, where=flat)
        single = False
        if self._coarse:
            noise = _ROUNDING * (math.sqrt(energy / flat.size) + math.sqrt(typical))
            single = noise < _SHOWN * math.sqrt(variation.min())
        inverse = variation.astype(np.float32 if single else np.float64, copy=False)
        np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
        return _Sums(mass, values, inverse, single)

    def _window_sums(self, n: int) -> Iterator[tuple[slice, Array]]:
        """Σ w over windows of each channel and of their energy, `(rows, C + 1, w)`, by rows of outputs."""
        h, w = self._shape
        if self._boxes is not None:
            for rows, sums in self._boxes.sums(h):
                if self._m.w[n, 0, 0, 0] != 1:
                    sums *= self._m.w[n, 0, 0, 0]
                yield rows, sums[:, :, :w]
            return
        found = np.empty((h, self._m.V.shape[1] + 1, w))
        for c in range(found.shape[1]):
            found[:, c] = self._tile(single=False).correlate(self._banks.weights, n, [c])[:h, :w]
        yield slice(0, h), found

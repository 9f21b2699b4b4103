"""Weighted, normalised scores of masks, tile by tile.

With weights w of sum W, image x and mask V, all sums over the window (and channels c where it says so):

    V' = V - Σ w V / W           numerator = Σ_c w V' x
    energy  Q = Σ_c w x²         sums S_c = Σ w x_c
    h = numerator / sqrt(Σ_c w V'² · (Q - Σ_c S_c² / W))

Everything is float64 from the tile on, and a tile's own mean is taken out first, so that what cancels in
`Q - Σ S² / W` costs no digits of the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from waldo_cli._fft import BLOCK, Bank, Pair, Plan, Tile, plan
from waldo_cli._threads import spread

Array: TypeAlias = npt.NDArray[Any]
Doubles: TypeAlias = npt.NDArray[np.float64]

# A window at the image's edge scores 0 where less than this share of the mask's weight lies inside.
MIN_SHARE_INSIDE = 0.25

# A window is flat where its variation is below this share of its own magnitude (float32 rounding of a
# constant is 6e-8 of it, one step of 16 bits 1.5e-5), or its energy drowns in the rounding of its tile.
_FLAT = 1e-6
_DROWNED = 1e-13
_TINY = 1e-200

_NOTHING = np.empty(0)


@dataclass(frozen=True)
class _Masks:
    """What does not depend on the image, for some of the masks; arrays in float64, planes first."""

    V: Doubles  # (K, C, A, B) weighted, mean removed where the score wants it, of norm 1 likewise
    w: Doubles  # (n, 1, A, B) n = 1 where all masks share their weights, else K
    masks: Doubles  # (K, C, A, B) like V, not weighted
    live: npt.NDArray[np.bool_]  # (K,) False for a mask of one colour
    centred: bool
    normed: bool

    @property
    def extent(self) -> Pair:
        return self.V.shape[2], self.V.shape[3]


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
    tiling, _ = plan(outputs, (A, B), C, 8, energy=True)
    shared = w.shape[2] == 1
    turn = max(1, tiling.kernels_at_a_time(C if shared else C + 1))
    for k in range(0, K, turn):
        some = _prepare(masks[..., k : k + turn], w if shared else w[..., k : k + turn], score)
        _run(image, some, tiling, out[:, :, k : k + turn], partial)
    return out


def _prepare(masks: Array, w: Array, score: str) -> _Masks:
    centred, normed = score in ("ncc", "zero-mean"), score in ("ncc", "cosine")
    v = masks.transpose(3, 2, 0, 1).astype(np.float64)
    u = w.transpose(2, 0, 1)[:, None].astype(np.float64)
    energy = (u * v * v).sum((1, 2, 3))
    if centred:
        v -= (u * v).sum((2, 3), keepdims=True) / u.sum((2, 3), keepdims=True)
    V = u * v
    left = (V * v).sum((1, 2, 3))
    live = left > _FLAT**2 * energy
    if normed:
        norm = np.sqrt(np.where(live, left, 1.0))[:, None, None, None]
        V /= norm
        v /= norm
    return _Masks(V, u, v, live, centred, normed)


def _run(image: Array, m: _Masks, tiling: Plan, out: Array, partial: bool) -> None:
    """Scores of the prepared masks, tiles spread over threads."""
    A, B = m.extent
    H, W = image.shape[:2]
    before = ((A - 1) // 2, (B - 1) // 2) if partial else (0, 0)
    bank = Bank(m.V, tiling)
    weights = Bank(m.w, tiling)
    border = _Border(m, (H, W)) if partial else None

    def prepare() -> Callable[[Pair], None]:
        tile = Tile(tiling, np.float64, energy=True, centred=m.centred)
        windows = _Windows(tile, m, weights)
        block = np.empty((min(len(m.V), BLOCK), *tiling.step), np.float32)

        def work(corner: Pair) -> None:
            i, j = corner
            target = out[i : i + tiling.step[0], j : j + tiling.step[1]]
            h, w = target.shape[:2]
            row, col = i - before[0], j - before[1]  # of the first pixel that the tile meets
            top, left = max(row, 0), max(col, 0)
            pixels = image[top : row + h + A - 1, left : col + w + B - 1]
            at = (top - row, left - col)
            tile.aim(pixels, at)
            energy = _energy(tile)
            holes = None
            if not np.isfinite(energy):
                holes = np.isnan(pixels - pixels).any(2)
                tile.aim(np.where(holes[:, :, None], np.float32(0), pixels), at)
                energy = _energy(tile)
            around = border.around(corner, (h, w)) if border else None
            windows.aim((h, w), energy, around)
            for k in range(0, len(m.V), BLOCK):
                some = min(BLOCK, len(m.V) - k)
                for n in range(some):
                    _score(windows, bank, k + n, block[n, :h, :w])
                target[:, :, k : k + some] = block[:some, :h, :w].transpose(1, 2, 0)
            if holes is not None:
                met = np.broadcast_to(_meets(holes, at, m.w, (h, w)), target.shape)
                target[met] = np.nan

        def guarded(corner: Pair) -> None:
            with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is looked for
                work(corner)

        return guarded

    spread(prepare, tiling.corners(*out.shape[:2]), tiling.threads())


def _score(windows: _Windows, bank: Bank, k: int, target: Array) -> None:
    """Score of mask k over the tile."""
    m, around = windows.masks, windows.around
    h, w = target.shape
    sums = windows.of(k if len(m.w) > 1 else 0)
    numerator = windows.tile.total(bank, k)[:h, :w]
    if around is not None and m.centred:
        # V' has mean 0 over the whole mask, and another one over the part of it that lies inside.
        numerator -= (sums.values * around.sum(around.border.V[k])).sum(0) / sums.mass
    if m.normed:
        numerator *= sums.inverse
        if around is not None:
            own = around.sum(around.border.VV[k])
            if m.centred:
                own -= (around.sum(around.border.V[k]) ** 2).sum(0) / sums.mass
            numerator *= np.where(own > _FLAT**2, 1 / np.sqrt(np.maximum(own, _FLAT**2)), 0)
        numerator *= m.live[k]
        np.clip(numerator, -1, 1, out=numerator)
    if around is not None:
        numerator[sums.mass < MIN_SHARE_INSIDE * m.w[k if len(m.w) > 1 else 0].sum()] = 0
    target[...] = numerator


@dataclass
class _Sums:
    """Over the windows of a tile, for one set of weights."""

    mass: Any  # Σ w, a number or (h, w)
    values: Array  # Σ w x, (C, h, w)
    inverse: Array  # 1 / sqrt(Σ w x'²), 0 where the window is flat


class _Windows:
    """Sums over windows, computed once for each tile and set of weights."""

    def __init__(self, tile: Tile, masks: _Masks, weights: Bank) -> None:
        self.tile, self.masks, self._weights = tile, masks, weights

    def aim(self, shape: Pair, energy: float, around: _Around | None) -> None:
        self._shape, self._energy, self.around = shape, energy, around
        self._known: tuple[int, _Sums] | None = None

    def of(self, n: int) -> _Sums:
        """For weight set n."""
        if self._known is None or self._known[0] != n:
            self._known = (n, self._measure(n))
        return self._known[1]

    def _measure(self, n: int) -> _Sums:
        m, (h, w) = self.masks, self._shape
        mass: Any = m.w[n].sum()
        if self.around is not None:
            mass = np.maximum(self.around.sum(self.around.border.w[n])[0], 1e-30)
        if not m.normed and (self.around is None or not m.centred):
            return _Sums(mass, _NOTHING, _NOTHING)
        planes = self.tile.each(self._weights, n)[:, :h, :w]
        values, variation = planes[:-1], planes[-1]
        if self.around is not None:
            values = values.copy()
        if m.centred:
            squares = np.multiply(planes[:-1], planes[:-1], out=planes[:-1]).sum(0)
            squares /= mass
            variation = np.subtract(variation, squares, out=squares)
        floor = max(_DROWNED * self._energy, _TINY)
        flat = variation <= floor
        inverse = np.sqrt(np.maximum(variation, floor))
        np.divide(1, inverse, out=inverse)
        inverse[flat] = 0
        return _Sums(mass, values, inverse)


class _Border:
    """What is left of masks that reach over the image's edge: sums over any rectangle of them."""

    def __init__(self, m: _Masks, image: Pair) -> None:
        self.image, self.extent = image, m.extent
        self.w = _integral(m.w)
        self.V = _integral(m.V)
        self.VV = _integral((m.V * m.masks).sum(1))

    def around(self, corner: Pair, shape: Pair) -> _Around | None:
        """The tile's outputs at `corner`; None where all their windows lie inside."""
        edges = []
        for i, n, size, extent in zip(corner, shape, self.image, self.extent, strict=True):
            start = np.arange(i, i + n) - (extent - 1) // 2
            edges.append((np.maximum(-start, 0), np.minimum(size - start, extent)))
        (top, bottom), (left, right) = edges
        whole = (bottom - top == self.extent[0]).all() and (right - left == self.extent[1]).all()
        return None if whole else _Around(self, top, bottom, left, right)


@dataclass
class _Around:
    """For each output of a tile, the rectangle of the mask that lies inside the image."""

    border: _Border
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


def _energy(tile: Tile) -> float:
    """Σ x² over the pixels of a tile; NaN or infinite where one of them is."""
    tile.load(0)
    if len(tile.plan.offsets) > 1:  # the patch holds only a part
        return float(np.einsum("ijc,ijc->", tile.pixels, tile.pixels, dtype=np.float64))
    energy = tile.patch[-1].sum()
    if tile.level is not None:
        energy += math.prod(tile.pixels.shape[:2]) * (tile.level**2).sum()
    return float(energy)


def _meets(holes: Array, at: Pair, w: Array, shape: Pair) -> Array:
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

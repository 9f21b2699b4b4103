"""Weighted, normalised scores of masks, tile by tile.

With weights w of sum W, image x and mask V, all sums over the window (and channels c where it says
so):

    V' = V - Σ w V / W           numerator = Σ_c w V' x
    energy  Q = Σ_c w x²         sums S_c = Σ w x_c
    h = numerator / sqrt(Σ_c w V'² · (Q - Σ_c S_c² / W))

What happens to a tile, in the order of this file:

1. `score_masks` prepares the masks once (`prepare`: weights applied, mean removed, norm 1) and cuts the
   outputs into tiles, which `_run` spreads over threads.
2. Each thread has `_Buffers`. For the pixels of a tile, `over` returns a `_TileScores`: the tile's level
   (its mean colour, roughly) is taken out, and the energy of the whole tile is known.
3. `_TileScores.score` takes the numerator of one mask from the frequency domain (`overlap_save`) and
   divides it by what `_measure` found for the windows (`_WindowStatistics`).

Precision: sums are float64. Taking out the tile's level first keeps the digits that would cancel in
`Q - Σ S² / W`. The numerator is float32 in those tiles where no window is so flat that its rounding
would be visible in a score.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from waldo_cli.arrays import Array, Floats
from waldo_cli.correlate import overlap_save
from waldo_cli.correlate.overlap_save import BLOCK, KernelSpectra, Tile, Tiling, plan_tiles
from waldo_cli.correlate.windows import (
    BoxSums,
    MaskSums,
    PreparedMasks,
    WindowsAtEdge,
    windows_with_invalid,
)
from waldo_cli.geometry import Pair
from waldo_cli.parallel import spread_workers, thread_count

#: By name: whether means are removed, and whether the score is divided by the norms of mask and window.
#: These are all four combinations; a score of another kind needs more than a name here.
SCORES = {
    "ncc": (True, True),
    "cosine": (False, True),
    "zero-mean": (True, False),
    "raw": (False, False),
}

# A window at the image's edge scores 0 where less than this share of the mask's weight lies inside.
MIN_SHARE_INSIDE = 0.25

# A mask counts as one colour where its variation is below this share of its magnitude: float32 rounding
# of a constant is 6e-8 of it, one step of 16 bits 1.5e-5.
ONE_COLOUR = 1e-6
# A window counts as flat where its variation is no more than rounding may have left: of float32 pixels as
# bright as the tile's level, and of float64 sums over the tile. Both are relative to sums of squares.
FLOAT32_NOISE = 1e-14
FLOAT64_NOISE = 1e-13
TINY = 1e-200
# Error of a float32 transform, as a share of the root mean square of what goes in and comes out (measured).
_ROUNDING = 1.2e-7
# Largest error of a score that a float32 numerator may cause.
_SCORE_ERROR = 3e-6
# Energies between which float32 neither overflows nor loses digits in sums and products of a tile.
_SAFE_RANGE = (1e-25, 1e25)

_NOTHING = np.empty(0)


def score_masks(image: Floats, masks: Floats, w: Floats, score: str, partial: bool) -> Floats:
    """Scores of masks `(A, B, C, K)` with weights `(A, B, 1 or K)`, `(H', W', K)`.

    `partial`: output of the image's size, windows compared where they lie inside.
    """
    A, B, C, K = masks.shape
    H, W = image.shape[:2]
    outputs = (H, W) if partial else (H - A + 1, W - B + 1)
    out = np.empty((*outputs, K), np.float32)
    tiling, _ = plan_tiles(outputs, (A, B), C, K, 8)
    shared = w.shape[2] == 1
    count = max(1, tiling.kernels_at_a_time(C if shared else C + 1))
    for k in range(0, K, count):
        m = prepare(masks[..., k : k + count], w if shared else w[..., k : k + count], score)
        _run(image, m, tiling, out[:, :, k : k + count], partial)
    return out


def score_floats(outputs: Pair, masks: tuple[int, ...]) -> int:
    """Most float32 numbers that `score_masks` holds at once beside image and output, on all threads.

    Each number of a tile and of the masks is in float64 in most places, twice as large.
    """
    A, B, C, K = masks
    tiling, _ = plan_tiles(outputs, (A, B), C, K, 8)
    threads = min(tiling.threads(), thread_count())
    # Buffers of the frequency domain in both precisions, sums over boxes, and statistics of the windows.
    tile = math.prod(tiling.shape) * (10 * C + 40)
    block = min(K, BLOCK) * math.prod(tiling.step)
    # Masks as given, weighted, integrals of them; and spectra, of which a group fits into its memory.
    return threads * (tile + block) + 16 * (A + 1) * (B + 1) * (C + 1) * K + (1 << 26)


def score_seconds(outputs: Pair, masks: tuple[int, ...]) -> float:
    """Expected seconds on one core of `score_masks`."""
    A, B, _, _ = masks
    # Float64 in part, and sums over windows: about two and a half times a correlation in float32.
    return 2.5 * overlap_save.cost(outputs, masks, (A, B))


def prepare(masks: Array, w: Array, score: str) -> PreparedMasks:
    """What does not depend on the image: weighted masks, mean removed and norm 1 where the score wants it."""
    centred, normed = SCORES[score]
    v = masks.transpose(3, 2, 0, 1).astype(np.float64)
    u = w.transpose(2, 0, 1)[:, None].astype(np.float64)
    V = u * v
    energy = np.einsum("kcab,kcab->k", V, v)
    if centred:
        v -= V.sum((2, 3), keepdims=True) / u.sum((2, 3), keepdims=True)
        np.multiply(u, v, out=V)
    if normed:
        variation = np.einsum("kcab,kcab->k", V, v)
        # Division by infinity: a mask of one colour becomes 0, and so do its scores.
        variation[variation <= ONE_COLOUR**2 * energy] = np.inf
        V /= np.sqrt(variation)[:, None, None, None]
    return PreparedMasks(V, u, centred, normed)


def _run(image: Array, m: PreparedMasks, tiling: Tiling, out: Array, partial: bool) -> None:
    """Write the scores of the prepared masks to out `(H', W', K)`, tiles spread over threads."""
    A, B = m.extent
    H, W = image.shape[:2]
    # Rows and columns by which the first window begins before the image.
    before = ((A - 1) // 2, (B - 1) // 2) if partial else (0, 0)
    spectra = _SharedSpectra(m, tiling)
    by_adding = _sums_by_adding(m, tiling)
    # Make the precision that most tiles need now, the other one on demand.
    (spectra.single if by_adding and m.centred and not partial else spectra.double).fill()
    mask_sums = MaskSums(m, (H, W)) if partial else None

    def new_worker() -> Callable[[Pair], None]:
        buffers = _Buffers(m, tiling, spectra, by_adding)
        block = np.empty((min(len(m.V), BLOCK), *tiling.step), np.float32)

        def work(corner: Pair) -> None:
            i, j = corner
            target = out[i : i + tiling.step[0], j : j + tiling.step[1]]
            h, w = target.shape[:2]
            row, col = i - before[0], j - before[1]  # of the tile's first pixel, maybe outside
            top, left = max(row, 0), max(col, 0)
            pixels = image[top : row + h + A - 1, left : col + w + B - 1]
            at = (top - row, left - col)
            edge = mask_sums.at_edge(corner, (h, w)) if mask_sums else None
            invalid = None
            scores = buffers.over(pixels, at, (h, w), edge)
            if not scores.finite:
                # Score the tile with zeros in place of NaN and infinity; spoil the windows that hold one.
                invalid = np.isnan(pixels - pixels).any(2)
                pixels = np.where(invalid[:, :, None], np.float32(0), pixels)
                scores = buffers.over(pixels, at, (h, w), edge)
            if len(m.V) == 1:
                scores.score(0, target[:, :, 0])
            else:
                # Some masks at a time, and then their channels side by side: writing them one by one would
                # touch every cache line of the output for each mask.
                for k in range(0, len(m.V), BLOCK):
                    planes = block[: len(m.V) - k, :h, :w]
                    for n, plane in enumerate(planes):
                        scores.score(k + n, plane)
                    target[:, :, k : k + BLOCK] = planes.transpose(1, 2, 0)
            if invalid is not None:
                spoilt = windows_with_invalid(invalid, at, m.w, (h, w))
                target[np.broadcast_to(spoilt, target.shape)] = np.nan

        return work

    spread_workers(new_worker, tiling.corners(*out.shape[:2]), tiling.threads())


def _sums_by_adding(m: PreparedMasks, tiling: Tiling) -> bool:
    """True where sums over windows are quicker by adding pixels (`BoxSums`) than by transform.

    That needs one weight for the whole mask, and a mask that is not cut into pieces.
    """
    return m.normed and len(tiling.offsets) == 1 and bool((m.w == m.w[0, 0, 0, 0]).all())


class _SharedSpectra:
    """What the threads share: spectra of masks and weights, and a lock that lets one thread add at a time."""

    def __init__(self, m: PreparedMasks, tiling: Tiling) -> None:
        self.single = KernelSpectra(m.V, tiling, np.float32)
        self.double = KernelSpectra(m.V, tiling, np.float64)
        self.weights = KernelSpectra(m.w, tiling, np.float64)
        self.adding = threading.Lock()


@dataclass
class _WindowStatistics:
    """Of the windows of a tile, for one set of weights."""

    weight_sum: Any  # Σ w, a number or (h, w)
    values: Array  # Σ w x, (C, h, w), where they are needed
    inverse: Array  # 1 / sqrt(Σ w x'²), 0 where the window is flat
    single: bool = False  # a numerator of float32 is good enough for these


class _Buffers:
    """One thread's buffers, which its tiles use one after the other."""

    def __init__(
        self, m: PreparedMasks, tiling: Tiling, spectra: _SharedSpectra, by_adding: bool
    ) -> None:
        self.masks, self.spectra = m, spectra
        self.box_sums = BoxSums(m.extent, tiling) if by_adding else None
        self._tiling = tiling
        # By whether they are of float32: mostly one of the two is enough.
        self._tiles: dict[bool, Tile] = {}

    def tile(self, *, single: bool) -> Tile:
        """The buffers of the frequency domain, in float32 or float64, made when first needed."""
        if single not in self._tiles:
            dtype = np.float32 if single else np.float64
            self._tiles[single] = Tile(self._tiling, dtype, energy=self.box_sums is None)
        return self._tiles[single]

    def over(self, pixels: Array, at: Pair, shape: Pair, edge: WindowsAtEdge | None) -> _TileScores:
        """The scores over a tile; valid until the next call, which reuses the buffers.

        Parameters
        ----------
        pixels
            `(h, w, C)`, what the tile has of the image.
        at
            Rows and columns by which they are shifted inside the tile.
        shape
            Rows and columns of outputs.
        edge
            Which part of each window lies inside the image; None where all of them do.
        """
        return _TileScores(self, pixels, at, shape, edge)


class _TileScores:
    """Scores of any mask over one tile.

    Attributes
    ----------
    finite
        False where a pixel is NaN or infinite: then no score of the tile means anything.
    """

    def __init__(
        self, buffers: _Buffers, pixels: Array, at: Pair, shape: Pair, edge: WindowsAtEdge | None
    ) -> None:
        m = buffers.masks
        self._buffers, self._pixels, self._at = buffers, pixels, at
        self._shape, self._edge = shape, edge
        self._statistics: dict[int, _WindowStatistics] = {}
        self._loaded: set[bool] = set()  # precisions in which the tile holds these pixels
        self._level = np.zeros(m.V.shape[1], np.float32)
        if m.centred:  # any value near the mean works; sample every 8th pixel
            self._level = pixels[::8, ::8].mean((0, 1), dtype=np.float64).astype(np.float32)
        box_sums = buffers.box_sums
        if box_sums is None:
            tile = self._tile(single=False)
            tile.transform(0)
            self._energy = float(tile.squares.sum(0).sum())  # Σ x² over the tile, level removed
            self.finite = tile.finite()
        else:
            box_sums.set_pixels(pixels, at, self._level)
            self._energy = float(box_sums.planes[:, -1].sum(0).sum())
            self.finite = math.isfinite(self._energy)
        # Whether a float32 numerator is possible at all; `_measure` decides whether it is good enough.
        low, high = _SAFE_RANGE
        self._maybe_single = (
            box_sums is not None and m.centred and edge is None and low < self._energy < high
        )

    def _tile(self, *, single: bool) -> Tile:
        """The tile in float32 or float64, these pixels in it."""
        tile = self._buffers.tile(single=single)
        if single not in self._loaded:
            self._loaded.add(single)
            if self._buffers.box_sums is None:
                tile.set_pixels(self._pixels, self._at, self._level)
            else:  # they are there already, their level removed
                tile.set_pixels(self._buffers.box_sums.pixels)
        return tile

    def score(self, k: int, target: Array) -> None:
        """Write the scores of mask k over the tile."""
        m, edge, spectra = self._buffers.masks, self._edge, self._buffers.spectra
        h, w = target.shape
        n = k if len(m.w) > 1 and self._buffers.box_sums is None else 0
        windows = self._measured(n)
        bank = spectra.single if windows.single else spectra.double
        tile = self._tile(single=windows.single)
        numerator = tile.correlate(bank, k, range(m.V.shape[1]))[:h, :w]
        inside = _NOTHING  # Σ w V'² over the part of the mask that lies inside
        if edge is not None:
            if m.normed:
                inside = edge.sum(edge.masks.VV[k])
            # V' has mean 0 over the whole mask, and another mean over the part that lies inside: remove it.
            # (`values` is empty where the score removes no mean.)
            for values, integral in zip(windows.values, edge.masks.V[k], strict=False):
                part = edge.sum(integral)
                numerator -= values * part / windows.weight_sum
                if m.normed:
                    inside -= part * part / windows.weight_sum
        if m.normed:
            numerator *= windows.inverse
            if edge is not None:
                least = ONE_COLOUR**2
                numerator *= np.where(inside > least, 1 / np.sqrt(np.maximum(inside, least)), 0)
            np.clip(numerator, -1, 1, out=target)
        else:
            target[...] = numerator
        if edge is not None:
            target[windows.weight_sum < MIN_SHARE_INSIDE * m.w[n].sum()] = 0

    def _measured(self, n: int) -> _WindowStatistics:
        """Statistics for weight set n; only the last set is cached."""
        if n not in self._statistics:
            self._statistics = {n: self._measure(n)}
        return self._statistics[n]

    def _measure(self, n: int) -> _WindowStatistics:
        m, edge, spectra = self._buffers.masks, self._edge, self._buffers.spectra
        weight_sum: Any = m.w[n].sum()
        if edge is not None:
            weight_sum = np.maximum(edge.sum(edge.masks.w[n])[0], TINY)
        if not m.normed and (edge is None or not m.centred):
            return _WindowStatistics(weight_sum, _NOTHING, _NOTHING)
        C = m.V.shape[1]
        values = np.empty((C, *self._shape)) if edge is not None and m.centred else _NOTHING
        variation = np.empty(self._shape)  # Σ w x'²
        # `BoxSums` is hundreds of short numpy calls. Two threads doing that at once wait for Python's lock
        # longer than one thread takes for both, so they take turns: a thread that finds the lock taken does
        # its transform first.
        lock = spectra.adding if self._buffers.box_sums is not None else None
        if lock is not None and lock.locked():
            self._tile(single=self._maybe_single).transform(0)
        with lock or contextlib.nullcontext():
            for rows, sums in self._window_sums(n):
                if m.centred:
                    if edge is not None:
                        values[:, rows] = sums[:, :C].transpose(1, 0, 2)
                    mean_energy = np.einsum("rcj,rcj->rj", sums[:, :C], sums[:, :C])
                    mean_energy /= weight_sum if edge is None else weight_sum[rows]
                    np.subtract(sums[:, C], mean_energy, out=variation[rows])
                else:
                    variation[rows] = sums[:, C]
        inverse, single = self._inverse(variation, float(m.w[n].sum()))
        return _WindowStatistics(weight_sum, values, inverse, single)

    def _inverse(self, variation: Array, weight_sum: float) -> tuple[Array, bool]:
        """1 / sqrt(variation), 0 where a window is flat; and whether the numerator may be float32.

        `variation` is overwritten.
        """
        energy = self._energy
        level = float(np.square(self._level, dtype=float).sum())
        floor = FLOAT32_NOISE * weight_sum * level + FLOAT64_NOISE * energy
        flat = variation <= max(floor, TINY)
        typical = max(float(variation.sum(0).sum()) / flat.size, 0.0)
        np.copyto(variation, np.inf, where=flat)  # 1 / inf is 0
        single = False
        if self._maybe_single:
            noise = _ROUNDING * (math.sqrt(energy / flat.size) + math.sqrt(typical))
            single = noise < _SCORE_ERROR * math.sqrt(variation.min())
        inverse = variation.astype(np.float32 if single else np.float64, copy=False)
        np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
        return inverse, single

    def _window_sums(self, n: int) -> Iterator[tuple[slice, Array]]:
        """Σ w over windows of each channel and of their energy, `(rows, C + 1, w)`, by rows of outputs."""
        h, w = self._shape
        m = self._buffers.masks
        if self._buffers.box_sums is not None:
            for rows, sums in self._buffers.box_sums.sums(h):
                if m.w[n, 0, 0, 0] != 1:
                    sums *= m.w[n, 0, 0, 0]
                yield rows, sums[:, :, :w]
            return
        planes = np.empty((h, m.V.shape[1] + 1, w))
        weights = self._buffers.spectra.weights
        for c in range(planes.shape[1]):
            planes[:, c] = self._tile(single=False).correlate(weights, n, [c])[:h, :w]
        yield slice(0, h), planes

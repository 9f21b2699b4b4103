"""Correlation by overlap-save tiles in the frequency domain.

The image is cut into overlapping tiles that are small enough for the cache; `plan_tiles` finds the cheapest
size. Each tile is transformed once (`Tile`). For every kernel, its spectrum is multiplied with the kernel's
conjugated spectrum (`KernelSpectra`), summed over channels and transformed back. Kernels that are too large
for a tile are cut into pieces, whose products are summed like those of channels.

`numpy.fft` is as fast as `scipy.fft` here, and takes 0.3 s less to import. With `norm="ortho"` it
computes in the precision of its input; with the default norm it would compute float32 in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from waldo_cli.arrays import Array
from waldo_cli.correlate import gemm
from waldo_cli.geometry import Pair
from waldo_cli.parallel import spread, spread_workers

# Memory for spectra of kernels. More kernels than fit are processed in groups.
_SPECTRA_BYTES = 1 << 26
# Memory for the buffers of all threads. A tile takes at most half of it, so that two cores have one each.
_BUFFER_BYTES = 6 << 24
# The cost model of `plan_tiles`; its unit is what one pixel of a transform costs in the cache. A tile has a
# fixed cost, and its pixels cost more once a thread's buffers hold more numbers than the cache: by the power
# _MISS of the ratio. All measured, in float32 and float64.
_PER_TILE = 1e5
_CACHED = 3 << 19
_MISS = 0.25
# Kernels whose outputs are written together: in an output of many channels they are neighbours in memory.
BLOCK = 16

# Sides of tiles: even products of 2, 3 and 5, for which transforms are fast. Not multiples of 256: their
# columns would all compete for the same cache lines.
_SIDES = np.array(
    sorted(
        n
        for a in range(1, 12)
        for b in range(7)
        for c in range(5)
        if 16 <= (n := 2**a * 3**b * 5**c) <= 4096 and n % 256
    )
)


@dataclass(frozen=True)
class Tiling:
    """How outputs are cut into tiles: all lengths as (rows, cols)."""

    shape: Pair  # of a tile
    piece: Pair  # of the kernel that one tile takes
    pieces: Pair  # how many of them
    step: Pair  # outputs of a tile
    channels: int  # of the image
    itemsize: int

    @property
    def spectrum(self) -> Pair:
        return self.shape[0], self.shape[1] // 2 + 1

    @property
    def offsets(self) -> list[Pair]:
        """Where each piece starts in the kernel."""
        return [
            (a * self.piece[0], b * self.piece[1])
            for a in range(self.pieces[0])
            for b in range(self.pieces[1])
        ]

    def corners(self, rows: int, cols: int) -> list[Pair]:
        """First output of each tile."""
        return [(i, j) for i in range(0, rows, self.step[0]) for j in range(0, cols, self.step[1])]

    def threads(self) -> int:
        one = int(_buffer_bytes(math.prod(self.shape), self.channels, self.itemsize))
        return max(1, _BUFFER_BYTES // one)

    def kernels_at_a_time(self, planes: int) -> int:
        """How many kernels of so many planes have spectra that fit into memory; 0 for not even one."""
        one = 2 * self.itemsize * math.prod(self.spectrum) * planes * math.prod(self.pieces)
        return int(_SPECTRA_BYTES // one)


def _buffer_bytes(area: Any, channels: int, itemsize: int) -> Any:
    """Of one thread: spectra of the channels and their energy, and five planes for the steps in between."""
    return area * itemsize * (channels + 6)


def plan_tiles(
    outputs: Pair, extent: Pair, channels: int, kernels: int, itemsize: int
) -> tuple[Tiling, float]:
    """The cheapest tiling and its cost, in the unit of the cost model above."""
    # The largest side of a tile that leaves room for two of them.
    side = max(16, math.isqrt(_BUFFER_BYTES // 2 // _buffer_bytes(1, channels, itemsize)))
    piece = tuple(min(n, max(1, side // 2)) for n in extent)
    image = [n + k - 1 for n, k in zip(outputs, extent, strict=True)]
    if max(image) <= _SIDES[-1] and math.prod(map(_one_tile, image)) <= side * side:
        piece = extent  # one tile takes all of the image
    pieces = tuple(-(-n // p) for n, p in zip(extent, piece, strict=True))
    piece = tuple(-(-n // p) for n, p in zip(extent, pieces, strict=True))
    (rows, tall), (cols, wide) = (_choices(n, p, side) for n, p in zip(outputs, piece, strict=True))
    area = np.multiply.outer(tall, wide)
    tiles = np.multiply.outer(rows, cols)
    tiles += tiles % 2  # with two cores, the last tile of an odd number leaves one idle
    excess = np.maximum(_buffer_bytes(area, channels, 1) / _CACHED, 1.0)
    # Transforms: each tile's channels forward, a sum back for each kernel (0.2: the products before it), and
    # each kernel's channels forward once (0.7: most of their rows are empty).
    transforms = tiles * (channels + kernels * (1 + 0.2 * channels)) + 0.7 * kernels * channels
    work = transforms * (area * np.log2(area) * excess**_MISS + _PER_TILE)
    r, c = np.unravel_index(int(work.argmin()), work.shape)
    shape = (int(tall[r]), int(wide[c]))
    chosen = Tiling(
        shape,
        (piece[0], piece[1]),
        (pieces[0], pieces[1]),
        (shape[0] - piece[0] + 1, shape[1] - piece[1] + 1),
        channels,
        itemsize,
    )
    return chosen, float(work[r, c]) * math.prod(pieces)


def _one_tile(length: int) -> int:
    """Side of a tile that holds so many pixels, or the largest side there is."""
    return int(_SIDES[np.searchsorted(_SIDES, min(length, int(_SIDES[-1])))])


def _choices(outputs: int, piece: int, most: int) -> tuple[Array, Array]:
    """Number of tiles along an axis, and their side, for every side that can be used."""
    one_tile = _one_tile(outputs + piece - 1)
    low, high = np.searchsorted(_SIDES, (piece, min(max(most, 2 * piece), one_tile) + 1))
    sides = _SIDES[low:high]
    if not sides.size:
        sides = np.array([one_tile])
    return -(-outputs // (sides - piece + 1)), sides


class KernelSpectra:
    """Conjugated spectra of kernels `(K, planes, A, B)`; kept where memory has room for all of them."""

    def __init__(self, kernels: Array, tiling: Tiling, dtype: npt.DTypeLike) -> None:
        self.kernels, self.tiling = kernels, tiling
        self._dtype = np.dtype(dtype)
        self._keep = tiling.kernels_at_a_time(kernels.shape[1]) >= len(kernels)
        self._kept: dict[tuple[int, int], Array] = {}

    def fill(self) -> None:
        """Make all spectra that are kept, before the threads need them: no two make the same one."""

        def work(which: Pair) -> None:
            self.spectrum(*which)

        if self._keep:
            every = itertools.product(range(len(self.kernels)), range(len(self.tiling.offsets)))
            spread(work, every)

    def spectrum(self, k: int, p: int) -> Array:
        """Of kernel k, piece p: `(planes, rows, cols / 2 + 1)`."""
        spectrum = self._kept.get((k, p))
        if spectrum is None:
            a, b = self.tiling.offsets[p]
            piece = self.kernels[k, :, a : a + self.tiling.piece[0], b : b + self.tiling.piece[1]]
            rows, cols = self.tiling.shape
            across = np.fft.rfft(piece.astype(self._dtype, copy=False), cols, axis=2, norm="ortho")
            spectrum = np.fft.fft(across, rows, axis=1, norm="ortho")
            np.conj(spectrum, out=spectrum)
            # With orthonormal transforms (kernel, tile, back) the result would be too small by this factor.
            spectrum *= np.sqrt(rows * cols, dtype=self._dtype)
            if self._keep:
                self._kept[k, p] = spectrum
        return spectrum


class Tile:
    """One thread's buffers: the spectra of a tile's planes, and buffers for the steps in between.

    Planes are the image's channels and, where `energy` is asked for, the sum of their squares. Each plane
    goes through all steps before the next one starts, so that it is still in the cache.
    """

    def __init__(self, tiling: Tiling, dtype: npt.DTypeLike, *, energy: bool = False) -> None:
        self.tiling = tiling
        self._energy = energy
        spectrum = np.result_type(dtype, np.complex64)
        self._spectra: Array = np.empty((tiling.channels + energy, *tiling.spectrum), spectrum)
        self._sum: Array = np.empty(tiling.spectrum, spectrum)
        self._product: Array = np.empty(tiling.spectrum, spectrum)
        self._plane: Array = np.zeros(tiling.shape, dtype)
        self.squares: Array = np.zeros(tiling.shape if energy else (0, 0), dtype)
        self._back: Array = np.empty(tiling.shape, dtype)

    def set_pixels(self, pixels: Array, at: Pair = (0, 0), level: Array | None = None) -> None:
        """Put pixels `(h, w, C)` minus `level` into the tile, shifted by `at`; zeros around them."""
        self.pixels, self._at, self._loaded = pixels, at, -1
        self._level = None if level is None else level.astype(self._plane.dtype)

    def planes(self, p: int) -> Iterator[Array]:
        """Each plane as piece p of the kernels needs it; the buffer is reused for the next one."""
        inner, pixels = self._windows(p)
        for c in range(self.tiling.channels):
            if self._level is None:
                np.copyto(inner, pixels[:, :, c])
            else:
                np.subtract(pixels[:, :, c], self._level[c], out=inner)
            if self._energy and c == 0:
                np.multiply(self._plane, self._plane, out=self.squares)
            elif self._energy:
                self.squares += np.multiply(self._plane, self._plane, out=self._back)
            yield self._plane
        if self._energy:
            yield self.squares

    def transform(self, p: int) -> Array:
        """Spectra of the planes, `(planes, rows, cols / 2 + 1)`."""
        if self._loaded != p:
            self._loaded = p
            for plane, out in zip(self.planes(p), self._spectra, strict=False):
                np.fft.rfft(plane, axis=1, norm="ortho", out=out)
                np.fft.fft(out, axis=0, norm="ortho", out=out)
        return self._spectra

    def _windows(self, p: int) -> tuple[Array, Array]:
        """The part of the plane that piece p of the kernels takes, cleared around, and of the pixels."""
        targets, sources = [], []
        for start, offset, size, there in zip(
            self.tiling.offsets[p], self._at, self.tiling.shape, self.pixels.shape, strict=False
        ):
            first = min(max(offset - start, 0), size)
            last = min(max(offset - start + there, first), size)
            targets.append(slice(first, last))
            sources.append(slice(start + first - offset, start + last - offset))
        rows, cols = targets
        self._plane[: rows.start] = 0
        self._plane[rows.stop :] = 0
        self._plane[rows, : cols.start] = 0
        self._plane[rows, cols.stop :] = 0
        return self._plane[rows, cols], self.pixels[sources[0], sources[1]]

    def correlate(self, kernels: KernelSpectra, k: int, planes: Sequence[int]) -> Array:
        """Sum over the named planes, each correlated with its plane of kernel k.

        `(rows, cols)` of the tiling's step; valid until the next call.
        """
        started = False
        for p in range(len(self.tiling.offsets)):
            spectra, kernel = self.transform(p), kernels.spectrum(k, p)
            for plane, other in zip(planes, kernel, strict=True):
                if started:
                    self._sum += np.multiply(spectra[plane], other, out=self._product)
                else:
                    np.multiply(spectra[plane], other, out=self._sum)
                started = True
        rows, cols = self.tiling.step
        back = self._back[:rows]
        np.fft.ifft(self._sum, axis=0, norm="ortho", out=self._sum)
        np.fft.irfft(self._sum[:rows], self.tiling.shape[1], axis=1, norm="ortho", out=back)
        return back[:, :cols]

    def finite(self) -> bool:
        """True if all pixels are finite. The zero frequency is their sum, so checking it is enough."""
        if len(self.tiling.offsets) > 1:  # the planes hold only a part of the pixels
            return bool(np.isfinite(self.pixels).all())
        return bool(np.isfinite(self.transform(0)[:, 0, 0]).all())


def cost(outputs: Pair, kernel: tuple[int, ...], extent: Pair) -> float:
    """Expected seconds on one core."""
    _, _, C, K = kernel
    _, work = plan_tiles(outputs, extent, C, K, 4)
    return 1.8e-10 * work + 3e-4


def correlate(
    x: Array, V: Array, out: Array, stride: Pair, dilation: Pair, bias: Array | None = None
) -> None:
    """Write the correlation of x `(H, W, C)` with V `(A, B, C, K)` to out `(H', W', K)`."""
    A, B, C = V.shape[:3]
    extent = (dilation[0] * (A - 1) + 1, dilation[1] * (B - 1) + 1)
    outputs = (x.shape[0] - extent[0] + 1, x.shape[1] - extent[1] + 1)  # before stride
    tiling, _ = plan_tiles(outputs, extent, C, V.shape[3], x.itemsize)
    for k, kernels in _groups(V, tiling.kernels_at_a_time(C)):
        dilated = np.zeros((kernels.shape[3], C, *extent), x.dtype)
        dilated[:, :, :: dilation[0], :: dilation[1]] = kernels.transpose(3, 2, 0, 1)
        spectra = KernelSpectra(dilated, tiling, x.dtype)
        spectra.fill()
        target = out[:, :, k : k + kernels.shape[3]]
        new_worker = _worker(x, kernels, spectra, target, outputs, stride, dilation)
        spread_workers(new_worker, tiling.corners(*outputs), tiling.threads())
        if bias is not None:
            for row in target:
                row += bias[k : k + kernels.shape[3]]


def _groups(V: Array, most: int) -> Iterator[tuple[int, Array]]:
    """Kernels in groups of at most `most` (at least one), each with the number of its first kernel."""
    for k in range(0, V.shape[3], max(1, most)):
        yield k, V[:, :, :, k : k + max(1, most)]


def _worker(
    x: Array,
    V: Array,
    spectra: KernelSpectra,
    out: Array,
    outputs: Pair,
    stride: Pair,
    dilation: Pair,
) -> Callable[[], Callable[[Pair], None]]:
    """Makes workers that write one tile of outputs each; a tile is named by its first output."""
    tiling, (C, K) = spectra.tiling, V.shape[2:]

    def new_worker() -> Callable[[Pair], None]:
        tile = Tile(tiling, x.dtype)
        block = np.empty((min(K, BLOCK), *tiling.step), x.dtype)

        def work(corner: Pair) -> None:
            i, j = corner
            h, w = min(tiling.step[0], outputs[0] - i), min(tiling.step[1], outputs[1] - j)
            # The transform computes every output. With a stride only some are kept: the first of this tile is
            # (a, b), and it is row y, column z of the result.
            a, b = -i % stride[0], -j % stride[1]
            if a >= h or b >= w:
                return
            rows, cols = -((a - h) // stride[0]), -((b - w) // stride[1])
            y, z = (i + a) // stride[0], (j + b) // stride[1]
            target = out[y : y + rows, z : z + cols]
            reach = (spectra.kernels.shape[2] - 1, spectra.kernels.shape[3] - 1)
            pixels = x[i : i + h + reach[0], j : j + w + reach[1]]
            tile.set_pixels(pixels)
            if not tile.finite():
                # A transform would spread a NaN or an infinity over the whole tile.
                gemm.correlate(pixels[None, a:, b:], V, target[None], stride, dilation)
                return
            for k in range(0, K, BLOCK):
                count = min(BLOCK, K - k)
                for n in range(count):
                    block[n, :h, :w] = tile.correlate(spectra, k + n, range(C))[:h, :w]
                kept = block[:count, a : h : stride[0], b : w : stride[1]]
                target[:, :, k : k + count] = kept.transpose(1, 2, 0)

        return work

    return new_worker

"""Correlation with small square kernels by minimal filtering (Winograd): fewer multiplications.

A tile of 6 x 6 pixels gives 4 x 4 outputs of a 3 x 3 kernel, or 2 x 2 of a 5 x 5 one, in three steps:

1. Tile and kernel are taken for polynomials in two variables and evaluated at 6 x 6 points.
2. At each point their values are multiplied and summed over channels: 36 products instead of 144.
3. The 36 sums are turned back into outputs.

Every step is a matrix product: in steps 1 and 3 the fixed matrices of the points times many tiles at once, in
step 2, at each point, tiles x channels times channels x kernels.

References
----------
Winograd, "Arithmetic Complexity of Computations", 1980; Lavin, Gray, "Fast Algorithms for Convolutional
Neural Networks", CVPR 2016; Barabasz, Anderson, Soodhalter, Gregg, "Error Analysis and Improving the
Accuracy of Winograd Convolution for Deep Neural Networks", ACM TOMS 2020 (the choice of points).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from waldo_cli.arrays import Array
from waldo_cli.correlate import gemm
from waldo_cli.correlate.gemm import SLICE, Product, products
from waldo_cli.geometry import Pair
from waldo_cli.parallel import scratch, spread_workers

# Tiles that are transformed together, `(6, 6, images, rows, cols)`, all channels of a pixel as one element;
# and the outputs that they give.
_Band: TypeAlias = tuple[Array, Array]

# Sides of kernels that this is for.
SIDES = (3, 5)
# With fewer channels or kernels, steps 1 and 3 cost more than step 2 saves.
_FEWEST = 16
# Side of a tile, and the points at which polynomials are evaluated; the sixth is infinity. Of the sets that
# were tried, these leave the smallest error: 1.5e-6 of the largest output with 96 channels, where the usual
# 0, ±1, ±2 leave 8e-6.
_SIDE = 6
_POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
# Bytes of each of the two buffers of a thread: shares of a usual L2 cache.
_BUFFER_BYTES = 3 << 19


def _vandermonde(columns: int) -> Array:
    """Powers 0, 1, ... of each point, as rows; at infinity only the highest power counts."""
    powers = np.vander(_POINTS, columns, increasing=True)
    return np.vstack([powers, np.eye(columns)[-1:]])


# Multiplying polynomials is a convolution; its transpose is the correlation that is wanted. Transposed, the
# inverse of the evaluation becomes step 1, and the evaluation of a factor becomes step 3. Rows of step 1 are
# scaled so that their absolute values sum to 1, and the kernel's rows by the inverse: then no point has much
# larger values, and so larger errors, than another.
_TO_POINTS = np.linalg.inv(_vandermonde(_SIDE)).T
_ROW_SUMS = np.abs(_TO_POINTS).sum(axis=1, keepdims=True)
_TO_POINTS = (_TO_POINTS / _ROW_SUMS).astype(np.float32)
_OF_KERNEL = {side: (_vandermonde(side) * _ROW_SUMS).astype(np.float32) for side in SIDES}
_FROM_POINTS = {side: _vandermonde(_SIDE + 1 - side).T.astype(np.float32) for side in SIDES}


def cost(
    outputs: tuple[int, int, int], kernel: tuple[int, ...], stride: Pair, dilation: Pair
) -> float:
    """Expected seconds on one core for outputs (images, rows, cols); infinite where it does not apply."""
    A, B, C, K = kernel
    if A != B or A not in SIDES or stride != (1, 1) or min(C, K) < _FEWEST:
        return float("inf")
    points, made = _SIDE**2, _SIDE + 1 - A
    tiles = outputs[0]
    for n, d in zip(outputs[1:], dilation, strict=True):
        tiles *= d * -(-n // (d * made))
    return points * (tiles * (C * K * 1.2e-11 + (C + K) * 6.5e-10) + C * K * 1e-9)


def correlate(x: Array, V: Array, out: Array, dilation: Pair, bias: Array | None = None) -> None:
    """Write the correlation of x `(N, H, W, C)` with V `(A, A, C, K)` to out `(N, H', W', K)`."""
    side, _, C, K = V.shape
    made, points = _SIDE + 1 - side, _SIDE**2
    half: Array = np.empty((_SIDE, side * C * K), np.float32)
    kernels: Array = np.empty((_SIDE, _SIDE, C * K), np.float32)
    for product in _both_ways(_OF_KERNEL[side], V.reshape(side, -1), half, kernels):
        np.matmul(*product)
    kernels = kernels.reshape(points, C, K)
    offset = np.float32(0) if bias is None else bias
    most = max(1, _BUFFER_BYTES // (points * max(C, K) * x.itemsize))

    def new_worker() -> Callable[[_Band], None]:
        # Each product reads one buffer and writes the other.
        this, other = scratch(*[points * most * max(C, K)] * 2)

        @lru_cache  # all bands but the last ones have one size
        def products_for(tiles: int) -> tuple[Array, list[Product], Array]:
            """Where to put the tiles, all products that follow, and where these leave the outputs."""
            first = this[: points * tiles * C].reshape(_SIDE, -1)
            at_points = first.reshape(_SIDE, _SIDE, -1)
            steps = _both_ways(_TO_POINTS, first, other[: first.size].reshape(_SIDE, -1), at_points)
            summed = other[: points * tiles * K].reshape(points, -1, K)
            steps += _at_points(at_points.reshape(points, -1, C), kernels, summed)
            half = this[: made * _SIDE * tiles * K].reshape(made, -1)
            found = other[: made**2 * tiles * K].reshape(made, made, -1)
            steps += _both_ways(_FROM_POINTS[side], summed.reshape(_SIDE, -1), half, found)
            return first, steps, found

        def work(band: _Band) -> None:
            windows, target = band
            deep, high, wide = windows.shape[2:]
            taken, steps, found = products_for(deep * high * wide)
            np.copyto(taken.view(windows.dtype).reshape(windows.shape), windows)
            for left, right, into in steps:
                np.matmul(left, right, into)
            laid = found.reshape(made, made, deep, high, wide, K).transpose(2, 3, 0, 4, 1, 5)
            if target.shape[1:3] == (high * made, wide * made):
                np.add(laid, offset, out=target.reshape(laid.shape))
            else:  # the last tiles reach beyond the outputs: compute all, keep what lies inside
                whole = this[: found.size].reshape(laid.shape)
                np.add(laid, offset, out=whole)
                rows, cols = target.shape[1:3]
                target[...] = whole.reshape(deep, high * made, wide * made, K)[:, :rows, :cols]

        return work

    spread_workers(
        new_worker, _bands(_whole_tiles(x, out.shape, side, dilation), out, made, dilation, most)
    )
    with np.errstate(invalid="ignore", over="ignore"):
        finite = bool(np.isfinite(out.sum()))
    if not finite:  # one NaN or infinity has spoilt a whole tile: compute it the other way
        gemm.correlate(x, V, out, (1, 1), dilation, bias)


def _whole_tiles(x: Array, outputs: tuple[int, ...], side: int, dilation: Pair) -> Array:
    """The images with zeros added below and to the right, so that the last tiles are whole."""
    made = _SIDE + 1 - side
    rows, cols = (
        d * (made * -(-n // (d * made)) + side - 1)
        for n, d in zip(outputs[1:3], dilation, strict=True)
    )
    N, H, W, C = x.shape
    if (rows, cols) == (H, W) and x.strides[-1] == x.itemsize:
        return x
    padded = np.empty((N, max(rows, H), max(cols, W), C), x.dtype)
    padded[:, :H, :W] = x
    padded[:, H:] = 0
    padded[:, :H, W:] = 0
    return padded


def _bands(x: Array, out: Array, made: int, dilation: Pair, most: int) -> list[_Band]:
    """The tiles in groups of at most `most`."""
    bands = []
    # With dilation d, every d-th pixel forms an image of its own for a kernel without dilation: d x d images.
    for p, q in itertools.product(*map(range, dilation)):
        pixels, target = (a[:, p :: dilation[0], q :: dilation[1]] for a in (x, out))
        images, rows, cols = (
            -(-n // s) for n, s in zip(target.shape, (1, made, made), strict=False)
        )
        windows = _windows(pixels, made, (images, rows, cols))
        wide = _even(cols, most)
        high = _even(rows, most // wide)
        deep = _even(images, max(1, most // (rows * cols)))
        for n, i, j in itertools.product(
            range(0, images, deep), range(0, rows, high), range(0, cols, wide)
        ):
            group = windows[:, :, n : n + deep, i : i + high, j : j + wide]
            up, down, left, right = (made * k for k in (i, i + high, j, j + wide))
            bands.append((group, target[n : n + deep, up:down, left:right]))
    return bands


def _even(length: int, most: int) -> int:
    """The size of parts of at most `most`: as few parts as possible, all but the last equal."""
    return -(-length // -(-length // most))


def _windows(pixels: Array, made: int, tiles: tuple[int, int, int]) -> Array:
    """A view of the tiles, `(6, 6, deep, high, wide)`, all channels of a pixel as one element."""
    whole = pixels.view(np.dtype((np.void, pixels.shape[3] * pixels.itemsize)))[..., 0]
    image, down, right = whole.strides
    strides = (down, right, image, made * down, made * right)
    return np.lib.stride_tricks.as_strided(whole, (_SIDE, _SIDE, *tiles), strides)


def _both_ways(matrix: Array, source: Array, half: Array, out: Array) -> list[Product]:
    """Products that apply a matrix (m, n) to rows and columns of (n, n, ...): to half (m, n, ...), to out."""
    m, n = matrix.shape
    return [*products(matrix, source, half), *products(matrix, half.reshape(m, n, -1), out)]


def _at_points(pixels: Array, kernels: Array, out: Array) -> list[Product]:
    """Products that write (points, tiles, C) @ (points, C, K) to out, each small enough for one thread."""
    _, tiles, C = pixels.shape
    K = kernels.shape[2]
    wide = min(K, max(16, SLICE // (48 * C)))
    count = max(1, SLICE // (C * wide))
    return [
        (
            pixels[:, t : t + count],
            kernels[:, :, k : k + wide],
            out[:, t : t + count, k : k + wide],
        )
        for k in range(0, K, wide)
        for t in range(0, tiles, count)
    ]

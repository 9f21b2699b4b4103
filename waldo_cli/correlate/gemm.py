"""Correlation as a matrix product: bands of windows (im2col) times the kernel matrix.

A band of windows is small enough for the cache, and the bands are spread over threads. Within a band the
product is cut into slices so small that BLAS computes each on the calling thread: the numbers do not depend
on the load of the machine, and BLAS's own threads do not compete with ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from waldo_cli.arrays import Array
from waldo_cli.parallel import scratch, spread_workers

# Left and right operand of a matrix product, and the array for its result.
Product: TypeAlias = tuple[Array, Array, Array]

# Bytes of windows gathered at a time: a share of a usual L2 cache, and enough work for one step in Python.
_BAND_BYTES = 3 << 19
# OpenBLAS computes products of up to this many multiply-adds on the calling thread.
SLICE = 500_000
# Columns of the kernel matrix for one product: its inner loops suit this number (measured).
_COLUMNS = 32
# Terms that one product sums at most; the rest is added by further products.
_MAX_TERMS = 600
# Multiply-adds below which starting a thread costs more than it saves.
_ONE_THREAD = 1 << 22


def cost(outputs: tuple[int, int, int], kernel: tuple[int, ...]) -> float:
    """Expected seconds on one core for outputs (images, rows, cols)."""
    A, B, C, K = kernel
    taps = A * B * C
    return math.prod(outputs) * (1e-8 + taps * (6e-11 + max(K, 6) * 1.35e-11))


def buffer_floats(outputs: int, taps: int, kernels: int) -> int:
    """How many numbers the buffers of one thread hold, for so many outputs of one image."""
    at_once = min(outputs, max(1, _BAND_BYTES // (taps * 4)))
    return at_once * (taps + 2 * kernels)


def correlate(
    x: Array,
    V: Array,
    out: Array,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    bias: Array | None = None,
) -> None:
    """Write the correlation of x `(N, H, W, C)` with V `(A, B, C, K)` to out `(N, H', W', K)`."""
    A, B, C, K = V.shape
    images, rows, cols = out.shape[:3]
    taps = A * B * C
    matrix = V.reshape(taps, K)
    blocks = [np.ascontiguousarray(matrix[:, k : k + _COLUMNS]) for k in range(0, K, _COLUMNS)]
    # A window is copied in runs of memory, each run as one element of `run_type`: whole rows of the window,
    # or single pixels where dilation leaves gaps between them.
    x = np.ascontiguousarray(x)
    image, down, right, _ = x.strides
    run = B * C if dilation[1] == 1 else C
    run_type = np.dtype((np.void, run * x.itemsize))
    windows: Array = np.ndarray(
        (images, rows, cols, A, B * C // run),
        run_type,
        x,
        strides=(
            *(image, down * stride[0], right * stride[1]),
            *(down * dilation[0], right * dilation[1]),
        ),
    )
    # A band is some rows of an image; or a part of a row, where a whole row is too large; or several images.
    room = max(1, _BAND_BYTES // (taps * x.itemsize))
    wide = min(cols, room)
    high = min(rows, max(1, room // wide))
    deep = min(images, max(1, room // (rows * cols)))
    as_it_is = (A, B, *stride) == (1, 1, 1, 1)  # every window is a pixel
    # The bias repeated for a whole row of outputs: adding K numbers at a time would take longer than the
    # product.
    offsets = None if bias is None else np.tile(bias, wide)

    def new_worker() -> Callable[[tuple[int, int, int]], None]:
        outputs = deep * high * wide
        gathered, product = scratch(0 if as_it_is else outputs * taps, outputs * K)

        def work(corner: tuple[int, int, int]) -> None:
            n, i, j = corner
            band = windows[n : n + deep, i : i + high, j : j + wide]
            d, h, w = band.shape[:3]
            if as_it_is:
                flat = x[n : n + d, i : i + h, j : j + w].reshape(d * h * w, taps)
            else:
                flat = gathered[: d * h * w * taps].reshape(d * h * w, taps)
                np.copyto(flat.view(run_type).reshape(band.shape), band)
            target = out[n : n + d, i : i + h, j : j + w]
            direct = target.flags.c_contiguous
            result = target if direct else product[: d * h * w * K].reshape(d, h, w, K)
            columns = result.reshape(d * h * w, K)
            for k, block in zip(range(0, K, _COLUMNS), blocks, strict=True):
                multiply(flat, block, columns[:, k : k + _COLUMNS])
            if offsets is not None:
                result.reshape(d * h, w * K)[...] += offsets[: w * K]
            if not direct:
                target[...] = result

        return work

    corners = [
        (n, i, j)
        for n in range(0, images, deep)
        for i in range(0, rows, high)
        for j in range(0, cols, wide)
    ]
    small = images * rows * cols * taps * K < _ONE_THREAD
    spread_workers(new_worker, corners, most=1 if small else None)


def multiply(left: Array, right: Array, out: Array) -> None:
    """Write left @ right to out on this thread alone."""
    k = left.shape[1]
    # BLAS packs all of `right` again for each slice. Where `right` is high, slices are low and packing costs
    # more than the product: so sum few terms at a time.
    terms = -(-k // -(-k // _MAX_TERMS))
    for product in products(left[:, :terms], right[..., :terms, :], out):
        np.matmul(*product)
    if terms < k:
        part = np.empty(out.shape, out.dtype)
        for first in range(terms, k, terms):
            group = slice(first, first + terms)
            for product in products(left[:, group], right[..., group, :], part):
                np.matmul(*product)
            out += part


def products(left: Array, right: Array, out: Array) -> list[Product]:
    """The products that together write left @ right to out, each small enough for one thread.

    Where right is wider than left is high, right and out may be stacks of matrices.
    """
    (m, k), n = left.shape, right.shape[-1]
    wide = min(SLICE // (m * k) // 16 * 16, n)
    if wide and m < n:
        # Parts of one size take one call of numpy, and at each call threads wait for Python's lock.
        count = -(-n // wide)
        if even := next((c for c in range(count, 2 * count) if n % c == 0), 0):
            wide = n // even
        whole = n // wide * wide
        first, second = (
            a[..., :whole].reshape(*a.shape[:-1], -1, wide).swapaxes(-2, -3) for a in (right, out)
        )
        rest = [(left, right[..., whole:], out[..., whole:])] if whole < n else []
        return [(left, first, second), *rest]
    # Micro-kernels of sgemm take 6, 12 or 24 rows at a time.
    fit = SLICE // (k * n)
    high = min(fit // 24 * 24 or fit // 12 * 12 or fit // 6 * 6 or max(fit, 1), m)
    whole = m // high * high
    rest = [(left[whole:], right, out[whole:])] if whole < m else []
    return [
        (left[:whole].reshape(-1, high, k), right, out[:whole].reshape(-1, high, n)),
        *rest,
    ]

"""Correlation of many small groups in one pass: shifted images times one kernel tap each, summed.

A matrix product for each group would gather every group's windows by themselves, with a call for each, and
its matrices would be very narrow. Here one step takes a tap of all kernels: the pixels that it meets, times
its number for each kernel. Bands of outputs stay in the cache and are spread over threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from waldo_cli.arrays import Array
from waldo_cli.geometry import Pair
from waldo_cli.parallel import spread_workers

# Outputs, of all kernels, that are summed at a time, and those in a row of them. They stay in the cache.
_BAND = 1 << 15
_ROW = 1 << 11


def cost(outputs: tuple[int, int, int], kernel: tuple[int, ...]) -> float:
    """Expected seconds on one core for outputs (images, rows, cols); `kernel` is (A, B, C / groups, K)."""
    A, B, per_group, K = kernel
    return math.prod(outputs) * K * (5e-10 + A * B * per_group * 3e-10) + 3e-5


def correlate(
    x: Array,
    V: Array,
    out: Array,
    stride: Pair,
    dilation: Pair,
    groups: int,
    bias: Array | None = None,
) -> None:
    """Write the correlation of x `(N, H, W, C)` with V `(A, B, C / groups, K)` to out `(N, H', W', K)`."""
    A, B, per_group, K = V.shape
    images, rows, cols, _ = out.shape
    wide = max(1, min(cols, _ROW // K))
    high = max(1, min(rows, _BAND // (wide * K)))
    taps = [(a, b, c) for c in range(per_group) for a in range(A) for b in range(B)]
    # The kernels' numbers for a row of outputs: long runs of memory that are multiplied one by one.
    numbers = {tap: np.tile(V[tap], (wide, 1)) for tap in taps}

    def new_worker() -> Callable[[tuple[int, int, int]], None]:
        product = np.empty((high, wide, K), x.dtype)
        total = np.empty((high, wide, K), x.dtype)

        def work(corner: tuple[int, int, int]) -> None:
            n, i, j = corner
            target = out[n, i : i + high, j : j + wide]
            h, w, _ = target.shape
            sums, part = total[:h, :w], product[:h, :w]
            sums[...] = 0 if bias is None else bias
            top, left = i * stride[0], j * stride[1]
            bottom = top + (h - 1) * stride[0] + (A - 1) * dilation[0] + 1
            right = left + (w - 1) * stride[1] + (B - 1) * dilation[1] + 1
            for c in range(per_group):
                # One channel of each group, for each of the group's kernels.
                pixels = x[n, top:bottom, left:right, c::per_group]
                if groups < K:
                    pixels = np.repeat(pixels, K // groups, axis=2)
                for a in range(A):
                    for b in range(B):
                        down, across = a * dilation[0], b * dilation[1]
                        met = pixels[
                            down : down + (h - 1) * stride[0] + 1 : stride[0],
                            across : across + (w - 1) * stride[1] + 1 : stride[1],
                        ]
                        np.multiply(met, numbers[a, b, c][:w], out=part)
                        sums += part
            target[...] = sums

        return work

    corners = [
        (n, i, j) for n in range(images) for i in range(0, rows, high) for j in range(0, cols, wide)
    ]
    spread_workers(new_worker, corners)

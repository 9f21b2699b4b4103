"""Correlation as a matrix product: bands of windows (im2col) times the kernel matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Bytes of windows gathered at a time: half of a common L2 cache.
_BAND_BYTES = 1 << 20


def cost(rows: int, cols: int, kernel: tuple[int, ...]) -> float:
    """Expected seconds for an output of rows x cols."""
    A, B, per_group, K = kernel
    taps = A * B * per_group
    return rows * cols * taps * (2.0e-10 + K * 2.0e-11)


def correlate(
    x: npt.NDArray[Any],
    V: npt.NDArray[Any],
    out: npt.NDArray[Any],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """Write the correlation of x `(H, W, C)` with V `(A, B, C, K)` to out `(H', W', K)`."""
    A, B, C, K = V.shape
    rows, cols = out.shape[:2]
    taps = A * B * C
    matrix = np.ascontiguousarray(V.reshape(taps, K), dtype=x.dtype)
    down, right, deep = x.strides
    windows = np.lib.stride_tricks.as_strided(
        x,
        (rows, cols, A, B, C),
        (down * stride[0], right * stride[1], down * dilation[0], right * dilation[1], deep),
        writeable=False,
    )
    # Bands are cut along rows, and along columns where one row alone would not fit.
    wide = max(1, min(cols, _BAND_BYTES // (taps * x.itemsize)))
    high = max(1, min(rows, _BAND_BYTES // (taps * x.itemsize * wide)))
    buffer = np.empty(high * wide * taps, x.dtype)
    for i in range(0, rows, high):
        for j in range(0, cols, wide):
            band = windows[i : i + high, j : j + wide]
            h, w = band.shape[:2]
            gathered = buffer[: h * w * taps].reshape(band.shape)
            np.copyto(gathered, band)
            out[i : i + h, j : j + w] = (gathered.reshape(h * w, taps) @ matrix).reshape(h, w, K)

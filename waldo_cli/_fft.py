"""Correlation by overlap-save tiles in the frequency domain.

The image is cut into overlapping tiles; each is transformed once, multiplied with the conjugate spectrum of
every kernel, summed over channels, and transformed back once per kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from waldo_cli import _gemm

# Spectra of kernels kept at a time; more kernels than fit here go in turns.
_SPECTRA_BYTES = 1 << 26


def cost(
    image: tuple[int, ...], kernel: tuple[int, ...], dilation: tuple[int, int], groups: int
) -> float:
    """Expected seconds, including the import of scipy.fft."""
    H, W, C = image
    A, B, _, K = kernel
    size = [_tile(dilation[0] * (A - 1) + 1, H), _tile(dilation[1] * (B - 1) + 1, W)]
    area = size[0] * size[1]
    step = (size[0] - dilation[0] * (A - 1)) * (size[1] - dilation[1] * (B - 1))
    tiles = max(1.0, H * W / step)
    transform = area * math.log2(area) * 4e-10
    return tiles * (transform * (C + K) + area * C // groups * K * 1e-9) + transform * C * K


def _tile(extent: int, size: int) -> int:
    """Side of a tile for kernels of this extent: outputs are most of it, and it fits the cache."""
    return min(max(128, 1 << (2 * extent - 1).bit_length()), max(size, extent))


def correlate(
    x: npt.NDArray[Any],
    V: npt.NDArray[Any],
    out: npt.NDArray[Any],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """Write the correlation of x `(H, W, C)` with V `(A, B, C, K)` to out `(H', W', K)`.

    The dtype of x, float32 or float64, is that of the transforms.
    """
    from scipy import fft  # 0.15 s to import, and small kernels never need it

    A, B, C, K = V.shape
    reach = (dilation[0] * (A - 1), dilation[1] * (B - 1))
    H, W = x.shape[:2]
    shape = tuple(
        fft.next_fast_len(_tile(r + 1, n), real=True) for r, n in zip(reach, (H, W), strict=True)
    )
    step = (shape[0] - reach[0], shape[1] - reach[1])
    spectrum_bytes = shape[0] * (shape[1] // 2 + 1) * 2 * x.itemsize * C
    share = max(1, _SPECTRA_BYTES // spectrum_bytes)
    for k in range(0, K, share):
        some = V[:, :, :, k : k + share]
        spread = np.zeros((some.shape[3], C, reach[0] + 1, reach[1] + 1), x.dtype)
        spread[:, :, :: dilation[0], :: dilation[1]] = some.transpose(3, 2, 0, 1)
        spectra = np.conj(fft.rfft2(spread, shape, workers=2))
        for i in range(0, H - reach[0], step[0]):
            for j in range(0, W - reach[1], step[1]):
                tile = x[i : i + shape[0], j : j + shape[1]]
                rows, cols = tile.shape[0] - reach[0], tile.shape[1] - reach[1]
                # Where stride skips outputs, the first of this tile that is kept.
                first = (-i % stride[0], -j % stride[1])
                if first[0] >= rows or first[1] >= cols:
                    continue
                here = out[
                    (i + first[0]) // stride[0] :, (j + first[1]) // stride[1] :, k : k + share
                ]
                here = here[
                    : -((first[0] - rows) // stride[0]), : -((first[1] - cols) // stride[1])
                ]
                transformed = fft.rfft2(tile.transpose(2, 0, 1), shape, workers=2)
                if not np.isfinite(transformed[:, 0, 0]).all():
                    # The sum of the tile: a NaN or infinity in it would spread over the whole tile.
                    _gemm.correlate(tile[first[0] :, first[1] :], some, here, stride, dilation)
                    continue
                h = fft.irfft2(np.einsum("cfg,kcfg->kfg", transformed, spectra), shape, workers=2)
                kept = h[:, first[0] : rows : stride[0], first[1] : cols : stride[1]]
                here[:] = kept.transpose(1, 2, 0)

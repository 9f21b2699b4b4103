"""Correlation and its scores as they are written, loop by loop, and arrays to try them on."""

from __future__ import annotations

import numpy as np


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def by_loops(x, V, stride=(1, 1), dilation=(1, 1)):
    """The formula as it is written, in float64."""
    x, V = np.asarray(x, np.float64), np.asarray(V, np.float64)
    (H, W, C), (A, B, _, K) = x.shape, V.shape
    rows = (H - dilation[0] * (A - 1) - 1) // stride[0] + 1
    cols = (W - dilation[1] * (B - 1) - 1) // stride[1] + 1
    h = np.zeros((rows, cols, K))
    for i, j in np.ndindex(rows, cols):
        for a, b, c in np.ndindex(A, B, C):
            pixel = x[stride[0] * i + dilation[0] * a, stride[1] * j + dilation[1] * b, c]
            h[i, j] += V[a, b, c] * pixel
    return h


def score_by_loops(x, V, w, score, partial=False):
    """Each window on its own, means and norms over the part of it that lies inside."""
    x, V, w = (np.asarray(v, np.float64) for v in (x, V, w))
    (H, W, _), (A, B, _, K) = x.shape, V.shape
    top, left = ((A - 1) // 2, (B - 1) // 2) if partial else (0, 0)
    h = np.zeros((H, W, K) if partial else (H - A + 1, W - B + 1, K))
    for i, j, k in np.ndindex(*h.shape):
        rows = slice(max(0, top - i), min(A, H + top - i))
        cols = slice(max(0, left - j), min(B, W + left - j))
        u = w[rows, cols, k % w.shape[2]][:, :, None]
        v = V[rows, cols, :, k]
        y = x[max(0, i - top) :, max(0, j - left) :][: v.shape[0], : v.shape[1]]
        if u.sum() < 0.25 * w[:, :, k % w.shape[2]].sum():
            continue
        if score in ("ncc", "zero-mean"):
            y = y - (u * y).sum((0, 1)) / u.sum()
            v = v - (u * v).sum((0, 1)) / u.sum()
        h[i, j, k] = (u * v * y).sum()
        if score in ("ncc", "cosine"):
            norm = np.sqrt((u * v * v).sum() * (u * y * y).sum())
            h[i, j, k] = h[i, j, k] / norm if norm > 1e-9 else 0
    return h


def assert_close(found, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    scale = max(float(np.abs(expected).max()), 1e-30)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=tolerance)

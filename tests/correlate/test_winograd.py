"""Minimal filtering gives what products of windows give, and is what large layers get."""

from __future__ import annotations

import numpy as np
import pytest
from loops import assert_close, random

from waldo_cli import cross_correlate
from waldo_cli.correlate import gemm, winograd


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize(
    ("shape", "channels", "dilation"),
    [
        ((1, 30, 41), (16, 16), (1, 1)),
        ((3, 17, 24), (20, 33), (1, 1)),  # many small images, and tiles that lie half outside
        ((1, 46, 39), (17, 18), (2, 4)),
        ((1, 33, 300), (16, 96), (1, 1)),  # several bands
        ((1, 12, 13), (150, 130), (1, 1)),  # products in several slices
    ],
)
def test_minimal_filtering_equals_the_products_of_windows(side, shape, channels, dilation):
    x = random(*shape, channels[0])
    V, bias = random(side, side, *channels, seed=1), random(channels[1], seed=2)
    rows, cols = (n - d * (side - 1) for n, d in zip(shape[1:], dilation, strict=True))
    found, expected = np.empty((2, shape[0], rows, cols, channels[1]), np.float32)
    winograd.correlate(x, V, found, dilation, bias)
    gemm.correlate(x, V, expected, (1, 1), dilation, bias)
    assert_close(found, expected, 3e-6)
    x[0, 7, 9, 3], x[-1, 2, 3, 0] = np.nan, np.inf
    winograd.correlate(x, V, found, dilation, bias)
    gemm.correlate(x, V, expected, (1, 1), dilation, bias)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))


def test_minimal_filtering_is_what_layers_of_many_channels_get(monkeypatch):
    used = []
    monkeypatch.setattr(winograd, "correlate", lambda *a: used.append(a) or a[2].fill(0))
    for side, channels, stride in ((3, 32, 1), (5, 64, 1), (3, 8, 1), (4, 32, 1), (3, 32, 2)):
        before = len(used)
        cross_correlate(random(99, 99, channels), random(side, side, channels, 64), stride=stride)
        assert (len(used) > before) == ((side, channels, stride) in [(3, 32, 1), (5, 64, 1)])

"""Windows at the image's edge, of which a part lies outside."""

from __future__ import annotations

import numpy as np
import pytest
from loops import picture

from waldo_cli import normalized_cross_correlate


@pytest.mark.parametrize("corner", [(0, 0), (0, 70), (50, 0), (50, 70)])
def test_partial_finds_a_mask_cut_by_the_edge(corner):
    x = picture(60, 80, 3)
    V = picture(16, 14, 3, seed=1)
    i, j = corner
    # The centre of the mask, its row 7 and column 6, comes to lie near the corner.
    rows = slice(max(0, i - 2), min(60, i + 14)) if i else slice(0, 10)
    cols = slice(max(0, j - 2), min(80, j + 12)) if j else slice(0, 9)
    height, width = rows.stop - rows.start, cols.stop - cols.start
    a, b = (16 - height if i == 0 else 0), (14 - width if j == 0 else 0)
    x[rows, cols] = V[a : a + height, b : b + width]
    h = normalized_cross_correlate(x, V, padding="partial")
    peak = np.unravel_index(h.argmax(), h.shape)
    assert peak == (rows.start - a + 7, cols.start - b + 6, 0)
    assert h[peak] == pytest.approx(1, abs=1e-5)


def test_partial_equals_valid_inside_and_is_zero_where_little_is_left():
    x, V = picture(60, 70, 3), picture(10, 10, 3, seed=1)
    h = normalized_cross_correlate(x, V, padding="partial")
    valid = normalized_cross_correlate(x, V)
    np.testing.assert_allclose(h[4:-5, 4:-5], valid, atol=1e-6)
    w = np.zeros((10, 10))
    w[0, 0] = 1  # all weight far above and left of the centre
    w[0, 1] = 0.5
    h = normalized_cross_correlate(x, V, weights=w, padding="partial")
    assert (h[:4] == 0).all()


def test_a_mask_larger_than_the_image_can_be_compared_in_part():
    x = picture(6, 7, 3)
    V = np.pad(x, ((2, 3), (2, 2), (0, 0)), mode="reflect")
    h = normalized_cross_correlate(x, V, padding="partial")
    assert h.shape == (6, 7, 1)
    assert h[3, 3, 0] == pytest.approx(1, abs=1e-5)

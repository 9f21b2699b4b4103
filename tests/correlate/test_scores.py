"""Normalised cross-correlation: against loops and OpenCV, and by its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import assert_close, picture, score_by_loops

from waldo_cli import normalized_cross_correlate

SCORES = ["ncc", "cosine", "zero-mean", "raw"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_scores_equal_their_definition(data):
    A, B, C, K = (data.draw(st.integers(1, 5)) for _ in range(4))
    H, W = data.draw(st.integers(A, A + 9)), data.draw(st.integers(B, B + 9))
    seed = data.draw(st.integers(0, 2**16))
    x, V = picture(H, W, C, seed=seed), picture(A, B, C, K, seed=seed + 1)
    weights = {
        "none": None,
        "shared": picture(A, B, seed=seed + 2),
        "each": picture(A, B, K, seed=seed + 2),
    }[data.draw(st.sampled_from(["none", "shared", "each"]))]
    w = np.ones((A, B)) if weights is None else weights
    w = w[:, :, None] if w.ndim == 2 else w
    score = data.draw(st.sampled_from(SCORES))
    partial = data.draw(st.booleans())
    found = normalized_cross_correlate(
        x, V, weights=weights, score=score, padding="partial" if partial else "valid"
    )
    expected = score_by_loops(x, V, w, score, partial)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["zero", "reflect", "edge", "wrap"])
def test_padded_scores_are_those_of_the_padded_image(padding):
    x, V = picture(20, 21, 3), picture(6, 5, 3, seed=1)
    mode = "constant" if padding == "zero" else padding
    padded = np.pad(x, ((2, 3), (2, 2), (0, 0)), mode=mode)
    found = normalized_cross_correlate(x, V, padding=padding)
    np.testing.assert_array_equal(found, normalized_cross_correlate(padded, V))
    assert found.shape == (20, 21, 1)


def test_an_exact_match_scores_one_on_a_page_of_8_megapixels():
    x = picture(2450, 3300, 3)
    x[:1200] *= 0.05  # a pale half
    for top, left, size in [(300, 900, 24), (1900, 2800, 24)]:
        V = x[top : top + size, left : left + size]
        h = normalized_cross_correlate(x, V)
        assert h[top, left, 0] == pytest.approx(1, abs=1e-5)
        assert np.unravel_index(h.argmax(), h.shape) == (top, left, 0)


@pytest.mark.parametrize("gain", [1e-30, 1e-9, 1.0, 1e9, 1e25])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_do_not_depend_on_brightness(gain, offset, weighted):
    x = picture(90, 110, 3)
    w = picture(13, 14, seed=1) if weighted else None
    y = (x + np.float32(offset)) * np.float32(gain)
    V = y[40:53, 60:74]
    with np.errstate(all="raise"):
        h = normalized_cross_correlate(y, V, weights=w)
    assert h[40, 60, 0] == pytest.approx(1, abs=1e-5)
    assert np.abs(h).max() <= 1
    expected = normalized_cross_correlate(x, x[40:53, 60:74], weights=w)
    np.testing.assert_allclose(h, expected, atol=1e-5 if offset == 0 else 1e-3)


def test_faint_windows_beside_bright_ones_keep_their_scores():
    x = picture(200, 300, 3)
    x[:, 100:] = 0.5 + (x[:, 100:] - 0.5) * 1e-4
    V = x[50:62, 200:212]
    h = normalized_cross_correlate(x, V)
    w = np.ones((12, 12, 1))
    for i, j in [(50, 200), (51, 200), (120, 160), (30, 92), (10, 10)]:
        expected = score_by_loops(x[i : i + 12, j : j + 12], V[..., None], w, "ncc")
        assert h[i, j, 0] == pytest.approx(expected[0, 0, 0], abs=1e-5)


def test_flat_windows_and_flat_masks_score_zero():
    x = picture(60, 60, 3)
    x[:, 20:50] = (0.1, 0.7, 1 / 3)
    V = picture(7, 7, 3, seed=1)
    h = normalized_cross_correlate(x, V)
    assert (h[:, 20:44] == 0).all()
    assert np.isfinite(h).all()
    assert (normalized_cross_correlate(x, np.full((7, 7, 3), 0.3)) == 0).all()
    assert (normalized_cross_correlate(np.zeros((9, 9, 1)), V[:, :, :1], score="cosine") == 0).all()


@pytest.mark.parametrize("score", SCORES)
def test_weights_of_one_are_no_weights(score):
    x, V = picture(40, 50, 3), picture(9, 8, 3, 2, seed=1)
    found = normalized_cross_correlate(x, V, weights=np.ones((9, 8)), score=score)
    np.testing.assert_array_equal(found, normalized_cross_correlate(x, V, score=score))


def test_masked_out_pixels_may_hold_anything():
    x, V = picture(40, 50, 3), picture(9, 8, 3, seed=1)
    w = (picture(9, 8, seed=2) > 0.4).astype(np.float32)
    expected = normalized_cross_correlate(x, V, weights=w)
    for anything in (np.nan, np.inf, 1e30):
        V[w == 0] = anything
        np.testing.assert_array_equal(normalized_cross_correlate(x, V, weights=w), expected)


@pytest.mark.parametrize("score", SCORES)
def test_a_bad_pixel_spoils_only_scores_that_weigh_it(score):
    x, V = picture(50, 50, 2), picture(5, 6, 2, seed=1)
    w = np.ones((5, 6))
    w[1, 2] = 0
    expected = normalized_cross_correlate(x, V, weights=w, score=score)
    x[20, 20, 0] = np.nan
    h = normalized_cross_correlate(x, V, weights=w, score=score)
    spoilt = np.zeros(h.shape, bool)
    spoilt[16:21, 15:21] = True
    spoilt[19, 18] = False  # here the pixel meets the weight 0
    assert np.isnan(h[spoilt]).all()
    np.testing.assert_allclose(h[~spoilt], expected[~spoilt], rtol=1e-5, atol=1e-5)


def test_many_masks_equal_each_alone():
    x, V = picture(120, 130, 3), picture(11, 9, 3, 37, seed=1)
    weights = picture(11, 9, 37, seed=2)
    for w in (None, weights):
        together = normalized_cross_correlate(x, V, weights=w)
        for k in (0, 15, 16, 36):
            own = None if w is None else w[:, :, k]
            alone = normalized_cross_correlate(x, V[..., k], weights=own)
            np.testing.assert_allclose(together[:, :, k : k + 1], alone, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("score", "name"),
    [("ncc", "TM_CCOEFF_NORMED"), ("cosine", "TM_CCORR_NORMED")],
)
def test_parity_with_opencv(score, name, masked):
    cv2 = pytest.importorskip("cv2")
    x = picture(60, 80, 3)
    V = x[20:33, 30:47].copy()
    w = (picture(13, 17, seed=3) > 0.3).astype(np.float32) if masked else None
    mask = np.repeat(w[:, :, None], 3, 2) if masked else None
    expected = cv2.matchTemplate(x, V, getattr(cv2, name), mask=mask)
    found = normalized_cross_correlate(x, V, weights=w, score=score)
    np.testing.assert_allclose(found[:, :, 0], expected, atol=1e-5)


@pytest.mark.parametrize(("score", "name"), [("zero-mean", "TM_CCOEFF"), ("raw", "TM_CCORR")])
def test_parity_with_opencv_unnormalised(score, name):
    cv2 = pytest.importorskip("cv2")
    x, V = picture(50, 40, 3), picture(8, 9, 3, seed=1)
    expected = cv2.matchTemplate(x, V, getattr(cv2, name))
    assert_close(normalized_cross_correlate(x, V, score=score), expected[:, :, None])

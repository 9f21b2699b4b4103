"""Cross-correlation, plain and normalised: against loops, against other libraries, and by its properties."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waldo_cli import cross_correlate, normalized_cross_correlate
from waldo_cli.correlate import gemm, overlap_save, winograd
from waldo_cli.errors import InvalidInputError

METHODS = ["gemm", "fft"]
SCORES = ["ncc", "cosine", "zero-mean", "raw"]


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


# --- the formula ---------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_both_methods_equal_four_nested_loops(data):
    size = st.integers(1, 4)
    A, B, C, K = (data.draw(size) for _ in range(4))
    groups = data.draw(st.integers(1, 2))
    stride = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    dilation = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    H = dilation[0] * (A - 1) + data.draw(st.integers(1, 9))
    W = dilation[1] * (B - 1) + data.draw(st.integers(1, 9))
    flip = data.draw(st.booleans())
    seed = data.draw(st.integers(0, 2**16))
    x, V = random(H, W, C * groups, seed=seed), random(A, B, C, K * groups, seed=seed + 1)
    bias = random(K * groups, seed=seed + 2)
    kernel = V[::-1, ::-1] if flip else V
    expected = np.concatenate(
        [
            by_loops(
                x[:, :, g * C : (g + 1) * C], kernel[..., g * K : (g + 1) * K], stride, dilation
            )
            for g in range(groups)
        ],
        axis=2,
    )
    for method in METHODS:
        found = cross_correlate(
            x,
            V,
            bias=bias,
            stride=stride,
            dilation=dilation,
            groups=groups,
            flip=flip,
            method=method,
        )
        assert_close(found, expected + bias)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", list(itertools.product((1, 2, 3, 6), (1, 4, 5))))
def test_odd_and_even_kernels_at_every_stride_and_dilation(method, size):
    V = random(*size, 2, 3)
    x = random(16, 15, 2, seed=1)
    for stride, dilation in [((1, 1), (1, 1)), ((2, 1), (1, 2)), ((3, 2), (2, 3))]:
        found = cross_correlate(x, V, stride=stride, dilation=dilation, method=method)
        assert_close(found, by_loops(x, V, stride, dilation))


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ((17, 9, 3, 2), {}),
        ((5, 5, 3, 40), {}),  # more kernels than are written together
        ((64, 3, 1, 3), {"groups": 3}),
        ((7, 8, 3, 2), {"stride": (3, 2), "dilation": (2, 5)}),
    ],
)
def test_methods_agree_over_many_tiles_and_bands(kernel, options):
    x, V = picture(411, 607, 3), random(*kernel)
    gemm = cross_correlate(x, V, method="gemm", **options)
    assert_close(cross_correlate(x, V, method="fft", **options), gemm)
    assert_close(cross_correlate(x, V, **options), gemm)


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


def test_kernels_in_pieces_and_in_turns_change_nothing(monkeypatch):
    x, V = picture(150, 170, 3), random(60, 50, 3, 5)
    whole = cross_correlate(x, V, method="fft")
    scores = normalized_cross_correlate(x, V)
    monkeypatch.setattr(overlap_save, "_BUFFER_BYTES", 1 << 17)  # tiles too small for the kernel
    monkeypatch.setattr(overlap_save, "_SPECTRA_BYTES", 1 << 17)  # memory for not even one spectrum
    tiling, _ = overlap_save.plan((91, 121), (60, 50), 3, 1, 4)
    assert len(tiling.offsets) > 1
    assert tiling.kernels_at_a_time(3) == 0
    assert_close(cross_correlate(x, V, method="fft"), whole)
    assert_close(normalized_cross_correlate(x, V), scores)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("word", "mode"),
    [("zero", "constant"), ("reflect", "reflect"), ("edge", "edge"), ("wrap", "wrap")],
)
@pytest.mark.parametrize("size", [(3, 5), (4, 2)])
def test_padding_is_numpys_pad_and_then_valid(method, word, mode, size):
    x, V = random(9, 11, 2), random(*size, 2, 3)
    before = [(n - 1) // 2 for n in size]
    widths = [(n, size[axis] - 1 - n) for axis, n in enumerate(before)]
    expected = by_loops(np.pad(x, (*widths, (0, 0)), mode=mode), V)
    assert expected.shape == (9, 11, 3)
    assert_close(cross_correlate(x, V, padding=word, method=method), expected)
    strided = cross_correlate(x, V, padding=word, stride=2, method=method)
    assert_close(strided, expected[::2, ::2])


def test_explicit_widths_in_every_form():
    x, V = random(6, 7, 1), random(3, 3, 1, 1)
    for padding, widths in [
        (2, ((2, 2), (2, 2))),
        ((1, 0), ((1, 1), (0, 0))),
        (((1, 0), (2, 1)), ((1, 0), (2, 1))),
    ]:
        expected = by_loops(np.pad(x, (*widths, (0, 0))), V)
        assert_close(cross_correlate(x, V, padding=padding), expected)


# --- its properties ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("padding", ["valid", "edge", "zero"])
def test_images_together_give_what_each_gives_alone(method, padding):
    x, V = random(5, 21, 19, 4), random(3, 4, 2, 6, seed=1)
    options = {"stride": (2, 1), "groups": 2, "padding": padding, "method": method}
    each = np.stack([cross_correlate(image, V, **options) for image in x])
    assert_close(cross_correlate(x, V, **options), each)


@pytest.mark.parametrize("method", METHODS)
def test_shifting_the_image_shifts_the_activations(method):
    x, V = random(30, 30, 2), random(5, 4, 2, 3)
    h = cross_correlate(x, V, method=method)
    shifted = cross_correlate(np.roll(x, (3, 2), (0, 1)), V, method=method)
    np.testing.assert_allclose(shifted[3:, 2:], h[:-3, :-2], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_pixel_changes_only_outputs_whose_window_holds_it(method):
    x, V = random(20, 20, 1), random(4, 3, 1, 1)
    changed = x.copy()
    changed[10, 12] += 1
    moved = cross_correlate(changed, V, method=method) - cross_correlate(x, V, method=method)
    inside = np.zeros(moved.shape, bool)
    inside[7:11, 10:13] = True
    assert np.abs(moved[~inside]).max() < 1e-5
    assert np.abs(moved[inside]).min() > 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_a_delta_kernel_returns_the_image(method):
    x = random(12, 13, 3)
    V = np.zeros((3, 3, 3, 3))
    V[1, 1] = np.eye(3)
    assert_close(cross_correlate(x, V, padding="zero", method=method), x)


@pytest.mark.parametrize("method", METHODS)
def test_linear_in_image_and_kernel(method):
    x, y, V, U = random(9, 9, 2), random(9, 9, 2, seed=1), random(3, 3, 2, 2), random(3, 3, 2, 2)
    both = cross_correlate(2 * x + y, V, method=method)
    parts = 2 * cross_correlate(x, V, method=method) + cross_correlate(y, V, method=method)
    assert_close(both, parts)
    both = cross_correlate(x, V - 3 * U, method=method)
    parts = cross_correlate(x, V, method=method) - 3 * cross_correlate(x, U, method=method)
    assert_close(both, parts)


@pytest.mark.parametrize("method", METHODS)
def test_convolution_commutes(method):
    f, g = random(7, 5), random(4, 6)

    def full(x, V):
        A, B = V.shape
        padding = ((A - 1, A - 1), (B - 1, B - 1))
        options = {"flip": True, "padding": padding, "method": method}
        return cross_correlate(x[:, :, None], V[:, :, None, None], **options)

    assert_close(full(f, g), full(g, f))


@pytest.mark.parametrize("method", METHODS)
def test_a_1x1_kernel_is_a_dense_layer_at_each_pixel(method):
    x, V = random(6, 5, 4), random(1, 1, 4, 7)
    assert_close(cross_correlate(x, V, method=method), x @ V[0, 0])


def test_a_dense_layer_with_tied_local_weights_is_the_correlation():
    x, V = random(6, 7, 2), random(3, 2, 2, 3)
    dense = np.zeros((4, 6, 3, 6, 7, 2))
    for i, j in np.ndindex(4, 6):
        dense[i, j, :, i : i + 3, j : j + 2] = V.transpose(3, 0, 1, 2)
    expected = (dense.reshape(4 * 6 * 3, -1) @ x.ravel()).reshape(4, 6, 3)
    for method in METHODS:
        assert_close(cross_correlate(x, V, method=method), expected)


def test_small_integers_do_not_wrap():
    x = np.full((5, 5, 1), 200, np.uint8)
    h = cross_correlate(x, np.ones((3, 3, 1, 1), np.uint8))
    assert (h == 1800).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_pixel_spoils_only_windows_that_hold_it(method, bad):
    x, V = random(40, 40, 2), random(5, 5, 2, 2)
    expected = cross_correlate(x, V, method=method)
    x[20, 17, 1] = bad
    h = cross_correlate(x, V, method=method)
    spoilt = np.zeros(h.shape, bool)
    spoilt[16:21, 13:18] = True
    assert not np.isfinite(h[spoilt]).any()
    np.testing.assert_allclose(h[~spoilt], expected[~spoilt], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_views_are_read_where_they_lie_and_nothing_is_written_to_them(method):
    whole = random(50, 60, 5)
    kept = whole.copy()
    view = whole[::-2, 5:55:2, 1:4]
    V = random(3, 4, 3, 6)[:, :, :, ::3]
    assert_close(
        cross_correlate(view, V, method=method),
        cross_correlate(np.ascontiguousarray(view), np.ascontiguousarray(V), method=method),
    )
    np.testing.assert_array_equal(whole, kept)


@pytest.mark.parametrize("padding", ["valid", "partial"])
def test_the_number_of_threads_changes_no_bit(monkeypatch, padding):
    x, V = picture(300, 500, 3), random(9, 9, 3, 18)
    answers = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        answers.append(
            [
                cross_correlate(x, V, method="gemm"),
                cross_correlate(x, V, method="fft"),
                normalized_cross_correlate(x, V, padding=padding),
            ]
        )
    for one, many in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, many)


def test_memory_does_not_grow_with_the_taps_of_a_kernel():
    x, V = picture(1000, 1200, 3), random(11, 11, 3, 2)
    for method in METHODS:
        tracemalloc.start()
        h = cross_correlate(x, V, method=method)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak - h.nbytes < 60e6  # one image per tap would be 1.7 GB


# --- other libraries -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_parity_with_scipy(method):
    signal = pytest.importorskip("scipy.signal")
    x, V = random(30, 40, 3), random(6, 5, 3, 2)
    expected = [
        sum(signal.correlate(x[:, :, c], V[:, :, c, k], "valid") for c in range(3))
        for k in range(2)
    ]
    assert_close(cross_correlate(x, V, method=method), np.stack(expected, 2))
    expected = [
        sum(signal.convolve(x[:, :, c], V[:, :, c, k], "valid") for c in range(3)) for k in range(2)
    ]
    assert_close(cross_correlate(x, V, flip=True, method=method), np.stack(expected, 2))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options",
    [
        {"padding": "valid"},
        {"padding": "same"},
        {"padding": "same", "dilation": 2},
        {"padding": (2, 1), "stride": (2, 3)},
        {"padding": "valid", "stride": 2, "dilation": (1, 2), "groups": 2},
        {"padding": "valid", "groups": 4},
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_parity_with_pytorch_conv2d(method, options):
    torch = pytest.importorskip("torch")
    groups = options.get("groups", 1)
    for size in [(3, 3), (2, 4)]:
        x, V, bias = random(17, 19, 4), random(*size, 4 // groups, 8), random(8)
        expected = torch.nn.functional.conv2d(
            torch.from_numpy(x.transpose(2, 0, 1).copy())[None],
            torch.from_numpy(V.transpose(3, 2, 0, 1).copy()),
            torch.from_numpy(bias),
            **options,
        )[0].numpy()
        ours = {**options, "padding": {"same": "zero"}.get(options["padding"], options["padding"])}
        found = cross_correlate(x, V, bias=bias, method=method, **ours)
        assert_close(found, expected.transpose(1, 2, 0))


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


# --- scores --------------------------------------------------------------------------------------


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


def test_many_masks_equal_each_alone():
    x, V = picture(120, 130, 3), picture(11, 9, 3, 37, seed=1)
    weights = picture(11, 9, 37, seed=2)
    for w in (None, weights):
        together = normalized_cross_correlate(x, V, weights=w)
        for k in (0, 15, 16, 36):
            own = None if w is None else w[:, :, k]
            alone = normalized_cross_correlate(x, V[..., k], weights=own)
            np.testing.assert_allclose(together[:, :, k : k + 1], alone, atol=1e-6)


# --- what cannot be used -------------------------------------------------------------------------

IMAGE, KERNEL = np.ones((8, 9, 3)), np.ones((3, 3, 3, 2))


@pytest.mark.parametrize(
    ("x", "V", "options", "message"),
    [
        (np.ones((8, 9)), KERNEL, {}, r"image has 2 dimensions, shape \(8, 9\).*\(H, W, C\)"),
        (IMAGE, np.ones((3, 3)), {}, r"kernel has 2 dimensions.*\(A, B, C, K\)"),
        (np.ones((0, 9, 3)), KERNEL, {}, "image is empty"),
        (IMAGE * 1j, KERNEL, {}, "dtype complex128"),
        (IMAGE.astype(object), KERNEL, {}, "dtype object"),
        (IMAGE, np.ones((9, 3, 3, 1)), {}, "kernel is 9x3.*image is 8x9"),
        (IMAGE, np.ones((3, 3, 3, 1)), {"dilation": 4}, "kernel is 9x9.*image is 8x9"),
        (IMAGE, np.ones((3, 3, 2, 2)), {}, "kernel has 2 channels x 1 groups, image has 3"),
        (IMAGE, KERNEL, {"groups": 2}, "groups = 2 must divide"),
        (IMAGE, KERNEL, {"groups": 0}, "groups = 0 must divide"),
        (IMAGE, KERNEL * np.nan, {}, "kernel holds NaN"),
        (IMAGE, KERNEL * 1e300, {}, "kernel holds NaN or infinity"),
        (IMAGE, KERNEL, {"bias": np.ones(3)}, "bias has 3 values, there are 2"),
        (IMAGE, KERNEL, {"bias": [np.inf, 0]}, "bias holds NaN or infinity"),
        (IMAGE, KERNEL, {"stride": 0}, "stride = 0"),
        (IMAGE, KERNEL, {"dilation": (1, 1.5)}, "dilation"),
        (IMAGE, KERNEL, {"padding": "same"}, "'same' is not one of valid, zero"),
        (IMAGE, KERNEL, {"padding": -1}, "padding = -1"),
        (IMAGE, KERNEL, {"padding": 10**9}, "padding would add"),
        (IMAGE, KERNEL, {"method": "winograd"}, "'winograd' is not one of auto"),
    ],
)
def test_what_cannot_be_correlated_is_refused_with_the_reason(x, V, options, message):
    with pytest.raises(InvalidInputError, match=message):
        cross_correlate(x, V, **options)


@pytest.mark.parametrize(
    ("V", "options", "message"),
    [
        (np.ones((3, 3)), {}, "mask has 2 dimensions"),
        (np.ones((3, 3, 4)), {}, "mask has 4 channels, image has 3"),
        (np.ones((9, 3, 3)), {}, "mask is 9x3.*image is 8x9"),
        (np.full((3, 3, 3), np.nan), {}, "mask holds NaN"),
        (KERNEL, {"weights": np.ones((3, 2))}, r"weights have shape \(3, 2\)"),
        (KERNEL, {"weights": np.ones((3, 3, 4))}, r"weights have shape \(3, 3, 4\)"),
        (KERNEL, {"weights": np.full((3, 3), 255)}, "weights go from 255 to 255.*divide"),
        (KERNEL, {"weights": np.full((3, 3), np.nan)}, "weights go from nan"),
        (KERNEL, {"weights": np.zeros((3, 3))}, "weights are all 0"),
        (KERNEL, {"score": "ssim"}, "'ssim' is not one of ncc"),
        (KERNEL, {"padding": "full"}, "'full' is not one of"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_reason(V, options, message):
    with pytest.raises(InvalidInputError, match=message):
        normalized_cross_correlate(IMAGE, V, **options)


def test_a_mask_larger_than_the_image_can_be_compared_in_part():
    x = picture(6, 7, 3)
    V = np.pad(x, ((2, 3), (2, 2), (0, 0)), mode="reflect")
    h = normalized_cross_correlate(x, V, padding="partial")
    assert h.shape == (6, 7, 1)
    assert h[3, 3, 0] == pytest.approx(1, abs=1e-5)

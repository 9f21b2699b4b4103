"""Cross-correlation by every method: against loops, other libraries, and its properties."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import assert_close, by_loops, picture, random

from waldo_cli import cross_correlate, normalized_cross_correlate
from waldo_cli.errors import InvalidInputError

METHODS = ["gemm", "fft"]


# --- the formula ----------------------------------------------------------------------------------


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


# --- its properties -------------------------------------------------------------------------------


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


# --- other libraries ------------------------------------------------------------------------------


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


# --- what cannot be used --------------------------------------------------------------------------

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
        (IMAGE, KERNEL, {"groups": 2}, "groups = 2 must be a whole number that divides"),
        (IMAGE, KERNEL, {"groups": 0}, "groups = 0 must be a whole number that divides"),
        (IMAGE, KERNEL, {"groups": 1.0}, "groups = 1.0 must be a whole number"),
        (IMAGE, KERNEL * np.nan, {}, "kernel holds NaN"),
        (IMAGE, KERNEL * 1e300, {}, "kernel holds NaN or infinity"),
        (IMAGE, KERNEL, {"bias": np.ones(3)}, "bias has 3 values, there are 2"),
        (IMAGE, KERNEL, {"bias": [np.inf, 0]}, "bias holds NaN or infinity"),
        (IMAGE, KERNEL, {"stride": 0}, "stride = 0"),
        (IMAGE, KERNEL, {"stride": 1.5}, "stride = 1.5; give a whole number"),
        (IMAGE, KERNEL, {"dilation": None}, "dilation = None; give a whole number"),
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

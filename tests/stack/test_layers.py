"""Each op against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import IMAGE, SIGNED, kernel

from waldo_cli.stack.layers import Combine, Conv, Normalize, Pointwise, Pool, Upsample


def windows(x: np.ndarray, size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    views = np.lib.stride_tricks.sliding_window_view(x, size, axis=(0, 1))
    return views[:: stride[0], :: stride[1]]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("relu", np.maximum(SIGNED, 0)),
        ("leaky-relu", np.where(SIGNED > 0, SIGNED, 0.2 * SIGNED)),
        ("sigmoid", 1 / (1 + np.exp(-SIGNED))),
        ("tanh", np.tanh(SIGNED)),
        ("abs", np.abs(SIGNED)),
        ("softmax", np.exp(SIGNED) / np.exp(SIGNED).sum(axis=2, keepdims=True)),
    ],
)
def test_pointwise_ops_are_what_their_names_say(op: str, expected: np.ndarray) -> None:
    out = Pointwise(op, slope=0.2).run(SIGNED)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    assert out.dtype == np.float32


@pytest.mark.parametrize("op", ["sigmoid", "softmax", "tanh"])
def test_large_numbers_neither_overflow_nor_warn(op: str) -> None:
    x = np.array([[[-1e30, 0, 1e30, 1e30]]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        out = Pointwise(op).run(x)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (5, 1)])
def test_pools_equal_the_maximum_and_mean_of_each_window(
    size: tuple[int, int], stride: tuple[int, int]
) -> None:
    seen = windows(SIGNED, size, stride)
    np.testing.assert_array_equal(Pool("max-pool", size, stride).run(SIGNED), seen.max((3, 4)))
    np.testing.assert_allclose(
        Pool("mean-pool", size, stride).run(SIGNED), seen.mean((3, 4)), atol=1e-6
    )


def test_a_pool_leaves_its_input_as_it_was() -> None:
    before = SIGNED.copy()
    Pool("mean-pool", (2, 2), (1, 1)).run(SIGNED)
    Pool("max-pool", (1, 1), (1, 1)).run(SIGNED)[:] = 0
    np.testing.assert_array_equal(SIGNED, before)


@pytest.mark.parametrize("how", ["max", "mean", "sum"])
def test_combine_makes_one_channel(how: str) -> None:
    out = Combine(how).run(SIGNED)
    np.testing.assert_allclose(out[:, :, 0], getattr(SIGNED, how)(axis=2), atol=1e-6)
    assert out.shape == (7, 8, 1)


def test_upsample_repeats_each_activation() -> None:
    out = Upsample(3).run(SIGNED)
    np.testing.assert_array_equal(out, np.kron(SIGNED, np.ones((3, 3, 1), np.float32)))


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0.0), (20.0, 0.0), (1.0, 50.0), (0.3, -0.2)])
def test_normalize_leaves_no_trace_of_brightness_and_contrast(gain: float, offset: float) -> None:
    layer = Normalize((5, 5))
    changed = (IMAGE * gain + offset).astype(np.float32)
    np.testing.assert_allclose(layer.run(changed), layer.run(IMAGE), atol=2e-3)


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.3, 1.0, 1e6])
def test_normalize_answers_0_where_nothing_varies(value: float) -> None:
    flat = np.full((9, 9, 3), value, np.float32)
    np.testing.assert_array_equal(Normalize((3, 3)).run(flat), 0)


def test_a_1x1_conv_is_a_dense_layer_at_each_pixel() -> None:
    V, bias = kernel(1, 1, 3, 5), kernel(5, seed=2)
    np.testing.assert_allclose(Conv(V, bias).run(IMAGE), IMAGE @ V[0, 0] + bias, atol=1e-5)


def test_a_dense_layer_with_tied_local_weights_equals_the_conv() -> None:
    V = kernel(3, 2, 3, 2)
    x = IMAGE[:6, :7]
    dense = np.zeros((4, 6, 2, *x.shape), np.float32)
    for i in range(4):
        for j in range(6):
            dense[i, j, :, i : i + 3, j : j + 2, :] = np.moveaxis(V, 3, 0)
    np.testing.assert_allclose(Conv(V).run(x), np.tensordot(dense, x, axes=3), atol=1e-4)

"""Stacks: each op against its definition, and what a stack knows of itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waldo_cli.batch.finder import fingerprint
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Size
from waldo_cli.stack import bands
from waldo_cli.stack.layers import (
    Combine,
    Conv,
    Layer,
    MaskLayer,
    Normalize,
    Pointwise,
    Pool,
    Upsample,
)
from waldo_cli.stack.stack import Mask, Stack

RNG = np.random.default_rng(0)
IMAGE = RNG.random((19, 23, 3), np.float32)
SIGNED = RNG.normal(size=(7, 8, 4)).astype(np.float32)


def kernel(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def windows(x: np.ndarray, size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    views = np.lib.stride_tricks.sliding_window_view(x, size, axis=(0, 1))
    return views[:: stride[0], :: stride[1]]


# --- ops --------------------------------------------------------------------------------------------


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


# --- shapes and fields ------------------------------------------------------------------------------

STACKS: dict[str, tuple[Layer, ...]] = {
    "conv": (Conv(kernel(3, 4, 3, 2)),),
    "strides": (Conv(kernel(5, 5, 3, 4), stride=(2, 2)), Pointwise("relu"), Conv(kernel(3, 3, 4, 2))),
    "dilated": (Conv(kernel(3, 3, 3, 4)), Conv(kernel(3, 3, 4, 1), dilation=(2, 3))),
    "pools": (Pool("max-pool", (2, 2), (2, 2)), Conv(kernel(2, 2, 3, 2)), Pool("mean-pool", (3, 2), (1, 1))),
    "same": (Conv(kernel(4, 3, 3, 2), padding="reflect"), Conv(kernel(3, 3, 2, 1), padding="zero")),
    "explicit": (Conv(kernel(3, 3, 3, 2), padding=((2, 0), (1, 3)), stride=(2, 1)),),
    "grouped": (Conv(kernel(3, 3, 1, 3), groups=3), Combine("sum")),
    "normalised": (Normalize((3, 5)), Conv(kernel(3, 3, 3, 1))),
    "upsampled": (Pool("mean-pool", (2, 2), (2, 2)), Conv(kernel(3, 3, 3, 1)), Upsample(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_the_field_is_what_changes_an_output_when_pixels_are_disturbed(name: str) -> None:
    """Disturb one row (column) after the other; those that change an inner output are its field."""
    stack = Stack(name, STACKS[name])
    x = np.random.default_rng(3).random((34, 36, 3), np.float32)
    base = stack.run(x)
    field = stack.receptive_field
    at = (base.shape[0] // 2, base.shape[1] // 2)
    for axis in (0, 1):
        touched = []
        for n in range(x.shape[axis]):
            disturbed = x.copy()
            disturbed[(n, slice(None)) if axis == 0 else (slice(None), n)] += np.float32(1.5) * (
                np.random.default_rng(n).random(3, np.float32) + np.float32(0.5)
            )
            if not np.array_equal(stack.run(disturbed)[at], base[at]):
                touched.append(n)
        centre = field.first[axis] + at[axis] * field.jump[axis]
        if (
            name == "upsampled"
        ):  # neighbours share one source: the field's centre is theirs together
            assert abs((touched[0] + touched[-1]) / 2 - centre) <= field.jump[axis]
        else:
            assert (touched[0] + touched[-1]) / 2 == centre
        assert touched[-1] - touched[0] + 1 == field.size[axis]


@pytest.mark.parametrize("name", STACKS)
def test_channels_say_what_comes_out(name: str) -> None:
    stack = Stack(name, STACKS[name])
    x = IMAGE
    for layer, channels in zip(stack.layers, stack.channels()[1:], strict=True):
        x = layer.run(x)
        assert x.shape[2] == channels
    np.testing.assert_allclose(stack.run(IMAGE), x, atol=1e-5)


@pytest.mark.parametrize("name", STACKS)
def test_shifting_the_image_by_the_jump_shifts_the_activations(name: str) -> None:
    stack = Stack(name, STACKS[name])
    step = [2 * int(max(j, 1)) for j in stack.receptive_field.jump]
    x = np.random.default_rng(4).random((40, 44, 3), np.float32)
    whole, moved = stack.run(x), stack.run(x[step[0] :, step[1] :])
    by = [round(s / j) for s, j in zip(step, stack.receptive_field.jump, strict=True)]
    edge = 8
    np.testing.assert_allclose(
        moved[edge:-edge, edge:-edge],
        whole[by[0] + edge : by[0] + moved.shape[0] - edge, by[1] + edge : by[1] + moved.shape[1] - edge],
        atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("pixels", [1, 60, 150, 500])
def test_bands_give_the_numbers_of_the_whole(
    name: str, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(name, STACKS[name])
    x = np.random.default_rng(5).random((61, 17, 3), np.float32)
    whole = stack.run(x)
    monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
    np.testing.assert_allclose(stack.run(x), whole, rtol=1e-5, atol=1e-5)


def layers_at_random(rng: np.random.Generator) -> tuple[Layer, ...]:
    """Local layers, windows that overlap and windows with rows between them."""
    layers: list[Layer] = []
    channels = 3
    for kind in rng.integers(0, 4, rng.integers(1, 6)):
        (a, b), stride, dilation = (
            rng.integers(1, 5, 2),
            rng.integers(1, 5, 2),
            rng.integers(1, 4, 2),
        )
        if kind < 2:
            kernels = int(rng.integers(1, 5))
            V = rng.standard_normal((a, b, channels, kernels), np.float32)
            step, apart = (int(stride[0]), int(stride[1])), (int(dilation[0]), int(dilation[1]))
            layers.append(Conv(V, None, step, apart))
            channels = kernels
        elif kind == 2:
            layers.append(Pool("max-pool", (int(a), int(b)), (int(stride[0]), int(stride[1]))))
        else:
            layers.append(Pointwise("relu"))
    return tuple(layers)


@pytest.mark.parametrize("seed", range(60))
def test_any_bands_of_any_images_give_what_layer_after_layer_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    stack = Stack("random", layers_at_random(rng))
    rows, cols = (int(n) for n in stack.receptive_field.size)
    monkeypatch.setattr(bands, "BAND_PIXELS", int(rng.choice([1, 300, 3000])))
    monkeypatch.setattr(bands, "BAND_STEP", int(rng.choice([1, 2, 16])))
    monkeypatch.setattr(bands, "PART_PIXELS", int(rng.choice([500, 4000, 1 << 17])))
    more = [(0, 0), (1, 0), (int(rng.integers(200)), int(rng.integers(30)))]
    images = [rng.standard_normal((rows + r, cols + c, 3), np.float32) for r, c in more]
    for found, x in zip(stack.run_each(images), [x.copy() for x in images], strict=True):
        for layer in stack.layers:
            x = layer.run(x)
        assert found.shape == x.shape
        np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-4 * max(1, np.abs(x).max()))
    if rows > 1:
        with pytest.raises(InvalidInputError):
            stack.run_each([images[0], images[1][: rows - 1]])


@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("name", STACKS)
def test_images_together_give_what_each_gives_alone(name: str, count: int) -> None:
    stack = Stack(name, STACKS[name])
    images = np.random.default_rng(6).random((count, 21, 17, 3), np.float32)
    if all(layer.local for layer in stack.layers):
        each = np.stack([stack.run(image) for image in images])
        np.testing.assert_allclose(stack.run(images), each, rtol=1e-5, atol=1e-5)
    else:
        with pytest.raises(InvalidInputError, match="takes one image at a time"):
            stack.run(images)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_an_image_too_small_for_the_field_is_an_error_and_no_other_is(rows: int, cols: int) -> None:
    stack = Stack("strides", STACKS["strides"])
    need = stack.receptive_field.size
    x = np.zeros((rows, cols, 3), np.float32)
    if rows >= need[0] and cols >= need[1]:
        assert 0 not in stack.run(x).shape
    else:
        with pytest.raises(InvalidInputError, match="layer"):
            stack.run(x)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((9, 9), np.float32), r"an image is \(H, W, C\)"),
        (np.zeros((9, 0, 3), np.float32), r"an image is \(H, W, C\)"),
        (np.zeros((9, 9, 4), np.float32), "takes 3 channels, the image has 4"),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        Stack("conv", STACKS["conv"]).run(image)


def test_integer_images_are_counted_in_floats() -> None:
    x = np.full((9, 9, 3), 200, np.uint8)
    out = Stack("box", (Conv(np.ones((3, 3, 3, 1), np.float32)),)).run(x)
    np.testing.assert_array_equal(out, 27 * 200.0)


def test_a_stack_tells_its_parameters_and_work() -> None:
    stack = Stack("strides", STACKS["strides"])
    assert stack.parameters == 5 * 5 * 3 * 4 + 3 * 3 * 4 * 2
    assert stack.multiply_adds() == (300 / 4, 0, 72 / 4)
    text = repr(stack)
    assert "conv 5x5 /2 3 -> 4" in text
    assert "field 9x9" in text


@pytest.mark.parametrize(
    ("layers", "labels", "reason"),
    [
        ((), (), "at least one layer"),
        ((Conv(kernel(3, 3, 3, 2)), Conv(kernel(3, 3, 3, 2))), (), "layer 2: conv takes 3 channels, 2"),
        ((Conv(kernel(3, 3, 3, 2)),), ("a",), "labels: 1 names for 2 output channels"),
    ],
)  # fmt: skip
def test_a_stack_that_does_not_fit_together_is_an_error(
    layers: tuple[Layer, ...], labels: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(StackError, match=reason):
        Stack("odd", layers, labels=labels)


# --- masks ------------------------------------------------------------------------------------------

PIXELS = Stack("pixels", (MaskLayer(),))
EDGES = Stack("edges", (Conv(kernel(3, 3, 3, 4)), Pointwise("relu"), MaskLayer()))


@pytest.mark.parametrize("stack", [PIXELS, EDGES], ids=lambda s: s.name)
def test_a_mask_cut_from_the_image_scores_1_at_its_centre(stack: Stack) -> None:
    piece = IMAGE[4:13, 6:17]
    bound = stack.with_masks([Mask("piece", piece)])
    out = bound.run(IMAGE)[:, :, 0]
    row, col = np.unravel_index(out.argmax(), out.shape)
    assert out[row, col] == pytest.approx(1, abs=1e-5)
    field = bound.receptive_field
    assert field.first[0] + row * field.jump[0] == 4 + (9 - 1) / 2
    assert field.first[1] + col * field.jump[1] == 6 + (11 - 1) / 2
    assert bound.object == Size(9, 11)
    assert bound.labels == ("piece",)


def test_masks_of_one_size_share_a_run_and_keep_their_order() -> None:
    pieces = [Mask("a", IMAGE[0:5, 0:7]), Mask("b", IMAGE[9:14, 10:17])]
    both = PIXELS.with_masks(pieces)
    assert both.labels == ("a", "b")
    for k, piece in enumerate(pieces):
        alone = PIXELS.with_masks([piece]).run(IMAGE)[:, :, 0]
        np.testing.assert_allclose(both.run(IMAGE)[:, :, k], alone, atol=1e-5)


@pytest.mark.parametrize("stack", [PIXELS, EDGES], ids=lambda s: s.name)
def test_weights_of_one_change_nothing(stack: Stack) -> None:
    piece = IMAGE[4:13, 6:17]
    plain = stack.with_masks([Mask("m", piece)]).run(IMAGE)
    weighed = stack.with_masks([Mask("m", piece, np.ones((9, 11), np.float32))]).run(IMAGE)
    np.testing.assert_allclose(weighed, plain, atol=1e-5)


def test_pixels_without_weight_may_hold_anything() -> None:
    weights = np.ones((9, 11), np.float32)
    weights[:3] = 0
    answers = []
    for filling in (0.0, 7.0, np.nan):
        piece = IMAGE[4:13, 6:17].copy()
        piece[:3] = filling
        answers.append(PIXELS.with_masks([Mask("m", piece, weights)]).run(IMAGE))
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    np.testing.assert_allclose(answers[2], answers[0], atol=1e-5)
    assert np.nanmax(answers[0]) == pytest.approx(1, abs=1e-5)


def test_a_stack_without_its_mask_says_so() -> None:
    with pytest.raises(StackError, match="no mask: give one with --mask"):
        PIXELS.run(IMAGE)
    with pytest.raises(StackError, match="no mask layer"):
        Stack("conv", STACKS["conv"]).with_masks([Mask("m", IMAGE)])
    with pytest.raises(InvalidInputError, match="weights are all 0"):
        PIXELS.with_masks([Mask("m", IMAGE[:3, :3], np.zeros((3, 3), np.float32))])
    with pytest.raises(InvalidInputError, match="layer 1"):
        EDGES.with_masks([Mask("m", IMAGE[:2, :2])])


# --- fingerprints -----------------------------------------------------------------------------------


def test_a_fingerprint_depends_on_content_alone() -> None:
    assert fingerprint(Stack("conv", STACKS["conv"])) == fingerprint(
        Stack("conv", (Conv(kernel(3, 4, 3, 2)),))
    )
    others = [
        Stack("conv", (Conv(kernel(3, 4, 3, 2, seed=9)),)),
        Stack("conv", (Conv(kernel(3, 4, 3, 2), padding="zero"),)),
        Stack("conv", STACKS["conv"], threshold=0.5),
        Stack("conv", STACKS["conv"], scales=(2.0,)),
        Stack("conv", STACKS["strides"]),
        Mask("conv", IMAGE),
        (IMAGE, None),
        (IMAGE.T, None),
        (IMAGE.astype(np.float64), None),
    ]
    prints = {fingerprint(o) for o in [Stack("conv", STACKS["conv"]), *others]}
    assert len(prints) == len(others) + 1

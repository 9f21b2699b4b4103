"""What a stack knows of itself, what it takes, and the masks that go into it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stacks import IMAGE, STACKS, kernel

from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Conv, Layer, MaskLayer, Pointwise
from waldo_cli.stack.stack import Mask, Stack

# --- shapes and fields ----------------------------------------------------------------------------


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
        if name == "upsampled":
            # Neighbours share one source: the field's centre is theirs together.
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


# --- masks ----------------------------------------------------------------------------------------

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


def test_what_fills_a_large_mask_has_its_colour() -> None:
    pixels = np.full((1000, 1000, 3), (0.9, 0.7, 0.31), np.float32)
    weights = np.ones((1000, 1000), np.float32)
    weights[:9, :9] = 0
    filled = Mask("m", pixels, weights).filled()
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled, pixels)


def test_a_stack_without_its_mask_says_so() -> None:
    with pytest.raises(StackError, match="no mask: give one with --mask"):
        PIXELS.run(IMAGE)
    with pytest.raises(StackError, match="no mask layer"):
        Stack("conv", STACKS["conv"]).with_masks([Mask("m", IMAGE)])
    with pytest.raises(InvalidInputError, match="weights are all 0"):
        PIXELS.with_masks([Mask("m", IMAGE[:3, :3], np.zeros((3, 3), np.float32))])
    with pytest.raises(InvalidInputError, match="layer 1"):
        EDGES.with_masks([Mask("m", IMAGE[:2, :2])])

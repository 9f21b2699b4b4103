"""From an image to an answer: places, sizes, order, verdict, and the map behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from waldo_cli import Box, Mask, Result, Stack, detect
from waldo_cli.detector.explanation import Trace
from waldo_cli.detector.peaks import overlap
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Combine, Conv, Pointwise
from waldo_cli.stack.stack import CloserLook

RNG = np.random.default_rng(0)
PAGE = RNG.random((60, 80, 3), np.float32)
MASK = RNG.random((13, 10, 3), np.float32)

# What is bright is found: one number for each pixel, an object of 5 x 5.
BRIGHT = Stack("bright", (Combine("mean"),), object=Size(5, 5), threshold=0.5)


def planted(left: int, top: int, *, mask: np.ndarray = MASK, page: np.ndarray = PAGE) -> np.ndarray:
    image = page.copy()
    image[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return image


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(image[:, :, c])).resize(
                (width, height), Image.Resampling.BICUBIC
            )
        )
        for c in range(3)
    ]
    return np.stack(planes, axis=2).clip(0, 1)


def dots(*places: tuple[int, int, float], shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """Black, with grey pixels at (row, col, value)."""
    image = np.zeros((*shape, 3), np.float32)
    for row, col, value in places:
        image[row, col] = value
    return image


def places(result: Result) -> list[tuple[float, float]]:
    return [(d.x, d.y) for d in result.detections]


# --- where and how large ----------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 70), st.integers(0, 47))
def test_a_planted_mask_is_found_exactly_wherever_it_lies(left: int, top: int) -> None:
    (found,) = detect(planted(left, top), masks=[MASK], scales=1).detections
    assert found.box == Box(left, top, 10, 13)
    assert found.x == pytest.approx(left + 5, abs=0.1)
    assert found.y == pytest.approx(top + 6.5, abs=0.1)
    assert found.score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("factor", [0.5, 0.71, 1.0, 1.41, 2.0])
def test_a_mask_at_another_size_is_found_at_the_scale_that_undoes_it(factor: float) -> None:
    rng = np.random.default_rng(5)
    mask = resized(rng.random((9, 8, 3), np.float32), 32, 36)  # a picture, not noise
    page = resized(rng.random((40, 50, 3), np.float32), 200, 160)
    width, height = round(32 * factor), round(36 * factor)
    image = planted(90, 60, mask=resized(mask, width, height), page=page)
    (found,) = detect(image, masks=[mask], scales="0.5:2").detections
    assert found.scale == pytest.approx(1 / factor, rel=0.1)
    assert found.x == pytest.approx(90 + width / 2, abs=1)
    assert found.y == pytest.approx(60 + height / 2, abs=1)
    assert found.box.width == pytest.approx(width, abs=2)
    assert found.score > 0.9


@pytest.mark.parametrize(("left", "top"), [(-4, 20), (73, 20), (30, -5), (30, 53), (-3, -4)])
def test_a_mask_cut_by_the_edge_is_found_and_its_box_lies_inside(left: int, top: int) -> None:
    wide = np.pad(PAGE, ((20, 20), (20, 20), (0, 0)), mode="wrap")
    image = planted(left + 20, top + 20, page=wide)[20:-20, 20:-20]
    (found,) = detect(image, masks=[MASK], scales=1).detections
    assert found.box == Box(left, top, 10, 13).clipped(80, 60)
    assert found.score > 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 10**6), st.sampled_from([0.6, 1, 2]))
def test_every_answer_lies_inside_the_image(
    height: int, width: int, seed: int, scale: float
) -> None:
    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    result = detect(image, stack=BRIGHT, scales=scale, top=5, threshold=0)
    assert result.activations.shape == (height, width)
    for found in result.detections:
        assert 0 <= found.x <= width
        assert 0 <= found.y <= height
        assert 0 <= found.box.left < found.box.left + found.box.width <= width
        assert 0 <= found.box.top < found.box.top + found.box.height <= height


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (11, 2)])
def test_moving_the_image_moves_the_answer(shift: tuple[int, int]) -> None:
    image = planted(30, 20)
    moved = np.roll(image, shift, axis=(0, 1))
    (before,), (after,) = (
        detect(i, masks=[MASK], scales=1, region=(15, 10, 60, 45)).detections
        for i in (image, moved)
    )
    assert (after.x, after.y) == pytest.approx((before.x + shift[1], before.y + shift[0]), abs=0.02)
    assert after.score == pytest.approx(before.score, abs=1e-5)


@pytest.mark.parametrize("at", [(20.0, 25.0), (20.3, 25.4), (19.75, 24.9), (20.5, 25.5)])
def test_the_peak_is_found_between_pixels(at: tuple[float, float]) -> None:
    rows, cols = np.mgrid[:40, :50] + 0.5
    blob = np.exp(-((rows - at[0]) ** 2 + (cols - at[1]) ** 2) / (2 * 3**2))
    (found,) = detect(np.repeat(blob[:, :, None], 3, 2), stack=BRIGHT).detections
    assert (found.y, found.x) == pytest.approx(at, abs=0.05)


@pytest.mark.parametrize("stride", [2, 4])
def test_a_coarse_grid_answers_in_pixels_of_the_image(stride: int) -> None:
    kernel = np.full((7, 7, 3, 1), 1 / 147, np.float32)
    stack = Stack(
        "coarse", (Conv(kernel, stride=(stride, stride)),), object=Size(7, 7), threshold=0
    )
    for row, col in ((20, 24), (21, 25), (3, 46), (36, 4)):
        (found,) = detect(dots((row, col, 1.0)), stack=stack).detections
        assert abs(found.y - (row + 0.5)) <= 3.5 + stride / 2
        assert abs(found.x - (col + 0.5)) <= 3.5 + stride / 2
        assert found.box.left <= col < found.box.left + found.box.width + stride


# --- order ------------------------------------------------------------------------------------------


def test_equal_scores_come_by_row_then_column() -> None:
    image = dots((30, 10, 1), (10, 40, 1), (10, 5, 1), (30, 45, 1))
    found = detect(image, stack=BRIGHT, top=9).detections
    assert [(d.y, d.x) for d in found] == [(10.5, 5.5), (10.5, 40.5), (30.5, 10.5), (30.5, 45.5)]


def test_detections_come_best_first_and_do_not_overlap_across_scales() -> None:
    image = planted(30, 20)
    result = detect(image, masks=[MASK], scales="0.7:1.4", top=20, threshold=-1)
    scores = [d.score for d in result.detections]
    assert scores == sorted(scores, reverse=True)
    assert len({d.scale for d in result.detections}) > 1
    for n, found in enumerate(result.detections):
        for better in result.detections[:n]:
            # boxes at the page's edge are cut after suppression
            if min(found.box.left, found.box.top, better.box.left, better.box.top) > 0:
                assert overlap(found.box, better.box) <= 0.5 + 0.1


def test_top_is_the_beginning_of_a_longer_list() -> None:
    image = planted(30, 20)
    long = detect(image, masks=[MASK], scales="0.7:1.4", top=12, threshold=-1)
    for top in (1, 3, 7):
        short = detect(image, masks=[MASK], scales="0.7:1.4", top=top, threshold=-1)
        assert short.detections == long.detections[:top]
        assert short.margin == long.margin


def test_the_same_image_gives_the_same_answer_twice() -> None:
    image = planted(30, 20)
    one, two = (detect(image, masks=[MASK], top=9, threshold=-1) for _ in range(2))
    assert one.detections == two.detections
    np.testing.assert_array_equal(one.activations, two.activations)


def test_two_masks_are_two_labels() -> None:
    other = np.random.default_rng(9).random((8, 8, 3), np.float32)
    image = planted(50, 40, mask=other, page=planted(10, 5))
    masks = [Mask("hat", MASK), Mask("stick", other)]
    result = detect(image, masks=masks, scales=1)
    assert {d.label: d.box for d in result.detections} == {
        "hat": Box(10, 5, 10, 13),
        "stick": Box(50, 40, 8, 8),
    }
    (only,) = detect(image, masks=masks, scales=1, labels=["stick"]).detections
    assert only.label == "stick"


def test_many_masks_give_what_each_gives_alone() -> None:
    masks = [Mask(f"m{n}", PAGE[n : n + 9, 3 * n : 3 * n + 9 + n % 2]) for n in range(5)]
    together = detect(PAGE, masks=masks, scales=1)
    alone = [d for m in masks for d in detect(PAGE, masks=[m], scales=1).detections]
    assert {(d.label, d.box) for d in together.detections} == {(d.label, d.box) for d in alone}


# --- verdict ----------------------------------------------------------------------------------------


def test_a_peak_at_the_threshold_is_found_and_one_below_is_not() -> None:
    image = dots((10, 10, 0.5), (30, 30, 0.25))
    assert len(detect(image, stack=BRIGHT, top=5, threshold=0.25).detections) == 2
    assert places(detect(image, stack=BRIGHT, top=5)) == [(10.5, 10.5)]  # the stack's own, 0.5
    assert not detect(image, stack=BRIGHT, threshold=0.6).found


def test_the_margin_is_the_distance_to_the_next_best_elsewhere() -> None:
    image = dots((10, 10, 0.75), (11, 11, 0.7), (30, 30, 0.5))
    for top in (1, 3):
        assert detect(image, stack=BRIGHT, top=top).margin == pytest.approx(0.25)
    assert detect(image, stack=BRIGHT, region=(10, 10, 1, 1)).margin is None  # one place only


def test_nothing_found_has_still_a_map_and_a_margin() -> None:
    result = detect(dots((10, 10, 0.25), (30, 30, 0.125)), stack=BRIGHT)
    assert (result.found, result.detections) == (False, ())
    assert result.margin == pytest.approx(0.125)
    assert np.unravel_index(result.activations.argmax(), (40, 50)) == (10, 10)


# --- the map ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scales", ["1", "0.5", "2", "0.5:2", "0.7,1.3"])
@pytest.mark.parametrize(("left", "top"), [(30, 20), (0, 0), (70, 47)])
def test_the_maximum_of_the_map_lies_at_the_best_detection(
    scales: str, left: int, top: int
) -> None:
    rng = np.random.default_rng(2)
    mask = resized(rng.random((7, 5, 3), np.float32), 10, 13)
    result = detect(planted(left, top, mask=mask), masks=[mask], scales=scales, threshold=-1)
    best = result.detections[0]
    row, col = int(best.y), int(best.x)
    around = result.activations[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
    assert around.max() == result.activations.max()
    assert result.activations.max() == pytest.approx(best.score, abs=1e-5)
    assert result.activations.dtype == np.float32
    assert np.isfinite(result.activations).all()


def test_at_scale_1_the_map_is_the_stacks_output() -> None:
    np.testing.assert_allclose(detect(PAGE, stack=BRIGHT).activations, PAGE.mean(axis=2), atol=1e-6)


# --- where to look ----------------------------------------------------------------------------------


def test_a_region_holds_the_answer_though_a_better_one_lies_outside() -> None:
    image = dots((10, 10, 1.0), (30, 30, 0.75))
    assert places(detect(image, stack=BRIGHT, region=(20, 20, 30, 20))) == [(30.5, 30.5)]
    assert places(detect(image, stack=BRIGHT, region=(-5, -5, 20, 20))) == [(10.5, 10.5)]
    assert not detect(image, stack=BRIGHT, region=(20, 0, 5, 5), threshold=0.1).found


@settings(max_examples=20, deadline=None)
@given(st.integers(-5, 70), st.integers(-5, 50), st.integers(6, 40), st.integers(6, 40))
def test_no_answer_lies_outside_the_region(left: int, top: int, width: int, height: int) -> None:
    region = (left, top, width, height)
    result = detect(PAGE, stack=BRIGHT, scales="0.7:1", top=5, threshold=0, region=region)
    for found in result.detections:
        assert left <= found.x <= left + width
        assert top <= found.y <= top + height


def test_a_prior_weighs_positive_scores() -> None:
    image = dots((10, 10, 1.0), (30, 30, 0.9))
    where = np.ones((40, 50), np.float32)
    where[:20] = 0.8
    result = detect(image, stack=BRIGHT, top=2, where=where)
    assert places(result) == [(30.5, 30.5), (10.5, 10.5)]
    assert [d.score for d in result.detections] == pytest.approx([0.9, 0.8])


def test_a_prior_of_ones_and_a_region_of_everything_change_nothing() -> None:
    image = planted(30, 20)
    plain = detect(image, masks=[MASK], top=5, threshold=-1)
    ones = np.ones((60, 80), np.float32)
    same = detect(image, masks=[MASK], top=5, threshold=-1, where=ones, region=(0, 0, 80, 60))
    assert same.detections == plain.detections
    np.testing.assert_array_equal(same.activations, plain.activations)


# --- closer looks -----------------------------------------------------------------------------------

# The first look finds what is bright; the closer one tells red from the rest.
RED_OR_NOT = np.array([[[[4, -4], [-4, 4], [-4, 4]]]], np.float32)
TWICE = Stack(
    "twice",
    (Combine("max"),),
    object=Size(5, 5),
    threshold=0.5,
    labels=("red", "other"),
    closer_looks=(
        CloserLook(
            Stack("closer", (Conv(RED_OR_NOT), Pointwise("softmax")), labels=("red", "other")),
            size=Size(5, 5),
            candidates=8,
            scales=(1.0, 0.8),
            mirrored=8,
        ),
    ),
)


def coloured() -> np.ndarray:
    image = dots()
    image[8:13, 8:13] = (1.0, 1.0, 1.0)
    image[28:33, 28:33] = (0.8, 0.0, 0.0)
    return image


def test_a_closer_look_puts_its_own_score_in_place_of_the_first() -> None:
    result = detect(coloured(), stack=TWICE)
    (found,) = result.detections
    assert found.label == "red"
    assert 28 <= found.x <= 33
    assert 28 <= found.y <= 33
    assert found.score > 0.95
    (other,) = detect(coloured(), stack=TWICE, labels=["other"]).detections
    assert 8 <= other.x <= 13
    assert other.score > 0.95


def test_after_a_closer_look_the_map_has_its_maximum_at_the_answer() -> None:
    result = detect(coloured(), stack=TWICE)
    row, col = np.unravel_index(result.activations.argmax(), result.activations.shape)
    assert 28 <= row < 33
    assert 28 <= col < 33
    assert result.activations.max() == pytest.approx(result.detections[0].score, abs=1e-5)
    assert result.activations[8:13, 8:13].max() < 0.5


def test_a_closer_look_heeds_the_region() -> None:
    image = coloured()
    assert not detect(image, stack=TWICE, region=(0, 0, 20, 20), threshold=0.6).found
    assert detect(image, stack=TWICE, region=(20, 20, 20, 20), threshold=0.6).found


def always(*answers: float) -> Stack:
    """Says the same of everything: `answers`, in the order of the labels red and other."""
    bias = np.log(np.array(answers, np.float32))
    conv = Conv(np.zeros((1, 1, 3, 2), np.float32), bias=bias)
    return Stack("always", (conv, Pointwise("softmax")), labels=("red", "other"))


def test_the_answers_of_closer_looks_are_pooled_by_their_geometric_mean() -> None:
    first = CloserLook(always(0.9, 0.1), Size(5, 5), candidates=8)
    again = CloserLook(always(0.2, 0.8), Size(5, 5), candidates=1)
    trace = Trace()
    detect(coloured(), stack=replace(TWICE, closer_looks=(first, again)), trace=trace)
    (look,) = trace.passes
    pooled = np.sqrt([0.9 * 0.2, 0.1 * 0.8])
    np.testing.assert_allclose(look.scores[0], pooled / pooled.sum(), rtol=1e-5)
    np.testing.assert_allclose(look.scores[1], [0.9, 0.1], rtol=1e-5)  # was shown to one look alone
    np.testing.assert_allclose(look.answers[1][0], [0.2, 0.8], rtol=1e-5)
    assert np.isnan(look.answers[1][1:]).all()


def test_a_closer_look_is_shown_the_best_by_the_labels_asked_for() -> None:
    sharp = TWICE.closer_looks[0]
    stack = replace(TWICE, closer_looks=(sharp, replace(sharp, candidates=1)))
    for label, inside in (("red", slice(28, 33)), ("other", slice(8, 13))):
        trace = Trace()
        detect(coloured(), stack=stack, labels=[label], trace=trace)
        (look,) = trace.passes
        (shown,) = np.flatnonzero(~np.isnan(look.answers[1][:, 0]))
        assert inside.start <= look.candidates[shown].x <= inside.stop


def test_a_closer_look_is_shown_the_best_again_mirrored() -> None:
    leaning = np.zeros((1, 3, 3, 2), np.float32)
    leaning[0, 0, 0, 0] = leaning[0, 2, 1, 1] = 3  # red on the left against green on the right
    look = CloserLook(
        Stack("leaning", (Conv(leaning), Pointwise("softmax")), labels=("red", "other")),
        Size(5, 5),
        4,
    )
    image = coloured()
    image[28:33, 31:33] = (0.0, 0.8, 0.0)

    def answers(count: int) -> np.ndarray:
        trace = Trace()
        detect(
            image, stack=replace(TWICE, closer_looks=(replace(look, mirrored=count),)), trace=trace
        )
        return trace.passes[0].answers[0]

    plain, once, all_of_them = answers(0), answers(1), answers(4)
    (shown,) = np.flatnonzero((once != plain).any(axis=1))
    assert shown == np.nanargmax(plain[:, 0])
    np.testing.assert_array_equal(once[shown], all_of_them[shown])
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(all_of_them))


def test_closer_looks_must_answer_alike() -> None:
    with pytest.raises(StackError, match="last layer must be softmax"):
        replace(TWICE, closer_looks=(CloserLook(BRIGHT, Size(5, 5), 3),))
    other = replace(always(0.5, 0.5), labels=("red", "blue"))
    with pytest.raises(StackError, match="the same labels"):
        replace(TWICE, closer_looks=(*TWICE.closer_looks, CloserLook(other, Size(5, 5), 3)))


# --- what cannot be used ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((9, 9), np.float32), "an image is"),
        (np.zeros((9, 9, 4), np.float32), "an image is"),
        (np.zeros((0, 9, 3), np.float32), "an image is"),
        (np.zeros((9, 9, 3), np.uint8), "divide by 255"),
        (np.zeros((9, 9, 3), complex), "real numbers"),
        (np.full((9, 9, 3), np.nan, np.float32), "NaN or infinity"),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        detect(image, stack=BRIGHT)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"top": 0}, "top is 0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"max_overlap": 1.5}, "max_overlap is 1.5"),
        ({"labels": ["odlaw"]}, "no label 'odlaw': bright has bright"),
        ({"scales": "0.01"}, "must fit inside"),
        ({"scales": 1e4}, "use a smaller one"),
        ({"region": (80, 0, 5, 5)}, "lies outside the 80x60 image"),
        ({"region": (0, 0, 0, 5)}, "region is 0x5"),
        ({"where": np.ones((60, 81))}, "must be of one size"),
        ({"where": np.full((60, 80), 1.5)}, "outside 0 to 1"),
        ({"where": np.full((60, 80), np.nan)}, "outside 0 to 1"),
        ({"masks": []}, "masks is empty"),
        ({"masks": [np.zeros((4, 4))]}, "a mask is"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_says_it(
    asked: dict[str, object], reason: str
) -> None:
    stack = None if "masks" in asked else BRIGHT
    with pytest.raises(InvalidInputError, match=reason):
        detect(PAGE, stack=stack, **asked)  # type: ignore[arg-type]


def test_a_mask_larger_than_the_image_is_an_error_that_says_both_sizes() -> None:
    with pytest.raises(InvalidInputError, match="what is sought is 80x60, the image 79x60"):
        detect(PAGE[:, 1:], masks=[PAGE], scales=1)
    assert detect(PAGE, masks=[PAGE], scales=1).detections[0].box == Box(0, 0, 80, 60)


def test_a_stack_that_wants_a_mask_or_none_says_so() -> None:
    with pytest.raises(InvalidInputError, match="looks for a mask"):
        detect(PAGE, stack="pixels")
    with pytest.raises(StackError, match="no mask layer"):
        detect(PAGE, stack=BRIGHT, masks=[MASK])

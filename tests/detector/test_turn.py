"""Turned images: found any way up, and told in pixels of the image as it was given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli import Box, Stack, detect
from waldo_cli.detector.passes import Trace
from waldo_cli.detector.turn import TURNS, box_back, point_back, turn_of, turned
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Combine, Conv, Pointwise
from waldo_cli.stack.stack import CloserLook


def red_over_blue() -> np.ndarray:
    """A kernel ``(6, 4, 3, 2)``: red above and blue below, and the opposite."""
    kernel = np.zeros((6, 4, 3, 2), np.float32)
    kernel[:3, :, 0, 0] = kernel[3:, :, 2, 0] = 1
    kernel[3:, :, 0, 0] = kernel[:3, :, 2, 0] = -1
    kernel[..., 1] = -kernel[..., 0]
    return kernel


# A whole flag gives 24, a part of one less.
UPRIGHT = Conv(red_over_blue(), bias=np.array([-18, 18], np.float32))
# Its product with itself is largest in the middle of what is coloured.
TENT = np.array([1, 2, 3, 4, 4, 3, 2, 1], np.float32) / 20

# The first pass finds what is coloured; the closer look tells which way up it is.
FLAG = Stack(
    "flag",
    (Combine("max"), Conv(np.outer(TENT, TENT)[:, :, None, None])),
    object=Size(6, 4),
    threshold=0.5,
    turn=True,
    labels=("flag", "other"),
    closer_looks=(
        CloserLook(
            Stack("up", (UPRIGHT, Pointwise("softmax")), labels=("flag", "other")),
            size=Size(6, 4),
            candidates=8,
        ),
    ),
)


def flag() -> np.ndarray:
    """A flag with its corner at 20, 10 in an image of 60x40."""
    image = np.zeros((40, 60, 3), np.float32)
    image[10:13, 20:24, 0] = image[13:16, 20:24, 2] = 1
    return image


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_image_is_found_and_told_in_its_own_pixels(turn: int) -> None:
    image = turned(flag(), turn)  # so it must be turned on by 360 - turn
    result = detect(image, stack=FLAG)
    (found,) = result.detections
    assert result.turned == (360 - turn) % 360
    assert (result.width, result.height) == image.shape[1::-1]
    assert result.activations.shape == image.shape[:2]
    box = found.box
    inside = image[box.top : box.top + box.height, box.left : box.left + box.width]
    assert inside.sum() > 0.6 * image.sum()
    assert box.left < found.x < box.left + box.width
    assert box.top < found.y < box.top + box.height
    assert result.activations[int(found.y), int(found.x)] == result.activations.max()


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_that_is_given_is_the_only_one(turn: int) -> None:
    for needed in TURNS:
        result = detect(turned(flag(), (360 - needed) % 360), stack=FLAG, turn=turn)
        assert result.turned == turn
        assert result.found == (turn == needed)


def test_a_mask_in_an_image_that_lies_on_its_side_is_told_as_it_lies_there() -> None:
    mask = flag()[8:18, 18:26]
    (found,) = detect(turned(flag(), 90), masks=[mask], scales=1, turn=270).detections
    assert found.angle == -90
    assert found.polygon is not None
    assert sorted({x for x, _ in found.polygon}) == [
        found.box.left,
        found.box.left + found.box.width,
    ]
    assert found.polygon[0][0] > found.polygon[3][0]  # its top side is on the right


def test_an_image_that_shows_nothing_stays_as_it_is() -> None:
    for turn in ("auto", "none", 0):
        result = detect(flag()[:, :20], stack=FLAG, turn=turn)
        assert (result.found, result.turned) == (False, 0)
    assert not detect(turned(flag(), 90), stack=replace(FLAG, turn=False)).found


def test_the_turn_that_is_sure_gives_the_answer_though_the_find_is_not() -> None:
    faint = np.float32(0.765) * flag()
    upright = detect(faint, stack=FLAG, turn="none")
    assert upright.best is not None
    assert 0.5 < upright.best.score < 0.8
    result = detect(turned(faint, 90), stack=FLAG)
    assert (result.found, result.turned) == (True, 270)


def test_where_two_turns_are_as_likely_the_image_stays_as_it_is() -> None:
    for dimmed, expected in ((1.0, 0), (0.995, 0), (0.9, 270)):
        image = np.maximum(turned(flag(), 90), np.float32(dimmed) * turned(flag(), 270))
        assert detect(image, stack=FLAG).turned == expected


@pytest.mark.parametrize("size", [(8, 8), (13, 13), (14, 300), (300, 10), (20, 20_000)])
def test_what_fits_upright_alone_is_searched_upright(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*size, 3), np.float32)
    assert detect(image).turned == 0


def with_a_friend() -> Stack:
    """`FLAG`, which knows another flag, too: it is green over blue."""
    kernel = np.zeros((6, 4, 3, 3), np.float32)
    kernel[..., 0] = red_over_blue()[..., 0]
    kernel[..., 1] = kernel[:, :, [1, 0, 2], 0]
    up = Conv(kernel, bias=np.array([-18, -18, 0], np.float32))
    labels = ("flag", "friend", "other")
    (look,) = FLAG.closer_looks
    look = replace(look, stack=Stack("up", (up, Pointwise("softmax")), labels=labels))
    return replace(FLAG, labels=labels, closer_looks=(look,))


def test_a_turn_in_which_nothing_looks_better_is_not_taken() -> None:
    """Somebody else stands on his head, but what is sought is seen best as the image is."""
    stack = with_a_friend()
    image = 0.77 * flag()
    (found,) = detect(image, stack=stack, turn="none").detections
    image[23:26, 40:44, 2] = image[26:29, 40:44, 1] = 1
    assert detect(image, stack=stack, labels=["friend"]).turned == 180
    result = detect(image, stack=stack)
    assert (result.turned, result.detections) == (0, (found,))
    assert found.score < 0.8


def test_whoever_else_is_known_tells_which_way_is_up() -> None:
    """A flag that stands on its head is no find on a page where somebody else stands upright."""
    stack = with_a_friend()
    alone = turned(0.9 * flag(), 180)
    result = detect(alone, stack=stack)
    assert (result.found, result.turned) == (True, 180)
    with_friend = alone.copy()
    with_friend[10:13, 40:44, 1] = with_friend[13:16, 40:44, 2] = 1
    assert detect(with_friend, stack=stack, labels=["friend"]).found
    result = detect(with_friend, stack=stack)
    assert (result.found, result.turned) == (False, 0)


def test_region_and_prior_are_turned_with_the_image() -> None:
    image = turned(flag(), 90)  # 40 wide, the flag's middle at 27, 22
    assert detect(image, stack=FLAG, region=(20, 15, 15, 15)).turned == 270
    assert not detect(image, stack=FLAG, region=(0, 30, 20, 20)).found
    where = np.zeros(image.shape[:2], np.float32)
    assert not detect(image, stack=FLAG, where=where).found
    where[15:30, 20:35] = 1
    assert detect(image, stack=FLAG, where=where).turned == 270


def test_a_trace_holds_the_passes_of_the_answer() -> None:
    for turn in (0, 90):
        trace = Trace()
        detect(turned(flag(), turn), stack=FLAG, trace=trace)
        (seen,) = trace.passes
        assert seen.maps.image == (40, 60)  # of the image upright, which was searched


@given(st.sampled_from(TURNS), st.integers(1, 9), st.integers(1, 9), st.data())
def test_places_go_back_to_where_they_were(
    turn: int, rows: int, cols: int, data: st.DataObject
) -> None:
    image = np.arange(rows * cols).reshape(rows, cols)
    there = turned(image, turn)
    row = data.draw(st.integers(0, there.shape[0] - 1))
    col = data.draw(st.integers(0, there.shape[1] - 1))
    x, y = point_back(col + 0.5, row + 0.5, turn, Size(rows, cols))
    assert image[int(y), int(x)] == there[row, col]
    assert box_back(Box(col, row, 1, 1), turn, Size(rows, cols)) == Box(int(x), int(y), 1, 1)


def test_what_is_no_turn_is_refused() -> None:
    assert [turn_of(spec) for spec in ("auto", "none", "90", 180)] == [None, 0, 90, 180]
    for spec in ("left", 45, "-90", 360):
        with pytest.raises(InvalidInputError, match="give auto, none, 90, 180 or 270"):
            detect(flag(), stack=FLAG, turn=spec)

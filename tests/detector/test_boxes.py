"""The box look: boxes of finds as they are seen, not as the step of a scale has them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from planted import dots

from waldo_cli import Stack, detect
from waldo_cli.detector.boxes import boxed
from waldo_cli.detector.closer import look_closer
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.stack.layers import Combine, Conv, Pointwise
from waldo_cli.stack.stack import BoxLook, CloserLook

SIDE = 21  # of a cut

detect_module = sys.modules["waldo_cli.detector.detect"]  # the function has the same name


def weighing(width: float = 1.0, height: float = 1.0) -> BoxLook:
    """Says where the centre of gravity of a white patch of 25 px lies, and always these sides."""
    kernel = np.zeros((SIDE, SIDE, 3, 4), np.float32)
    away = (np.arange(SIDE) - SIDE // 2) / (25 * 3 * 5)  # of 25 px in 3 channels, in sides of 5 px
    kernel[:, :, :, 0], kernel[:, :, :, 1] = away[None, :, None], away[:, None, None]
    bias = np.array([0, 0, np.log(width), np.log(height)], np.float32)
    return BoxLook(Stack("weighing", (Conv(kernel, bias=bias),)), Size(5, 5))


def patch(left: int, top: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    image = np.zeros((*size, 3), np.float32)
    image[top : top + 5, left : left + 5] = 1
    return image


def at(x: float, y: float, scale: float = 1.0) -> Detection:
    return Detection("it", x, y, 0.9, Box(int(x - 2), int(y - 2), 5, 5), scale)


@pytest.mark.parametrize(("left", "top"), [(30, 20), (28, 21), (31, 18)])
def test_the_box_moves_to_where_the_object_is_seen(left: int, top: int) -> None:
    (found,) = boxed(weighing(), patch(left, top), [at(32.5, 22.5)], Size(5, 5))
    assert found.box == Box(left, top, 5, 5)
    assert (found.x, found.y, found.score, found.scale) == (32.5, 22.5, 0.9, 1.0)


def test_each_find_gets_its_own_box_and_moves_with_it() -> None:
    image = patch(10, 11) + patch(52, 40)
    finds = [at(11.5, 13.5), at(54.5, 43.5)]
    boxes = [found.box for found in boxed(weighing(), image, finds, Size(5, 5))]
    assert boxes == [Box(10, 11, 5, 5), Box(52, 40, 5, 5)]
    shifted = np.roll(image, (3, 7), axis=(0, 1))
    finds = [replace(found, x=found.x + 7, y=found.y + 3) for found in finds]
    boxes = [found.box for found in boxed(weighing(), shifted, finds, Size(5, 5))]
    assert boxes == [Box(17, 14, 5, 5), Box(59, 43, 5, 5)]


def test_sides_and_shifts_are_in_sizes_of_the_object_at_the_finds_scale() -> None:
    (found,) = boxed(weighing(2, 0.6), patch(30, 20), [at(32.5, 22.5)], Size(5, 5))
    assert found.box == Box(28, 21, 10, 3)
    image = np.kron(patch(14, 9, (30, 40)), np.ones((4, 4, 1), np.float32))
    # Twice as large as the stack's object of 10 px is four times as large as it is in the cut.
    (found,) = boxed(weighing(), image, [at(64, 46, 2.0)], Size(10, 10))
    assert found.box == Box(56, 36, 20, 20)


def test_a_box_holds_the_finds_place_and_stays_in_the_image() -> None:
    """Whatever is said: it is moved by at most half a side, and grows or shrinks by at most e."""
    bias = np.array([0, -90, 90, -90], np.float32)
    wild = BoxLook(
        Stack("wild", (Conv(np.zeros((9, 9, 3, 4), np.float32), bias=bias),)), Size(9, 9)
    )
    (found,) = boxed(wild, patch(30, 20), [at(40.5, 30.5)], Size(9, 9))
    assert found.box == Box(28, 27, 25, 4)
    (found,) = boxed(wild, patch(30, 20), [at(0.5, 0.5)], Size(9, 9))
    assert found.box == Box(0, 0, 13, 1)
    nothing = replace(wild, stack=Stack("no", (Conv(np.full((1, 1, 3, 4), np.nan, np.float32)),)))
    with pytest.raises(InvalidInputError, match="NaN"):
        boxed(nothing, patch(30, 20), [at(40.5, 30.5)], Size(9, 9))
    huge = replace(wild, stack=Stack("huge", (Conv(np.full((1, 1, 3, 4), -3e38, np.float32)),)))
    with pytest.raises(InvalidInputError, match="infinity"):
        boxed(huge, np.ones((60, 80, 3), np.float32), [at(40.5, 30.5)], Size(9, 9))


def test_where_boxes_grow_into_each_other_the_best_find_stays_and_the_next_ones_follow() -> None:
    image = dots((10, 10, 1.0), (10, 14, 0.9), (30, 30, 0.8), (20, 40, 0.3))
    bias = np.log([1, 1, 2, 2]).astype(np.float32)
    twice = BoxLook(
        Stack("twice", (Conv(np.zeros((1, 1, 3, 4), np.float32), bias=bias),)), Size(3, 3)
    )
    plain = Stack("bright", (Combine("mean"),), object=Size(3, 3), threshold=0.5)
    stack = replace(plain, box_look=twice)
    assert [d.box.xywh for d in detect(image, stack=plain, top="all").detections] == [
        (9, 9, 3, 3), (13, 9, 3, 3), (29, 29, 3, 3)
    ]  # fmt: skip
    for top in (2, 3, "all"):
        result = detect(image, stack=stack, top=top, max_overlap=0.3)
        assert [d.box.xywh for d in result.detections] == [(8, 8, 6, 6), (28, 28, 6, 6)]
    assert [d.score for d in detect(image, stack=stack, top=9, max_overlap=0.5).detections] == [
        pytest.approx(score) for score in (1.0, 0.9, 0.8)
    ]
    result = detect(image, stack=stack, max_overlap=0.3)
    assert result.detections[0].box == Box(8, 8, 6, 6)
    assert result.margin == pytest.approx(0.2)  # before the next place elsewhere
    result = detect(image, stack=stack, threshold=2.0)
    assert not result.found
    assert result.best.box == Box(8, 8, 6, 6)


def test_a_box_look_says_four_numbers_of_a_cut() -> None:
    three = Stack("three", (Conv(np.zeros((1, 1, 3, 3), np.float32)),))
    with pytest.raises(StackError, match="1 places of 3 channels of a cut: 1 of 4"):
        BoxLook(three, Size(5, 5))
    many = Stack("many", (Conv(np.zeros((3, 3, 3, 4), np.float32), padding="edge"),))
    with pytest.raises(StackError, match="9 places of 4 channels"):
        BoxLook(many, Size(5, 5))


def test_the_closer_looks_see_the_best_candidates_again_in_the_middle_of_their_boxes() -> None:
    """What is white is it, says the closer look of the one pixel that it sees."""
    white = np.array([[[[1, -1], [1, -1], [1, -1]]]], np.float32)
    bias = np.array([-1, 1], np.float32)
    seen = Stack("white", (Conv(white, bias=bias), Pointwise("softmax")), labels=("it", "other"))
    bright, dark = 1 / (1 + np.exp(-4)), 1 / (1 + np.exp(2))
    first = Stack(
        "first",
        (Combine("mean"),),
        object=Size(5, 5),
        closer_looks=(CloserLook(seen, Size(5, 5), candidates=9),),
        box_look=replace(weighing(), candidates=2),
    )
    # Just beside the patch, right in it, and far away.
    candidates = [at(29.5, 22.5), at(32.5, 22.5), at(60.5, 50.5)]
    image = patch(30, 20)
    for count, expected in (
        (0, [dark, bright, dark]),
        (1, [dark, bright, dark]),
        (2, [(dark, bright, bright), bright, dark]),
    ):
        stack = replace(first, box_look=replace(weighing(), candidates=count))
        (answers,), scores = look_closer(stack, image, candidates, None, [0], None)
        for score, answer, said in zip(scores[:, 0], answers[:, 0], expected, strict=True):
            yes = np.exp(np.mean(np.log(np.atleast_1d(said))))
            no = np.exp(np.mean(np.log(1 - np.atleast_1d(said))))
            assert score == answer == pytest.approx(yes / (yes + no), abs=1e-5)
    (found,) = detect(image, stack=first).detections
    assert found.box == Box(30, 20, 5, 5)


def test_boxes_are_asked_for_of_the_finds_of_what_is_sought_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Stack(
        "seen", (Conv(np.ones((1, 1, 3, 2), np.float32)), Pointwise("softmax")), labels=("it", "no")
    )
    stack = Stack(
        "first",
        (Combine("mean"),),
        object=Size(3, 3),
        threshold=0.4,
        closer_looks=(CloserLook(seen, Size(3, 3), candidates=40),),
        box_look=replace(weighing(), size=Size(3, 3)),
    )
    asked: list[int] = []
    honest = detect_module.boxed

    def counted(
        look: BoxLook, image: object, finds: list[Detection], size: Size
    ) -> list[Detection]:
        asked.append(len(finds))
        return honest(look, image, finds, size)

    monkeypatch.setattr(detect_module, "boxed", counted)
    image = dots(*((row, col, 1.0) for row in range(4, 40, 6) for col in range(4, 50, 6)))
    detect(image, stack=stack)
    assert asked == [2]  # the find, and the next place
    asked.clear()
    detect(image, stack=stack, labels=["no"], threshold=0.9)
    assert asked == [2]
    asked.clear()
    found = detect(image, stack=stack, top="all").detections
    assert sum(asked) == len(found) == 40

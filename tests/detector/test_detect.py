"""From an image to an answer: places, sizes, order and verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from planted import BRIGHT, MASK, PAGE, dots, places, planted, resized

from waldo_cli import Box, Stack, detect, find_all
from waldo_cli.detector.peaks import overlap
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Conv

# --- where and how large --------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 70), st.integers(0, 47))
def test_a_planted_mask_is_found_exactly_wherever_it_lies(left: int, top: int) -> None:
    (found,) = detect(planted(left, top), masks=[MASK], scales=1).detections
    assert found.box == Box(left, top, 10, 13)
    assert found.x == pytest.approx(left + 5, abs=0.1)
    assert found.y == pytest.approx(top + 6.5, abs=0.1)
    assert found.score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("factor", [0.5, 0.71, 1.0, 1.41, 2.0])
def test_a_mask_at_another_size_is_found_and_the_scale_says_how_large(factor: float) -> None:
    rng = np.random.default_rng(5)
    mask = resized(rng.random((9, 8, 3), np.float32), 32, 36)  # a picture, not noise
    page = resized(rng.random((40, 50, 3), np.float32), 200, 160)
    width, height = round(32 * factor), round(36 * factor)
    image = planted(90, 60, mask=resized(mask, width, height), page=page)
    (found,) = detect(image, masks=[mask], scales="0.5:2").detections
    assert found.scale == pytest.approx(factor, rel=0.1)
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
@given(
    st.integers(8, 40), st.integers(8, 40), st.integers(0, 10**6), st.sampled_from([0.5, 1, 1.6])
)
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


# --- order ----------------------------------------------------------------------------------------


def test_equal_scores_come_by_row_then_column() -> None:
    image = dots((30, 10, 1), (10, 40, 1), (10, 5, 1), (30, 45, 1))
    found = detect(image, stack=BRIGHT, top=9).detections
    assert [(d.y, d.x) for d in found] == [(10.5, 5.5), (10.5, 40.5), (30.5, 10.5), (30.5, 45.5)]


def test_detections_come_best_first_and_do_not_overlap_across_scales() -> None:
    image = planted(30, 20)
    result = detect(image, masks=[MASK], scales="0.7:1.4", top=20, threshold=-1)
    scores = [round(d.score, 4) for d in result.detections]  # what differs by less is the same
    assert scores == sorted(scores, reverse=True)
    assert len({d.scale for d in result.detections}) > 1
    for n, found in enumerate(result.detections):
        for better in result.detections[:n]:
            # boxes at the page's edge are cut after suppression
            boxes = (found.box, better.box)
            if all(0 < b.left < 80 - b.width and 0 < b.top < 60 - b.height for b in boxes):
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


# --- verdict --------------------------------------------------------------------------------------


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


def test_an_image_may_be_a_file_bytes_or_a_picture(tmp_path: Path) -> None:
    pixels = (PAGE * 255).astype(np.uint8)
    expected = detect(pixels.astype(np.float32) / np.float32(255), stack=BRIGHT).detections
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "page.png")
    path = tmp_path / "page.png"
    for image in (pixels, picture, str(path), path, path.read_bytes()):
        assert detect(image, stack=BRIGHT).detections == expected


def test_a_single_mask_need_not_be_in_a_list(tmp_path: Path) -> None:
    path = tmp_path / "thing.png"
    Image.fromarray((PAGE[10:30, 20:50] * 255).astype(np.uint8)).save(path)
    (found,) = detect(PAGE, masks=str(path), scales=1).detections
    assert found.label == "thing"
    left, top, width, height = found.box
    assert (left, top, width, height) == found.box.xywh == (20, 10, 30, 20)
    assert found.box.xyxy == (20, 10, 50, 30)


def test_a_mask_may_be_whatever_an_image_may_be(tmp_path: Path) -> None:
    pixels = (PAGE[10:30, 20:50] * 255).astype(np.uint8)
    picture, path = Image.fromarray(pixels), tmp_path / "thing.png"
    picture.save(path)
    expected = detect(PAGE, masks=[path], scales=1).detections
    deep = pixels.astype(np.uint16) * 257
    with path.open("rb") as file:
        for mask in (path, path.read_bytes(), file, picture, pixels, deep, pixels / 255):
            (found,) = detect(PAGE, masks=mask, scales=1).detections
            assert found.label == ("thing" if mask is path else "mask1")
            assert (found.box, found.score) == (
                expected[0].box,
                pytest.approx(expected[0].score, abs=1e-6),
            )
    both = detect(PAGE, masks=[pixels, PAGE[:9, :9]], scales=1)
    assert both.labels == ("mask1", "mask2")


def test_the_alpha_of_a_picture_or_an_array_weighs_the_pixels_of_a_mask() -> None:
    alpha = np.full((13, 10, 1), 255, np.uint8)
    alpha[4:9, 3:7] = 0
    pixels = np.dstack([(MASK * 255).astype(np.uint8), alpha])
    pixels[4:9, 3:7, :3] = 0
    for mask in (pixels, pixels / 255, Image.fromarray(pixels)):
        (found,) = detect(planted(30, 20), masks=mask, scales=1).detections
        assert found.box == Box(30, 20, 10, 13)
        assert found.score > 0.999


def test_all_places_of_a_mask_are_found_at_its_own_size(tmp_path: Path) -> None:
    image = planted(50, 40, page=planted(10, 5, page=planted(20, 30)))
    path = tmp_path / "hat.png"
    Image.fromarray((MASK * 255).astype(np.uint8)).save(path)
    found = find_all(image, path)
    assert {f.box.xywh for f in found} == {(50, 40, 10, 13), (10, 5, 10, 13), (20, 30, 10, 13)}
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert found == detect(image, masks=path, scales=1, top="all").detections
    assert [f.box.left for f in find_all(image, path, region=(40, 30, 40, 30))] == [50]
    assert find_all(PAGE, MASK) == ()
    assert len(find_all(PAGE, MASK, threshold=-1)) > 3
    (twice,) = find_all(resized(MASK, 20, 26), MASK, scales=2)
    assert twice.scale == pytest.approx(2, rel=0.05)


# --- what cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((9, 9, 2), np.float32), "an image is"),
        (np.zeros((9, 9, 3, 3), np.float32), "an image is"),
        (np.zeros((0, 9, 3), np.float32), "an image is"),
        (np.zeros((9, 9, 3), np.int16), r"floats in \[0, 1\], uint8 or uint16, not int16"),
        (np.full((9, 9, 3), 255.0), "this one has 255 to 255: divide it"),
        (np.full((9, 9, 3), -7.0), "this one has -7 to -7"),
        (np.zeros((9, 9, 3), complex), "real numbers"),
        (np.full((9, 9, 3), np.nan, np.float32), "NaN or infinity"),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        detect(image, stack=BRIGHT)


def test_a_mask_larger_than_the_image_is_an_error_that_says_both_sizes() -> None:
    with pytest.raises(InvalidInputError, match="what is sought is 80x60, the image 79x60"):
        detect(PAGE[:, 1:], masks=[PAGE], scales=1)
    assert detect(PAGE, masks=[PAGE], scales=1).detections[0].box == Box(0, 0, 80, 60)

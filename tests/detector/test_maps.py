"""The map behind an answer, and the region and the prior that say where to look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import BRIGHT, MASK, PAGE, dots, places, planted, resized

from waldo_cli import detect

# --- the map --------------------------------------------------------------------------------------


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


# --- where to look --------------------------------------------------------------------------------


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

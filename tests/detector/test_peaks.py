"""Local maxima, their sub-pixel place, and non-maximum suppression."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.detector.peaks import local_maxima, overlap, refine, suppress
from waldo_cli.geometry import Box


def grid(seed: int, shape: tuple[int, int] = (17, 23), levels: int = 1000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, shape).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_a_local_maximum_has_no_larger_neighbour_and_every_such_cell_is_one(seed: int) -> None:
    scores = grid(seed, levels=20)
    expected = set()
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            around = scores[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            if scores[i, j] >= around.max():
                expected.add((i, j))
    found = local_maxima(scores, scores.size)
    assert {(int(i), int(j)) for i, j in found} == expected


@pytest.mark.parametrize("levels", [3, 1000])
def test_maxima_come_best_first_and_equal_ones_by_row_then_column(levels: int) -> None:
    scores = grid(7, levels=levels)
    found = [(-scores[i, j], i, j) for i, j in local_maxima(scores, scores.size)]
    assert found == sorted(found)


@pytest.mark.parametrize("limit", [1, 2, 5, 30])
@pytest.mark.parametrize("levels", [2, 1000])
def test_a_limit_keeps_the_beginning_of_the_whole_order(limit: int, levels: int) -> None:
    scores = grid(11, levels=levels)
    whole = local_maxima(scores, scores.size)
    np.testing.assert_array_equal(local_maxima(scores, limit), whole[:limit])


def test_nan_and_minus_infinity_are_no_maxima() -> None:
    scores = np.full((5, 9), -np.inf, np.float32)
    scores[2, 2], scores[2, 7] = 1.0, np.nan
    assert local_maxima(scores, 9).tolist() == [[2, 2]]
    assert local_maxima(np.full((3, 3), -np.inf, np.float32), 9).shape == (0, 2)


def test_a_map_of_one_cell_has_one_maximum() -> None:
    assert local_maxima(np.zeros((1, 1), np.float32), 4).tolist() == [[0, 0]]


@given(st.floats(-0.45, 0.45), st.floats(-0.45, 0.45))
def test_the_summit_of_a_parabola_is_found_between_cells(dy: float, dx: float) -> None:
    rows, cols = np.mgrid[:7, :9]
    scores = (10 - (rows - 3 - dy) ** 2 - 2 * (cols - 4 - dx) ** 2).astype(np.float32)
    assert refine(scores, 3, 4) == pytest.approx((dy, dx), abs=1e-4)


def test_no_summit_is_sought_at_the_edge_or_on_flat_ground() -> None:
    flat = np.ones((4, 4), np.float32)
    assert refine(flat, 1, 1) == (0, 0)
    slope = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert refine(slope, 3, 3) == (0, 0)
    assert refine(np.ones((1, 1), np.float32), 0, 0) == (0, 0)


def test_a_neighbour_that_is_minus_infinity_moves_nothing() -> None:
    scores = np.array([[0, 0, 0], [-np.inf, 1, 0.5], [0, 0, 0]], np.float32)
    assert refine(scores, 1, 1)[1] == 0


def test_overlap_is_a_share_of_the_smaller_box() -> None:
    a = Box(0, 0, 10, 10)
    assert overlap(a, a) == 1
    assert overlap(a, Box(2, 2, 3, 3)) == 1  # a box within a box
    assert overlap(a, Box(5, 0, 10, 10)) == 0.5
    assert overlap(a, Box(10, 0, 10, 10)) == 0  # side by side
    assert overlap(a, Box(30, 40, 2, 2)) == 0


class Numbered(NamedTuple):
    """A box that is known by its place in the order."""

    index: int
    box: Box


boxes = st.lists(
    st.builds(Box, st.integers(0, 20), st.integers(0, 20), st.integers(1, 9), st.integers(1, 9)),
    max_size=12,
)


@given(boxes, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_suppression_keeps_the_best_and_drops_only_what_overlaps_a_better_one(
    listed: list[Box], limit: float
) -> None:
    kept = [one.index for one in suppress(map(Numbered, range(99), listed), limit)]
    assert kept == sorted(kept)
    assert kept[:1] == list(range(len(listed)))[:1]
    for n, box in enumerate(listed):
        clashes = [k for k in kept if k < n and overlap(box, listed[k]) > limit]
        assert (n in kept) == (not clashes)


def test_suppression_reads_no_further_than_asked() -> None:
    read = []

    def endless() -> Iterator[Numbered]:
        for n in range(10**9):
            read.append(n)
            yield Numbered(n, Box(20 * n, 0, 5, 5))

    keep = suppress(endless(), 0.5)
    assert [next(keep).index for _ in range(3)] == [0, 1, 2]
    assert len(read) == 3


@pytest.mark.parametrize("max_overlap", [0, 0.2, 0.5, 0.9, 1])
def test_suppression_compares_with_every_box_that_stays(max_overlap: float) -> None:
    """Boxes of many sizes, some outside the image, against the plain way."""
    rng = np.random.default_rng(3)
    sizes = rng.choice([1, 5, 10, 14, 20, 40, 80, 300], (600, 2))
    boxes = [
        Numbered(n, Box(int(x), int(y), int(w), int(h)))
        for n, ((x, y), (w, h)) in enumerate(
            zip(rng.integers(-50, 400, (600, 2)), sizes, strict=True)
        )
    ]
    kept: list[Numbered] = []
    for one in boxes:
        if all(overlap(one.box, better.box) <= max_overlap for better in kept):
            kept.append(one)
    assert list(suppress(boxes, max_overlap)) == kept


def test_suppression_of_a_hundred_thousand_takes_seconds() -> None:
    boxes = [Numbered(n, Box(7 * (n % 400), 7 * (n // 400), 8, 8)) for n in range(100_000)]
    began = time.process_time()
    assert len(list(suppress(boxes, 0.5))) == len(boxes)
    assert time.process_time() - began < 20

"""Maps laid over the image: the same values row by row, turned, and around a part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli import Box, Detection
from waldo_cli.detector.maps import Grid
from waldo_cli.detector.overlay import Overlay, merged
from waldo_cli.detector.turn import TURNS, turned, turned_back
from waldo_cli.geometry import Size

IMAGE = Size(40, 60)


def grids(seed: int = 0) -> list[Grid]:
    """A coarse map, one of the image's size and one that is finer."""
    rng = np.random.default_rng(seed)
    return [
        Grid(rng.random((10, 15), np.float32), (2.0, 2.0), (4.0, 4.0)),
        Grid(rng.random((40, 60), np.float32), (0.5, 0.5), (1.0, 1.0)),
        Grid(rng.random((80, 120), np.float32), (0.25, 0.25), (0.5, 0.5)),
    ]


def overlay(part: Box | None = None, **others: float) -> Overlay:
    part = part or Box(0, 0, IMAGE.cols, IMAGE.rows)
    return Overlay(merged(grids(), Size(part.height, part.width)), IMAGE, part, **others)


def bilinear(grid: Grid, y: float, x: float) -> float:
    """The value of a map at a place, by the formula."""
    H, W = grid.values.shape
    at = [
        min(max((p - o) / s, 0), n - 1)
        for p, o, s, n in zip((y, x), grid.origin, grid.step, (H, W), strict=True)
    ]
    (i, j), (a, b) = (int(at[0]), int(at[1])), (at[0] % 1, at[1] % 1)
    k, m = min(i + 1, H - 1), min(j + 1, W - 1)
    v = grid.values
    return (1 - a) * ((1 - b) * v[i, j] + b * v[i, m]) + a * ((1 - b) * v[k, j] + b * v[k, m])


def test_every_pixel_has_the_largest_value_of_all_maps() -> None:
    fine = grids()[1:]
    whole = Overlay(merged(fine, IMAGE), IMAGE, Box(0, 0, 60, 40)).whole()
    for row, col in ((0, 0), (13, 27), (39, 59)):
        values = [bilinear(grid, row + 0.5, col + 0.5) for grid in fine]
        assert whole[row, col] == pytest.approx(max(values), abs=1e-6)


@given(first=st.integers(0, 39), last=st.integers(1, 40), step=st.integers(1, 7))
def test_rows_are_those_of_the_whole(first: int, last: int, step: int) -> None:
    for one in (overlay(), overlay(Box(5, 7, 20, 30))):
        for turn in TURNS:
            there = one.turned_back(turn) if turn else one
            wanted = slice(first, max(last, first + 1), step)
            np.testing.assert_array_equal(there[wanted], there.whole()[wanted])


@pytest.mark.parametrize("turn", TURNS[1:])
def test_turned_back_it_is_the_map_turned_back(turn: int) -> None:
    size = IMAGE if turn == 180 else Size(*IMAGE[::-1])  # before it was turned
    found = Detection("", 12.5, 30.5, 7, Box(10, 28, 5, 5), 1)
    one = overlay().raised_at([found])
    back = one.turned_back(turn)
    assert back.shape == size
    np.testing.assert_array_equal(back.whole(), turned(one.whole(), 360 - turn))
    there = turned_back(found, turn, size)
    assert back.whole()[int(there.y), int(there.x)] == 7 == back.max()


def test_around_a_part_is_its_lowest_value() -> None:
    part = Box(5, 7, 20, 30)
    whole = overlay(part).whole()
    inside = whole[part.slices]
    outside = np.ones(IMAGE, bool)
    outside[part.slices] = False
    assert set(whole[outside]) == {inside.min()}
    assert whole.max() == overlay(part).max()


def test_a_limit_lowers_and_a_detection_raises() -> None:
    limited = overlay(limit=0.5)
    assert limited.max() == 0.5
    raised = limited.raised_at([Detection("", 60.0, 40.0, 0.75, Box(55, 35, 5, 5), 1)])
    assert raised.max() == raised.whole()[39, 59] == 0.75

"""The learning curve, and what it says of twice as many pages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.training.curve import Point, doubled, interval, part_of, point, told
from waldo_cli.training.data import Head, TrainingPage


def page(name: str, artwork: str, *, shows: bool) -> TrainingPage:
    heads = (Head(0, 1, 1, 9, 11),) if shows else ()
    kind = "page" if shows else "without"
    return TrainingPage(name, artwork, kind, np.zeros((20, 20, 3), np.uint8), heads)


PAGES = [page(f"{n}{scan}", str(n), shows=n < 12) for n in range(16) for scan in "ab"]


def test_a_share_is_of_drawings_and_a_smaller_one_is_a_part_of_a_larger() -> None:
    half = part_of(PAGES, 0.5, seed=3)
    assert len({p.artwork for p in half if p.heads}) == 6
    assert len({p.artwork for p in half if not p.heads}) == 2
    assert len(half) == 16, "all scans of a drawing stay together"
    assert {p.name for p in part_of(PAGES, 0.25, seed=3)} < {p.name for p in half}
    assert part_of(PAGES, 0.5, seed=4) != half
    assert part_of(PAGES, 1.0, seed=3) == PAGES
    assert len({p.artwork for p in part_of(PAGES, 0.01, seed=3)}) == 2


@pytest.mark.parametrize(("hits", "of"), [(0, 12), (7, 9), (40, 50), (50, 50)])
def test_the_interval_is_wilsons(hits: int, of: int) -> None:
    expected = stats.binomtest(hits, of).proportion_ci(0.95, "wilson")
    assert interval(hits, of) == pytest.approx((expected.low, expected.high), abs=1e-4)


def firsts(share: float, of: int = 200) -> dict[str, bool]:
    return {str(n): n < share * of for n in range(of)}


def test_misses_that_halve_with_each_doubling_halve_once_more() -> None:
    twice = doubled([10, 20, 40], [firsts(0.6), firsts(0.8), firsts(0.9)])
    assert twice is not None
    assert twice.drawings == 80
    assert twice.share == pytest.approx(0.95, abs=0.005)
    assert twice.low < 0.95 < twice.high
    assert twice.certain


def test_points_that_do_not_rise_promise_nothing() -> None:
    flat = doubled([10, 20, 40], [firsts(0.8), firsts(0.81), firsts(0.79)])
    assert flat is not None
    assert flat.share == pytest.approx(0.8, abs=0.02)
    assert not flat.certain
    falling = doubled([10, 20], [firsts(0.9), firsts(0.7)])
    assert falling is not None
    assert falling.share <= 0.9
    few = doubled([2, 4, 8], [firsts(0.5, 8), firsts(0.6, 8), firsts(0.75, 8)])
    assert few is not None
    assert few.high - few.low > 0.2, "eight pages tell little"


def test_without_two_different_points_nothing_is_expected() -> None:
    assert doubled([4, 4], [firsts(0.5), firsts(0.5)]) is None


def test_nothing_is_expected_where_nothing_is_missed() -> None:
    every = {f"{n}": True for n in range(20)}
    assert doubled([10, 20], [every, every]) is None
    lines = told([point(10, every), point(20, every)], None)
    assert lines[-1] == "it came first on every page each time: more pages cannot show more"
    assert len(told([point(10, every)], None)) == 1


def test_it_is_told_with_what_is_not_known() -> None:
    assert point(12.4, firsts(0.5, 10)) == Point(12.4, 5, 10, *interval(5, 10))
    rates = [firsts(0.5, 10), firsts(0.5, 10)]
    lines = told([point(12.4, rates[0])], doubled([6, 12], rates))
    assert lines[0] == "learned from 12 artworks: 5 of 10 first (24% to 76% by the choice of pages)"
    assert lines[1].startswith("from 24 artworks about 5")
    assert lines[1].endswith("by no more than chance: whether more help is not known")

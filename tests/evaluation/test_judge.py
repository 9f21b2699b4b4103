"""The finds of a page against its boxes: hits, false alarms and ranks."""

from __future__ import annotations

import math
from dataclasses import replace

from truths import WALDO, score_of

from waldo_cli.evaluation.pages import TrueBox


def test_the_rank_is_one_more_than_the_false_alarms_before_the_hit() -> None:
    page = score_of((5, 5, 0.9), (9, 9, 0.8), (110, 210, 0.7), (50, 50, 0.6))
    assert page.rank == 3
    assert page.hits == (False, False, True, False)


def test_no_hit_has_no_rank() -> None:
    assert score_of((5, 5, 0.9)).rank is None
    assert score_of().rank is None
    assert score_of().best == -math.inf


def test_a_second_find_in_a_box_is_neither_hit_nor_false_alarm() -> None:
    page = score_of((110, 210, 0.9), (115, 220, 0.8), (5, 5, 0.7))
    assert page.hits == (True, False)
    assert page.scores == (0.9, 0.7)


def test_a_printed_portrait_is_neither_hit_nor_false_alarm() -> None:
    page = score_of((320, 320, 0.9), (110, 210, 0.8))
    assert page.rank == 1
    assert page.scores == (0.8,)


def test_other_classes_are_false_alarms() -> None:
    wenda = TrueBox("wenda", 300, 300, 340, 340)
    assert score_of((320, 320, 0.9), (110, 210, 0.8), boxes=(WALDO, wenda)).rank == 2


def test_of_two_close_boxes_each_find_takes_the_nearest() -> None:
    left, right = TrueBox("waldo", 0, 0, 20, 20), TrueBox("waldo", 15, 0, 35, 20)
    page = score_of((24, 10, 0.9), (12, 10, 0.8), boxes=(left, right))
    assert page.hits == (True, True)
    assert page.ranks == (1, 1)


def test_a_page_without_a_box_has_false_alarms_only() -> None:
    page = score_of((5, 5, 0.9), (9, 9, 0.4), boxes=())
    assert page.rank is None
    assert page.false_alarms(0.5) == 1
    assert not page.found(0.0)


def test_a_region_that_is_left_out_ends_at_its_edges_and_a_box_as_a_hit_does() -> None:
    inside, outside = (150, 150, 0.9), (205, 150, 0.8)
    box = TrueBox("waldo", 100, 100, 200, 200, ignored=True)
    for aside, kept in (
        (box, 0),
        (replace(box, crowd=True), 1),
        (replace(box, ignored=False, label="ignore"), 1),
        (replace(box, ignored=False, label="waldo_icon"), 0),
    ):
        page = score_of(inside, outside, boxes=(WALDO, aside))
        assert page.scores == (0.8,) * kept
        assert len(page.ranks) == 1

"""The figures over all pages: average precision, AUC, reliability, and their summary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from truths import score_of

from waldo_cli.evaluation.figures import area_under_curve, average_precision, reliability, summarize


def test_average_precision_by_hand() -> None:
    # precision 1, 1/2, 2/3 at recalls 1/4, 1/4, 2/4; all-point: 1/4 * 1 + 1/4 * 2/3
    finds = [(0.9, True), (0.8, False), (0.7, True)]
    assert average_precision(finds, 4) == pytest.approx(0.25 + 0.25 * 2 / 3)


def test_average_precision_lies_between_none_found_and_all_first() -> None:
    assert average_precision([], 3) == 0
    assert average_precision([(0.5, False)], 3) == 0
    assert average_precision([(0.9, True), (0.8, True), (0.1, False)], 2) == 1


def test_average_precision_depends_on_neither_order_nor_scale_of_scores() -> None:
    rng = np.random.default_rng(1)
    finds = [(float(s), bool(h)) for s, h in zip(rng.random(50), rng.random(50) < 0.3, strict=True)]
    value = average_precision(finds, 20)
    shuffled = [finds[i] for i in rng.permutation(50)]
    assert average_precision(shuffled, 20) == pytest.approx(value)
    assert average_precision([(math.exp(5 * s), h) for s, h in finds], 20) == pytest.approx(value)


def test_equal_scores_are_one_step_in_average_precision() -> None:
    tied = average_precision([(0.5, True), (0.5, False)], 1)
    assert tied == average_precision([(0.5, False), (0.5, True)], 1) == 0.5


def test_average_precision_equals_the_area_under_the_interpolated_curve() -> None:
    rng = np.random.default_rng(2)
    finds = [(float(s), bool(h)) for s, h in zip(rng.random(40), rng.random(40) < 0.4, strict=True)]
    boxes = 25
    ordered = sorted(finds, reverse=True)
    points = []
    for n in range(1, len(ordered) + 1):
        hits = sum(h for _, h in ordered[:n])
        points.append((hits / boxes, hits / n))
    area, before = 0.0, 0.0
    for recall in sorted({r for r, _ in points}):
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    assert average_precision(finds, boxes) == pytest.approx(area)


def test_area_under_curve_counts_pairs_in_order_and_ties_by_half() -> None:
    assert area_under_curve([0.9, 0.8], [0.1, 0.2]) == 1
    assert area_under_curve([0.1], [0.9]) == 0
    assert area_under_curve([0.5, 0.5], [0.5]) == 0.5
    assert area_under_curve([0.9, 0.3, -math.inf], [0.3, 0.1]) == pytest.approx(3.5 / 6)


def test_reliability_counts_every_find_once_and_says_how_often_it_hit() -> None:
    rows = reliability([(0.0, False), (0.05, True), (0.55, True), (0.5, False), (1.0, True)])
    assert sum(row["finds"] or 0 for row in rows) == 5
    assert (rows[0]["finds"], rows[0]["hits"], rows[0]["score"]) == (2, 0.5, 0.025)
    assert rows[5]["hits"] == 0.5
    assert (rows[9]["finds"], rows[9]["hits"]) == (1, 1)
    assert rows[3]["hits"] is None


def test_a_summary_counts_pages_boxes_and_false_alarms() -> None:
    pages = [
        score_of((110, 210, 0.9), (5, 5, 0.6)),
        score_of((5, 5, 0.8), (110, 210, 0.7)),
        score_of((5, 5, 0.4)),
        score_of((5, 5, 0.65), boxes=()),
        score_of((5, 5, 0.1), boxes=()),
    ]
    s = summarize(pages, 0.75)
    assert (s.pages_with, s.pages_without, s.boxes) == (3, 2, 3)
    assert (s.top1, s.top5, s.found) == (1, 2, 1)
    assert (s.false_alarms, s.alarmed_pages_without) == (1, 0)
    assert s.auc == pytest.approx(5 / 6)
    assert s.average_precision == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    rows = {row["from"]: (row["boxes"], row["top1"], row["top5"]) for row in s.by_height}
    assert rows[24] == (3, 1, 2)  # 30 px tall
    assert sum(boxes or 0 for boxes, _, _ in rows.values()) == 3
    assert s.reliability is not None


def test_a_summary_says_none_where_a_figure_has_no_meaning() -> None:
    s = summarize([score_of((110, 210, 7.5))], None)
    assert s.auc is None  # no page without
    assert (s.found, s.false_alarms, s.alarmed_pages_without) == (None, None, None)
    assert s.reliability is None  # 7.5 is no probability
    assert summarize([score_of(boxes=())], 0.5).average_precision is None

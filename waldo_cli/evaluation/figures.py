"""Figures over many pages: ranks, average precision, area under the ROC curve, reliability.

`summarize` takes the `PageScore` of every page and collects all figures in a `Summary`. The public functions
below it compute one figure each, from ``(score, hit)`` pairs or plain scores, and know nothing of pages.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from waldo_cli.evaluation.judge import PageScore
from waldo_cli.evaluation.overlap import average_precisions

# Limits between the classes of box height, in pixels; `Summary.by_height` has one row for each class.
HEIGHTS = (0, 16, 24, 32, 48, math.inf)

# Rows of a reliability table: tenths of [0, 1].
BINS = 10


@dataclass(frozen=True)
class Summary:
    """The figures over many pages. The order of the fields is the order in the JSON output.

    Attributes
    ----------
    pages_with, pages_without
        Number of pages that have a box of the label, and of pages that have none.
    boxes
        Number of true boxes of the label on all pages.
    top1, top5
        Number of `pages_with` on which the first hit has rank 1, or a rank up to 5.
    average_precision
        Over the finds of all pages, including pages without a box; None if there is no box at all.
    coco_ap50, coco_ap
        COCO's average precision at an intersection over union of 0.5, and its mean over 0.5 to 0.95, by the
        boxes of up to 100 finds a page; None if there is no box at all.
    mean_iou
        Mean intersection over union of the first finds that are hits with the boxes that they hit.
    auc
        `area_under_curve` between the best scores of pages with and of pages without a box; None if there
        are no pages of one kind.
    threshold
        The score from which a find counts for the next three figures, which are None if it is None.
    found, false_alarms, alarmed_pages_without
        At the threshold: number of pages with a hit, of false alarms on all pages, and of pages without a
        box that have a false alarm.
    seconds
        Sum over all pages.
    by_height
        Rows of ``from, to, boxes, top1, top5``, one for each class of box height.
    reliability
        `reliability` of each page's best find (``best``) and of all finds (``all``); None if a score lies
        outside [0, 1], so that scores are not probabilities.
    """

    pages_with: int
    pages_without: int
    boxes: int
    top1: int
    top5: int
    average_precision: float | None
    coco_ap50: float | None
    coco_ap: float | None
    mean_iou: float | None
    auc: float | None
    threshold: float | None
    found: int | None
    false_alarms: int | None
    alarmed_pages_without: int | None
    seconds: float
    by_height: tuple[Mapping[str, float | None], ...]
    reliability: Mapping[str, Sequence[Mapping[str, float | None]]] | None = field(default=None)


def summarize(pages: Sequence[PageScore], threshold: float | None) -> Summary:
    """Compute all figures of a `Summary`."""
    pages_with = [p for p in pages if p.heights]
    pages_without = [p for p in pages if not p.heights]
    page_ranks = [p.rank for p in pages_with]
    boxes = [box for p in pages_with for box in zip(p.heights, p.ranks, strict=True)]
    finds = _finds(pages)
    coco = average_precisions([p.overlaps for p in pages])
    ious = [p.first_iou for p in pages_with if p.first_iou is not None]
    at_threshold = _at_threshold(pages_with, pages_without, threshold)
    return Summary(
        pages_with=len(pages_with),
        pages_without=len(pages_without),
        boxes=len(boxes),
        top1=_within(1, page_ranks),
        top5=_within(5, page_ranks),
        average_precision=average_precision(finds, len(boxes)) if boxes else None,
        coco_ap50=None if coco is None else coco[0],
        coco_ap=None if coco is None else sum(coco) / len(coco),
        mean_iou=sum(ious) / len(ious) if ious else None,
        auc=_auc(pages_with, pages_without),
        threshold=threshold,
        found=at_threshold.found,
        false_alarms=at_threshold.false_alarms,
        alarmed_pages_without=at_threshold.alarmed_pages_without,
        seconds=sum(p.seconds for p in pages),
        by_height=tuple(_by_height(boxes)),
        reliability=_reliability_of(pages, finds),
    )


def average_precision(finds: Sequence[tuple[float, bool]], boxes: int) -> float:
    """Return the area under the precision-recall curve, with all-point interpolation.

    Every score is tried as the threshold. The precision at a recall is the best precision at this recall or
    at a higher one, so that the curve is a falling staircase; its area is the sum of all steps. Finds of
    equal score make one step.

    Parameters
    ----------
    finds
        ``(score, hit)`` in any order.
    boxes
        Number of true boxes. Boxes that no find hits keep the recall below 1.

    References
    ----------
    Everingham, Van Gool, Williams, Winn, Zisserman, "The PASCAL Visual Object Classes (VOC)
    Challenge", IJCV 2010; interpolation at all points as in VOC 2010 and later.
    """
    if not finds:
        return 0.0
    scores = np.array([s for s, _ in finds])
    order = np.argsort(-scores, kind="stable")
    # hits[n]: how many of the best n + 1 finds are hits.
    hits = np.cumsum(np.array([h for _, h in finds])[order])
    # Keep one entry for each distinct score: the last find that has it.
    step_ends = np.append(np.diff(scores[order]) != 0, True)
    hits = hits[step_ends]
    precision = hits / (np.flatnonzero(step_ends) + 1)
    # The best precision at this recall or a higher one: a running maximum from the right.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Each step is as wide as the recall that it adds: its new hits, divided by the number of boxes.
    return float(np.sum(np.diff(hits, prepend=0) * envelope) / boxes)


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Return the share of all (positive, negative) pairs in which the positive has the higher score.

    A pair of equal scores counts half. This is the Mann-Whitney statistic divided by the number of pairs,
    which equals the area under the ROC curve.
    """
    # A column against a row: broadcasting compares every pair.
    positive, negative = np.array(positives)[:, None], np.array(negatives)[None, :]
    return float(np.mean((positive > negative) + 0.5 * (positive == negative)))


def reliability(finds: Sequence[tuple[float, bool]]) -> list[Mapping[str, float | None]]:
    """Compare scores with how often finds of such a score are hits: one row per tenth of [0, 1].

    In each row ``score`` is the mean score and ``hits`` the share of hits. If the scores are calibrated
    probabilities, both are equal, up to chance.
    """
    rows: list[Mapping[str, float | None]] = []
    for n in range(BINS):
        # The last bin includes its upper limit, a score of exactly 1.
        in_bin = [(s, h) for s, h in finds if min(int(s * BINS), BINS - 1) == n]
        count = len(in_bin)
        rows.append(
            {
                "from": n / BINS,
                "to": (n + 1) / BINS,
                "finds": count,
                "score": sum(s for s, _ in in_bin) / count if count else None,
                "hits": sum(h for _, h in in_bin) / count if count else None,
            }
        )
    return rows


class _AtThreshold(NamedTuple):
    """The figures of `Summary` that need a threshold; all None if there is no threshold."""

    found: int | None = None
    false_alarms: int | None = None
    alarmed_pages_without: int | None = None


def _at_threshold(
    pages_with: Sequence[PageScore], pages_without: Sequence[PageScore], threshold: float | None
) -> _AtThreshold:
    if threshold is None:
        return _AtThreshold()
    alarms_with = [p.false_alarms(threshold) for p in pages_with]
    alarms_without = [p.false_alarms(threshold) for p in pages_without]
    return _AtThreshold(
        found=sum(p.found(threshold) for p in pages_with),
        false_alarms=sum(alarms_with) + sum(alarms_without),
        alarmed_pages_without=sum(count > 0 for count in alarms_without),
    )


def _auc(pages_with: Sequence[PageScore], pages_without: Sequence[PageScore]) -> float | None:
    if not pages_with or not pages_without:
        return None
    return area_under_curve([p.best for p in pages_with], [p.best for p in pages_without])


def _finds(pages: Sequence[PageScore]) -> list[tuple[float, bool]]:
    """Return ``(score, hit)`` of every find, page by page."""
    return [find for p in pages for find in zip(p.scores, p.hits, strict=True)]


def _reliability_of(
    pages: Sequence[PageScore], finds: Sequence[tuple[float, bool]]
) -> Mapping[str, Sequence[Mapping[str, float | None]]] | None:
    """Return the tables of `Summary.reliability`; None if scores are not probabilities."""
    if not finds or not all(0 <= score <= 1 for score, _ in finds):
        return None
    best_finds = [(p.scores[0], p.hits[0]) for p in pages if p.scores]
    return {"best": reliability(best_finds), "all": reliability(finds)}


def _within(limit: int, ranks: Iterable[int | None]) -> int:
    """Count the ranks up to `limit`; None is a box or page without a hit."""
    return sum(rank is not None and rank <= limit for rank in ranks)


def _by_height(
    boxes: Sequence[tuple[float, int | None]],
) -> Iterator[Mapping[str, float | None]]:
    """Yield the rows of `Summary.by_height`, from `boxes` as ``(height, rank)``."""
    for low, high in itertools.pairwise(HEIGHTS):
        ranks = [rank for height, rank in boxes if low <= height < high]
        yield {
            "from": low,
            "to": high if math.isfinite(high) else None,  # JSON has no infinity
            "boxes": len(ranks),
            "top1": _within(1, ranks),
            "top5": _within(5, ranks),
        }

"""The figures of many pages: ranks, average precision, area under the curve, reliability."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from waldo_cli.evaluation.judge import PageScore

# Heights of true boxes, in pixels, that figures are given for apart.
HEIGHTS = (0, 16, 24, 32, 48, math.inf)

# Steps of a reliability table.
BINS = 10


@dataclass(frozen=True)
class Summary:
    """The figures of many pages.

    Attributes
    ----------
    pages_with, pages_without
        How many pages have a box of the label, how many have none.
    top1, top5
        On how many of `pages_with` the first hit is the best find, or among the best five.
    average_precision
        Over the finds of all pages, pages without included; None where there is no box.
    auc
        `area_under_curve` between best scores of pages with and of pages without; None where either
        is missing.
    threshold, found, false_alarms, alarmed_pages_without
        At the threshold: pages with a hit, false alarms on all pages, pages without that have one. None
        where there is no threshold.
    by_height
        Rows of ``from, to, boxes, top1, top5``.
    reliability
        `reliability` of each page's best find, and of all finds; None where scores are not
        probabilities.
    """

    pages_with: int
    pages_without: int
    boxes: int
    top1: int
    top5: int
    average_precision: float | None
    auc: float | None
    threshold: float | None
    found: int | None
    false_alarms: int | None
    alarmed_pages_without: int | None
    seconds: float
    by_height: tuple[Mapping[str, float | None], ...]
    reliability: Mapping[str, Sequence[Mapping[str, float | None]]] | None = field(default=None)


def summarize(pages: Sequence[PageScore], threshold: float | None) -> Summary:
    """The figures of many pages at a threshold."""
    pages_with = [p for p in pages if p.heights]
    pages_without = [p for p in pages if not p.heights]
    page_ranks = [p.rank for p in pages_with]
    boxes = [box for p in pages_with for box in zip(p.heights, p.ranks, strict=True)]
    finds = _finds(pages)
    at_threshold = _at_threshold(pages_with, pages_without, threshold)
    return Summary(
        pages_with=len(pages_with),
        pages_without=len(pages_without),
        boxes=len(boxes),
        top1=_within(1, page_ranks),
        top5=_within(5, page_ranks),
        average_precision=average_precision(finds, len(boxes)) if boxes else None,
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
    """Area under the precision-recall curve, all-point interpolation.

    Precision at a recall is the best precision at that recall or beyond; the area under these steps
    is taken at every recall that occurs. Finds of equal score count as one step.

    Parameters
    ----------
    finds
        ``(score, hit)`` in any order.
    boxes
        How many there are to find; those never hit keep the recall below 1.

    References
    ----------
    Everingham, Van Gool, Williams, Winn, Zisserman, "The PASCAL Visual Object Classes (VOC)
    Challenge", IJCV 2010; interpolation at all points as in VOC 2010 and later.
    """
    if not finds:
        return 0.0
    scores = np.array([s for s, _ in finds])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(np.array([h for _, h in finds])[order])
    last = np.append(np.diff(scores[order]) != 0, True)  # the end of each run of equal scores
    hits = hits[last]
    precision = hits / (np.flatnonzero(last) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) * envelope) / boxes)


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """How often a positive scores above a negative, over all pairs; equal scores count half.

    The area under the ROC curve, by way of the Mann-Whitney statistic.
    """
    high, low = np.array(positives)[:, None], np.array(negatives)[None, :]
    return float(np.mean((high > low) + 0.5 * (high == low)))


def reliability(finds: Sequence[tuple[float, bool]]) -> list[Mapping[str, float | None]]:
    """How often finds of a score are hits: one row per tenth of [0, 1].

    Of calibrated scores, `hits` equals `score` in every row up to chance.
    """
    rows: list[Mapping[str, float | None]] = []
    for n in range(BINS):
        inside = [(s, h) for s, h in finds if min(int(s * BINS), BINS - 1) == n]
        count = len(inside)
        rows.append(
            {
                "from": n / BINS,
                "to": (n + 1) / BINS,
                "finds": count,
                "score": sum(s for s, _ in inside) / count if count else None,
                "hits": sum(h for _, h in inside) / count if count else None,
            }
        )
    return rows


class _AtThreshold(NamedTuple):
    """The figures that need a threshold, as in `Summary`; all None where there is none."""

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
    """``(score, hit)`` of every find, page by page."""
    return [find for p in pages for find in zip(p.scores, p.hits, strict=True)]


def _reliability_of(
    pages: Sequence[PageScore], finds: Sequence[tuple[float, bool]]
) -> Mapping[str, Sequence[Mapping[str, float | None]]] | None:
    """Rows for the best find of each page and for all finds; None if scores are not probabilities."""
    if not finds or not all(0 <= score <= 1 for score, _ in finds):
        return None
    best_finds = [(p.scores[0], p.hits[0]) for p in pages if p.scores]
    return {"best": reliability(best_finds), "all": reliability(finds)}


def _within(limit: int, ranks: Iterable[int | None]) -> int:
    return sum(rank is not None and rank <= limit for rank in ranks)


def _by_height(
    boxes: Sequence[tuple[float, int | None]],
) -> Iterator[Mapping[str, float | None]]:
    for low, high in itertools.pairwise(HEIGHTS):
        ranks = [rank for height, rank in boxes if low <= height < high]
        yield {
            "from": low,
            "to": high if math.isfinite(high) else None,
            "boxes": len(ranks),
            "top1": _within(1, ranks),
            "top5": _within(5, ranks),
        }

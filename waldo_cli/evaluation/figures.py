"""The figures of many pages: ranks, average precision, area under the curve, reliability."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    having = [p for p in pages if p.heights]
    lacking = [p for p in pages if not p.heights]
    finds = [find for p in pages for find in zip(p.scores, p.hits, strict=True)]
    best = [(p.scores[0], p.hits[0]) for p in pages if p.scores]
    probable = bool(finds) and all(0 <= s <= 1 for s, _ in finds)
    boxes = [box for p in having for box in zip(p.heights, p.ranks, strict=True)]
    limit = math.inf if threshold is None else threshold
    decided = threshold is not None
    return Summary(
        pages_with=len(having),
        pages_without=len(lacking),
        boxes=len(boxes),
        top1=_within(1, (p.rank for p in having)),
        top5=_within(5, (p.rank for p in having)),
        average_precision=average_precision(finds, len(boxes)) if boxes else None,
        auc=(
            area_under_curve([p.best for p in having], [p.best for p in lacking])
            if having and lacking
            else None
        ),
        threshold=threshold,
        found=sum(p.found(limit) for p in having) if decided else None,
        false_alarms=sum(p.false_alarms(limit) for p in pages) if decided else None,
        alarmed_pages_without=(
            sum(p.false_alarms(limit) > 0 for p in lacking) if decided else None
        ),
        seconds=sum(p.seconds for p in pages),
        by_height=tuple(_by_height(boxes)),
        reliability=({"best": reliability(best), "all": reliability(finds)} if probable else None),
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

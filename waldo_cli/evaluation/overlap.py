"""COCO's average precision: finds and true boxes are compared by how much they overlap.

`match` compares the finds of one page with its boxes, and `average_precisions` makes the figures of many
pages. On the same finds and boxes they give what COCO's own program gives for boxes
(``COCOeval(..., "bbox")``), for one category, all sizes, and up to 100 finds a page.

References
----------
Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#detection-eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.geometry import Detection

# Intersection over union from which a find counts: COCO's ten thresholds, made as its program makes them.
THRESHOLDS = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))

# Recalls at which the precision is read.
RECALLS = np.linspace(0.0, 1.0, 101)

MAX_FINDS = 100

MISS, MATCH, LEFT_OUT = 0, 1, -1


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The finds of one page, compared with its boxes at each of `THRESHOLDS`.

    Attributes
    ----------
    scores
        Scores of up to `MAX_FINDS` finds, best first.
    outcomes
        For each threshold, the outcome of each find: `MATCH`, `MISS`, or `LEFT_OUT` for a find in an ignored
        box.
    boxes
        Number of boxes that count.
    """

    scores: tuple[float, ...]
    outcomes: tuple[tuple[int, ...], ...]
    boxes: int


def match(finds: Sequence[Detection], boxes: Sequence[TrueBox], label: str) -> Overlaps:
    """Compare the finds of one page, best first, with its boxes of a label.

    Each find takes the box that it overlaps most and that no better find has taken. A find that takes none,
    and of which the needed share lies in an ignored box, is left out.
    """
    finds = finds[:MAX_FINDS]
    counting = [b for b in boxes if b.counts_for(label)]
    ignored = [b for b in boxes if b.is_ignored(label)]
    overlaps = [[box.iou(find.box) for box in counting] for find in finds]
    covered = [
        max((box.common_area(find.box) / find.box.area for box in ignored), default=0.0)
        for find in finds
    ]
    outcomes = []
    for threshold in THRESHOLDS:
        taken: set[int] = set()
        row = []
        for own, cover in zip(overlaps, covered, strict=True):
            free = [n for n in range(len(own)) if n not in taken and own[n] >= threshold]
            if free:
                # Of boxes that it overlaps equally, COCO's program takes the last.
                taken.add(max(free, key=lambda n: (own[n], n)))
                row.append(MATCH)
            else:
                row.append(LEFT_OUT if cover >= threshold else MISS)
        outcomes.append(tuple(row))
    return Overlaps(tuple(f.score for f in finds), tuple(outcomes), len(counting))


def average_precisions(pages: Sequence[Overlaps]) -> tuple[float, ...] | None:
    """Return the average precision at each of `THRESHOLDS`; None if there is no box at all.

    The precision at a recall is the best precision at this recall or at a higher one; the figure is its mean
    over `RECALLS`.
    """
    boxes = sum(page.boxes for page in pages)
    if not boxes:
        return None
    scores = np.array([s for page in pages for s in page.scores])
    order = np.argsort(-scores, kind="mergesort")
    figures = []
    for n in range(len(THRESHOLDS)):
        outcome = np.array([o for page in pages for o in page.outcomes[n]], np.int64)[order]
        hits = np.cumsum(outcome == MATCH)
        misses = np.cumsum(outcome == MISS)
        precision = hits / np.maximum(hits + misses, 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(hits / boxes, RECALLS, side="left")
        reached = at < len(
            envelope
        )  # recalls that no threshold of the score reaches have precision 0
        figures.append(float(envelope[at[reached]].sum() / len(RECALLS)))
    return tuple(figures)

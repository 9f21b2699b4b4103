"""Compare what `detect` finds on a page with the true boxes of the page.

A find is a hit if its peak lies in a true box that is grown by half its width and half its height on each
side. Each box is hit at most once, by its best find. Further finds in the same box are neither hits nor
false alarms; nor are finds in a box that is left out of judgement (`TrueBox.sets_aside`): a printed portrait
of class ``LABEL_icon``, the class ``ignore``, COCO's ``iscrowd``, ``difficult`` of Pascal VOC. Every other
find is a false alarm.

`score_page` runs the detector over a page; `judge` applies the rules above to its finds.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from waldo_cli.detector.detect import detect_with
from waldo_cli.detector.maps import MAX_SECONDS
from waldo_cli.detector.peaks import MAX_OVERLAP, suppress
from waldo_cli.detector.search import Search
from waldo_cli.evaluation.overlap import Overlaps, match
from waldo_cli.evaluation.pages import (
    Complain,
    Page,
    TruthPixels,
    refuse,
    refuse_without,
    set_page,
)
from waldo_cli.geometry import Detection, Size
from waldo_cli.images.load import load_reduced

# No finite score is below it: `detect` then reports all finds, and ranks below the threshold are known, too.
LOWEST_SCORE = -sys.float_info.max


@dataclass(frozen=True, slots=True)
class PageScore:
    """The finds on one page, compared with its true boxes.

    Attributes
    ----------
    name
        Of the page, as the truth has it.
    scores
        Scores of all hits and false alarms, best first.
    hits
        For each of these scores: True for a hit, False for a false alarm.
    heights
        Height of each true box, in pixels.
    ranks
        For each true box: 1 plus the number of false alarms before the find that hits it; None if no find
        hits it.
    overlaps
        The finds compared by how much their boxes overlap, for COCO's figures.
    first_iou
        Intersection over union of the first find with the box that it hits; None if it hits none.
    seconds
        Time to read the page and to run the detector on it.
    is_turn_assumed
        Nothing says whether the boxes mean the picture as shown, as they were taken.
    """

    name: str
    scores: tuple[float, ...]
    hits: tuple[bool, ...]
    heights: tuple[float, ...]
    ranks: tuple[int | None, ...]
    overlaps: Overlaps
    first_iou: float | None = None
    seconds: float = 0.0
    is_turn_assumed: bool = False

    @property
    def rank(self) -> int | None:
        """Rank of the first hit; None if there is no hit."""
        return min((r for r in self.ranks if r is not None), default=None)

    @property
    def best(self) -> float:
        """Score of the best find; -inf if there is no find."""
        return max(self.scores, default=-math.inf)

    def found(self, threshold: float) -> bool:
        """Return whether a hit reaches the threshold."""
        return any(h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))

    def false_alarms(self, threshold: float) -> int:
        """Return the number of false alarms that reach the threshold."""
        return sum(not h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))


def score_page(
    page: Page,
    search: Search,
    label: str,
    *,
    top: int = 100,
    max_overlap: float = MAX_OVERLAP,
    max_pixels: int | None = None,
    allow_truncated: bool = False,
    max_seconds: float = MAX_SECONDS,
    complain: Complain = refuse,
    truth_pixels: TruthPixels | None = None,
) -> PageScore:
    """Run the detector over a page, and compare its finds with the truth.

    Parameters
    ----------
    search
        What to look for. Its threshold is not used: finds of every score count. Finds of several masks are
        ranked together; of finds that overlap, only the best counts. The score of a mask's find is 1 less its
        chance where `search` goes by the verdict.
    label
        Class of the true boxes, which `Search.for_class` looks for.
    top
        Maximum number of finds per page (and mask) that are ranked.
    max_overlap, max_seconds
        As for `detect`.
    max_pixels, allow_truncated, complain, truth_pixels
        As for `open_page`. The picture is read as `detect` reads it.

    Raises
    ------
    InvalidInputError
        The stack has no such label, the page does not have the size that the truth says, or no box of the
        class is left of those that the truth has on it.
    FileError
        The page cannot be read.
    """
    by_verdict = search.by_verdict
    search = replace(search, threshold=LOWEST_SCORE, by_verdict=False)
    search = search.for_class(label)
    started = time.perf_counter()
    image = load_reduced(
        page.path,
        search.reduction,
        page=page.number,
        max_pixels=max_pixels,
        allow_truncated=allow_truncated,
        must_show=True,
    )
    page = set_page(page, Size(*image.shape[:2]), complain, truth_pixels, max_pixels)
    refuse_without(page, label)
    finds = detect_with(
        image, search, top=top, max_overlap=max_overlap, max_seconds=max_seconds
    ).detections
    # `detect_with` suppresses overlaps within one label only; here all masks look for the same object.
    if search.masks is not None and len(search.masks) > 1:
        finds = tuple(suppress(finds, max_overlap))
    if by_verdict:
        finds = tuple(replace(f, score=1 - (f.chance or 0)) for f in finds)
    score = judge(page, label, finds, time.perf_counter() - started)
    return replace(score, is_turn_assumed=page.is_assumed)


def judge(page: Page, label: str, finds: Sequence[Detection], seconds: float = 0.0) -> PageScore:
    """Compare finds with the true boxes of one page, by the rules at the top of this module.

    Parameters
    ----------
    page
        Its boxes of other classes than `label`, and not left out of judgement, do not count.
    finds
        Best first.
    seconds
        Passed on to the result.
    """
    true_boxes = [b for b in page.boxes if b.counts_for(label)]
    ranks: list[int | None] = [None] * len(true_boxes)
    scores: list[float] = []
    hits: list[bool] = []
    first_iou: float | None = None
    for find in finds:
        x, y = find.x, find.y
        # Boxes that overlap share some places: a find takes the nearest box that has no hit yet.
        matching = [n for n, b in enumerate(true_boxes) if b.is_hit(x, y)]
        not_yet_hit = [n for n in matching if ranks[n] is None]
        if not_yet_hit:
            nearest = min(not_yet_hit, key=lambda n: true_boxes[n].distance(x, y))
            ranks[nearest] = 1 + hits.count(False)
            if not hits:
                first_iou = true_boxes[nearest].iou(find.box)
        elif matching or any(b.sets_aside(label, x, y) for b in page.boxes):
            continue  # neither a hit nor a false alarm
        scores.append(find.score)
        hits.append(bool(not_yet_hit))
    return PageScore(
        page.name,
        tuple(scores),
        tuple(hits),
        tuple(b.height for b in true_boxes),
        tuple(ranks),
        match(finds, page.boxes, label),
        first_iou,
        seconds,
    )

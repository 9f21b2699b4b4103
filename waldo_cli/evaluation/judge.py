"""What `detect` finds on a page, compared with the boxes that are known.

A find is a hit where its peak lies in a true box grown by half its width and half its height on each
side. Each box is hit once, by its best find; further finds in it are neither hits nor false alarms, nor
are finds in a box of class ``LABEL_icon``, a printed portrait. Every other find is a false alarm.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from waldo_cli.detector.detect import find
from waldo_cli.detector.peaks import suppress
from waldo_cli.detector.search import Search
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.truth import Page
from waldo_cli.geometry import Size
from waldo_cli.images.load import load_image

# Every find is asked for, so that ranks are known below the threshold too.
NO_THRESHOLD = -sys.float_info.max


@dataclass(frozen=True, slots=True)
class PageScore:
    """What the finds on one page are worth.

    Attributes
    ----------
    scores
        Of the finds that count, best first.
    hits
        For each of them: True for a hit, False for a false alarm.
    heights, ranks
        For each true box its height, and its place among the false alarms: 1 where none is better
        than the find that hits it, None where no find does.
    seconds
        That reading the page and looking at it took.
    """

    name: str
    scores: tuple[float, ...]
    hits: tuple[bool, ...]
    heights: tuple[float, ...]
    ranks: tuple[int | None, ...]
    seconds: float = 0.0

    @property
    def rank(self) -> int | None:
        """Place of the first hit; None where there is none."""
        return min((r for r in self.ranks if r is not None), default=None)

    @property
    def best(self) -> float:
        """Score of the best find; -inf where there is none."""
        return max(self.scores, default=-math.inf)

    def found(self, threshold: float) -> bool:
        """True where a hit reaches the threshold."""
        return any(h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))

    def false_alarms(self, threshold: float) -> int:
        """How many false alarms reach the threshold."""
        return sum(not h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))


def score_pages(
    pages: Iterable[Page],
    search: Search,
    label: str,
    *,
    top: int = 100,
    max_pixels: int | None = None,
) -> Iterator[PageScore]:
    """Run `detect` over pages, one score for each as it is made.

    Parameters
    ----------
    search
        What is looked for. Every find counts, below its threshold too. Finds of several masks stand in one
        order; of those that overlap, the best counts.
    label
        Class of the boxes sought. Finds of the stack's label of that name count; those of a stack of one
        label, and of masks, count whatever their name.
    top
        Most finds per page (and mask) that are ranked.
    max_pixels
        As for `load_image`.

    Raises
    ------
    InvalidInputError
        The stack has no such label; or a page is not of the size that the truth says.
    FileError
        A page cannot be read.
    """
    search = replace(search, threshold=NO_THRESHOLD)
    if search.masks is None and len(search.stack.labels) > 1:
        search = search.reporting([label])
    for page in pages:
        started = time.perf_counter()
        # Boxes are drawn on the pixels as stored, so no EXIF turn is applied.
        image = load_image(page.path, orient=False, max_pixels=max_pixels)
        size = Size(*image.shape[:2])
        if page.size not in (None, size):
            raise InvalidInputError(
                f"the truth says {page.size}, the file is {size}:"
                " the boxes belong to another copy of this page",
                path=str(page.path),
            )
        finds = find(image, search, top=top).detections
        if search.masks is not None and len(search.masks) > 1:
            finds = tuple(suppress(finds, max_overlap=0.5))
        seconds = time.perf_counter() - started
        yield judge(page, label, [(f.x, f.y, f.score) for f in finds], seconds)


def judge(
    page: Page, label: str, finds: Sequence[tuple[float, float, float]], seconds: float = 0.0
) -> PageScore:
    """Compare finds with the true boxes of one page.

    Parameters
    ----------
    finds
        ``(x, y, score)``, best first.
    """
    sought = [b for b in page.boxes if b.label == label]
    icons = [b for b in page.boxes if b.label == f"{label}_icon"]
    ranks: list[int | None] = [None] * len(sought)
    scores: list[float] = []
    hits: list[bool] = []
    for x, y, score in finds:
        inside = [n for n, b in enumerate(sought) if b.is_hit(x, y)]
        fresh = [n for n in inside if ranks[n] is None]
        if fresh:
            nearest = min(fresh, key=lambda n: sought[n].distance(x, y))
            ranks[nearest] = 1 + hits.count(False)
        elif inside or any(b.is_hit(x, y) for b in icons):
            continue
        scores.append(score)
        hits.append(bool(fresh))
    heights = tuple(b.height for b in sought)
    return PageScore(page.name, tuple(scores), tuple(hits), heights, tuple(ranks), seconds)

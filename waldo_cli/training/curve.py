"""The learning curve: how often it comes first, against the number of pages that it was learned from.

For each fold, further stacks are learned from a quarter and from half of its pages, and judged on the same
held-out pages. What twice as many pages would give is the line through these points on logarithmic axes: the
share of misses falls with a power of the number of examples, as it does for most learners.

References
----------
Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017; Wilson, "Probable Inference, the
Law of Succession, and Statistical Inference", Journal of the American Statistical Association 1927.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from waldo_cli.training.data import TrainingPage

#: By the end of the folder's name: the share of a fold's drawings that is learned from.
SHARES = {"quarter": 0.25, "half": 0.5}

# Times that the pages are drawn anew, to see how much the line depends on them.
_DRAWS = 2000


@dataclass(frozen=True)
class Point:
    """How often it came first after learning from so many drawings.

    Attributes
    ----------
    drawings
        With what is sought, that were learned from; the mean of all folds.
    first, judged
        Held-out pages on which it came first, and all of them.
    low, high
        Between them the true share lies in 95 of 100 cases, as far as the choice of the pages decides.
    """

    drawings: float
    first: int
    judged: int
    low: float
    high: float


@dataclass(frozen=True)
class Doubled:
    """What twice as many drawings would give.

    Attributes
    ----------
    drawings
        Twice those that were learned from.
    share, low, high
        The share of pages on which it would come first, and between what it lies in 95 of 100 draws.
    certain
        Whether more drawings were better in 95 of 100 draws: else the points differ by no more than chance.
    """

    drawings: float
    share: float
    low: float
    high: float
    certain: bool


def part_of(pages: Sequence[TrainingPage], share: float, seed: int) -> list[TrainingPage]:
    """The pages of a share of the drawings, at least two with what is sought.

    A smaller share of the same pages is a part of a larger one.
    """
    kept: set[str] = set()
    shown = {p.artwork for p in pages if any(h.label == 0 for h in p.heads)}
    for number, artworks in enumerate((shown, {p.artwork for p in pages} - shown)):
        order = np.random.default_rng([seed, number]).permutation(sorted(artworks))
        least = 2 if number == 0 else 0
        kept |= set(order[: max(least, round(share * len(order)))].tolist())
    return [p for p in pages if p.artwork in kept]


def point(drawings: float, firsts: Mapping[str, bool]) -> Point:
    """A point of the curve, from whether it came first on each page."""
    first, judged = sum(firsts.values()), len(firsts)
    return Point(drawings, first, judged, *interval(first, judged))


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share: it holds the true one in 95 of 100 cases."""
    if not of:
        return 0.0, 1.0
    z = 1.96
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def doubled(
    drawings: Sequence[float], firsts: Sequence[Mapping[str, bool]], seed: int = 0
) -> Doubled | None:
    """What twice as many drawings would give.

    None where fewer than two points differ in their drawings, or where it came first on all pages each time.

    Parameters
    ----------
    drawings
        How many each point was learned from, increasing.
    firsts
        For each point, whether it came first on each page; all points have the same pages.
    """
    if len(set(drawings)) < 2:
        return None
    names = sorted(set.intersection(*(set(f) for f in firsts)))
    came = np.array([[f[name] for name in names] for f in firsts], float)  # (points, pages)
    if came.all():
        return None
    at = np.log2(np.array(drawings))
    target = at[-1] + 1
    random = np.random.default_rng(seed)
    draws = random.integers(0, len(names), (_DRAWS, len(names)))
    # A little inside 0 and 1, so that there is a logarithm; the first row is the pages as they are.
    hits = np.stack([came.sum(1), *(came[:, rows].sum(1) for rows in draws)])
    misses = np.log2((len(names) - hits + 0.5) / (len(names) + 1))
    centred = at - at.mean()
    slope = misses @ centred / (centred @ centred)
    falling = np.minimum(slope, 0)  # more pages are not worse
    expected = 1 - 2 ** np.minimum(misses.mean(1) + falling * (target - at.mean()), 0)
    low, high = np.percentile(expected[1:], (2.5, 97.5))
    return Doubled(
        2 * drawings[-1],
        float(expected[0]),
        float(low),
        float(high),
        bool((slope[1:] < 0).mean() > 0.95),
    )


def told(points: Sequence[Point], twice: Doubled | None) -> list[str]:
    """The curve as lines of text."""
    lines = [
        f"learned from {p.drawings:.0f} artworks: {p.first} of {p.judged} first"
        f" ({p.low:.0%} to {p.high:.0%} by the choice of pages)"
        for p in points
    ]
    if twice is not None:
        said = f"from {twice.drawings:.0f} artworks about {twice.share:.0%} would come first"
        said += f" ({twice.low:.0%} to {twice.high:.0%})"
        if not twice.certain:
            said += ", but the points differ by no more than chance: whether more help is not known"
        lines.append(said)
    elif len(points) > 1 and all(p.first == p.judged for p in points):
        lines.append("it came first on every page each time: more pages cannot show more")
    return lines

"""How an answer came about, as data: what `detect` saw on its way, and how far each place came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid, extend
from waldo_cli.detector.pyramid import levels
from waldo_cli.geometry import Detection, Point, Size, Span
from waldo_cli.stack.stack import Stack


@dataclass(frozen=True, eq=False)
class Look:
    """What `detect` saw with one stack.

    Attributes
    ----------
    stack
        With its masks in it.
    grids
        The first look's activations at each scale, weighed by the prior. Closer looks are asked about
        the peaks of one map, the largest of all channels.
    candidates
        The peaks that the closer looks were asked about; empty where there are none.
    answers
        Of each closer look, ``(N, labels)``; NaN for candidates that it was not shown.
    scores
        What they come to together, ``(N, labels)``; None where there is no closer look.
    """

    stack: Stack
    grids: tuple[Grid, ...]
    candidates: tuple[Detection, ...] = ()
    answers: tuple[Floats, ...] = ()
    scores: Floats | None = None


@dataclass(eq=False)
class Trace:
    """The way to a `Result`. `detect` fills it in where it is given one, `waldo explain` shows it.

    Attributes
    ----------
    looks
        One for each stack that ran: masks of different sizes take one each.
    labels
        What was reported.
    threshold
        What a peak had to reach; None where the best one counts whatever its score.
    """

    looks: list[Look] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class Ranking:
    """The peaks of one map over all scales."""

    look: Look
    label: str
    before: list[Detection]
    after: list[Detection]


def window_around(
    stack: Stack, image: Floats, grids: Sequence[Grid], grid: Grid, place: Point
) -> tuple[Floats, tuple[Span, Span]]:
    """The part of a level that decides the maps around a place.

    Returns its pixels, and the rows and columns of it in which every map is what it is on the whole
    level; the rest is there to be seen by the layers.
    """
    level = next(x for scale, x in levels(image, [g.scale for g in grids]) if scale == grid.scale)
    extended = extend(stack, level)
    fields = list(stack.fields())
    h, w = stack.object or Size(1, 1)
    parts: list[slice] = []
    right: list[Span] = []
    for axis, middle, extent in ((0, place[1], h), (1, place[0], w)):
        center = int(middle * grid.factor[axis]) + extended.margin[axis][0]
        reach = max(3 * extent, 48)
        seen = reach + fields[-1].size[axis]
        # Strided layers meet the same pixels only when the window starts in step with them.
        step = max(1, int(max(f.jump[axis] for f in fields)))
        start = max(0, center - seen) // step * step
        stop = min(extended.shape[axis], center + seen)
        parts.append(slice(start, stop))
        right.append((max(start, center - reach) - start, min(stop, center + reach) - start))
    return extended[parts[0]][:, parts[1]], (right[0], right[1])

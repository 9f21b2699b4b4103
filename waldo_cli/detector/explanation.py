"""How far each place of an image came, as data: before and after suppression, and in the closer looks.

Nothing is computed here a second time in another way. What `detect` saw is in a `Trace`; what it did not
keep is asked of `find_peaks` and `extend`, which `detect` itself is made of. (Of a mask's map `detect` takes
other places, too: those that agree part by part. These have no rank before suppression.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.light import Searched
from waldo_cli.detector.maps import Grid, Maps, extend
from waldo_cli.detector.passes import RANKED, Pass, Trace
from waldo_cli.detector.peaks import find_peaks
from waldo_cli.detector.pyramid import levels
from waldo_cli.geometry import Box, Detection, Point, Span
from waldo_cli.stack.stack import Stack

PEAKS = 100  # before suppression, among which the place that was asked about is sought
SURROUNDINGS = 48  # least number of pixels shown to each side of a place


@dataclass(frozen=True, eq=False)
class Place:
    """How far a place of the image came.

    Attributes
    ----------
    grid, strength
        The scale at which the activation there is largest, and that activation; -inf where no answer may
        lie.
    strengths
        The largest activation there at each scale, in the order of the maps.
    before
        Its rank among the best `PEAKS` before suppression, from 1; None where none has its box there.
    after
        Its index among the peaks that suppression leaves, the best in the end where several have their box
        there; None where none has.
    final
        What it is worth in the end; None where `after` is.
    rank
        How many are worth more in the end, and one; None where `after` is.
    """

    grid: Grid
    strength: float
    strengths: tuple[float, ...]
    before: int | None
    after: int | None
    final: float | None
    rank: int | None


@dataclass(frozen=True, eq=False)
class Ranking:
    """The peaks of one map over all scales.

    Attributes
    ----------
    seen
        Whose map it is.
    label
        What its peaks are called; empty where the closer looks say that.
    channel
        Of the map.
    before, after
        The best peaks before suppression, and those that it leaves; best first.
    final
        What each of `after` is worth in the end.
    """

    seen: Pass
    label: str
    channel: int
    before: list[Detection]
    after: list[Detection]
    final: list[float]

    def first(self) -> int | None:
        """Index of the peak that is worth most in the end; None where there is no peak."""
        return max(range(len(self.final)), key=self._worth, default=None)

    def place(self, at: Point) -> Place:
        """How far a place came."""
        grids = self.seen.maps.grids
        strengths = tuple(self._strength(grid, at) for grid in grids)
        strongest = max(range(len(grids)), key=strengths.__getitem__)
        before = next((n for n, p in enumerate(self.before, 1) if _holds(p.box, at)), None)
        kept = [n for n, p in enumerate(self.after) if _holds(p.box, at)]
        after = max(kept, key=self._worth, default=None)
        final = None if after is None else self.final[after]
        rank = None
        if after is not None:
            rank = 1 + sum(self._worth(n) > self._worth(after) for n in range(len(self.final)))
        return Place(grids[strongest], strengths[strongest], strengths, before, after, final, rank)

    def _worth(self, index: int) -> float:
        """Larger for a better peak: closer looks change the order, else it is that of `after`."""
        return self.final[index] if self.seen.scores is not None else -index

    def _strength(self, grid: Grid, at: Point) -> float:
        """The largest activation within half an object of a place, at one scale."""
        near = [
            np.abs(grid.centers(axis) - middle) <= max(extent, grid.step[axis]) / 2
            for axis, middle, extent in zip(
                (0, 1), at[::-1], self.seen.maps.extent(grid), strict=True
            )
        ]
        values = grid.values[:, :, self.channel][near[0]][:, near[1]]
        return float(values.max(initial=-np.inf))


def rankings(trace: Trace) -> Iterator[Ranking]:
    """The peaks of every map: of each label, or of one map for all where closer looks decide."""
    for one in trace.passes:
        labels = one.stack.labels if one.scores is None else ("",)
        for channel, label in enumerate(labels):
            before = find_peaks(one.maps, channel, label, PEAKS, 1.0)
            if one.scores is None:
                after = (
                    list(one.matches[channel][:RANKED])
                    if one.matches
                    else find_peaks(one.maps, channel, label, RANKED, trace.max_overlap)
                )
                final = [p.score for p in after]
            else:
                after = list(one.candidates)
                final = [float(s) for s in one.best(trace.labels)]
            yield Ranking(one, label, channel, before, after, final)


def _holds(box: Box, at: Point) -> bool:
    return box.left <= at[0] <= box.left + box.width and box.top <= at[1] <= box.top + box.height


def window_around(
    stack: Stack, image: Searched, maps: Maps, grid: Grid, place: Point
) -> tuple[Floats, tuple[Span, Span]]:
    """The part of a level that decides the maps around a place.

    Returns its pixels, and the rows and columns of it in which every map is what it is on the whole
    level; the rest is there to be seen by the layers.
    """
    made = zip(maps.grids, levels(image, [1 / g.scale for g in maps.grids]), strict=True)
    level = next(x for g, (_, x) in made if g.scale == grid.scale)
    extended = extend(stack, level)
    fields = list(stack.fields())
    parts: list[slice] = []
    right: list[Span] = []
    for axis, middle, extent in zip((0, 1), place[::-1], maps.object_size, strict=True):
        center = int(middle * grid.factor[axis]) + extended.margin[axis][0]
        reach = max(3 * extent, SURROUNDINGS)
        seen = reach + fields[-1].size[axis]
        # Strided layers meet the same pixels only when the window starts in step with them.
        step = max(1, int(max(f.jump[axis] for f in fields)))
        start = max(0, center - seen) // step * step
        stop = min(extended.shape[axis], center + seen)
        parts.append(slice(start, stop))
        right.append((max(start, center - reach) - start, min(stop, center + reach) - start))
    return extended[parts[0]][:, parts[1]], (right[0], right[1])

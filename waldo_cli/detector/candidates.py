"""Candidates: the places that closer looks are shown, and how large the object is at each of them.

A head is seen at several neighbouring scales; what only looks like one is seen at one. So the peaks of the
first pass are put in order by what all scales near theirs say, their evidence, and the same answers tell the
object's size more finely than the steps of the scales.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid, Maps
from waldo_cli.detector.peaks import find_peaks
from waldo_cli.geometry import Detection
from waldo_cli.stack.stack import Stack

# Peaks for each candidate that is chosen of them.
PEAKS_PER_CANDIDATE = 4

# Weight of the mean log odds at the next scales, beside those at the peak's own; and the smallest log odds
# there that count.
BESIDE = 0.6
LEAST_BESIDE = -6.0

# Log odds are divided by it before they weigh the scales around a peak.
TEMPERATURE = 2.0

# How far from a peak's own scale another one may lie, in octaves.
REACH = 1.0

# Probabilities of 0 and 1 are not certain: float32 has rounded them.
MIN_PROBABILITY = 1e-7


def with_candidates_for(stack: Stack, maps: Maps) -> Stack:
    """The stack with as many candidates as there is room for: its own number for each `level_pixels`.

    One page has no more than that at its finest scale; a picture of many pages, searched at a scale at which
    each of them is seen, has more.
    """
    if stack.level_pixels is None:
        return stack
    rows, cols = (n * f for n, f in zip(maps.image, maps.grids[0].factor, strict=True))
    pages = math.ceil(rows * cols / stack.level_pixels)
    looks = (
        replace(look, candidates=look.candidates * pages, mirrored=look.mirrored * pages)
        for look in stack.closer_looks
    )
    box = stack.box_look and replace(stack.box_look, candidates=stack.box_look.candidates * pages)
    return replace(stack, closer_looks=tuple(looks), box_look=box)


def best_candidates(
    stack: Stack, maps: Maps, count: int, max_overlap: float
) -> tuple[tuple[Detection, ...], Floats | None]:
    """The best `count` places of the first channel of `maps`, best first, without a label; their evidence.

    Where the stack ends in a sigmoid, so that its activations are probabilities, the evidence of a peak is
    its log odds plus `BESIDE` times the mean log odds at the next smaller and the next larger scale. Peaks
    are ranked by it, and their boxes are as large as the scales around them say. Otherwise they are ranked by
    their activations, and the evidence is None.
    """
    if not stack.has_evidence:
        return tuple(find_peaks(maps, 0, "", count, max_overlap)), None
    peaks = find_peaks(maps, 0, "", PEAKS_PER_CANDIDATE * count, max_overlap)
    around = [_around(maps.grids, peak) for peak in peaks]
    evidence = np.array([_evidence(*pair) for pair in zip(peaks, around, strict=True)])
    order = np.argsort(-evidence, kind="stable")[:count]
    found = tuple(_resized(maps, peaks[n], around[n]) for n in order)
    return found, evidence[order].astype(np.float32)


# Of a peak: how much larger the object is at other scales, in octaves, and the log odds there.
_Around = list[tuple[float, float]]


def _around(grids: Sequence[Grid], peak: Detection) -> _Around:
    """What the scales near that of a peak say of its place."""
    around = []
    for grid in grids:
        octaves = math.log2(grid.scale / peak.scale)
        if 0 < abs(octaves) <= REACH + 1e-6:
            # The summit moves from scale to scale: on a finer map, which has smaller cells, by more of them.
            cells = 1 if octaves > 0 else 2
            row, col = (
                round((at - origin) / step)
                for at, origin, step in zip((peak.y, peak.x), grid.origin, grid.step, strict=True)
            )
            near = grid.values[
                max(row - cells, 0) : row + cells + 1, max(col - cells, 0) : col + cells + 1, 0
            ]
            around.append((octaves, float(log_odds(near.max())) if near.size else -math.inf))
    return around


def _evidence(peak: Detection, around: _Around) -> float:
    """Log odds of a peak, and a share of those at the next scales on both sides."""
    smaller = [pair for pair in around if pair[0] < 0]
    larger = [pair for pair in around if pair[0] > 0]
    beside = [max(pairs)[1] for pairs in (smaller,) if pairs] + [
        min(pairs)[1] for pairs in (larger,) if pairs
    ]
    mean = sum(max(b, LEAST_BESIDE) for b in beside) / len(beside) if beside else LEAST_BESIDE
    return float(log_odds(peak.score)) + BESIDE * mean


def _resized(maps: Maps, peak: Detection, around: _Around) -> Detection:
    """The peak with the size of its box interpolated: the mean of the scales around, weighed by their odds.

    Its scale stays that of its map, at which closer looks are shown it: they have learned from such cuts.
    """
    octaves, odds = np.array([(0.0, float(log_odds(peak.score))), *around]).T
    weights = np.exp((odds - odds.max()) / TEMPERATURE)
    scale = peak.scale * 2 ** float((weights * octaves).sum() / weights.sum())
    box = maps.box_at(scale, peak.y, peak.x).clipped(maps.image.cols, maps.image.rows)
    return replace(peak, box=box)


def log_odds(probability: float | Floats) -> NDArray[np.float64]:
    """Log odds of probabilities in float32, as far as they are told from 0 and 1."""
    p = np.clip(np.asarray(probability, np.float64), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(np.log(p) - np.log1p(-p))

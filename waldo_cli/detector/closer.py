"""Closer looks: the best candidates cut out of the image and scored again by further stacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.detector.boxes import boxed
from waldo_cli.detector.cuts import answers_to_cuts
from waldo_cli.detector.light import Searched
from waldo_cli.detector.maps import Grid
from waldo_cli.geometry import Detection, Size
from waldo_cli.stack.stack import Stack

# Smaller probabilities are raised to this: one answer of 0 would make the whole mean 0.
MIN_PROBABILITY = 1e-12

# Larger log odds are certain in float32.
LARGEST_ODDS = 80.0


def look_closer(
    stack: Stack,
    image: Searched,
    candidates: Sequence[Detection],
    evidence: Floats | None,
    wanted: Sequence[int],
    prior: Floats | None,
) -> tuple[list[Floats], Floats]:
    """The answers of each closer look, and the final scores, all ``(N, labels)``.

    Each look is shown the `look.candidates` best so far by their `wanted` labels. Then the `look.mirrored`
    best of these are shown again, mirrored. Where the stack has a box look, its `candidates` best are shown
    to all closer looks once more, as they are and mirrored, in the boxes that it sees. A score is the
    geometric mean of all answers about the candidate, so normalised that its labels sum to 1 (logarithmic
    opinion pool). Then the log odds of the wanted labels, together, change by what the first pass says
    (`_of_evidence`) and how odd the size is (`_size_penalties`), and are calibrated (Platt scaling); and the
    prior is applied.

    References
    ----------
    Genest, Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography",
    Statistical Science 1986. Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to
    Regularized Likelihood Methods", Advances in Large Margin Classifiers 1999.
    """
    every = [_Answers(len(candidates), len(stack.labels)) for _ in stack.closer_looks]
    scores = np.zeros((len(candidates), len(stack.labels)), np.float32)
    size = stack.object_size
    for look, answers in zip(stack.closer_looks, every, strict=True):
        for count, mirrored in ((look.candidates, False), (look.mirrored, True)):
            # Before the first look all scores are 0: then the candidates keep their order.
            best = scores[:, wanted].max(axis=1)
            if mirrored:  # only candidates that this look has already been shown as they are
                best[answers.counts[:, 0] == 0] = -1  # cannot be chosen
            chosen = np.argsort(-best, kind="stable")[: min(count, look.candidates)]
            shown = [candidates[n] for n in chosen]
            answers.add(chosen, answers_to_cuts(look, image, shown, size, mirrored=mirrored))
            scores = _pooled(every, np.float32(0))
    if stack.box_look is not None:
        best = scores[:, wanted].max(axis=1)
        chosen = np.argsort(-best, kind="stable")[: stack.box_look.candidates]
        shown = [candidates[n] for n in chosen]
        # A cut never sees more of the image than at the candidates' largest scale: so it is counted.
        largest = max((found.scale for found in candidates), default=1.0)
        shown = boxed(stack.box_look, image, shown, size)
        shown = [_framed(found, size, largest) for found in shown]
        for look, answers in zip(stack.closer_looks, every, strict=True):
            as_boxed = replace(look, scales=(1.0,))
            for mirrored in (False, True):
                answers.add(
                    chosen, answers_to_cuts(as_boxed, image, shown, size, mirrored=mirrored)
                )
        scores = _pooled(every, np.float32(0))
    if len(candidates):
        change = -_size_penalties(stack.size_prior, candidates)
        if evidence is not None:
            change += _of_evidence(stack.evidence_weight, evidence)
        _recalibrate(scores, wanted, change, stack.calibration)
    if prior is not None:
        rows = [min(int(found.y), prior.shape[0] - 1) for found in candidates]
        cols = [min(int(found.x), prior.shape[1] - 1) for found in candidates]
        scores *= np.nan_to_num(prior[rows, cols])[:, None]
    return [_pooled([answers], np.float32(np.nan)) for answers in every], scores


class _Answers:
    """What one closer look has said of the candidates so far: sums of logarithms, and of how many answers."""

    def __init__(self, candidates: int, labels: int) -> None:
        self.logs = np.zeros((candidates, labels), np.float32)
        self.counts = np.zeros((candidates, 1), np.float32)

    def add(self, chosen: NDArray[np.intp], answers: Floats) -> None:
        """Add answers about some candidates, ``(n, cuts, labels)``."""
        logs = np.log(np.maximum(answers, np.float32(MIN_PROBABILITY)))
        self.logs[chosen] += logs.sum(axis=1)
        self.counts[chosen] += logs.shape[1]


def _pooled(every: Sequence[_Answers], otherwise: np.float32) -> Floats:
    """Geometric means of all answers, normalised to sum 1 over the labels; `otherwise` where none is."""
    counts = np.sum([answers.counts for answers in every], axis=0)
    means = np.sum([answers.logs for answers in every], axis=0) / np.maximum(counts, 1)
    weights = np.exp(means - means.max(axis=1, keepdims=True, initial=-np.inf))
    return np.where(counts > 0, weights / weights.sum(axis=1, keepdims=True), otherwise)


def _framed(found: Detection, size: Size, largest: float) -> Detection:
    """A candidate as if it had been seen in the middle of its box, at the scale that has the box's area."""
    box = found.box
    scale = min(math.sqrt(box.area / (size.rows * size.cols)), largest)
    return replace(found, x=box.left + box.width / 2, y=box.top + box.height / 2, scale=scale)


def _recalibrate(
    scores: Floats, wanted: Sequence[int], change: Floats, calibration: tuple[float, float]
) -> None:
    """Change the log odds of the wanted labels together, ``(N,)``, and calibrate each of them, in place.

    The wanted labels keep their shares of what they have together. Then each is calibrated by its own odds,
    so that its score does not depend on what else is asked for.
    """
    slope, offset = calibration
    if (slope, offset) == (1, 0) and not change.any():
        return
    tiny = np.finfo(np.float32).tiny
    others = [label for label in range(scores.shape[1]) if label not in wanted]
    before: Doubles = scores[:, wanted].astype(np.float64)
    together = np.maximum(before.sum(axis=1), tiny)
    # The sum of the others, not 1 less that of the wanted ones, which has lost its digits near 1.
    rest = np.maximum(scores[:, others].sum(axis=1, dtype=np.float64), tiny)
    log_odds = np.clip(np.log(together) - np.log(rest) + change, -LARGEST_ODDS, LARGEST_ODDS)
    share = before / together[:, None]
    inside, outside = (1 / (1 + np.exp(-sign * log_odds))[:, None] for sign in (1, -1))
    own = np.maximum(share * inside, tiny)
    own_odds = np.log(own) - np.log(np.maximum(outside + (1 - share) * inside, tiny))
    own_odds = np.clip(slope * own_odds + offset, -LARGEST_ODDS, LARGEST_ODDS)
    scores[:, wanted] = np.where(before > 0, 1 / (1 + np.exp(-own_odds)), 0)


def _of_evidence(weight: float, evidence: Floats) -> Floats:
    """By how much the log odds of each candidate change by its evidence in the first pass, ``(N,)``.

    The first pass sees the whole page, so what it says counts beside what it says of the page's other
    candidates: of their median, since most of them are not what is sought.
    """
    return np.asarray(weight * (evidence - _median(evidence)), np.float32)


def _median(values: Floats) -> float:
    # Not by numpy.median, which imports numpy.ma.
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half] + ordered[-half - 1]) / 2


def _size_penalties(size_prior: float, candidates: Sequence[Detection]) -> Floats:
    """By how much the log odds of each candidate are lowered because its size is odd, ``(N,)``.

    The heads of one page are of about one size. So are most candidates, true and false ones: their median
    tells it. One octave more or less is free; the next one costs `size_prior`, and nothing costs more, since
    a picture may show one face alone.
    """
    octaves = np.log2([found.scale for found in candidates])
    odd = np.abs(octaves - _median(octaves)) - 1
    return np.asarray(size_prior * np.clip(odd, 0, 1), np.float32)


def corrected(grid: Grid, candidates: Sequence[Detection], best: Floats) -> Grid:
    """The map of the first pass, corrected by the closer looks.

    Within a candidate's box the map is scaled so that its peak shows the candidate's score. Everywhere else
    it is limited to the score of the weakest candidate, since no closer look has confirmed it.
    """
    values = grid.values[:, :, 0]
    limit = float(best.min()) if len(best) else 0.0
    out = np.minimum(values, np.float32(limit))
    boxes = [found.box for found in candidates]
    rows_of = _cells(grid, 0, [(b.top, b.top + b.height) for b in boxes])
    cols_of = _cells(grid, 1, [(b.left, b.left + b.width) for b in boxes])
    for found, score, rows, cols in zip(candidates, best, rows_of, cols_of, strict=True):
        # Zeros in place of negative values, and of -inf where no answer may lie.
        inside = np.maximum(values[rows, cols], np.float32(0))
        gain = np.float32(score / found.score) if found.score > 0 else np.float32(0)
        lifted = np.maximum(out[rows, cols], np.minimum(inside * gain, score))
        out[rows, cols] = np.where(inside > 0, lifted, out[rows, cols])
    return replace(grid, values=out[:, :, None])


def _cells(grid: Grid, axis: int, edges: Sequence[tuple[int, int]]) -> list[slice]:
    """For each pair of edges, the cells whose centres lie between them."""
    return [slice(a, b) for a, b in np.searchsorted(grid.centers(axis), edges).tolist()]

"""Closer looks: the best candidates cut out of the image and scored again by further stacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid, refuse_nan_and_infinity
from waldo_cli.detector.pyramid import cut
from waldo_cli.geometry import Detection, Size
from waldo_cli.images.reduced import AnyPixels
from waldo_cli.parallel import spread_workers
from waldo_cli.stack.cost import calls_at_once, cuts_per_call
from waldo_cli.stack.stack import CloserLook, Stack

# Smaller probabilities are raised to this: one answer of 0 would make the whole mean 0.
MIN_PROBABILITY = 1e-12


def look_closer(
    stack: Stack,
    image: AnyPixels,
    candidates: Sequence[Detection],
    evidence: Floats | None,
    wanted: Sequence[int],
    prior: Floats | None,
) -> tuple[list[Floats], Floats]:
    """The answers of each closer look, and the final scores, all ``(N, labels)``.

    Each look is shown the `look.candidates` best so far by their `wanted` labels. Then the `look.mirrored`
    best of these are shown again, mirrored. A score is the geometric mean of all answers about the candidate,
    so normalised that its labels sum to 1 (logarithmic opinion pool). Then the log odds of the wanted labels,
    together, change by what the first pass says (`_of_evidence`) and how odd the size is (`_size_penalties`),
    and the prior is applied.

    References
    ----------
    Genest, Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography",
    Statistical Science 1986.
    """
    shape = (len(candidates), len(stack.labels))
    answers: list[Floats] = []
    logs = np.zeros(shape, np.float32)  # sums of the logarithms of all answers so far
    counts = np.zeros((len(candidates), 1), np.float32)  # how many answers these are
    scores = np.zeros(shape, np.float32)
    for look in stack.closer_looks:
        counts_before, logs_before = counts.copy(), logs.copy()
        for count, mirrored in ((look.candidates, False), (look.mirrored, True)):
            # Before the first look all scores are 0: then the candidates keep their order.
            best = scores[:, wanted].max(axis=1)
            if mirrored:  # only candidates that this look has already been shown as they are
                best[(counts == counts_before)[:, 0]] = -1  # cannot be chosen
            chosen = np.argsort(-best, kind="stable")[: min(count, look.candidates)]
            shown = [candidates[n] for n in chosen]
            probabilities = _answers(look, image, shown, stack.object_size, mirrored=mirrored)
            # (n, cuts, labels)
            new = np.log(np.maximum(probabilities, np.float32(MIN_PROBABILITY)))
            logs[chosen] += new.sum(axis=1)
            counts[chosen] += new.shape[1]
            scores = _pooled(logs, counts, np.float32(0))
        answers.append(_pooled(logs - logs_before, counts - counts_before, np.float32(np.nan)))
    if len(candidates) and (stack.size_prior or stack.evidence_weight):
        change = -_size_penalties(stack.size_prior, candidates)
        if evidence is not None:
            change += _of_evidence(stack.evidence_weight, evidence)
        scores[:, wanted] *= _gains(scores[:, wanted].sum(axis=1), change)[:, None]
    if prior is not None:
        rows = [min(int(found.y), prior.shape[0] - 1) for found in candidates]
        cols = [min(int(found.x), prior.shape[1] - 1) for found in candidates]
        scores *= np.nan_to_num(prior[rows, cols])[:, None]
    return answers, scores


def _gains(probabilities: Floats, change: Floats) -> Floats:
    """What probabilities are multiplied by where their log odds change by so much, ``(N,)``."""
    probabilities = np.minimum(probabilities, np.float32(1))  # a sum may be a rounding more
    factors = np.exp(np.clip(change, -80, 80))  # what lies beyond is certain in float32
    gains: Floats = factors / (1 - probabilities + probabilities * factors)
    return gains


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


def _pooled(logs: Floats, counts: Floats, otherwise: np.float32) -> Floats:
    """Geometric means of answers, normalised to sum 1 over the labels.

    `logs` are sums of logarithms over `counts` answers; the result is `otherwise` where there is no answer.
    """
    means = np.divide(logs, np.maximum(counts, 1))
    weights = np.exp(means - means.max(axis=1, keepdims=True, initial=-np.inf))
    return np.where(counts > 0, weights / weights.sum(axis=1, keepdims=True), otherwise)


def _answers(
    look: CloserLook,
    image: AnyPixels,
    candidates: Sequence[Detection],
    size: Size,
    *,
    mirrored: bool,
) -> Floats:
    """What a closer look says of each cut of each candidate, ``(N, cuts, labels)``."""
    count = len(look.scales)
    out = np.empty((len(candidates) * count, len(look.stack.labels)), np.float32)
    every = [(found, scale) for found in candidates for scale in look.scales]
    at_once = cuts_per_call(look)

    def work(start: int) -> None:
        group = every[start : start + at_once]
        views = np.stack([_cut(look, image, found, size, scale) for found, scale in group])
        if mirrored:
            views = views[:, :, ::-1]
        out[start : start + len(group)] = look.stack.run(views).max(axis=(1, 2))

    spread_workers(lambda: work, range(0, len(every), at_once), most=calls_at_once(look))
    refuse_nan_and_infinity(out, look.stack)
    return out.reshape(len(candidates), count, out.shape[1])


def cuts(look: CloserLook, image: AnyPixels, found: Detection, size: Size) -> list[Floats]:
    """The cuts of one candidate, one for each scale of the look; `size` is the object's in the first pass."""
    return [_cut(look, image, found, size, scale) for scale in look.scales]


def _cut(look: CloserLook, image: AnyPixels, found: Detection, size: Size, scale: float) -> Floats:
    extent = look.stack.receptive_field.size
    return cut(image, (found.x, found.y), magnification(look, size) / found.scale * scale, extent)


def magnification(look: CloserLook, size: Size) -> float:
    """How many times as large a closer look is shown an object that has a size in the first pass."""
    # Both sizes are whole pixels, so their shapes differ a little: their areas are made equal.
    return math.sqrt((look.size.rows * look.size.cols) / (size.rows * size.cols))


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

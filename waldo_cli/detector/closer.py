"""Closer looks: the best candidates cut out of the image and scored again, sharper, then wider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.maps import Grid, must_be_numbers
from waldo_cli.detector.pyramid import cut
from waldo_cli.geometry import Detection, Size
from waldo_cli.parallel import spread
from waldo_cli.stack.stack import CloserLook, Stack

# Candidates that go through a closer look together: enough to outweigh a step in Python, few enough
# that their activations stay in the cache.
TOGETHER = 12

# Of probabilities whose logarithm is taken: nothing is impossible.
SMALLEST = 1e-12


def look_closer(
    stack: Stack,
    image: Floats,
    candidates: Sequence[Detection],
    wanted: Sequence[int],
    prior: Floats | None,
) -> tuple[list[Floats], Floats]:
    """The answers of each closer look, and the scores that they come to, all ``(N, labels)``.

    Each look is shown the candidates that are best so far by their `wanted` labels, and then the
    best of these mirrored. A score is the geometric mean of all answers about the candidate, so
    normalised that its labels sum to 1 (logarithmic opinion pool), times the prior.

    References
    ----------
    Genest, Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography",
    Statistical Science 1986.
    """
    shape = (len(candidates), len(stack.labels))
    answers: list[Floats] = []
    logs = np.zeros(shape, np.float32)  # sums over what was shown
    views = np.zeros((len(candidates), 1), np.float32)
    scores = np.zeros(shape, np.float32)
    for look in stack.closer_looks:
        before, said = views.copy(), logs.copy()
        for count, mirrored in ((look.candidates, False), (look.mirrored, True)):
            rank = scores[:, wanted].max(axis=1)
            if mirrored:  # only what this look was shown as it is
                rank[(views == before)[:, 0]] = -1
            order = np.argsort(-rank, kind="stable")[: min(count, look.candidates)]
            some = [candidates[n] for n in order]
            seen = _answers(look, image, some, stack.sought, mirrored=mirrored)
            each = np.log(np.maximum(seen, np.float32(SMALLEST)))  # (n, views, labels)
            logs[order] += each.sum(axis=1)
            views[order] += each.shape[1]
            scores = _shares(logs, views, np.float32(0))
        answers.append(_shares(logs - said, views - before, np.float32(np.nan)))
    if prior is not None:
        rows = [min(int(found.y), prior.shape[0] - 1) for found in candidates]
        cols = [min(int(found.x), prior.shape[1] - 1) for found in candidates]
        scores *= np.nan_to_num(prior[rows, cols])[:, None]
    return answers, scores


def _shares(logs: Floats, views: Floats, otherwise: np.float32) -> Floats:
    """Geometric means of answers that sum to 1; `logs` are sums over `views` answers, maybe none."""
    means = np.divide(logs, np.maximum(views, 1))
    weights = np.exp(means - means.max(axis=1, keepdims=True, initial=-np.inf))
    return np.where(views > 0, weights / weights.sum(axis=1, keepdims=True), otherwise)


def _answers(
    look: CloserLook, image: Floats, candidates: Sequence[Detection], size: Size, *, mirrored: bool
) -> Floats:
    """What a closer look says of each cut of each candidate, ``(N, cuts, labels)``."""
    count = len(look.scales)
    out = np.empty((len(candidates), count, len(look.stack.labels)), np.float32)

    def work(start: int) -> None:
        some = candidates[start : start + TOGETHER]
        shown = np.stack([view for found in some for view in cuts(look, image, found, size)])
        if mirrored:
            shown = shown[:, :, ::-1]
        said = look.stack.run(shown).max(axis=(1, 2))
        out[start : start + len(some)] = said.reshape(len(some), count, -1)

    spread(work, range(0, len(candidates), TOGETHER))
    must_be_numbers(out, look.stack)
    return out


def cuts(look: CloserLook, image: Floats, found: Detection, size: Size) -> list[Floats]:
    """What a closer look is shown of one candidate; `size` is the object's in the first look."""
    extent = look.stack.receptive_field.size
    zoom = found.scale * look.size.cols / size.cols
    return [cut(image, (found.x, found.y), zoom * s, extent) for s in look.scales]


def corrected(grid: Grid, candidates: Sequence[Detection], best: Floats) -> Grid:
    """The first look's map, corrected by the closer ones.

    Within a candidate's box the map is scaled so that its peak shows its score; what was not
    looked at closer is worth no more than the weakest of the candidates.
    """
    values = grid.values[:, :, 0]
    floor = float(best.min()) if len(best) else 0.0
    out = np.minimum(values, np.float32(floor))
    ranked = sorted(zip(candidates, best, strict=True), key=lambda pair: pair[1])
    boxes = [found.box for found, _ in ranked]
    rows_of = _cells(grid, 0, [(b.top, b.top + b.height) for b in boxes])
    cols_of = _cells(grid, 1, [(b.left, b.left + b.width) for b in boxes])
    for (found, score), rows, cols in zip(ranked, rows_of, cols_of, strict=True):
        # Zeros in place of what is negative, and of the -inf where no answer may lie.
        inside = np.maximum(values[rows, cols], np.float32(0))
        gain = np.float32(score / found.score) if found.score > 0 else np.float32(0)
        lifted = np.maximum(out[rows, cols], np.minimum(inside * gain, score))
        out[rows, cols] = np.where(inside > 0, lifted, out[rows, cols])
    return replace(grid, values=out[:, :, None])


def _cells(grid: Grid, axis: int, edges: Sequence[tuple[int, int]]) -> list[slice]:
    """The cells whose centres lie between two edges each."""
    return [slice(a, b) for a, b in np.searchsorted(grid.centers(axis), edges).tolist()]

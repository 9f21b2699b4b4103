"""From an image to an answer: is he here, and where.

1. `search`: stack, masks, labels, scales and threshold are checked once, before any image.
2. `maps`: the image is resized to a ladder of scales (`pyramid`). At each scale the stack turns it into
   activations: how much every place looks like what is sought.
3. `peaks`: the local maxima of all scales are put in one order, best first. Of those that overlap only the
   best stays (non-maximum suppression).
4. `closer`: a stack with closer looks cuts its best candidates out of the image and scores them again.
5. What reaches the threshold is a detection. The margin is the best score minus that of the next best place.
6. All maps together, laid over the image's own pixels, are the activations that a heatmap shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.detector.closer import corrected, look_closer
from waldo_cli.detector.maps import (
    MAX_LEVEL_PIXELS,
    MAX_SECONDS,
    Grid,
    Maps,
    on_image,
    prior_of,
    run_stack,
)
from waldo_cli.detector.passes import Pass, Trace
from waldo_cli.detector.peaks import MAX_OVERLAP, find_peaks
from waldo_cli.detector.search import Search
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Detection, Size
from waldo_cli.stack.stack import Mask, Stack


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one image.

    Attributes
    ----------
    detections
        What reached the threshold, best first.
    activations
        ``(H, W)`` float32, the largest activation over scales and labels at every pixel of the image; its
        maximum is at the best detection's peak.
    margin
        Best score minus the next best one elsewhere in the image; None where there is no other peak.
    width, height
        Of the image, in pixels.
    """

    detections: tuple[Detection, ...]
    activations: Floats
    margin: float | None
    width: int
    height: int

    @property
    def found(self) -> bool:
        """True where anything reached the threshold."""
        return bool(self.detections)


def detect(
    image: NDArray[Any],
    *,
    stack: str | Path | Stack | None = None,
    masks: Sequence[Mask | NDArray[Any] | str | Path] | None = None,
    scales: str | float | Sequence[float] = "auto",
    top: int = 1,
    threshold: float | None = None,
    labels: Sequence[str] | None = None,
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    max_overlap: float = MAX_OVERLAP,
    max_seconds: float = MAX_SECONDS,
    trace: Trace | None = None,
) -> Result:
    """Find what a stack or a mask looks for.

    Parameters
    ----------
    image
        ``(H, W, 3)`` in [0, 1].
    stack
        A built-in name, a stack file, or a `Stack`; ``"waldo"`` when None, ``"pixels"`` when None and
        masks are given.
    masks
        What to look for instead of the stack's own: `Mask` records, paths of pictures, or arrays
        ``(A, B, 3)``, or ``(A, B, 4)`` whose last channel is a weight per pixel.
    scales
        ``"auto"`` (what the stack says), one factor, a list, or a range ``"0.5:2"`` in the stack's steps.
    top
        At most so many detections for each label.
    threshold
        Below it a peak is no detection; the stack's own when None.
    labels
        Which of the stack's labels to report: its first when None, every mask's where masks are given.
    region
        ``(left, top, width, height)``: only here may a peak lie.
    where
        ``(H, W)`` weights in [0, 1] that positive scores are multiplied by, a prior.
    max_overlap
        Of two finds of one label that share more than this part of the smaller box, only the better
        stays.
    max_seconds
        Refuse what would take longer on one core, by an estimate from sizes.
    trace
        Records the intermediate results. It holds every scale's activations in memory.

    Returns
    -------
    result
        Detections best first, positions and boxes in pixels of the image; the map of activations,
        ``(H, W)``; the margin to the next best place.

    Raises
    ------
    InvalidInputError
        An argument is out of its range, the image is too small for the stack at every scale, or the
        stack would hold more than 4 GB of it or take more than `max_seconds`.
    StackError
        The stack cannot be used, or not with masks.
    """
    search = Search.of(stack, masks, labels, scales, threshold)
    return detect_with(
        image,
        search,
        top=top,
        region=region,
        where=where,
        max_overlap=max_overlap,
        max_seconds=max_seconds,
        trace=trace,
    )


def detect_with(
    image: NDArray[Any],
    search: Search,
    *,
    top: int = 1,
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    max_overlap: float = MAX_OVERLAP,
    max_seconds: float = MAX_SECONDS,
    trace: Trace | None = None,
) -> Result:
    """`detect` with a search that is made once for many images; the other parameters mean the same."""
    image = _checked_image(image)
    size = Size(*image.shape[:2])
    if top < 1:
        raise InvalidInputError(f"top is {top}: ask for at least 1 detection")
    top = min(top, MAX_LEVEL_PIXELS)  # no image has more places
    if not 0 <= max_overlap <= 1:
        raise InvalidInputError(f"max_overlap is {max_overlap:g}: it is a share from 0 to 1")
    prior = prior_of(size, region, where)
    if trace is not None:
        trace.labels, trace.threshold = search.labels, search.threshold
        trace.max_overlap = max_overlap

    grids_to_merge: list[Grid] = []  # of one channel, for the map of activations
    peaks_by_label: dict[str, list[Detection]] = {}
    for stack in search.stacks(size):
        maps = run_stack(stack, image, search.scales, prior, max_seconds)
        if not stack.closer_looks:
            this_pass = Pass(stack, maps)
            for channel, label in enumerate(stack.labels):
                # One more than asked for: the next best place gives the margin.
                peaks = find_peaks(maps, channel, label, top + 1, max_overlap)
                peaks_by_label.setdefault(label, []).extend(peaks)
            grids = maps.merged().grids
        else:
            maps = maps.merged()  # the maps of each label are not needed any more
            this_pass = _second_pass(stack, image, maps, search.labels, max_overlap, prior)
            peaks_by_label |= {label: this_pass.scored(label) for label in stack.labels}
            best = this_pass.best(search.labels)
            grids = tuple(corrected(g, this_pass.candidates, best) for g in this_pass.maps.grids)
        grids_to_merge += [replace(g, values=g.values[:, :, 0]) for g in grids]
        if trace is not None:
            trace.passes.append(this_pass)

    detections, margin = _reported(peaks_by_label, search, top)
    activations = on_image(grids_to_merge, size)
    # Set the pixel of each detection to its score: closer looks and interpolation may have lowered it there.
    for d in detections:
        at = (min(int(d.y), size.rows - 1), min(int(d.x), size.cols - 1))
        activations[at] = max(activations[at], np.float32(d.score))
    return Result(detections, activations, margin, size.cols, size.rows)


def _second_pass(
    stack: Stack,
    image: Floats,
    maps: Maps,
    labels: Sequence[str],
    max_overlap: float,
    prior: Floats | None,
) -> Pass:
    """The best places of the first pass, and what the closer looks say of them."""
    count = stack.closer_looks[0].candidates
    # Without a label: the closer looks will say what each candidate is.
    candidates = find_peaks(maps, 0, "", count, max_overlap)
    wanted = [stack.labels.index(label) for label in labels]
    answers, scores = look_closer(stack, image, candidates, wanted, prior)
    return Pass(stack, maps, tuple(candidates), tuple(answers), scores)


def _reported(
    peaks_by_label: dict[str, list[Detection]], search: Search, top: int
) -> tuple[tuple[Detection, ...], float | None]:
    """What reaches the threshold, best first, and the margin of the best label."""
    detections: list[Detection] = []
    best_two: list[float] = []  # the two best scores of the label with the highest score
    for label in search.labels:
        # Python's sort is stable: equal scores keep the order by row, then column.
        peaks = sorted(peaks_by_label[label], key=lambda p: -p.score)
        limit = search.threshold
        detections += [p for p in peaks[:top] if limit is None or p.score >= limit]
        # Lists are compared number by number, so the highest best score decides.
        best_two = max(best_two, [p.score for p in peaks[:2]])
    detections.sort(key=lambda p: -p.score)
    margin = best_two[0] - best_two[1] if len(best_two) == 2 else None
    return tuple(detections), margin


def _checked_image(image: NDArray[Any]) -> Floats:
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InvalidInputError(f"an image is (H, W, 3), not {image.shape}: see load_image")
    if image.dtype.kind not in "fiub":
        raise InvalidInputError(f"an image holds real numbers, not {image.dtype}")
    if image.dtype.kind != "f":
        raise InvalidInputError(
            f"an image holds floats in [0, 1], not {image.dtype}: divide by 255"
        )
    image = np.asarray(image, dtype=np.float32)
    if not np.isfinite(image).all():
        raise InvalidInputError("the image holds NaN or infinity")
    return image

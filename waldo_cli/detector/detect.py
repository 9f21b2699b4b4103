"""From an image to an answer: is he here, and where.

1. `search`: stack, masks, labels, scales and threshold are checked once, before any image.
2. `maps`: the image is resized to a ladder of scales (`pyramid`). At each scale the stack turns it into
   activations: how much every place looks like what is sought.
3. `peaks`: the local maxima of all scales are put in one order, best first. Of those that overlap only the
   best stays (non-maximum suppression).
4. `closer`: a stack with closer looks cuts its best candidates out of the image and scores them again.
5. What reaches the threshold is a detection. The margin is the best score minus that of the next best place.
6. `overlay`: all maps together, laid over the image's own pixels, are the activations that a heatmap shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arguments import NUMBER, WHOLE_NUMBER, Kind, brief, must_be
from waldo_cli.arrays import Floats, Pixels, as_floats
from waldo_cli.detector.boxes import boxed
from waldo_cli.detector.candidates import best_candidates, log_odds, with_candidates_for
from waldo_cli.detector.closer import corrected, look_closer
from waldo_cli.detector.coarse import (
    ALIGNED,
    TOGETHER,
    coarse_search,
    expected_seconds,
    of_maps,
)
from waldo_cli.detector.light import Searched, as_shown
from waldo_cli.detector.maps import (
    MAX_SECONDS,
    Grid,
    Maps,
    fitting_sizes,
    prior_of,
    refuse_too_long,
    run_stack,
)
from waldo_cli.detector.matching import Match, finds_first, verified
from waldo_cli.detector.overlay import Overlay, merged
from waldo_cli.detector.passes import RANKED, Pass, Trace
from waldo_cli.detector.peaks import MAX_OVERLAP, find_peaks, suppress
from waldo_cli.detector.poses import ImagePyramid
from waldo_cli.detector.pyramid import Level, level_size
from waldo_cli.detector.result import Result, source_of
from waldo_cli.detector.search import SCORES, Masks, Search
from waldo_cli.detector.turn import TURNS, box_back, turn_of, turned, turned_back, turned_image
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.images.given import AnyImage, as_image
from waldo_cli.images.reduced import AnyPixels, ReducedImage
from waldo_cli.stack.stack import Mask, Stack

# As many finds of a label as there may be at most where all are asked for.
MOST_FINDS = 1024

# A find of this score is right nearly always. Where the image as it is has none, it may not be upright.
SURE = 0.8

# Resampling and noise carry values a little beyond [0, 1]; what lies further out was never brought there.
VALUES_BEYOND = 1.0

# Which way is up is told by so many candidates for the first closer look, half as many for the next one, in
# an image of so many pixels: the best of them must look like somebody, and in one turn more than in all
# others, by so much in log odds.
TURN_CANDIDATES = 24
TURN_PIXELS = 1_000_000
TURN_MARGIN = 1.0
# Where the candidates have a smaller mean evidence, the picture shows no crowd, which is full of places that
# look a little like him, whichever way it is up; then the image stays as it is. On 98 of 100 pages it was
# more in each turn, on three of four pictures of other things less.
CROWD = -0.6

# So many finds are asked for their boxes at a time.
BOXED_TOGETHER = 12

_TOP = Kind(
    "a whole number of at least 1, or 'all'",
    lambda top: WHOLE_NUMBER.holds(top) or (isinstance(top, str) and top == "all"),
)
_TRACE = Kind("a Trace", lambda trace: isinstance(trace, Trace))


def detect(
    image: AnyImage,
    *,
    stack: str | Path | Stack | None = None,
    masks: Masks | None = None,
    scales: str | float | Sequence[float] = "auto",
    angles: str | float | Sequence[float] = 0.0,
    mirror: bool = False,
    score: str = SCORES[0],
    top: int | Literal["all"] = 1,
    threshold: float | None = None,
    labels: Sequence[str] | None = None,
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    max_overlap: float = MAX_OVERLAP,
    max_seconds: float = MAX_SECONDS,
    turn: str | int = "auto",
    trace: Trace | None = None,
) -> Result:
    """Find what a stack or a mask looks for.

    Parameters
    ----------
    image
        A path, bytes of a file, an open binary file or a picture of Pillow's, all of which are opened as by
        `load_image`; or an array ``(H, W, 3)``, ``(H, W)`` for grey, or ``(H, W, 4)`` with alpha, which
        shows white behind it: floats in [0, 1], uint8 or uint16. Of a JPEG so large that the stack looks at
        smaller copies only, its decoder makes one.
    stack
        A built-in name, a stack file, or a `Stack`; ``"waldo"`` when None, ``"pixels"`` when None and
        masks are given.
    masks
        What to look for instead of the stack's own: a picture, or a list of them, each a `Mask` or what an
        image may be; a folder is the pictures in it. Alpha says how much a pixel counts. The label of a path
        is its name without the ending, that of other pictures ``mask1``, ``mask2``.
    scales
        How large the thing is in the image, beside the mask or the stack's object: 2 is twice as large.
        ``"auto"`` (what the stack says), one scale, a list, or a range, ``"0.5:2"`` in the stack's steps
        or ``"0.5:2/8"`` with 8 steps from a scale to its double.
    angles
        By how many degrees a mask may be turned counter-clockwise, as seen: one angle, a list, a range
        ``"-20:20"`` in steps of 5 degrees or ``"-20:20/2"`` in others, or ``"all"``. Where there are several,
        finds between the steps are found, too.
    mirror
        Look for masks mirrored left to right, too.
    score
        What a mask's score is: ``"ccc"``, Lin's concordance correlation, which is 1 only where the colours
        are the same, too, or ``"ncc"``, normalised cross-correlation, which any brightness and contrast leave
        as it is.
    top
        At most so many detections for each label, or ``"all"``.
    threshold
        Below it a peak is no detection; when None the stack's own or, for masks, what chance hardly brings
        about (`Detection.chance`) is a detection, whatever its score.
    labels
        Which of the stack's labels to report, one or several: its first when None, every mask's where masks
        are given.
    region
        ``(left, top, width, height)``: only here may a peak lie.
    where
        ``(H, W)`` weights in [0, 1] that positive scores are multiplied by, a prior.
    max_overlap
        Of two finds of one label that share more than this part of the smaller box, only the better
        stays.
    max_seconds
        Refuse what would take longer on one core, by an estimate from sizes.
    turn
        Turn the image clockwise by 90, 180 or 270 degrees before it is searched, or not (``"none"``).
        ``"auto"``: where the upright image has no sure find and the stack says that it is worth it, the one
        that is likely is tried, too. Whatever the turn, answers are in pixels of the image as it was given.
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
    FileError
        A file cannot be read, or is no picture.
    """
    must_be(_TOP, top=top)
    must_be(NUMBER, max_overlap=max_overlap, max_seconds=max_seconds)
    must_be(_TRACE, or_none=True, trace=trace)
    search = Search.of(stack, masks, labels, scales, threshold, angles, mirror, score)
    return detect_with(
        as_image(image, partial(search.reduction, several=top == "all")),
        search,
        top=top,
        region=region,
        where=where,
        max_overlap=max_overlap,
        max_seconds=max_seconds,
        turn=turn,
        trace=trace,
    )


def find_all(
    image: AnyImage,
    mask: Mask | AnyImage,
    *,
    scales: str | float | Sequence[float] = 1.0,
    threshold: float | None = None,
    region: tuple[int, int, int, int] | None = None,
) -> tuple[Detection, ...]:
    """Find every place of a picture, as it is and at its own size.

    It is `detect` with ``masks=mask``, ``scales=1`` and ``top="all"``, for those who know
    ``pyautogui.locateAllOnScreen``; docs/python.md has the two side by side.

    Parameters
    ----------
    image
        Where to look: what `detect` takes for an image, such as a screenshot.
    mask
        What to look for: a `Mask`, or what an image may be.
    scales, threshold, region
        As for `detect`. ``scales="auto"`` also finds it up to half and twice as large.

    Returns
    -------
    tuple of Detection
        Best first; empty where there is none. ``left, top, width, height = found.box``, and ``found.x``,
        ``found.y`` is its centre.

    Raises
    ------
    InvalidInputError, FileError
        As `detect`.
    """
    found = detect(image, masks=mask, scales=scales, top="all", threshold=threshold, region=region)
    return found.detections


def detect_with(
    image: NDArray[Any] | ReducedImage,
    search: Search,
    *,
    top: int | Literal["all"] = 1,
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    max_overlap: float = MAX_OVERLAP,
    max_seconds: float = MAX_SECONDS,
    turn: str | int = "auto",
    trace: Trace | None = None,
) -> Result:
    """`detect` with a search that is made once for many images; the other parameters mean the same.

    An image that was reduced by more than `Search.reduction` allows is read again.
    """
    if isinstance(image, ReducedImage):
        allowed = search.reduction(image.size, several=top == "all")
        image = image if image.factor <= allowed else image.whole()
    else:
        image = _checked_image(image)
    size = Size(*image.shape[:2])
    if top != "all" and top < 1:
        raise InvalidInputError(f"top is {brief(top)}: give {_TOP.words}")
    if not 0 <= max_overlap <= 1:
        raise InvalidInputError(f"max_overlap is {max_overlap:g}: it is a share from 0 to 1")
    prior = prior_of(size, region, where)
    asked = turn_of(turn)
    if trace is not None:
        trace.labels, trace.threshold = search.labels, search.threshold
        trace.max_overlap, trace.by_verdict = max_overlap, search.by_verdict

    def searched(turn: int, trace: Trace | None) -> Result:
        if turn == 0:
            return _search(image, search, top, region, prior, max_overlap, max_seconds, trace)
        there = turned_image(image, turn)
        area = None
        if region is not None:
            box = box_back(Box(*region), 360 - turn, Size(*there.shape[:2]))
            area = (box.left, box.top, box.width, box.height)
        weights = None if prior is None else turned(prior, turn)
        result = _search(there, search, top, area, weights, max_overlap, max_seconds, trace)
        return _turned_back(result, turn, image)

    result = searched(asked or 0, trace)
    if asked is None and search.stack.turn and _best_score(result) < SURE:
        likely = _likely_turn(search, image, prior)
        if likely:
            other_trace = None if trace is None else Trace()
            other = searched(likely, other_trace)
            # The wrong way up he looks less like himself: so a turn that was told wrongly seldom does harm.
            if _best_score(other) > _best_score(result):
                result = other
                if trace is not None and other_trace is not None:
                    trace.passes[:] = other_trace.passes
    return result


def _best_score(result: Result) -> float:
    return -math.inf if result.best is None else result.best.score


def _turned_back(result: Result, turn: int, image: AnyPixels) -> Result:
    """The result of a turned image, in pixels of the image before it was turned."""
    size = Size(*image.shape[:2])
    detections = tuple(turned_back(found, turn, size) for found in result.detections)
    best = result.best and turned_back(result.best, turn, size)
    return replace(
        result,
        detections=detections,
        overlay=result.overlay.turned_back(turn).raised_at(detections or ((best,) if best else ())),
        width=size.cols,
        height=size.rows,
        best=best,
        turned=turn,
        source=source_of(image),
    )


def _likely_turn(search: Search, image: AnyPixels, prior: Floats | None) -> int:
    """The turn at which closer looks know somebody best, at a coarse scale and in few candidates.

    Whoever is known tells which way is up, not he alone who is sought: all labels count together but the
    last, which stands for nobody. 0 where two turns are about as likely, or nobody is known; where there is
    no crowd, or what is sought does not fit in one of the turns. The search must have a stack with closer
    looks.
    """
    size = Size(*image.shape[:2])
    small = level_size(*size, min(1.0, math.sqrt(TURN_PIXELS / (size.rows * size.cols))))
    image = Level(image, small)[:]
    if prior is not None:
        rows, cols = (np.arange(n) * of // n for n, of in zip(small, size, strict=True))
        prior = prior[rows[:, None], cols]
    looks = (
        replace(look, candidates=max(1, TURN_CANDIDATES >> n), scales=(1.0,), mirrored=0)
        for n, look in enumerate(search.stack.closer_looks)
    )
    stack = replace(
        search.stack,
        closer_looks=tuple(looks),
        box_look=None,
        level_pixels=None,
        calibration=(1.0, 0.0),  # which is for one label by itself
    )
    # Not enlarged: what is too small to be seen at this size does not tell which way is up.
    scales = tuple(s for s in search.scales if s >= 1) or search.scales[-1:]
    known = stack.labels[:-1] or stack.labels
    if not all(
        fitting_sizes(stack, there, scales) for there in (small, Size(small.cols, small.rows))
    ):
        return 0
    odds: dict[int, float] = {}
    for turn in TURNS:
        there = as_shown(stack, turned_image(image, turn))
        weights = None if prior is None else turned(prior, turn)
        maps = run_stack(stack, there, scales, weights)
        seen = _second_pass(stack, there, maps, known, MAX_OVERLAP, weights)
        if seen.evidence is not None and seen.evidence.size and seen.evidence.mean() < CROWD:
            return 0
        odds[turn] = float(log_odds(seen.together(known)))
    likely, other = sorted(odds, key=lambda turn: -odds[turn])[:2]
    return likely if odds[likely] > max(0.0, odds[other] + TURN_MARGIN) else 0


def _search(
    image: AnyPixels,
    search: Search,
    top: int | Literal["all"],
    region: tuple[int, int, int, int] | None,
    prior: Floats | None,
    max_overlap: float,
    max_seconds: float,
    trace: Trace | None,
) -> Result:
    """The answer for an image as it is, without turning it."""
    size = Size(*image.shape[:2])
    # The next best place gives the margin; no image has more places than pixels.
    count = MOST_FINDS if top == "all" else min(top, size.rows * size.cols) + 1
    part = (
        _part_to_search(search, size, region) if trace is None else Box(0, 0, size.cols, size.rows)
    )
    rows, cols = part.slices
    prior = None if prior is None else prior[rows, cols]
    scales = search.scales_for(size, several=top == "all")
    here = image if isinstance(image, ReducedImage) else image[rows, cols]
    shown = as_shown(search.stack, here)
    grids, places = _places(shown, search, scales, prior, count, max_overlap, max_seconds, trace)
    places = {
        label: [m.moved(part) for m in _boxed(search, shown, places[label], count, max_overlap)]
        for label in search.labels
    }
    detections, margin, best = _reported(places, search, None if top == "all" else top, max_overlap)
    limit = math.inf
    if search.matches_pixels and best is not None:
        # Places with a higher activation were looked at again, and are worth less than the best.
        limit = float(np.nextafter(np.float32(best.score), np.float32(-np.inf)))
    overlay = Overlay(merged(grids, Size(part.height, part.width)), size, part, limit)
    overlay = overlay.raised_at(detections or ((best,) if best else ()))
    return Result(
        detections,
        overlay,
        margin,
        size.cols,
        size.rows,
        best,
        labels=search.labels,
        source=source_of(image),
    )


def _part_to_search(search: Search, image: Size, region: tuple[int, int, int, int] | None) -> Box:
    """The part of the image that answers in the region depend on: nothing else is computed."""
    if region is None or not search.matches_pixels:
        return Box(0, 0, image.cols, image.rows)
    left, top, width, height = region
    reach = search.reach
    spans = []
    for start, length, size in ((left, width, image.cols), (top, height, image.rows)):
        # Also at the image's edge the part holds what is sought.
        first = max(0, min(start - reach, size - 2 * reach))
        spans.append((first, min(size, max(start + length + reach, 2 * reach)) - first))
    (left, width), (top, height) = spans
    return Box(left, top, width, height)


def _places(
    image: Searched,
    search: Search,
    scales: Sequence[float],
    prior: Floats | None,
    count: int,
    max_overlap: float,
    max_seconds: float,
    trace: Trace | None,
) -> tuple[list[Grid], dict[str, list[Match]]]:
    """The maps, of one channel each, and for each label its places, at least the best `count`."""
    compared = image if search.matches_pixels and isinstance(image, np.ndarray) else None
    if compared is not None and not search.is_one_pass:
        return _coarse_to_fine(
            as_floats(compared), search, prior, count, max_overlap, max_seconds, trace
        )
    grids: list[Grid] = []
    places: dict[str, list[Match]] = {}
    pyramid = None
    if compared is not None:
        image = floats = as_floats(compared)  # once, for the maps and for the alignment
        pyramid = ImagePyramid(floats)
    for stack, masks in search.stacks(Size(*image.shape[:2])):
        maps = run_stack(stack, image, scales, prior, max_seconds)
        if stack.closer_looks:
            this_pass = _second_pass(stack, image, maps, search.labels, max_overlap, prior)
            for label in stack.labels:
                places[label] = [_by_score(peak) for peak in this_pass.scored(label)]
            best = this_pass.best(search.labels)
            seen = tuple(corrected(g, this_pass.candidates, best) for g in this_pass.maps.grids)
        else:
            this_pass = Pass(stack, maps)
            for channel, label in enumerate(stack.labels):
                if pyramid is not None:
                    matcher = search.matcher(masks[channel])
                    found = verified(
                        matcher,
                        pyramid,
                        of_maps(matcher, pyramid, maps, channel, count, max_overlap),
                        prior,
                        count=count if trace is None else max(count, RANKED),
                        max_overlap=max_overlap,
                        accepts=search.accepts,
                        first=ALIGNED,
                    )
                    this_pass = replace(
                        this_pass, matches=(*this_pass.matches, tuple(m.detection for m in found))
                    )
                else:
                    # Some may fall away when their boxes are seen.
                    spare = 0 if stack.box_look is None else BOXED_TOGETHER
                    peaks = find_peaks(maps, channel, label, count + spare, max_overlap)
                    found = [_by_score(peak) for peak in peaks]
                places.setdefault(label, []).extend(found)
            seen = maps.merged().grids
        grids += [replace(g, values=g.values[:, :, 0]) for g in seen]
        if trace is not None:
            trace.passes.append(this_pass)
    return grids, places


def _coarse_to_fine(
    image: Floats,
    search: Search,
    prior: Floats | None,
    count: int,
    max_overlap: float,
    max_seconds: float,
    trace: Trace | None,
) -> tuple[list[Grid], dict[str, list[Match]]]:
    """`_places` for masks at several scales or turns."""
    grids: list[Grid] = []
    places: dict[str, list[Match]] = {}
    pyramid = ImagePyramid(image)
    matchers = [search.matcher(mask) for mask in search.masks or ()]
    seconds = sum(expected_seconds(matcher, pyramid.size) for matcher in matchers)
    refuse_too_long("the search", pyramid.size, seconds, max_seconds, "masks, --scales or --angles")
    for mask, matcher in zip(search.masks or (), matchers, strict=True):
        maps, candidates = coarse_search(matcher, pyramid, prior, count)
        found = verified(
            matcher,
            pyramid,
            candidates,
            prior,
            count=count if trace is None else max(count, RANKED),
            max_overlap=max_overlap,
            accepts=search.accepts,
            first=TOGETHER,
        )
        places.setdefault(mask.label, []).extend(found)
        grids += [replace(g, values=g.values[:, :, 0]) for g in maps]
        if trace is not None:
            seen = Maps(tuple(maps), pyramid.size, mask.size)
            matches = (tuple(match.detection for match in found),)
            stack = search.stack.with_masks([mask])
            trace.passes.append(Pass(stack, seen, matches=matches, matcher=matcher))
    return grids, places


def _by_score(peak: Detection) -> Match:
    return Match((-peak.score, peak.y, peak.x), peak)


def _second_pass(
    stack: Stack,
    image: Searched,
    maps: Maps,
    labels: Sequence[str],
    max_overlap: float,
    prior: Floats | None,
) -> Pass:
    """The best places of the first pass, and what the closer looks say of them."""
    wanted = [stack.labels.index(label) for label in labels]
    # Channels of the first pass are those of the first labels; where it has one for all, or none for a label
    # that is asked for, they count together.
    has_all = max(wanted) < stack.channels()[-1]
    maps = maps.merged(wanted if has_all else None)
    stack = with_candidates_for(stack, maps)
    count = stack.closer_looks[0].candidates
    candidates, evidence = best_candidates(stack, maps, count, max_overlap)
    answers, scores = look_closer(stack, image, candidates, evidence, wanted, prior)
    return Pass(stack, maps, candidates, evidence, tuple(answers), scores)


def _boxed(
    search: Search, image: Searched, places: Sequence[Match], count: int, max_overlap: float
) -> list[Match]:
    """The best places of a label, with the boxes that the stack's box look sees, if it has one.

    Then these are the finds, up to `count`, and at least two places; of those whose boxes overlap now, the
    best stays. A few places more than `count` may be asked for their boxes, never all.
    """
    look = search.stack.box_look
    if look is None:
        return list(places)
    ranked = sorted(places, key=lambda match: match.key)[: count + BOXED_TOGETHER]
    step = min(count, BOXED_TOGETHER)

    def seen() -> Iterator[Match]:
        for start in range(0, len(ranked), step):
            some = ranked[start : start + step]
            finds = [match.detection for match in some]
            finds = boxed(look, image, finds, search.stack.object_size)
            yield from (match._replace(detection=d) for match, d in zip(some, finds, strict=True))

    best: list[Match] = []
    for match in suppress(seen(), max_overlap):
        best.append(match)
        # Stop here: the next place would be cut out of the image to be asked for its box.
        if len(best) >= 2 and (len(best) >= count or not search.accepts(match.detection)):
            break
    return best


def _reported(
    places: dict[str, list[Match]], search: Search, top: int | None, max_overlap: float
) -> tuple[tuple[Detection, ...], float | None, Detection | None]:
    """The finds, best first; the margin of the best label; and the best place, find or not."""
    finds: list[Match] = []
    of_labels: list[list[Match]] = []  # the best two places of each that has any
    for label in search.labels:
        ranked = finds_first(places[label], search.accepts)
        if search.masks is not None and sum(m.label == label for m in search.masks) > 1:
            # Several pictures of one thing: what one has found the others need not find again.
            ranked = list(suppress(ranked, max_overlap))
        finds += [match for match in ranked[:top] if search.accepts(match.detection)]
        if ranked:
            of_labels.append(ranked[:2])
    finds.sort(key=lambda match: match.key)
    best_two = min(of_labels, key=lambda two: two[0].standing(search.accepts), default=[])
    scores = [match.detection.score for match in best_two]
    margin = round(scores[0] - scores[1], 6) if len(scores) == 2 else None
    best = best_two[0].detection if best_two else None
    return tuple(match.detection for match in finds), margin, best


def _checked_image(image: NDArray[Any]) -> Pixels:
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InvalidInputError(f"an image is (H, W, 3), not {image.shape}: see load_image")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "fiub":
        raise InvalidInputError(f"an image holds real numbers, not {image.dtype}")
    if image.dtype.kind != "f":
        raise InvalidInputError(
            f"an image holds floats in [0, 1], uint8 or uint16, not {image.dtype}"
        )
    image = np.asarray(image, dtype=np.float32)
    low, high = float(image.min()), float(image.max())
    if not math.isfinite(high - low):  # NaN is the minimum of an array that holds one
        raise InvalidInputError("the image holds NaN or infinity")
    if low < -VALUES_BEYOND or high > 1 + VALUES_BEYOND:
        raise InvalidInputError(
            f"an image holds floats in [0, 1], this one has {low:g} to {high:g}: divide it by what is white"
        )
    return image

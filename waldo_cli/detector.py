"""From an image to an answer: is he here, and where.

The image is resized to a ladder of scales. At each, the stack turns it into activations: how much every
place looks like what is sought. The local maxima of all scales are put in one order, best first, and of
those that overlap only the best stays (non-maximum suppression). A stack with closer looks cuts its best
candidates out of the image and scores them again, sharper, then wider. What reaches the threshold is found;
the distance to the next best place elsewhere is the margin. All maps, laid on the image's own pixels, are
the activations that a heatmap shows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli._threads import spread
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box, Pair, resolve_scales
from waldo_cli.images import load_mask
from waldo_cli.peaks import local_maxima, refine, suppress
from waldo_cli.pyramid import Level, cut, levels
from waldo_cli.stack import CloserLook, Combine, Mask, Stack
from waldo_cli.stackfile import load_stack

Floats = NDArray[np.float32]

# Of two finds that share more than this part of the smaller one's box only the better stays.
MAX_OVERLAP = 0.5

# Local maxima kept per scale. Suppression needs a few per answer; a page has tens of thousands.
PEAKS_PER_LEVEL = 4096

# Levels are refused above this many pixels: a scale of 1000 is a slip, not a wish.
MAX_LEVEL_PIXELS = 2**30

# Candidates that go through a closer look together: enough to outweigh a step in Python, few enough
# that their activations stay in the cache.
TOGETHER = 12

# Of several channels the map that is searched for peaks.
LARGEST = Combine("max")

# Of probabilities whose logarithm is taken: nothing is impossible.
SMALLEST = 1e-12

# Most activations that may be held at once: 4 GB.
MAX_HELD = 2**30


@dataclass(frozen=True, slots=True)
class Detection:
    """One find.

    Attributes
    ----------
    label
        What was found: the mask's or the stack's label.
    x, y
        The peak, the centre of what was found, in pixels from the image's top left corner (pixel 0
        covers 0 to 1), refined below a pixel.
    score
        Larger is more certain; its range is the stack's.
    box
        What was found, cut at the image's edge.
    scale
        The factor by which the image was resized when the find was made.
    """

    label: str
    x: float
    y: float
    score: float
    box: Box
    scale: float


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


@dataclass(frozen=True, eq=False)
class Grid:
    """Activations ``(H', W', K)`` at one scale, and where they lie in the image.

    Cell ``(i, j)`` is centred at ``origin + (i, j) * step``, continuous coordinates, rows first.
    """

    values: Floats
    origin: tuple[float, float]
    step: tuple[float, float]
    scale: float = 1.0
    factor: tuple[float, float] = (1.0, 1.0)  # the scale as rounded to whole rows and columns

    def centers(self, axis: int) -> NDArray[np.float64]:
        """Rows (axis 0) or columns (axis 1) of the cells' centres in the image."""
        cells = np.arange(self.values.shape[axis], dtype=np.float64)
        return np.asarray(self.origin[axis] + cells * self.step[axis])


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
        Most detections for each label.
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
    trace
        Takes down what was seen on the way. It holds every scale's activations in memory.

    Returns
    -------
    result
        Detections best first, positions and boxes in pixels of the image; the map of activations,
        ``(H, W)``; the margin to the next best place.

    Raises
    ------
    InvalidInputError
        An argument is out of its range, the image is too small for the stack at every scale, or the
        stack would hold more than 4 GB of activations of it.
    StackError
        The stack cannot be used, or not with masks.
    """
    image = _checked_image(image)
    height, width = image.shape[:2]
    stacks, wanted = _choose(stack, masks, labels, scales, height * width)
    if top < 1:
        raise InvalidInputError(f"top is {top}: ask for at least 1 detection")
    if threshold is not None and not math.isfinite(threshold):
        raise InvalidInputError(f"threshold is {threshold}: it must be a finite number")
    if not 0 <= max_overlap <= 1:
        raise InvalidInputError(f"max_overlap is {max_overlap:g}: it is a share from 0 to 1")
    prior = _prior(width, height, region, where)

    grids: list[Grid] = []
    ranked: dict[str, list[Detection]] = {}
    for one in stacks:
        looked = list(_look(one, image, resolve_scales(scales, one.scales, one.per_octave), prior))
        first: list[Detection] = []
        answers: list[Floats] = []
        scores: Floats | None = None
        if not one.closer_looks:
            for k, label in enumerate(one.labels):
                peaks = find_peaks(one, looked, k, label, top + 1, max_overlap, width, height)
                ranked.setdefault(label, []).extend(peaks)
            shown = looked
        else:
            looked = [replace(g, values=LARGEST.run(g.values)) for g in looked]
            most = one.closer_looks[0].candidates
            first = find_peaks(one, looked, 0, "", most, max_overlap, width, height)
            chosen = [one.labels.index(w) for w in wanted]
            answers, scores = _look_closer(one, image, first, chosen, prior)
            for k, label in enumerate(one.labels):
                ranked[label] = [
                    replace(p, label=label, score=_as_printed(s[k]))
                    for p, s in zip(first, scores, strict=True)
                ]
            best = scores[:, chosen].max(axis=1)
            shown = [_second_thoughts(g, first, best) for g in looked]
        grids += [replace(g, values=LARGEST.run(g.values)[:, :, 0]) for g in shown]
        if trace is not None:
            trace.looks.append(Look(one, tuple(looked), tuple(first), tuple(answers), scores))

    limit = stacks[0].threshold if threshold is None else threshold
    if trace is not None:
        trace.labels, trace.threshold = wanted, limit
    detections: list[Detection] = []
    best_two: list[float] = []
    for label in wanted:
        # Python's sort is stable: equal scores keep the order by row, then column.
        peaks = sorted(ranked[label], key=lambda p: -p.score)
        detections += [p for p in peaks[:top] if limit is None or p.score >= limit]
        best_two = max(best_two, [p.score for p in peaks[:2]])
    detections.sort(key=lambda p: -p.score)
    margin = best_two[0] - best_two[1] if len(best_two) == 2 else None
    activations = _on_image(grids, height, width)
    for d in detections:
        at = (min(int(d.y), height - 1), min(int(d.x), width - 1))
        activations[at] = max(activations[at], np.float32(d.score))
    return Result(tuple(detections), activations, margin, width, height)


def open_mask(path: str | Path) -> Mask:
    """A mask from a picture: its transparency weighs its pixels, its name without suffix is the label.

    Raises
    ------
    FileError
        As by `load_mask`.
    """
    # Labels are text, whatever bytes the name holds.
    label = os.fsencode(Path(path).stem).decode("utf-8", "replace")
    return Mask(label or "mask", *load_mask(path))


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


def _choose(
    stack: str | Path | Stack | None,
    masks: Sequence[Mask | NDArray[Any] | str | Path] | None,
    labels: Sequence[str] | None,
    scales: str | float | Sequence[float],
    area: int,
) -> tuple[list[Stack], tuple[str, ...]]:
    """The stacks to run (one for each size of mask, or more) and the labels to report."""
    if stack is None:
        stack = "waldo" if masks is None else "pixels"
    if not isinstance(stack, Stack):
        stack = load_stack(stack)
    if masks is None:
        if stack.needs_mask:
            raise InvalidInputError(f"stack {stack.name} looks for a mask: give one")
        stacks, known = [stack], stack.labels
        wanted = known[:1] if labels is None else tuple(dict.fromkeys(labels))
    else:
        given = [_as_mask(m, n) for n, m in enumerate(masks, 1)]
        if not given:
            raise InvalidInputError("masks is empty: give at least one, or None")
        # Masks of one size share one run, as many as their maps of all scales leave room for; below
        # the mask layer their channels may be merged, so there each runs alone.
        factors = resolve_scales(scales, stack.scales, stack.per_octave)
        at_once = max(1, int(MAX_HELD / 2 / sum(area * f**2 for f in factors)))
        groups: dict[Any, list[Mask]] = {}
        merged = len(stack.with_masks(given[:1]).labels) and stack.layers[-1].op != "mask"
        for n, mask in enumerate(given):
            groups.setdefault((mask.size, n if merged else n // at_once), []).append(mask)
        stacks = [stack.with_masks(group) for group in groups.values()]
        if merged:
            stacks = [
                replace(s, labels=(g[0].label,))
                for s, g in zip(stacks, groups.values(), strict=True)
            ]
        known = tuple(dict.fromkeys(m.label for m in given))
        wanted = known if labels is None else tuple(dict.fromkeys(labels))
    for label in wanted:
        if label not in known:
            raise InvalidInputError(f"no label {label!r}: {stack.name} has {', '.join(known)}")
    if stacks[0].object is None:
        raise InvalidInputError(f"stack {stack.name} does not say the size of its object")
    return stacks, wanted


def _as_mask(mask: Mask | NDArray[Any] | str | Path, number: int) -> Mask:
    if isinstance(mask, Mask):
        return mask
    if isinstance(mask, str | Path):
        return open_mask(mask)
    array = np.asarray(mask, dtype=np.float32)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise InvalidInputError(
            f"a mask is (A, B, 3), or (A, B, 4) with weights, not {array.shape}"
        )
    return Mask(f"mask{number}", array[:, :, :3], array[:, :, 3] if array.shape[2] == 4 else None)


def _prior(
    width: int,
    height: int,
    region: tuple[int, int, int, int] | None,
    where: NDArray[Any] | None,
) -> Floats | None:
    """Weights ``(H, W)`` of places; NaN where no answer may lie."""
    prior: Floats | None = None
    if where is not None:
        prior = np.array(where, dtype=np.float32)
        if prior.shape != (height, width):
            raise InvalidInputError(
                f"where is {prior.shape}, the image ({height}, {width}): they must be of one size"
            )
        if not ((prior >= 0) & (prior <= 1)).all():
            raise InvalidInputError("where holds weights outside 0 to 1")
    if region is not None:
        left, upper, w, h = region
        if w < 1 or h < 1:
            raise InvalidInputError(f"region is {w}x{h}: it must be at least one pixel each way")
        rows = slice(max(upper, 0), max(upper + h, 0))
        cols = slice(max(left, 0), max(left + w, 0))
        inside = np.zeros((height, width), bool)
        inside[rows, cols] = True
        if not inside.any():
            raise InvalidInputError(
                f"region {left},{upper},{w},{h} lies outside the {width}x{height} image"
            )
        prior = np.where(inside, np.float32(1) if prior is None else prior, np.float32(np.nan))
    return prior


def _look(
    stack: Stack, image: Floats, scales: Sequence[float], prior: Floats | None
) -> Iterator[Grid]:
    """The stack's activations at each scale."""
    seen = stack.receptive_field
    area = image.shape[0] * image.shape[1]
    if max(scales) ** 2 * area > MAX_LEVEL_PIXELS:
        raise InvalidInputError(
            f"scale {max(scales):g} makes {image.shape[1]}x{image.shape[0]} too large: use a smaller one"
        )
    kept = held = 0
    for f in scales:
        made = stack.activations((round(f * image.shape[0]), round(f * image.shape[1])))
        held = max(held, kept + max(made))
        kept += made[-1]  # of every scale
    if held > MAX_HELD:
        raise InvalidInputError(
            f"stack {stack.name} would hold {held * 4 / 1e9:.1f} GB of activations of this"
            f" {image.shape[1]}x{image.shape[0]} image, at most {MAX_HELD * 4 / 1e9:.1f} GB:"
            " give fewer or smaller --scales, or a smaller image"
        )
    complaint: InvalidInputError | None = None
    fitting: list[tuple[float, Level]] = []
    assert stack.object is not None  # noqa: S101 - checked by _choose
    for scale, level in levels(image, scales):
        extended = extend(stack, level)
        if level.size[1] < stack.object[0] or level.size[0] < stack.object[1]:
            complaint = complaint or InvalidInputError(
                f"what is sought is {stack.object[0]}x{stack.object[1]}, the image"
                f" {level.size[1]}x{level.size[0]} at scale {scale:g}: it must fit inside;"
                " use a larger --scales or a smaller mask"
            )
        elif min(map(min, stack.sizes(extended.shape[:2]))) < 1:
            complaint = complaint or InvalidInputError(
                f"the image is {level.size[1]}x{level.size[0]} at scale {scale:g}, too small for stack"
                f" {stack.name}; use a larger --scales"
            )
        else:
            fitting.append((scale, extended))
    if not fitting:
        raise complaint or InvalidInputError("no scale to look at")
    for (scale, level), values in zip(
        fitting, stack.run_each([level for _, level in fitting]), strict=True
    ):
        _must_be_numbers(values, stack)
        factor = (level.size[0] / image.shape[0], level.size[1] / image.shape[1])
        origin = [
            (f - m[0] + 0.5) / z for f, m, z in zip(seen.first, level.margin, factor, strict=True)
        ]
        step = [j / z for j, z in zip(seen.jump, factor, strict=True)]
        grid = Grid(values, (origin[0], origin[1]), (step[0], step[1]), scale, factor)
        yield grid if prior is None else _weighed(grid, prior)


def _must_be_numbers(values: Floats, stack: Stack) -> None:
    """Refuse NaN and infinity, which sort and print as nonsense; -inf says "not here"."""
    if values.size and not values.max() < np.inf:
        raise InvalidInputError(
            f"stack {stack.name} answers with NaN or infinity: its weights are too large for float32"
        )


def extend(stack: Stack, level: Level) -> Level:
    """The level with as much around it as the stack's first and last answers see."""
    if stack.boundary == "none":
        return level
    seen = stack.receptive_field
    # The first answer stands at the level's first pixel, the last one at most half a jump short of
    # its last.
    rows, cols = (
        (max(0, math.floor(f)), max(0, math.ceil(f - 0.5) + int(j // 2)))
        for f, j in zip(seen.first, seen.jump, strict=True)
    )
    return replace(level, margin=(rows, cols), boundary=stack.boundary)


def _weighed(grid: Grid, prior: Floats) -> Grid:
    """Positive scores times the prior at each cell's centre; -inf where the prior is NaN."""
    rows, cols = (
        np.clip(grid.centers(axis).astype(np.intp), 0, prior.shape[axis] - 1) for axis in (0, 1)
    )
    weight = prior[rows[:, None], cols[None, :]][:, :, None]
    values = np.where(grid.values > 0, grid.values * weight, grid.values)
    return replace(grid, values=np.where(np.isnan(weight), np.float32(-np.inf), values))


def find_peaks(
    stack: Stack,
    grids: Sequence[Grid],
    channel: int,
    label: str,
    count: int,
    max_overlap: float,
    width: int,
    height: int,
) -> list[Detection]:
    """The best `count` places of one output channel over all scales, overlapping ones suppressed.

    Nothing is suppressed where `max_overlap` is 1.
    """
    size = stack.object or (1, 1)
    found: list[tuple[float, float, float, int, int, int]] = []
    for number, grid in enumerate(grids):
        values = grid.values[:, :, channel]
        ys, xs = grid.centers(0), grid.centers(1)
        rows, cols = local_maxima(values, max(PEAKS_PER_LEVEL, 8 * count)).T
        columns = (-values[rows, cols], ys[rows], xs[cols], np.full_like(rows, number), rows, cols)
        found += zip(*(column.tolist() for column in columns), strict=True)
    found.sort()
    places: list[tuple[float, float]] = []

    def in_order() -> Iterator[Box]:
        for _, y, x, number, i, j in found:
            grid = grids[number]
            dy, dx = refine(grid.values[:, :, channel], i, j)
            places.append((y + dy * grid.step[0], x + dx * grid.step[1]))
            yield _box(grid, size, *places[-1])

    out: list[Detection] = []
    for index in suppress(in_order(), max_overlap):
        score, cell_y, cell_x, number, _, _ = found[index]
        y, x = places[index]
        # A hundredth of a pixel, and float32's own digits, are all that these numbers hold.
        at = (round(min(max(x, 0.0), width), 2), round(min(max(y, 0.0), height), 2))
        # The box of the cell itself: a mask's window, exactly.
        box = _box(grids[number], size, cell_y, cell_x).clipped(width, height)
        out.append(Detection(label, *at, _as_printed(-score), box, grids[number].scale))
        if len(out) == count:
            break
    return out


def _box(grid: Grid, size: Pair, y: float, x: float) -> Box:
    """Where an object of `size` (width, height at the grid's scale) lies that is centred there."""
    w, h = size[0] / grid.factor[1], size[1] / grid.factor[0]
    return Box(round(x - w / 2), round(y - h / 2), max(1, round(w)), max(1, round(h)))


def _as_printed(score: float | np.float32) -> float:
    """The shortest decimal that is this float32."""
    return float(str(np.float32(score)))


def _look_closer(
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
            seen = _answers(look, image, some, stack.object or (1, 1), mirrored=mirrored)
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
    look: CloserLook, image: Floats, candidates: Sequence[Detection], size: Pair, *, mirrored: bool
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

    spread(lambda: work, range(0, len(candidates), TOGETHER))
    _must_be_numbers(out, look.stack)
    return out


def cuts(look: CloserLook, image: Floats, found: Detection, size: Pair) -> list[Floats]:
    """What a closer look is shown of one candidate; `size` is the object's in the first look."""
    extent = look.stack.receptive_field.size
    zoom = found.scale * look.size[0] / size[0]
    return [cut(image, (found.x, found.y), zoom * s, extent) for s in look.scales]


def _second_thoughts(grid: Grid, candidates: Sequence[Detection], best: Floats) -> Grid:
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


def _on_image(grids: Sequence[Grid], height: int, width: int) -> Floats:
    """The largest activation of all grids at each pixel's centre.

    Grids coarser than the image are merged from the coarsest to the finest, each carried onto the
    next one's cells, so that only one of them is stretched to the image's size.
    """
    lowest = min(float(g.values.min(where=np.isfinite(g.values), initial=np.inf)) for g in grids)
    if not math.isfinite(lowest):  # a region so small that no cell's centre lies in it
        lowest = 0.0
    stretched: list[Grid] = []
    for grid in sorted(grids, key=lambda g: g.values.size):
        values = np.maximum(grid.values, np.float32(lowest))  # where no answer may lie
        grid = replace(grid, values=values)
        if stretched and grid.values.size <= height * width:
            np.maximum(values, _carry(stretched.pop(), grid, slice(None)), out=values)
        stretched.append(grid)
    out = np.empty((height, width), np.float32)
    pixels = Grid(out, (0.5, 0.5), (1.0, 1.0))

    def work(start: int) -> None:
        rows = slice(start, start + band)
        out[rows] = _carry(stretched[0], pixels, rows)
        for grid in stretched[1:]:
            np.maximum(out[rows], _carry(grid, pixels, rows), out=out[rows])

    band = max(1, (1 << 18) // width)
    spread(lambda: work, range(0, height, band))
    return out


def _carry(source: Grid, target: Grid, rows: slice) -> Floats:
    """Bilinear values of `source` at rows of `target`'s cells; its edge repeats outside."""
    values = source.values
    for axis in (0, 1):
        at = (target.centers(axis) - source.origin[axis]) / source.step[axis]
        at = np.clip(at, 0, values.shape[axis] - 1)
        if axis == 0:
            at = at[rows]
        low = at.astype(np.intp)
        share = (at - low).astype(np.float32)
        first = values.take(low, axis=axis)
        if share.any():
            high = np.minimum(low + 1, values.shape[axis] - 1)
            first += (values.take(high, axis=axis) - first) * (
                share[:, None] if axis == 0 else share
            )
        values = first
    return values

"""Maps of activations: a stack run over the image at every scale.

`run_stack` makes the `Maps` of one stack: a `Grid` for each scale. Where a prior is given (`prior_of`), it
multiplies their activations. `overlay` lays the grids of all scales over the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arguments import WHOLE_NUMBER, brief, elements
from waldo_cli.arrays import Floats, as_real
from waldo_cli.detector.light import Searched
from waldo_cli.detector.pyramid import Level, level_size, levels, read_of
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box, Pair, Size
from waldo_cli.parallel import thread_count
from waldo_cli.stack.cost import MAX_FLOATS, Cost, cost
from waldo_cli.stack.layers import Combine
from waldo_cli.stack.stack import Stack

# A scale whose level would have more pixels is refused: a scale of 0.001 is a typing error.
MAX_LEVEL_PIXELS = 2**30

# Of many masks, so many share a stack that their maps hold at most half of this number of activations.
MAX_ACTIVATIONS = 2**30

#: Seconds of one core above which a search of one image is refused, by an estimate.
MAX_SECONDS = 3600.0

# Merges several channels into one map.
_MAX_OVER_CHANNELS = Combine("max")


@dataclass(frozen=True, eq=False)
class Grid:
    """The map at one scale, and where its cells lie in the image.

    Attributes
    ----------
    values
        Activations ``(H', W', K)``.
    origin, step
        Cell ``(i, j)`` is centred at ``origin + (i, j) * step``: continuous coordinates of the image, rows
        first.
    scale
        How large the object is in the image, beside the stack's: the image was resized by 1 / `scale`.
    factor
        The exact factors of rows and columns, by which the image was resized to whole pixels.
    object_size
        Rows and columns of the object on the image that was resized; None where they are those of `Maps`.
    """

    values: Floats
    origin: tuple[float, float]
    step: tuple[float, float]
    scale: float = 1.0
    factor: tuple[float, float] = (1.0, 1.0)
    object_size: Size | None = None

    def merged(self, channels: Sequence[int] | None = None) -> Grid:
        """The same with one channel: the largest of these; of all where they are None."""
        if self.values.shape[2] == 1:
            return self
        chosen = slice(None) if channels is None else list(channels)
        return replace(self, values=_MAX_OVER_CHANNELS.run(self.values[:, :, chosen]))

    def centers(self, axis: int) -> NDArray[np.float64]:
        """Rows (axis 0) or columns (axis 1) of the cells' centres in the image."""
        cells = np.arange(self.values.shape[axis], dtype=np.float64)
        return np.asarray(self.origin[axis] + cells * self.step[axis])


@dataclass(frozen=True, eq=False)
class Maps:
    """A stack's activations at every scale of one image.

    Attributes
    ----------
    grids
        One for each scale at which the stack fits into the image, the smallest scale first, which has the
        largest map.
    image
        Rows and columns of the image.
    object_size
        Rows and columns of the object, in pixels at scale 1.
    """

    grids: tuple[Grid, ...]
    image: Size
    object_size: Size

    def merged(self, channels: Sequence[int] | None = None) -> Maps:
        """The same with one channel: the largest of these; of all where they are None."""
        return replace(self, grids=tuple(g.merged(channels) for g in self.grids))

    def extent(self, grid: Grid) -> tuple[float, float]:
        """Height and width, in pixels of the image, of an object that is found on a grid."""
        rows, cols = grid.object_size or self.object_size
        return rows / grid.factor[0], cols / grid.factor[1]

    def box(self, grid: Grid, y: float, x: float) -> Box:
        """Where an object that is found on a grid lies, centred at a place of the image."""
        return _box(self.extent(grid), y, x)

    def box_at(self, scale: float, y: float, x: float) -> Box:
        """Where an object of a scale between those of the grids lies, centred at a place of the image."""
        return _box((self.object_size.rows * scale, self.object_size.cols * scale), y, x)


def _box(extent: tuple[float, float], y: float, x: float) -> Box:
    height, width = extent
    return Box(
        round(x - width / 2), round(y - height / 2), max(1, round(width)), max(1, round(height))
    )


def prior_of(
    image: Size, region: tuple[int, int, int, int] | None, where: NDArray[Any] | None
) -> Floats | None:
    """Weights ``(H, W)`` of places, from `where` and `region` of `detect`; NaN where no answer may lie."""
    prior: Floats | None = None
    if where is not None:
        prior = as_real("where", where).astype(np.float32)
        if prior.shape != image:
            there = Size(*prior.shape) if prior.ndim == 2 else prior.shape
            raise InvalidInputError(
                f"where is {there}, the image {image}: they must be of one size"
            )
        if not ((prior >= 0) & (prior <= 1)).all():
            raise InvalidInputError("where holds weights outside 0 to 1")
    if region is not None:
        sides = elements(region) or ()
        if len(sides) != 4 or not all(WHOLE_NUMBER.holds(n) for n in sides):
            raise InvalidInputError(
                f"region is {brief(region)}: give left, top, width, height in whole pixels"
            )
        left, upper, w, h = sides
        if w < 1 or h < 1:
            raise InvalidInputError(f"region is {w}x{h}: it must be at least one pixel each way")
        rows = slice(max(upper, 0), max(upper + h, 0))
        cols = slice(max(left, 0), max(left + w, 0))
        inside = np.zeros(image, bool)
        inside[rows, cols] = True
        if not inside.any():
            raise InvalidInputError(f"region {left},{upper},{w},{h} lies outside the {image} image")
        prior = np.where(inside, np.float32(1) if prior is None else prior, np.float32(np.nan))
    return prior


def run_stack(
    stack: Stack,
    image: Searched,
    scales: Sequence[float],
    prior: Floats | None,
    max_seconds: float = MAX_SECONDS,
) -> Maps:
    """The stack's activations at each scale.

    Raises
    ------
    InvalidInputError
        The image is too small for the stack at every scale or is enlarged too much at one; the stack would
        take too much memory, or more than `max_seconds`; or activations are NaN or infinite.
    """
    size = Size(*image.shape[:2])
    read = read_of(image).factor
    _refuse_too_large(size, scales)
    _refuse_too_costly(
        stack,
        size,
        cost_of(stack, size, scales, weighed=prior is not None, factor=read),
        max_seconds,
    )
    fitting = _fitting_levels(stack, image, scales)
    field = stack.receptive_field
    grids: list[Grid] = []
    answers = stack.run_each([level for _, level in fitting])
    for (scale, level), values in zip(fitting, answers, strict=True):
        refuse_nan_and_infinity(values, stack)
        factor = (level.size.rows / size.rows, level.size.cols / size.cols)
        origin = [
            (first - before + 0.5) / zoom
            for first, (before, _), zoom in zip(field.first, level.margin, factor, strict=True)
        ]
        step = [jump / zoom for jump, zoom in zip(field.jump, factor, strict=True)]
        grid = Grid(values, (origin[0], origin[1]), (step[0], step[1]), scale, factor)
        grids.append(grid if prior is None else times_prior(grid, prior))
    return Maps(tuple(grids), size, stack.object_size)


def cost_of(
    stack: Stack,
    image: Size,
    scales: Sequence[float],
    *,
    weighed: bool = False,
    factor: int = 1,
) -> Cost:
    """What the stack takes for an image at these scales, those at which it does not fit left out.

    `factor`: by how much the image was reduced while it was read.
    """
    return _counted(stack, image, tuple(scales), weighed, factor, thread_count())


@lru_cache(maxsize=16)  # counting takes milliseconds, and images of a folder are mostly of one size
def _counted(
    stack: Stack,
    image: Size,
    scales: tuple[float, ...],
    weighed: bool,
    factor: int,
    _threads: int,  # on which the count depends
) -> Cost:
    pixels = np.broadcast_to(np.float32(0), (*image, 3))  # takes no memory; only its size is used
    extended = [
        extend(stack, Level(pixels, level_size(*image, 1 / scale))).shape for scale in scales
    ]
    fitting = [(rows, cols) for rows, cols, _ in extended if _fits(stack, (rows, cols))]
    if not fitting:
        return Cost(0, 0.0)
    return cost(stack, image, fitting, weighed=weighed, factor=factor)


def fitting_sizes(stack: Stack, image: Size, scales: Sequence[float]) -> list[Size]:
    """Sizes of the image at those of the scales at which the object and all windows fit into it."""
    pixels = np.broadcast_to(np.float32(0), (*image, 3))  # takes no memory; only its size is used
    sizes = [level_size(*image, 1 / scale) for scale in scales]
    return [
        size
        for size in sizes
        if size.holds(stack.object_size)
        and _fits(stack, extend(stack, Level(pixels, size)).shape[:2])
    ]


def _fits(stack: Stack, size: Pair) -> bool:
    """Whether all windows of the stack fit into an image of this size."""
    return min(map(min, stack.sizes(size))) >= 1


def _refuse_too_large(size: Size, scales: Sequence[float]) -> None:
    if size.rows * size.cols / min(scales) ** 2 > MAX_LEVEL_PIXELS:
        raise InvalidInputError(
            f"scale {min(scales):g} enlarges the {size} image too much: use a larger one"
        )


def _refuse_too_costly(stack: Stack, size: Size, cost: Cost, max_seconds: float) -> None:
    floats, seconds = cost
    if floats > MAX_FLOATS:
        raise InvalidInputError(
            f"stack {stack.name} would hold {floats * 4 / 1e9:.1f} GB of this {size} image, at most"
            f" {MAX_FLOATS * 4 / 1e9:.1f} GB: give fewer or larger --scales, or a smaller image"
        )
    what = f"stack {stack.name}"
    refuse_too_long(what, size, seconds, max_seconds, "or larger --scales")


def refuse_too_long(what: str, size: Size, seconds: float, max_seconds: float, fewer: str) -> None:
    """Refuse an image for which something would take longer; with `fewer` of it, it would not."""
    if not seconds <= max_seconds:  # NaN is no limit that anything keeps
        raise InvalidInputError(
            f"{what} would take about {_seconds(seconds)} of one core for this {size} image, at most"
            f" {_seconds(max_seconds)}: give fewer {fewer}, or a larger --max-seconds"
        )


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _fitting_levels(
    stack: Stack, image: Searched, scales: Sequence[float]
) -> list[tuple[float, Level]]:
    """Scales at which the object and all windows of the stack fit into the image, with their levels."""
    complaint: InvalidInputError | None = None
    fitting: list[tuple[float, Level]] = []
    factors = [1 / scale for scale in sorted(scales)]
    for scale, (_, level) in zip(sorted(scales), levels(image, factors), strict=True):
        extended = extend(stack, level)
        if not level.size.holds(stack.object_size):
            complaint = complaint or InvalidInputError(
                f"what is sought is {stack.object_size}, the image {level.size} at scale {scale:g}: it must"
                " fit inside; use a smaller --scales or a smaller mask"
            )
        elif not _fits(stack, extended.shape[:2]):
            complaint = complaint or InvalidInputError(
                f"the image is {level.size} at scale {scale:g}, too small for stack"
                f" {stack.name}; use a smaller --scales"
            )
        else:
            fitting.append((scale, extended))
    if not fitting:
        raise complaint or InvalidInputError("no scale to look at")
    return fitting


def refuse_nan_and_infinity(values: Floats, stack: Stack) -> None:
    """Refuse NaN and +infinity, which cannot be ranked; -inf is allowed: no answer may lie there."""
    if values.size and not values.max() < np.inf:
        raise InvalidInputError(
            f"stack {stack.name} answers with NaN or infinity: its weights are too large for float32"
        )


def extend(stack: Stack, level: Level) -> Level:
    """The level with the margin that the stack's first and last answers see beyond its edge."""
    if stack.boundary == "none":
        return level
    field = stack.receptive_field
    # Chosen so that the first answer is centred at the level's first pixel, and the last one at most half a
    # jump before its last pixel.
    rows, cols = (
        (max(0, math.floor(f)), max(0, math.ceil(f - 0.5) + int(j // 2)))
        for f, j in zip(field.first, field.jump, strict=True)
    )
    return replace(level, margin=(rows, cols), boundary=stack.boundary)


def prior_at(prior: Floats, y: NDArray[Any], x: NDArray[Any]) -> Floats:
    """The prior at places, by continuous coordinates."""
    row, col = (
        np.clip(at, 0, size - 1).astype(np.intp)
        for at, size in zip((y, x), prior.shape, strict=True)
    )
    there: Floats = prior[row, col]
    return there


def times_prior(grid: Grid, prior: Floats) -> Grid:
    """Positive scores times the prior at each cell's centre; -inf where the prior is NaN."""
    weight = prior_at(prior, grid.centers(0)[:, None], grid.centers(1))[:, :, None]
    values = np.where(grid.values > 0, grid.values * weight, grid.values)
    return replace(grid, values=np.where(np.isnan(weight), np.float32(-np.inf), values))

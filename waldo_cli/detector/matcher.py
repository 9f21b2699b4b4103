"""What is sought by a mask: at which scales and turns, by its colours or its shape, on which points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.detector.agreement import Agreement
from waldo_cli.detector.poses import ANGLE, PLACE, SCALE
from waldo_cli.detector.template import Template
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Size
from waldo_cli.stack.stack import Mask

# Sides, in pixels, of a square with the thing's area, as it is looked at in each step. A mask with fine
# detail, of which less than a share is left at the coarse size, is looked at some times larger in all but the
# last step.
COARSE, GLANCE, FIRST, SECOND, FINE = 16, 12, 20, 32, 96
_LEAST_LEFT, _LARGER = 0.4, (1.0, 1.5, 2.0, 3.0)

# The image may be blurred: the standard deviation of a Gaussian, in its pixels.
BLUR = 1.0

# A thing whose shorter side measures less in the image tells too little to be sought at that scale.
SMALLEST = 8

# Masks whose colours vary less under their weights are matched by their shape. At its rim, so many pixels
# wide, a shape that has been resized may be of other colours.
_FLAT, _RIM = 6 / 255, 2

# What the worst colour takes from the score of a shape, as a share of it.
_COLOUR = 0.3


class Turn(NamedTuple):
    """A mask is mirrored left to right first, where it is, and then turned counter-clockwise as seen."""

    angle: float = 0.0
    mirrored: bool = False


UPRIGHT = (Turn(),)


def is_one_colour(mask: Mask) -> bool:
    """True if a mask has one colour and a shape: its weights tell it from its surroundings.

    Raises
    ------
    InvalidInputError
        It has one colour and no shape.
    """
    if mask.pixels[_opaque(mask)].std(axis=0).max() > _FLAT:
        return False
    if mask.weights is None or mask.weights.std() < _FLAT:
        raise InvalidInputError(
            "the mask has one colour only and no shape: nothing to tell it from its surroundings; cut it out"
            " with some of what is around it, or make that transparent"
        )
    return True


def _by_opacity(mask: Mask) -> Mask:
    """The mask with smaller weights where it is partly transparent, such as at the rim of an icon.

    What is behind such a pixel shows through, and is not known: its weight is its alpha squared. (A higher
    power finds a few more in JPEGs, and more where nothing is.)
    """
    if mask.weights is None:
        return mask
    return replace(mask, weights=mask.weights**2 / mask.weights.max())


def _opaque(mask: Mask) -> NDArray[np.bool_]:
    """Where a mask has its colours, ``(A, B)``: away from the rim of its shape, if anything is."""
    if mask.weights is None:
        return np.ones(mask.size, bool)
    opaque = mask.weights > mask.weights.max() / 2
    padded = np.pad(opaque, _RIM, constant_values=True)
    inner = padded
    for axis in (0, 1):
        inner = np.asarray(sliding_window_view(inner, 2 * _RIM + 1, axis=axis).all(axis=-1))
    return inner if inner.any() else opaque


@dataclass(frozen=True, eq=False)
class Matcher:
    """A mask, and the scales and turns at which it is sought.

    Attributes
    ----------
    mask
        As given.
    scales, turns
        How large, and how it may lie.
    score
        What is reported: "ccc", the concordance, which is 1 only where the colours agree, too, or "ncc".
    """

    mask: Mask
    scales: tuple[float, ...]
    turns: tuple[Turn, ...] = UPRIGHT
    score: str = "ccc"

    @cached_property
    def one_colour(self) -> bool:
        """Whether the mask is matched by its shape."""
        return is_one_colour(self.mask)

    @cached_property
    def colour(self) -> Doubles | None:
        """The colour of a mask that is matched by its shape, ``(3,)``."""
        if not self.one_colour:
            return None
        return np.asarray(self.mask.pixels[_opaque(self.mask)].mean(axis=0, dtype=np.float64))

    @cached_property
    def sought(self) -> Mask:
        """The mask with weights for its colours, or its shape as a mask of one channel."""
        if not self.one_colour:
            return _by_opacity(self.mask)
        assert self.mask.weights is not None  # noqa: S101 - for the type checker; `is_one_colour` has seen it
        return Mask(self.mask.label, self.mask.weights[:, :, None].astype(np.float32))

    @property
    def any_contrast(self) -> bool:
        """Whether the image may have any contrast beside the mask's."""
        return self.score == "ncc" or self.one_colour

    @property
    def free(self) -> tuple[str, ...]:
        """What an alignment may change."""
        scale = (SCALE,) if len(self.scales) > 1 else ()
        return (PLACE, *scale, *((ANGLE,) if len({t.angle for t in self.turns}) > 1 else ()))

    def grid(self, side: float, scale: float) -> Size:
        """Rows and columns at which the thing has about `side`² points; not more than mask or image have."""
        rows, cols = self.mask.size
        k = max(side / math.sqrt(rows * cols), min(SMALLEST, side / 2) / min(rows, cols))
        k = min(k, 1.0, scale)
        return Size(max(1, round(rows * k)), max(1, round(cols * k)))

    @cached_property
    def larger(self) -> float:
        """How many times larger than `COARSE` the mask must be looked at, so that it is told from others."""
        whole = self.template(FINE, 1.0).energy
        return next(
            (f for f in _LARGER if self.template(f * COARSE, 1.0).energy >= _LEAST_LEFT * whole),
            _LARGER[-1],
        )

    @property
    def half_side(self) -> float:
        """The side at which the mask is seen from twice as far as in the second alignment."""
        return max(float(SMALLEST), math.sqrt(math.prod(self.grid(self.larger * SECOND, 1.0))) / 2)

    @property
    def independent(self) -> float:
        """How many independent numbers a copy of the mask amounts to, about.

        To find out with all its pixels takes longer than all the rest.
        """
        return self.template(self.larger * SECOND, 1.0).independent

    def template(self, side: float, scale: float, *, blurred: bool = False) -> Template:
        """The template for an alignment; as a blurred image shows the mask, where that is asked for."""
        grid = self.grid(side, scale)
        # What blur does depends on the scale; a sharp template on its points alone.
        key = (grid, scale if blurred else None)
        known = self._templates.get(key)
        if known is None:
            known = Template.of(self.sought, grid, self.colour)
            if blurred:
                down, across = (BLUR / (pitch * scale) for pitch in known.pitch)
                known = known.blurred((down, across))
            self._templates[key] = known
        return known

    @cached_property
    def _templates(self) -> dict[tuple[Size, float | None], Template]:
        return {}

    def reported(self, agreement: Agreement, weights: Doubles) -> Doubles:
        """The scores that are reported, those above 0 times the prior's weights.

        Of what hangs over the image's edge a part alone was compared, and few numbers agree easily: the score
        is that of the whole which chance would bring about as easily. (A correlation's standard error, by
        Fisher's transform, falls with the root of the number of what is compared.) Of a copy it stays 1.
        """
        scores = agreement.score
        if self.score == "ccc" and self.one_colour:
            # Its colour may be another, and decides between places where its shape is alike.
            scores = scores * (1 - _COLOUR * (1 - agreement.concordance))
        elif self.score == "ccc":
            scores = agreement.concordance
        over_edge = (scores > 0) & (scores < 1) & (agreement.inside < 1)
        z = np.arctanh(np.where(over_edge, scores, 0)) * np.sqrt(agreement.inside)
        scores = np.where(over_edge, np.tanh(z), scores)
        return np.where(scores > 0, scores * weights, scores)

    def scales_for(self, image: Size) -> list[float]:
        """The scales at which enough of the thing is left, and at which it fits into the image.

        Raises
        ------
        InvalidInputError
            There is none.
        """
        size = self.mask.size
        small, large = SMALLEST / min(size), min(image.rows / size.rows, image.cols / size.cols)
        least = min(small, 1.0)  # a mask that is smaller itself is sought as it is
        fitting = [s for s in self.scales if s <= large * (1 + 1e-9)]
        if not fitting:
            raise InvalidInputError(
                f"what is sought is {size}, the image {image}, and the smallest scale"
                f" {min(self.scales):g}: it must fit inside; use a smaller --scales or a smaller mask"
            )
        return [s for s in fitting if s >= least * (1 - 1e-9)] or fitting[-1:]


def turned_planes(planes: Floats, turn: Turn, x: Doubles, y: Doubles) -> Floats:
    """Planes at points x, y beside the centre, after they are mirrored and turned; 0 outside."""
    from scipy import ndimage  # a tenth of a second to import: only where something is turned

    if turn == Turn() and planes.shape[:2] == x.shape:
        return planes
    a = math.radians(turn.angle)
    col = x * math.cos(a) - y * math.sin(a)
    row = x * math.sin(a) + y * math.cos(a)
    if turn.mirrored:
        col = -col
    rows, cols = planes.shape[:2]
    at = (row + (rows - 1) / 2, col + (cols - 1) / 2)
    return np.dstack(
        [
            ndimage.map_coordinates(planes[:, :, c], at, order=1, mode="constant")
            for c in range(planes.shape[2])
        ]
    )


def as_it_lies(mask: Mask, turn: Turn) -> Mask:
    """A mask mirrored and turned: what is outside of it has no weight."""
    if turn == Turn():
        return mask
    size, a = mask.size, math.radians(turn.angle)
    A, B = (
        math.ceil(abs(math.cos(a)) * n + abs(math.sin(a)) * m - 1e-6) for n, m in (size, size[::-1])
    )
    y, x = np.mgrid[:A, :B] + np.array([(1 - A) / 2, (1 - B) / 2])[:, None, None]
    planes = turned_planes(mask.weighed(), turn, x, y)
    return of_planes(mask.label, planes, whole=mask.weights is None and turn.angle % 90 == 0)


def of_planes(label: str, planes: Floats, *, whole: bool) -> Mask:
    """The mask of planes as `Mask.weighed` gives them, resized or turned; `whole` if all of it is opaque."""
    weights = np.clip(planes[:, :, -1], 0, 1).astype(np.float32)
    pixels = planes[:, :, :-1] / np.maximum(weights, 1e-3)[:, :, None]
    return Mask(label, pixels.astype(np.float32), None if whole else weights)

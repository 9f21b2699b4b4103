"""Sizes, boxes, detections and receptive fields: numbers only, no arrays.

There are two coordinate systems. Inside the package an index is ``(row, col)`` and the centre of pixel
``i`` is at ``i``. In results, ``x`` and ``y`` are continuous, the origin is the image's top left corner and
pixel ``i`` covers ``[i, i + 1)``, so that its centre is at ``i + 0.5`` and the centre of a box at
``left + width / 2``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

Pair = tuple[int, int]  # one number for rows and one for columns, such as a stride
Point = tuple[float, float]  # x, y
Span = tuple[int, int]  # half-open range: first index, last index + 1


class Size(NamedTuple):
    """Number of rows and columns. As text it is ``WIDTHxHEIGHT``, the order that users expect."""

    rows: int
    cols: int

    def holds(self, other: Size) -> bool:
        """Return whether something of size `other` fits inside."""
        return other.rows <= self.rows and other.cols <= self.cols

    def __str__(self) -> str:
        return f"{self.cols}x{self.rows}"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels: columns ``left .. left + width - 1``, rows ``top .. top + height - 1``.

    Attributes
    ----------
    left, top
        Column and row of its first pixel, counted from 0 at the image's top left corner.
    width, height
        Number of columns and rows; at least 1 in every result.
    """

    left: int
    top: int
    width: int
    height: int

    def __iter__(self) -> Iterator[int]:
        """Give left, top, width, height, so that a box can be unpacked."""
        return iter(self.xywh)

    @property
    def xywh(self) -> tuple[int, int, int, int]:
        """Left, top, width, height."""
        return self.left, self.top, self.width, self.height

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom; the last two are one more than the last column and row."""
        return self.left, self.top, self.left + self.width, self.top + self.height

    @property
    def area(self) -> int:
        """Width times height, in pixels."""
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of its rows and columns in an array."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def clipped(self, width: int, height: int) -> Box:
        """Return the part inside an image of `width` columns and `height` rows.

        The result is never empty: a box that lies outside the image becomes a box at the image's edge, one
        pixel wide or high, or both.
        """
        left = min(max(self.left, 0), width - 1)
        top = min(max(self.top, 0), height - 1)
        right = min(max(self.left + self.width, left + 1), width)
        bottom = min(max(self.top + self.height, top + 1), height)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class Detection:
    """One place where something was found.

    Attributes
    ----------
    label
        What was found: the label of the mask or of the stack's output channel.
    x, y
        Centre of what was found, in pixels from the image's top left corner (pixel 0 covers 0 to 1). It is
        the peak of the score, interpolated to fractions of a pixel.
    score
        Larger is more certain. The range depends on the stack.
    box
        Rectangle around what was found, clipped to the image.
    scale
        How large it is, beside the mask or the stack's object; 2 is twice as large.
    angle
        By how many degrees it is turned counter-clockwise, as seen; above -180, up to 180.
    mirrored
        Whether it is mirrored: left to right, before it is turned.
    polygon
        Its corners, those of the mask from its top left one clockwise; None where it lies upright as the mask
        does, and `box` says all.
    chance
        For a mask: the share of pictures without it in which chance brings about a place as good as this.
        None for other stacks, whose score is a probability itself.
    gain, offset
        For a mask: contrast of the image there beside that of the mask, and by how much it is brighter, from
        -1 to 1. 1 and 0 for a copy; a pale, disabled button has a gain well below 1. Of a mask of one colour
        the gain is by how much it is brighter there than its ground. None for other stacks.
    """

    label: str
    x: float
    y: float
    score: float
    box: Box
    scale: float
    angle: float = 0.0
    mirrored: bool = False
    polygon: tuple[Point, ...] | None = None
    chance: float | None = None
    gain: float | None = None
    offset: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a detection of ``-f jsonl``; what only masks have is left out where it is None."""
        fields: dict[str, Any] = {
            "label": self.label,
            "x": self.x,
            "y": self.y,
            "score": self.score,
        }
        fields |= {"box": list(self.box), "scale": self.scale}
        if self.chance is not None:
            fields |= {"angle": self.angle, "mirrored": self.mirrored, "chance": self.chance}
            fields |= {"gain": self.gain, "offset": self.offset}
        if self.polygon is not None:
            fields |= {"polygon": [list(corner) for corner in self.polygon]}
        return fields


class ReceptiveField(NamedTuple):
    """The part of the input that one output of a stack depends on; all values are ``(rows, cols)``.

    Along each axis, output ``i`` depends on ``size`` input pixels, centred on input position
    ``first + i * jump``.

    Attributes
    ----------
    size
        Number of input pixels that one output depends on.
    jump
        Distance in input pixels between two neighbouring outputs; below 1 after upsampling.
    first
        Input position of the centre of output 0; a fraction such as 0.5 where `size` is even.

    References
    ----------
    Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
    """

    size: Pair = (1, 1)
    jump: tuple[float, float] = (1, 1)
    first: tuple[float, float] = (0.0, 0.0)

    def through(
        self, kernel: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1), pad: Pair = (0, 0)
    ) -> Self:
        """Return the field after one more layer with a window, such as a convolution or a pooling.

        `pad` is the number of rows and columns that the layer adds before row and column 0.
        """
        # Distance from the first to the last tap of the window, in inputs of this layer. Multiplied by
        # `jump`, all distances become pixels of the stack's input (fractions of them after upsampling).
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        size = [math.ceil(s + r * j) for s, r, j in zip(self.size, reach, self.jump, strict=True)]
        first = [
            f + (r / 2 - p) * j
            for f, r, p, j in zip(self.first, reach, pad, self.jump, strict=True)
        ]
        jump = [j * s for j, s in zip(self.jump, stride, strict=True)]
        return self._replace(
            size=(size[0], size[1]), jump=(jump[0], jump[1]), first=(first[0], first[1])
        )

    def upsampled(self, factor: int) -> Self:
        """Return the field after each output is repeated `factor` times along both axes."""
        jump = (self.jump[0] / factor, self.jump[1] / factor)
        # The `factor` copies of output 0 lie around its old centre, so the first copy moves back.
        first = tuple(f - (factor - 1) / 2 * j for f, j in zip(self.first, jump, strict=True))
        return self._replace(jump=jump, first=(first[0], first[1]))


def window_count(length: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
    """Return how many windows fit into `length` inputs along one axis: the size of a layer's output.

    A window has `kernel` taps, `dilation` inputs apart; a new window begins every `stride` inputs. The
    result is ``(length - dilation * (kernel - 1) - 1) // stride + 1``, or 0 if not even one window fits.
    """
    return max(0, (length - dilation * (kernel - 1) - 1) // stride + 1)


def same_padding(kernel: int, dilation: int = 1) -> Pair:
    """Return the padding before and after, along one axis, that keeps the output's size at stride 1.

    If the total is odd, the larger part goes after, as in PyTorch's ``padding="same"``.
    """
    reach = dilation * (kernel - 1)
    return reach // 2, reach - reach // 2

"""Sizes, receptive fields and boxes: plain numbers, no pixels.

Positions are of two kinds. Inside the core an index is ``(row, col)`` and pixel ``i`` has its centre at
``i``. In answers ``x, y`` are continuous, the origin is the image's top left corner, and pixel ``i``
covers ``[i, i + 1)``: the centre of a box is ``left + width / 2``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

Pair = tuple[int, int]  # of rows and of columns
Point = tuple[float, float]  # x, y
Span = tuple[int, int]  # from, to


class Size(NamedTuple):
    """Rows and columns. People write it the other way round: as text it is ``WIDTHxHEIGHT``."""

    rows: int
    cols: int

    def holds(self, other: Size) -> bool:
        """True where something of the `other` size fits inside."""
        return other.rows <= self.rows and other.cols <= self.cols

    def __str__(self) -> str:
        return f"{self.cols}x{self.rows}"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels: columns ``left .. left + width - 1``, rows likewise.

    Attributes
    ----------
    left, top
        Column and row of its first pixel, counted from 0 at the image's top left corner.
    width, height
        In pixels, at least 1 in every answer.
    """

    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Width times height, in pixels."""
        return self.width * self.height

    def clipped(self, width: int, height: int) -> Box:
        """The part inside an image of `width` columns and `height` rows.

        A box that lies outside becomes the one pixel of the image's edge that is nearest to its corner: no
        answer is empty.
        """
        left = min(max(self.left, 0), width - 1)
        top = min(max(self.top, 0), height - 1)
        right = min(max(self.left + self.width, left + 1), width)
        bottom = min(max(self.top + self.height, top + 1), height)
        return Box(left, top, right - left, bottom - top)


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


class ReceptiveField(NamedTuple):
    """What one output of a stack sees, in input pixels, each as ``(rows, cols)``.

    Output ``i`` sees ``size`` pixels around input position ``first + i * jump``.

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
        """The field after one more windowed layer; `pad` is what is added before row and column 0."""
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
        """The field after each output is repeated `factor` times along both axes."""
        jump = (self.jump[0] / factor, self.jump[1] / factor)
        first = tuple(f - (factor - 1) / 2 * j for f, j in zip(self.first, jump, strict=True))
        return self._replace(jump=jump, first=(first[0], first[1]))


def window_count(length: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
    """How many windows of `kernel` taps, `dilation` apart, fit into `length` at every `stride`.

    ``(length - dilation * (kernel - 1) - 1) // stride + 1``, and 0 where not even one fits.
    """
    return max(0, (length - dilation * (kernel - 1) - 1) // stride + 1)


def same_padding(kernel: int, dilation: int = 1) -> Pair:
    """Rows before and after so that the output has the input's size at stride 1.

    For an even reach the odd row goes after, as in PyTorch's ``padding="same"``.
    """
    reach = dilation * (kernel - 1)
    return reach // 2, reach - reach // 2

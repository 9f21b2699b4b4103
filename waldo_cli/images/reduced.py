"""A picture that was read at a part of its size: for a search that looks at no finer copy of it.

A JPEG can be decoded at a half, a quarter or an eighth of its size, in less time and in a fraction of the
memory (`decode`). `ReducedImage` stands for the whole picture where pixels are resampled: its size and all
places are those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from waldo_cli.arrays import Pixels
from waldo_cli.geometry import Size


@dataclass(frozen=True, eq=False)
class ReducedImage:
    """A picture, of which fewer pixels were read than it has.

    Attributes
    ----------
    pixels
        ``(h, w, 3)``, what was read.
    factor
        How many pixels of the whole picture lie along a side of one that was read: 2, 4 or 8.
    size
        Rows and columns of the whole picture.
    origin
        Row and column of the whole picture at which the first pixel begins. It may be negative: at one edge a
        pixel that was read can reach beyond the picture.
    whole
        Reads the whole picture.
    """

    pixels: Pixels
    factor: int
    size: Size
    origin: tuple[int, int]
    whole: Callable[[], Pixels]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the whole picture."""
        return (*self.size, self.pixels.shape[2])

    def turned(self, turn: int) -> ReducedImage:
        """The same turned clockwise by 90, 180 or 270 degrees, and so is what `whole` reads."""
        image = self
        for _ in range(turn // 90):
            (rows, cols), (top, left) = image.size, image.origin
            # The last row comes to stand in the first column.
            beyond = top + image.factor * image.pixels.shape[0] - rows
            image = replace(
                image,
                pixels=np.rot90(image.pixels, -1),
                size=Size(cols, rows),
                origin=(left, -beyond),
            )
        return replace(
            image,
            pixels=np.ascontiguousarray(image.pixels),
            whole=partial(_turned, self.whole, turn),
        )


def _turned(whole: Callable[[], Pixels], turn: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(whole(), -(turn // 90)))


#: A picture to be searched.
AnyPixels: TypeAlias = Pixels | ReducedImage

#: How much a picture of this size may be reduced while it is read: 1, 2, 4 or 8.
Reduction = Callable[[Size], int]

"""How masks lie in the image, and the image at sizes at which to look at them.

`Poses` is a table of candidates: place, scale, angle, and whether mirrored. `ImagePyramid` has the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.detector.pyramid import Level, cut, level_size
from waldo_cli.geometry import Size

# What of a pose may change (a mirrored one stays so).
PLACE, SCALE, ANGLE = "place", "scale", "angle"
# Which rows of a table of candidates.
Rows = slice | list[int] | NDArray[np.intp] | NDArray[np.bool_]
FIELDS = ("x", "y", "scale", "angle", "mirrored")

# Up to this many pixels of the image from point to point its own pixels are the best: others, so little
# larger, would be blurred for nothing, and a scale of 1 is often off by a rounding.
_OWN_PIXELS = 1.05


@dataclass(frozen=True, eq=False)
class Poses:
    """How masks lie in the image, one row for each candidate.

    Attributes
    ----------
    x, y
        Centre of the mask, continuous coordinates of the image.
    scale
        How large it is, beside the mask.
    angle
        By how many degrees it is turned counter-clockwise, as seen.
    mirrored
        Whether it was mirrored left to right, before it was turned.
    """

    x: Doubles
    y: Doubles
    scale: Doubles
    angle: Doubles
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Rows) -> Poses:
        return Poses(*(getattr(self, name)[index] for name in FIELDS))

    @staticmethod
    def joined(parts: list[Poses]) -> Poses:
        """All rows of several tables, one after the other."""
        return Poses(*(np.concatenate([getattr(p, name) for p in parts]) for name in FIELDS))

    def matrices(self) -> Doubles:
        """``(N, 2, 2)``: from (x, y) beside the mask's centre to (x, y) beside the pose's, in pixels."""
        radians = np.radians(self.angle)
        cos, sin = self.scale * np.cos(radians), self.scale * np.sin(radians)
        flip = np.where(self.mirrored, -1.0, 1.0)
        # y points down, so that a turn counter-clockwise has the signs of one clockwise in textbooks.
        return np.stack([np.stack([flip * cos, sin], 1), np.stack([-flip * sin, cos], 1)], 1)


class View(NamedTuple):
    """Pixels ``(H, W, C)`` of the image at another size, and where they lie: by rows and columns.

    The image's continuous coordinate ``y`` is at row ``(y - origin) * factor - 0.5``.
    """

    pixels: Floats
    factor: tuple[float, float]
    origin: tuple[float, float]


class ImagePyramid:
    """The image at sizes that fall by a square root of two each, made when first asked for."""

    def __init__(self, image: Floats) -> None:
        self.size = Size(*image.shape[:2])
        self._levels: dict[int, Floats] = {0: np.ascontiguousarray(image)}
        self._piece: View | None = None

    def around(self, pose: Poses, side: float, pitch: float) -> ImagePyramid:
        """What is around one pose, up to `side` pixels of the image each way, resized for just this pitch."""
        if pitch <= _OWN_PIXELS:
            return self
        size = math.ceil(2 * side / pitch) + 4
        near = cut(self._levels[0], (float(pose.x[0]), float(pose.y[0])), 1 / pitch, (size, size))
        piece = ImagePyramid(near)
        piece.size = self.size
        corner = [float(at[0]) - size / 2 * pitch for at in (pose.y, pose.x)]
        piece._piece = View(near, (1 / pitch, 1 / pitch), (corner[0], corner[1]))
        return piece

    def level(self, pitch: float) -> View:
        """The level whose pixels are nearest to `pitch` pixels of the image."""
        if self._piece is not None:
            return self._piece
        step = max(0, round(2 * math.log2(max(pitch, 1.0))))
        if step not in self._levels:
            near = max(s for s in self._levels if s <= max(0, step - 4) or s == 0)
            size = level_size(*self.size, 2 ** (-step / 2))
            self._levels[step] = np.ascontiguousarray(Level(self._levels[near], size)[:])
        values = self._levels[step]
        factor = (values.shape[0] / self.size.rows, values.shape[1] / self.size.cols)
        return View(values, factor, (0.0, 0.0))

    def resized(self, factor: float) -> Floats:
        """The image at a factor of at most 1, made of the next larger level."""
        size = level_size(*self.size, factor)
        if size == self.size:
            return self._levels[0]
        # A level of at least one and a half times the size: the filter sees enough pixels, and not too many.
        return Level(self.level(max(1.0, 0.6 / factor)).pixels, size)[:]

"""Pictures that lie on their side or stand on their head: turn them, and turn what was found back.

A turn is one of `TURNS`, in degrees clockwise: so far the picture is turned before it is searched. What is
found is told in pixels of the picture as it was given.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arguments import brief
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box, Detection, Point, Size
from waldo_cli.images.reduced import AnyPixels, ReducedImage

TURNS = (0, 90, 180, 270)

Element = TypeVar("Element", bound=np.generic)


def turn_of(spec: str | int) -> int | None:
    """The turn that a user asks for: "none", or degrees as a number or text; None for "auto".

    Raises
    ------
    InvalidInputError
        It is none of these.
    """
    if isinstance(spec, str | Integral):
        if spec == "auto":
            return None
        for turn in TURNS:
            if spec in (turn, str(turn)) or (spec == "none" and turn == 0):
                return turn
    raise InvalidInputError(f"turn is {brief(spec)}: give auto, none, 90, 180 or 270")


def turned(array: NDArray[Element], turn: int) -> NDArray[Element]:
    """An image or a map ``(H, W, ...)``, turned clockwise."""
    return np.ascontiguousarray(np.rot90(array, -turn // 90))


def turned_image(image: AnyPixels, turn: int) -> AnyPixels:
    """An image, turned clockwise."""
    return image.turned(turn) if isinstance(image, ReducedImage) else turned(image, turn)


def point_back(x: float, y: float, turn: int, image: Size) -> Point:
    """A point of a turned image, in pixels of the `image` before it was turned."""
    rows, cols = image
    return {0: (x, y), 90: (y, rows - x), 180: (cols - x, rows - y), 270: (cols - y, x)}[turn]


def box_back(box: Box, turn: int, image: Size) -> Box:
    """A box of a turned image, in pixels of the `image` before it was turned."""
    corners = [
        point_back(x, y, turn, image)
        for x, y in ((box.left, box.top), (box.left + box.width, box.top + box.height))
    ]
    (left, right), (top, bottom) = (sorted(map(round, ends)) for ends in zip(*corners, strict=True))
    return Box(left, top, right - left, bottom - top)


def turned_back(found: Detection, turn: int, image: Size) -> Detection:
    """What was found in a turned image, in pixels of the `image` before it was turned."""
    x, y = point_back(found.x, found.y, turn, image)
    corners = found.polygon
    # Of a mask: how it lies, now that it is turned.
    if corners is None and found.chance is not None:
        left, top, right, bottom = found.box.xyxy
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    back = (point_back(*corner, turn, image) for corner in corners or ())
    return replace(
        found,
        x=round(x, 2),
        y=round(y, 2),
        box=box_back(found.box, turn, image),
        angle=round(180 - (180 - found.angle - turn) % 360, 2),
        polygon=tuple((round(x, 2), round(y, 2)) for x, y in back) or None,
    )

"""The boxes of finds, by the last look of a stack: how far off is each, and how much larger?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.cuts import answers_to_cuts, magnification
from waldo_cli.detector.light import Searched
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.stack.stack import BoxLook

# A box is moved by at most half its side, so that it holds the find's place. A side is at most e times as
# long or short as that of the object at the find's scale: what is said beyond that was not learned.
MOST_SHIFT, MOST_LOG = 0.5, 1.0


def boxed(
    look: BoxLook, image: Searched, finds: Sequence[Detection], size: Size
) -> list[Detection]:
    """The finds with the boxes that a box look sees; `size` is the object's at scale 1.

    Each is shown as it is and mirrored, and the answers are averaged.
    """
    seen = answers_to_cuts(look, image, finds, size)[:, 0]
    mirrored = answers_to_cuts(look, image, finds, size, mirrored=True)[:, 0]
    mirrored[:, 0] *= -1  # what lies right of the centre lies left of it in the mirror
    image_size = Size(*image.shape[:2])
    return [
        replace(found, box=_box(look, found, answer, size, image_size))
        for found, answer in zip(finds, (seen + mirrored) / 2, strict=True)
    ]


def _box(look: BoxLook, found: Detection, answer: Floats, size: Size, image: Size) -> Box:
    """The box of a find, in whole pixels of the image, from the four numbers of a box look."""
    pixel = found.scale / magnification(look, size)  # a pixel of the cut, in pixels of the image
    usual = np.array([look.size.cols, look.size.rows]) * pixel
    sides = usual * np.exp(np.clip(answer[2:], -MOST_LOG, MOST_LOG))
    shift = np.clip(usual * answer[:2], -MOST_SHIFT * sides, MOST_SHIFT * sides)
    center = np.array([found.x, found.y]) + shift
    left, top = (math.floor(edge + 0.5) for edge in center - sides / 2)
    right, bottom = (math.floor(edge + 0.5) for edge in center + sides / 2)
    box = Box(left, top, max(1, right - left), max(1, bottom - top))
    return box.clipped(image.cols, image.rows)

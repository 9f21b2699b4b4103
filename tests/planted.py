"""Pages with a mask planted in them, and a stack that finds what is bright."""

from __future__ import annotations

import numpy as np
from PIL import Image

from waldo_cli import Result, Stack
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Combine

RNG = np.random.default_rng(0)
PAGE = RNG.random((60, 80, 3), np.float32)
MASK = RNG.random((13, 10, 3), np.float32)

# What is bright is found: one number for each pixel, an object of 5 x 5.
BRIGHT = Stack("bright", (Combine("mean"),), object=Size(5, 5), threshold=0.5)


def planted(left: int, top: int, *, mask: np.ndarray = MASK, page: np.ndarray = PAGE) -> np.ndarray:
    image = page.copy()
    image[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return image


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(image[:, :, c])).resize(
                (width, height), Image.Resampling.BICUBIC
            )
        )
        for c in range(3)
    ]
    return np.stack(planes, axis=2).clip(0, 1)


def dots(*places: tuple[int, int, float], shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """Black, with grey pixels at (row, col, value)."""
    image = np.zeros((*shape, 3), np.float32)
    for row, col, value in places:
        image[row, col] = value
    return image


def places(result: Result) -> list[tuple[float, float]]:
    return [(d.x, d.y) for d in result.detections]

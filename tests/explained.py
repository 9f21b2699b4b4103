"""A page with a mask on it, and a stack as a learned one is, to explain the answers of."""

from __future__ import annotations

import numpy as np

from waldo_cli import Stack
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Conv, Pointwise, Pool
from waldo_cli.stack.stack import CloserLook

Floats = np.ndarray

RNG = np.random.default_rng(7)
MASK = RNG.random((12, 9, 3), np.float32)


def page() -> Floats:
    image = RNG.random((90, 120, 3), np.float32) * np.float32(0.3)
    image[30:42, 60:69] = MASK
    return image


def learned_like() -> Stack:
    """Strides, pooling, and a closer look, with random numbers."""
    rng = np.random.default_rng(3)

    def conv(*shape: int, stride: int = 1) -> Conv:
        return Conv(rng.normal(size=shape).astype(np.float32), stride=(stride, stride))

    first = (conv(3, 3, 3, 6, stride=2), Pointwise("relu"), Pool("max-pool", (2, 2), (2, 2)))
    again = Stack("again", (conv(7, 7, 3, 2), Pointwise("softmax")), labels=("waldo", "wenda"))
    return Stack(
        "two looks",
        (*first, conv(3, 3, 6, 1), Pointwise("sigmoid")),
        object=Size(12, 12),
        threshold=0.5,
        scales=(1.0, 0.7),
        labels=("waldo", "wenda"),
        closer_looks=(CloserLook(again, Size(5, 5), 6),),
    )

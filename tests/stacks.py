"""A stack of each kind of layer, with random kernels, and an image to run them on."""

from __future__ import annotations

import numpy as np

from waldo_cli.stack.layers import Combine, Conv, Layer, Normalize, Pointwise, Pool, Upsample

RNG = np.random.default_rng(0)
IMAGE = RNG.random((19, 23, 3), np.float32)
SIGNED = RNG.normal(size=(7, 8, 4)).astype(np.float32)


def kernel(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


STACKS: dict[str, tuple[Layer, ...]] = {
    "conv": (Conv(kernel(3, 4, 3, 2)),),
    "strides": (Conv(kernel(5, 5, 3, 4), stride=(2, 2)), Pointwise("relu"), Conv(kernel(3, 3, 4, 2))),
    "dilated": (Conv(kernel(3, 3, 3, 4)), Conv(kernel(3, 3, 4, 1), dilation=(2, 3))),
    "pools": (Pool("max-pool", (2, 2), (2, 2)), Conv(kernel(2, 2, 3, 2)), Pool("mean-pool", (3, 2), (1, 1))),
    "same": (Conv(kernel(4, 3, 3, 2), padding="reflect"), Conv(kernel(3, 3, 2, 1), padding="zero")),
    "explicit": (Conv(kernel(3, 3, 3, 2), padding=((2, 0), (1, 3)), stride=(2, 1)),),
    "grouped": (Conv(kernel(3, 3, 1, 3), groups=3), Combine("sum")),
    "normalised": (Normalize((3, 5)), Conv(kernel(3, 3, 3, 1))),
    "upsampled": (Pool("mean-pool", (2, 2), (2, 2)), Conv(kernel(3, 3, 3, 1)), Upsample(2)),
}  # fmt: skip

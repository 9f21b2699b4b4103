"""A run is told from another by what is looked for."""

from __future__ import annotations

import numpy as np
from stacks import IMAGE, STACKS, kernel

from waldo_cli.batch.finder import fingerprint
from waldo_cli.stack.layers import (
    Conv,
)
from waldo_cli.stack.stack import Mask, Stack


def test_a_fingerprint_depends_on_content_alone() -> None:
    assert fingerprint(Stack("conv", STACKS["conv"])) == fingerprint(
        Stack("conv", (Conv(kernel(3, 4, 3, 2)),))
    )
    others = [
        Stack("conv", (Conv(kernel(3, 4, 3, 2, seed=9)),)),
        Stack("conv", (Conv(kernel(3, 4, 3, 2), padding="zero"),)),
        Stack("conv", STACKS["conv"], threshold=0.5),
        Stack("conv", STACKS["conv"], scales=(2.0,)),
        Stack("conv", STACKS["strides"]),
        Mask("conv", IMAGE),
        (IMAGE, None),
        (IMAGE.T, None),
        (IMAGE.astype(np.float64), None),
    ]
    prints = {fingerprint(o) for o in [Stack("conv", STACKS["conv"]), *others]}
    assert len(prints) == len(others) + 1

"""What is looked for: masks and their labels, and arguments that are checked."""

from __future__ import annotations

import numpy as np
import pytest
from planted import BRIGHT, MASK, PAGE, planted

from waldo_cli import Box, Mask, detect
from waldo_cli.errors import InvalidInputError, StackError


def test_two_masks_are_two_labels() -> None:
    other = np.random.default_rng(9).random((8, 8, 3), np.float32)
    image = planted(50, 40, mask=other, page=planted(10, 5))
    masks = [Mask("hat", MASK), Mask("stick", other)]
    result = detect(image, masks=masks, scales=1)
    assert {d.label: d.box for d in result.detections} == {
        "hat": Box(10, 5, 10, 13),
        "stick": Box(50, 40, 8, 8),
    }
    (only,) = detect(image, masks=masks, scales=1, labels=["stick"]).detections
    assert only.label == "stick"


def test_many_masks_give_what_each_gives_alone() -> None:
    masks = [Mask(f"m{n}", PAGE[n : n + 9, 3 * n : 3 * n + 9 + n % 2]) for n in range(5)]
    together = detect(PAGE, masks=masks, scales=1)
    alone = [d for m in masks for d in detect(PAGE, masks=[m], scales=1).detections]
    assert {(d.label, d.box) for d in together.detections} == {(d.label, d.box) for d in alone}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"top": 0}, "top is 0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"max_overlap": 1.5}, "max_overlap is 1.5"),
        ({"labels": ["odlaw"]}, "no label 'odlaw': bright has bright"),
        ({"scales": "0.01"}, "must fit inside"),
        ({"scales": 1e4}, "use a smaller one"),
        ({"region": (80, 0, 5, 5)}, "lies outside the 80x60 image"),
        ({"region": (0, 0, 0, 5)}, "region is 0x5"),
        ({"where": np.ones((60, 81))}, "must be of one size"),
        ({"where": np.full((60, 80), 1.5)}, "outside 0 to 1"),
        ({"where": np.full((60, 80), np.nan)}, "outside 0 to 1"),
        ({"masks": []}, "masks is empty"),
        ({"masks": [np.zeros((4, 4))]}, "a mask is"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_says_it(
    asked: dict[str, object], reason: str
) -> None:
    stack = None if "masks" in asked else BRIGHT
    with pytest.raises(InvalidInputError, match=reason):
        detect(PAGE, stack=stack, **asked)  # type: ignore[arg-type]


def test_a_stack_that_wants_a_mask_or_none_says_so() -> None:
    with pytest.raises(InvalidInputError, match="looks for a mask"):
        detect(PAGE, stack="pixels")
    with pytest.raises(StackError, match="no mask layer"):
        detect(PAGE, stack=BRIGHT, masks=[MASK])

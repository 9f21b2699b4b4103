"""What is looked for: a stack with its masks, and the labels to report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.detector.maps import MAX_HELD
from waldo_cli.errors import InvalidInputError
from waldo_cli.images.load import load_mask
from waldo_cli.scales import resolve_scales
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Mask, Stack


def open_mask(path: str | Path) -> Mask:
    """A mask from a picture: its transparency weighs its pixels, its name without suffix is the label.

    Raises
    ------
    FileError
        As by `load_mask`.
    """
    # Labels are text, whatever bytes the name holds.
    label = os.fsencode(Path(path).stem).decode("utf-8", "replace")
    return Mask(label or "mask", *load_mask(path))


def choose(
    stack: str | Path | Stack | None,
    masks: Sequence[Mask | NDArray[Any] | str | Path] | None,
    labels: Sequence[str] | None,
    scales: str | float | Sequence[float],
    area: int,
) -> tuple[list[Stack], tuple[str, ...]]:
    """The stacks to run (one for each size of mask, or more) and the labels to report."""
    if stack is None:
        stack = "waldo" if masks is None else "pixels"
    if not isinstance(stack, Stack):
        stack = load_stack(stack)
    if masks is None:
        if stack.needs_mask:
            raise InvalidInputError(f"stack {stack.name} looks for a mask: give one")
        stacks, known = [stack], stack.labels
        wanted = known[:1] if labels is None else tuple(dict.fromkeys(labels))
    else:
        given = [_as_mask(m, n) for n, m in enumerate(masks, 1)]
        if not given:
            raise InvalidInputError("masks is empty: give at least one, or None")
        # Masks of one size share one run, as many as their maps of all scales leave room for; below
        # the mask layer their channels may be merged, so there each runs alone.
        factors = resolve_scales(scales, stack.scales, stack.per_octave)
        at_once = max(1, int(MAX_HELD / 2 / sum(area * f**2 for f in factors)))
        groups: dict[Any, list[Mask]] = {}
        merged = len(stack.with_masks(given[:1]).labels) and stack.layers[-1].op != "mask"
        for n, mask in enumerate(given):
            groups.setdefault((mask.size, n if merged else n // at_once), []).append(mask)
        stacks = [stack.with_masks(group) for group in groups.values()]
        if merged:
            stacks = [
                replace(s, labels=(g[0].label,))
                for s, g in zip(stacks, groups.values(), strict=True)
            ]
        known = tuple(dict.fromkeys(m.label for m in given))
        wanted = known if labels is None else tuple(dict.fromkeys(labels))
    for label in wanted:
        if label not in known:
            raise InvalidInputError(f"no label {label!r}: {stack.name} has {', '.join(known)}")
    if stacks[0].object is None:
        raise InvalidInputError(f"stack {stack.name} does not say the size of its object")
    return stacks, wanted


def _as_mask(mask: Mask | NDArray[Any] | str | Path, number: int) -> Mask:
    if isinstance(mask, Mask):
        return mask
    if isinstance(mask, str | Path):
        return open_mask(mask)
    array = np.asarray(mask, dtype=np.float32)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise InvalidInputError(
            f"a mask is (A, B, 3), or (A, B, 4) with weights, not {array.shape}"
        )
    return Mask(f"mask{number}", array[:, :, :3], array[:, :, 3] if array.shape[2] == 4 else None)

"""Cuts: what further looks are shown of an image, and what they say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.light import Searched
from waldo_cli.detector.maps import refuse_nan_and_infinity
from waldo_cli.detector.pyramid import cut
from waldo_cli.geometry import Detection, Size
from waldo_cli.parallel import spread_workers
from waldo_cli.stack.cost import calls_at_once, cuts_per_call
from waldo_cli.stack.stack import Look


def answers_to_cuts(
    look: Look,
    image: Searched,
    candidates: Sequence[Detection],
    size: Size,
    *,
    mirrored: bool = False,
) -> Floats:
    """What a look says of each cut of each candidate, ``(N, cuts, channels)``; `size` as for `cuts`."""
    count = len(look.scales)
    out = np.empty((len(candidates) * count, look.stack.channels()[-1]), np.float32)
    every = [(found, scale) for found in candidates for scale in look.scales]
    at_once = cuts_per_call(look)

    def work(start: int) -> None:
        group = every[start : start + at_once]
        views = np.stack([_cut(look, image, found, size, scale) for found, scale in group])
        if mirrored:
            views = views[:, :, ::-1]
        out[start : start + len(group)] = look.stack.run(views).max(axis=(1, 2))

    spread_workers(lambda: work, range(0, len(every), at_once), most=calls_at_once(look))
    # In a map -inf means that no answer may lie there; of a cut it means nothing, so it is refused, too.
    refuse_nan_and_infinity(np.abs(out), look.stack)
    return out.reshape(len(candidates), count, out.shape[1])


def cuts(look: Look, image: Searched, found: Detection, size: Size) -> list[Floats]:
    """The cuts of one candidate, one for each scale of the look; `size` is the object's in the first pass."""
    return [_cut(look, image, found, size, scale) for scale in look.scales]


def _cut(look: Look, image: Searched, found: Detection, size: Size, scale: float) -> Floats:
    extent = look.stack.receptive_field.size
    return cut(image, (found.x, found.y), magnification(look, size) / found.scale * scale, extent)


def magnification(look: Look, size: Size) -> float:
    """How many times as large a look is shown an object that has a size in the first pass."""
    # Both sizes are whole pixels, so their shapes differ a little: their areas are made equal.
    return math.sqrt((look.size.rows * look.size.cols) / (size.rows * size.cols))

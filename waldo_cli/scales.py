"""Scales as people write them, and ladders of them; light, for the command line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from waldo_cli.errors import InvalidInputError


def scale_ladder(smallest: float, largest: float, per_octave: int) -> tuple[float, ...]:
    """Scales ``2 ** (k / per_octave)`` from `largest` down to `smallest`, 1.0 always on the grid.

    The ends snap to the nearest step of the grid, so that 0.7 means 2 ** -0.5.
    """
    if not (0 < smallest <= largest and math.isfinite(largest)):
        raise InvalidInputError(
            f"scales run from {smallest:g} to {largest:g}: both must be positive and in order"
        )
    low = round(per_octave * math.log2(smallest))
    high = round(per_octave * math.log2(largest))
    return tuple(2.0 ** (k / per_octave) for k in range(high, low - 1, -1))


def resolve_scales(
    spec: str | float | Sequence[float], auto: Sequence[float], per_octave: int
) -> tuple[float, ...]:
    """Scale factors for a specification, largest first.

    Parameters
    ----------
    spec
        ``"auto"``, one factor, a list (``"0.5,1,2"`` or numbers), or a range ``"0.5:2"``.
    auto
        What ``"auto"`` stands for.
    per_octave
        Steps of a range from one factor to its double.

    Raises
    ------
    InvalidInputError
        It is none of these, or a factor is not a positive number.
    """
    if isinstance(spec, str):
        if spec == "auto":
            return tuple(auto)
        try:
            numbers = [float(part) for part in spec.replace(":", ",").split(",")]
        except ValueError:
            numbers = []
        if not numbers or (":" in spec and ("," in spec or len(numbers) != 2)):
            raise InvalidInputError(
                f"scales {spec!r}: give auto, one number, a list 0.5,1,2 or a range 0.5:2"
            )
        if ":" in spec:
            return scale_ladder(numbers[0], numbers[1], per_octave)
    else:
        numbers = [float(spec)] if isinstance(spec, int | float) else [float(s) for s in spec]
    if not numbers or not all(math.isfinite(s) and s > 0 for s in numbers):
        raise InvalidInputError(f"scales {spec!r}: each must be a positive number")
    return tuple(sorted(set(numbers), reverse=True))

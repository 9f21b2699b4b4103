"""Scale factors: what the user writes ("0.5:2", "0.5,1,2", "auto") becomes a tuple of numbers.

An image is searched once at each scale. Only the standard library is imported here, so that the command
line can check its options without loading numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from waldo_cli.errors import InvalidInputError


def scale_ladder(smallest: float, largest: float, per_octave: int) -> tuple[float, ...]:
    """Scales ``2 ** (k / per_octave)``, `k` integer, from `largest` down to `smallest`.

    An octave is a factor of 2. Both ends are rounded to the nearest step of this grid: with 2 steps per
    octave, 0.7 means ``2 ** -0.5``. Scale 1.0 (`k` = 0) is always a step of the grid.
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
    """Turn what the user asked for into scale factors, largest first and without duplicates.

    Parameters
    ----------
    spec
        ``"auto"``, one factor, a list (``"0.5,1,2"`` or numbers), or a range ``"0.5:2"``.
    auto
        The factors that ``"auto"`` stands for.
    per_octave
        Number of steps in a range from one factor to its double.

    Raises
    ------
    InvalidInputError
        `spec` is none of these, or a factor is not a positive number.
    """
    if isinstance(spec, str):
        if spec == "auto":
            return tuple(auto)
        try:
            numbers = [float(part) for part in spec.replace(":", ",").split(",")]
        except ValueError:
            numbers = []  # not numbers: refused in the next line
        # A colon makes a range. It needs exactly two numbers and cannot be mixed with a list.
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

"""Scales and angles: what the user writes ("0.5:2", "0.5:2/8", "0.5,1,2", "all") becomes a tuple of numbers.

A scale says how large the thing is in the image, beside its mask or the stack's object: at scale 2 it is
twice as large. An image is searched once at each scale. Only the standard library is imported here, so that
the command line can check its options without loading numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from waldo_cli.arguments import brief, elements
from waldo_cli.errors import InvalidInputError

# Most steps from a scale to its double: the thing differs by 2 % from one to the next.
MAX_PER_OCTAVE = 32

# A scale beyond these means nothing in any picture, and its square may be no number.
SMALLEST, LARGEST = 1e-6, 1e6

# Degrees from one angle of a range to the next, and the fewest.
ANGLE_STEP, LEAST_ANGLE_STEP = 5.0, 0.5


def scale_ladder(smallest: float, largest: float, per_octave: int) -> tuple[float, ...]:
    """Scales ``2 ** (k / per_octave)``, `k` integer, from `smallest` up to `largest`.

    An octave is a factor of 2. Both ends are rounded to the nearest step of this grid: with 2 steps per
    octave, 0.7 means ``2 ** -0.5``. Scale 1.0 (`k` = 0) is always a step of the grid.
    """
    if not SMALLEST <= smallest <= largest <= LARGEST:
        raise InvalidInputError(
            f"scales run from {smallest:g} to {largest:g}: both must be positive and in order,"
            f" from {SMALLEST:g} to {LARGEST:g}"
        )
    low = round(per_octave * math.log2(smallest))
    high = round(per_octave * math.log2(largest))
    return tuple(2.0 ** (k / per_octave) for k in range(low, high + 1))


def resolve_scales(
    spec: str | float | Sequence[float], auto: Sequence[float], per_octave: int
) -> tuple[float, ...]:
    """Turn what the user asked for into scales, smallest first and without duplicates.

    Parameters
    ----------
    spec
        ``"auto"``, one scale, a list (``"0.5,1,2"`` or numbers), a range ``"0.5:2"``, or a range with its
        number of steps from a scale to its double, ``"0.5:2/8"``.
    auto
        The scales that ``"auto"`` stands for.
    per_octave
        Number of steps from a scale to its double in a range that does not say it.

    Raises
    ------
    InvalidInputError
        `spec` is none of these, or a scale is not a positive number of a size that can be.
    """
    if isinstance(spec, str):
        if spec == "auto":
            return tuple(auto)
        ends, slash, steps = spec.partition("/")
        try:
            numbers = [float(part) for part in ends.replace(":", ",").split(",")]
            per_octave = int(steps) if slash else per_octave
        except ValueError:
            numbers = []  # not numbers: refused in the next line
        # A colon makes a range. It needs exactly two numbers and cannot be mixed with a list.
        is_range = ":" in ends
        if (
            not numbers
            or (is_range and ("," in ends or len(numbers) != 2))
            or (slash and not is_range)
        ):
            raise InvalidInputError(
                f"scales {spec!r}: give auto, one number, a list 0.5,1,2, a range 0.5:2,"
                " or 0.5:2/8 with its steps from a scale to its double"
            )
        if not 1 <= per_octave <= MAX_PER_OCTAVE:
            raise InvalidInputError(
                f"scales {spec!r}: {per_octave} steps, give 1 to {MAX_PER_OCTAVE}"
            )
        if is_range:
            return scale_ladder(numbers[0], numbers[1], per_octave)
    else:
        numbers = _numbers(spec)
    if not numbers or not all(SMALLEST <= s <= LARGEST for s in numbers):
        raise InvalidInputError(
            f"scales {brief(spec)}: each must be a positive number, {SMALLEST:g} to {LARGEST:g}"
        )
    return tuple(sorted(set(numbers)))


def _numbers(spec: float | Sequence[float]) -> list[float]:
    """A number, or several, as a list; an empty one where they are none."""
    try:
        return [float(number) for number in elements(spec) or (spec,)]
    except (TypeError, ValueError, OverflowError):
        return []


def resolve_angles(spec: str | float | Sequence[float]) -> tuple[float, ...]:
    """Turn what the user asked for into angles in degrees, above -180 and up to 180, without duplicates.

    Parameters
    ----------
    spec
        One angle, a list (``"0,90,180,270"`` or numbers), a range ``"-20:20"`` in steps of 5 degrees or
        ``"-20:20/2"`` in others, or ``"all"``: the whole circle in steps of 5 degrees.

    Raises
    ------
    InvalidInputError
        `spec` is none of these.
    """
    problem = InvalidInputError(
        f"angles {brief(spec)}: give all, one number of degrees, a list 0,90,180,270, or a range -20:20,"
        " with its step -20:20/2"
    )
    if isinstance(spec, str):
        ends, slash, step_text = ("-180:175" if spec == "all" else spec).partition("/")
        try:
            numbers = [float(part) for part in ends.replace(":", ",").split(",")]
            step = float(step_text) if slash else ANGLE_STEP
        except ValueError:
            raise problem from None
        if not all(map(math.isfinite, [*numbers, step])) or (slash and ":" not in ends):
            raise problem
        if ":" in ends:
            if "," in ends or len(numbers) != 2 or not 0 <= numbers[1] - numbers[0] <= 360:
                raise problem
            if not LEAST_ANGLE_STEP <= step <= 360:
                raise InvalidInputError(
                    f"angles {spec!r}: a step of {step:g} degrees, give {LEAST_ANGLE_STEP:g} to 360"
                )
            count = int((numbers[1] - numbers[0]) / step + 1e-9) + 1
            numbers = [numbers[0] + n * step for n in range(count)]
    else:
        numbers = _numbers(spec)
    if not numbers or not all(map(math.isfinite, numbers)):
        raise problem
    around = (180 - (180 - angle) % 360 for angle in numbers)
    return tuple(dict.fromkeys(around))

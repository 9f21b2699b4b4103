"""Type aliases for numpy arrays, declared once for the whole package, and arrays from what callers give."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from waldo_cli.errors import InvalidInputError

#: Images, kernels, activations.
Floats: TypeAlias = NDArray[np.float32]
#: Sums of many values, where float32 would lose too many digits.
Doubles: TypeAlias = NDArray[np.float64]
#: Pictures of 8 bits.
Bytes: TypeAlias = NDArray[np.uint8]
#: Pixels of a picture: floats in [0, 1], or bytes as they are in its file.
Pixels: TypeAlias = NDArray[np.uint8 | np.float32]
#: Code that works for any number type.
Array: TypeAlias = NDArray[Any]


def as_floats(pixels: Pixels) -> Floats:
    """Pixels in [0, 1]: bytes are divided by 255, in a copy; floats are returned as they are."""
    if pixels.dtype == np.uint8:
        return np.divide(pixels, 255, dtype=np.float32)
    return pixels.astype(np.float32, copy=False)


def as_real(name: str, value: object) -> Array:
    """An argument as an array of real numbers, of the type that it has.

    Raises
    ------
    InvalidInputError
        It is none: the message has its `name`.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInputError(f"{name} has rows of several lengths: give an array") from None
    if array.dtype.kind not in "buif":
        raise InvalidInputError(f"{name} has dtype {array.dtype}; give real numbers, best float32")
    return array

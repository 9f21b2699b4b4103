"""Type aliases for numpy arrays, declared once for the whole package."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Images, kernels, activations.
Floats: TypeAlias = NDArray[np.float32]
#: Sums of many values, where float32 would lose too many digits.
Doubles: TypeAlias = NDArray[np.float64]
#: Pictures of 8 bits.
Bytes: TypeAlias = NDArray[np.uint8]
#: Code that works for any number type.
Array: TypeAlias = NDArray[Any]

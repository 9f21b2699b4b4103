"""The types of arrays, declared once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Images, kernels, activations.
Floats: TypeAlias = NDArray[np.float32]
#: Sums that must not lose digits.
Doubles: TypeAlias = NDArray[np.float64]
#: Where any type of number will do.
Array: TypeAlias = NDArray[Any]

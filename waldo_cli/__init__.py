"""Find Waldo in pictures: cross-correlation, conv stacks, heatmaps.

The public names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waldo_cli.correlation import cross_correlate, normalized_cross_correlate
    from waldo_cli.detector import Detection, Result, detect
    from waldo_cli.errors import WaldoError
    from waldo_cli.geometry import Box
    from waldo_cli.heatmap import save_heatmap
    from waldo_cli.images import load_image, load_mask
    from waldo_cli.stack import Mask, Stack
    from waldo_cli.stackfile import load_stack

__version__ = "0.1.0"

_HOME = {
    "Box": "geometry",
    "Detection": "detector",
    "Mask": "stack",
    "Result": "detector",
    "Stack": "stack",
    "WaldoError": "errors",
    "cross_correlate": "correlation",
    "detect": "detector",
    "load_image": "images",
    "load_mask": "images",
    "load_stack": "stackfile",
    "normalized_cross_correlate": "correlation",
    "save_heatmap": "heatmap",
}

__all__ = [
    "Box",
    "Detection",
    "Mask",
    "Result",
    "Stack",
    "WaldoError",
    "cross_correlate",
    "detect",
    "load_image",
    "load_mask",
    "load_stack",
    "normalized_cross_correlate",
    "save_heatmap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'waldo_cli' has no attribute {name!r}")
    value = getattr(import_module(f"waldo_cli.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

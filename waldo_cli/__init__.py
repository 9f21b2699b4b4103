"""Find Waldo in pictures: cross-correlation, conv stacks, heatmaps.

The public names are imported on first use, so that ``import waldo_cli`` loads neither numpy nor Pillow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waldo_cli.correlate.correlation import cross_correlate, normalized_cross_correlate
    from waldo_cli.detector.detect import detect, find_all
    from waldo_cli.detector.result import Result
    from waldo_cli.errors import WaldoError
    from waldo_cli.geometry import Box, Detection, Size
    from waldo_cli.images.load import load_image, load_mask
    from waldo_cli.show.heatmap import save_heatmap
    from waldo_cli.stack.file import load_stack
    from waldo_cli.stack.stack import Mask, Stack

__version__ = "0.1.0"

# Public name -> the module below `waldo_cli` that defines it.
_MODULES = {
    "Box": "geometry",
    "Detection": "geometry",
    "Mask": "stack.stack",
    "Result": "detector.result",
    "Size": "geometry",
    "Stack": "stack.stack",
    "WaldoError": "errors",
    "cross_correlate": "correlate.correlation",
    "detect": "detector.detect",
    "find_all": "detector.detect",
    "load_image": "images.load",
    "load_mask": "images.load",
    "load_stack": "stack.file",
    "normalized_cross_correlate": "correlate.correlation",
    "save_heatmap": "show.heatmap",
}

__all__ = [
    "Box",
    "Detection",
    "Mask",
    "Result",
    "Size",
    "Stack",
    "WaldoError",
    "cross_correlate",
    "detect",
    "find_all",
    "load_image",
    "load_mask",
    "load_stack",
    "normalized_cross_correlate",
    "save_heatmap",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use; Python calls this for names that the module does not have."""
    if name not in _MODULES:
        raise AttributeError(f"module 'waldo_cli' has no attribute {name!r}")
    value = getattr(import_module(f"waldo_cli.{_MODULES[name]}"), name)
    globals()[name] = value  # the next access finds it here and does not call this function again
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

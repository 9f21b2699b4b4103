"""Read and check single values of a stack file; the limits that a stack file must keep.

Each function ``..._of`` takes a table of the file and a key, and returns the value in the type that the
caller needs. A value of another type or out of range raises a StackError that names the key.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from waldo_cli.arguments import brief
from waldo_cli.arrays import Floats
from waldo_cli.correlate.correlation import PAD_MODES
from waldo_cli.errors import StackError
from waldo_cli.geometry import Pair, Size

# Stack files come from strangers. The limits stop a file that would use up memory or time; they are far
# above what a useful stack needs: the built-in `waldo` is a file of 4 kB with 1.8 MB of weights.
MAX_FILE_BYTES = 1 << 18

MAX_LAYERS = 256
MAX_CLOSER_LOOKS = 8
MAX_NUMBERS = 1 << 24  # in the kernels of all layers together
MAX_CHANNELS = 4096
MAX_PER_PIXEL = 256  # activations of one layer, all its channels, per pixel of the image
MAX_STEP = 64  # stride, dilation, pool and upsample factors
MAX_KERNEL = 512  # rows or columns
MAX_FIELD = 4096  # rows or columns of the receptive field, and of explicit padding
MIN_SCALE, MAX_SCALE = 1 / 64, 512  # of the object in an image, beside its own size
MAX_LEVEL_PIXELS = 1 << 30  # of an image that is resized to a scale
MAX_UPSAMPLED = 16  # activations per pixel of the image, along rows and along columns

PADDINGS = ("valid", *PAD_MODES)


def array_of(value: Any, key: str) -> Floats:
    """An array that is written in the file as nested lists, as float32."""
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        array = np.array("ragged")  # an array of text, which the next check refuses
    if array.dtype.kind not in "fiu":
        raise StackError(f"{key}: must be numbers in lists of equal lengths")
    # float32 ends at 3.4e38; the limit of 1e30 leaves room for sums.
    if array.size == 0 or not np.isfinite(array).all() or np.abs(array).max() > 1e30:
        raise StackError(f"{key}: must hold finite numbers")
    return array.astype(np.float32)


def refuse_unknown_keys(table: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """Raise StackError for a key that is not in `known`; `place` is put before the message."""
    for key in table:
        if key not in known:
            raise StackError(f"{place}unknown key {brief(key)}: {suggestion(key, known)}")


def suggestion(word: str, known: Collection[str]) -> str:
    """The end of an error message: the known word that is most similar to `word`, or all known words.

    `word` may be in quotes, as `brief` writes it. Only its first 60 characters are compared, because the
    comparison is slow for long words.
    """
    close = difflib.get_close_matches(word[:60].strip("'"), list(known), 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"


def text_of(table: Mapping[str, Any], key: str, default: str) -> str:
    """A line of text; a description may have several lines.

    Control characters are refused, so the text is safe to print in a terminal.
    """
    value = table.get(key, default)
    line = value.replace("\n", "") if key == "description" and isinstance(value, str) else value
    if not isinstance(line, str) or not line.isprintable():
        raise StackError(f"{key}: must be a line of text without control characters")
    return str(value)


def word_of(table: Mapping[str, Any], key: str, default: str, words: tuple[str, ...]) -> str:
    """One of the given words."""
    value = table.get(key, default)
    if value not in words:
        raise StackError(f"{key} = {brief(value)}: must be one of {', '.join(words)}")
    return str(value)


def number_of(table: Mapping[str, Any], key: str, default: float | None) -> float | None:
    """A finite number; None where the key is missing and the default is None."""
    value = table.get(key, default)
    if value is None:
        return None
    # In Python a bool is an int: without the first test, `true` would be read as 1.
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
        raise StackError(f"{key}: must be a number")
    if not math.isfinite(value):
        raise StackError(f"{key}: must be finite, not {value}")
    return float(value)


def integer_of(table: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    """An integer from `least` to `most`, both included."""
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise StackError(f"{key} = {brief(value)}: must be a whole number from {least} to {most}")
    return value


def pair_of(table: Mapping[str, Any], key: str, most: int, default: Pair) -> Pair:
    """Two integers from 1 to `most`; the file may give one integer for both."""
    if key not in table:
        return default
    value = table[key]
    both = value if isinstance(value, list) else [value, value]
    if len(both) != 2:
        raise StackError(f"{key}: must be one whole number or two")
    first, second = (integer_of({key: v}, key, 1, 1, most) for v in both)
    return first, second


def size_of(table: Mapping[str, Any], key: str, most: int) -> Size | None:
    """A size; None where the key is missing. Stack files write width and height, or one number for both."""
    if key not in table:
        return None
    width, height = pair_of(table, key, most, (1, 1))
    return Size(height, width)


def padding_of(entry: Mapping[str, Any], default: str) -> Any:
    """The padding of a layer: one of `PADDINGS`, or explicit widths ``((top, bottom), (left, right))``."""
    value = entry.get("padding", default)
    if isinstance(value, list):
        if len(value) != 2 or not all(isinstance(v, list) and len(v) == 2 for v in value):
            raise StackError("padding: explicit widths are [[top, bottom], [left, right]]")
        widths = [
            [integer_of({"padding": w}, "padding", 0, 0, MAX_FIELD) for w in v] for v in value
        ]
        return ((widths[0][0], widths[0][1]), (widths[1][0], widths[1][1]))
    return word_of(entry, "padding", default, PADDINGS)

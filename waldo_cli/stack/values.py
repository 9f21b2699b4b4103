"""Values of a stack file, each checked; and the limits that a stack file must keep."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from waldo_cli import files
from waldo_cli.arrays import Floats
from waldo_cli.errors import StackError
from waldo_cli.geometry import Pair, Size

# A learned stack of today is 30 lines and under 2 MB; these leave room for a hundred times more.
MAX_FILE_BYTES = 1 << 18

MAX_LAYERS = 256
MAX_LOOKS = 8
MAX_NUMBERS = 1 << 24  # in the kernels of all layers together
MAX_CHANNELS = 4096
MAX_PER_PIXEL = 256  # activations of one layer for one pixel of the image: all its channels
MAX_STEP = 64  # stride, dilation, pool and upsample factors
MAX_KERNEL = 512
MAX_FIELD = 4096
MAX_UPSAMPLED = 16  # activations for one pixel, each way

PADDINGS = ("valid", "zero", "reflect", "edge", "wrap")


def read_bytes(path: Path, limit: int) -> bytes:
    """`files.read_bytes`, its errors as a stack's."""
    try:
        return files.read_bytes(path, limit)
    except OSError as e:
        raise StackError(files.reason(e)) from None
    except ValueError:  # a NUL in the name
        raise StackError("not a file name") from None


def array_of(value: Any, key: str) -> Floats:
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        array = np.array("ragged")
    if array.dtype.kind not in "fiu":
        raise StackError(f"{key}: must be numbers in lists of equal lengths")
    if array.size == 0 or not np.isfinite(array).all() or np.abs(array).max() > 1e30:
        raise StackError(f"{key}: must hold finite numbers")
    return array.astype(np.float32)


def refuse_unknown_keys(table: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise StackError(f"{place}unknown key {brief(key)}: {suggestion(key, known)}")


def suggestion(word: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    close = difflib.get_close_matches(word[:60].strip("'"), list(known), 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"


def brief(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole numbers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def text_of(table: Mapping[str, Any], key: str, default: str) -> str:
    """A line; of the description, several. Whoever prints it prints nothing that moves a terminal."""
    value = table.get(key, default)
    line = value.replace("\n", "") if key == "description" and isinstance(value, str) else value
    if not isinstance(line, str) or not line.isprintable():
        raise StackError(f"{key}: must be a line of text without control characters")
    return str(value)


def word_of(table: Mapping[str, Any], key: str, default: str, words: tuple[str, ...]) -> str:
    value = table.get(key, default)
    if value not in words:
        raise StackError(f"{key} = {brief(value)}: must be one of {', '.join(words)}")
    return str(value)


def number_of(table: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = table.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
        raise StackError(f"{key}: must be a number")
    if not math.isfinite(value):
        raise StackError(f"{key}: must be finite, not {value}")
    return float(value)


def whole_of(table: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise StackError(f"{key} = {brief(value)}: must be a whole number from {least} to {most}")
    return value


def pair_of(table: Mapping[str, Any], key: str, most: int, default: Pair) -> Pair:
    """One whole number for both directions, or two."""
    if key not in table:
        return default
    value = table[key]
    both = value if isinstance(value, list) else [value, value]
    if len(both) != 2:
        raise StackError(f"{key}: must be one whole number or two")
    first, second = (whole_of({key: v}, key, 1, 1, most) for v in both)
    return first, second


def size_of(table: Mapping[str, Any], key: str, most: int) -> Size | None:
    """A size, which stack files write as width and height, or as one number; None where it is missing."""
    if key not in table:
        return None
    width, height = pair_of(table, key, most, (1, 1))
    return Size(height, width)


def padding_of(entry: Mapping[str, Any], default: str) -> Any:
    value = entry.get("padding", default)
    if isinstance(value, list):
        if len(value) != 2 or not all(isinstance(v, list) and len(v) == 2 for v in value):
            raise StackError("padding: explicit widths are [[top, bottom], [left, right]]")
        widths = [[whole_of({"padding": w}, "padding", 0, 0, MAX_FIELD) for w in v] for v in value]
        return ((widths[0][0], widths[0][1]), (widths[1][0], widths[1][1]))
    return word_of(entry, "padding", default, PADDINGS)

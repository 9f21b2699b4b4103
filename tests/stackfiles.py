"""Stack files to write and load, and the one line that says why one is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from waldo_cli import load_stack
from waldo_cli.errors import StackError
from waldo_cli.stack.stack import Stack

# One pixel sees one pixel: the brightest place of a picture is found, quickly.
BRIGHTEST = 'format = 1\nobject = [1, 1]\n[[layer]]\nop = "combine"\nhow = "mean"\n'

RELU = '[[layer]]\nop = "relu"\n'

NAMED = 'format = 1\nweights = "mine.npz"\n[[layer]]\nop = "conv"\nkernel = "weights:k"\n'


def written(folder: Path, text: str | bytes, **arrays: np.ndarray) -> Path:
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if arrays:
        np.savez(folder / "mine.npz", **arrays)  # type: ignore[arg-type]
    return path


def loaded(folder: Path, text: str, **arrays: np.ndarray) -> Stack:
    return load_stack(written(folder, "format = 1\n" + text, **arrays))


def refused(path: Path | str) -> str:
    """The one line that says why a stack file cannot be used; it names the file."""
    with pytest.raises(StackError) as caught:
        load_stack(path)
    assert caught.value.path == str(path)
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) < 300
    return caught.value.reason

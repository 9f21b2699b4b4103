"""What is told on standard error; and what was wrong with rows and pages of a truth, of which not all is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Self

from waldo_cli.errors import WaldoError
from waldo_cli.files import show
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.masks import MaskSource, mask_sources

# Lines that are written; of further faults only the number is told.
SHOWN = 20


def tell(text: str, end: str = "\n") -> None:
    """Write to standard error. Where that cannot be written, go on: it never costs an answer or a status."""
    try:
        sys.stderr.write(text + end)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # full, or closed
        pass


def told_masks(values: Iterable[str], *, quiet: bool = False) -> tuple[MaskSource, ...]:
    """Return what ``--mask`` names, and tell what of it is not looked for."""
    left_out = LeftOut(enters=False)
    sources = mask_sources(values, left_out)
    if not quiet and str(left_out):
        tell(f"waldo: --mask: {left_out}")
    return sources


class Faults:
    """Writes each fault as one line, and counts them; at the end it writes how many were not shown.

    Attributes
    ----------
    count
        How many there were.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, error: WaldoError) -> None:
        """Count a fault, and write it if it is one of the first."""
        self.count += 1
        if self.count <= SHOWN:
            where = "" if error.path is None else f"{error.path}: "
            tell(show(f"waldo: {where}{error.reason}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.count > SHOWN:
            tell(f"waldo: {self.count - SHOWN:,} more like these were left out")

"""What was wrong with rows and pages of a truth, a line of standard error for each."""

from __future__ import annotations

from typing import Self

import click

from waldo_cli.errors import WaldoError
from waldo_cli.files import show

# Lines that are written; of further faults only the number is told.
SHOWN = 20


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
            click.echo(show(f"waldo: {where}{error.reason}"), err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.count > SHOWN:
            click.echo(f"waldo: {self.count - SHOWN:,} more like these were left out", err=True)

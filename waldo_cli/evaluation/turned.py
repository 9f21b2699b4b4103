"""Carry the boxes of a truth over to the picture as shown, where they mean the picture as stored.

Cameras store a picture as the sensor lay and say in EXIF how it is to be turned. Every command looks at the
picture as shown. Some tools draw boxes on it, others on the stored pixels; the size that the truth gives for
the page tells which. It does not where the turn keeps the size (upside down, mirrored, square).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.truth import Page
from waldo_cli.files import show
from waldo_cli.geometry import Size
from waldo_cli.images.decode import read_turn
from waldo_cli.images.orientation import shown_size, turned_box

#: What the boxes of a truth mean: the picture as shown, or the pixels as stored in the file.
TruthPixels = Literal["shown", "stored"]


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page whose boxes mean the picture as shown.

    Attributes
    ----------
    page
        With `size` and `boxes` of the picture as shown.
    is_assumed
        The boxes were taken as they are, but nothing says that they mean the picture as shown.
    """

    page: Page
    is_assumed: bool


def as_shown(page: Page, shown: Size, pixels: TruthPixels | None = None) -> ShownPage:
    """Return the page with boxes of the picture as shown.

    Parameters
    ----------
    page
        As the truth has it.
    shown
        Size of the picture as shown.
    pixels
        What the boxes mean where sizes do not tell; None: the picture as shown.

    Raises
    ------
    InvalidInputError
        The truth gives neither the size of the picture as shown nor that of the stored one.
    FileError
        The page cannot be read.
    """
    if page.size is None:  # the truth does not name it
        return ShownPage(page, is_assumed=False)
    turn = read_turn(page.path)
    stored = shown_size(shown, turn)  # exchanging rows and columns again leads back
    if page.size not in (shown, stored):
        raise InvalidInputError(
            f"the truth says {page.size}, the file is {shown}:"
            " the boxes belong to another copy of this page",
            path=str(page.path),
        )
    sizes_tell = stored != shown
    if page.size == shown and (sizes_tell or turn == 1 or pixels != "stored"):
        is_assumed = turn > 1 and not sizes_tell and pixels is None and bool(page.boxes)
        return ShownPage(page, is_assumed)
    boxes = tuple(
        replace(b, left=left, top=top, right=right, bottom=bottom)
        for b in page.boxes
        for left, top, right, bottom in [
            turned_box((b.left, b.top, b.right, b.bottom), turn, stored)
        ]
    )
    return ShownPage(replace(page, boxes=boxes, size=shown), is_assumed=False)


def assumption(names: Sequence[str]) -> str:
    """Return the line that tells for which pages it was assumed what their boxes mean."""
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"{show(names[0])}{others}: turned by EXIF, and the sizes do not tell which pixels the boxes mean; "
        "taken as of the picture as shown, --truth-pixels says otherwise"
    )

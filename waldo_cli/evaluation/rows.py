"""What the readers of truths give: `Row`, one line or entry of a file, and the checks of its values.

A truth may come from anyone, so every value is checked. What is wrong with one row becomes its `problem`;
only a file that cannot be understood at all raises `InvalidInputError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.geometry import Size


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a CSV file, an annotation of a COCO file, an object of an XML file: a page, and a box on it.

    Attributes
    ----------
    where
        Where it stands, for error messages: ``line 3``, ``images[0]``.
    names
        Names of the picture: the one that is written, then others by which it may be found.
    stem
        A name of the picture without its ending, where the truth has no more.
    size
        The page's size, where the truth says it.
    box
        None if the row only names a page.
    shares
        The edges of the box are shares of the page's width and height, not pixels.
    columns
        Other columns of a CSV file; of other files ``page`` alone, if they have it: which picture of a file
        of several is meant.
    problem
        What is wrong with the row; then it has no box.
    label
        The class of the box, also of one that cannot be used; empty where it is not known.
    is_boxless
        The problem is that it is a shape without a box, such as a point.
    """

    where: str
    names: tuple[str, ...] = ()
    stem: str = ""
    size: Size | None = None
    box: TrueBox | None = None
    shares: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    label: str = ""
    is_boxless: bool = False


class NoBoxError(InvalidInputError):
    """A shape that has no box, such as a point or a line."""


def row_with(
    where: str,
    read_label: Callable[[], str],
    make_box: Callable[[str], TrueBox],
    names: tuple[str, ...],
    *,
    stem: str = "",
    size: Size | None = None,
    shares: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Row:
    """Return a row with the box that `make_box` makes of its label, or with the problem that they raise."""
    label = ""
    row = Row(where, names, stem, size, shares=shares, columns=columns or {})
    try:
        label = read_label()
        return replace(row, box=make_box(label), label=label)
    except InvalidInputError as e:
        problem, boxless = f"{where}: {e.reason}", isinstance(e, NoBoxError)
        return replace(row, problem=problem, label=label, is_boxless=boxless)


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, or UTF-16 with a byte order mark as Windows programs write it.

    Raises
    ------
    InvalidInputError
        It is something else.
    """
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError("not UTF-8 text: save it as UTF-8") from None


def brief(value: Any) -> str:
    """Return a value for an error message; of a list or an object only what it is, for it may be deep."""
    return repr(str(value)[:40]) if isinstance(value, str | int | float) else type(value).__name__


def finite_number(value: Any, key: str) -> float:
    """Return a number, from JSON or as text."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):  # float(True) would be 1
        raise InvalidInputError(f"{key} = {brief(value)} is not a number")
    return number


def pixel_count(value: Any, key: str) -> int:
    """Return a width or a height of a page."""
    return whole_number(value, key, "pixels")


def whole_number(value: Any, key: str, of: str) -> int:
    """Return a number from 1 on, of pixels or of a page."""
    number = finite_number(value, key)
    if not number.is_integer() or not 1 <= number < 2**31:
        raise InvalidInputError(f"{key} = {brief(value)} is not a number of {of}")
    return int(number)


def page_of(value: Any) -> dict[str, str]:
    """Return the columns of a row that has this page, or none."""
    return {} if value in (None, "") else {"page": str(value)[:40]}


def size_or_none(width: Any, height: Any) -> Size | None:
    """Return a page's size; None where a tool has left it out or written 0 or -1."""
    if any(value in (None, "", 0, -1, "0", "-1") for value in (width, height)):
        return None
    return Size(pixel_count(height, "height"), pixel_count(width, "width"))


def around(label: str, points: Iterable[tuple[float, float]], *, ignored: bool = False) -> TrueBox:
    """Return the smallest box around points ``(x, y)``, such as the corners of a polygon."""
    xs, ys = zip(*points, strict=True)
    return TrueBox(label, min(xs), min(ys), max(xs), max(ys), ignored)


def turned(
    label: str,
    corners: tuple[float, float, float, float],
    degrees: float,
    pivot: tuple[float, float] | None = None,
    *,
    ignored: bool = False,
) -> TrueBox:
    """Return the box around a rectangle ``(left, top, right, bottom)`` that is turned about a point.

    It is turned about its middle where no other point is given.
    """
    left, top, right, bottom = corners
    if not degrees:
        return TrueBox(label, left, top, right, bottom, ignored)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    px, py = pivot or ((left + right) / 2, (top + bottom) / 2)
    return around(
        label,
        [
            (px + (x - px) * cos - (y - py) * sin, py + (x - px) * sin + (y - py) * cos)
            for x in (left, right)
            for y in (top, bottom)
        ],
        ignored=ignored,
    )


def around_ellipse(
    label: str, centre: tuple[float, float], radii: tuple[float, float], degrees: float
) -> TrueBox:
    """Return the box around an ellipse that is turned about its centre."""
    (x, y), (across, down) = centre, radii
    if degrees:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        across, down = (
            math.hypot(across * cos, down * sin),
            math.hypot(across * sin, down * cos),
        )
    return TrueBox(label, x - across, y - down, x + across, y + down)


def label_of(value: Any) -> str:
    """Return the name of a class."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise InvalidInputError("it has no label")
    return str(value).strip()


def is_true(value: Any) -> bool:
    """Return whether a flag is set: 1 or true, as a number, as a word, or as text of them."""
    words = ("1", "1.0", "true", "yes")
    return isinstance(value, str | int | float) and str(value).strip().lower() in words

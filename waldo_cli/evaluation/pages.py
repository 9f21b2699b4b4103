"""Pages whose boxes are known: `TrueBox`, `Page`, and the pictures of pages.

`set_page` is the one place where a truth meets the pixels of its picture. There the sizes are compared, and
boxes that the truth gives as shares of the picture become pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.files import must_be_folder, show
from waldo_cli.geometry import Box, Size
from waldo_cli.images.decode import read_turn
from waldo_cli.images.load import load_image
from waldo_cli.images.orientation import shown_size, turned_box
from waldo_cli.images.pages import Contents, contents
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.leftout import LeftOut

if TYPE_CHECKING:
    from waldo_cli.arrays import Floats

#: What the boxes of a truth mean: the picture as shown, or the pixels as stored in the file.
TruthPixels = Literal["shown", "stored"]

# Gets what is wrong with one row, box or page of a truth; reading goes on if it returns.
Complain = Callable[[WaldoError], None]

# Boxes of this class are left out of judgement, whatever is sought; see `TrueBox.is_ignored`.
IGNORE = "ignore"


def refuse(error: WaldoError) -> None:
    """The strict `Complain`: the first fault ends the reading."""
    raise error


@dataclass(frozen=True, slots=True)
class TrueBox:
    """A box of the truth; edges in pixels from the page's top left corner.

    Attributes
    ----------
    label
        Its class.
    left, top, right, bottom
        Its edges.
    ignored
        The truth itself says that this box does not count: COCO's ``iscrowd``, ``difficult`` of Pascal VOC.
    crowd
        It is a region with many of its class, COCO's ``iscrowd``, and not the box of one object.
    """

    label: str
    left: float
    top: float
    right: float
    bottom: float
    ignored: bool = False
    crowd: bool = False

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def counts_for(self, label: str) -> bool:
        """Return whether it is one of the boxes that a search for `label` must find."""
        return self.label == label and not self.ignored

    def is_ignored(self, label: str) -> bool:
        """Return whether finds of `label` in it are neither hits nor false alarms.

        So are boxes of the classes ``LABEL_icon`` and ``ignore``, and boxes of `label` that the truth itself
        sets aside.
        """
        return self.label in (f"{label}_icon", IGNORE) or (self.label == label and self.ignored)

    def sets_aside(self, label: str, x: float, y: float) -> bool:
        """Return whether a find of `label` at this place is neither a hit nor a false alarm.

        Around the box of one object the place may lie as far outside as that of a hit; a region ends at its
        edges.
        """
        if not self.is_ignored(label):
            return False
        if self.crowd or self.label == IGNORE:
            return self.left <= x <= self.right and self.top <= y <= self.bottom
        return self.is_hit(x, y)

    def is_hit(self, x: float, y: float) -> bool:
        """Return whether a point lies in the box grown by half its width and half its height on each side."""
        # The grown box is twice as large: from its centre to its edges it is one full width and height.
        return (
            abs(x - (self.left + self.right) / 2) <= self.right - self.left
            and abs(y - (self.top + self.bottom) / 2) <= self.bottom - self.top
        )

    def distance(self, x: float, y: float) -> float:
        """Return the distance of a point from the box's centre, in pixels."""
        return math.hypot(x - (self.left + self.right) / 2, y - (self.top + self.bottom) / 2)

    def common_area(self, box: Box) -> float:
        """Return the area that it shares with the box of a find, in pixels."""
        width = min(self.right, box.left + box.width) - max(self.left, box.left)
        height = min(self.bottom, box.top + box.height) - max(self.top, box.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, box: Box) -> float:
        """Return intersection over union with the box of a find."""
        common = self.common_area(box)
        return common / (self.area + box.area - common)

    def within(self, size: Size) -> TrueBox:
        """Return its part on a page of this size.

        Tools that store shares, or let a hand draw over the edge, write boxes that end outside the page.

        Raises
        ------
        InvalidInputError
            It is empty, or less than half of it lies on the page.
        """
        text = f"box {self.left:.10g},{self.top:.10g} to {self.right:.10g},{self.bottom:.10g}"
        if self.right <= self.left or self.bottom <= self.top:
            raise InvalidInputError(f"{text} is empty or turned around")
        left, top = max(self.left, 0.0), max(self.top, 0.0)
        right, bottom = min(self.right, float(size.cols)), min(self.bottom, float(size.rows))
        common = max(right - left, 0.0) * max(bottom - top, 0.0)
        if not 0 < common >= self.area / 2:
            raise InvalidInputError(f"{text} lies outside the {size} page")
        return replace(self, left=left, top=top, right=right, bottom=bottom)


@dataclass(frozen=True, slots=True)
class RawBox:
    """A box as the truth has it, before it is set into its page.

    Attributes
    ----------
    where
        Where it stands, for error messages: ``line 3``, ``annotations[7]``.
    box
        Its edges: pixels, or shares of the picture's width and height.
    shares
        Which of the two.
    file
        The file that it stands in.
    """

    where: str
    box: TrueBox
    shares: bool
    file: str

    def placed(self, size: Size) -> TrueBox:
        """Return the box in pixels of a page of this size, clipped to it.

        Raises
        ------
        InvalidInputError
            As `TrueBox.within`; the message begins with `where`, and the path is `file`.
        """
        across, down = (size.cols, size.rows) if self.shares else (1, 1)
        box = replace(
            self.box,
            left=self.box.left * across,
            top=self.box.top * down,
            right=self.box.right * across,
            bottom=self.box.bottom * down,
        )
        try:
            return box.within(size)
        except InvalidInputError as e:
            raise InvalidInputError(f"{self.where}: {e.reason}", path=self.file) from None


@dataclass(frozen=True, slots=True)
class Page:
    """A picture whose boxes are known.

    Attributes
    ----------
    name
        As written in the truth.
    path
        Path of the picture.
    boxes
        In the order of the truth, clipped to the page. Where the truth does not say the page's size they
        are in `raw` instead, until `open_page`.
    size
        As written in the truth, as the picture is shown or as it is stored; None if the truth does not say.
    columns
        The other columns of a CSV truth, by name, from the last row of this page. Empty cells are left out.
    raw
        Boxes that wait for the size of the picture.
    is_assumed
        The boxes were taken as they are, but nothing says that they mean the picture as shown.
    number
        Which picture of a file of several it is, from 1.
    lost
        Classes of boxes on it that cannot be used; an empty one where the class is not known.
    """

    name: str
    path: Path
    boxes: tuple[TrueBox, ...] = ()
    size: Size | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    raw: tuple[RawBox, ...] = ()
    is_assumed: bool = False
    number: int = 1
    lost: frozenset[str] = frozenset()


def placed(page: Page, size: Size, complain: Complain) -> Page:
    """Return the page with its raw boxes that lie on a page of this size; the others go to `complain`."""
    boxes, lost = [], set(page.lost)
    for raw in page.raw:
        try:
            boxes.append(raw.placed(size))
        except InvalidInputError as e:
            lost.add(raw.box.label)
            complain(e)
    return replace(page, boxes=tuple(boxes), raw=(), lost=frozenset(lost))


def refuse_without(page: Page, label: str) -> None:
    """Refuse a page of which no box of a class is left, but one was lost: it may show what is sought.

    Raises
    ------
    InvalidInputError
        It is one.
    """
    if page.lost & {label, ""} and not any(box.counts_for(label) for box in page.boxes):
        raise InvalidInputError(
            f"no box of class {label!r} is left of it, so it would count as a page without: left out",
            path=str(page.path),
        )


def open_page(
    page: Page,
    *,
    max_pixels: int | None = None,
    allow_truncated: bool = False,
    complain: Complain = refuse,
    truth_pixels: TruthPixels | None = None,
) -> tuple[Floats, Page]:
    """Return the picture of a page as shown, and the page with its boxes on the pixels of this picture.

    Parameters
    ----------
    max_pixels, allow_truncated
        As for `load_image`.
    complain, truth_pixels
        As for `set_page`.

    Raises
    ------
    InvalidInputError
        As `set_page`.
    FileError
        The picture cannot be read.
    """
    image = load_image(
        page.path,
        page=page.number,
        max_pixels=max_pixels,
        allow_truncated=allow_truncated,
        must_show=True,
    )
    return image, set_page(page, Size(*image.shape[:2]), complain, truth_pixels, max_pixels)


def set_page(
    page: Page,
    shown: Size,
    complain: Complain = refuse,
    truth_pixels: TruthPixels | None = None,
    max_pixels: int | None = None,
) -> Page:
    """Return the page with its boxes on the pixels of its picture as shown.

    Cameras store a picture as the sensor lay and say in EXIF how it is to be turned. Some tools draw boxes on
    the picture as shown, others on the stored pixels; the size that the truth gives for the page tells which.
    It does not where the turn keeps the size (upside down, mirrored, square).

    Parameters
    ----------
    shown
        Rows and columns of the picture as shown.
    complain
        Gets the boxes that do not lie on the picture. By default the first one is raised.
    truth_pixels
        What the boxes mean where sizes do not tell. None: the picture as shown, and `is_assumed` of the page
        says so.
    max_pixels
        As for `load_image`.

    Raises
    ------
    InvalidInputError
        The truth gives neither the size of the picture as shown nor that of the stored one; or none of its
        boxes lies on it.
    FileError
        Its orientation cannot be read.
    """
    if page.size is None and not page.raw:  # the truth does not name it
        return page
    turn = read_turn(page.path, page=page.number, max_pixels=max_pixels)
    stored = shown_size(shown, turn)  # exchanging rows and columns again leads back
    if page.size not in (None, shown, stored):
        raise InvalidInputError(
            f"the truth says {page.size}, the file is {shown}:"
            " the boxes belong to another copy of this page",
            path=str(page.path),
        )
    sizes_tell = stored != shown and page.size is not None
    means_stored = page.size == stored if sizes_tell else turn > 1 and truth_pixels == "stored"
    if page.raw:
        page = placed(page, stored if means_stored else shown, complain)
        if not page.boxes:
            raise InvalidInputError("no box of its truth lies on it", path=str(page.path))
    boxes = page.boxes
    if means_stored:
        boxes = tuple(_shown_box(box, turn, stored) for box in boxes)
    is_assumed = turn > 1 and not sizes_tell and truth_pixels is None and bool(boxes)
    return replace(page, boxes=boxes, size=shown, is_assumed=is_assumed)


def _shown_box(box: TrueBox, turn: int, stored: Size) -> TrueBox:
    """A box of the stored pixels on the picture as shown."""
    edges = turned_box((box.left, box.top, box.right, box.bottom), turn, stored)
    return replace(box, left=edges[0], top=edges[1], right=edges[2], bottom=edges[3])


def assumption(names: Sequence[str]) -> str:
    """Return the line that tells for which pages it was assumed what their boxes mean."""
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"{show(names[0])}{others}: turned by EXIF, and the sizes do not tell which pixels the boxes mean; "
        "taken as of the picture as shown, --truth-pixels says otherwise"
    )


def pages_without(
    folder: str | Path, listed: Iterable[Page] = (), left_out: LeftOut | None = None
) -> list[Page]:
    """Return the pictures of a folder as pages without boxes, except those that are already listed.

    Parameters
    ----------
    folder
        Its pictures are taken, not those of folders inside it.
    listed
        Pages that are known already.
    left_out
        Counts what is in the folder and is no picture.

    Raises
    ------
    FileError
        The folder cannot be read, or holds no picture.
    """
    # Not Path.resolve, which raises where a link leads in a circle.
    known = {(os.path.realpath(page.path), page.number) for page in listed}
    must_be_folder(folder)
    items = list(expand([str(folder)], "", left_out=left_out))
    for item in items:
        if item.problem is not None:
            raise FileError(item.problem, path=item.path)
    if not items:
        raise FileError("holds no picture", path=str(folder))
    paths = (Path(item.path) for item in items)
    return [
        page
        for path in paths
        for page in _pages_of(path)
        if (os.path.realpath(path), page.number) not in known
    ]


def contents_of(path: str | Path) -> Contents:
    """Return what is in a file; one that cannot be opened counts as one picture, which is told later."""
    try:
        return contents(str(path))
    except WaldoError:
        return Contents("", 1)


def add_pages_without(
    listed: list[Page], folders: Iterable[str | Path], say: Callable[[str], None]
) -> None:
    """Add the pictures of folders to `listed` (`pages_without`); `say` gets what else is there in a line."""
    left_out = LeftOut(enters=False)
    for folder in folders:
        listed += pages_without(folder, listed, left_out)
    if str(left_out):
        say(str(left_out))


def _pages_of(path: Path) -> list[Page]:
    """All pages of a file, or the first frame of an animation."""
    found = contents_of(path)
    if found.is_led_by_first or found.count < 2:
        return [Page(str(path), path)]
    numbers = range(1, found.count + 1)
    return [Page(f"{path}, page {number}", path, number=number) for number in numbers]

"""Read the truth (pages with known boxes) from CSV or COCO JSON.

`_csv_rows` and `_coco_rows` turn the text into `_Row` tuples and check every value, since the file may come
from anyone; `read_truth` gathers the rows of each page into a `Page`. An error names the line or the entry
of the file that is wrong.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.files import FileTooLargeError, NotRegularFileError, read_bytes, reason
from waldo_cli.geometry import Size
from waldo_cli.inputs.folders import expand

TRUTH_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")

MAX_TRUTH_BYTES = 1 << 28  # 256 MiB; a larger file is refused


@dataclass(frozen=True, slots=True)
class TrueBox:
    """A box of the truth; edges in pixels from the page's top left corner."""

    label: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

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
        In the order of the truth.
    size
        As written in the truth; None for a page that is not listed there.
    columns
        The other columns of a CSV truth, by name, from the last row of this page. Empty cells are left out.
    """

    name: str
    path: Path
    boxes: tuple[TrueBox, ...] = ()
    size: Size | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def pages_without(folder: str | Path, listed: Iterable[Page] = ()) -> list[Page]:
    """Return the pictures of a folder as pages without boxes, except those that are already listed.

    Raises
    ------
    FileError
        The folder cannot be read, or holds no picture.
    """
    # Not Path.resolve, which raises where a link leads in a circle.
    listed_paths = {os.path.realpath(page.path) for page in listed}
    if not os.path.isdir(folder):  # not Path.is_dir, which raises if the name is too long
        raise FileError("no such folder", path=str(folder))
    items = list(expand([str(folder)], ""))
    for item in items:
        if item.problem is not None:
            raise FileError(item.problem, path=item.path)
    if not items:
        raise FileError("holds no picture", path=str(folder))
    paths = (Path(item.path) for item in items)
    return [Page(str(path), path) for path in paths if os.path.realpath(path) not in listed_paths]


def read_truth(truth: str | Path, folder: str | Path) -> list[Page]:
    """Read pages and their boxes, in the order in which the file names them.

    Parameters
    ----------
    truth
        CSV with the columns ``filename,width,height,class,xmin,ymin,xmax,ymax``, or COCO JSON. Other columns
        of a CSV file go to `Page.columns`; a row with an empty class lists a page without boxes.
    folder
        The folder that the file names are relative to.

    Raises
    ------
    InvalidInputError
        The file is neither CSV nor COCO JSON, a value is not a number, a box lies outside its page, or rows
        give different sizes for one page.
    FileError
        The truth, or a page that it names, cannot be read.
    """
    try:
        text = _read_text(truth)
        rows = _coco_rows(text) if text.lstrip()[:1] == "{" else _csv_rows(text)
        pages: dict[str, Page] = {}
        boxes: dict[str, list[TrueBox]] = {}
        for row in rows:
            earlier = pages.get(row.name)
            if earlier is not None and earlier.size != row.size:
                raise InvalidInputError(f"{row.where}: {row.name} has another size than before")
            path = Path(folder) / row.name
            pages[row.name] = Page(row.name, path, size=row.size, columns=row.columns)
            page_boxes = boxes.setdefault(row.name, [])
            if row.box is not None:
                _must_lie_inside(row.box, row.size, row.where)
                page_boxes.append(row.box)
    except InvalidInputError as e:
        raise e.at(str(truth)) from None
    if not pages:
        raise InvalidInputError("names no page", path=str(truth))
    for page in pages.values():
        if not os.path.isfile(page.path):
            raise FileError(f"no such page, but {truth} names it", path=str(page.path))
    return [replace(page, boxes=tuple(boxes[page.name])) for page in pages.values()]


class _Row(NamedTuple):
    """A line of a CSV file, or an image or annotation of a COCO file.

    `where` names it in error messages (``line 3``, ``images[0]``); `box` is None if it only names a page.
    """

    where: str
    name: str
    size: Size
    box: TrueBox | None
    columns: Mapping[str, str] = {}


def _read_text(truth: str | Path) -> str:
    try:
        data = read_bytes(truth, MAX_TRUTH_BYTES)
    except (NotRegularFileError, FileTooLargeError) as e:
        raise InvalidInputError(reason(e)) from None
    except OSError as e:
        raise FileError(reason(e), path=str(truth)) from None
    except ValueError:  # there is a NUL in the name
        raise InvalidInputError("not a file name") from None
    try:
        return data.decode("utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError:
        raise InvalidInputError("not UTF-8 text") from None


def _csv_rows(text: str) -> Iterator[_Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [c for c in TRUTH_COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise InvalidInputError(
                f"no column {missing[0]!r} in line 1: a truth has {','.join(TRUTH_COLUMNS)}"
            )
        for row in reader:
            where = f"line {reader.line_num}"
            # DictReader fills a short line with None.
            if any(row[c] is None for c in TRUTH_COLUMNS):
                raise InvalidInputError(f"{where}: fewer fields than line 1 names")
            if not row["filename"]:
                raise InvalidInputError(f"{where}: filename is empty")
            width, height = (_pixel_count(row[c], c, where) for c in ("width", "height"))
            box = None
            if row["class"]:
                edges = (_finite_number(row[c], c, where) for c in TRUTH_COLUMNS[4:])
                box = TrueBox(row["class"], *edges)
            others = {
                k: row[k] for k in reader.fieldnames or () if k not in TRUTH_COLUMNS and row[k]
            }
            yield _Row(where, row["filename"], Size(height, width), box, others)
    except csv.Error as e:
        raise InvalidInputError(f"after line {reader.line_num}: {e}") from None


def _coco_rows(text: str) -> Iterator[_Row]:
    try:
        root = json.loads(text)
    except RecursionError:
        raise InvalidInputError("nested too deeply") from None
    except ValueError as e:
        raise InvalidInputError(f"not JSON: {e}") from None
    classes = {
        _required(c, "id", f"categories[{n}]"): str(_required(c, "name", f"categories[{n}]"))
        for n, c in enumerate(_required_list(root, "categories"))
    }
    # One row for each image, so that images without annotations are pages, too; then one for each box.
    images: dict[Any, tuple[str, Size]] = {}
    for n, image in enumerate(_required_list(root, "images")):
        where = f"images[{n}]"
        name = _required(image, "file_name", where)
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"{where}: file_name is not a name")
        width, height = (
            _pixel_count(_required(image, k, where), k, where) for k in ("width", "height")
        )
        size = Size(height, width)
        images[_required(image, "id", where)] = (name, size)
        yield _Row(where, name, size, None)
    for n, annotation in enumerate(_required_list(root, "annotations")):
        where = f"annotations[{n}]"
        image_id, category = (_required(annotation, k, where) for k in ("image_id", "category_id"))
        if image_id not in images or category not in classes:
            raise InvalidInputError(f"{where}: no such image_id or category_id")
        bbox = _required(annotation, "bbox", where)
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise InvalidInputError(f"{where}: bbox must be [x, y, width, height]")
        x, y, w, h = (_finite_number(v, "bbox", where) for v in bbox)
        name, size = images[image_id]
        yield _Row(where, name, size, TrueBox(classes[category], x, y, x + w, y + h))


def _required_list(root: Any, key: str) -> list[Any]:
    value = root.get(key)
    if not isinstance(value, list):
        raise InvalidInputError(f"no list {key!r}: COCO has images, annotations, categories")
    return value


def _required(table: Any, key: str, where: str) -> Any:
    value = table.get(key) if isinstance(table, dict) else None
    # An id becomes the key of a dictionary, so a list or an object must not get through.
    if value is None or (key.endswith("id") and not isinstance(value, int | str)):
        raise InvalidInputError(f"{where}: {key} is missing or of the wrong kind")
    return value


def _finite_number(value: Any, key: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):  # float(True) would be 1
        raise InvalidInputError(f"{where}: {key} = {str(value)[:40]!r} is not a number")
    return number


def _pixel_count(value: Any, key: str, where: str) -> int:
    number = _finite_number(value, key, where)
    if not number.is_integer() or not 1 <= number < 2**31:
        raise InvalidInputError(f"{where}: {key} = {str(value)[:40]!r} is not a number of pixels")
    return int(number)


def _must_lie_inside(box: TrueBox, size: Size, where: str) -> None:
    text = f"box {box.left:g},{box.top:g} to {box.right:g},{box.bottom:g}"
    if box.right <= box.left or box.bottom <= box.top:
        raise InvalidInputError(f"{where}: {text} is empty or turned around")
    if box.left < 0 or box.top < 0 or box.right > size.cols or box.bottom > size.rows:
        raise InvalidInputError(f"{where}: {text} lies outside the {size} page")

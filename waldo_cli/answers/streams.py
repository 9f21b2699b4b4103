"""Records as one stream of text, which `waldo detect` writes to standard output.

A format is a class with three methods: `begin` gives the text before the records, `add` the text of one
record, `end` the text after all of them. `make_format` makes one by name.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, ClassVar, Protocol

from waldo_cli import __version__
from waldo_cli.answers.record import Record, as_json, clipped, outline, page_field, path_fields
from waldo_cli.files import show
from waldo_cli.geometry import Detection

# Characters that JSON allows, but that can disturb a terminal or deceive the reader: DEL and C1 controls,
# soft hyphens, zero-width characters, line separators, bidirectional controls, byte order marks. JSON output
# has their ``\uXXXX`` escapes instead.
_UNSAFE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

COLUMNS = ("path", "x", "y", "score", "label", "left", "top", "width", "height")
PAGE = "page"  # the column that --page-number adds


class Format(Protocol):
    """Records as one stream of text. `takes` has the names of the arguments that its class accepts."""

    takes: ClassVar[frozenset[str]]

    def begin(self) -> str: ...

    def add(self, record: Record) -> str: ...

    def end(self) -> str: ...


@dataclass
class Tsv:
    """Nine columns separated by tabs, one line for each detection.

    In a path or label, tabs, newlines, backslashes and control characters are escaped as in C. With `null`
    lines end in NUL and paths are not escaped. With `paged` the page is a tenth column; it is 1 for a file of
    one picture.
    """

    takes: ClassVar[frozenset[str]] = frozenset(("header", "null", "paged"))

    header: bool = False
    null: bool = False
    paged: bool = False

    def begin(self) -> str:
        return self._line((*COLUMNS, *[PAGE] * self.paged)) if self.header else ""

    def add(self, record: Record) -> str:
        path = record.path if self.null else escape_field(record.path)
        return "".join(
            self._line(
                (
                    path,
                    *_number_cells(d),
                    escape_field(d.label),
                    *map(str, astuple(d.box)),
                    *[str(record.page or 1)] * self.paged,
                )
            )
            for d in record.detections or ()
        )

    def end(self) -> str:
        return ""

    def _line(self, cells: Sequence[str]) -> str:
        return "\t".join(cells) + ("\0" if self.null else "\n")


@dataclass
class Csv:
    """The columns of `Tsv`, separated by commas and quoted as spreadsheets expect.

    A path or label that a spreadsheet would read as a formula gets an apostrophe before it.
    """

    takes: ClassVar[frozenset[str]] = frozenset(("header", "paged"))

    header: bool = True
    paged: bool = False

    def begin(self) -> str:
        return self._line((*COLUMNS, *[PAGE] * self.paged)) if self.header else ""

    def add(self, record: Record) -> str:
        return "".join(
            self._line(
                (
                    escape_formula(record.path),
                    *_number_cells(d),
                    escape_formula(d.label),
                    *astuple(d.box),
                    *[record.page or 1] * self.paged,
                )
            )
            for d in record.detections or ()
        )

    def end(self) -> str:
        return ""

    def _line(self, cells: Sequence[object]) -> str:
        line = io.StringIO()
        # With its line end "\r\n" the writer quotes fields that hold either of the two characters.
        csv.writer(line).writerow(cells)
        return line.getvalue().removesuffix("\r\n") + "\n"


@dataclass
class JsonLines:
    """One JSON object on a line, one line for each image; strict JSON, without NaN or Infinity."""

    takes: ClassVar[frozenset[str]] = frozenset()

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        return _dump(as_json(record)) + "\n"

    def end(self) -> str:
        return ""


@dataclass
class Json:
    """One JSON array of the objects of `JsonLines`."""

    takes: ClassVar[frozenset[str]] = frozenset()

    _before: str = "["  # goes before the next object; a comma after the first

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        before, self._before = self._before, ","
        return f"{before}\n{_dump(as_json(record))}"

    def end(self) -> str:
        return "[]\n" if self._before == "[" else "\n]\n"


@dataclass
class Coco:
    """A COCO data set: every image that was examined, and its detections as annotations with a score.

    Ids count from 1 in the order of the records; the id of a category is the position of its label in
    `labels`. File names are relative to the folder `relative_to`, or as the user gave them; pages of one
    file are images of one ``file_name``, each with its ``page``. The segmentation of an annotation is the
    outline of what was found as it lies, or of its box: readers draw it, and make masks of it; its area is
    that of the outline. All text comes from `end`, since images and annotations are two separate lists in
    the file.
    """

    takes: ClassVar[frozenset[str]] = frozenset(("labels", "relative_to"))

    labels: Sequence[str] = ()
    relative_to: str | None = None
    _images: list[dict[str, Any]] = field(default_factory=list)
    _annotations: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        if record.detections is None:
            return ""
        image_id = len(self._images) + 1
        name_fields = path_fields("file_name", self._name(record.path)) | page_field(record)
        self._images.append(
            {"id": image_id, **name_fields, "width": record.width, "height": record.height}
        )
        for detection in record.detections:
            left, top, right, bottom = clipped(detection, record)
            corners = outline(detection, record)
            sides = zip(corners, corners[1:] + corners[:1], strict=True)
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image_id,
                    "category_id": self.labels.index(detection.label) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "segmentation": [[at for corner in corners for at in corner]],
                    # The shoelace formula.
                    "area": abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in sides)) / 2,
                    "iscrowd": 0,  # a box around one object, not a mask of many
                    "score": detection.score,
                }
            )
        return ""

    def end(self) -> str:
        categories = [
            {"id": n, "name": label, "supercategory": ""} for n, label in enumerate(self.labels, 1)
        ]
        data = {
            "info": {"description": "Finds of waldo", "version": __version__},
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories,
        }
        return _dump(data) + "\n"

    def _name(self, path: str) -> str:
        # Standard input and URLs lie in no folder.
        if self.relative_to is None or path == "-" or "://" in path:
            return path
        return os.path.relpath(path, self.relative_to)


#: The class of each format, by the name that ``--format`` takes.
FORMATS: dict[str, type[Format]] = {
    "tsv": Tsv,
    "csv": Csv,
    "json": Json,
    "jsonl": JsonLines,
    "coco": Coco,
}


def make_format(
    name: str,
    labels: Sequence[str] = (),
    header: bool | None = None,
    null: bool = False,
    relative_to: str | None = None,
    paged: bool = False,
) -> Format:
    """Make a format by name, with those of the arguments that it takes.

    With `header` None the format itself decides whether it begins with a line of column names.
    """
    arguments = {"labels": labels, "header": header, "null": null, "paged": paged}
    arguments["relative_to"] = relative_to
    kind = FORMATS[name]
    return kind(**{k: v for k, v in arguments.items() if k in kind.takes and v is not None})


def escape_field(text: str) -> str:
    r"""Return text that fits in one field: backslashes doubled, controls as ``\t``, ``\n``, ``\x1b``."""
    return show(text.replace("\\", "\\\\"))


def _number_cells(detection: Detection) -> tuple[str, str, str]:
    # Scores are float32: nine significant digits are enough to read the same number back.
    return f"{detection.x:.10g}", f"{detection.y:.10g}", f"{detection.score:.9g}"


def escape_formula(text: str) -> str:
    """Return the text of a cell, with an apostrophe before it if a spreadsheet would read a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _dump(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

"""Answers in the formats of people and of labelling tools. Text in, text out; prints nothing.

`FORMATS` are streams: what goes to standard output before, for and after the records. `SIDECARS` are
files of which each image gets its own.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol, TypeVar

from waldo_cli.files import show

T = TypeVar("T")

# What JSON may hold as it is, but a terminal should not: C1 controls, what is not seen, bidi overrides.
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

COLUMNS = ("path", "x", "y", "score", "label", "left", "top", "width", "height")


@dataclass(frozen=True)
class Find:
    """One detection as it is written: plain numbers, the box as left, top, width, height."""

    label: str
    x: float
    y: float
    score: float
    box: tuple[int, int, int, int]
    scale: float


@dataclass(frozen=True)
class Pictures:
    """Small JPEGs for a report: of the page, of the find (or nothing) and of the heatmap."""

    page: bytes
    find: bytes
    heatmap: bytes


@dataclass(frozen=True)
class View:
    """A find and what is around it as pixels for a terminal: three bytes each, row by row."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True)
class Record:
    """What is known of one image.

    Attributes
    ----------
    path
        As the user or the folder gave it, undecodable bytes as surrogates.
    run
        A fingerprint of stack, masks and settings.
    finds
        Best first; empty: looked and found nothing; None: could not be read, `error` says why.
    width, height
        Of the image as shown, in pixels.
    margin
        Best score minus the next best one elsewhere.
    heatmap
        Path of the picture that was written, if one was.
    seconds
        How long it took.
    bytes, modified
        Size of the file and the time of its last change, seconds since 1970, where it is a file.
    output
        Path without ending of the files made from the image. This and what follows is no part of the
        formats.
    pictures, view
        For a report and for a terminal, where they were asked for.
    """

    path: str
    run: str
    finds: tuple[Find, ...] | None = None
    width: int | None = None
    height: int | None = None
    margin: float | None = None
    heatmap: str | None = None
    error: str | None = None
    seconds: float = 0.0
    bytes: int | None = None
    modified: float | None = None
    output: str = ""
    pictures: Pictures | None = None
    view: View | None = None

    @property
    def found(self) -> bool:
        return bool(self.finds)


class Format(Protocol):
    """Records as one stream of text."""

    def begin(self) -> str: ...

    def add(self, record: Record) -> str: ...

    def end(self) -> str: ...


@dataclass
class Tsv:
    """Nine columns a line, one line for each find.

    In a path or label a tab, newline, backslash or control character is escaped as in C; with `null`
    lines end in NUL and paths stay as they are.
    """

    labels: Sequence[str] = ()
    header: bool = False
    null: bool = False

    def begin(self) -> str:
        return self._line(COLUMNS) if self.header else ""

    def add(self, record: Record) -> str:
        path = record.path if self.null else escaped(record.path)
        return "".join(
            self._line((path, *_numbers(find), escaped(find.label), *map(str, find.box)))
            for find in record.finds or ()
        )

    def end(self) -> str:
        return ""

    def _line(self, cells: Sequence[str]) -> str:
        return "\t".join(cells) + ("\0" if self.null else "\n")


@dataclass
class Csv:
    """The columns of `Tsv`, quoted as spreadsheets read them.

    A path or label that a spreadsheet would take for a formula gets an apostrophe before it.
    """

    labels: Sequence[str] = ()
    header: bool = True

    def begin(self) -> str:
        return self._line(COLUMNS) if self.header else ""

    def add(self, record: Record) -> str:
        return "".join(
            self._line((harmless(record.path), *_numbers(f), harmless(f.label), *f.box))
            for f in record.finds or ()
        )

    def end(self) -> str:
        return ""

    def _line(self, cells: Sequence[object]) -> str:
        line = io.StringIO()
        csv.writer(line).writerow(cells)  # quotes what holds either character of its line's end
        return line.getvalue().removesuffix("\r\n") + "\n"


@dataclass
class JsonLines:
    """One strict JSON object a line, one line for each image."""

    labels: Sequence[str] = ()

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        return _dump(as_json(record)) + "\n"

    def end(self) -> str:
        return ""


@dataclass
class Json:
    """One JSON array of the objects of `JsonLines`."""

    labels: Sequence[str] = ()
    _before: str = "["

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        before, self._before = self._before, ","
        return f"{before}\n{_dump(as_json(record))}"

    def end(self) -> str:
        return "[]\n" if self._before == "[" else "\n]\n"


@dataclass
class Coco:
    """A COCO data set: every image that was read, the finds as annotations with a score.

    Ids count from 1 in the order of the records; a category's id is its label's place in `labels`.
    """

    labels: Sequence[str] = ()
    _images: list[dict[str, Any]] = field(default_factory=list)
    _annotations: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        if record.finds is None:
            return ""
        image = len(self._images) + 1
        named = _named("file_name", record.path)
        self._images.append({"id": image, **named, "width": record.width, "height": record.height})
        for find in record.finds:
            left, top, right, bottom = _clipped(find, record)
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image,
                    "category_id": self.labels.index(find.label) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                    "score": find.score,
                }
            )
        return ""

    def end(self) -> str:
        categories = [{"id": n, "name": label} for n, label in enumerate(self.labels, 1)]
        data = {"images": self._images, "annotations": self._annotations, "categories": categories}
        return _dump(data) + "\n"


def yolo(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """``class x y width height`` for each find: centre and size as shares of the image's size.

    Five columns, as the readers of training sets have them (a sixth would make a polygon of the box
    for some); classes count from 0 in the order of `labels`. Nothing found: no line.
    """
    width, height = record.width or 1, record.height or 1
    lines = []
    for find in record.finds or ():
        left, top, right, bottom = _clipped(find, record)
        shares = (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        lines.append(
            " ".join((str(labels.index(find.label)), *(f"{s:.8g}" for s in shares))) + "\n"
        )
    return "".join(lines)


def voc(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """Pascal VOC: XML, pixels counted from 1, the largest ones inside the box."""
    objects = ""
    for find in record.finds or ():
        left, top, right, bottom = _clipped(find, record)
        objects += f"""
  <object>
    <name>{_xml(find.label)}</name>
    <pose>Unspecified</pose>
    <truncated>{int((left, top, right - left, bottom - top) != find.box)}</truncated>
    <difficult>0</difficult>
    <bndbox>
      <xmin>{left + 1}</xmin>
      <ymin>{top + 1}</ymin>
      <xmax>{right}</xmax>
      <ymax>{bottom}</ymax>
    </bndbox>
  </object>"""
    folder, name = os.path.split(os.path.abspath(record.path))
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<annotation>
  <folder>{_xml(os.path.basename(folder))}</folder>
  <filename>{_xml(name)}</filename>
  <path>{_xml(record.path)}</path>
  <source>
    <database>Unknown</database>
  </source>
  <size>
    <width>{record.width}</width>
    <height>{record.height}</height>
    <depth>3</depth>
  </size>
  <segmented>0</segmented>{objects}
</annotation>
"""


def labelme(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """The JSON of labelme: a rectangle for each find, the image by its path from the file's own folder."""
    shapes: list[dict[str, Any]] = []
    for find in record.finds or ():
        left, top, right, bottom = _clipped(find, record)
        shapes.append(
            {
                "label": find.label,
                "points": [[float(left), float(top)], [float(right), float(bottom)]],
                "group_id": None,
                "description": f"score {find.score:.9g}",
                "shape_type": "rectangle",
                "flags": {},
            }
        )
    path = os.path.relpath(record.path, os.path.dirname(output) or ".")
    data: dict[str, Any] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        **_named("imagePath", path),
        "imageData": None,
        "imageHeight": record.height,
        "imageWidth": record.width,
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


#: By name: what makes the stream, given the labels.
FORMATS: dict[str, Callable[..., Format]] = {
    "tsv": Tsv,
    "csv": Csv,
    "json": Json,
    "jsonl": JsonLines,
    "coco": Coco,
}

#: By name: the ending of the file, and what makes its text of a record, the path of the file and the
#: labels.
SIDECARS: dict[str, tuple[str, Callable[[Record, str, Sequence[str]], str]]] = {
    "yolo": (".txt", yolo),
    "voc": (".xml", voc),
    "labelme": (".json", labelme),
}


def as_json(record: Record) -> dict[str, Any]:
    """The record as JSON has it; a path that is not UTF-8 has its exact bytes in ``path_b64``."""
    out: dict[str, Any] = {"schema": 1, **_named("path", record.path)}
    out |= {"width": record.width, "height": record.height, "found": record.found}
    out["detections"] = None
    if record.finds is not None:
        out["detections"] = [
            {"label": f.label, "x": f.x, "y": f.y, "score": f.score, "box": list(f.box)}
            | {"scale": f.scale}
            for f in record.finds
        ]
    out["margin"] = record.margin
    out |= {"heatmap": None} if record.heatmap is None else _named("heatmap", record.heatmap)
    out["error"] = None if record.error is None else show(record.error)
    out |= {"seconds": record.seconds, "run": record.run}
    return out | {"bytes": record.bytes, "modified": record.modified}


def from_json(data: Any) -> Record:
    """The record that `as_json` made this of.

    Raises
    ------
    ValueError, KeyError, TypeError
        It made it of none.
    """
    if data["schema"] != 1:
        raise ValueError(f"schema is {data['schema']!r}, not 1")
    if not data["path"]:
        raise ValueError("no image has an empty name")
    finds = data["detections"]
    return Record(
        _exact("path", data),
        _text(data["run"]),
        None if finds is None else tuple(map(_find, finds)),
        _optional(_whole, data["width"]),
        _optional(_whole, data["height"]),
        _optional(_number, data["margin"]),
        None if data["heatmap"] is None else _exact("heatmap", data),
        _optional(_text, data["error"]),
        _number(data["seconds"]),
        _optional(_whole, data["bytes"]),
        _optional(_number, data["modified"]),
    )


def _find(data: Any) -> Find:
    left, top, width, height = map(_whole, data["box"])
    return Find(
        _text(data["label"]),
        _number(data["x"]),
        _number(data["y"]),
        _number(data["score"]),
        (left, top, width, height),
        _number(data["scale"]),
    )


def _optional(read: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else read(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    value.encode()  # JSON can spell half of a character, which nothing can write
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r} is not finite")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    if abs(value) > 1 << 53:
        raise ValueError("a whole number beyond any size")
    return value


def escaped(text: str) -> str:
    r"""One harmless field: backslash doubled, controls as ``\t``, ``\n``, ``\x1b``."""
    return show(text.replace("\\", "\\\\"))


def _numbers(find: Find) -> tuple[str, str, str]:
    return f"{find.x:.10g}", f"{find.y:.10g}", f"{find.score:.9g}"


def harmless(text: str) -> str:
    """Text of a cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _clipped(find: Find, record: Record) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the box inside the image; at least a pixel."""
    left, top, width, height = find.box
    left, right = max(left, 0), min(left + width, record.width or 1)
    top, bottom = max(top, 0), min(top + height, record.height or 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _xml(text: str) -> str:
    return escape(show(text), quote=False)  # XML has no way to write most control characters


def _dump(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _named(key: str, path: str) -> dict[str, str]:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        exact = os.fsencode(path)
        return {
            key: exact.decode("utf-8", "replace"),
            f"{key}_b64": base64.b64encode(exact).decode("ascii"),
        }
    return {key: path}


def _exact(key: str, data: dict[str, Any]) -> str:
    coded = data.get(f"{key}_b64")
    return _text(data[key]) if coded is None else os.fsdecode(base64.b64decode(coded))

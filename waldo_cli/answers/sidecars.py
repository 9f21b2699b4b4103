"""Records as files for labelling tools, one for each image."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

from waldo_cli.answers.record import Record, clipped, path_fields
from waldo_cli.files import show
from waldo_cli.geometry import Box


def yolo(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """``class x y width height`` for each find: centre and size as shares of the image's size.

    Five columns, as the readers of training sets have them (a sixth would make a polygon of the box
    for some); classes count from 0 in the order of `labels`. Nothing found: no line.
    """
    width, height = record.width or 1, record.height or 1
    lines = []
    for find in record.detections or ():
        left, top, right, bottom = clipped(find, record)
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
    for find in record.detections or ():
        left, top, right, bottom = clipped(find, record)
        objects += f"""
  <object>
    <name>{_xml(find.label)}</name>
    <pose>Unspecified</pose>
    <truncated>{int(Box(left, top, right - left, bottom - top) != find.box)}</truncated>
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
    for find in record.detections or ():
        left, top, right, bottom = clipped(find, record)
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
        **path_fields("imagePath", path),
        "imageData": None,
        "imageHeight": record.height,
        "imageWidth": record.width,
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


class Sidecar(NamedTuple):
    """A file beside each image.

    Attributes
    ----------
    ending
        Of the file's name.
    text
        Makes its text of a record, the path of the file and the labels.
    classes
        Whether a list of the labels goes beside the files, which have only their numbers.
    """

    ending: str
    text: Callable[[Record, str, Sequence[str]], str]
    classes: bool = False


#: By name.
SIDECARS = {
    "yolo": Sidecar(".txt", yolo, classes=True),
    "voc": Sidecar(".xml", voc),
    "labelme": Sidecar(".json", labelme),
}


def _xml(text: str) -> str:
    return escape(show(text), quote=False)  # XML has no way to write most control characters

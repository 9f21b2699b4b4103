"""Records as files for labelling tools, one file for each image: YOLO, Pascal VOC and labelme.

Each format is a function that makes the text of the file; `SIDECARS` lists them by name. All boxes are
clipped to the image.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

from waldo_cli.answers.record import Record, clipped, outline, page_field, path_fields
from waldo_cli.files import show
from waldo_cli.geometry import Box


def yolo(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """One line ``class x y width height`` for each detection: the centre and the size of its box.

    The numbers are divided by the image's width and height, so that they lie between 0 and 1. Five columns,
    as training programs expect; some of them read a line with a sixth column, such as the score, as a
    polygon. Classes count from 0 in the order of `labels`. Without detections the text is empty.
    """
    return "".join(f"{line}\n" for line in _yolo_lines(record, labels))


def yolo_with_scores(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """`yolo` with the score as a sixth column, which programs that compare finds read."""
    lines = zip(_yolo_lines(record, labels), record.detections or (), strict=True)
    return "".join(f"{line} {detection.score:.9g}\n" for line, detection in lines)


def _yolo_lines(record: Record, labels: Sequence[str]) -> list[str]:
    width, height = record.width or 1, record.height or 1
    lines = []
    for detection in record.detections or ():
        left, top, right, bottom = clipped(detection, record)
        normalized = (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        lines.append(
            " ".join((str(labels.index(detection.label)), *(f"{v:.8g}" for v in normalized)))
        )
    return lines


def classes_text(labels: Sequence[str]) -> str:
    """The list of the labels, one a line, that goes beside label files with numbers."""
    # A label that holds the end of a line would shift all labels below it.
    return "".join(f"{show(label)}\n" for label in labels)


def data_yaml(labels: Sequence[str]) -> str:
    """The ``data.yaml`` of YOLO: the labels by number, and where training programs look for the pictures.

    ``nc``, how many there are, is for YOLOv7 and older versions of YOLOv5.
    """
    # A string of JSON is one of YAML, too.
    names = "".join(f"  {n}: {json.dumps(label)}\n" for n, label in enumerate(labels))
    return (
        "# Pictures are looked for in images/ beside this folder, which is then to be named labels/.\n"
        f"train: ../images\nval: ../images\nnc: {len(labels)}\nnames:\n{names}"
    )


def voc(record: Record, output: str, labels: Sequence[str]) -> str:  # noqa: ARG001
    """Pascal VOC XML. Pixels count from 1; ``xmax`` and ``ymax`` are the last column and row in the box.

    A picture of a file of several has its ``page``, which is no part of the format and which readers skip.
    """
    objects = ""
    for detection in record.detections or ():
        left, top, right, bottom = clipped(detection, record)
        # ``truncated`` is 1 if the box was clipped: part of the object lies outside the image.
        objects += f"""
  <object>
    <name>{_xml_text(detection.label)}</name>
    <pose>Unspecified</pose>
    <truncated>{int(Box(left, top, right - left, bottom - top) != detection.box)}</truncated>
    <difficult>0</difficult>
    <bndbox>
      <xmin>{left + 1}</xmin>
      <ymin>{top + 1}</ymin>
      <xmax>{right}</xmax>
      <ymax>{bottom}</ymax>
    </bndbox>
  </object>"""
    folder, name = os.path.split(os.path.abspath(record.path))
    page = "" if record.page is None else f"\n  <page>{record.page}</page>"
    # However it is spelt, as ./p.png: an image that is named twice has one text.
    path = record.path if "://" in record.path else os.path.normpath(record.path)
    # ``depth`` is always 3: every image is examined as RGB.
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<annotation>
  <folder>{_xml_text(os.path.basename(folder))}</folder>
  <filename>{_xml_text(name)}</filename>
  <path>{_xml_text(path)}</path>{page}
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
    """The JSON of labelme: a shape for each detection; ``imagePath`` is relative to the file's folder.

    A shape is a rectangle, or a polygon where a mask lies turned or mirrored.

    A picture of a file of several has its ``page``, which labelme keeps and does not read.
    """
    shapes: list[dict[str, Any]] = []
    for detection in record.detections or ():
        left, top, right, bottom = clipped(detection, record)
        turned = detection.polygon is not None
        points = outline(detection, record) if turned else [(left, top), (right, bottom)]
        shapes.append(
            {
                "label": detection.label,
                "points": [[float(x), float(y)] for x, y in points],
                "group_id": None,
                "description": f"score {detection.score:.9g}",
                "shape_type": "polygon" if turned else "rectangle",
                "flags": {},
            }
        )
    path = os.path.relpath(record.path, os.path.dirname(output) or ".")
    data: dict[str, Any] = {
        "version": "5.5.0",  # the version of labelme whose format this is
        "flags": {},
        "shapes": shapes,
        **path_fields("imagePath", path),
        **page_field(record),
        "imageData": None,
        "imageHeight": record.height,
        "imageWidth": record.width,
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


class Sidecar(NamedTuple):
    """A kind of label file.

    Attributes
    ----------
    ending
        Suffix of the file's name, with its dot.
    text
        Makes the text of the file from a record, the path of the file and the labels.
    classes
        Whether the files hold numbers instead of labels, so that lists of the labels are written, too.
    takes
        As those of streams: the paths that are printed may end in NUL; the files may hold scores.
    text_with_scores
        As `text`, with the score of each detection, if the files may hold it.
    """

    ending: str
    text: Callable[[Record, str, Sequence[str]], str]
    classes: bool = False
    takes: frozenset[str] = frozenset(("null",))
    text_with_scores: Callable[[Record, str, Sequence[str]], str] | None = None


#: By the name that ``--format`` takes.
SIDECARS = {
    "yolo": Sidecar(
        ".txt",
        yolo,
        classes=True,
        takes=frozenset(("null", "confidence")),
        text_with_scores=yolo_with_scores,
    ),
    "voc": Sidecar(".xml", voc),
    "labelme": Sidecar(".json", labelme),
}


def _xml_text(text: str) -> str:
    # `show` comes first: XML cannot express most control characters, not even escaped.
    return escape(show(text), quote=False)

"""The record of one image, and its JSON form, which formats and journals share.

`as_json` turns a record into a JSON object; ``record.schema.json`` beside this file says what its fields are.
`from_json` reads it back and checks every value, since the file
it stands in may come from anyone.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from waldo_cli.files import show
from waldo_cli.geometry import Box, Detection, Point

T = TypeVar("T")

# Version of the JSON form, its first field. Readers refuse another one.
SCHEMA = 1


@dataclass(frozen=True)
class Pictures:
    """Small JPEGs for a report: the page, the best detection (empty if there is none), the heatmap."""

    page: bytes
    find: bytes
    heatmap: bytes


@dataclass(frozen=True)
class View:
    """A detection and its surroundings, to be drawn in a terminal: three bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True)
class Record:
    """The answer for one image, or the reason why there is none.

    Attributes
    ----------
    path
        As the user or the folder gave it; bytes that cannot be decoded are surrogates, as by `os.fsdecode`.
    run
        A fingerprint of the program's version, the stack, the masks and the settings.
    detections
        Best first. Empty: the image was examined and nothing was found. None: it could not be examined, and
        `error` says why.
    width, height
        Of the image as shown (its EXIF orientation applied), in pixels.
    margin
        Best score minus the next best one elsewhere in the image; None if there is no other.
    heatmap
        Path of the heatmap, if one was written.
    annotated
        Path of the image with boxes and labels, if one was written.
    error
        What went wrong; None if nothing did. With detections: a file beside the answer was not written.
    seconds
        Time to read and examine the image and to write its files.
    bytes, modified
        Size of the file, and the time of its last change in seconds since 1970; None if it is not a file.
    turned
        By how many degrees clockwise the image was turned to be searched: 0, 90, 180 or 270. Places are those
        of the image as shown, not turned.
    best
        The best place where nothing was found; None if there is a find, or no place at all.
    page
        Which picture of a file of several, counted from 1; None for a file of one picture.
    output
        Path, without suffix, of the files made from the image. This field and the ones below are not part
        of any output format.
    others
        Number of pictures inside this one that were not examined.
    threshold
        The score that a find must have; None where another rule decides.
    levels
        Width and height of the image in each of the sizes in which it was searched, largest first.
    pictures, view
        For a report and for a terminal, if they were asked for.
    """

    path: str
    run: str
    detections: tuple[Detection, ...] | None = None
    width: int | None = None
    height: int | None = None
    margin: float | None = None
    heatmap: str | None = None
    error: str | None = None
    seconds: float = 0.0
    bytes: int | None = None
    modified: float | None = None
    turned: int = 0
    best: Detection | None = None
    annotated: str | None = None
    output: str = ""
    page: int | None = None
    others: int = 0
    threshold: float | None = None
    levels: tuple[tuple[int, int], ...] = ()
    pictures: Pictures | None = None
    view: View | None = None

    @property
    def found(self) -> bool:
        return bool(self.detections)


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as a JSON object; the exact bytes of a path that is not UTF-8 are in ``path_b64``."""
    out: dict[str, Any] = {"schema": SCHEMA, **path_fields("path", record.path)}
    out |= page_field(record)
    out |= {"width": record.width, "height": record.height, "found": record.found}
    out["detections"] = None
    if record.detections is not None:
        out["detections"] = [d.to_dict() for d in record.detections]
    out |= {"margin": record.margin, "turned": record.turned}
    out |= {"heatmap": None} if record.heatmap is None else path_fields("heatmap", record.heatmap)
    out |= {} if record.annotated is None else path_fields("annotated", record.annotated)
    out["error"] = None if record.error is None else show(record.error)
    out |= {"seconds": record.seconds, "run": record.run}
    out |= {"bytes": record.bytes, "modified": record.modified}
    if record.best is not None:
        out["best"] = record.best.to_dict()
    return out


def from_json(data: Any) -> Record:
    """Return the record that `as_json` turned into this object.

    Raises
    ------
    ValueError, KeyError, TypeError
        The object is not such a record.
    """
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema is {data['schema']!r}, not {SCHEMA}")
    if not data["path"]:
        raise ValueError("no image has an empty name")
    detections = data["detections"]
    record = Record(
        exact_path("path", data),
        _text(data["run"]),
        None if detections is None else tuple(map(_detection, detections)),
        _optional(_whole, data["width"]),
        _optional(_whole, data["height"]),
        _optional(_number, data["margin"]),
        None if data["heatmap"] is None else exact_path("heatmap", data),
        _optional(_text, data["error"]),
        _number(data["seconds"]),
        _optional(_whole, data["bytes"]),
        _optional(_number, data["modified"]),
        _whole(data["turned"]),
        _optional(_detection, data.get("best")),
        exact_path("annotated", data) if "annotated" in data else None,
        page=_optional(_whole, data.get("page")),
    )
    if data["found"] is not record.found or not _is_possible(record):
        raise ValueError("no run of this program has such a record")
    return record


def _is_possible(record: Record) -> bool:
    """Return whether the fields go together, as in every record that this program makes."""
    if min(record.seconds, record.bytes or 0) < 0:
        return False
    if record.detections is None:  # an image that could not be examined
        return record.error is not None and record.width is record.height is None
    if min(record.width or 0, record.height or 0) < 1:
        return False
    return all(
        0 <= d.x <= (record.width or 0)
        and 0 <= d.y <= (record.height or 0)
        and min(d.box.width, d.box.height) >= 1
        and d.scale > 0
        for d in record.detections
    )


def _detection(data: Any) -> Detection:
    left, top, width, height = map(_whole, data["box"])
    return Detection(
        _text(data["label"]),
        _number(data["x"]),
        _number(data["y"]),
        _number(data["score"]),
        Box(left, top, width, height),
        _number(data["scale"]),
        _number(data.get("angle", 0.0)),
        data.get("mirrored", False) is True,
        _optional(_polygon, data.get("polygon")),
        _optional(_number, data.get("chance")),
        _optional(_number, data.get("gain")),
        _optional(_number, data.get("offset")),
    )


def _polygon(data: Any) -> tuple[Point, ...]:
    return tuple((_number(x), _number(y)) for x, y in data)


def _optional(read: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else read(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    value.encode()  # JSON can hold half of a surrogate pair, which cannot be written: a ValueError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    # Also true for NaN, and for whole numbers that are too large for a float.
    if not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r} is not finite")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    if abs(value) > 1 << 53:  # above it not every whole number is a float; no real size comes near
        raise ValueError("a whole number beyond any size")
    return value


def clipped(detection: Detection, record: Record) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a detection's box, clipped to the image; never empty.

    The right and bottom edges are exclusive: one more than the last column and row.
    """
    box = detection.box.clipped(record.width or 1, record.height or 1)
    return box.left, box.top, box.left + box.width, box.top + box.height


def outline(detection: Detection, record: Record) -> list[Point]:
    """Return the corners of what was found, as it lies, cut off at the image's edges; those of its box else.

    In order round it, at least three (Sutherland, Hodgman, "Reentrant Polygon Clipping", CACM 1974).
    """
    left, top, right, bottom = clipped(detection, record)
    corners = list(detection.polygon or ())
    for axis, limit, sign in (
        (0, 0.0, 1),
        (0, float(record.width or 1), -1),
        (1, 0.0, 1),
        (1, float(record.height or 1), -1),
    ):
        kept: list[Point] = []
        for here, after in zip(corners, corners[1:] + corners[:1], strict=True):
            # How far inside the image each end of a side is.
            a, b = sign * (here[axis] - limit), sign * (after[axis] - limit)
            if a >= 0:
                kept.append(here)
            if a * b < 0:  # the side crosses the image's edge
                x, y = (p + (q - p) * a / (a - b) for p, q in zip(here, after, strict=True))
                kept.append((round(x, 2), round(y, 2)))
        corners = kept
    if len(corners) < 3:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    return corners


def page_field(record: Record) -> dict[str, int]:
    """Return the page as a JSON field; nothing for a file of one picture."""
    return {} if record.page is None else {"page": record.page}


def path_fields(key: str, path: str) -> dict[str, str]:
    """Return a path as JSON fields; one that is not UTF-8 gets a second field with its bytes in base64.

    The first field then has replacement characters and is for people only.
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        exact = os.fsencode(path)
        return {
            key: exact.decode("utf-8", "replace"),
            f"{key}_b64": base64.b64encode(exact).decode("ascii"),
        }
    return {key: path}


def exact_path(key: str, data: Mapping[str, Any]) -> str:
    """Read back what `path_fields` wrote."""
    encoded = data.get(f"{key}_b64")
    return _text(data[key]) if encoded is None else os.fsdecode(base64.b64decode(encoded))

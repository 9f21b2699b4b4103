"""What is known of one image, as a record, and as the JSON object that other formats are made of."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any, TypeVar

from waldo_cli.files import show
from waldo_cli.geometry import Box, Detection

T = TypeVar("T")


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
    detections
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
    detections: tuple[Detection, ...] | None = None
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
        return bool(self.detections)


def as_json(record: Record) -> dict[str, Any]:
    """The record as JSON has it; a path that is not UTF-8 has its exact bytes in ``path_b64``."""
    out: dict[str, Any] = {"schema": 1, **path_fields("path", record.path)}
    out |= {"width": record.width, "height": record.height, "found": record.found}
    out["detections"] = None
    if record.detections is not None:
        out["detections"] = [
            {"label": f.label, "x": f.x, "y": f.y, "score": f.score, "box": astuple(f.box)}
            | {"scale": f.scale}
            for f in record.detections
        ]
    out["margin"] = record.margin
    out |= {"heatmap": None} if record.heatmap is None else path_fields("heatmap", record.heatmap)
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
    detections = data["detections"]
    return Record(
        _exact("path", data),
        _text(data["run"]),
        None if detections is None else tuple(map(_detection, detections)),
        _optional(_whole, data["width"]),
        _optional(_whole, data["height"]),
        _optional(_number, data["margin"]),
        None if data["heatmap"] is None else _exact("heatmap", data),
        _optional(_text, data["error"]),
        _number(data["seconds"]),
        _optional(_whole, data["bytes"]),
        _optional(_number, data["modified"]),
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


def clipped(detection: Detection, record: Record) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the box inside the image; at least a pixel."""
    box = detection.box.clipped(record.width or 1, record.height or 1)
    return box.left, box.top, box.left + box.width, box.top + box.height


def path_fields(key: str, path: str) -> dict[str, str]:
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

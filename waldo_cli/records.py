"""Answers as lines: the formats that go to standard output. Text in, text out; prints nothing."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from waldo_cli.files import show

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
class Record:
    """What is known of one image.

    Attributes
    ----------
    path
        As the user or the folder gave it, undecodable bytes as surrogates.
    finds
        Best first; empty: looked and found nothing; None: could not be read, `error` says why.
    heatmap
        Path of the picture that was written, if one was.
    run
        A fingerprint of stack, masks and settings.
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

    @property
    def found(self) -> bool:
        return bool(self.finds)


def tsv(record: Record, *, raw_paths: bool = False) -> Iterator[str]:
    """Nine columns a line, one line for each find.

    In a path or label a tab, newline, backslash or control character is escaped as in C; with
    `raw_paths` paths stay as they are, for lines that end in NUL.
    """
    path = record.path if raw_paths else escaped(record.path)
    for find in record.finds or ():
        numbers = (f"{find.x:.10g}", f"{find.y:.10g}", f"{find.score:.9g}")
        yield "\t".join((path, *numbers, escaped(find.label), *map(str, find.box)))


def escaped(text: str) -> str:
    r"""One harmless field: backslash doubled, controls as ``\t``, ``\n``, ``\x1b``."""
    return show(text.replace("\\", "\\\\"))


def jsonl(record: Record) -> Iterator[str]:
    """One strict JSON object."""
    yield json.dumps(as_json(record), ensure_ascii=False, allow_nan=False)


def as_json(record: Record) -> dict[str, Any]:
    """The record as JSON has it; a path that is not UTF-8 has its exact bytes in ``path_b64``."""
    out: dict[str, Any] = {"schema": 1, **_named("path", record.path)}
    out |= {"width": record.width, "height": record.height, "found": record.found}
    out["detections"] = None if record.finds is None else [_find(f) for f in record.finds]
    out["margin"] = record.margin
    out |= {"heatmap": None} if record.heatmap is None else _named("heatmap", record.heatmap)
    out |= {"error": record.error, "seconds": record.seconds, "run": record.run}
    return out


def _find(find: Find) -> dict[str, Any]:
    return {
        "label": find.label,
        "x": find.x,
        "y": find.y,
        "score": find.score,
        "box": list(find.box),
        "scale": find.scale,
    }


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


FORMATS: dict[str, Callable[[Record], Iterable[str]]] = {"tsv": tsv, "jsonl": jsonl}

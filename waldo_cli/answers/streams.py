"""Records as one stream of text: what goes to standard output before, for and after the records."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, ClassVar, Protocol

from waldo_cli.answers.record import Record, as_json, clipped, path_fields
from waldo_cli.files import show
from waldo_cli.geometry import Detection

# What JSON may hold as it is, but a terminal should not: C1 controls, what is not seen, bidi overrides.
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

COLUMNS = ("path", "x", "y", "score", "label", "left", "top", "width", "height")


class Format(Protocol):
    """Records as one stream of text. `takes` names what it can be made with."""

    takes: ClassVar[frozenset[str]]

    def begin(self) -> str: ...

    def add(self, record: Record) -> str: ...

    def end(self) -> str: ...


@dataclass
class Tsv:
    """Nine columns a line, one line for each find.

    In a path or label a tab, newline, backslash or control character is escaped as in C; with `null`
    lines end in NUL and paths stay as they are.
    """

    takes: ClassVar[frozenset[str]] = frozenset(("header", "null"))

    header: bool = False
    null: bool = False

    def begin(self) -> str:
        return self._line(COLUMNS) if self.header else ""

    def add(self, record: Record) -> str:
        path = record.path if self.null else escaped(record.path)
        return "".join(
            self._line((path, *_numbers(find), escaped(find.label), *map(str, astuple(find.box))))
            for find in record.detections or ()
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

    takes: ClassVar[frozenset[str]] = frozenset(("header",))

    header: bool = True

    def begin(self) -> str:
        return self._line(COLUMNS) if self.header else ""

    def add(self, record: Record) -> str:
        return "".join(
            self._line((harmless(record.path), *_numbers(f), harmless(f.label), *astuple(f.box)))
            for f in record.detections or ()
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

    takes: ClassVar[frozenset[str]] = frozenset(("labels",))

    labels: Sequence[str] = ()
    _images: list[dict[str, Any]] = field(default_factory=list)
    _annotations: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> str:
        return ""

    def add(self, record: Record) -> str:
        if record.detections is None:
            return ""
        image = len(self._images) + 1
        named = path_fields("file_name", record.path)
        self._images.append({"id": image, **named, "width": record.width, "height": record.height})
        for find in record.detections:
            left, top, right, bottom = clipped(find, record)
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


#: By name: what makes the stream, given what it `takes`.
FORMATS: dict[str, type[Format]] = {
    "tsv": Tsv,
    "csv": Csv,
    "json": Json,
    "jsonl": JsonLines,
    "coco": Coco,
}


def make_format(
    name: str, labels: Sequence[str] = (), header: bool | None = None, null: bool = False
) -> Format:
    """A format by name, made with as much of this as it takes; `header` None is the format's own wish."""
    offered = {"labels": labels, "header": header, "null": null}
    kind = FORMATS[name]
    return kind(**{k: v for k, v in offered.items() if k in kind.takes and v is not None})


def escaped(text: str) -> str:
    r"""One harmless field: backslash doubled, controls as ``\t``, ``\n``, ``\x1b``."""
    return show(text.replace("\\", "\\\\"))


def _numbers(find: Detection) -> tuple[str, str, str]:
    return f"{find.x:.10g}", f"{find.y:.10g}", f"{find.score:.9g}"


def harmless(text: str) -> str:
    """Text of a cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _dump(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

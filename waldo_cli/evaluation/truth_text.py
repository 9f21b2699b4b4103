"""Truths that are lines of text: CSV, and the label files of YOLO with their lists of classes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.rows import (
    Row,
    around,
    finite_number,
    is_true,
    label_of,
    pixel_count,
    row_with,
)
from waldo_cli.evaluation.truth_json import label_studio_rows
from waldo_cli.geometry import Size

TRUTH_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
EDGES = TRUTH_COLUMNS[4:]

# The two columns that may be absent: then the size of the page is not checked.
_SIZES = ("width", "height")

# Columns that set a box aside, as COCO and Pascal VOC do, if they say 1 or true.
_ASIDE = ("iscrowd", "difficult", "ignore")

# Columns that only the CSV of Label Studio has.
_LABEL_STUDIO_COLUMNS = frozenset(("annotation_id", "annotator"))


def csv_rows(text: str) -> Iterator[Row]:
    """The rows of a CSV file with `TRUTH_COLUMNS`, separated by commas, semicolons or tabs.

    A row with an empty class lists a page without boxes.
    """
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        if "filename" not in columns and _LABEL_STUDIO_COLUMNS & set(columns):
            yield from label_studio_rows([_parsed_cells(row) for row in reader], "row")
            return
        missing = [c for c in TRUTH_COLUMNS if c not in columns and c not in _SIZES]
        if missing:
            raise InvalidInputError(
                f"no column {missing[0]!r} in line 1: a truth has {','.join(TRUTH_COLUMNS)}"
            )
        for row in reader:
            yield _csv_row(row, columns, f"line {reader.line_num}", comma=delimiter != ",")
    except csv.Error as e:
        reason = str(e).replace("unexpected end of data", "a quotation mark is not closed")
        raise InvalidInputError(f"after line {reader.line_num}: {reason}") from None


def _csv_row(row: Mapping[str, str], columns: list[str], where: str, *, comma: bool) -> Row:
    """One row; `comma` is true if numbers may have a decimal comma."""
    known = [c for c in TRUTH_COLUMNS if c in columns]
    if any(row[c] is None for c in known):  # DictReader fills a short line with None
        return Row(where, problem=f"{where}: fewer fields than line 1 names")
    name = row["filename"]
    if not name:
        return Row(where, problem=f"{where}: filename is empty")
    try:
        size = None
        if all(c in columns for c in _SIZES):
            width, height = (pixel_count(row[c], c) for c in _SIZES)
            size = Size(height, width)
    except InvalidInputError as e:
        return Row(where, (name,), problem=f"{where}: {e.reason}")
    others = {k: row[k] for k in columns if k not in TRUTH_COLUMNS and row[k]}
    if not row["class"]:
        return Row(where, (name,), size=size, columns=others)

    def box() -> TrueBox:
        left, top, right, bottom = (
            finite_number(row[c].replace(",", ".") if comma else row[c], c) for c in EDGES
        )
        aside = any(is_true(row.get(k)) for k in _ASIDE)
        crowd = is_true(row.get("iscrowd"))
        return TrueBox(row["class"], left, top, right, bottom, aside, crowd)

    return row_with(where, box, (name,), size=size, columns=others)


def _parsed_cells(row: Mapping[str, str]) -> dict[str, object]:
    """A row of Label Studio's CSV, whose labels are JSON in a cell, as its JSON-MIN has it."""
    out: dict[str, object] = dict(row)
    for key, cell in row.items():
        if isinstance(cell, str) and cell.startswith("["):
            try:
                out[key] = json.loads(cell)
            except (ValueError, RecursionError):
                raise InvalidInputError(f"{key}: a cell that begins with [ is not JSON") from None
    return out


def yolo_rows(
    text: str, stem: str, classes: Mapping[int, str], *, keypoints: bool
) -> Iterator[Row]:
    """The rows of one label file: ``class x y width height``, as shares of the picture.

    A sixth number is a confidence, and is left out. More of them, in pairs, are the corners of a polygon;
    with `keypoints` they are the places of keypoints.

    Parameters
    ----------
    stem
        Name of the file without its ending, by which its picture is found.
    classes
        The labels by number; if empty, the number itself is the label.
    """
    yield Row("the file", stem=stem)  # without lines it is a page without boxes
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells:
            continue

        def box(cells: list[str] = cells) -> TrueBox:
            label = _class_name(cells[0], classes)
            values = [finite_number(cell, "a number") for cell in cells[1:]]
            if len(values) < 4 or (len(values) % 2 and len(values) != 5 and not keypoints):
                raise InvalidInputError(
                    f"{len(cells)} numbers: a line is class x y width height, or a class and a polygon"
                )
            if len(values) > 5 and not keypoints:
                return around(label, zip(values[::2], values[1::2], strict=True))
            x, y, width, height = values[:4]
            return TrueBox(label, x - width / 2, y - height / 2, x + width / 2, y + height / 2)

        yield row_with(f"line {number}", box, (), stem=stem, shares=True)


def _class_name(cell: str, classes: Mapping[int, str]) -> str:
    number = finite_number(cell, "class")
    if not number.is_integer() or not 0 <= number < 2**31:
        raise InvalidInputError(f"class = {cell[:40]!r} is not a whole number")
    if not classes:
        return str(int(number))
    if int(number) not in classes:
        raise InvalidInputError(f"class {int(number)}: there are {len(classes)} names of classes")
    return label_of(classes[int(number)])


def list_of_classes(text: str) -> dict[int, str]:
    """The labels of a ``classes.txt`` or ``obj.names``, one a line, counted from 0."""
    return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))


_KEY = re.compile(r"^(\w[\w-]*)[ \t]*:[ \t]*(.*)$")

# A quote opens a text only at the beginning of a word, and # a comment only after a space.
_QUOTED = r"""(?<!\w)(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')"""
_BEFORE_COMMENT = re.compile(rf"(?:{_QUOTED}|[^#]|(?<=\S)\#)*")
_FLOW_CELL = re.compile(rf"(?:{_QUOTED}|[^,])+")
_PAIR = re.compile(r"""^("[^"]*"|'[^']*'|[^:'"]+?)\s*:\s*(.*)$""", re.DOTALL)


def data_yaml(text: str) -> tuple[dict[int, str], dict[str, str]]:
    """Read what a ``data.yaml`` says: the names of the classes by number, and its other keys as text.

    Only as much of YAML is read as such files use: ``names`` as a list or by number, in brackets or one a
    line.

    Raises
    ------
    InvalidInputError
        There are no names, or they are written in another way.
    """
    keys: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        found = _KEY.match(line)
        if found is not None:
            key, value = found[1], found[2]
            keys[key] = _without_comment(value)
        elif key and line.strip() and not line.lstrip().startswith("#"):
            keys[key] += "\n" + _without_comment(line)
    if "names" not in keys:
        raise InvalidInputError("no key 'names': a data.yaml names its classes")
    names = keys["names"].strip()
    if names[:1] in ("[", "{"):
        if names[-1:] != {"[": "]", "{": "}"}[names[:1]]:
            raise InvalidInputError("names: the closing bracket is missing")
        inner = names[1:-1].replace("\n", " ")
        cells = [cell.strip() for cell in _FLOW_CELL.findall(inner)]
        cells = [cell for cell in cells if cell]
        listed = names[0] == "["
    else:
        cells = [line.strip() for line in names.splitlines() if line.strip()]
        listed = all(cell.startswith("-") for cell in cells)
        cells = [cell[1:].strip() for cell in cells] if listed else cells
    if listed:
        return {n: _scalar(cell) for n, cell in enumerate(cells)}, keys
    classes = {}
    for cell in cells:
        pair = _PAIR.match(cell)
        if pair is None or not _scalar(pair[1]).isdecimal():
            raise InvalidInputError(f"names: {cell[:40]!r} is not a number and a name")
        classes[int(_scalar(pair[1]))] = _scalar(pair[2])
    return classes, keys


def _without_comment(line: str) -> str:
    found = _BEFORE_COMMENT.match(line)
    return "" if found is None else found[0].rstrip()


def _scalar(text: str) -> str:
    """A plain or quoted value."""
    text = text.strip()
    if text[:1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    if text[:1] == "'":
        return text.strip("'").replace("''", "'")
    return text

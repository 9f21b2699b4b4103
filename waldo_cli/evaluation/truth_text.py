"""Truths that are lines of text: CSV, and the label files of YOLO with their lists of classes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.rows import (
    Row,
    around,
    finite_number,
    is_true,
    label_of,
    row_with,
    size_or_none,
)
from waldo_cli.evaluation.truth_json import label_studio_rows, via_rows

TRUTH_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
EDGES = TRUTH_COLUMNS[4:]

# The two columns that may be absent or empty: then the size of the page is not checked.
_SIZES = ("width", "height")

# Other names of columns, as tools write them: of the picture, of the class, and of the edges.
_OTHER_NAMES = {
    "filename": ("path", "image", "image_path", "file", "file_name"),
    "class": ("label", "class_name"),
    "xmin": ("x1", "x_min"),
    "ymin": ("y1", "y_min"),
    "xmax": ("x2", "x_max"),
    "ymax": ("y2", "y_max"),
}
# Where a table has these, as `waldo detect` writes it, all four are of the box.
_SIDES = ("left", "top", "width", "height")

# Tables without names of columns, by the number of their cells: keras-retinanet's, and Make Sense's.
_WITHOUT_NAMES = {
    6: ("filename", *EDGES, "class"),
    8: ("class", *_SIDES, "filename", "page width", "page height"),
}

# The columns that hold no number.
_TEXTS = ("filename", "class")

# The columns of VIA's tables that hold a part of a region.
_VIA_COLUMNS = {
    "shape_attributes": "region_shape_attributes",
    "region_attributes": "region_attributes",
}

# Lines of a record, at most, that is quoted wrongly.
_LONGEST_RECORD = 100

# Columns that set a box aside, as COCO and Pascal VOC do, if they say 1 or true.
_ASIDE = ("iscrowd", "difficult", "ignore")

# Columns that only the CSV of Label Studio has.
_LABEL_STUDIO_COLUMNS = frozenset(("annotation_id", "annotator"))


# The line before all others in which Excel says what separates the cells.
_SEPARATOR = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)


def csv_rows(text: str) -> Iterator[Row]:
    """The rows of a CSV file with `TRUTH_COLUMNS`, separated by commas, semicolons or tabs.

    A row with an empty class lists a page without boxes. Columns may have other names that tools give them.
    """
    lines = io.StringIO(text, newline="").readlines()
    said = _SEPARATOR.fullmatch(lines[0]) if lines else None
    first = int(said is not None)
    first_line = lines[first] if first < len(lines) else ""
    delimiter = said[1] if said else max(",;\t", key=first_line.count)
    records = _records(lines, first, delimiter)
    where, cells, problem = next(records, ("", [], None))
    if problem is not None:
        raise InvalidInputError(problem)
    columns = [name.strip().lower() for name in cells]
    if "filename" not in columns and _LABEL_STUDIO_COLUMNS & set(columns):
        rows, problems = _rows_of_json(records, columns, _parsed_cells)
        yield from label_studio_rows(rows, "row")
        yield from problems
        return
    if "region_shape_attributes" in columns:
        rows, problems = _rows_of_json(records, columns, _via_entry)
        yield from via_rows(rows, "")
        yield from problems
        return
    if _has_no_names(cells):
        columns = list(_WITHOUT_NAMES[len(cells)])
        records = itertools.chain([(where, cells, None)], records)
    columns = _usual_names(columns)
    edges = _SIDES if EDGES[0] not in columns and set(_SIDES) <= set(columns) else EDGES
    missing = [c for c in (*_TEXTS, *edges) if c not in columns]
    if missing:
        raise InvalidInputError(
            f"no column {missing[0]!r} in {where or 'line 1'}: a truth has {','.join(TRUTH_COLUMNS)}"
        )
    for where, cells, problem in records:
        if problem is not None:
            # Of these cells only those before the fault are there.
            name = dict(zip(columns, cells, strict=False)).get("filename", "").strip()
            names, unknown = ((name,), "") if name else ((), "; which page it is of cannot be told")
            yield Row(where, names, problem=problem + unknown)
        else:
            # Programs that write for the eye put a space after each comma.
            row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
            yield _csv_row(row, columns, where, edges, comma=delimiter != ",")


def _rows_of_json(
    records: Iterable[tuple[str, list[str], str | None]],
    columns: Sequence[str],
    parsed: Callable[[Mapping[str, str]], dict[str, object]],
) -> tuple[list[dict[str, object]], list[Row]]:
    """Records with JSON in their cells, parsed, and what is wrong with the others."""
    rows: list[dict[str, object]] = []
    problems: list[Row] = []
    for where, cells, problem in records:
        try:
            if problem is not None:
                raise InvalidInputError(problem.removeprefix(f"{where}: "))
            rows.append(parsed(dict(zip(columns, cells, strict=False))))
        except InvalidInputError as e:
            problems.append(Row(where, problem=f"{where}: {e.reason}"))
    return rows, problems


def _has_no_names(cells: Sequence[str]) -> bool:
    """Whether the first record of a table is a row already, of one that has no names of columns."""
    columns = _WITHOUT_NAMES.get(len(cells), ())
    numbers = [c for column, c in zip(columns, cells, strict=False) if column not in _TEXTS]
    return bool(columns) and all(re.fullmatch(r"\s*(-?[\d.]+)?\s*", cell) for cell in numbers)


def _usual_names(columns: Sequence[str]) -> list[str]:
    """The names of columns, each of `TRUTH_COLUMNS` under its own name if it is there under another."""
    others = {
        next((name for name in names if name in columns), ""): usual
        for usual, names in _OTHER_NAMES.items()
        if usual not in columns
    }
    return [others.get(name, name) for name in columns]


def _via_entry(row: Mapping[str, str]) -> dict[str, object]:
    """A row of the CSV of VIA, which has a region, or none where a picture has none, as its JSON has it."""
    region = {
        key: _parsed_cell(key, row.get(column, "").strip() or "{}")
        for key, column in _VIA_COLUMNS.items()
    }
    return {"filename": row.get("filename"), "regions": [region] if any(region.values()) else []}


def _records(
    lines: Sequence[str], start: int, delimiter: str
) -> Iterator[tuple[str, list[str], str | None]]:
    """Where each record of a CSV stands, its cells, and what is wrong with its quotation marks.

    Of such a record the cells are those before the fault.
    """
    width = 0  # cells of the shortest record so far
    while start < len(lines):
        rest = (lines[n] for n in range(start, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        read = 0  # lines of whole records
        try:
            for cells in reader:
                read = reader.line_num
                if cells:
                    width = min(width or len(cells), len(cells))
                    yield f"line {start + read}", cells, None
            return
        except csv.Error as e:
            start += read
            where = f"line {start + 1}"
            reason = str(e).replace("unexpected end of data", "a quotation mark is not closed")
            yield where, _cells_before_fault(lines[start], delimiter), f"{where}: {reason}"
            start = _next_record(lines, start, delimiter, width)


def _next_record(lines: Sequence[str], start: int, delimiter: str, width: int) -> int:
    """The first line behind a record that is quoted wrongly.

    It ends with the line that brings its quotation marks to an even number, for its cells may hold line
    breaks. If a line with as many cells as a record has, the end, or `_LONGEST_RECORD` comes before that, a
    mark is not closed, which would take all others in: then the record is its first line alone.
    """
    marks = lines[start].count('"')
    end = start + 1
    while marks % 2:
        is_last = end == len(lines) or end - start > _LONGEST_RECORD
        if is_last or lines[end].count(delimiter) >= width - 1:
            return start + 1
        marks += lines[end].count('"')
        end += 1
    return end


def _cells_before_fault(line: str, delimiter: str) -> list[str]:
    """The cells of a line before the first one that is quoted wrongly, or too long."""
    cell = re.compile(rf'("(?:[^"]|"")*+"|(?:[^"{delimiter}][^{delimiter}]*)?){delimiter}')
    cells: list[str] = []
    at = 0
    while (found := cell.match(line, at)) and len(found[1]) <= csv.field_size_limit():
        quoted = found[1].startswith('"')
        cells.append(found[1][1:-1].replace('""', '"') if quoted else found[1])
        at = found.end()
    return cells


def _csv_row(
    row: Mapping[str, str], columns: list[str], where: str, edges: Sequence[str], *, comma: bool
) -> Row:
    """One row; `edges` are the columns that say where the box is, `EDGES` or `_SIDES`.

    `comma` is true if numbers may have a decimal comma.
    """
    name, label = row.get("filename", ""), row.get("class", "")
    known = [c for c in TRUTH_COLUMNS if c in columns]
    if any(c not in row for c in (*known, *edges)):
        names = (name,) if name else ()
        return Row(where, names, label=label, problem=f"{where}: fewer fields than line 1 names")
    if not name:
        return Row(where, problem=f"{where}: filename is empty")
    try:
        size = size_or_none(*(None if c in edges else row.get(c) for c in _SIZES))
    except InvalidInputError as e:
        return Row(where, (name,), label=label, problem=f"{where}: {e.reason}")
    others = {k: row[k] for k in columns if k not in (*TRUTH_COLUMNS, *edges) and row.get(k)}
    if not label:
        return Row(where, (name,), size=size, columns=others)

    def box(label: str) -> TrueBox:
        left, top, right, bottom = (
            finite_number(row[c].replace(",", ".") if comma else row[c], c) for c in edges
        )
        if edges == _SIDES:
            right, bottom = left + right, top + bottom
        aside = any(is_true(row.get(k)) for k in _ASIDE)
        crowd = is_true(row.get("iscrowd"))
        return TrueBox(label, left, top, right, bottom, aside, crowd)

    return row_with(where, lambda: label, box, (name,), size=size, columns=others)


def _parsed_cells(row: Mapping[str, str]) -> dict[str, object]:
    """A row of Label Studio's CSV, whose labels are JSON in a cell, as its JSON-MIN has it."""
    return {
        key: _parsed_cell(key, cell) if isinstance(cell, str) and cell.startswith("[") else cell
        for key, cell in row.items()
    }


def _parsed_cell(key: str, cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{key}: a cell that begins with {cell[0]} is not JSON") from None


def yolo_rows(
    text: str, stem: str, classes: Mapping[int, str], *, keypoints: bool
) -> Iterator[Row]:
    """The rows of one label file: ``class x y width height``, as shares of the picture.

    A sixth number is a confidence, and is left out; so is, after it, the number of a track. More of them, in
    pairs, are the corners of a polygon; with `keypoints` they are the places of keypoints.

    Parameters
    ----------
    stem
        Name of the file without its ending, by which its picture is found.
    classes
        The labels by number; if empty, the number itself is the label.
    """
    yield Row("the file", stem=stem)  # without lines it is a page without boxes
    lines = [line.split() for line in text.splitlines()]
    has_tracks = not keypoints and any(_ends_with_track(cells, 2) for cells in lines)
    for number, cells in enumerate(lines, 1):
        if not cells:
            continue

        def label(cells: list[str] = cells) -> str:
            return _class_name(cells[0], classes)

        def box(label: str, cells: list[str] = cells) -> TrueBox:
            if not keypoints and _ends_with_track(cells, 1):
                if not has_tracks:
                    raise InvalidInputError(
                        "7 numbers may be a triangle, or a box with a confidence and track 1: write the box"
                        " alone, or a fourth corner"
                    )
                cells = cells[:-1]
            values = [finite_number(cell, "a number") for cell in cells[1:]]
            if len(values) < 4 or (len(values) % 2 and len(values) != 5 and not keypoints):
                raise InvalidInputError(
                    f"{len(cells)} numbers: a line is class x y width height, or a class and a polygon"
                )
            if len(values) > 5 and not keypoints:
                return around(label, zip(values[::2], values[1::2], strict=True))
            x, y, width, height = values[:4]
            return TrueBox(label, x - width / 2, y - height / 2, x + width / 2, y + height / 2)

        yield row_with(f"line {number}", label, box, (), stem=stem, shares=True)


def _ends_with_track(cells: Sequence[str], least: int) -> bool:
    """Whether a line of seven numbers ends with a whole one of at least this.

    Trackers write ``class x y width height confidence track``. Of a triangle it would be the last corner's
    place down the picture, which ends at 1.
    """
    return len(cells) == 7 and cells[6].isdecimal() and int(cells[6][:9]) >= least


def _class_name(cell: str, classes: Mapping[int, str]) -> str:
    number = finite_number(cell, "class")
    if not number.is_integer() or not 0 <= number < 2**31:
        raise InvalidInputError(f"class = {cell[:40]!r} is not a whole number")
    if not classes:
        return str(int(number))
    if int(number) not in classes:
        raise InvalidInputError(f"class {int(number)}: there are {len(classes)} names of classes")
    return label_of(classes[int(number)])


_PICTURE_PATH = re.compile(r".*\.[A-Za-z][A-Za-z0-9]{2,4}\s*")


def is_list_of_pictures(text: str) -> bool:
    """Whether a text beside the labels says which pictures are for training: each line is a path of one."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(map(_PICTURE_PATH.fullmatch, lines))


def list_of_classes(text: str) -> dict[int, str]:
    """The labels of a ``classes.txt`` or ``obj.names``, one a line, counted from 0."""
    return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))


_KEY = re.compile(r"""^(["']?)(\w[\w-]*)\1[ \t]*:[ \t]*(.*)$""")

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
        if line.rstrip() == "...":  # the end, whatever follows
            break
        found = _KEY.match(line)
        if found is not None:
            key, value = found[2], found[3]
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

"""Read the truth, pages with known boxes, from the files that labelling tools write.

`read_truth` lets a reader turn each file into rows (`truth_text`, `truth_json`, `truth_xml`), gathers the
rows of each page, finds the page's picture, and sets the boxes into it. What is wrong with one row, or one
file of a folder, is told and does not end the reading, unless the caller wants that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import Complain, Page, RawBox, contents_of, placed, refuse
from waldo_cli.evaluation.picture_names import Pictures, agreement, parts_of
from waldo_cli.evaluation.rows import Row, decoded, whole_number
from waldo_cli.evaluation.truth_json import json_rows
from waldo_cli.evaluation.truth_text import (
    csv_rows,
    data_yaml,
    is_list_of_pictures,
    list_of_classes,
    yolo_rows,
)
from waldo_cli.evaluation.truth_xml import xml_rows
from waldo_cli.files import (
    FileTooLargeError,
    NotRegularFileError,
    must_be_folder,
    read_bytes,
    reason,
)
from waldo_cli.geometry import Size
from waldo_cli.images.pages import Contents

MAX_TRUTH_BYTES = 1 << 28  # 256 MiB; a larger file is refused

# Files beside YOLO's labels that name the classes, without an ending of YAML.
CLASS_LISTS = ("classes.txt", "obj.names", "_darknet.labels")
YAML = (".yaml", ".yml")
# A file of labels of one page, as `waldo detect` names it.
_OF_A_PAGE = re.compile(r"(.+)\.page-([1-9]\d{0,8})")


def read_truth(truth: str | Path, folder: str | Path, complain: Complain = refuse) -> list[Page]:
    r"""Read pages and their boxes, in the order in which the truth names them.

    A name is looked for in `folder`, then by its last parts (`C:\photos\p.png` is `p.png` there). A page of
    which no box can be used is left out: it would count as a page without boxes.

    Parameters
    ----------
    truth
        A file or a folder: CSV with the columns ``filename,width,height,class,xmin,ymin,xmax,ymax``; COCO;
        Pascal VOC; YOLO (a folder of labels with a ``data.yaml`` or ``classes.txt``, or the ``data.yaml``);
        labelme; LabelMe's XML; CVAT for images; Create ML; VIA; VoTT; Label Studio's JSON, JSON-MIN and
        CSV. Other columns of a CSV file go to `Page.columns`; a row with an empty class lists a page
        without boxes.
    folder
        The folder of the pictures.
    complain
        Gets each fault of one row, file or page, which is then left out. By default the first one is raised.

    Raises
    ------
    InvalidInputError
        `truth` is none of these, or names no page that can be used. By default also if a value is not a
        number, a box lies outside its page, or rows give different sizes for one page.
    FileError
        The truth cannot be read; by default also if a page that it names is missing.
    """
    where = os.fsdecode(truth)
    faults = _Faults(complain)
    must_be_folder(folder)
    entries: dict[object, _Entry] = {}
    boxless: list[tuple[str, Row]] = []
    for file, row in _rows(where, faults.add):
        if row.is_boxless:
            boxless.append((file, row))
        else:
            _enter(row, file, entries, faults.add)
    # A class that has no boxes at all is marked by its points or lines, and not by mistake.
    classes = {raw.box.label for entry in entries.values() for raw in entry.boxes}
    for file, row in boxless:
        if row.label in classes or not classes:
            _enter(row, file, entries, faults.add)
    pages = _pages(list(entries.values()), os.fsdecode(folder), faults.add)
    if not pages and faults.held is not None:
        raise faults.held  # it is the only one, and says it all
    if not pages:
        usable = " that can be used" if faults.count else ""
        raise InvalidInputError(f"names no page{usable}", path=where)
    faults.release()
    return pages


def _enter(row: Row, file: str, entries: dict[object, _Entry], fault: Complain) -> None:
    """Add a row to the entry of its page."""
    if row.problem is not None:
        fault(InvalidInputError(row.problem, path=file))
    if row.names or row.stem:
        written = row.columns.get("page", "")
        key = row.names or row.stem, written
        entry = entries.setdefault(key, _Entry(row.names, row.stem, file, written))
        entry.add(row, file, fault)


class _Faults:
    """Counts faults and passes them on; the first one is held back until a second one comes, or `release`."""

    def __init__(self, complain: Complain) -> None:
        self._complain = complain
        self.held: WaldoError | None = None
        self.count = 0

    def add(self, error: WaldoError) -> None:
        self.count += 1
        if self.count == 1:
            self.held = error
            return
        self.release()
        self._complain(error)

    def release(self) -> None:
        if self.held is not None:
            self._complain(self.held)
            self.held = None


@dataclass
class _Entry:
    """The rows of one page."""

    names: tuple[str, ...]
    stem: str
    file: str
    written: str  # the page that is meant of a file of several, as the truth has it
    size: Size | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    boxes: list[RawBox] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # classes of boxes that cannot be used

    @property
    def name(self) -> str:
        return self.names[0] if self.names else self.stem

    def add(self, row: Row, file: str, fault: Complain) -> None:
        self.columns = row.columns or self.columns
        if row.problem is not None:
            self.lost.add(row.label)
        elif self.size is not None and row.size not in (None, self.size):
            self.lost.add(row.label)
            fault(
                InvalidInputError(
                    f"{row.where}: {self.name} has another size than before", path=file
                )
            )
        else:
            self.size = self.size or row.size
            if row.box is not None:
                self.boxes.append(RawBox(row.where, row.box, row.shares, file))

    def page_of(self, found: Contents) -> int:
        """Return which picture of a file is meant; of an animation the first where none is named."""
        if found.count == 1:  # a column `page` is that of a book
            return 1
        if not self.written and not found.is_led_by_first:
            raise InvalidInputError(
                f"has {found.count} pages, and {self.file} does not say which: give its page"
            )
        return whole_number(self.written, "page", "a page") if self.written else 1

    def absorb(self, other: _Entry) -> None:
        """Take the boxes of another spelling of the same name."""
        self.size = self.size or other.size
        self.boxes += other.boxes
        self.lost |= other.lost

    def page(
        self, path: str, number: int, folder: str, fault: Complain, *, several: bool
    ) -> Page | None:
        """Return the page, one of `several` or not, or None if none of its boxes can be used."""
        name = self.names[0] if self.names else os.path.relpath(path, folder)
        if several:
            name = f"{name}, page {number}"
        page = Page(
            name,
            Path(path),
            size=self.size,
            columns=self.columns,
            raw=tuple(self.boxes),
            number=number,
            lost=frozenset(self.lost),
        )
        if self.size is not None:
            page = placed(page, self.size, fault)
        return None if page.lost and not page.boxes and not page.raw else page


def _pages(entries: list[_Entry], folder: str, fault: Complain) -> list[Page]:
    """Find the picture of each entry, and make a page of each that has one."""
    pictures = Pictures(folder)
    by_page: dict[tuple[str, int], list[_Entry]] = {}
    # By their paths: each is opened once, however many of its pages are named.
    files: dict[str, Contents] = {}
    for entry in entries:
        found = pictures.candidates(entry.names, entry.stem)
        match = _OF_A_PAGE.fullmatch(entry.stem)
        if not found and not entry.names and match is not None:
            # Where two files have one stem, the ending is in the name.
            found, entry.written = pictures.candidates((match[1],), match[1]), match[2]
        if len(found) > 1:
            several = (
                f"{entry.name} may be {found[0]} or {found[1]}: say which, by its folder or ending"
            )
            fault(InvalidInputError(several, path=entry.file))
            continue
        if not found:
            missing = os.path.join(folder, entry.name)
            fault(FileError(f"no such page, but {entry.file} names it", path=missing))
            continue
        path = os.path.normpath(found[0])
        if path not in files:
            files[path] = contents_of(path)
        try:
            number = entry.page_of(files[path])
        except InvalidInputError as e:
            fault(e.at(path))
        else:
            by_page.setdefault((path, number), []).append(entry)
    pages = []
    for (path, number), named in by_page.items():
        chosen = _agreeing(named, path, fault) if len(named) > 1 else named[0]
        if chosen is None:
            continue
        page = chosen.page(path, number, folder, fault, several=files[path].count > 1)
        if page is not None:
            pages.append(page)
    return pages


def _agreeing(named: list[_Entry], path: str, fault: Complain) -> _Entry | None:
    """Of several names that lead to one picture, return the one that it has; the others are faults.

    Different spellings of one name are one page.
    """
    best = max(agreement(entry.name, path) for entry in named)
    nearest = [entry for entry in named if agreement(entry.name, path) == best]
    alike = len({parts_of(entry.name) for entry in nearest}) == 1
    chosen = nearest[0] if alike else None
    for entry in named:
        if chosen is None or entry not in nearest:
            other = next(e.name for e in named if e is not entry)
            fault(
                InvalidInputError(
                    f"{entry.name} and {other} lead to the same page, {path}", path=entry.file
                )
            )
        elif entry is not chosen:
            chosen.absorb(entry)
    return chosen


# --- files and folders ----------------------------------------------------------------------------


def _rows(truth: str, fault: Complain) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a truth, each with the file that it stands in."""
    if os.path.isdir(truth):
        yield from _folder_rows(truth, fault)
    elif truth.lower().endswith(YAML):
        yield from _yolo_rows(os.path.dirname(truth) or ".", _read_yaml(truth), fault)
    else:
        try:
            for row in _file_rows(_read(truth), os.path.splitext(os.path.basename(truth))[0]):
                yield truth, row
        except InvalidInputError as e:
            raise e.at(truth) from None


def _file_rows(data: bytes, stem: str) -> Iterator[Row]:
    """The rows of one file, whose first bytes say what it is."""
    if data.startswith(b"PK\x03\x04"):
        raise InvalidInputError("a zip archive: unpack it, and give the folder or the file in it")
    head = data[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if head.startswith(b"<"):
        return xml_rows(data, stem)
    if head.startswith((b"{", b"[")):
        return json_rows(decoded(data), stem)
    return csv_rows(decoded(data))


def _folder_rows(folder: str, fault: Complain) -> Iterator[tuple[str, Row]]:
    """The rows of all truths in a folder and the folders below it, which must be of one kind."""
    files = list(_files(folder))
    by_kind = {
        kind: [f for f in files if f.lower().endswith(endings)]
        for kind, endings in (("XML", (".xml",)), ("JSON", (".json",)), ("CSV", (".csv",)))
    }
    kinds = [kind for kind, paths in by_kind.items() if paths]
    labels = [f for f in files if _is_label_file(f)]
    if labels:
        # Labels may be given alone: what names their classes lies one folder up then.
        yaml, lists = _naming(files)
        if yaml is None and not lists and not kinds:
            yaml, lists = _naming(_beside(folder), only_if_it_names=True)
        if yaml is not None or not kinds or (lists and any(map(_begins_with_number, labels))):
            yield from _yolo_rows(folder, yaml, fault, lists)
            return
    if len(kinds) != 1:
        what = (
            f"holds {' and '.join(kinds)} files" if kinds else "holds no .json, .xml, .csv or .txt"
        )
        raise InvalidInputError(f"{what}: name the file, or the folder, of one truth", path=folder)
    for path in by_kind[kinds[0]]:
        try:
            for row in _file_rows(_read(path), _stem(path, folder)):
                yield path, row
        except (InvalidInputError, FileError) as e:
            fault(e.at(path))


class _Yaml(NamedTuple):
    """What a ``data.yaml`` says of YOLO's labels."""

    path: str
    classes: dict[int, str]
    has_keypoints: bool


def _read_yaml(path: str) -> _Yaml:
    try:
        classes, keys = data_yaml(decoded(_read(path)))
    except (InvalidInputError, FileError) as e:
        raise e.at(path) from None
    return _Yaml(path, classes, "kpt_shape" in keys)


def _naming(
    files: Sequence[str], *, only_if_it_names: bool = False
) -> tuple[_Yaml | None, list[str]]:
    """The YAML that names the classes of YOLO's labels, and the lists of classes, among some files.

    Where there is nothing else and no YAML names them, it is told what is wrong with the first one, but for
    files that may be of anything else.
    """
    lists = [f for f in files if os.path.basename(f) in CLASS_LISTS]
    yaml = [f for f in files if f.lower().endswith(YAML)]
    yaml.sort(key=lambda f: os.path.basename(f) != "data.yaml")
    first: WaldoError | None = None
    for path in yaml:
        try:
            return _read_yaml(path), lists
        except (InvalidInputError, FileError) as e:
            first = first or e
    if first is not None and not lists and not only_if_it_names:
        raise first
    return None, lists


def _beside(folder: str) -> list[str]:
    """The files beside a folder, by name; none where they cannot be listed."""
    above = os.path.dirname(os.path.abspath(folder))
    try:
        return [os.path.join(above, name) for name in sorted(os.listdir(above))]
    except OSError:
        return []


def _begins_with_number(path: str) -> bool:
    """Whether a file begins as YOLO's labels do."""
    try:
        return decoded(_read(path)).split(maxsplit=1)[0].isdecimal()
    except (InvalidInputError, FileError, IndexError):
        return False


def _yolo_rows(
    folder: str, yaml: _Yaml | None, fault: Complain, class_lists: Sequence[str] = ()
) -> Iterator[tuple[str, Row]]:
    """The rows of all label files below a folder, whose classes a ``data.yaml`` names, or lists of them."""
    classes = None if yaml is None else yaml.classes
    keypoints = yaml is not None and yaml.has_keypoints
    lists = {
        os.path.dirname(f): list_of_classes(decoded(_read(f)))
        for f in reversed(class_lists)
        if classes is None
    }
    labels = [f for f in _files(folder) if _is_label_file(f)]
    if not labels:
        raise InvalidInputError(
            "no label files (.txt) in its folder or below: put it beside them",
            path=None if yaml is None else yaml.path,
        )
    for path in labels:
        try:
            text, own = decoded(_read(path)), _nearest(lists, path) if classes is None else classes
            if is_list_of_pictures(text):
                continue
            for row in yolo_rows(text, _stem(path, folder), own, keypoints=keypoints):
                yield path, row
        except (InvalidInputError, FileError) as e:
            fault(e.at(path))


def _nearest(lists: Mapping[str, dict[int, str]], path: str) -> dict[int, str]:
    """The list of classes in the folder of a label file, or in the nearest folder above it, or any."""
    folder = os.path.dirname(path)
    while folder not in lists and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return lists.get(folder) or next(iter(lists.values()), {})


def _stem(path: str, folder: str) -> str:
    """The path of a file below a folder, without its ending."""
    return os.path.splitext(os.path.relpath(path, folder))[0].replace(os.sep, "/")


def _is_label_file(path: str) -> bool:
    """Whether a file can be one of YOLO's labels, and not one of the lists and texts beside them."""
    name = os.path.basename(path).lower()
    lists = (*CLASS_LISTS, "train.txt", "val.txt", "valid.txt", "test.txt", "labelmap.txt")
    return name.endswith(".txt") and name not in lists and not name.startswith("readme")


def _files(folder: str) -> Iterator[str]:
    """The files of a folder and of those below it, by name; hidden ones are left out."""

    def unreadable(error: OSError) -> None:
        raise FileError(f"cannot read this folder: {reason(error)}", path=str(error.filename))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(place, f) for f in sorted(files) if not f.startswith("."))


def _read(path: str) -> bytes:
    try:
        return read_bytes(path, MAX_TRUTH_BYTES)
    except (NotRegularFileError, FileTooLargeError) as e:
        raise InvalidInputError(reason(e), path=path) from None
    except OSError as e:
        raise FileError(reason(e), path=path) from None
    except ValueError:  # there is a NUL in the name
        raise InvalidInputError("not a file name", path=path) from None

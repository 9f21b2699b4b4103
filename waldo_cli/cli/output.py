"""Where the records of `waldo detect` go: standard output, label files, or nowhere."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import Format
from waldo_cli.errors import FileError
from waldo_cli.files import beginning, write_atomically
from waldo_cli.files import show as shown

# A list of the labels goes beside yolo's files, which have only numbers.
CLASSES = "classes"


class Quiet:
    """Nothing."""

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, record: Record) -> Record:
        return record


class Stream:
    """Records to standard output; what was begun is ended, whatever stops it."""

    def __init__(self, form: Format) -> None:
        self._form = form

    def __enter__(self) -> Output:
        _write(self._form.begin())
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, FileError):  # the pipe still stands
            _write(self._form.end())

    def add(self, record: Record) -> Record:
        _write(self._form.add(record))
        return record


class Sidecars:
    """A file for each image, and its path to standard output."""

    def __init__(
        self, form: str, labels: tuple[str, ...], out: str, null: bool, overwrite: bool
    ) -> None:
        self._sidecar = SIDECARS[form]
        self._labels = labels
        self._classes = os.path.join(out, CLASSES + self._sidecar.ending)
        self._end = "\0" if null else "\n"
        self._overwrite = overwrite

    def __enter__(self) -> Output:
        if self._sidecar.classes:
            text = "".join(f"{label}\n" for label in self._labels)
            _write_label_file(self._classes, text, self._overwrite)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, record: Record) -> Record:
        if record.detections is None:
            return record
        path = record.output + self._sidecar.ending
        try:
            text = self._sidecar.text(record, path, self._labels)
            _write_label_file(path, text, self._overwrite)
        except FileError as e:
            return replace(record, error=f"{e.path}: {e.reason}")
        _write((path if self._end == "\0" else shown(path)) + self._end)
        return record


Output = Quiet | Stream | Sidecars


def _write_label_file(path: str, text: str, overwrite: bool) -> None:
    """Write a file, but not over one that says something else: people correct labels by hand."""
    from waldo_cli.files import make_folder

    make_folder(os.path.dirname(path))
    data = text.encode()
    found = beginning(path, len(data) + 1)
    if found == data:
        return
    if found is not None and not overwrite:
        raise FileError(
            "is there and says something else: give another --out, or --overwrite", path=path
        )
    with write_atomically(path) as file:
        file.write(data)


def _write(text: str) -> None:
    """Records leave as bytes, so that names in any encoding do, and at once."""
    if text:
        sys.stdout.buffer.write(os.fsencode(text))
        sys.stdout.buffer.flush()

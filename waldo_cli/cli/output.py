"""Where `waldo detect` writes its records: to standard output, or to label files whose paths it prints.

Both are sinks. `waldo detect` passes every record through a list of sinks; others are the journal, the screen
and the report. What is written, the formats themselves, is in `answers`: `streams` has one text for all
images, `sidecars` one file for each image.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, Self

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import Sidecar
from waldo_cli.answers.streams import Format
from waldo_cli.errors import FileError
from waldo_cli.files import beginning, make_folder, show, sweep, write_atomically

# Name, without suffix, of the list of labels for label files that hold numbers instead of labels (yolo).
CLASSES = "classes"


class Sink(Protocol):
    """Takes records one by one. `add` returns the record, with an error in it if it could not be written."""

    def add(self, record: Record) -> Record: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, error: object, trace: object, /) -> None: ...


class StandardOutput:
    """Writes records to standard output. The end of the format is written even if an error stops the run.

    Parameters
    ----------
    form
        The format of the records.
    before
        Called before each record is written.
    """

    def __init__(self, form: Format, before: Callable[[], None]) -> None:
        self._form = form
        self._before = before

    def __enter__(self) -> Self:
        _write(self._form.begin())
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        # An OSError that is not a FileError comes from standard output itself, such as a closed pipe.
        if not isinstance(error, OSError) or isinstance(error, FileError):
            _write(self._form.end())

    def add(self, record: Record) -> Record:
        self._before()
        _write(self._form.add(record))
        return record


class LabelFiles:
    """Writes a label file for each image, and the path of the file to standard output.

    Parameters
    ----------
    sidecar
        The kind of file.
    labels
        All labels that are reported.
    out
        Folder for the list of labels, if the kind of file needs one.
    null
        End paths with NUL, and do not escape them.
    overwrite
        Also replace files with other content.
    before
        Called before each path is written.
    """

    def __init__(
        self,
        sidecar: Sidecar,
        labels: Sequence[str],
        out: str,
        *,
        null: bool,
        overwrite: bool,
        before: Callable[[], None],
    ) -> None:
        self._sidecar = sidecar
        self._labels = labels
        self._classes = os.path.join(out, CLASSES + sidecar.ending)
        self._null = null
        self._overwrite = overwrite
        self._before = before
        self._swept: set[str] = set()  # folders where leftovers of killed processes were removed

    def __enter__(self) -> Self:
        if self._sidecar.classes:
            text = "".join(f"{show(label)}\n" for label in self._labels)
            self._write_file(self._classes, text)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, record: Record) -> Record:
        self._before()
        if record.detections is None:  # no answer, so no file
            return record
        path = record.output + self._sidecar.ending
        try:
            text = self._sidecar.text(record, path, self._labels)
            self._write_file(path, text)
        except FileError as e:
            return replace(record, error=f"{e.path}: {e.reason}")
        _write(f"{path}\0" if self._null else f"{show(path)}\n")
        return record

    def _write_file(self, path: str, text: str) -> None:
        folder = os.path.dirname(path)
        if folder not in self._swept:
            sweep(folder)
            self._swept.add(folder)
        _write_label_file(path, text, self._overwrite)


def _write_label_file(path: str, text: str, overwrite: bool) -> None:
    """Write a file, but do not replace one with other content: people correct labels by hand."""
    make_folder(os.path.dirname(path))
    data = text.encode()
    # One byte more than needed shows whether the file there is longer.
    existing = beginning(path, len(data) + 1)
    if existing == data:
        return
    if existing is not None and not overwrite:
        raise FileError(
            "is there and says something else: give another --out, or --overwrite", path=path
        )
    with write_atomically(path) as file:
        file.write(data)


def _write(text: str) -> None:
    """Write to standard output and flush, so that the next program in a pipe gets each record at once.

    `os.fsencode` turns surrogates back into the bytes of a file name, which sys.stdout could not encode.
    """
    if text:
        sys.stdout.buffer.write(os.fsencode(text))
        sys.stdout.buffer.flush()

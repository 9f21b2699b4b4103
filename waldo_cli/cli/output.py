"""Where the records of `waldo detect` go: standard output, or label files and their paths there."""

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
from waldo_cli.files import beginning, make_folder, show, write_atomically

# A list of the labels goes beside yolo's files, which have only numbers.
CLASSES = "classes"


class Sink(Protocol):
    """Takes records one by one; gives each back, with what it has to say of it."""

    def add(self, record: Record) -> Record: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, error: object, trace: object, /) -> None: ...


class StandardOutput:
    """Records to standard output; what was begun is ended, whatever stops it.

    Parameters
    ----------
    form
        How they are written.
    before
        Called before each record.
    """

    def __init__(self, form: Format, before: Callable[[], None]) -> None:
        self._form = form
        self._before = before

    def __enter__(self) -> Self:
        _write(self._form.begin())
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, FileError):  # the pipe still stands
            _write(self._form.end())

    def add(self, record: Record) -> Record:
        self._before()
        _write(self._form.add(record))
        return record


class LabelFiles:
    """A file for each image, and its path to standard output.

    Parameters
    ----------
    sidecar
        What the files are.
    labels
        All that are reported.
    out
        Where the list of labels goes, where there is one.
    null
        Paths end in NUL, and are left raw.
    overwrite
        Replace files that say something else.
    before
        Called before each path.
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

    def __enter__(self) -> Self:
        if self._sidecar.classes:
            text = "".join(f"{label}\n" for label in self._labels)
            _write_label_file(self._classes, text, self._overwrite)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, record: Record) -> Record:
        self._before()
        if record.detections is None:
            return record
        path = record.output + self._sidecar.ending
        try:
            text = self._sidecar.text(record, path, self._labels)
            _write_label_file(path, text, self._overwrite)
        except FileError as e:
            return replace(record, error=f"{e.path}: {e.reason}")
        _write(f"{path}\0" if self._null else f"{show(path)}\n")
        return record


def _write_label_file(path: str, text: str, overwrite: bool) -> None:
    """Write a file, but not over one that says something else: people correct labels by hand."""
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

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
from waldo_cli.answers.sidecars import Sidecar, classes_text, data_yaml
from waldo_cli.answers.streams import Format
from waldo_cli.errors import FileError
from waldo_cli.files import beginning, make_folder, show, sweep, write_atomically

# Name, without suffix, of the list of labels for label files that hold numbers instead of labels (yolo), and
# of the file for training programs.
CLASSES = "classes"
DATA_YAML = "data.yaml"


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
        Folder for the lists of labels, if the kind of file needs them. Each folder of label files has a list
        of its own, too, for tools that look there.
    scores
        The files hold the scores.
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
        scores: bool,
        null: bool,
        overwrite: bool,
        before: Callable[[], None],
    ) -> None:
        self._ending = sidecar.ending
        self._text = (sidecar.text_with_scores if scores else None) or sidecar.text
        self._labels = labels
        self._out = out
        # Folders that have their list of labels, or need none.
        self._listed: set[str] | None = set() if sidecar.classes else None
        self._null = null
        self._overwrite = overwrite
        self._before = before
        self._swept: set[str] = set()  # folders where leftovers of killed processes were removed

    def __enter__(self) -> Self:
        if self._listed is not None:
            self._write_classes(self._out)
            path, text = os.path.join(self._out, DATA_YAML), data_yaml(self._labels)
            existing = beginning(path, 1 << 16) or b""
            # People set the folders of pictures there: as long as the names agree, theirs is kept.
            if self._overwrite or not existing.endswith(text[text.index("names:") :].encode()):
                _write_label_file(path, text, self._overwrite)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, record: Record) -> Record:
        self._before()
        if record.detections is None:  # no answer, so no file
            return record
        path = record.output + self._ending
        try:
            self._write_classes(os.path.dirname(path))
            self._write_file(path, self._text(record, path, self._labels))
        except FileError as e:
            return replace(record, error=f"{e.path}: {e.reason}")
        _write(f"{path}\0" if self._null else f"{show(path)}\n")
        return record

    def _write_classes(self, folder: str) -> None:
        """Write the list of labels into a folder, once."""
        if self._listed is not None and folder not in self._listed:
            path = os.path.join(folder, CLASSES + self._ending)
            self._write_file(path, classes_text(self._labels))
            self._listed.add(folder)

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

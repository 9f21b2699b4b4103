"""The file of ``--resume``: records of earlier runs, to which this run adds its own. Standard library only.

The file has one JSON record on each line. `Journal` reads it once when it is opened, returns the record of
an image that need not be examined again (`recall`), and appends new records (`add`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from collections.abc import Sequence
from typing import Self

from waldo_cli.answers.record import SCHEMA, Record, as_json, from_json
from waldo_cli.batch.finder import identity
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.files import reason
from waldo_cli.inputs.items import Item
from waldo_cli.inputs.sources import STDIN, is_url

# 64 MiB. No record of this program is longer: it has at most a few thousand detections at each scale.
_LONGEST_LINE = 1 << 26


class Journal:
    """Records as JSON lines, read once and then appended to, one whole line at a time.

    A last line that is incomplete, because the program was killed while it wrote, is removed. Any other line
    that is not a record means that this is a different kind of file: it is refused and not changed.

    Parameters
    ----------
    path
        The file; it is created if it does not exist.

    Raises
    ------
    FileError
        The file cannot be read or written, or another run is writing to it.
    InvalidInputError
        The file has something other than records.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        # Path and page of the images whose records came from this file.
        self._recalled: set[tuple[str, int | None]] = set()
        try:
            # O_APPEND: every write goes to the end of the file, even if another process has it open, too.
            # O_NOFOLLOW: a link is refused. O_NONBLOCK: opening a pipe must not wait for its other end.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
            self._file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
        except (OSError, ValueError) as e:
            raise self._unusable(e) from None
        try:
            if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                raise FileError("cannot go on from this: it is no regular file", path=path)
            self._lock()
            self._lines = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def recall(
        self,
        item: Item,
        run: str,
        labels: Sequence[str],
        heatmap: str | None,
        annotated: str | None = None,
    ) -> Record | None:
        """Return the record of an image that need not be examined again, or None.

        The conditions: a run with the same fingerprint examined it without error, the file still has the
        same size and time of change, and the pictures that are wanted exist where they would be written
        now. A picture at a URL is assumed to be unchanged.

        Parameters
        ----------
        item
            The image.
        run, labels
            Those of the engine.
        heatmap
            Path at which the heatmap would be written now; None if none is wanted.
        annotated
            The same of the image with boxes and labels.
        """
        line = self._lines.get((item.path, item.page))
        if line is None or item.path == STDIN:
            return None
        record = from_json(json.loads(line))
        if record.run != run or record.error is not None:
            return None
        if (record.heatmap, record.annotated) != (heatmap, annotated):
            return None
        if any(detection.label not in labels for detection in record.detections or ()):
            return None  # this program did not write the line, although the fingerprint is right
        if not all(os.path.isfile(path) for path in (heatmap, annotated) if path is not None):
            return None
        if not is_url(item.path) and (record.bytes, record.modified) != identity(item.path):
            return None
        self._recalled.add((item.path, item.page))
        return record

    def add(self, record: Record) -> Record:
        """Append a record, unless it was recalled from this file."""
        if (record.path, record.page) in self._recalled:
            return record
        line = json.dumps(as_json(record), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            while line:  # an unbuffered write may take only a part
                line = line[self._file.write(line) or 0 :]
        except OSError as e:
            raise self._unusable(e) from None
        return record

    def is_open_as(self, descriptor: int) -> bool:
        """Return whether an open file is the same file as this one."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(descriptor), os.fstat(self._file.fileno()))
        return False

    def _lock(self) -> None:
        """Lock the file against other runs, until it is closed."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FileError("another run is writing to this file", path=self._path) from None
            # Any other error: some network file systems have no locks. Go on without one.

    def _read(self) -> dict[tuple[str, int | None], bytes]:
        """Return the lines by path and page of their image, of several for one image the last.

        Lines are checked here, but kept as bytes, which need less memory than records.
        """
        lines: dict[tuple[str, int | None], bytes] = {}
        line, end = b"", 0  # `end`: where the last complete record ends in the file
        with open(self._path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                try:
                    if len(line) == _LONGEST_LINE:
                        raise ValueError("too long")
                    record = from_json(json.loads(line))
                    lines[record.path, record.page] = line
                except (ValueError, KeyError, TypeError, RecursionError):
                    # Only a last line without its newline may be a record that was cut short.
                    incomplete = len(line) < _LONGEST_LINE and not line.endswith(b"\n")
                    if not incomplete or not _may_begin_a_record(line):
                        raise InvalidInputError(
                            f"line {number} is no record of this program: --resume goes on from a"
                            " file that it wrote itself, or that -f jsonl did",
                            path=self._path,
                        ) from None
                    os.ftruncate(self._file.fileno(), end)
                    return lines
                end += len(line)
        if line and not line.endswith(b"\n"):  # a complete record, only its newline is missing
            self._file.write(b"\n")
        return lines

    def _unusable(self, error: OSError | ValueError) -> FileError:
        """Make the error to raise if the file cannot be opened or written."""
        is_link = os.path.islink(self._path)
        cause = "it is a link; name the file it leads to" if is_link else reason(error)
        return FileError(f"cannot go on from this file: {cause}", path=self._path)


def _may_begin_a_record(line: bytes) -> bool:
    """Return whether the line is the beginning of a record, however short."""
    start = json.dumps({"schema": SCHEMA, "path": ""}).removesuffix('"}').encode()
    return line.startswith(start) or start.startswith(line)

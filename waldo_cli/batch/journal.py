"""A file of records that a run which was stopped goes on from. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from collections.abc import Sequence
from typing import Self

from waldo_cli.answers.record import Record, as_json, from_json
from waldo_cli.batch.finder import identity
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.inputs.items import Item
from waldo_cli.inputs.sources import STDIN, is_url

# No record of this program is longer: it holds some thousand finds at each of a few scales.
_LONGEST_LINE = 1 << 26


class Journal:
    """Records in JSON lines, read once and appended to, one whole line at a time.

    A last line that a kill cut short is taken away; any other line that is no record means that this
    is some other file, which stays as it is.

    Parameters
    ----------
    path
        The file; made where it does not exist.

    Raises
    ------
    FileError
        It cannot be read or written, or another run is writing to it.
    InvalidInputError
        It holds something else than records.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._recalled: set[str] = set()
        try:
            # O_APPEND: a line is added to the end in one write, whoever else has the file open.
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
        self, item: Item, run: str, labels: Sequence[str], heatmap: str | None
    ) -> Record | None:
        """The record of an image that need not be looked at again.

        It was read without error by the same run, the file has kept its size and time of change, and
        its heatmap, where one is wanted, is where it would be written now. What lies at a URL is
        taken to stay as it is.
        """
        line = self._lines.get(item.path)
        if line is None or item.path == STDIN:
            return None
        record = from_json(json.loads(line))
        if record.run != run or record.error is not None or record.heatmap != heatmap:
            return None
        if any(find.label not in labels for find in record.detections or ()):
            return None  # not our own line, whatever it says of its run
        if heatmap is not None and not os.path.isfile(heatmap):
            return None
        if not is_url(item.path) and (record.bytes, record.modified) != identity(item.path):
            return None
        self._recalled.add(item.path)
        return record

    def add(self, record: Record) -> Record:
        """Append a record, unless it came from here."""
        if record.path in self._recalled:
            return record
        line = json.dumps(as_json(record), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as e:
            raise self._unusable(e) from None
        return record

    def is_open_as(self, descriptor: int) -> bool:
        """Whether an open file is this one."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(descriptor), os.fstat(self._file.fileno()))
        return False

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FileError("another run is writing to this file", path=self._path) from None
            # some network disks know no locks

    def _read(self) -> dict[str, bytes]:
        lines: dict[str, bytes] = {}
        line, end = b"", 0
        with open(self._path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                try:
                    if len(line) == _LONGEST_LINE:
                        raise ValueError("too long")
                    lines[from_json(json.loads(line)).path] = line
                except (ValueError, KeyError, TypeError, RecursionError):
                    torn = len(line) < _LONGEST_LINE and not line.endswith(b"\n")
                    if not torn or not _may_begin_a_record(line):
                        raise InvalidInputError(
                            f"line {number} is no record of this program: --resume goes on from a"
                            " file that it wrote itself, or that -f jsonl did",
                            path=self._path,
                        ) from None
                    os.ftruncate(self._file.fileno(), end)
                    return lines
                end += len(line)
        if line and not line.endswith(b"\n"):
            self._file.write(b"\n")
        return lines

    def _unusable(self, error: Exception) -> FileError:
        reason = getattr(error, "strerror", None) or str(error)
        if os.path.islink(self._path):
            reason = "it is a link; name the file it leads to"
        return FileError(f"cannot go on from this file: {reason.lower()}", path=self._path)


def _may_begin_a_record(line: bytes) -> bool:
    start = b'{"schema": 1, "path": "'
    return line.startswith(start) or start.startswith(line)

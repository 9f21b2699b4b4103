"""Files: read untrusted ones, write each output completely or not at all, show paths safely.

- `show` makes a path safe to print. Every line for a person uses it.
- `read_bytes` reads files that are not trusted (pictures, stacks, weights, truths), up to a size limit.
- `write_atomically` writes every output of the program (heatmaps, activations, records, reports, stacks):
  first to a temporary file, which is then renamed. `sweep` removes the temporary files of killed processes.
- `refuse_foreign` protects the user's own files. The program puts a mark into every page and picture that
  it writes, and replaces only files that have the mark.

Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import re
import stat
import time
import unicodedata
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from waldo_cli.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

# Unicode categories that `show` escapes: control, format (bidirectional overrides, zero-width characters),
# surrogates, line separators, paragraph separators.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: Marks every HTML page that this program writes.
HTML_MARK = b'<meta name="generator" content="waldo">'

#: Marks every PNG that this program writes: a text chunk with PNG's standard keyword `Software`.
PNG_MARK = b"tEXtSoftware\0waldo"

#: At the beginning of every .npy that this program writes. The format lets a header be padded with
#: spaces to any multiple of 64 bytes; numpy pads to the next one, this program to 1024.
NPY_MARK = b"\x93NUMPY\1\0" + (1024 - 10).to_bytes(2, "little")

# A mark is always within this many bytes from the beginning of a file.
_MARK_SEARCH_BYTES = 1024

_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# Name of a temporary file: the process id, and random digits so that no two files get the same name.
_TEMPORARY_TEMPLATE = ".waldo-{process}-{digits}.tmp"
_TEMPORARY_PATTERN = re.compile(
    re.escape(_TEMPORARY_TEMPLATE)
    .replace(r"\{process\}", r"(\d+)")
    .replace(r"\{digits\}", "[0-9a-f]+")
)


class NotRegularFileError(OSError):
    """The path is a folder, a device, a pipe or a socket."""


class FileTooLargeError(OSError):
    """The file has more bytes than the limit."""


def show(path: str | bytes | os.PathLike[str]) -> str:
    r"""Return `path` as one line of text that is safe to print on a terminal.

    Control characters, terminal escapes, line separators, bidirectional and other format characters
    become ``\n``, ``\x1b``, ``\u202e``; bytes that are not UTF-8 become ``\xff``. Everything else,
    including non-Latin scripts and emoji, stays unchanged.
    """
    return "".join(map(_escape_unsafe, os.fsdecode(path)))


def _escape_unsafe(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode represents byte 0xNN that is not UTF-8 as U+DCNN
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def reason(error: OSError | ValueError) -> str:
    """Return the system's message for an error in lower case, to end a sentence with.

    A path with a NUL in it gives a ValueError, which has no message of the system: then its own.
    """
    return (getattr(error, "strerror", None) or str(error)).lower()


def must_be_folder(path: str | os.PathLike[str]) -> None:
    """Raise `FileError` if a path is not a folder, with the reason."""
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            return
        problem = "this is not a folder"
    except FileNotFoundError:
        problem = "no such folder"
    except (OSError, ValueError) as e:
        problem = f"cannot read: {reason(e)}"
    raise FileError(problem, path=os.fsdecode(path))


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return all bytes of a regular file, if they are at most `limit`.

    Raises
    ------
    NotRegularFileError
        `path` is a folder, a device, a pipe or a socket. It is not opened: opening alone makes some devices
        do something.
    FileTooLargeError
        The file has more than `limit` bytes.
    OSError
        The file is missing or cannot be read.
    ValueError
        There is a NUL in the path.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise FileTooLargeError(errno.EFBIG, f"{size:,} bytes: at most {limit:,} are read")
        data = file.read(size + 1)  # not more: so much memory is asked for at once
        if len(data) > size:
            data += file.read(limit - size)
    if len(data) > limit:  # it has grown since, or reports a wrong size, as files in /proc do
        raise FileTooLargeError(errno.EFBIG, f"more than {limit:,} bytes")
    return data


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading; raises as `read_bytes`, whatever its size."""
    _must_be_regular(os.stat(path))
    # Another file may replace this one between the check above and `open`. So the type is checked again on
    # the open file, and O_NONBLOCK keeps `open` from waiting if it is now a pipe.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    file = io.BufferedReader(_Unwaiting(os.open(path, flags)))
    try:
        _must_be_regular(os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


class _Unwaiting(io.FileIO):
    """A file that is opened for reading without waiting; an error where Python would give None.

    /proc/kmsg says that it is regular, and is waited for.
    """

    def readinto(self, buffer: Any, /) -> int:
        count: int | None = super().readinto(buffer)
        return _not_none(count)

    def readall(self) -> bytes:
        return _not_none(super().readall())


def _not_none(read: T | None) -> T:
    if read is None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return read


def _must_be_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFileError(errno.EINVAL, "not a regular file")


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file for writing that replaces `path` when the ``with`` block ends without an error.

    The bytes are written to a temporary file in the same folder. When the block ends, they are flushed to
    the disk and the file is renamed to `path`. If anything fails before that, including Ctrl-C, the
    temporary file is removed and an older `path` stays unchanged. A killed process leaves at most a file
    named ``.waldo-PID-*.tmp``, which `sweep` knows by the lock that it has no more.

    Raises
    ------
    FileError
        `path` is a folder, a link or a device; its folder is missing or cannot be written to; the disk is
        full. Any `OSError` raised inside the block is treated as a failure to write.
    """
    target = os.fsdecode(path)
    try:
        _refuse_non_files(target)
        temporary = os.path.join(os.path.dirname(target), _temporary_name())
        # O_EXCL and O_NOFOLLOW: fail if a file or a link of this name exists, never write through it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with contextlib.suppress(OSError):  # some network file systems have no locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:  # also KeyboardInterrupt and SystemExit
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except FileError:
        raise
    except OSError as error:
        raise FileError(_write_failure_reason(error, target), path=target) from error


def refuse_foreign(
    path: str | os.PathLike[str], mark: bytes, instead: str = "another --out"
) -> None:
    """Refuse to replace a file that this program did not write, which means that `mark` is not in it.

    The user is told to give something else `instead`.

    Raises
    ------
    FileError
        `path` is such a file, a folder, a link or a device, or cannot be read.
    """
    head = beginning(path, _MARK_SEARCH_BYTES)
    if head is not None and mark not in head:
        raise FileError(
            f"is there, and this program did not make it: give {instead}, or --overwrite",
            path=os.fsdecode(path),
        )


def has_mark(path: str | os.PathLike[str], mark: bytes) -> bool:
    """Return whether a file, or the file that a link leads to, has the mark of this program."""
    try:
        with open_regular(path) as file:
            return mark in file.read(_MARK_SEARCH_BYTES)
    except (OSError, ValueError):  # whoever opens the file says what is wrong with it
        return False


def beginning(path: str | os.PathLike[str], size: int) -> bytes | None:
    """Return the first `size` bytes of a file that is to be replaced, or None if there is no file yet.

    Raises
    ------
    FileError
        `path` is a folder, a link or a device, or cannot be read.
    """
    target = os.fsdecode(path)
    try:
        _refuse_non_files(target)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(target, flags), "rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return None
    except FileError:
        raise
    except OSError as error:
        raise FileError(_write_failure_reason(error, target), path=target) from error


def make_folder(folder: str) -> None:
    """Create a folder and its parents, if they do not exist.

    Raises
    ------
    FileError
        The folder cannot be created.
    """
    # Not `os.makedirs`, which calls itself for each parent, and fails a thousand folders deep.
    missing = []
    parent = folder
    while parent and not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent.rstrip("/"))
    try:
        for path in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by another process meanwhile
                os.mkdir(path)
        if missing and not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except (OSError, ValueError) as e:  # a NUL in the name is a ValueError
        raise FileError(f"cannot make this folder: {reason(e)}", path=folder) from None


def sweep(folder: str, process: int | None = None) -> None:
    """Remove the temporary files that killed processes have left in a folder.

    Parameters
    ----------
    folder
        Where to look; folders below it are not searched.
    process
        Id of a process that is known to have ended: only its files are removed. By default those that nobody
        has locked; a process that has ended has no locks, and that holds in containers, too, where every
        run has the same id. Files that changed in the last minute are kept: on a shared disk, a process of
        another machine may be writing them.
    """
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            match = _TEMPORARY_PATTERN.fullmatch(entry.name)
            if match is None or process not in (None, int(match[1])):
                continue
            with contextlib.suppress(OSError):
                is_old = time.time() - entry.stat(follow_symlinks=False).st_mtime > 60  # seconds
                if process is not None or (is_old and _is_abandoned(entry.path, int(match[1]))):
                    os.unlink(entry.path)


def _is_abandoned(path: str, process: int) -> bool:
    """Return whether nobody writes to a temporary file any more; `process` is the one in its name."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks here
            return not _is_running(process)
    return True


def _is_running(process: int) -> bool:
    """Return False only if it is certain that no process of this machine has this id."""
    try:
        os.kill(process, 0)  # sends no signal, only checks that the process exists
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process, or an impossible id
        return True
    return True


def _temporary_name() -> str:
    return _TEMPORARY_TEMPLATE.format(process=os.getpid(), digits=os.urandom(4).hex())


def _refuse_non_files(target: str) -> None:
    """Refuse a `target` that exists and is not a regular file; links are not followed."""
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return
    except ValueError as error:  # a NUL inside the path
        raise FileError(f"cannot write: {error}", path=target) from error
    if stat.S_ISDIR(mode):
        raise FileError("cannot write: this is a folder", path=target)
    if stat.S_ISLNK(mode):
        raise FileError("cannot write: this is a link; name the file it leads to", path=target)
    if not stat.S_ISREG(mode):
        raise FileError("cannot write: this is a device, a pipe or a socket", path=target)


def _write_failure_reason(error: OSError, target: str) -> str:
    folder = os.path.dirname(target) or "."
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.isdir(folder):
        above = "is not a folder" if error.errno == errno.ENOTDIR else "does not exist"
        return f"cannot write: its folder {above}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "cannot write: no space left on the disk"
    if error.errno == errno.EROFS:
        return "cannot write: the disk is read-only"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "cannot write: no permission to write to its folder"
    return f"cannot write: {error.strerror or error}"

"""Reading a file that may come from anyone, writing one whole or not at all, showing a path to a person.

Standard library only. Files that are not trusted (pictures, stacks, weights, truths) are read by
`read_bytes`. Every output of the program (heatmaps, activations, records, reports, stacks) goes through
`write_atomically`; every line that a person reads shows its paths through `show`. What the program
writes for itself bears a mark, so that `refuse_foreign` can tell it from a person's work.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
import unicodedata
from typing import TYPE_CHECKING, BinaryIO

from waldo_cli.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Control, format (bidi overrides, zero-width), surrogates, line and paragraph separators.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: In every HTML page that this program writes.
HTML_MARK = b'<meta name="generator" content="waldo">'

# Bytes at the beginning of a file within which its mark stands.
_MARKED = 1024

_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# A file that is being written: the process, and random digits. `sweep` removes those of dead processes.
_TEMPORARY = ".waldo-{process}-{digits}.tmp"
_TEMPORARY_NAME = re.compile(r"\.waldo-(\d+)-[0-9a-f]+\.tmp")


class NotRegularFileError(OSError):
    """A folder, a device, a pipe or a socket."""


class FileTooLargeError(OSError):
    """More bytes than the limit."""


def show(path: str | bytes | os.PathLike[str]) -> str:
    r"""Return `path` as one harmless line of text for a person.

    Control characters, terminal escapes, line separators, bidirectional and other format characters
    become ``\n``, ``\x1b``, ``\u202e``; bytes that are no UTF-8 become ``\xff``. Everything else,
    non-Latin scripts and emoji included, stays as it is.
    """
    return "".join(map(_show_character, os.fsdecode(path)))


def _show_character(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that surrogateescape carried through
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def reason(error: OSError) -> str:
    """What the system says of an error, as the end of a sentence."""
    return (error.strerror or str(error)).lower()


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return all bytes of a regular file, if they are at most `limit`.

    Raises
    ------
    NotRegularFileError
        It is a folder, a device, a pipe or a socket. None of them is opened: some devices act on that.
    FileTooLargeError
        It has more than `limit` bytes.
    OSError
        It is missing or cannot be read.
    ValueError
        There is a NUL in its name.
    """
    _must_be_regular(os.stat(path))
    # Looked at once more when it is open: a pipe that has taken the file's place must not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        _must_be_regular(status)
        if status.st_size > limit:
            raise FileTooLargeError(
                errno.EFBIG, f"{status.st_size:,} bytes: at most {limit:,} are read"
            )
        data = file.read(limit + 1)
    if len(data) > limit:  # it has grown meanwhile, or it does not know its size
        raise FileTooLargeError(errno.EFBIG, f"more than {limit:,} bytes")
    return data


def _must_be_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFileError(errno.EINVAL, "not a regular file")


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a binary file that takes the place of `path` when the block ends well.

    The bytes go to a new file with a short name in the same folder; at the end they are flushed to
    the disk and the file is renamed. Whatever goes wrong before that, Ctrl-C included, the new file
    is removed and an older `path` stays as it was. A killed process leaves at most a file named
    ``.waldo-PID-*.tmp``.

    Raises
    ------
    FileError
        `path` is a folder, a link or a device, its folder is missing or cannot be written to, or
        the disk is full. An `OSError` raised inside the block counts as one of writing.
    """
    target = os.fsdecode(path)
    try:
        _refuse_what_is_no_file(target)
        temporary = os.path.join(os.path.dirname(target), _temporary_name())
        # O_EXCL and O_NOFOLLOW: no existing file and no link is ever opened here.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except FileError:
        raise
    except OSError as error:
        raise FileError(_why_not_written(error, target), path=target) from error


def refuse_foreign(path: str | os.PathLike[str], mark: bytes) -> None:
    """Refuse to write where a file lies that this program did not make: it has no `mark`.

    Raises
    ------
    FileError
        There is such a file, or no file but a folder, a link or a device; or it cannot be read.
    """
    found = beginning(path, _MARKED)
    if found is not None and mark not in found:
        raise FileError(
            "is there, and this program did not make it: give another --out, or --overwrite",
            path=os.fsdecode(path),
        )


def beginning(path: str | os.PathLike[str], size: int) -> bytes | None:
    """The first bytes of what lies where a file is to be written; None where nothing does.

    Raises
    ------
    FileError
        It is a folder, a link or a device, or cannot be read.
    """
    target = os.fsdecode(path)
    try:
        _refuse_what_is_no_file(target)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(target, flags), "rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return None
    except FileError:
        raise
    except OSError as error:
        raise FileError(_why_not_written(error, target), path=target) from error


def make_folder(folder: str) -> None:
    """Make a folder and those above it.

    Raises
    ------
    FileError
        It cannot be made.
    """
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as e:
        raise FileError(f"cannot make this folder: {reason(e)}", path=folder) from None


def sweep(folder: str, process: int | None = None) -> None:
    """Remove the half-written files of a process that is gone, or of all that are, from a folder.

    Of processes known only by the number in the name those are spared that wrote in the last
    minute: on a shared disk they may be running on another machine.
    """
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            match = _TEMPORARY_NAME.fullmatch(entry.name)
            if match is None or process not in (None, int(match[1])):
                continue
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > 60
                if process is not None or (old and not _is_running(int(match[1]))):
                    os.unlink(entry.path)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _temporary_name() -> str:
    return _TEMPORARY.format(process=os.getpid(), digits=os.urandom(4).hex())


def _refuse_what_is_no_file(target: str) -> None:
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise FileError("cannot write: this is a folder", path=target)
    if stat.S_ISLNK(mode):
        raise FileError("cannot write: this is a link; name the file it leads to", path=target)
    if not stat.S_ISREG(mode):
        raise FileError("cannot write: this is a device, a pipe or a socket", path=target)


def _why_not_written(error: OSError, target: str) -> str:
    folder = os.path.dirname(target) or "."
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.isdir(folder):
        return "cannot write: its folder does not exist"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "cannot write: no space left on the disk"
    if error.errno == errno.EROFS:
        return "cannot write: the disk is read-only"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "cannot write: no permission to write to its folder"
    return f"cannot write: {error.strerror or error}"

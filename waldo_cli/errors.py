"""The exceptions of this package, as one tree.

    WaldoError
    ├── InvalidInputError   (ValueError)   an argument, a shape or a number that cannot be used
    │   └── StackError                     a stack or stack file that cannot be used
    ├── FileError           (OSError)      a file that cannot be read or written
    │   └── ImageError                     a file that is not an image this program opens
    └── MissingExtraError   (ImportError)  an optional package that is not installed

Each class is also a subclass of the built-in exception in brackets. A message names the value, the limit
and what the user can do. Functions that get bytes do not know the file's name: a caller that does adds the
path with `at`. The command line prints the two parts as `waldo: PATH: reason`.
"""

from __future__ import annotations

from typing import Self


class WaldoError(Exception):
    """Base class of every error that a caller can cause.

    The package raises its subclasses, which are in `waldo_cli.errors`. Each is also a built-in exception:
    `InvalidInputError` is a `ValueError` (an argument, a shape or a number that cannot be used), and its
    subclass `StackError` is about a stack or a stack file; `FileError` is an `OSError` (a file that cannot
    be read or written), and its subclass `ImageError` is about a file that is not an image this program
    opens; `MissingExtraError` is an `ImportError` (an optional package is not installed).

    Attributes
    ----------
    reason
        One line: the value, the limit, what to do next.
    path
        The file that the error is about, or None. The message begins with it if it is set.
    """

    def __init__(self, reason: str, *, path: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return self.reason if self.path is None else f"{self.path}: {self.reason}"

    def __reduce__(self) -> tuple[object, ...]:
        # Pickle: worker processes send errors to their parent. Python's default would lose the path.
        return (_rebuild, (type(self), self.reason, self.path))

    def at(self, path: str) -> Self:
        """Set the file that this error is about, unless one is set, and return the error itself."""
        if self.path is None:
            self.path = path
        return self


def library_fault(error: ImportError | SystemError) -> str:
    """Why a library cannot be loaded, in one line: the last one, before which numpy writes a whole page.

    A `SystemError` is how a library ends that found no memory and forgot to say so.
    """
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def _rebuild(kind: type[WaldoError], reason: str, path: str | None) -> WaldoError:
    return kind(reason, path=path)


class InvalidInputError(WaldoError, ValueError):
    """An argument, a shape or a number that cannot be used."""


class StackError(InvalidInputError):
    """A stack or a stack file that cannot be used."""


class FileError(WaldoError, OSError):
    """A file that cannot be read or written."""


class ImageError(FileError):
    """A file that is not an image this program opens."""


class MissingExtraError(WaldoError, ImportError):
    """An optional package that is not installed; the message says how to install it."""

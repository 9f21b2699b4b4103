"""What can go wrong, as one tree.

    WaldoError
    ├── InvalidInputError   (ValueError)   an argument, a shape or a number that cannot be used
    │   └── StackError                     a stack or stack file that cannot be used
    ├── FileError           (OSError)      a file that cannot be read or written
    │   └── ImageError                     a file that is not an image this program opens
    └── MissingExtraError   (ImportError)  an optional package that is not installed

Messages name the value, the limit and the next step. A caller that knows which file it was about adds
the path with `at`; the command line prints `waldo: PATH: reason` from the two parts.
"""

from __future__ import annotations

from typing import Self


class WaldoError(Exception):
    """Every error that a caller can cause.

    What is raised is one of its kinds, in `waldo_cli.errors`, each of which is a built-in error too:
    `InvalidInputError` (a `ValueError`: an argument, a shape or a number that cannot be used) and below it
    `StackError` (a stack or a stack file); `FileError` (an `OSError`: a file that cannot be read or
    written) and below it `ImageError` (no image that this program opens); `MissingExtraError` (an
    `ImportError`: an optional package is not installed).

    Attributes
    ----------
    reason
        One line: the value, the limit, what to do next.
    path
        The file it is about, where there is one; it then stands before the reason in the message.
    """

    def __init__(self, reason: str, *, path: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return self.reason if self.path is None else f"{self.path}: {self.reason}"

    def __reduce__(self) -> tuple[object, ...]:  # errors cross process borders with their path
        return (_rebuild, (type(self), self.reason, self.path))

    def at(self, path: str) -> Self:
        """Name the file that this error is about, unless it already names one."""
        if self.path is None:
            self.path = path
        return self


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

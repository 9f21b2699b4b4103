"""Where names and bytes come from: lists of names, standard input, URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import FileIO

from waldo_cli.errors import FileError, InvalidInputError, MissingExtraError
from waldo_cli.files import reason

STDIN = "-"

_LONGEST_NAME = 1 << 20


def listed(source: str, *, null: bool = False) -> Iterator[str]:
    r"""Names from a list, each as soon as its line has come.

    Parameters
    ----------
    source
        A file, or ``-`` for standard input.
    null
        Names end in NUL instead of a newline.

    Raises
    ------
    FileError
        The list cannot be read.
    InvalidInputError
        A megabyte without an end of line: this is no list of names.
    """
    end = b"\0" if null else b"\n"
    rest = b""
    try:
        with _unbuffered(source) as file:
            while chunk := file.read(1 << 16):
                *names, rest = (rest + chunk).split(end)
                yield from filter(None, (_name(n, null) for n in names))
                if len(rest) > _LONGEST_NAME:
                    raise InvalidInputError(
                        "a megabyte without an end of line: this is no list of names", path=source
                    )
            if last := _name(rest, null):
                yield last
    except OSError as e:
        raise FileError(f"cannot read the list: {reason(e)}", path=source) from e


def _name(raw: bytes, null: bool) -> str:
    name = os.fsdecode(raw if null else raw.removesuffix(b"\r"))
    return "./-" if name == STDIN else name  # in a list, a file of that name


def is_url(path: str) -> bool:
    """True for ``scheme://...``; a single letter is no scheme."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def read_stdin(max_pixels: int | None = None) -> bytes:
    """All of standard input, or one byte more than an image may have.

    Parameters
    ----------
    max_pixels
        As for `load_image`.

    Raises
    ------
    FileError
        It is closed or cannot be read.
    """
    from waldo_cli.images.decode import most_bytes

    parts: list[bytes] = []
    left = most_bytes(max_pixels) + 1
    try:
        with _unbuffered(STDIN) as file:
            while left and (part := file.read(min(left, 1 << 24))):
                parts.append(part)
                left -= len(part)
    except OSError as e:
        raise FileError(f"cannot read: {reason(e)}") from None
    return b"".join(parts)


def _unbuffered(source: str) -> FileIO:
    """A file, or standard input for ``-``.

    A buffered reader would hold lines back, and its lock would stay taken by the thread that waits in
    it when the program ends.
    """
    return open(0 if source == STDIN else source, "rb", buffering=0, closefd=source != STDIN)


def fetch(url: str, max_pixels: int | None = None) -> bytes:
    """What lies at a URL that fsspec knows, or one byte more of it than an image may have.

    Parameters
    ----------
    url
        Where.
    max_pixels
        As for `load_image`.

    Raises
    ------
    MissingExtraError
        fsspec is not installed.
    FileError
        It cannot be read.
    """
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(
            "URLs need fsspec: pip install 'waldo-cli[dask]', or fetch the image first"
        ) from None
    from waldo_cli.images.decode import most_bytes

    try:
        with fsspec.open(url, "rb") as file:
            data: bytes = file.read(most_bytes(max_pixels) + 1)
    except Exception as e:  # noqa: BLE001 - each kind of storage raises errors of its own
        first = str(e).splitlines()[0] if str(e) else ""
        raise FileError(f"cannot read: {type(e).__name__}: {first}") from None
    return data

"""Inputs that are not plain files: lists of names, standard input, URLs.

`read_names` reads names from a list. `read_pictures` and `fetch` return the bytes of images, of each at most
one byte more than an image file may have: enough for the decoder to see that it is too large, and to refuse
it.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from io import FileIO

from waldo_cli.errors import FileError, InvalidInputError, MissingExtraError
from waldo_cli.files import reason
from waldo_cli.inputs.stream import pictures

STDIN = "-"  # the name that stands for standard input

_MAX_NAME_BYTES = 1 << 20  # no real path is that long, so longer input is not a list of names


def read_names(source: str, *, null: bool = False) -> Iterator[str]:
    r"""Give the names of a list, each one as soon as its line is complete.

    The list may be a pipe that stays open: no name waits for the next one. Empty lines are skipped. It is
    in UTF-8, or in UTF-16 or UTF-32 if it begins with the byte order mark of that, as Windows writes lists.

    Parameters
    ----------
    source
        A file, or ``-`` for standard input.
    null
        Each name ends with a NUL byte instead of a newline, as ``find -print0`` writes them.

    Raises
    ------
    FileError
        The list cannot be read.
    InvalidInputError
        There is a megabyte without an end of line, or a NUL byte in a line, so it is not a list of names.
    """
    separator = b"\0" if null else b"\n"
    incomplete = b""  # beginning of a name whose end has not arrived yet
    try:
        with _unbuffered(source) as file:
            for chunk in _as_utf8(file, source):
                *names, incomplete = (incomplete + chunk).split(separator)
                yield from filter(None, (_name(n, null, source) for n in names))
                if len(incomplete) > _MAX_NAME_BYTES:
                    raise InvalidInputError(
                        "a megabyte without an end of line: this is no list of names", path=source
                    )
            if last := _name(incomplete, null, source):  # the last line may lack its newline
                yield last
    except OSError as e:
        raise FileError(f"cannot read the list: {reason(e)}", path=source) from e


# Byte order marks, and the encodings that they stand for. That of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _as_utf8(file: FileIO, source: str) -> Iterator[bytes]:
    """Give the chunks of a list as they arrive, without its byte order mark, in UTF-8."""
    head = b""
    # Wait for more only if what has arrived may be the beginning of a mark.
    while any(mark.startswith(head) and mark != head for mark, _ in _MARKS):
        chunk = file.read(1 << 16)
        head += chunk
        if not chunk:
            break
    encoding = ""
    for mark, name in _MARKS:
        if head.startswith(mark):
            head, encoding = head[len(mark) :], name
            break
    if encoding in ("", "utf-8"):  # names need not be valid UTF-8
        yield head
        while chunk := file.read(1 << 16):
            yield chunk
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(head).encode()
        while chunk := file.read(1 << 16):
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise InvalidInputError(
            f"damaged text: it begins as {encoding.upper()}", path=source
        ) from None


def _name(raw: bytes, null: bool, source: str) -> str:
    if not null and b"\0" in raw:
        raise InvalidInputError(
            "NUL bytes in a line: a list of `find -print0` needs -0, one in UTF-16 its byte order mark",
            path=source,
        )
    name = os.fsdecode(raw if null else raw.removesuffix(b"\r"))
    return "./-" if name == STDIN else name  # in a list, "-" is a file of that name, not stdin


def is_url(path: str) -> bool:
    """Return whether `path` is ``scheme://...``; one letter, such as a drive's, is not a scheme."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def read_pictures(max_pixels: int | None = None) -> Iterator[tuple[bytes, bool]]:
    """Give the bytes of each picture on standard input, and whether another one follows; see `pictures`.

    Parameters
    ----------
    max_pixels
        As for `load_image`; it also decides how many bytes are allowed.

    Raises
    ------
    FileError
        Standard input is closed or cannot be read.
    """
    from waldo_cli.images.decode import max_file_bytes

    try:
        with _unbuffered(STDIN) as file:
            yield from pictures(file.read, max_file_bytes(max_pixels))
    except OSError as e:
        raise FileError(f"cannot read: {reason(e)}") from None


def _unbuffered(source: str) -> FileIO:
    """Open a file, or standard input for ``-``, without a buffer.

    A buffered reader would wait until its buffer is full before it gives a line. It also has a lock, which
    a thread that waits for input would still hold when the program exits.
    """
    return open(0 if source == STDIN else source, "rb", buffering=0, closefd=source != STDIN)


def fetch(url: str, max_pixels: int | None = None) -> bytes:
    """Return all bytes at a URL, or the first ones if there are more than an image may have.

    Parameters
    ----------
    url
        Any URL that fsspec can open.
    max_pixels
        As for `load_image`; it also decides how many bytes are allowed.

    Raises
    ------
    MissingExtraError
        fsspec is not installed, or what it needs for this kind of URL.
    FileError
        The URL cannot be read.
    """
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(
            "URLs need fsspec: pip install 'waldo-cli[dask]', or fetch the image first"
        ) from None
    from waldo_cli.images.decode import max_file_bytes

    try:
        with fsspec.open(url, "rb") as file:
            data: bytes = file.read(max_file_bytes(max_pixels) + 1)
    except Exception as e:  # noqa: BLE001 - each kind of storage raises its own exceptions
        first_line = str(e).splitlines()[0] if str(e) else ""
        if isinstance(e, ImportError):  # fsspec leaves each kind of storage to a package of its own
            raise MissingExtraError(f"{first_line}; or fetch the image first", path=url) from None
        raise FileError(f"cannot read: {type(e).__name__}: {first_line}") from None
    return data

"""Which images, and where the files made from each go.

Folders are walked in the order of their names, so that the same tree always gives the same sequence;
hidden entries, links to folders and what this program has written are left out.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from io import FileIO

from waldo_cli.errors import FileError, InvalidInputError, MissingExtraError

STDIN = "-"

#: File name endings, in lower case, that make a file in a folder an image.
EXTENSIONS = frozenset(
    {"apng", "bmp", "dib", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"}
)

HEATMAP = ".heatmap.png"
ACTIVATIONS = ".activations.npy"

_LONGEST_NAME = 1 << 20


# No __dict__: all names of a folder are held while it is looked through.
@dataclass(frozen=True, slots=True)
class Item:
    """One image to look at.

    Attributes
    ----------
    path
        As the user, the folder or the list gave it, undecodable bytes as surrogates; ``-`` is
        standard input.
    output
        Path without ending of the files made from it.
    problem
        Why it cannot be looked at, where that is known beforehand.
    data
        The image itself, where it is not read from `path`.
    """

    path: str
    output: str
    problem: str | None = None
    data: bytes | None = None


def expand(
    paths: Iterable[str],
    out: str,
    *,
    recursive: bool = False,
    extensions: Collection[str] = EXTENSIONS,
) -> Iterator[Item]:
    """The images that `paths` name, folders replaced by what is in them.

    Below `out` the tree of a folder is kept; a file named by itself goes there by its stem.

    Parameters
    ----------
    paths
        Files, folders, URLs or ``-``.
    out
        Folder for the outputs.
    recursive
        Go down into the folders of folders.
    extensions
        What makes a file in a folder an image; a file named by itself is always one.
    """
    for path in paths:
        if _is_own_output(path):
            continue
        if path == STDIN:
            yield Item(path, _join(out, "stdin"))
        elif os.path.isdir(path):
            yield from _walk(path, out, recursive, extensions)
        else:
            yield Item(path, _join(out, stem(path)))


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
        raise FileError(
            f"cannot read the list: {(e.strerror or str(e)).lower()}", path=source
        ) from e


def _name(raw: bytes, null: bool) -> str:
    name = os.fsdecode(raw if null else raw.removesuffix(b"\r"))
    return "./-" if name == STDIN else name  # in a list, a file of that name


def refuse_collisions(items: Iterable[Item], taken: dict[str, str]) -> list[Item]:
    """The items, each with an output of its own, which nothing else has `taken`.

    Raises
    ------
    InvalidInputError
        Two of them would write the same files.
    """
    checked = []
    for item in mark_collisions(items, taken):
        if item.problem is not None and item.output:
            raise InvalidInputError(f"{item.problem}; nothing was done", path=item.path)
        checked.append(item)
    return checked


def mark_collisions(items: Iterable[Item], taken: dict[str, str]) -> Iterator[Item]:
    """The items as they come; one whose output another has `taken` gets that as its problem."""
    for item in items:
        first = taken.setdefault(os.path.normpath(item.output), item.path) if item.output else None
        if first is None or first is item.path:
            yield item
        else:
            yield replace(
                item,
                problem=f"would write the same files as {first}, {item.output}.*:"
                " give them apart, each with its own --out, or use --no-heatmap",
            )


def in_shard(path: str, number: int, of: int) -> bool:
    """Whether shard `number` (from 1) `of` so many has this path; the same on every machine."""
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") % of == number - 1


def is_url(path: str) -> bool:
    """True for ``scheme://...``; a single letter is no scheme."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def stem(path: str) -> str:
    """File name without folder and ending."""
    return os.path.splitext(os.path.basename(path))[0] or "image"


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
    from waldo_cli.images import most_bytes

    parts: list[bytes] = []
    left = most_bytes(max_pixels) + 1
    try:
        with _unbuffered(STDIN) as file:
            while left and (part := file.read(min(left, 1 << 24))):
                parts.append(part)
                left -= len(part)
    except OSError as e:
        raise FileError(f"cannot read: {(e.strerror or str(e)).lower()}") from None
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
    from waldo_cli.images import most_bytes

    try:
        with fsspec.open(url, "rb") as file:
            data: bytes = file.read(most_bytes(max_pixels) + 1)
    except Exception as e:  # noqa: BLE001 - each kind of storage raises errors of its own
        reason = str(e).splitlines()[0] if str(e) else ""
        raise FileError(f"cannot read: {type(e).__name__}: {reason}") from None
    return data


def _walk(root: str, out: str, recursive: bool, extensions: Collection[str]) -> Iterator[Item]:
    pending = [_entries(root)]  # a list, not recursion: trees may be deeper than Python's stack
    where = [""]
    while pending:
        entry = next(pending[-1], None)
        if entry is None:
            pending.pop()
            where.pop()
        elif isinstance(entry, Item):
            yield entry
        elif entry.name.startswith("."):
            continue
        elif entry.is_dir(follow_symlinks=False):
            if recursive:
                pending.append(_entries(entry.path))
                where.append(_join(where[-1], entry.name))
        elif _is_image(entry, extensions):
            yield Item(entry.path, _join(out, where[-1], stem(entry.name)))


def _entries(folder: str) -> Iterator[os.DirEntry[str] | Item]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda e: e.name)
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        yield Item(folder, "", problem=f"cannot read this folder: {reason}")


def _is_image(entry: os.DirEntry[str], extensions: Collection[str]) -> bool:
    ending = os.path.splitext(entry.name)[1].lower().removeprefix(".")
    if ending not in extensions or _is_own_output(entry.name):
        return False
    # A link to nowhere is looked at, and told as an error; devices, pipes and sockets, and links to
    # folders, are not.
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))


def _is_own_output(path: str) -> bool:
    return path.endswith((HEATMAP, ACTIVATIONS))


def _join(*parts: str) -> str:
    return os.path.join(*parts).removeprefix("./")

"""Which images are examined, and where the output files of each one go.

`expand` turns the names that the user gave into a sequence of `Item`. `refuse_collisions` and
`mark_collisions` find items whose output files would overwrite each other. `in_shard` splits the items
over several machines.

A folder's entries are sorted by name, so that the same tree always gives the same sequence. Hidden entries,
links to folders and the output files of this program are skipped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from waldo_cli.errors import InvalidInputError
from waldo_cli.files import reason
from waldo_cli.inputs.sources import STDIN

#: A file in a folder counts as an image if its name ends in one of these, in upper or lower case.
EXTENSIONS = frozenset(
    {"apng", "bmp", "dib", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"}
)

# Endings of the output files; the part before them is `Item.output`.
HEATMAP = ".heatmap.png"
ACTIVATIONS = ".activations.npy"


# `slots` saves memory: there may be very many items at a time.
@dataclass(frozen=True, slots=True)
class Item:
    """One image to examine.

    Attributes
    ----------
    path
        The path exactly as the user, the folder or the list gave it; ``-`` is standard input. Bytes that
        are not UTF-8 are surrogates, as `os.fsdecode` makes them.
    output
        Path of its output files, without their endings. Empty if there will be none.
    problem
        Why it cannot be examined, if that is already known.
    data
        The bytes of the image, if it is not read from `path`.
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
    """Give an item for each image that `paths` name; a folder stands for the images in it.

    The outputs of a folder's images keep its tree of folders below `out`. The outputs of a file that is
    named itself go directly into `out`.

    Parameters
    ----------
    paths
        Files, folders, URLs or ``-``.
    out
        Folder for the outputs.
    recursive
        Also search the folders inside a folder.
    extensions
        File name endings, in lower case and without the dot, of the images in a folder. A file that is
        named itself is always taken as an image.
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


def refuse_collisions(items: Iterable[Item], taken: dict[str, str]) -> list[Item]:
    """Return the items as a list, if no two of them would write the same output files.

    Parameters
    ----------
    items
        Read to the end before anything is examined.
    taken
        Output -> path of the item that writes it. The outputs of `items` are added.

    Raises
    ------
    InvalidInputError
        Two items would write the same files.
    """
    checked = []
    for item in mark_collisions(items, taken):
        if item.problem is not None and item.output:
            raise InvalidInputError(f"{item.problem}; nothing was done", path=item.path)
        checked.append(item)
    return checked


def mark_collisions(items: Iterable[Item], taken: dict[str, str]) -> Iterator[Item]:
    """Give the items one by one; an item whose output is already in `taken` gets that as its problem.

    For a stream, whose end is not known: items that are already examined cannot be refused any more.
    """
    for item in items:
        output = os.path.normpath(item.output) if item.output else None
        if output is None or output not in taken:
            if output is not None:
                taken[output] = item.path
            yield item
        else:  # also where the same path is given twice: the second would overwrite the files of the first
            yield replace(
                item,
                problem=f"would write the same files as {taken[output]}, {item.output}.*:"
                " give them apart, each with its own --out, or use --no-heatmap",
            )


def in_shard(path: str, number: int, of: int) -> bool:
    """Return whether `path` belongs to shard `number`, 1 to `of`, of the `of` shards.

    A hash of the path decides, so that all machines agree without talking to each other.
    """
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") % of == number - 1


def stem(path: str) -> str:
    """Return the file name without folder and ending; `image` if nothing is left, as for a URL's root."""
    return os.path.splitext(os.path.basename(path))[0] or "image"


def _walk(root: str, out: str, recursive: bool, extensions: Collection[str]) -> Iterator[Item]:
    """Give the images of a folder, depth first."""
    # The folders that are open, from `root` to the innermost: what is left of their entries, and their
    # paths below `root`. Lists, not recursion: a tree may be deeper than Python's recursion limit.
    pending = [_entries(root)]
    subfolders = [""]
    while pending:
        entry = next(pending[-1], None)
        if entry is None:  # this folder is done: back to its parent
            pending.pop()
            subfolders.pop()
        elif isinstance(entry, Item):
            yield entry
        elif entry.name.startswith("."):
            continue
        elif entry.is_dir(follow_symlinks=False):
            if recursive:
                pending.append(_entries(entry.path))
                subfolders.append(_join(subfolders[-1], entry.name))
        elif _is_image(entry, extensions):
            yield Item(entry.path, _join(out, subfolders[-1], stem(entry.name)))


def _entries(folder: str) -> Iterator[os.DirEntry[str] | Item]:
    """Give the entries of a folder by name; if it cannot be read, an item with that problem."""
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda e: e.name)
    except OSError as e:
        yield Item(folder, "", problem=f"cannot read this folder: {reason(e)}")


def _is_image(entry: os.DirEntry[str], extensions: Collection[str]) -> bool:
    ending = os.path.splitext(entry.name)[1].lower().removeprefix(".")
    if ending not in extensions or _is_own_output(entry.name):
        return False
    # Also a link to a missing file: opening it gives an error that the user should see. Not devices, pipes,
    # sockets, and links to folders.
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))


def _is_own_output(path: str) -> bool:
    return path.endswith((HEATMAP, ACTIVATIONS))


def _join(*parts: str) -> str:
    """Join parts of an output path; below the current folder it does not begin with ``./``."""
    return os.path.join(*parts).removeprefix("./")

"""Which files are images: the names that the user gave, and what is in the folders among them.

A folder's entries are sorted by name, so that the same tree always gives the same sequence. Hidden entries,
links to folders and the output files of this program are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from waldo_cli.files import reason
from waldo_cli.inputs.items import ACTIVATIONS, HEATMAP, Item, stem
from waldo_cli.inputs.sources import STDIN

#: A file in a folder counts as an image if its name ends in one of these, in upper or lower case.
EXTENSIONS = frozenset(
    {"apng", "bmp", "dib", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"}
)


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
    # Also a link that leads nowhere: opening it gives an error that the user should see. Not devices, pipes,
    # sockets, and links to folders.
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        # A link in a circle, through a file, to a name too long or into a forbidden folder.
        return True


def _is_own_output(path: str) -> bool:
    return path.endswith((HEATMAP, ACTIVATIONS))


def _join(*parts: str) -> str:
    """Join parts of an output path; below the current folder it does not begin with ``./``."""
    return os.path.join(*parts).removeprefix("./")

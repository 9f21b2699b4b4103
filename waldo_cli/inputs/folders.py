"""Which files are images: the names that the user gave, and what is in the folders among them.

A folder's entries are sorted by name, so that the same tree always gives the same sequence. Hidden entries
and the output files of this program are skipped. What else is skipped, such as files of other kinds and
links to folders, is counted.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.util import find_spec

from waldo_cli.files import NPY_MARK, PNG_MARK, has_mark, reason
from waldo_cli.images.pages import PICTURES
from waldo_cli.inputs.items import ACTIVATIONS, ANNOTATED, HEATMAP, Item, join, stem
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.sources import STDIN

#: A file in a folder counts as an image if its name ends in one of these, in upper or lower case. Not zip:
#: most archives hold something else.
EXTENSIONS = PICTURES | {"cbz", "pdf"}

# Of these, the ones that need an optional package: the extra that installs it, and its module.
_EXTRAS = {
    **dict.fromkeys(("heic", "heif", "hif"), ("heif", "pillow_heif")),
    "jxl": ("jxl", "pillow_jxl"),
    "pdf": ("pdf", "pypdfium2"),
}


def expand(
    paths: Iterable[str],
    out: str,
    *,
    recursive: bool = False,
    extensions: Collection[str] = EXTENSIONS,
    left_out: LeftOut | None = None,
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
    left_out
        Counts what is in the folders and is no image. Other endings than the default are a choice of the
        user: then files with endings that were not asked for are not counted.
    """
    for path in paths:
        if _is_own_output(path):
            continue
        if path == STDIN:
            yield Item(path, join(out, "stdin"))
        elif os.path.isdir(path):
            yield from _walk(path, out, recursive, extensions, left_out or LeftOut())
        else:
            yield Item(path, join(out, stem(path)))


def _walk(
    root: str, out: str, recursive: bool, extensions: Collection[str], left_out: LeftOut
) -> Iterator[Item]:
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
                subfolders.append(join(subfolders[-1], entry.name))
            else:
                left_out.add_folder()
        elif _is_own_output(entry.path):
            continue
        elif _is_image(entry, extensions, left_out):
            yield Item(entry.path, join(out, subfolders[-1], stem(entry.name)))


def _entries(folder: str) -> Iterator[os.DirEntry[str] | Item]:
    """Give the entries of a folder by name; if it cannot be read, an item with that problem."""
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda e: e.name)
    except OSError as e:
        yield Item(folder, "", problem=f"cannot read this folder: {reason(e)}")


def _is_image(entry: os.DirEntry[str], extensions: Collection[str], left_out: LeftOut) -> bool:
    """Return whether an entry that is no folder is an image; count it if it is not."""
    ending = os.path.splitext(entry.name)[1].lower().removeprefix(".")
    if ending not in extensions:
        if extensions == EXTENSIONS:
            left_out.add_file(entry.name, "name it to look into it" if ending == "zip" else "")
        return False
    # Also a link that leads nowhere: opening it gives an error that the user should see. Not devices, pipes,
    # sockets, and links to folders.
    try:
        is_file = entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        # A link in a circle, through a file, to a name too long or into a forbidden folder.
        return True
    if not is_file:
        left_out.add_file(entry.name, "no regular file")
    elif ending in _EXTRAS and not _is_installed(_EXTRAS[ending][1]):
        left_out.add_file(entry.name, f"pip install 'waldo-cli[{_EXTRAS[ending][0]}]'")
        return False
    return is_file


@cache
def _is_installed(module: str) -> bool:
    return find_spec(module) is not None


def _is_own_output(path: str) -> bool:
    """Return whether this program has written the file: by its name, and by the mark in it."""
    return (path.endswith((HEATMAP, ANNOTATED)) and has_mark(path, PNG_MARK)) or (
        path.endswith(ACTIVATIONS) and has_mark(path, NPY_MARK)
    )

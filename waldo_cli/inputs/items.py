"""Which images, and where the files made from each go.

Folders are walked in the order of their names, so that the same tree always gives the same sequence;
hidden entries, links to folders and what this program has written are left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from waldo_cli.errors import InvalidInputError
from waldo_cli.files import reason
from waldo_cli.inputs.sources import STDIN

#: File name endings, in lower case, that make a file in a folder an image.
EXTENSIONS = frozenset(
    {"apng", "bmp", "dib", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"}
)

HEATMAP = ".heatmap.png"
ACTIVATIONS = ".activations.npy"


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


def stem(path: str) -> str:
    """File name without folder and ending."""
    return os.path.splitext(os.path.basename(path))[0] or "image"


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
        yield Item(folder, "", problem=f"cannot read this folder: {reason(e)}")


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

"""One image to examine, and where its output files go.

`Outputs` keeps images from writing over each other's files. `in_shard` splits the items over several
machines.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

# Endings of the output files; the part before them is `Item.output`.
HEATMAP = ".heatmap.png"
ANNOTATED = ".annotated.png"
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
    page
        Which picture of a file of several, counted from 1; None for a file of one picture.
    alone
        `data` is the page alone, not the file that it is a page of.
    """

    path: str
    output: str
    problem: str | None = None
    data: bytes | None = None
    page: int | None = None
    alone: bool = False


class Outputs:
    """Gives every image output files of its own.

    An image whose files would have the names of another image's gets them into the folders of its own path,
    below the folder for outputs: of ``a/shot.png`` and ``b/shot.png`` they are ``a/shot.*`` and
    ``b/shot.*``. Images of one folder keep their ending: ``shot.jpg.*`` and ``shot.png.*``. An image that is
    named twice is one image: it writes the same files again.

    Parameters
    ----------
    out
        Folder for the outputs.
    reserved
        A name, without ending, that no image's files may have in any folder; empty for none.
    """

    def __init__(self, out: str, reserved: str = "") -> None:
        self._out, self._reserved = out, reserved
        self._taken: dict[str, str] = {}  # output -> path of the image that writes it

    def of_all(self, items: Iterable[Item]) -> list[Item]:
        """Return the items with outputs of their own; images of one name are all treated alike."""
        items = list(items)
        first: dict[str, str] = {}  # output -> the first path that wants it
        rivals: dict[str, set[str]] = {}  # output -> all paths that want it, if they are several
        for item in items:
            output, path = os.path.normpath(item.output), os.path.normpath(item.path)
            if item.output and first.setdefault(output, path) != path:
                rivals.setdefault(output, {first[output]}).add(path)
        return [self._placed(i, rivals.get(os.path.normpath(i.output), ())) for i in items]

    def of_each(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of a stream, whose end is not known: the first image of a name keeps it."""
        return (self._placed(item) for item in items)

    def _placed(self, item: Item, rivals: Collection[str] = ()) -> Item:
        if not item.output:
            return item
        path, wanted = os.path.normpath(item.path), os.path.normpath(item.output)
        others = {*rivals, self._taken.get(wanted, path)} - {path}
        if not others and not self._is_reserved(wanted):
            self._taken[wanted] = path
            return item
        for output in self._apart(item, others):
            if self._is_reserved(output):
                continue
            if self._taken.setdefault(os.path.normpath(output), path) == path:
                break
        return replace(item, output=output)

    def _is_reserved(self, output: str) -> bool:
        return bool(self._reserved) and os.path.basename(output) == self._reserved

    def _apart(self, item: Item, others: Collection[str]) -> Iterator[str]:
        """Give paths, without an end, for the outputs of an image whose own are wanted by others, too."""
        folder, name = os.path.split(os.path.normpath(item.path))
        page = "" if item.page is None else f".page-{item.page}"
        _, _, place = folder.rpartition(":/")  # of a URL: its host and path
        folders = [f for f in place.split("/") if f not in ("", ".", "..")]
        if all(os.path.dirname(other) != folder for other in others):
            yield join(self._out, *folders, stem(item.path) + page)
        yield join(os.path.dirname(item.output), name + page)
        yield join(self._out, *folders, name + page)
        yield from (join(self._out, *folders, f"{name}-{n}{page}") for n in count(2))


def in_shard(path: str, number: int, of: int, page: int | None = None) -> bool:
    """Return whether `path`, or a page of it, belongs to shard `number`, 1 to `of`, of the `of` shards.

    A hash of path and page decides, so that all machines agree without talking to each other.
    """
    suffix = b"" if page is None else b"\0%d" % page
    digest = hashlib.sha256(os.fsencode(path) + suffix).digest()
    return int.from_bytes(digest[:8], "big") % of == number - 1


def join(*parts: str) -> str:
    """Join parts of an output path; below the current folder it does not begin with ``./``."""
    return os.path.join(*parts).removeprefix("./")


def stem(path: str) -> str:
    """Return the file name without folder and ending; `image` if nothing is left, as for a URL's root."""
    return os.path.splitext(os.path.basename(path))[0] or "image"

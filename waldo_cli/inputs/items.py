"""One image to examine, and where its output files go.

`refuse_collisions` and `mark_collisions` find items whose output files would overwrite each other.
`in_shard` splits the items over several machines.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from waldo_cli.errors import InvalidInputError

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

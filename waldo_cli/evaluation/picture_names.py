"""Find the pictures that a truth names: tools write names relative to many folders, and in many spellings."""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from waldo_cli.inputs.folders import expand


def parts_of(name: str) -> tuple[str, ...]:
    r"""Return the folders and the file of a name: slashes or backslashes, no drive, no ``.`` or ``..``."""
    parts = re.split(r"[/\\]", name)
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        parts = parts[1:]
    return tuple(p for p in parts if p not in ("", ".", ".."))


class Pictures:
    """The pictures in a folder and in the folders below it, by the names that a truth may give them.

    A name is tried as it is, relative to the folder. Then its last parts are: `photos/a/p.png`, `a/p.png`,
    `p.png`, the longest first; upper and lower case, and the two ways to write an accent, are the same.

    Parameters
    ----------
    folder
        The folder of the pictures. It is not read before a name is not found as it is.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find(self, names: Sequence[str], stem: str = "") -> str | None:
        """Return the path of a picture, or None.

        Parameters
        ----------
        names
            Names with an ending.
        stem
            A name without its ending, tried last. A folder ``labels`` in it stands for ``images``, too.
        """
        for name in names:
            path = os.path.join(self._folder, name)
            if _is_file(path):
                return path
        spelled = {parts_of(n) for name in names for n in (name, unquote(name))}
        for tail in _tails(spelled):
            found = self._by_name.get(_key(tail), [])
            if len(found) == 1:
                return found[0]
        return self._by_its_stem(stem) if stem else None

    def _by_its_stem(self, stem: str) -> str | None:
        parts = parts_of(stem)
        as_images = tuple("images" if p == "labels" else p for p in parts)
        for tail in _tails({as_images, parts}):
            found = self._by_stem.get(_key(tail), [])
            if len(found) == 1:
                return found[0]
        return None

    @functools.cached_property
    def _paths(self) -> list[str]:
        items = expand([self._folder], "", recursive=True)
        return [item.path for item in items if item.problem is None]

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._indexed(self._paths)

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return self._indexed(self._paths, stems=True)

    def _indexed(self, paths: Iterable[str], *, stems: bool = False) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for path in paths:
            name = os.path.relpath(path, self._folder)
            name = os.path.splitext(name)[0] if stems else name
            index.setdefault(_key(tuple(name.split(os.sep))), []).append(path)
        return index


def agreement(name: str, path: str) -> int:
    """Return how many of the last parts of a name are those of a path."""
    pairs = zip(reversed(parts_of(name)), reversed(parts_of(os.path.abspath(path))), strict=False)
    count = 0
    for own, there in pairs:
        if _key((own,)) != _key((there,)):
            break
        count += 1
    return count


def _tails(names: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the last parts of all names, the longest first."""
    tails = {parts[n:] for parts in names for n in range(len(parts))}
    return iter(sorted(tails, key=lambda tail: (-len(tail), tail)))


def _key(parts: tuple[str, ...]) -> str:
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a NUL in the name
        return False

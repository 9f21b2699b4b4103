"""Find the pictures that a truth names: tools write names relative to many folders, and in many spellings."""

from __future__ import annotations

import functools
import itertools
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from waldo_cli.inputs.folders import expand


def parts_of(name: str) -> tuple[str, ...]:
    r"""Return the folders and the file of a name: slashes or backslashes, no drive, no ``.`` or ``..``."""
    parts = re.split(r"[/\\]", name)
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        parts = parts[1:]
    return tuple(p for p in parts if p not in ("", ".", ".."))


class Pictures:
    """The pictures in a folder and in the folders below it, by the names that a truth may give them.

    A name is tried as it is, relative to the folder. Then the pictures of this name count, wherever in the
    folder they lie: the one whose path ends as the name does (of ``x/a/p.png`` first ``a/p.png``), and of
    several the one that lies highest. Upper and lower case are the same, as are the two ways to write an
    accent. Where no picture has the name, the one without the digits of Label Studio's uploads counts.

    Parameters
    ----------
    folder
        The folder of the pictures. It is not read before a name is not found as it is.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def candidates(self, names: Sequence[str], stem: str = "") -> list[str]:
        """Return the paths of the pictures that may be meant: more than one where the names do not tell.

        Parameters
        ----------
        names
            Names with an ending.
        stem
            A name without its ending, or one that has it still, tried last. A folder ``labels`` in it stands
            for ``images``, too.
        """
        for name in names:
            path = os.path.join(self._folder, name)
            if _is_file(path):
                return [path]
        found = self._nearest(names, stem)
        plain = [_without_upload(name) for name in (*names, stem)]
        if not found and plain != [*names, stem]:
            found = self._nearest(plain[:-1], plain[-1])
        return found

    def _nearest(self, names: Sequence[str], stem: str) -> list[str]:
        spelled = {n for name in names for n in (name, unquote(name), unquote(url_path(name)))}
        found = _nearest(spelled, self._by_name)
        if len(found) != 1 and stem:
            as_images = "/".join("images" if p == "labels" else p for p in parts_of(stem))
            stems = {stem, as_images}
            by_stem = _nearest(stems, self._by_stem, stems=True) or _nearest(stems, self._by_name)
            found = by_stem if len(by_stem) == 1 else found or by_stem
        return found

    @functools.cached_property
    def _paths(self) -> list[str]:
        items = expand([self._folder], "", recursive=True)
        return [item.path for item in items if item.problem is None]

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _indexed((path, path) for path in self._paths)

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _indexed((os.path.splitext(path)[0], path) for path in self._paths)


# Label Studio puts eight digits before the name of a picture that is uploaded, in all its exports.
_UPLOADED = re.compile(r"(?:^|(?<=[/\\]))[0-9a-f]{8}-(?=[^/\\]+$)")


def _without_upload(name: str) -> str:
    return _UPLOADED.sub("", name)


def url_path(name: str) -> str:
    """Return the path of a name that is a URL, without a query behind it; another name as it is."""
    if "://" not in name:
        return name
    try:
        return urlsplit(name).path
    except ValueError:
        return ""


# How many of the last parts of a path it can be looked up by: enough to leave few that share them all.
_INDEXED_PARTS = 3


def _indexed(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Paths by the last one, two and three parts of their names."""
    index: dict[str, list[str]] = {}
    for name, path in named:
        for tail in _tails(os.path.abspath(name)):
            index.setdefault(tail, []).append(path)
    return index


def _tails(name: str) -> list[str]:
    """The last parts of a name, as keys of the index; the most parts first."""
    parts = [_key(part) for part in parts_of(name)[-_INDEXED_PARTS:]]
    return ["/".join(parts[n:]) for n in range(len(parts))]


def _nearest(
    names: Iterable[str], index: dict[str, list[str]], *, stems: bool = False
) -> list[str]:
    """Return the paths that agree most with one of the names."""
    ranked: dict[str, tuple[int, int]] = {}
    for name in names:
        for path in next((index[tail] for tail in _tails(name) if tail in index), []):
            without = os.path.splitext(path)[0] if stems else path
            rank = (agreement(name, without), -path.count(os.sep))
            ranked[path] = max(rank, ranked.get(path, rank))
    best = max(ranked.values(), default=None)
    return sorted(path for path, rank in ranked.items() if rank == best)


def agreement(name: str, path: str) -> int:
    """Return how many of the last parts of a name are those of a path."""
    pairs = zip(reversed(parts_of(name)), reversed(parts_of(os.path.abspath(path))), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: _key(pair[0]) == _key(pair[1]), pairs))


def _key(part: str) -> str:
    return unicodedata.normalize("NFC", part).casefold()


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a NUL in the name
        return False

"""Which pictures are looked for: the values of ``--mask``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from waldo_cli.errors import FileError
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.sources import STDIN, read_pictures


class MaskSource(NamedTuple):
    """A picture to look for, before it is opened.

    Attributes
    ----------
    label
        What its finds are called.
    path
        Of its file, for error messages, too; ``-`` for standard input.
    data
        Its bytes where it came from standard input, else None.
    """

    label: str
    path: str
    data: bytes | None = None


def mask_sources(values: Iterable[str]) -> tuple[MaskSource, ...]:
    """What ``--mask`` names: ``FILE``, ``LABEL=FILE``, a folder (the pictures in it), or ``-``.

    A file's label is its name without the ending, that of standard input ``stdin``, unless one is given;
    pictures of one label are pictures of one thing. A file whose own name holds a ``=`` is taken as it is.

    Raises
    ------
    FileError
        It names no file, a folder has no picture in it, or standard input is named twice.
    """
    found: list[MaskSource] = []
    for value in values:
        label, equals, path = value.partition("=")
        if not equals or not label or os.sep in label or os.path.exists(value):
            label, path = "", value
        if not path:
            raise FileError("names no file", path=value)
        if path == STDIN:
            if any(source.path == STDIN for source in found):
                raise FileError("standard input can be read only once", path=STDIN)
            found.append(MaskSource(label or "stdin", path, next(read_pictures())[0]))
            continue
        paths = [path]
        if os.path.isdir(path):
            paths = [item.path for item in expand([path], "")]
            if not paths:
                raise FileError("no picture in this folder to look for", path=path)
        found += [MaskSource(label or label_of(name), name) for name in paths]
    return tuple(found)


def label_of(path: str) -> str:
    """The label of a picture: the name of its file, without the ending."""
    name = os.path.splitext(os.path.basename(path))[0]
    # A file name may hold bytes that are not UTF-8; a label is text.
    return os.fsencode(name).decode("utf-8", "replace") or "mask"

"""Which pictures are looked for: the values of ``--mask``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.images.pages import contents, single
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.sources import STDIN, read_pictures

# Of a file of several pictures, so many pages may be looked for, of so many bytes together.
_MOST_PAGES, _MOST_BYTES = 100, 1 << 28


class MaskSource(NamedTuple):
    """A picture to look for, before it is opened.

    Attributes
    ----------
    label
        What its finds are called.
    path
        Of its file, for error messages, too; ``-`` for standard input.
    data
        Its bytes where it came from standard input or is a page of a file, else None.
    """

    label: str
    path: str
    data: bytes | None = None


def mask_sources(values: Iterable[str], left_out: LeftOut | None = None) -> tuple[MaskSource, ...]:
    """What ``--mask`` names: ``FILE``, ``LABEL=FILE``, a folder (the pictures in it), or ``-``.

    A file's label is its name without the ending, that of standard input ``stdin``, unless one is given;
    pictures of one label are pictures of one thing, and so are the pages of a file. A file whose own name
    holds a ``=`` is taken as it is.

    Parameters
    ----------
    values
        Of the option.
    left_out
        Counts what is in the folders and is no picture, and what a file holds beside the picture that is
        taken.

    Raises
    ------
    FileError
        It names no file, or one that cannot be read, a folder has no picture in it, or standard input is
        named twice.
    ImageError, MissingExtraError
        A PDF, an archive or a page cannot be opened.
    """
    left_out = left_out or LeftOut(enters=False)
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
            for data, _ in read_pictures():
                found += _pictures_in(path, label or "stdin", left_out, data)
            continue
        paths = [path]
        if os.path.isdir(path):
            paths = [item.path for item in expand([path], "", left_out=left_out)]
            if not paths:
                raise FileError("no picture in this folder to look for", path=path)
        for name in paths:
            found += _pictures_in(name, label or label_of(name), left_out)
    return tuple(found)


def _pictures_in(
    path: str, label: str, left_out: LeftOut, data: bytes | None = None
) -> list[MaskSource]:
    """All pages of a file are pictures of one thing; of an animation the first frame is."""
    source = path if data is None else data
    try:
        file = contents(source)
        for name in file.others:
            left_out.add_file(name)
        left_out.add_sequence(file.frames)
        if file.is_led_by_first:
            left_out.add_further(file.kind, file.count - 1)
        if file.count < 2 or file.is_led_by_first:
            return [MaskSource(label, path, data)]
        pages: list[str | bytes] = []
        while len(pages) < file.count:
            # A file of that page alone.
            pages.append(single(source, len(pages) + 1, _MOST_BYTES, None)[0])
            if len(pages) > _MOST_PAGES or sum(map(len, pages)) > _MOST_BYTES:
                raise InvalidInputError(
                    f"a file of {file.count} pages, too many to look for: at most {_MOST_PAGES}, of"
                    f" {_MOST_BYTES >> 20} MiB"
                )
    except WaldoError as e:
        raise e.at(path) from None
    return [
        MaskSource(label, f"{path}, page {n}", page if isinstance(page, bytes) else None)
        for n, page in enumerate(pages, 1)
    ]


def label_of(path: str) -> str:
    """The label of a picture: the name of its file, without the ending."""
    name = os.path.splitext(os.path.basename(path))[0]
    # A file name may hold bytes that are not UTF-8; a label is text.
    return os.fsencode(name).decode("utf-8", "replace") or "mask"

"""The folder of a training: it is claimed for one training, and nothing of anybody else is overwritten.

`check` says whether a training may go into a folder, without a change to it; when everything is read, `claim`
notes the settings there, and `claimed` takes the note back where nothing was learned. Each file that a
training writes into the folder itself begins with a mark, by which `check` knows it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.files import HTML_MARK, beginning, make_folder, write_atomically

# The mark of JSON files, which is their first key, and that of stack files, their first line.
MADE_BY = {"made_by": "waldo train"}
JSON_MARK = json.dumps(MADE_BY)[1:-1].encode()
TOML_MARK = b"# Made by waldo train"

SETTINGS = "settings.json"
REPORT = "report.json"
PAGE = "report.html"
LOSSES = "losses.json"

MAX_SETTINGS_BYTES = 1 << 16


def file_name(label: str) -> str:
    """Return the name of the stack that seeks a label, as a name of files."""
    return re.sub(r"[^\w.-]", "-", label).strip(".-")[:60] or "stack"


def check(out: Path, folders: list[str], *, resume: bool) -> None:
    """Refuse a folder that holds another training, or anything else where this one would write.

    Parameters
    ----------
    out
        The folder; it may be missing.
    folders
        Names of the folders in it that the training uses.
    resume
        Whether a training that is there is to be continued.

    Raises
    ------
    InvalidInputError
        It holds a training, and `resume` is false.
    FileError
        It cannot be used; or a file or a folder is in the way that no training has made.
    """
    if os.path.lexists(out) and not os.path.isdir(out):
        raise FileError("cannot train here: this is not a folder", path=str(out))
    noted = beginning(out / SETTINGS, MAX_SETTINGS_BYTES)
    if noted is not None:
        if JSON_MARK not in noted:
            raise _foreign(out / SETTINGS)
        if not resume:
            raise InvalidInputError(
                "holds a training already: resume it, or choose another folder", path=str(out)
            )
    for name in (REPORT, LOSSES):
        _must_be_ours(out / name, JSON_MARK)
    page = beginning(out / PAGE, 1024)
    if page is not None and HTML_MARK not in page:
        raise _foreign(out / PAGE)
    for folder in folders:
        path = out / folder
        if os.path.islink(path) or (os.path.lexists(path) and (noted is None or not path.is_dir())):
            raise _foreign(path)


def check_stack(out: Path, name: str) -> None:
    """Refuse a folder in which somebody else's file has the name of the stack or of its weights.

    Raises
    ------
    FileError
        There is such a file.
    """
    _must_be_ours(out / f"{name}.toml", TOML_MARK)
    # The weights have no mark: they are ours where the stack file beside them is.
    weights, stack = out / f"{name}.npz", out / f"{name}.toml"
    if beginning(weights, 1) is not None and beginning(stack, 1) is None:
        raise _foreign(weights)


def _must_be_ours(path: Path, mark: bytes) -> None:
    content = beginning(path, 1024)
    if content is not None and not content.lstrip(b"{\n ").startswith(mark):
        raise _foreign(path)


@contextlib.contextmanager
def claimed(out: Path, settings: dict[str, Any], folders: Sequence[str]) -> Iterator[None]:
    """`claim` a folder; if what is done within it fails before anything is learned, it is free again."""
    was_there, was_claimed = out.is_dir(), os.path.lexists(out / SETTINGS)
    claim(out, settings)
    try:
        yield
    except BaseException:
        if not was_claimed and not any(any(_files_in(out / folder)) for folder in folders):
            with contextlib.suppress(OSError):
                (out / SETTINGS).unlink()
                for place in [*(out / folder for folder in folders), *([] if was_there else [out])]:
                    if place.is_dir():
                        place.rmdir()
        raise


def _files_in(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def claim(out: Path, settings: dict[str, Any]) -> None:
    """Note in the folder that it belongs to a training with these settings.

    Raises
    ------
    InvalidInputError
        The training in it was begun with others.
    FileError
        It cannot be written to.
    """
    text = (json.dumps(MADE_BY | settings) + "\n").encode()
    noted = beginning(out / SETTINGS, MAX_SETTINGS_BYTES)
    if noted is not None and noted != text:
        raise InvalidInputError("was begun with other settings or pages", path=str(out))
    make_folder(str(out))
    with write_atomically(out / SETTINGS) as file:
        file.write(text)


def _foreign(path: Path) -> FileError:
    return FileError(
        "is there, and this program did not make it: choose another folder", path=str(path)
    )

"""What was not looked at, counted by kind, so that nothing is left out without a word."""

from __future__ import annotations

import os
from collections import Counter

from waldo_cli.files import show

# As many kinds of files are told by name; the rarer ones are told together.
_KINDS = 8
# A longer ending is a part of the name rather than a kind. Files without an ending are of other kinds, too.
_LONGEST_ENDING = 8


class LeftOut:
    """Counts files, folders and pictures inside files that were not looked at; `str` gives one line.

    Parameters
    ----------
    enters
        The command has the options ``-r``, which enters folders inside folders, and ``--pages``, which
        takes further pictures of a file: the line names them.
    """

    def __init__(self, *, enters: bool = True) -> None:
        self._enters = enters
        self._files: Counter[str] = Counter()
        self._folders = 0
        self._frames: list[int] = []
        self._pictures: list[int] = []
        self._sequences: list[int] = []
        self._inner: list[int] = []

    def add_file(self, name: str, hint: str = "") -> None:
        """Count a file by the ending of its name; `hint` says what would make it an image."""
        kind = show(os.path.splitext(name)[1].removeprefix(".").upper())
        if len(kind) > _LONGEST_ENDING:
            kind = ""
        self._files[f"{kind} ({hint})" if kind and hint else kind] += 1

    def add_folder(self) -> None:
        """Count a folder inside a folder."""
        self._folders += 1

    def add_further(self, kind: str, count: int) -> None:
        """Count what is in a file of a kind of `Contents` beside its first picture, which was looked at."""
        counts = self._pictures if kind in ("JPEG", "HEIF") else self._frames
        counts += [count] if count else []

    def add_sequence(self, count: int) -> None:
        """Count the frames of an image sequence (HEIF), which no page number reaches."""
        self._sequences += [count] if count else []

    def add_inner(self, count: int) -> None:
        """Count the pages of a picture that is itself a page, of which the first was looked at."""
        self._inner += [count] if count else []

    def __str__(self) -> str:
        """Return the counts as one line; empty if nothing was left out."""
        parts = []
        if total := self._files.total():
            kinds = [(kind, count) for kind, count in self._files.most_common() if kind][:_KINDS]
            told = [f"{count} {kind}" for kind, count in kinds]
            if rest := total - sum(count for _, count in kinds):
                told.append(f"{rest} of other kinds")
            parts.append(f"{_counted(total, 'file')} not looked at: {', '.join(told)}")
        if self._folders:
            hint = " (-r)" if self._enters else ""
            parts.append(f"{_counted(self._folders, 'folder')} not entered{hint}")
        pages = " (--pages all)" if self._enters else ""
        if self._frames:
            frames, files = sum(self._frames), len(self._frames)
            parts.append(
                f"{_counted(frames, 'frame')} of {_counted(files, 'animation')} not looked at{pages}"
            )
        if self._pictures:
            pictures, files = sum(self._pictures), len(self._pictures)
            parts.append(
                f"{_counted(pictures, 'further picture')} in {_counted(files, 'file')}"
                f" not looked at{pages}"
            )
        if self._sequences:
            frames, files = sum(self._sequences), len(self._sequences)
            parts.append(
                f"{_counted(frames, 'frame')} of {_counted(files, 'image sequence')} not looked at"
                " (ffmpeg makes pictures of them)"
            )
        if self._inner:
            inner, files = sum(self._inner), len(self._inner)
            parts.append(
                f"{_counted(inner, 'picture')} inside {_counted(files, 'other')} not looked at"
            )
        return "; ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

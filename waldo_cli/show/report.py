"""A page that shows what was found in many images: one file, readable without a server or a network."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from waldo_cli.answers.record import Pictures, Record
from waldo_cli.errors import FileError, WaldoError
from waldo_cli.files import reason, show, sweep, write_atomically
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.sources import STDIN, fetch, is_url
from waldo_cli.show.report_entry import entry, state_of
from waldo_cli.show.thumbnails import bytes_of, pictures, smaller

# The page. What was asked, the records and the sum take the places of these marks.
TEMPLATE = Path(__file__).with_name("report.html")
FACTS, ROWS, SUM = "<!--facts-->", "<!--rows-->", "<!--sum-->"

# A page of ten thousand images has at most 60 MB, so that a browser opens it within seconds. Of these, bytes
# of pictures: those of some 1,000 images; then one small picture of each of the next 9,000; then links.
# And bytes of text, until only the best find of each image is listed.
PICTURE_BYTES = 28_000_000
SMALL_PICTURE_BYTES = 15_000_000
TEXT_BYTES = 8_000_000

NONE = Pictures(b"", b"", b"")


class Report:
    """The page, written image by image; it appears whole when the run ends, however it ends.

    Parameters
    ----------
    path
        Of the HTML file.
    left_out
        What is not looked at; told with the sum.
    facts
        What stands at the top: what was looked for, threshold, date and command, each with its name.
    **opening
        How `load_image` opens images, for records whose pictures must be made again.

    Raises
    ------
    FileError
        It cannot be written.
    """

    def __init__(
        self, path: str, left_out: LeftOut, facts: Mapping[str, str], **opening: Any
    ) -> None:
        self._left_out = left_out
        self._opening = opening
        self._path = path
        self._folder = os.path.dirname(os.path.abspath(path))
        self._whole: AbstractContextManager[BinaryIO] = write_atomically(path)
        self._counts = {"found": 0, "nothing": 0, "failed": 0}
        self._room = {"pictures": PICTURE_BYTES, "small": SMALL_PICTURE_BYTES, "text": TEXT_BYTES}
        self._reduced = 0  # images with fewer pictures, since the page is full
        self._failure: FileError | None = None  # why the page cannot be written
        head, _, self._tail = TEMPLATE.read_text(encoding="utf-8").partition(ROWS)
        self._head = head.replace(FACTS, _facts(facts))

    def __enter__(self) -> Self:
        sweep(self._folder)
        self._file = self._whole.__enter__()
        try:
            self._put(self._head)
        except FileError as e:
            self._abandon(e)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._failure is not None:
            raise self._failure
        counts = self._counts
        number = sum(counts.values())
        total = (
            f"{number} image{'s' * (number != 1)}: {counts['found']} with a find,"
            f" {counts['nothing']} without, {counts['failed']} failed"
        )
        if said := str(self._left_out):
            total += f"; {escape(said)}"
        if self._reduced:
            total += (
                f"; the last {self._reduced} with a small picture or none, to keep this page small"
            )
        try:
            self._put(self._tail.replace(SUM, total))
        except FileError as e:
            self._abandon(e)
            raise
        self._whole.__exit__(None, None, None)

    def add(self, record: Record) -> Record:
        """Add an image. A record from an earlier run has no pictures: they are made again from the files."""
        self._counts[state_of(record)] += 1
        small = self._pictures(record)
        name = show(record.path) + ("" if record.page is None else f", page {record.page}")
        row = entry(
            record,
            small,
            self._link(record.path, escape(name), page=record.page),
            lambda html: self._link(record.heatmap, html),
            listed=len(record.detections or ()) if self._room["text"] > 0 else 1,
        )
        self._room["text"] -= len(row) - _size(small)
        if self._failure is None:
            try:
                self._put(row)
            except FileError as e:
                # The other images are still done. Without the page, there is room for their files again.
                self._failure = e
                self._abandon(e)
        return record

    def _abandon(self, error: FileError) -> None:
        """Remove the temporary file. Closing it writes what is left, which fails, too."""
        with contextlib.suppress(FileError):
            self._whole.__exit__(FileError, error, error.__traceback__)

    def _pictures(self, record: Record) -> Pictures:
        """Its pictures, or as much of them as there is room for."""
        kind = next((kind for kind in ("pictures", "small") if self._room[kind] > 0), "none")
        self._reduced += kind != "pictures"
        if kind == "none":
            return NONE
        made = record.pictures or self._remade(record) or NONE
        if kind == "small":
            made = smaller(made)
        self._room[kind] -= _size(made)
        return made

    def _put(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as e:
            raise FileError(f"cannot write: {reason(e)}", path=self._path) from None

    def _link(self, path: str | None, html: str, page: int | None = None) -> str:
        """A piece of HTML that leads to a file, or to its page; as it is where there is no file."""
        if path is None or path == STDIN:
            return html
        if is_url(path):
            return f'<a href="{escape(path)}">{html}</a>' if path.startswith("http") else html
        target = quote(os.fsencode(os.path.relpath(path, self._folder)))
        if page is not None:
            target += f"#page={page}"  # browsers open a PDF there
        return f'<a href="{target}">{html}</a>'

    def _remade(self, record: Record) -> Pictures | None:
        """The pictures of a record from an earlier run; None where the image or its heatmap is gone."""
        if record.detections is None or record.heatmap is None or record.path == STDIN:
            return None
        from waldo_cli.images.load import load_pixels

        try:
            source: str | bytes = record.path
            if is_url(record.path):
                source = fetch(record.path, self._opening["max_pixels"])
            image = load_pixels(source, page=record.page or 1, **self._opening)
            return pictures(image, bytes_of(load_pixels(record.heatmap)), record.detections)
        except WaldoError:
            return None


def _facts(facts: Mapping[str, str]) -> str:
    rows = (f"<dt>{name}</dt><dd>{escape(show(said))}</dd>\n" for name, said in facts.items())
    return f"<dl>\n{''.join(rows)}</dl>"


def _size(pictures: Pictures) -> int:
    """Bytes of pictures in the page, in base64."""
    return (len(pictures.page) + len(pictures.find) + len(pictures.heatmap)) * 4 // 3

"""A page that shows what was found in many images: one file, readable without a server or a network."""

from __future__ import annotations

import contextlib
import os
from base64 import b64encode
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
from waldo_cli.show.thumbnails import bytes_of, pictures

# The page. The records and the sum take the places of these two marks.
TEMPLATE = Path(__file__).with_name("report.html")
ROWS, SUM = "<!--rows-->", "<!--sum-->"

# Of pictures in one page, so that a browser opens it within seconds: those of some 1,300 images. Rows after
# them have links instead.
MAX_PICTURE_BYTES = 45_000_000


class Report:
    """The page, written image by image; it appears whole when the run ends, however it ends.

    Parameters
    ----------
    path
        Of the HTML file.
    left_out
        What is not looked at; told below the table.
    **opening
        How `load_image` opens images, for records whose pictures must be made again.

    Raises
    ------
    FileError
        It cannot be written.
    """

    def __init__(self, path: str, left_out: LeftOut, **opening: Any) -> None:
        self._left_out = left_out
        self._opening = opening
        self._path = path
        self._folder = os.path.dirname(os.path.abspath(path))
        self._whole: AbstractContextManager[BinaryIO] = write_atomically(path)
        self._counts = {"found": 0, "nothing": 0, "failed": 0}
        self._room = MAX_PICTURE_BYTES
        self._without_pictures = 0
        self._failure: FileError | None = None  # why the page cannot be written
        self._head, _, self._tail = TEMPLATE.read_text(encoding="utf-8").partition(ROWS)

    def __enter__(self) -> Self:
        sweep(self._folder)
        self._file = self._whole.__enter__()
        self._put(self._head)
        return self

    def __exit__(self, *_: object) -> None:
        if self._failure is not None:
            raise self._failure
        counts = self._counts
        total = (
            f"{sum(counts.values())} images: {counts['found']} with a find,"
            f" {counts['nothing']} without, {counts['failed']} failed"
        )
        if said := str(self._left_out):
            total += f"; {escape(said)}"
        if self._without_pictures:
            total += (
                f"; the last {self._without_pictures} without pictures, to keep this page small"
            )
        try:
            self._put(self._tail.replace(SUM, total))
        except FileError as e:  # remove the temporary file
            self._whole.__exit__(FileError, e, e.__traceback__)
            raise
        self._whole.__exit__(None, None, None)

    def add(self, record: Record) -> Record:
        """Add an image. A record from an earlier run has no pictures: they are made again from the files."""
        state = (
            "failed" if record.detections is None else "found" if record.detections else "nothing"
        )
        self._counts[state] += 1
        best = record.detections[0] if record.detections else None
        small = Pictures(b"", b"", b"")
        if self._room > 0:
            small = record.pictures or self._remade(record) or small
            self._room -= (
                (len(small.page) + len(small.find) + len(small.heatmap)) * 4 // 3
            )  # base64
        else:
            self._without_pictures += 1
        heatmap = _image(small.heatmap, "its heatmap") or ("heatmap" if record.heatmap else "")
        score = "" if best is None else f"{best.score:.6g}"
        margin = "" if record.margin is None else f"{record.margin:.6g}"
        name = show(record.path) + ("" if record.page is None else f", page {record.page}")
        cells = (
            f'<td class="path">{self._link(record.path, name, page=record.page)}<p>{_note(record)}</p></td>'
            f'<td class="number">{score}</td><td class="number">{margin}</td>'
            f"<td>{_image(small.page, 'the page')}</td><td>{_image(small.find, 'the find')}</td>"
            f"<td>{self._link(record.heatmap, heatmap, html=True)}</td>"
        )
        row = f'<tr class="{state}" tabindex="0" data-score="{score}" data-margin="{margin}">{cells}</tr>\n'
        if self._failure is None:
            try:
                self._put(row)
            except FileError as e:
                # The other images are still done. Without the page, there is room for their files again.
                self._failure = e
                with contextlib.suppress(
                    FileError
                ):  # closing writes what is left, which fails, too
                    self._whole.__exit__(FileError, e, e.__traceback__)
        return record

    def _put(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as e:
            raise FileError(f"cannot write: {reason(e)}", path=self._path) from None

    def _link(
        self, path: str | None, text: str, *, html: bool = False, page: int | None = None
    ) -> str:
        inner = text if html else escape(text)
        if path is None or path == STDIN or not inner:
            return inner
        if is_url(path):
            return f'<a href="{escape(path)}">{inner}</a>' if path.startswith("http") else inner
        target = quote(os.fsencode(os.path.relpath(path, self._folder)))
        if page is not None:
            target += f"#page={page}"  # browsers open a PDF there
        return f'<a href="{target}">{inner}</a>'

    def _remade(self, record: Record) -> Pictures | None:
        """The pictures of a record from an earlier run; None where the image or its heatmap is gone."""
        if record.detections is None or record.heatmap is None or record.path == STDIN:
            return None
        from waldo_cli.images.load import load_image

        try:
            source: str | bytes = record.path
            if is_url(record.path):
                source = fetch(record.path, self._opening["max_pixels"])
            image = load_image(source, page=record.page or 1, **self._opening)
            return pictures(image, bytes_of(load_image(record.heatmap)), record.detections)
        except WaldoError:
            return None


def _image(data: bytes, what: str) -> str:
    if not data:
        return ""
    return f'<img alt="{what}" src="data:image/jpeg;base64,{b64encode(data).decode()}">'


def _note(record: Record) -> str:
    if record.error is not None and record.detections is None:
        return escape(show(record.error))
    size = f"{record.width} &times; {record.height}"
    if record.error is not None:  # beside an answer: a file of it could not be written
        size += f"; {escape(show(record.error))}"
    if not record.detections:
        return f"nothing found, {size}"
    best = record.detections[0]
    more = f" and {len(record.detections) - 1} more" if len(record.detections) > 1 else ""
    return f"{escape(show(best.label))} at {best.x:g}, {best.y:g}{more}, {size}"

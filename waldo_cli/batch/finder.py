"""Examine one image: open it, search it, write its files, return its record.

A `Finder` is made once for a run, of a `Query` (all settings that can change a record) and `Extras` (settings
that cannot). Both are plain values, so that they can be sent to worker processes, which make a finder of
their own. `Finder.run` is a fingerprint of everything that can change a record; by it ``--resume`` recognizes
records that are still valid.
"""

from __future__ import annotations

import hashlib
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from waldo_cli.answers.record import Record
from waldo_cli.errors import FileError, WaldoError
from waldo_cli.files import NPY_MARK, PNG_MARK, make_folder, refuse_foreign, sweep
from waldo_cli.inputs.items import ACTIVATIONS, ANNOTATED, HEATMAP, Item
from waldo_cli.inputs.masks import MaskSource
from waldo_cli.inputs.sources import fetch, is_url
from waldo_cli.parallel import keep_freed_memory

if TYPE_CHECKING:
    from waldo_cli.detector.result import Result


@dataclass(frozen=True)
class Query:
    """What to do with every image, as plain values that can be sent to another process.

    Each of these settings can change a record or the files that belong to it, so all of them enter the
    fingerprint `Finder.run`. A setting that changes neither belongs in `Extras`.
    """

    stack: str | None = None
    masks: tuple[MaskSource, ...] = ()
    scales: str = "auto"
    angles: str = "0"
    mirror: bool = False
    score: str = "ccc"
    top: int | Literal["all"] = 1
    max_overlap: float = 0.5
    threshold: float | None = None
    labels: tuple[str, ...] | None = None
    region: tuple[int, int, int, int] | None = None
    where: str | None = None
    turn: str = "auto"
    heatmap: bool = True
    annotated: bool = False
    activations: bool = False
    max_pixels: int | None = None
    orient: bool = True
    allow_truncated: bool = False


@dataclass(frozen=True)
class Extras:
    """What else to do with every image. These settings change no record and are not in the fingerprint.

    Attributes
    ----------
    overwrite
        Also replace files that this program did not make.
    pictures
        Make small pictures for a report.
    view
        Width, in characters, at which the best detection is drawn in the terminal; 0 for no drawing.
    max_seconds
        Refuse images for which the stack would need longer on one core, by an estimate. An image that is
        refused has no record that another limit could change.
    debug
        Print the traceback of an unexpected error.
    """

    overwrite: bool = False
    pictures: bool = False
    view: int = 0
    max_seconds: float = 3600.0
    debug: bool = False


class Finder:
    """Loads stack, masks and prior once, then examines any number of images.

    Parameters
    ----------
    query, extras
        What to do with every image.
    folder
        Relative paths of images and outputs start here; if empty, in the current folder.

    Attributes
    ----------
    run
        A fingerprint: it changes whenever the same image could get another record.
    labels
        The labels that are reported.

    Raises
    ------
    WaldoError
        When it is made: the stack, a mask or the prior cannot be used.
    """

    def __init__(self, query: Query, extras: Extras, folder: str = "") -> None:
        # Imported here, so that usage errors are reported without loading numpy.
        from waldo_cli import __version__
        from waldo_cli.detector.search import Search
        from waldo_cli.images.load import load_weights

        keep_freed_memory()
        self._query, self._extras = query, extras
        self._folder = folder
        self._swept: set[str] = set()  # folders where leftovers of killed processes were removed
        self._search = Search.of_files(
            query.stack,
            query.masks,
            query.labels,
            query.scales,
            query.threshold,
            query.angles,
            query.mirror,
            query.score,
        )
        self._where = None if query.where is None else load_weights(query.where)
        self.labels = self._search.labels
        # Stack, masks and prior count by their content: a renamed file is the same run, a changed one is not.
        settings = replace(query, stack=None, masks=(), where=None)
        parts = (__version__, self._search.stack, self._search.masks, self._where, settings)
        self.run = fingerprint(parts)[:16]  # 64 bits are enough to tell runs apart

    def examine(self, item: Item) -> Record:
        """Write the files of one image and return its record. An error becomes part of the record."""
        started = time.perf_counter()
        path = os.path.join(self._folder, item.path)
        try:
            record = self._examine(item, path)
        except WaldoError as e:
            # The record has the image's path; only another path, such as the heatmap's, must be named.
            reason = e.reason if e.path in (None, path) else str(e)
            record = Record(item.path, self.run, error=reason)
        except MemoryError:
            reason = "not enough memory for this image, free some or raise its limit"
            record = Record(item.path, self.run, error=reason)
        except Exception as e:  # noqa: BLE001 - a bug in this program must not stop the other images
            if self._extras.debug:
                traceback.print_exc()
            record = Record(item.path, self.run, error=f"unexpected {type(e).__name__}: {e}")
        seconds = round(time.perf_counter() - started, 3)
        return replace(record, page=item.page, seconds=seconds, output=item.output)

    def _examine(self, item: Item, path: str) -> Record:
        from waldo_cli.images.decode import max_file_bytes
        from waldo_cli.images.pages import contents, single

        query = self._query
        source, size, modified = _source(item, path, query.max_pixels)
        wanted = None if item.alone else item.page
        opened, page = single(
            source, wanted or 1, max_file_bytes(query.max_pixels), query.max_pixels
        )
        # Pages inside a page, as of a TIFF in an archive; and of a URL, which was not asked before. A page
        # that is opened in its whole file, as a frame is, was counted when the pages were chosen.
        asked = opened if opened is not source or wanted is None else b""
        others = contents(asked).count - 1 if isinstance(asked, bytes) and page == 1 else 0
        result = self._result(opened, page)
        record = Record(
            item.path,
            self.run,
            result.detections,
            result.width,
            result.height,
            result.margin,
            bytes=size,
            modified=modified,
            turned=result.turned,
            best=None if result.found else result.best,
            others=others,
            threshold=None if self._search.by_verdict else self._search.threshold,
            levels=self._levels(result),
        )
        return self._write(item, result, record)

    def _result(self, source: str | bytes, page: int) -> Result:
        """Read the image and search it; where it was reduced, what was read is freed."""
        from waldo_cli.detector.detect import detect_with
        from waldo_cli.images.load import load_reduced

        query = self._query
        image = load_reduced(
            source,
            partial(self._search.reduction, several=query.top == "all"),
            page=page,
            max_pixels=query.max_pixels,
            orient=query.orient,
            must_show=True,
            allow_truncated=query.allow_truncated,
        )
        return detect_with(
            image,
            self._search,
            top=query.top,
            region=query.region,
            where=self._where,
            max_overlap=query.max_overlap,
            max_seconds=self._extras.max_seconds,
            turn=query.turn,
        )

    def _levels(self, result: Result) -> tuple[tuple[int, int], ...]:
        """The sizes in which the image was searched, for the summary."""
        from waldo_cli.geometry import Size

        rows, cols = result.height, result.width
        if result.turned % 180:
            rows, cols = cols, rows
        several = self._query.top == "all"
        return tuple(
            (size.cols, size.rows)
            for size in self._search.levels_for(Size(rows, cols), several=several)
        )

    def _write(self, item: Item, result: Result, record: Record) -> Record:
        """Write the files asked for; return the record, with pictures in it if they were asked for.

        A file that cannot be written is an error in the record, whose answer stays.
        """
        from waldo_cli.images.png import save_png
        from waldo_cli.show.heatmap import Heatmap, save_activations
        from waldo_cli.show.thumbnails import pictures, view

        query, extras = self._query, self._extras
        output = os.path.join(self._folder, item.output)
        failures: list[str] = []
        try:
            if query.activations:
                failures += self._save(
                    output + ACTIVATIONS,
                    NPY_MARK,
                    lambda path: save_activations(path, result.overlay),
                )
            if query.heatmap or extras.pictures:
                heatmap = Heatmap(result.image, result.overlay, result.detections)
                # Without a report it is made row by row, and never in memory as a whole.
                rows = heatmap.whole() if extras.pictures else heatmap
                if extras.pictures:
                    small = pictures(result.image, rows[:], result.detections)
                    record = replace(record, pictures=small)
                if query.heatmap:
                    reasons = self._save(
                        output + HEATMAP, PNG_MARK, lambda path: save_png(path, rows)
                    )
                    failures += reasons
                    record = replace(record, heatmap=None if reasons else item.output + HEATMAP)
            if query.annotated:
                from waldo_cli.show.annotated import annotated

                drawn = annotated(result.image, result.detections, self.labels)
                reasons = self._save(
                    output + ANNOTATED, PNG_MARK, lambda path: save_png(path, drawn)
                )
                failures += reasons
                record = replace(record, annotated=None if reasons else item.output + ANNOTATED)
            if extras.view and result.found:
                record = replace(record, view=view(result.image, result.detections[0], extras.view))
        except MemoryError:
            failures.append("not enough memory for the files beside the answer")
        except WaldoError as e:
            failures.append(str(e))
        return replace(record, error="; ".join(failures) or None)

    def _save(self, path: str, mark: bytes, write: Callable[[str], None]) -> list[str]:
        """Write a file, unless one without the mark would be replaced; return why it was not written."""
        try:
            if not self._extras.overwrite:
                refuse_foreign(path, mark)
            folder = os.path.dirname(path)
            if (
                folder not in self._swept
            ):  # make it, and remove half-written files from it, only once
                make_folder(folder)
                sweep(folder)
                self._swept.add(folder)
            write(path)
        except FileError as e:
            return [str(e)]
        return []


def _source(
    item: Item, path: str, max_pixels: int | None
) -> tuple[str | bytes, int | None, float | None]:
    """Return what to read an image from, its size in bytes and the time of its last change."""
    if item.data is not None:
        return item.data, len(item.data), None
    if is_url(item.path):
        data = fetch(item.path, max_pixels)
        return data, len(data), None
    return path, *identity(path)


def identity(path: str) -> tuple[int | None, float | None]:
    """Return size in bytes and time of the last change in seconds, to tell whether a file has changed."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None, None
    return status.st_size, round(status.st_mtime_ns / 1e9, 6)


def fingerprint(value: Any) -> str:
    """Return a hash of the content of a stack, of masks, arrays or other values, or of tuples of them."""
    digest = hashlib.sha256()
    _feed(digest.update, value)
    return digest.hexdigest()


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    """Hash dataclasses, tuples and arrays by content, everything else by its `repr`.

    Every part says how long it is, so that different values never give the same sequence of bytes.
    """
    import numpy as np

    def put(part: bytes) -> None:
        update(f"{len(part)}:".encode())
        update(part)

    if isinstance(value, np.ndarray):
        # Shape and type, too: arrays of the same bytes may differ in them.
        put(repr((value.shape, value.dtype.str)).encode())
        put(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        put(f"tuple of {len(value)}".encode())
        for element in value:
            _feed(update, element)
    elif hasattr(value, "__dataclass_fields__"):
        put(f"{type(value).__name__} of {len(fields(value))}".encode())
        for field in fields(value):
            put(field.name.encode())
            _feed(update, getattr(value, field.name))
    else:
        put(repr(value).encode())

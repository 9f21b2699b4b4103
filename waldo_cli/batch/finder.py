"""One record for one image: opened, searched, its files written."""

from __future__ import annotations

import hashlib
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from waldo_cli.answers.record import Record
from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.files import make_folder, sweep
from waldo_cli.inputs.items import ACTIVATIONS, HEATMAP, Item
from waldo_cli.inputs.sources import fetch, is_url
from waldo_cli.parallel import keep_freed_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from waldo_cli.detector.detect import Result
    from waldo_cli.stack.stack import Mask


@dataclass(frozen=True)
class Settings:
    """What `detect` is asked to do for every image, as plain values that cross process borders."""

    stack: str | None = None
    masks: tuple[str, ...] = ()
    scales: str = "auto"
    top: int = 1
    threshold: float | None = None
    labels: tuple[str, ...] | None = None
    region: tuple[int, int, int, int] | None = None
    where: str | None = None
    heatmap: bool = True
    activations: bool = False
    max_pixels: int | None = None
    orient: bool = True
    allow_truncated: bool = False
    # What follows changes no record.
    overwrite: bool = False
    pictures: bool = False
    view: int = 0
    debug: bool = False


class Finder:
    """Stack, masks and prior, loaded once; then one record for each image.

    Parameters
    ----------
    settings
        What is asked.
    folder
        What relative paths of images and outputs start from; the current folder where empty.

    Raises
    ------
    WaldoError
        At once, where the stack, a mask or the prior cannot be used.
    """

    def __init__(self, settings: Settings, folder: str = "") -> None:
        # Imported here, so that usage errors are told before numpy is loaded.
        from waldo_cli.detector.search import open_mask
        from waldo_cli.images.load import load_weights
        from waldo_cli.stack.file import load_stack

        keep_freed_memory()
        self.settings = settings
        self.folder = folder
        self._swept: set[str] = set()
        self.stack = load_stack(settings.stack or ("pixels" if settings.masks else "waldo"))
        self.masks: list[Mask] | None = None
        if settings.masks:
            self.masks = [open_mask(p) for p in settings.masks]
            doubled = {
                m.label for m in self.masks if [n.label for n in self.masks].count(m.label) > 1
            }
            if doubled:
                raise InvalidInputError(
                    f"two masks are named {doubled.pop()!r}: labels must differ"
                )
            for mask, path in zip(self.masks, settings.masks, strict=True):
                try:
                    self.stack.with_masks([mask])
                except WaldoError as e:
                    raise e.at(path) from None
        elif self.stack.needs_mask:
            raise InvalidInputError(
                f"stack {self.stack.name} looks for a mask: give one with --mask FILE"
            )
        known = self.stack.labels if self.masks is None else [m.label for m in self.masks]
        for label in settings.labels or ():
            if label not in known:
                raise InvalidInputError(
                    f"no label {label!r}: {self.stack.name} has {', '.join(known)}"
                )
        self.labels = tuple(settings.labels or (known[:1] if self.masks is None else known))
        self.where = None if settings.where is None else load_weights(settings.where)
        self.run = self._fingerprint()

    def _fingerprint(self) -> str:
        """Changes whenever the same image could get another record."""
        from waldo_cli import __version__
        from waldo_cli.batch.finder import fingerprint

        asked = replace(
            self.settings,
            masks=(),
            where=None,
            stack=None,
            overwrite=False,
            pictures=False,
            view=0,
            debug=False,
        )
        parts = (__version__, self.stack, tuple(self.masks or ()), self.where, repr(asked))
        return fingerprint(parts)[:16]

    def look(self, item: Item) -> Record:
        """The record of one image; its pictures are written first."""
        started = time.perf_counter()
        place = os.path.join(self.folder, item.path)
        try:
            record = self._look(item, place)
        except WaldoError as e:
            reason = e.reason if e.path in (None, place) else str(e)
            record = Record(item.path, self.run, error=reason)
        except MemoryError:
            record = Record(item.path, self.run, error="not enough memory for this image")
        except Exception as e:  # noqa: BLE001 - even an error of our own costs one image only
            if self.settings.debug:
                traceback.print_exc()
            record = Record(item.path, self.run, error=f"unexpected {type(e).__name__}: {e}")
        seconds = round(time.perf_counter() - started, 3)
        return replace(record, seconds=seconds, output=item.output)

    def _look(self, item: Item, place: str) -> Record:
        from waldo_cli.detector.detect import detect
        from waldo_cli.images.load import load_image

        s = self.settings
        if not s.overwrite:
            self._refuse_to_replace(item)
        source, size, modified = _opened(item, place, s.max_pixels)
        image = load_image(
            source,
            max_pixels=s.max_pixels,
            orient=s.orient,
            allow_truncated=s.allow_truncated,
        )
        result = detect(
            image,
            stack=self.stack,
            masks=self.masks,
            scales=s.scales,
            top=s.top,
            threshold=s.threshold,
            labels=s.labels,
            region=s.region,
            where=self.where,
        )
        record = Record(
            item.path,
            self.run,
            result.detections,
            result.width,
            result.height,
            result.margin,
            item.output + HEATMAP if s.heatmap else None,
            bytes=size,
            modified=modified,
        )
        return self._write(item, image, result, record)

    def _refuse_to_replace(self, item: Item) -> None:
        """Before the work, so that of several files none is written where one cannot be."""
        from waldo_cli.files import refuse_foreign
        from waldo_cli.images.png import PNG_MARK
        from waldo_cli.show.heatmap import NPY_MARK

        output = os.path.join(self.folder, item.output)
        if self.settings.heatmap:
            refuse_foreign(output + HEATMAP, PNG_MARK)
        if self.settings.activations:
            refuse_foreign(output + ACTIVATIONS, NPY_MARK)

    def _write(self, item: Item, image: NDArray[Any], result: Result, record: Record) -> Record:
        """Write the files asked for; the record with the pictures asked for."""
        from waldo_cli.images.png import save_png
        from waldo_cli.show.heatmap import render_heatmap, save_activations
        from waldo_cli.show.thumbnails import pictures, view

        s = self.settings
        output = os.path.join(self.folder, item.output)
        if s.heatmap or s.activations:
            self._make_folder(os.path.dirname(output))
        if s.activations:
            save_activations(output + ACTIVATIONS, result.activations)
        if s.heatmap or s.pictures:
            heatmap = render_heatmap(image, result.activations, result.detections)
            if s.heatmap:
                save_png(output + HEATMAP, heatmap)
            if s.pictures:
                record = replace(record, pictures=pictures(image, heatmap, result.detections))
        if s.view and result.found:
            record = replace(record, view=view(image, result.detections[0], s.view))
        return record

    def _make_folder(self, folder: str) -> None:
        if folder not in self._swept:
            make_folder(folder)
            sweep(folder)
            self._swept.add(folder)


def _opened(
    item: Item, place: str, max_pixels: int | None
) -> tuple[str | BytesIO, int | None, float | None]:
    """What to read an image from, its bytes and the time of its last change."""
    if item.data is not None:
        return BytesIO(item.data), len(item.data), None
    if is_url(item.path):
        data = fetch(item.path, max_pixels)
        return BytesIO(data), len(data), None
    return place, *identity(place)


def identity(path: str) -> tuple[int | None, float | None]:
    """Size in bytes and time of the last change in seconds, to tell whether a file is the same."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None, None
    return status.st_size, round(status.st_mtime_ns / 1e9, 6)


def fingerprint(value: Any) -> str:
    """A hash of a stack, masks, arrays or tuples of them, by content: what the answers depend on."""
    digest = hashlib.sha256()
    _feed(digest.update, value)
    return digest.hexdigest()


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    """Hash dataclasses, tuples and arrays by content."""
    import numpy as np

    if isinstance(value, np.ndarray):
        update(repr((value.shape, value.dtype.str)).encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for item in value:
            _feed(update, item)
    elif hasattr(value, "__dataclass_fields__"):
        update(type(value).__name__.encode())
        for f in fields(value):
            update(f.name.encode())
            _feed(update, getattr(value, f.name))
    else:
        update(repr(value).encode())

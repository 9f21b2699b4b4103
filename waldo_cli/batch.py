"""Many images, one record each, in the order they came; a bad one never stops the others."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import queue
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.inputs import ACTIVATIONS, HEATMAP, STDIN, Item, fetch, is_url, read_stdin
from waldo_cli.records import Find, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from waldo_cli.detector import Result
    from waldo_cli.stack import Mask


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


def _keep_freed_memory() -> None:
    """Have glibc keep what one band of a picture needed for the next one.

    It would give megabytes back to the system each time, and take them again page by page.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 1 << 28)
        mallopt(mmap_threshold, 1 << 25)


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
        from waldo_cli.detector import open_mask
        from waldo_cli.images import load_weights
        from waldo_cli.stackfile import load_stack

        _keep_freed_memory()
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
        from waldo_cli.stack import fingerprint

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
        from waldo_cli.detector import detect
        from waldo_cli.images import load_image

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
        finds = tuple(
            Find(
                d.label, d.x, d.y, d.score, (d.box.left, d.box.top, d.box.width, d.box.height), d.scale
            )
            for d in result.detections
        )  # fmt: skip
        record = Record(
            item.path,
            self.run,
            finds,
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
        from waldo_cli.heatmap import NPY_MARK
        from waldo_cli.images import PNG_MARK

        output = os.path.join(self.folder, item.output)
        if self.settings.heatmap:
            refuse_foreign(output + HEATMAP, PNG_MARK)
        if self.settings.activations:
            refuse_foreign(output + ACTIVATIONS, NPY_MARK)

    def _write(self, item: Item, image: NDArray[Any], result: Result, record: Record) -> Record:
        """Write the files asked for; the record with the pictures asked for."""
        from waldo_cli.heatmap import render_heatmap, save_activations
        from waldo_cli.images import save_png
        from waldo_cli.report import pictures, view

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
                record = replace(record, pictures=pictures(image, heatmap, record.finds))
        if s.view and record.finds:
            record = replace(record, view=view(image, record.finds[0], s.view))
        return record

    def _make_folder(self, folder: str) -> None:
        if folder not in self._swept:
            make_folder(folder)
            sweep(folder)
            self._swept.add(folder)


def make_folder(folder: str) -> None:
    """Make a folder and those above it.

    Raises
    ------
    FileError
        It cannot be made.
    """
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as e:
        raise FileError(
            f"cannot make this folder: {(e.strerror or str(e)).lower()}", path=folder
        ) from None


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


class Engine(Protocol):
    """What looks at images: this process, its worker processes, or a cluster."""

    run: str
    labels: tuple[str, ...]

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """One record for each item, in their order; a record among them passes through."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Here:
    """One image after the other, in this process, on so many of the cores; on all where None."""

    def __init__(self, settings: Settings, threads: int | None = None) -> None:
        self._threads = threads
        self._limits = contextlib.ExitStack()
        self._finder = Finder(settings)
        self.run, self.labels = self._finder.run, self._finder.labels

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        for item in items:
            yield item if isinstance(item, Record) else self._finder.look(item)

    def __enter__(self) -> Self:
        if self._threads is not None:
            from waldo_cli._threads import at_most

            self._limits.enter_context(at_most(self._threads))
        return self

    def __exit__(self, *_: object) -> None:
        self._limits.close()


class Answer(Protocol):
    """A record to come: what `in_order` needs of a future of any library."""

    def result(self) -> Record: ...

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        """Call with this answer once it has come."""


def in_order(
    items: Iterable[Item | Record], submit: Callable[[Item], Answer], window: int
) -> Iterator[Record]:
    """Records in the order of the items, looked at side by side.

    Items are drawn in a thread of their own, so that a list that is still being written never holds
    back the records that are ready.

    Parameters
    ----------
    items
        What to look at; a record among them passes through.
    submit
        Starts looking at an item.
    window
        Most items drawn whose records have not been yielded.
    """
    events: queue.SimpleQueue[tuple[int, Item | Record | Answer] | BaseException | int]
    events = queue.SimpleQueue()
    room = threading.Semaphore(window)
    stopped = threading.Event()

    def draw() -> None:
        count = 0
        try:
            drawn = iter(items)
            while room.acquire() and not stopped.is_set():
                item = next(drawn, None)
                events.put(count if item is None else (count, item))
                if item is None:
                    return
                count += 1
        except BaseException as e:  # noqa: BLE001 - raised again by the one who waits
            events.put(e)

    def done(number: int, answer: Answer) -> None:
        events.put((number, answer))

    threading.Thread(target=draw, daemon=True).start()
    ready: dict[int, Record] = {}
    turn, total = 0, None
    try:
        while turn != total:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, int):
                total = event
                continue
            number, what = event
            if isinstance(what, Record):
                ready[number] = what
            elif isinstance(what, Item):
                # The answer comes as the argument: a callback that held it would keep both, and the
                # record with its pictures, until the next garbage collection.
                submit(what).add_done_callback(partial(done, number))
            else:
                ready[number] = what.result()
            while turn in ready:
                yield ready.pop(turn)
                turn += 1
                room.release()
    except KeyboardInterrupt:
        yield from (ready[number] for number in sorted(ready))  # done, though not in turn
        raise
    finally:
        stopped.set()
        room.release()


def known_first(
    items: Iterable[Item],
    run: str,
    recall: Callable[[Item], Record | None] | None = None,
    max_pixels: int | None = None,
) -> Iterator[Item | Record]:
    """Items to look at, and records in place of those that need no look.

    Parameters
    ----------
    items
        In order.
    run
        The fingerprint for the records of items that have a problem.
    recall
        The record of an item from an earlier run, if it still holds.
    max_pixels
        As for `load_image`; standard input is read no further than a picture may go.
    """
    for item in items:
        if item.problem is not None:
            yield Record(item.path, run, error=item.problem)
        elif item.path == STDIN:
            try:
                yield replace(item, data=read_stdin(max_pixels))
            except WaldoError as e:
                yield Record(item.path, run, error=e.reason)
        else:
            record = recall and recall(item)
            yield replace(record, output=item.output) if record else item


def cores() -> int:
    """Processor cores that this process may use: by affinity, and by a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        pass
    return max(1, count)


def sweep(folder: str, process: int | None = None) -> None:
    """Remove the half-written files of a process that is gone, or of all that are, from a folder.

    Of processes known only by the number in the name those are spared that wrote in the last
    minute: on a shared disk they may be running on another machine.
    """
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            match = re.fullmatch(r"\.waldo-(\d+)-[0-9a-f]+\.tmp", entry.name)
            if match is None or process not in (None, int(match[1])):
                continue
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > 60
                if process is not None or (old and not _is_running(int(match[1]))):
                    os.unlink(entry.path)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True

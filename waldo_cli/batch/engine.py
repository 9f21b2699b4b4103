"""Run a finder over many images: one record for each, in the order of the images.

An image that cannot be examined gets a record with an error; the others go on. There are three engines:
`InProcess` in this module, `Workers` (processes of this machine) and `Cluster` (Dask). The last two examine
images side by side, and `in_order` puts their records back in order. `replace_known` goes before an engine:
it passes on ready records instead of images that need no search.

`make_engine` of ``waldo detect`` takes the cluster or this machine, `local_engine` this process or others.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol, Self

from waldo_cli.answers.record import Record
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.inputs.items import Item
from waldo_cli.parallel import at_most


class Engine(Protocol):
    """Examines images: in this process, in worker processes, or on a cluster. A context manager.

    `run` and `labels` are those of `Finder`.
    """

    run: str
    labels: tuple[str, ...]

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """Yield one record for each item, in their order; a record among the items is passed on unchanged."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class InProcess:
    """Examines one image after the other in this process, on `threads` cores; on all if None."""

    def __init__(self, query: Query, extras: Extras, threads: int | None = None) -> None:
        self._threads = threads
        self._limits = contextlib.ExitStack()
        self._finder = Finder(query, extras)
        self.run, self.labels = self._finder.run, self._finder.labels

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        for item in items:
            yield item if isinstance(item, Record) else self._finder.examine(item)

    def __enter__(self) -> Self:
        if self._threads is not None:
            self._limits.enter_context(at_most(self._threads))
        return self

    def __exit__(self, *_: object) -> None:
        self._limits.close()


#: Called once when an item is done: with its record, or with an error that ends the whole run.
Done = Callable[[Record | BaseException], None]


def in_order(
    items: Iterable[Item | Record], submit: Callable[[Item, Done], None], window: int
) -> Iterator[Record]:
    """Examine items side by side; yield their records in the order of the items.

    A separate thread reads the items: reading may block, for example on a list that another program is still
    writing, and records that are ready must not wait for that. The thread and those who examine put events
    into one queue; the loop below takes them out, submits the items and yields the records.

    Ctrl-C may interrupt this thread anywhere. If it did so where the thread holds a lock, as inside a future
    or a semaphore, whoever needs the lock would wait for ever. So all threads meet in `SimpleQueue` only,
    which is written in C and cannot be interrupted halfway.

    Parameters
    ----------
    items
        What to examine; a record among the items is passed on unchanged.
    submit
        Starts to examine an item, and returns at once. Its second argument is to be called when the item is
        done, from any thread.
    window
        Maximum number of items that have been read and whose records have not been yielded. It limits the
        memory for records that are ready and wait for a slow one before them.
    """
    # An event is one of these: an item that was read, or a record, with its number; the total number of
    # items, after the last one; an error.
    events: queue.SimpleQueue[tuple[int, Item | Record] | BaseException | int] = queue.SimpleQueue()
    free_slots: queue.SimpleQueue[None] = queue.SimpleQueue()
    for _ in range(window):
        free_slots.put(None)
    stopped = False

    def read_items() -> None:
        count = 0
        try:
            iterator = iter(items)
            while True:
                free_slots.get()
                if stopped:
                    return
                item = next(iterator, None)
                events.put(count if item is None else (count, item))
                if item is None:
                    return
                count += 1
        except BaseException as e:  # noqa: BLE001 - the loop below raises it again
            events.put(e)

    def finish(number: int, outcome: Record | BaseException) -> None:
        events.put((number, outcome) if isinstance(outcome, Record) else outcome)

    # A daemon: it may be blocked while it reads, and must not keep the program from ending.
    threading.Thread(target=read_items, daemon=True).start()
    ready: dict[int, Record] = {}
    next_number, total = 0, None
    try:
        while next_number != total:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, int):
                total = event
                continue
            number, payload = event
            if isinstance(payload, Item):
                submit(payload, partial(finish, number))
                continue
            ready[number] = payload
            while next_number in ready:
                yield ready.pop(next_number)
                next_number += 1
                free_slots.put(None)
    except KeyboardInterrupt:
        # Finished records are not lost, although records before them are missing.
        yield from (ready[number] for number in sorted(ready))
        raise
    finally:
        stopped = True
        free_slots.put(None)  # wakes the reading thread, which then ends


def replace_known(
    items: Iterable[Item],
    run: str,
    recall: Callable[[Item], Record | None] | None = None,
) -> Iterator[Item | Record]:
    """Yield the items to examine, in their order, with records in place of items that need no search.

    Such an item has a known problem, or a record from an earlier run.

    Parameters
    ----------
    items
        In order.
    run
        The fingerprint for the records of items that have a problem.
    recall
        Returns the record of an item from an earlier run, or None if there is no valid one.
    """
    for item in items:
        if item.problem is not None:
            yield Record(item.path, run, error=item.problem, page=item.page)
        else:
            record = recall and recall(item)
            yield replace(record, output=item.output) if record else item

"""Many images, one record each, in the order they came; a bad one never stops the others."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, Self

from waldo_cli.answers.record import Record
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.errors import WaldoError
from waldo_cli.inputs.items import Item
from waldo_cli.inputs.sources import STDIN, read_stdin


class Engine(Protocol):
    """What looks at images: this process, its worker processes, or a cluster."""

    run: str
    labels: tuple[str, ...]

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """One record for each item, in their order; a record among them passes through."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class InProcess:
    """One image after the other, in this process, on so many of the cores; on all where None."""

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
            from waldo_cli.parallel import at_most

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

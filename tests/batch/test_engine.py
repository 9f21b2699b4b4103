"""Answers come in the order of what was asked, and leave nothing behind."""

from __future__ import annotations

import gc
import pickle
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest

from waldo_cli.answers.record import Record
from waldo_cli.batch.engine import Done, in_order
from waldo_cli.errors import WaldoError
from waldo_cli.inputs.items import Item


def test_in_order_waits_for_the_slow_and_keeps_the_rest_bounded() -> None:
    started: list[Done] = []

    def submit(item: Item, done: Done) -> None:
        started.append(done)
        if item.path != "0":
            done(Record(item.path, ""))

    drawn = []

    def items() -> Iterator[Item]:
        for n in range(50):
            drawn.append(n)
            yield Item(str(n), "")

    answers = in_order(items(), submit, window=8)
    first: list[Record] = []
    Thread(target=lambda: first.append(next(answers)), daemon=True).start()
    deadline = time.monotonic() + 10
    while len(started) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert (len(started), len(drawn), first) == (8, 8, []), (
        "one slow image, and no more than 8 drawn"
    )
    started[0](Record("0", ""))
    while not first and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [r.path for r in [*first, *answers]] == [str(n) for n in range(50)]


def test_in_order_raises_what_the_items_raise() -> None:
    def items() -> Iterator[Record]:
        yield Record("a", "")
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="gone"):
        list(in_order(items(), lambda _item, _done: None, window=2))


def test_in_order_raises_what_an_item_ends_with() -> None:
    def submit(item: Item, done: Done) -> None:
        done(WaldoError("the stack is gone"))

    with pytest.raises(WaldoError, match="the stack is gone"):
        list(in_order([Item("a", "a")], submit, window=2))


def test_in_order_reads_nothing_more_once_it_has_ended() -> None:
    read = []

    def items() -> Iterator[Item]:
        for n in range(50):
            read.append(n)
            yield Item(str(n), "")

    answers = in_order(items(), lambda item, done: done(Record(item.path, "")), window=8)
    next(answers)
    answers.close()
    time.sleep(0.05)
    assert len(read) <= 9 + 1


def test_an_answered_image_leaves_nothing_behind() -> None:
    """Without the garbage collector: what it finds has piled up until then, pictures and all."""
    items = [Item(f"{n:06}.png", f"{n:06}") for n in range(12_000)]
    threads = ThreadPoolExecutor(1)

    def look(item: Item, done: Done) -> None:
        pickle.dumps(item)  # as for the pipe to a worker
        done(Record(item.path, "run"))

    def submit(item: Item, done: Done) -> None:
        threads.submit(look, item, done)

    held = []
    gc.disable()
    tracemalloc.start()
    try:
        for n, _ in enumerate(in_order(items, submit, window=8)):
            if n in (4000, 11_900):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.enable()
        threads.shutdown()
    assert (held[1] - held[0]) / 7900 < 10, "bytes for each image"

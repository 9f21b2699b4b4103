"""Examine images in several worker processes of this machine.

Each worker is a Python process of its own, which loads the stack once and then gets one image after the other
through a pipe. If a worker dies (out of memory, killed, a bug in a decoder) or takes too long, only its
current image is lost, and a new worker replaces it. The standard library has nothing that does this:
`multiprocessing.Pool` waits for ever if a worker dies, and `ProcessPoolExecutor` gives up all images that
have been started.

The program has one thread for each worker. Such a thread takes an image, sends it to its worker and waits for
the record (`Workers._work`). `_Worker` is the program's side of a worker process, `Seat` has one worker after
the other; `serve` is what runs inside the process.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Self

from waldo_cli.answers.record import Record
from waldo_cli.batch.engine import Done, in_order
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.errors import WaldoError, library_fault
from waldo_cli.files import sweep
from waldo_cli.inputs.items import Item
from waldo_cli.processes import Child, environment, serving

# While one worker is slow, the others may finish this many later images, for each worker; then they wait.
# It limits how many records are held in memory.
WINDOW_PER_WORKER = 32

# Seconds of one turn while a thread waits for a worker that has a limit of time.
CLOCK = 0.5


class Workers:
    """An engine that examines images in worker processes.

    Parameters
    ----------
    query, extras
        What to do with every image; every worker loads stack, masks and prior by itself.
    jobs
        Number of processes.
    threads
        Number of computing threads of each process; None leaves it to the environment. Several processes
        with several threads each compete for the cores and are many times slower than one thread each.
    timeout
        Seconds that a worker may take for one image; then it is ended. None for no limit.

    Raises
    ------
    WaldoError
        From `__enter__`: the stack, a mask or the prior cannot be used, or a worker cannot be started.
    """

    def __init__(
        self,
        query: Query,
        extras: Extras,
        jobs: int,
        threads: int | None,
        timeout: int | None,
    ) -> None:
        variables = environment(threads)
        self._seats = [Seat((query, extras), variables, timeout) for _ in range(jobs)]
        self._tasks: queue.SimpleQueue[tuple[Item, Done] | None] = queue.SimpleQueue()
        self.run = ""
        self.labels: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        try:
            for seat in self._seats:
                seat.start()
            # All workers load at the same time. Waiting for one is enough: the others load the same.
            self.run, self.labels = self._seats[0].greeting()
            for seat in self._seats:
                # Daemons: one that waits for its worker must not keep the program from ending.
                threading.Thread(target=self._work, args=(seat,), daemon=True).start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # Two loops, so that all workers end at the same time and not one after the other.
        for seat in self._seats:
            seat.close()
        for seat in self._seats:
            seat.wait()
            self._tasks.put(None)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """Yield one record for each item, in their order; a record among the items is passed on unchanged."""
        yield from in_order(items, self._submit, window=WINDOW_PER_WORKER * len(self._seats))

    def _submit(self, item: Item, done: Done) -> None:
        self._tasks.put((item, done))

    def _work(self, seat: Seat) -> None:
        """Have one image after the other examined by the worker of a seat. Runs in a thread of its own."""
        while (task := self._tasks.get()) is not None:
            item, done = task
            try:
                done(seat.examine(item, self.run))
            except BaseException as e:  # noqa: BLE001 - raised again by `in_order`
                done(e)


class Seat:
    """A place for one worker process after the other: a new one replaces one that has ended.

    Parameters
    ----------
    message
        What a worker needs to make its `Finder`, or the finder itself.
    environment
        Environment variables of the worker.
    timeout
        Seconds that a worker may take for one image; then it is ended. None for no limit.
    folder
        Relative paths of outputs start here, as those of `Finder`.
    """

    def __init__(
        self,
        message: tuple[Query, Extras] | Finder,
        environment: dict[str, str],
        timeout: int | None,
        folder: str = "",
    ) -> None:
        self._folder = folder
        self._message = message
        self._environment = environment
        self._timeout = timeout
        self._closed = False
        self._worker: _Worker | None = None
        self._output = ""  # folder to which the worker may be writing

    def start(self) -> _Worker:
        """Start a worker process, unless there is one.

        Raises
        ------
        WaldoError
            It cannot be started.
        """
        if self._worker is None:
            self._worker = _Worker(self._message, self._environment)
        return self._worker

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        """Return the fingerprint and the labels of the run, as soon as the worker has loaded the stack.

        Raises
        ------
        WaldoError
            The stack, a mask or the prior cannot be used, or the worker has ended.
        """
        worker = self.start()
        try:
            return worker.greeting()
        except WaldoError:
            raise
        except (EOFError, OSError):  # the process has ended: no data, or a reset connection
            raise WaldoError(f"a worker process {worker.end()} while it loaded the stack") from None

    def examine(self, item: Item, run: str) -> Record:
        """Have the worker examine an image; if it ends before it has answered, that is the record's error.

        Raises
        ------
        WaldoError
            A new worker cannot load the stack or a mask any more, or cannot be started.
        """
        worker = self.start()
        self._output = os.path.join(self._folder, os.path.dirname(item.output))
        try:
            return worker.examine(item, self._timeout)
        except WaldoError:
            raise
        except (EOFError, OSError) as e:
            outcome = worker.end()
            sweep(self._output, worker.process.pid)
            if not self._closed:
                self._worker = None
                self.start()  # at once, so that it loads while other work is done
            error = str(e) if isinstance(e, TimeoutError) else f"its worker process {outcome}"
            return Record(item.path, run, error=error, page=item.page)

    def close(self) -> None:
        """Tell the worker to end; `wait` waits for it."""
        self._closed = True
        if self._worker is not None:
            self._worker.process.terminate()

    def wait(self) -> None:
        """Wait until the worker has ended, kill it if needed; remove what it has written halfway."""
        if self._worker is not None:
            self._worker.end()
            sweep(self._output, self._worker.process.pid)


class _Worker(Child):
    """One worker process, and the pipe to it.

    Messages in their order: query and extras, or a finder, to the worker; its greeting or a `WaldoError`
    back; then an item to the worker and its record back, again and again.
    """

    def __init__(self, message: tuple[Query, Extras] | Finder, environment: dict[str, str]) -> None:
        super().__init__("waldo_cli.batch.workers", "serve", environment)
        self._greeting: tuple[str, tuple[str, ...]] | None = None
        # If the worker has ended already, `greeting` will report it.
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        """Return the fingerprint and the labels of the run, as soon as the worker has loaded the stack."""
        if self._greeting is None:
            message = self.connection.recv()
            if isinstance(message, WaldoError):
                raise message
            self._greeting = message
        return self._greeting

    def examine(self, item: Item, timeout: int | None) -> Record:
        """Have the worker examine an image.

        Raises
        ------
        TimeoutError
            It took longer than `timeout` seconds; the process has been told to end.
        EOFError, OSError
            The process has ended.
        """
        self.greeting()
        self.connection.send(item)
        if timeout is not None and not self._answers_within(timeout):
            self.process.terminate()
            raise TimeoutError(f"not done within {timeout} s (--timeout)")
        record: Record = self.connection.recv()
        return record

    def _answers_within(self, timeout: float) -> bool:
        """Return whether an answer comes within `timeout` seconds of running time.

        Time in which this process stands still (Ctrl-Z, a frozen container) does not count: the worker has
        mostly stood still, too. Such a time shows as one turn of the loop that takes far too long.
        """
        while timeout > 0:
            started = time.monotonic()
            if self.connection.poll(min(timeout, CLOCK)):
                return True
            timeout -= min(time.monotonic() - started, 2 * CLOCK)
        return False


def serve(descriptor: int) -> None:
    """Run as a worker process; `descriptor` is its end of the pipe. `_Worker` lists the messages."""
    with serving(descriptor) as connection:
        try:
            message = connection.recv()
            finder = message if isinstance(message, Finder) else Finder(*message)
        except WaldoError as e:
            connection.send(e)
            return
        except (ImportError, SystemError) as e:  # libraries are imported where they are needed
            line = f"a worker process cannot load a library ({library_fault(e)})"
            connection.send(WaldoError(f"{line}; where memory is short, use a smaller --jobs"))
            return
        except MemoryError:
            line = "a worker process has not enough memory for the stack; use a smaller --jobs"
            connection.send(WaldoError(line))
            return
        # SystemExit unwinds the program, so that half-written files are removed. Install this only now:
        # SystemExit raised during numpy's import would be printed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        connection.send((finder.run, finder.labels))
        while True:
            connection.send(finder.examine(connection.recv()))

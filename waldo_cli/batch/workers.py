"""Images spread over worker processes of this machine.

Each worker is a Python of its own, which has loaded the stack once. One that dies (out of memory, killed,
a fault in a decoder) or takes too long costs the image it had; another takes its place.
`multiprocessing.Pool` waits for ever in that case and `ProcessPoolExecutor` gives up all images that
are under way, hence this.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Self

from waldo_cli.answers.record import Record
from waldo_cli.batch.engine import Engine, InProcess, in_order
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.errors import WaldoError
from waldo_cli.files import reason, sweep
from waldo_cli.inputs.items import Item

# Bands and tiles go over the cores by our own threads, whose number OMP_NUM_THREADS says.
_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

# How far, in images for each worker, the others may run ahead of a slow one.
AHEAD = 32

# Seconds that workers get to remove a half-written file before they are killed.
GRACE = 0.5


class Workers:
    """Worker processes; an engine of `batch`.

    Parameters
    ----------
    query, extras
        What is asked; every worker loads stack, masks and prior from it.
    jobs
        How many processes.
    threads
        How many computing threads each has, as the environment says where None. Several processes with
        several threads each take many times longer than either alone.
    timeout
        Seconds after which a worker that has not come back with its image is ended.

    Raises
    ------
    WaldoError
        From `__enter__`: stack, a mask or the prior cannot be used, or no worker comes up.
    """

    def __init__(
        self,
        query: Query,
        extras: Extras,
        jobs: int,
        threads: int | None,
        timeout: int | None,
    ) -> None:
        self._asked = query, extras
        self._jobs = jobs
        self._environment = dict(os.environ)
        if threads is not None:
            self._environment |= _ONE_THREAD | {"OMP_NUM_THREADS": str(threads)}
        self._timeout = timeout
        self._workers: list[_Worker] = []
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="worker")
        self._closing = False
        self.run = ""
        self.labels: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        try:
            for _ in range(self._jobs):
                worker = _Worker(self._asked, self._environment)
                self._workers.append(worker)
                self._idle.put(worker)
            first = self._workers[0]
            try:
                self.run, self.labels = first.greeting()
            except WaldoError:
                raise
            except (EOFError, OSError):  # nothing more, or a reset connection: it is gone
                raise WaldoError(
                    f"a worker process {first.end()} while it loaded the stack"
                ) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(cancel_futures=True)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """One record for each item, in their order; a record among them passes through."""
        yield from in_order(items, self._submit, window=AHEAD * self._jobs)

    def _submit(self, item: Item) -> Future[Record]:
        return self._threads.submit(self._examine, item)

    def _examine(self, item: Item) -> Record:
        worker = self._idle.get()
        try:
            return worker.examine(item, self._timeout)
        except WaldoError:  # the stack or a mask was there a moment ago
            raise
        except (EOFError, OSError) as e:
            ended = worker.end()
            sweep(os.path.dirname(item.output), worker.process.pid)
            if not self._closing:
                self._workers.remove(worker)
                worker = _Worker(self._asked, self._environment)
                self._workers.append(worker)
            error = str(e) if isinstance(e, TimeoutError) else f"its worker process {ended}"
            return Record(item.path, self.run, error=error)
        finally:
            self._idle.put(worker)


def local_engine(
    query: Query, extras: Extras, jobs: int | None, total: int | None, timeout: int | None
) -> Engine:
    """What looks at images on this machine.

    Parameters
    ----------
    query, extras
        What is asked.
    jobs
        How many images side by side, each on one core by a process of its own; as many as there are cores
        where None. Of one image alone, how many cores it takes.
    total
        How many images there are; None where nobody knows yet.
    timeout
        Seconds for an image. Only another process can be ended, so there is one then.
    """
    from waldo_cli.parallel import available_cores

    processes = jobs or available_cores()
    if total is not None:
        processes = min(processes, max(total, 1))
    threads = 1 if processes > 1 else None if jobs is None else min(jobs, available_cores())
    if processes == 1 and timeout is None:
        return InProcess(query, extras, threads)
    return Workers(query, extras, processes, threads, timeout)


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self, asked: tuple[Query, Extras], environment: dict[str, str]) -> None:
        try:
            self._connection, theirs = Pipe()
        except OSError as e:
            raise _no_worker(e) from None
        # Whoever finds this package here finds it there, and nothing else: without -P a file named
        # numpy.py in the current folder would be imported.
        code = (
            f"import sys; sys.path[:] = {sys.path!r};"
            f" from waldo_cli.batch.workers import serve; serve({theirs.fileno()})"
        )
        with theirs:
            try:
                self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.PIPE,  # its end tells the worker that we are gone
                    stdout=subprocess.DEVNULL,  # ours has records and nothing else
                    pass_fds=[theirs.fileno()],
                    process_group=0,  # Ctrl-C is for us
                    env=environment,
                )
            except OSError as e:
                raise _no_worker(e) from None
        self._greeting: tuple[str, tuple[str, ...]] | None = None
        with contextlib.suppress(OSError):  # one that is gone already has no greeting either
            self._connection.send(asked)

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        """The run's fingerprint and labels, once the worker has loaded what it needs."""
        if self._greeting is None:
            answer = self._connection.recv()
            if isinstance(answer, WaldoError):
                raise answer
            self._greeting = answer
        return self._greeting

    def examine(self, item: Item, timeout: int | None) -> Record:
        """Its record; EOFError or OSError where the process is gone, TimeoutError where it has to go."""
        self.greeting()
        self._connection.send(item)
        if not self._connection.poll(timeout):
            self.process.terminate()
            raise TimeoutError(f"not done within {timeout} s (--timeout)")
        record: Record = self._connection.recv()
        return record

    def end(self) -> str:
        """Make sure that the process is gone; how it went."""
        try:
            status = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        if status >= 0:
            return f"ended with status {status}"
        hint = ": out of memory?" if status == -signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-status).name}{hint}"


def _no_worker(error: OSError) -> WaldoError:
    return WaldoError(f"cannot start a worker process: {reason(error)}; use a smaller --jobs")


def serve(descriptor: int) -> None:
    """Be a worker: what is asked comes first through the connection, then items; records go back."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            finder = Finder(*connection.recv())
        except WaldoError as e:
            connection.send(e)
            return
        # Files half written are removed. Not before: an exception within numpy's import is told aloud.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        connection.send((finder.run, finder.labels))
        while True:
            connection.send(finder.examine(connection.recv()))


def _leave_with_parent() -> None:
    os.read(0, 1)  # nothing is ever written to it: this returns when the other end is gone
    os._exit(1)

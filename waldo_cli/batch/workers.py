"""Examine images in several worker processes of this machine.

Each worker is a Python process of its own, which loads the stack once and then gets one image after the other
through a pipe. If a worker dies (out of memory, killed, a bug in a decoder) or takes too long, only its
current image is lost, and a new worker replaces it. The standard library has nothing that does this:
`multiprocessing.Pool` waits for ever if a worker dies, and `ProcessPoolExecutor` gives up all images that
have been started.

The program has one thread for each worker. Such a thread takes an idle worker, sends it an image, waits for
the record and makes the worker idle again (`Workers._examine`). `_Worker` is the program's side of a worker
process; `serve` is what runs inside the process.
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
from waldo_cli.batch.engine import in_order
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.errors import WaldoError
from waldo_cli.files import reason, sweep
from waldo_cli.inputs.items import Item

# BLAS must not start threads of its own: `waldo_cli.parallel` spreads the work over the cores, and
# OMP_NUM_THREADS limits its threads.
_BLAS_ON_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

# While one worker is slow, the others may finish this many later images, for each worker; then they wait.
# It limits how many records are held in memory.
WINDOW_PER_WORKER = 32

# Seconds that a worker has to remove a half-written file and to end, before it is killed.
GRACE = 0.5


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
        self._query_and_extras = query, extras
        self._jobs = jobs
        self._environment = dict(os.environ)
        if threads is not None:
            self._environment |= _BLAS_ON_ONE_THREAD | {"OMP_NUM_THREADS": str(threads)}
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
                worker = _Worker(self._query_and_extras, self._environment)
                self._workers.append(worker)
                self._idle.put(worker)
            # All workers load at the same time. Waiting for one is enough: the others load the same.
            first_worker = self._workers[0]
            try:
                self.run, self.labels = first_worker.greeting()
            except WaldoError:
                raise
            except (EOFError, OSError):  # the process has ended: no data, or a reset connection
                raise WaldoError(
                    f"a worker process {first_worker.end()} while it loaded the stack"
                ) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        # Two loops, so that all workers end at the same time and not one after the other.
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(cancel_futures=True)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """Yield one record for each item, in their order; a record among the items is passed on unchanged."""
        yield from in_order(items, self._submit, window=WINDOW_PER_WORKER * self._jobs)

    def _submit(self, item: Item) -> Future[Record]:
        return self._threads.submit(self._examine, item)

    def _examine(self, item: Item) -> Record:
        """Have an idle worker examine an image; replace the worker if it ends before it has answered."""
        worker = self._idle.get()
        try:
            return worker.examine(item, self._timeout)
        except WaldoError:
            # A new worker cannot load the stack or a mask any more: end the whole run.
            raise
        except (EOFError, OSError) as e:
            outcome = worker.end()
            sweep(os.path.dirname(item.output), worker.process.pid)
            if not self._closing:
                self._workers.remove(worker)
                worker = _Worker(self._query_and_extras, self._environment)
                self._workers.append(worker)
            error = str(e) if isinstance(e, TimeoutError) else f"its worker process {outcome}"
            return Record(item.path, self.run, error=error, page=item.page)
        finally:
            self._idle.put(worker)


class _Worker:
    """One worker process, and the pipe to it.

    Messages in their order: query and extras to the worker; its greeting or a `WaldoError` back; then an
    item to the worker and its record back, again and again.
    """

    def __init__(self, query_and_extras: tuple[Query, Extras], environment: dict[str, str]) -> None:
        try:
            self._connection, worker_end = Pipe()
        except OSError as e:
            raise _cannot_start(e) from None
        # The worker gets the import path of this process. Without -P Python would put the current folder
        # before it, and import a file there that is named numpy.py.
        code = (
            f"import sys; sys.path[:] = {sys.path!r};"
            f" from waldo_cli.batch.workers import serve; serve({worker_end.fileno()})"
        )
        with worker_end:  # close it here once the worker has its copy
            try:
                self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.PIPE,  # closed when this process ends: see _leave_with_parent
                    stdout=subprocess.DEVNULL,  # standard output is for records only
                    pass_fds=[worker_end.fileno()],
                    process_group=0,  # so that Ctrl-C in the terminal reaches this process only
                    env=environment,
                )
            except OSError as e:
                raise _cannot_start(e) from None
        self._greeting: tuple[str, tuple[str, ...]] | None = None
        # If the worker has ended already, `greeting` will report it.
        with contextlib.suppress(OSError):
            self._connection.send(query_and_extras)

    def greeting(self) -> tuple[str, tuple[str, ...]]:
        """Return the fingerprint and the labels of the run, as soon as the worker has loaded the stack."""
        if self._greeting is None:
            message = self._connection.recv()
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
        self._connection.send(item)
        if not self._connection.poll(timeout):
            self.process.terminate()
            raise TimeoutError(f"not done within {timeout} s (--timeout)")
        record: Record = self._connection.recv()
        return record

    def end(self) -> str:
        """Wait until the process has ended, kill it if needed; return how it ended, as part of a sentence."""
        try:
            status = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        if status >= 0:  # a negative status is the signal that ended the process
            return f"ended with status {status}"
        hint = ": out of memory?" if status == -signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-status).name}{hint}"


def _cannot_start(error: OSError) -> WaldoError:
    return WaldoError(f"cannot start a worker process: {reason(error)}; use a smaller --jobs")


def serve(descriptor: int) -> None:
    """Run as a worker process; `descriptor` is its end of the pipe. `_Worker` lists the messages."""
    if not sys.warnoptions:  # as in the main process: warnings are for developers
        warnings.simplefilter("ignore")
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            finder = Finder(*connection.recv())
        except WaldoError as e:
            connection.send(e)
            return
        # SystemExit unwinds the program, so that half-written files are removed. Install this only now:
        # SystemExit raised during numpy's import would be printed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        connection.send((finder.run, finder.labels))
        while True:
            connection.send(finder.examine(connection.recv()))


def _leave_with_parent() -> None:
    """End this worker as soon as the main process has ended, even if it was killed."""
    # Nothing is ever written to this pipe: the call returns when the other end is closed.
    os.read(0, 1)
    os._exit(1)

"""Examine images on the workers of a Dask cluster.

The stack, masks and prior are loaded on this machine and sent to every worker in a plugin, also to workers
that join later. Then every image is a task of its own. The workers read the images and write the heatmaps,
so they need the same paths as this machine, or URLs of a file system that fsspec supports.

Plugin and task travel by value and hold nothing but bytes and text (`_make_plugin`). So a worker that cannot
do the work, such as one without this package or with another version of it, can join the cluster: it hands
every image back, and the image is sent to another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
import threading
import time
import warnings
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from waldo_cli import __version__
from waldo_cli.answers.record import Record
from waldo_cli.batch.engine import Done, in_order
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.batch.workers import Seat
from waldo_cli.errors import FileError, MissingExtraError, WaldoError
from waldo_cli.inputs.items import Item

try:
    from distributed import Client, KilledWorker, Security, WorkerPlugin, get_worker
    from distributed.comm.addressing import resolve_address
    from distributed.comm.core import CommClosedError, connect
    from distributed.protocol import pickle as dask_pickle
except ImportError:
    raise MissingExtraError("--scheduler needs Dask: pip install 'waldo-cli[dask]'") from None

# Tasks, records and the plugin are packed as Dask packs what it sends itself.
dumps: Any = dask_pickle.dumps
loads: Any = dask_pickle.loads

# Seconds to wait for an answer of the scheduler, and then for a first worker.
CONNECT_TIMEOUT = 7

# Seconds to wait for an answer of a worker, also of a busy one.
ANSWER_TIMEOUT = 3

# Seconds to wait for a worker that can take an image, after all have been lost. The help names it.
LOST_TIMEOUT = 60

# Seconds between two looks at which workers there are.
WATCH_INTERVAL = 1.0

# Images that are submitted, or done and waiting for an earlier one: four for each thread of the cluster, so
# that no thread runs out of work, but at least 64.
WINDOW_PER_THREAD, MIN_WINDOW = 4, 64

T = TypeVar("T")


def _silence_libraries() -> None:
    """Keep Dask and what it is made of from writing to stderr; here an error is one line.

    Dask gives several of its loggers, such as ``distributed.client``, handlers of their own.
    """
    tops = ("distributed", "tornado", "asyncio")
    known = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in tops]
    for name in {*tops, *known}:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False


class Cluster:
    """An engine that examines images on a Dask cluster.

    Parameters
    ----------
    query, extras
        What to do with every image.
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    timeout
        Seconds that a worker may take for one image; None for no limit.
    say
        Called with a line for the user, from any thread.

    Raises
    ------
    WaldoError
        The stack, a mask or the prior cannot be used. From `__enter__`: no scheduler answers, it has no
        workers, or a worker cannot do the work, such as one without this package or with another version of
        it. From `records`: the scheduler is gone, or there has been no worker for `LOST_TIMEOUT` seconds.
    """

    def __init__(
        self,
        query: Query,
        extras: Extras,
        address: str,
        timeout: int | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._say = say
        # Workers run in a folder of their own: relative paths start from the current folder of this machine.
        self._folder = str(Path.cwd())
        self._finder = Finder(query, extras, self._folder)
        self.run, self.labels = self._finder.run, self._finder.labels
        self._name = f"waldo-{self.run}-{os.getpid()}"
        self._client: Any = None
        self._window = MIN_WINDOW
        self._usable: dict[str, bool] = {}  # by the address of a worker; replaced, never changed
        self._count = 0  # of the workers, with those that have not answered yet
        # The only workers that may do a task, where not all may; and tasks of which none of these is left,
        # to be submitted again.
        self._bound: dict[Any, list[str]] = {}
        self._freed: set[Any] = set()
        self._fail: Done | None = None  # ends the run with an error
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        _silence_libraries()
        with warnings.catch_warnings(action="ignore"):  # of versions that differ on the workers
            self._must_answer()
            client: Any = Client
            try:
                self._client = client(self._address, timeout=CONNECT_TIMEOUT, set_as_default=False)
            except (OSError, ValueError, TimeoutError) as e:
                raise self._no_answer(_first_line(e)) from None
        try:
            self._wait_for_workers()
            examiner = _Examiner(self._finder, self._folder, self._timeout)
            plugin = _make_plugin(__version__, dumps(examiner))
            self._send(plugin)
        except BaseException as e:
            self.__exit__()
            if isinstance(e, OSError) and not isinstance(e, WaldoError):
                raise self._no_answer(f"it went away: {_first_line(e)}") from None
            raise
        threading.Thread(target=self._watch_workers, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        with contextlib.suppress(Exception):  # the cluster may not be there any more
            _started(partial(self._client.unregister_worker_plugin, self._name)).result(2)
        with contextlib.suppress(Exception):
            self._client.close(timeout=1)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """Yield one record for each item, in their order; a record among the items is passed on unchanged."""
        yield from in_order(items, self._submit, self._window)

    def _must_answer(self) -> None:
        """Ask the scheduler who it is.

        A client of Dask itself has no limit of time for an address that listens and is silent, and takes
        the bytes of another protocol for the length of an answer.

        Raises
        ------
        FileError
            No scheduler answers at the address.
        """
        scheme, _, _ = self._address.rpartition("://")
        if scheme not in ("", "tcp", "tls"):
            raise self._no_answer(f"{scheme}:// is none of tcp:// and tls://")
        security: Any = Security
        arguments = security().get_connection_args("client")
        if scheme == "tls" and not isinstance(arguments.get("ssl_context"), ssl.SSLContext):
            raise self._no_answer(
                "tls:// needs certificates, of which Dask's configuration says where they are:"
                " DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ..._CLIENT__CERT and ..._CLIENT__KEY"
            )

        async def ask() -> Any:
            open_comm: Any = connect
            comm = await open_comm(self._address, timeout=CONNECT_TIMEOUT, **arguments)
            try:
                await comm.write({"op": "identity", "reply": True})
                return await comm.read()
            finally:
                comm.abort()

        try:
            resolve_address(self._address)
            answer = asyncio.run(asyncio.wait_for(ask(), CONNECT_TIMEOUT))
        except TimeoutError:
            raise self._no_answer(f"nothing came within {CONNECT_TIMEOUT} s") from None
        except (OSError, ValueError) as e:
            raise self._no_answer(_first_line(e)) from None
        except Exception:  # noqa: BLE001 - whatever the bytes of another protocol lead to
            answer = None
        if not isinstance(answer, dict) or answer.get("type") != "Scheduler":
            raise self._no_answer("what answers there is something else")

    def _no_answer(self, cause: str) -> FileError:
        return FileError(f"no scheduler answers: {cause}", path=self._address)

    def _wait_for_workers(self) -> None:
        """Wait for a first worker; set the window by those that there are."""
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except TimeoutError:
            raise FileError("the scheduler has no workers", path=self._address) from None
        self._window = max(MIN_WINDOW, WINDOW_PER_THREAD * sum(self._threads().values()))

    def _threads(self) -> dict[str, int]:
        """Return the workers that there are, and the threads of each."""
        threads: dict[str, int] = _started(self._client.nthreads).result(CONNECT_TIMEOUT)
        self._count = len(threads)
        return threads

    def _send(self, plugin: Any) -> None:
        """Send the plugin to all workers; wait for those that answer.

        Dask itself waits for all, without end where a worker has stopped.

        Raises
        ------
        WaldoError
            A worker cannot be used, or none answers.
        """
        sent = _started(partial(self._client.register_plugin, plugin, name=self._name))
        while True:
            with contextlib.suppress(TimeoutError):
                sent.result(CONNECT_TIMEOUT)
            answers = self._check_new(self._threads())
            for problem in self._note(answers):
                raise WaldoError(problem)
            if sent.done() or any(self._usable.values()):
                return
            if not answers:
                raise FileError("none of its workers answers", path=self._address)

    def _check_new(self, workers: Iterable[str]) -> dict[str, str | None]:
        """Ask those workers that are not known yet why they cannot be used; the answer is "" where they can.

        The answer is None where it must be asked again: one has gone meanwhile, or has not got the plugin
        yet. Those that are silent are left out.
        """
        question = _make_question()

        async def ask(worker: str) -> dict[str, Any]:
            call = self._client.run(question, self._name, workers=[worker], on_error="return")
            try:
                answer: dict[str, Any] = await asyncio.wait_for(call, ANSWER_TIMEOUT)
            except TimeoutError:
                return {}
            return answer

        async def ask_all() -> list[dict[str, Any]]:
            return await asyncio.gather(*map(ask, new))

        new = [worker for worker in workers if worker not in self._usable]
        answers = ChainMap(*self._client.sync(ask_all))
        return {worker: a if isinstance(a, str) else None for worker, a in answers.items()}

    def _note(self, faults: dict[str, str | None]) -> list[str]:
        """Note which workers can be used, by what `_check_new` returned; return what is wrong with others."""
        known = {worker: fault for worker, fault in faults.items() if fault is not None}
        self._usable = self._usable | {worker: not fault for worker, fault in known.items()}
        return [f"the worker {worker} {fault}" for worker, fault in known.items() if fault]

    def _watch_workers(self) -> None:
        """Look at workers that join; end the run when there has been none that can be used for too long."""
        seen = time.monotonic()  # when there was a worker that could be used
        while not self._closed.wait(WATCH_INTERVAL):
            # A worker that has gone since, or a scheduler: the latter cancels all tasks.
            with contextlib.suppress(Exception):
                workers = self._threads()
                self._usable = {w: can for w, can in self._usable.items() if w in workers}
                self._free(workers)
                for problem in self._note(self._check_new(workers)):
                    self._say(f"waldo: {self._address}: {problem}; its images go to the others")
                if any(self._usable.values()):
                    seen = time.monotonic()
            if time.monotonic() - seen > LOST_TIMEOUT and self._fail is not None:
                problem = f"all workers are lost, and none has come for {LOST_TIMEOUT} s"
                self._fail(FileError(problem, path=self._address))
                return

    def _free(self, workers: Iterable[str]) -> None:
        """Cancel the tasks of which all workers have gone; `_receive` submits them again."""
        here = set(workers)
        for future, bound in list(self._bound.items()):
            if here.isdisjoint(bound):
                self._freed.add(future)
                future.cancel()

    def _submit(self, item: Item, done: Done) -> None:
        self._fail = done
        # Those that can be used, where others are among them: a silent one would take images, and keep them
        # until Dask drops it after minutes. Where all are lost, any may hand it back.
        usable = [worker for worker, can in self._usable.items() if can]
        where = usable if 0 < len(usable) < self._count else None
        # pure=False: never reuse a result that Dask has for the same arguments; the file may have changed.
        future = self._client.submit(
            _make_task(), self._name, dumps(item), pure=False, retries=2, workers=where
        )
        if where is not None:
            self._bound[future] = where
        future.add_done_callback(partial(self._receive, item, done))

    def _receive(self, item: Item, done: Done, future: Any) -> None:
        """Pass on what a worker has made of an item, or submit it again if the worker cannot be used.

        It is not left to the scheduler (`Reschedule`): that may choose the same worker without end.
        """
        outcome = self._outcome(item, future)
        # Not before: while a record is waited for, its workers may go.
        self._bound.pop(future, None)
        if future in self._freed:
            self._freed.discard(future)
            outcome = None
        if outcome is None:
            try:
                self._submit(item, done)
            except Exception:  # noqa: BLE001 - whatever a client raises that is not connected any more
                outcome = FileError("the scheduler is gone", path=self._address)
        if outcome is not None:
            done(outcome)

    def _result_of(self, future: Any) -> bytes | None:
        """Return what a task that is done has returned; raise what it has raised.

        Where the worker that held the result is lost, the task is done again, and this waits for it. Dask
        would wait without end if its client were closed meanwhile, in a thread that keeps the process alive.
        """
        while True:
            try:
                result: bytes | None = future.result(timeout=WATCH_INTERVAL)
            except TimeoutError:
                if self._closed.is_set() or future.status == "error":  # the task's own, or given up
                    raise
            else:
                return result

    def _outcome(self, item: Item, future: Any) -> Record | BaseException | None:
        """Return the record of a worker, or an error that ends the run; None if the worker cannot be used."""
        empty = Record(item.path, self.run, page=item.page, output=item.output)
        try:
            packed = self._result_of(future)
            record: Record | None = None if packed is None else loads(packed)
        except KilledWorker:
            return replace(empty, error="every worker that had it was lost: out of memory?")
        except (CancelledError, CommClosedError):  # the image is not to blame
            return FileError("the scheduler is gone", path=self._address)
        except Exception as e:  # noqa: BLE001 - a worker's environment may raise anything
            return replace(empty, error=f"its worker failed: {type(e).__name__}: {_first_line(e)}")
        return record


class _Examiner:
    """Examines images on a worker: in its own process, or with a limit of time in further ones.

    Only another process can be ended from outside.
    """

    def __init__(self, finder: Finder, folder: str, timeout: int | None) -> None:
        self._finder = finder
        self._folder = folder
        self._timeout = timeout
        # Of the processes that have no image now. There come to be as many as the worker has threads.
        self._seats: list[Seat] = []

    def examine(self, item: Item) -> Record:
        if self._timeout is None:
            return self._finder.examine(item)
        try:
            seat = self._seats.pop()
        except IndexError:
            seat = Seat(self._finder, dict(os.environ), self._timeout, self._folder)
        try:
            return replace(seat.examine(item, self._finder.run), output=item.output)
        finally:
            self._seats.append(seat)

    def close(self) -> None:
        for seat in self._seats:
            seat.close()
        for seat in self._seats:
            seat.wait()


def _make_plugin(version: str, examiner: bytes) -> Any:
    """Return a plugin that takes an `_Examiner` of this version of the package to every worker.

    Its class is made here, within a function: so it is sent by value, and a worker that does not have this
    package can unpack it. `fault` says why a worker cannot be used; it is empty where it can.
    """

    class FinderPlugin(WorkerPlugin):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.examiner = None
            self.fault = "could not start waldo-cli"

        def setup(self, worker: Any) -> None:  # noqa: ARG002 - Dask's signature
            try:
                try:
                    from waldo_cli import __version__ as here
                except ImportError:
                    self.fault = "has no waldo-cli: pip install 'waldo-cli[dask]' there"
                    return
                if here != version:
                    self.fault = (
                        f"has waldo-cli {here}, this is {version}: install the same on both"
                    )
                    return
                self.examiner = loads(examiner)
                self.fault = ""
            except Exception as e:  # noqa: BLE001 - a library is missing there, or its code is another one
                # The last line: numpy's own text is a page that ends with the cause.
                cause = f"{type(e).__name__}: {e}".strip(": \n").splitlines()[-1]
                self.fault = f"cannot load waldo-cli: {cause}: install the same there as here"

        def teardown(self, worker: Any) -> None:  # noqa: ARG002 - Dask's signature
            if self.examiner is not None:
                self.examiner.close()

    return FinderPlugin()


def _make_question() -> Callable[..., str]:
    """Return a function that asks a worker what its plugin's `fault` is; sent by value, as the plugin is."""

    def ask(name: str, dask_worker: Any) -> str:
        fault: str = dask_worker.plugins[name].fault
        return fault

    return ask


def _make_task() -> Callable[[str, bytes], bytes | None]:
    """Return the task that examines an image, sent by value, as the plugin is; None: not by this worker."""

    def examine(name: str, item: bytes) -> bytes | None:
        plugin: Any = get_worker().plugins[name]
        if plugin.examiner is None:
            # Meanwhile others may have become free, or it is known that this one cannot.
            time.sleep(1)
            return None
        packed: bytes = dumps(plugin.examiner.examine(loads(item)))
        return packed

    return examine


def _started(call: Callable[[], T]) -> Future[T]:
    """Call a function in a thread of its own, which keeps nothing from ending."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as e:  # noqa: BLE001 - raised again by `result`
            future.set_exception(e)

    threading.Thread(target=work, daemon=True).start()
    return future


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

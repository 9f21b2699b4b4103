"""Examine images on the workers of a Dask cluster.

The stack, masks and prior are loaded on this machine and sent to every worker in a plugin, also to workers
that join later. Then every image is a task of its own. The workers read the images and write the heatmaps,
so they need the same paths as this machine, or URLs of a file system that fsspec supports.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from waldo_cli import __version__
from waldo_cli.answers.record import Record
from waldo_cli.batch.engine import in_order
from waldo_cli.batch.finder import Extras, Finder, Query
from waldo_cli.errors import FileError, MissingExtraError, WaldoError
from waldo_cli.inputs.items import Item

try:
    from distributed import Client, KilledWorker, WorkerPlugin, get_worker
    from distributed.comm.addressing import resolve_address
except ImportError:
    raise MissingExtraError("--scheduler needs Dask: pip install 'waldo-cli[dask]'") from None

# Seconds to wait for an answer of the scheduler, and then for a first worker.
CONNECT_TIMEOUT = 10

# Images that are submitted, or done and waiting for an earlier one: four for each thread of the cluster, so
# that no thread runs out of work, but at least 64.
WINDOW_PER_THREAD, MIN_WINDOW = 4, 64


class Cluster:
    """An engine that examines images on a Dask cluster.

    Parameters
    ----------
    query, extras
        What to do with every image.
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    WaldoError
        The stack, a mask or the prior cannot be used. From `__enter__`: no scheduler answers, it has no
        workers, or a worker does not have this package or has another version of it.
    """

    def __init__(self, query: Query, extras: Extras, address: str) -> None:
        self._address = address
        # Workers run in a folder of their own: relative paths start from the current folder of this machine.
        self._finder = Finder(query, extras, str(Path.cwd()))
        self.run, self.labels = self._finder.run, self._finder.labels
        self._name = f"waldo-{self.run}-{os.getpid()}"
        self._client: Any = None
        self._window = MIN_WINDOW

    def __enter__(self) -> Self:
        # Dask logs errors with tracebacks to stderr. Turn that off: here an error is one line.
        logging.getLogger("distributed").handlers[:] = [logging.NullHandler()]
        try:
            # Checked first: a Client that fails to resolve the address leaves a thread behind.
            resolve_address(self._address)
            with warnings.catch_warnings(action="ignore"):  # of versions that differ on the workers
                connect: Any = Client
                self._client = connect(self._address, timeout=CONNECT_TIMEOUT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as e:
            raise FileError(f"no scheduler answers: {_first_line(e)}", path=self._address) from None
        try:
            self._check_workers()
            self._client.register_plugin(_FinderPlugin(self._finder), name=self._name)
        except BaseException:
            self._client.close(timeout=1)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # the cluster may not be there any more
            self._client.unregister_worker_plugin(self._name)
        with contextlib.suppress(Exception):
            self._client.close(timeout=1)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """Yield one record for each item, in their order; a record among the items is passed on unchanged."""
        yield from in_order(items, self._submit, self._window)

    def _check_workers(self) -> None:
        """Check that there are workers that have this package in this version; set the window by them."""
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except TimeoutError:
            raise FileError("the scheduler has no workers", path=self._address) from None
        # Two questions. `find_spec` is in the standard library, so it also runs on workers without this
        # package, where a function of this package could not be called.
        for worker, spec in self._client.run(find_spec, "waldo_cli", on_error="return").items():
            if spec is None or isinstance(spec, Exception):
                raise WaldoError(
                    f"the worker {worker} has no waldo-cli: pip install 'waldo-cli[dask]' there"
                )
        for worker, version in self._client.run(_version).items():
            if version != __version__:
                raise WaldoError(
                    f"the worker {worker} has waldo-cli {version}, this is {__version__}:"
                    " install the same on both"
                )
        threads = sum(self._client.nthreads().values())
        self._window = max(MIN_WINDOW, WINDOW_PER_THREAD * threads)

    def _submit(self, item: Item) -> _PendingRecord:
        # pure=False: never reuse a result that Dask has for the same arguments; the file may have changed.
        future = self._client.submit(_examine, self._name, item, pure=False, retries=2)
        return _PendingRecord(
            future, Record(item.path, self.run, page=item.page, output=item.output), self._address
        )


class _FinderPlugin(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Takes a finder to every worker."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder


class _PendingRecord:
    """A record that the cluster is making. A failure of its worker becomes the record's error.

    Parameters
    ----------
    future
        Of Dask.
    empty
        The record without an answer, to which the error is added.
    address
        Of the scheduler, for error messages.
    """

    def __init__(self, future: Any, empty: Record, address: str) -> None:
        self._future = future
        self._empty = empty
        self._address = address

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        self._future.add_done_callback(lambda _: call(self))

    def result(self) -> Record:
        try:
            record: Record = self._future.result()
        except KilledWorker:
            return replace(self._empty, error="every worker that had it was lost: out of memory?")
        except CancelledError:
            raise FileError("the scheduler is gone", path=self._address) from None
        except Exception as e:  # noqa: BLE001 - a worker's environment may raise anything
            return replace(
                self._empty, error=f"its worker failed: {type(e).__name__}: {_first_line(e)}"
            )
        return record


def _version() -> str:
    return __version__


def _examine(name: str, item: Item) -> Record:
    """Examine an image. Runs on a worker, with the finder of the plugin of this name."""
    plugin: Any = get_worker().plugins[name]
    record: Record = plugin.finder.examine(item)
    return record


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

"""Images spread over the workers of a Dask cluster.

The stack, masks and prior are loaded here and go to every worker, also to those that come later.
Images are read, and heatmaps written, by the workers: by paths that they share with this machine, or
from URLs that fsspec knows.
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

# Seconds to wait for the scheduler to answer, and for a first worker.
PATIENCE = 10

# Images under way or done out of turn: for each computing thread of the cluster, and at least.
AHEAD, AT_LEAST = 4, 64


class Cluster:
    """A Dask cluster; an engine of `batch`.

    Parameters
    ----------
    query, extras
        What is asked.
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    WaldoError
        Stack, a mask or the prior cannot be used; from `__enter__`: no scheduler answers, it has no
        workers, or a worker lacks this package or has another version of it.
    """

    def __init__(self, query: Query, extras: Extras, address: str) -> None:
        self._address = address
        self._finder = Finder(query, extras, str(Path.cwd()))
        self.run, self.labels = self._finder.run, self._finder.labels
        self._name = f"waldo-{self.run}-{os.getpid()}"
        self._client: Any = None
        self._window = AT_LEAST

    def __enter__(self) -> Self:
        # It logs its errors with tracebacks to stderr; what matters becomes a line of ours.
        logging.getLogger("distributed").handlers[:] = [logging.NullHandler()]
        try:
            resolve_address(self._address)  # a Client that fails in this leaves a thread behind
            with warnings.catch_warnings(action="ignore"):  # of differing versions of anything
                connect: Any = Client
                self._client = connect(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as e:
            raise FileError(f"no scheduler answers: {_first_line(e)}", path=self._address) from None
        try:
            self._check()
            self._client.register_plugin(_Carrier(self._finder), name=self._name)
        except BaseException:
            self._client.close(timeout=1)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # the cluster may be gone
            self._client.unregister_worker_plugin(self._name)
        with contextlib.suppress(Exception):
            self._client.close(timeout=1)

    def records(self, items: Iterable[Item | Record]) -> Iterator[Record]:
        """One record for each item, in their order; a record among them passes through."""
        yield from in_order(items, self._submit, self._window)

    def _check(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise FileError("the scheduler has no workers", path=self._address) from None
        # A function of the standard library: one of ours could not even be asked for where the
        # package is missing.
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
        self._window = max(AT_LEAST, AHEAD * threads)

    def _submit(self, item: Item) -> _Answer:
        future = self._client.submit(_examine, self._name, item, pure=False, retries=2)
        return _Answer(future, Record(item.path, self.run, output=item.output), self._address)


class _Carrier(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Brings a finder to every worker."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder


class _Answer:
    """A record to come from the cluster; what goes wrong there becomes its error."""

    def __init__(self, future: Any, lost: Record, address: str) -> None:
        self._future = future
        self._lost = lost
        self._address = address

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        self._future.add_done_callback(lambda _: call(self))

    def result(self) -> Record:
        try:
            record: Record = self._future.result()
        except KilledWorker:
            return replace(self._lost, error="every worker that had it was lost: out of memory?")
        except CancelledError:
            raise FileError("the scheduler is gone", path=self._address) from None
        except Exception as e:  # noqa: BLE001 - whatever a worker's own set-up may raise
            return replace(
                self._lost, error=f"its worker failed: {type(e).__name__}: {_first_line(e)}"
            )
        return record


def _version() -> str:
    return __version__


def _examine(name: str, item: Item) -> Record:
    carrier: Any = get_worker().plugins[name]
    record: Record = carrier.finder.examine(item)
    return record


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

"""Commands that compute run only where memory is not limited so far that their libraries end the process."""

from __future__ import annotations

import os
import resource
from typing import Any

import click

from waldo_cli.errors import WaldoError

# Bytes that it takes to load numpy and SciPy, each with an OpenBLAS of its own that has buffers for each
# thread. Where OpenBLAS gets none it prints a line of its own and exits with 1, which means "nothing found".
_ONE_THREAD = 128 << 20
_FURTHER_THREAD = 80 << 20


class Computing(click.Command):
    """A command that loads numpy when it runs, not for its help."""

    def invoke(self, ctx: click.Context) -> Any:
        _refuse_short_memory()
        return super().invoke(ctx)


def _refuse_short_memory() -> None:
    """Refuse to go on where `ulimit -v` leaves too little for the libraries.

    Raises
    ------
    WaldoError
        It does.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY or not os.path.exists("/proc/self/statm"):
        return
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    asked = os.environ.get("OPENBLAS_NUM_THREADS", "")
    threads = min(int(asked), os.cpu_count() or 1) if asked.isdecimal() else 1
    needed = mapped + _ONE_THREAD + _FURTHER_THREAD * max(0, threads - 1)
    if limit < needed:
        raise WaldoError(
            f"memory is limited to {limit >> 10} kB, to load the libraries takes {needed >> 10}: raise the"
            " limit (ulimit -v)"
        )

"""Commands that compute run only where memory is not limited so far that their libraries end the process."""

from __future__ import annotations

import os
import resource
from typing import Any

import click

from waldo_cli.errors import WaldoError

# Bytes that it takes to load numpy and SciPy, each with an OpenBLAS of its own that has buffers for each
# thread, with some to spare. Where OpenBLAS gets none it prints a line of its own and exits with 1, which
# means "nothing found", or it tries for ever.
_ONE_THREAD = 256 << 20
_FURTHER_THREAD = 112 << 20


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
    needed = mapped + _ONE_THREAD + _FURTHER_THREAD * (_threads() - 1)
    if limit < needed:
        raise WaldoError(
            f"memory is limited to {limit >> 10} kB, to load the libraries takes {needed >> 10}: raise the"
            " limit (ulimit -v)"
        )


def _threads() -> int:
    """How many threads OpenBLAS makes: as many as there are processors, unless fewer are asked for."""
    from waldo_cli.parallel import bound_cores  # loads ctypes, which help does without

    available = bound_cores()  # it knows nothing of a container's quota
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "").strip()
        if asked.isdecimal() and int(asked) > 0:
            return min(int(asked), available)
    return available

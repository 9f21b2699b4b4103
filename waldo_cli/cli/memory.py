"""Commands that compute run only where memory is not limited so far that their libraries end the process."""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from typing import Any

import click

from waldo_cli.errors import WaldoError

# Bytes that it takes to load numpy and SciPy, each with an OpenBLAS of its own that has buffers for each
# thread, with some to spare. Where OpenBLAS gets none it prints a line of its own and exits with 1, which
# means "nothing found", or it tries for ever.
_ONE_THREAD = 256 << 20
_FURTHER_THREAD = 112 << 20

# How much it takes to load PyTorch depends on how it was built: from 0.5 GB to some GB with CUDA. So another
# process tries, with some bytes less.
_TO_SPARE = 256 << 20
_LOAD_PYTORCH = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
import waldo_cli.training.cross_validate, torch
torch.ones(1 << 20).exp()  # by all threads
"""


class Computing(click.Command):
    """A command that loads numpy when it runs, not for its help."""

    def invoke(self, ctx: click.Context) -> Any:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY and os.path.exists("/proc/self/statm"):
            self.refuse_short_memory(limit)
        return super().invoke(ctx)

    def refuse_short_memory(self, limit: int) -> None:
        """Refuse to go on where `ulimit -v`, in bytes, leaves too little for the libraries.

        Raises
        ------
        WaldoError
            It does.
        """
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
        needed = mapped + _ONE_THREAD + _FURTHER_THREAD * (_threads() - 1)
        if limit < needed:
            raise WaldoError(
                f"memory is limited to {limit >> 10} kB, to load the libraries takes {needed >> 10}: raise"
                " the limit (ulimit -v)"
            )


class Learning(Computing):
    """A command that loads PyTorch, too, which ends the process where it gets no memory."""

    def refuse_short_memory(self, limit: int) -> None:
        super().refuse_short_memory(limit)
        if importlib.util.find_spec("torch") is None:  # the command says how to install it
            return
        tried = [sys.executable, "-P", "-c", _LOAD_PYTORCH, str(max(0, limit - _TO_SPARE))]
        if subprocess.run(tried, capture_output=True, check=False).returncode != 0:  # noqa: S603
            raise WaldoError(
                f"memory is limited to {limit >> 10} kB, to load PyTorch takes more: raise the limit"
                " (ulimit -v)"
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

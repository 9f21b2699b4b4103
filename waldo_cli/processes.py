"""Python processes of this program that work beside it, each behind a pipe.

A `Child` runs one function of the package, which gets its end of the pipe by `serving`. It ends with its
parent, whatever ends that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from waldo_cli.errors import WaldoError
from waldo_cli.files import reason

# BLAS must not start threads of its own: `waldo_cli.parallel` spreads the work over the cores, and
# OMP_NUM_THREADS limits its threads.
_BLAS_ON_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

# Seconds that a process has to remove a half-written file and to end, before it is killed.
GRACE = 0.5


class Child:
    """A process of its own, and the pipe to it.

    Parameters
    ----------
    module, function
        What it runs, with the number of the pipe's file as the only argument.
    environment
        Its environment variables.

    Attributes
    ----------
    process
        The process.
    connection
        This end of the pipe. To read from it raises EOFError or OSError once the process has ended.

    Raises
    ------
    WaldoError
        It cannot be started.
    """

    def __init__(self, module: str, function: str, environment: dict[str, str]) -> None:
        try:
            self.connection, its_end = Pipe()
        except OSError as e:
            raise _cannot_start(e) from None
        # It gets the import path of this process. Without -P Python would put the current folder before it,
        # and import a file there that is named numpy.py.
        # What this process has imported, it may lack memory for: its end is reported, not the traceback.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"try: from {module} import {function}\n"
            "except (ImportError, MemoryError, SystemError): sys.exit(1)\n"
            f"{function}({its_end.fileno()})"
        )
        with its_end:  # close it here once the process has its copy
            try:
                self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.PIPE,  # closed when this process ends: see `leave_with_parent`
                    stdout=subprocess.DEVNULL,  # standard output is for answers only
                    pass_fds=[its_end.fileno()],
                    process_group=0,  # so that Ctrl-C in the terminal reaches this process only
                    env=environment,
                )
            except OSError as e:
                raise _cannot_start(e) from None

    def end(self) -> str:
        """Wait until it has ended, kill it if needed; return how it ended, as part of a sentence."""
        try:
            status: int | None = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = None
        if self.process.stdin is not None:
            self.process.stdin.close()
        if status is None:
            return "did not end by itself"
        if status >= 0:  # a negative status is the signal that ended the process
            return f"ended with status {status}"
        hint = ": out of memory?" if status == -signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-status).name}{hint}"


def _cannot_start(error: OSError) -> WaldoError:
    return WaldoError(f"cannot start a worker process: {reason(error)}; use a smaller --jobs")


def environment(threads: int | None) -> dict[str, str]:
    """Return the environment variables for a child with so many computing threads; None: as many as here."""
    if threads is None:
        return dict(os.environ)
    return dict(os.environ) | _BLAS_ON_ONE_THREAD | {"OMP_NUM_THREADS": str(threads)}


@contextlib.contextmanager
def serving(descriptor: int) -> Iterator[Connection]:
    """In a child: its end of the pipe; the ``with`` block ends quietly when the parent closes its own."""
    if not sys.warnoptions:  # as in the main process: warnings are for developers
        warnings.simplefilter("ignore")
    leave_with_parent()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        yield Connection(descriptor)


def leave_with_parent() -> None:
    """From now on, end this process as soon as its parent has ended, even if that was killed."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    # Nothing is ever written to this pipe: the call returns when the other end is closed.
    os.read(0, 1)
    os._exit(1)

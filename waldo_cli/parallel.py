"""Run jobs on several threads, and keep memory between jobs.

numpy releases Python's global lock (GIL) while it computes, so threads can use all cores. The callers
cut their work into the same jobs for any number of threads, so the results do not depend on that number.

- `spread` runs one function over many jobs; `spread_workers` does so with buffers for each thread.
- `thread_count`, `at_most` and `available_cores` decide how many threads run.
- `scratch` and `keep_freed_memory` avoid asking the system for the same memory again and again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import math
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from waldo_cli.arrays import Floats

Job = TypeVar("Job")

# State of each thread: `busy` while it runs jobs of `spread`, `scratch` its buffer (see `scratch`).
_thread_state = threading.local()
# Limits of the `at_most` blocks that are open. The last one, of the innermost block, applies.
_thread_limits: list[int] = []
# Returns the number of the core that the calling thread runs on; None where threads cannot choose a core.
_current_core: Callable[[], int] | None = None
if hasattr(os, "sched_setaffinity"):
    _current_core = getattr(ctypes.CDLL(None), "sched_getcpu", None)


@contextlib.contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Limit the number of threads while the ``with`` block runs."""
    _thread_limits.append(threads)
    try:
        yield
    finally:
        _thread_limits.pop()


def thread_count() -> int:
    """Return how many threads to use.

    The limit of `at_most` comes first, then OMP_NUM_THREADS, as BLAS libraries read it, then the number of
    available cores.
    """
    if _thread_limits:
        return _thread_limits[-1]
    setting = os.environ.get("OMP_NUM_THREADS", "")
    return int(setting) if setting.isdigit() and int(setting) > 0 else available_cores()


def available_cores() -> int:
    """Return how many cores this process may use, by its CPU affinity and its container's CPU quota."""
    return max(1, min(bound_cores(), _quota()))


def bound_cores() -> int:
    """Return how many cores this process may run on, by its CPU affinity."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@functools.cache
def _quota() -> int:
    """Return the container's CPU quota in cores, rounded up; a very large number if there is no quota."""
    try:
        # cgroup v2: microseconds of CPU time that the container may use in each period, and the period.
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return sys.maxsize


def spread(work: Callable[[Job], None], jobs: Iterable[Job]) -> None:
    """Call ``work(job)`` for every job, on several threads; see `spread_workers`."""
    spread_workers(lambda: work, jobs)


def spread_workers(
    new_worker: Callable[[], Callable[[Job], None]], jobs: Iterable[Job], most: int | None = None
) -> None:
    """Run every job on several threads, where each thread makes its own worker.

    If a job itself calls this function, the inner jobs run on that job's thread. After an exception no new
    job starts, and the first exception is raised here. numpy's warnings about overflow and invalid values
    are off meanwhile: code for which NaN and infinity matter checks for them.

    Parameters
    ----------
    new_worker
        Called once on each thread; returns the function that runs a job. Buffers that one thread uses for
        all its jobs belong here.
    jobs
        What to run the workers on; started in this order.
    most
        Largest number of threads; by default only `thread_count` limits it.
    """
    import numpy as np

    pending = list(jobs)
    threads = min(thread_count(), len(pending), most or len(pending))
    if threads <= 1 or getattr(_thread_state, "busy", False):
        with np.errstate(invalid="ignore", over="ignore"):
            work = new_worker()
            for job in pending:
                work(job)
        return
    pending.reverse()  # `pop` takes from the end
    failures: list[BaseException] = []

    def drain() -> None:
        """Run jobs until none is left or one has failed, on any thread."""
        _thread_state.busy = True
        try:
            with np.errstate(invalid="ignore", over="ignore"):
                work = new_worker()
                while pending and not failures:
                    try:
                        job = pending.pop()
                    except IndexError:  # another thread took the last one
                        break
                    work(job)
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the caller's thread
            failures.append(failure)
        finally:
            _thread_state.busy = False

    caller_core = _current_core() if _current_core else -1

    def run_helper() -> None:
        _move_off(caller_core)
        drain()

    # The calling thread runs jobs, too. Daemon threads do not keep the program alive when it exits.
    helpers: list[threading.Thread] = []
    for _ in range(threads - 1):
        helper = threading.Thread(target=run_helper, daemon=True)
        try:
            helper.start()
        except RuntimeError:
            # No memory is left for its stack, or no process: the others do its work.
            break
        helpers.append(helper)
    drain()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]


def _move_off(core: int) -> None:
    """Move the calling thread to another core than `core`, if it may use others.

    On virtual machines, Linux mostly starts a thread on the core of the thread that started it, even if
    other cores are idle. The two threads share that core until the scheduler balances the load, about 4 ms
    later. By then much of the work is done.
    """
    if _current_core and (other_cores := (allowed := os.sched_getaffinity(0)) - {core}):
        with contextlib.suppress(OSError):  # some sandboxes forbid it
            os.sched_setaffinity(0, other_cores)  # moves the thread at once
            os.sched_setaffinity(0, allowed)  # from now on it may use every core again


def scratch(*sizes: int) -> list[Floats]:
    """Return flat float32 buffers of these sizes, with undefined contents, for one job.

    All calls on the same thread return the same memory. So a job calls this once, and does not run other
    jobs while it uses the buffers. Without this, each job would allocate megabytes anew, and the system
    hands them out page by page, which can take longer than the job.
    """
    import numpy as np

    buffer: Floats | None = getattr(_thread_state, "scratch", None)
    ends = list(itertools.accumulate(sizes))
    if buffer is None or buffer.size < ends[-1]:
        buffer = _thread_state.scratch = np.empty(ends[-1], np.float32)
    return [buffer[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def keep_freed_memory() -> None:
    """Make glibc keep the memory that one band of an image has freed for the next band.

    By default it returns megabytes to the system each time and gets them back page by page.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries do not have it
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        mallopt(trim_threshold, 1 << 28)  # return free memory to the system only above 256 MiB
        mallopt(mmap_threshold, 1 << 25)  # take blocks below 32 MiB from the memory that is kept

"""Work spread over the cores of this machine.

numpy lets other threads run while it computes, so plain threads are enough. Jobs are cut the same
way whatever the number of threads, so the answer does not depend on it.
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

_here = threading.local()
_most: list[int] = []  # what `at_most` was asked for, the last one counts
# The number of the core that a thread is on, where the system lets threads choose.
_core: Callable[[], int] | None = None
if hasattr(os, "sched_setaffinity"):
    _core = getattr(ctypes.CDLL(None), "sched_getcpu", None)


@contextlib.contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Use no more threads than this meanwhile."""
    _most.append(threads)
    try:
        yield
    finally:
        _most.pop()


def thread_count() -> int:
    """How many threads to use: OMP_NUM_THREADS where it is set, as BLAS has it, else the available cores."""
    if _most:
        return _most[-1]
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else available_cores()


def available_cores() -> int:
    """Processor cores that this process may use: by affinity, and by a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(count, _quota()))


@functools.cache
def _quota() -> int:
    """How many cores a container leaves its processes; as many as one likes where nothing is said."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return sys.maxsize


def spread(work: Callable[[Job], None], jobs: Iterable[Job]) -> None:
    """Run `work` for every job, the jobs spread over threads; see `spread_workers`."""
    spread_workers(lambda: work, jobs)


def spread_workers(
    new_worker: Callable[[], Callable[[Job], None]], jobs: Iterable[Job], most: int | None = None
) -> None:
    """Run every job on at most `most` threads, each with a worker (and its buffers) of its own.

    Called from within a job, it stays on that job's thread. The first exception is raised here.
    numpy does not warn of numbers that are not finite meanwhile: where they matter they are looked for.
    """
    import numpy as np

    waiting = list(jobs)
    threads = min(thread_count(), len(waiting), most or len(waiting))
    if threads <= 1 or getattr(_here, "busy", False):
        with np.errstate(invalid="ignore", over="ignore"):
            work = new_worker()
            for job in waiting:
                work(job)
        return
    waiting.reverse()
    failures: list[BaseException] = []

    def drain() -> None:
        _here.busy = True
        try:
            with np.errstate(invalid="ignore", over="ignore"):
                work = new_worker()
                while waiting and not failures:
                    try:
                        job = waiting.pop()
                    except IndexError:  # another thread took the last one
                        break
                    work(job)
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the caller's thread
            failures.append(failure)
        finally:
            _here.busy = False

    start = _core() if _core else -1

    def help_out() -> None:
        _leave(start)
        drain()

    others = [threading.Thread(target=help_out, daemon=True) for _ in range(threads - 1)]
    for other in others:
        other.start()
    drain()
    for other in others:
        other.join()
    if failures:
        raise failures[0]


def _leave(core: int) -> None:
    """Move this thread off a core, where it may use others.

    On virtual machines Linux mostly starts a thread on its starter's core, though others sleep, and the two
    share it until the next balance: some 4 ms, and much of the work is done by then.
    """
    if _core and (others := (allowed := os.sched_getaffinity(0)) - {core}):
        with contextlib.suppress(OSError):  # where that is forbidden
            os.sched_setaffinity(0, others)
            os.sched_setaffinity(0, allowed)


def scratch(*sizes: int) -> list[Floats]:
    """Buffers for the job at hand; the next one on this thread gets the same memory.

    For work that spreads nothing itself. Megabytes that are asked for anew each time come from the
    system page by page, which can take longer than the work.
    """
    import numpy as np

    kept: Floats | None = getattr(_here, "scratch", None)
    ends = list(itertools.accumulate(sizes))
    if kept is None or kept.size < ends[-1]:
        kept = _here.scratch = np.empty(ends[-1], np.float32)
    return [kept[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def keep_freed_memory() -> None:
    """Have glibc keep what one band of a picture needed for the next one.

    It would give megabytes back to the system each time, and take them again page by page.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 1 << 28)
        mallopt(mmap_threshold, 1 << 25)

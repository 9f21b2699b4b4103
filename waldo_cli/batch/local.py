"""Choose the engine for images on this machine: this process, or worker processes."""

from __future__ import annotations

from waldo_cli import parallel
from waldo_cli.batch.engine import Engine, InProcess
from waldo_cli.batch.finder import Extras, Query


def local_engine(
    query: Query, extras: Extras, jobs: int | None, total: int | None, timeout: int | None
) -> Engine:
    """Return the engine for images on this machine.

    Parameters
    ----------
    query, extras
        What to do with every image.
    jobs
        Number of images to examine at the same time, each in a process of its own on one core; one for
        each core if None. If there is only one image, the number of cores for it.
    total
        Number of images; None if it is not known yet.
    timeout
        Seconds for one image. Only another process can be ended from outside, so with a timeout even a
        single image has a worker process.
    """
    processes = jobs or parallel.available_cores()
    if total is not None:
        processes = min(processes, max(total, 1))
    # One thread for each of several processes. A single process uses `jobs` cores, or all of them (None).
    threads = (
        1 if processes > 1 else None if jobs is None else min(jobs, parallel.available_cores())
    )
    if processes == 1 and timeout is None:
        return InProcess(query, extras, threads)
    from waldo_cli.batch.workers import Workers

    return Workers(query, extras, processes, threads, timeout)

"""Threads and cores."""

from __future__ import annotations

import os
import threading

import pytest

from waldo_cli.parallel import available_cores, spread


def test_at_least_one_core() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system places threads alone")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_helping_thread_may_use_every_core(
    monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    if not allowed:
        monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = threading.Barrier(2, timeout=60)
    seen = []

    def work(_: int) -> None:
        both.wait()
        seen.append(os.sched_getaffinity(0))

    spread(work, range(2))
    assert seen == [os.sched_getaffinity(0)] * 2


def test_threads_that_cannot_be_started_leave_their_work_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setattr(threading.Thread, "start", refused)
    done: list[int] = []
    spread(done.append, range(9))
    assert done == [*range(9)]

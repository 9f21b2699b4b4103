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

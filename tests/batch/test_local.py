"""Which engine examines images on this machine, and how many cores it takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from folders import children

from waldo_cli import parallel
from waldo_cli.batch.engine import InProcess
from waldo_cli.batch.finder import Extras, Query
from waldo_cli.batch.local import local_engine
from waldo_cli.batch.workers import Workers


def test_one_job_is_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waldo_cli.parallel.available_cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    used = []
    query, extras = Query(stack="stripes"), Extras()
    for jobs, total in ((1, None), (2, 1), (8, 1), (None, 1)):
        with local_engine(query, extras, jobs, total, None) as engine:
            assert isinstance(engine, InProcess)
            used.append(parallel.thread_count())
        with local_engine(query, extras, jobs, total, 60) as engine:
            assert isinstance(engine, Workers)
            (worker,) = children(os.getpid())
            environment = Path(f"/proc/{worker}/environ").read_text().split("\0")
            assert f"OMP_NUM_THREADS={used[-1]}" in environment
    assert used == [1, 2, 4, 3]
    assert parallel.thread_count() == 3

"""Contestants, timed in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OURS = "waldo"

# Libraries with threads of their own leave them spinning for a moment after a call.
PAUSE = 0.03


@dataclass
class Row:
    """One line of the table: a job at one size."""

    job: str
    what: str
    seconds: dict[str, float]
    ratios: dict[str, float] = field(default_factory=dict)
    megabytes: float | None = None  # peak of ours beyond the result
    difference: float | None = None  # largest, of the answers, as a share of the largest answer
    note: str = ""


def compare(
    job: str,
    what: str,
    contestants: Mapping[str, Callable[[], Any]],
    *,
    runs: int,
    check: bool = True,
    note: str = "",
) -> Row:
    """Time the contestants in turns; ratios are medians over the turns of ours to each peer.

    The first answer of each is compared where `check` says that they mean the same. A contestant whose
    first call takes more than 5 s is not repeated.
    """
    answers = {}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for name, call in contestants.items():
        start = time.perf_counter()
        answers[name] = call()
        first = time.perf_counter() - start
        if first > 5:
            times[name].append(first)
    for _ in range(runs):
        for name, call in contestants.items():
            if times[name] and times[name][0] > 5:
                continue
            time.sleep(PAUSE)
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    row = Row(job, what, {name: statistics.median(t) for name, t in times.items()}, note=note)
    ours = times[OURS]
    for name, other in times.items():
        if name != OURS:
            turns = zip(ours, other, strict=False)
            row.ratios[name] = statistics.median(a / b for a, b in turns)
    tracemalloc.start()
    result = contestants[OURS]()
    row.megabytes = (tracemalloc.get_traced_memory()[1] - result.nbytes) / 1e6
    tracemalloc.stop()
    if check:
        scale = max(float(np.abs(answers[OURS]).max()), 1e-30)
        row.difference = max(
            (
                float(np.abs(answers[OURS] - answer).max()) / scale
                for name, answer in answers.items()
                if name != OURS
            ),
            default=None,
        )
    return row


# A child's peak memory starts with what its parent held, so a small process stands between.
_BETWEEN = """
import resource, subprocess, sys, time
start = time.perf_counter()
child = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds = time.perf_counter() - start
held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
if child.returncode not in (0, 1) or "Traceback" in child.stderr:
    sys.exit(f"{sys.argv[1:]}: status {child.returncode}: {child.stderr[-500:]}")
print(seconds, held)
"""


def process(command: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole process; it must end well, or find nothing."""
    between = [sys.executable, "-S", "-c", _BETWEEN, *command]
    # An installed package is compiled; a checkout is by its first run, where that is allowed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(between, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, held = map(float, done.stdout.split())
    # ru_maxrss is in kilobytes on Linux, in bytes on macOS.
    return seconds, held / (1e6 if sys.platform == "darwin" else 1e3)


def compare_processes(
    job: str, what: str, commands: Mapping[str, list[str]], *, runs: int, warm: bool = True
) -> Row:
    """The same for whole processes; megabytes is all that ours held.

    `warm`: a first run, which fills the disk's cache and compiles modules, is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    held = 0.0
    for turn in range(runs + warm):
        for name, command in commands.items():
            seconds, megabytes = process(command)
            if turn >= warm:
                times[name].append(seconds)
            if name == OURS:
                held = max(held, megabytes)
    row = Row(job, what, {n: statistics.median(t) for n, t in times.items()}, megabytes=held)
    for name, other in times.items():
        if name != OURS:
            turns = zip(times[OURS], other, strict=True)
            row.ratios[name] = statistics.median(a / b for a, b in turns)
    return row

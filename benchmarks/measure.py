"""Contestants, timed in turns."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

OURS = "waldo"

# The repository; and another commit of it that whole processes are compared with, instead of with peers.
HERE = Path(__file__).resolve().parents[1]


class Earlier(NamedTuple):
    """Another commit of this program: what the columns call it, and the folder that holds it."""

    name: str
    folder: Path


_earlier: list[Earlier] = []  # one, or none


@contextlib.contextmanager
def against(commit: str | None) -> Iterator[None]:
    """Compare whole processes with the program as of a commit, unpacked in a temporary folder."""
    if commit is None:
        yield
        return
    git = ["git", "-C", str(HERE)]
    name = subprocess.run(
        [*git, "rev-parse", "--short", f"{commit}^{{commit}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "commit.tar")
        subprocess.run([*git, "archive", "-o", str(archive), commit, "waldo_cli"], check=True)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        _earlier[:] = [Earlier(name.stdout.strip(), Path(folder))]
        try:
            yield
        finally:
            _earlier.clear()


def compares_commits() -> bool:
    """Whether whole processes are compared with another commit."""
    return bool(_earlier)


# Of each contestant and turn: seconds by the clock, and of the processor.
Times = dict[str, list[tuple[float, float]]]

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
    processor: dict[str, float] = field(default_factory=dict)  # seconds of all threads
    processor_ratios: dict[str, float] = field(default_factory=dict)


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
    times: Times = {name: [] for name in contestants}
    for name, call in contestants.items():
        answers[name], first = _timed(call)
        if first[0] > 5:
            times[name].append(first)
    for _ in range(runs):
        for name, call in contestants.items():
            if times[name] and times[name][0][0] > 5:
                continue
            time.sleep(PAUSE)
            times[name].append(_timed(call)[1])
    row = _row(job, what, times)
    row.note = note
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


def _timed(call: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """The answer, and the seconds it took: by the clock, of the processor."""
    start, used = time.perf_counter(), time.process_time()
    answer = call()
    return answer, (time.perf_counter() - start, time.process_time() - used)


def _row(job: str, what: str, times: Times) -> Row:
    """Medians over the turns, and the medians of the ratios of ours to each other one."""
    wall, processor = (
        {name: [one[k] for one in turns] for name, turns in times.items()} for k in (0, 1)
    )
    row = Row(job, what, {name: statistics.median(t) for name, t in wall.items()})
    row.processor = {name: statistics.median(t) for name, t in processor.items()}
    for name in times:
        if name != OURS:
            row.ratios[name] = _ratio(wall[OURS], wall[name])
            row.processor_ratios[name] = _ratio(processor[OURS], processor[name])
    return row


def _ratio(ours: list[float], other: list[float]) -> float:
    return statistics.median(a / max(b, 1e-9) for a, b in zip(ours, other, strict=False))


# A child's peak memory starts with what its parent held, so a small process stands between.
_BETWEEN = """
import resource, subprocess, sys, time
start = time.perf_counter()
child = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if child.returncode not in (0, 1) or "Traceback" in child.stderr:
    sys.exit(f"{sys.argv[1:]}: status {child.returncode}: {child.stderr[-500:]}")
print(seconds, used.ru_maxrss, used.ru_utime + used.ru_stime)
"""


def process(command: list[str], folder: Path = HERE) -> tuple[float, float, float]:
    """Seconds, peak megabytes and processor seconds of a whole process; it must end well, or find nothing.

    `folder` holds the program, if the process is one of it.
    """
    between = [sys.executable, "-S", "-c", _BETWEEN, *command]
    # An installed package is compiled; a checkout is by its first run, where that is allowed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}  # not the current folder
    done = subprocess.run(between, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, held, used = map(float, done.stdout.split())
    # ru_maxrss is in kilobytes on Linux, in bytes on macOS.
    return seconds, held / (1e6 if sys.platform == "darwin" else 1e3), used


def compare_processes(
    job: str, what: str, commands: Mapping[str, list[str]], *, runs: int, warm: bool = True
) -> Row:
    """The same for whole processes; megabytes is all that ours held.

    `warm`: a first run, which fills the disk's cache and compiles modules, is not counted. Where a commit is
    compared with (`against`), it stands in place of the peers.
    """
    each = {name: (command, HERE) for name, command in commands.items()}
    if _earlier:
        (earlier,) = _earlier
        each = {OURS: each[OURS], earlier.name: (commands[OURS], earlier.folder)}
    times: Times = {name: [] for name in each}
    held = dict.fromkeys(each, 0.0)
    for turn in range(runs + warm):
        for name, (command, folder) in each.items():
            seconds, megabytes, processor = process(command, folder)
            if turn >= warm:
                times[name].append((seconds, processor))
            held[name] = max(held[name], megabytes)
    row = _row(job, what, times)
    row.megabytes = held[OURS]
    row.note = ", ".join(f"{name} {most:.0f} MB" for name, most in held.items() if name != OURS)
    return row

"""Worker processes: what dies or takes too long costs one image, and none outlives the program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest
from folders import COUNT, assert_gone, children, started

from waldo_cli.batch import workers
from waldo_cli.errors import WaldoError


def test_a_worker_that_dies_costs_one_image(place: Path, whole: list[dict[str, object]]) -> None:
    with started(place, "photos", "-r", "-o", "out", "-j", 2, "--files-from", "-") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        first = [json.loads(program.stdout.readline()) for _ in range(COUNT)]
        victims = children(program.pid)
        assert len(victims) == 2
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        shutil.copytree(place / "photos", place / "again")
        names = sorted(str(p.relative_to(place)) for p in (place / "again").rglob("*.png"))
        program.stdin.write(
            "".join(f"{n}\n" for n in names).replace("again/page001", "photos/x").encode()
        )
        program.stdin.close()
        rest = [json.loads(line) for line in program.stdout]
        assert program.wait(30) == 2
    assert [r["path"] for r in first] == [r["path"] for r in whole]
    assert len(rest) == COUNT
    died = [r for r in rest if r["error"] and "worker process" in r["error"]]
    assert len(died) == 2
    assert all("ended by SIGKILL" in r["error"] for r in died)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_image_that_takes_too_long_costs_itself_alone(
    place: Path, whole: list[dict[str, object]], jobs: int
) -> None:
    with started(
        place, "photos", "-r", "--no-heatmap", "-j", jobs, "--timeout", 4, "--files-from", "-"
    ) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stderr is not None
        first = [json.loads(program.stdout.readline()) for _ in range(COUNT)]
        stuck = children(program.pid)
        assert len(stuck) == jobs
        for process in stuck:  # as deaf to polite signals as a decoder that never returns
            os.kill(process, signal.SIGSTOP)
        shutil.copytree(place / "photos", place / "again")
        names = sorted(str(p.relative_to(place)) for p in (place / "again").rglob("*.png"))
        program.stdin.write("".join(f"{n}\n" for n in names).encode())
        program.stdin.close()
        rest = [json.loads(line) for line in program.stdout]
        assert program.wait(30) == 2
        lines = program.stderr.read().decode().splitlines()
    assert [r["path"] for r in first] == [r["path"] for r in whole]
    assert [r["path"] for r in rest] == names
    late = [r for r in rest if r["error"]]
    assert [r["error"] for r in late] == ["not done within 4 s (--timeout)"] * jobs
    assert lines == [f"waldo: {r['path']}: {r['error']}" for r in late]
    assert_gone(stuck)


def test_time_in_which_the_program_stands_still_does_not_count(place: Path) -> None:
    with started(place, "--no-heatmap", "-j", 1, "--timeout", 2, "--files-from", "-") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        program.stdin.write(b"photos/page001.png\n")
        program.stdin.flush()
        assert json.loads(program.stdout.readline())["error"] is None
        everyone = [*children(program.pid), program.pid]
        os.kill(everyone[0], signal.SIGSTOP)
        program.stdin.write(b"photos/page003.png\n")
        program.stdin.flush()
        time.sleep(0.5)  # it waits for the worker now
        os.kill(program.pid, signal.SIGSTOP)
        time.sleep(3)
        for process in reversed(everyone):
            os.kill(process, signal.SIGCONT)
        program.stdin.close()
        assert json.loads(program.stdout.readline())["error"] is None
        assert program.wait(30) == 0


def test_workers_do_not_outlive_a_killed_program(place: Path) -> None:
    with started(place, "photos", "--files-from", "-", "-j", 2, "-o", "out") as program:
        assert program.stdout is not None
        program.stdout.readline()
        workers = children(program.pid)
        assert len(workers) == 2
        program.kill()
    assert_gone(workers)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "not enough memory for the stack; use a smaller --jobs"),
        (
            ImportError("READ THIS\n\nOriginal error was: no libblas.so\n"),
            "cannot load a library (Original error was: no libblas.so); where memory is short",
        ),
    ],
)
def test_a_worker_that_cannot_load_the_stack_says_why(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: object) -> None:
        raise error

    monkeypatch.setattr(workers, "Finder", type("Finder", (), {"__init__": loaded}))
    monkeypatch.setattr("waldo_cli.processes.leave_with_parent", lambda: None)
    here, there = Pipe()
    here.send(("query", "extras"))
    workers.serve(os.dup(there.fileno()))
    answer = here.recv()
    assert isinstance(answer, WaldoError)
    assert line in str(answer)

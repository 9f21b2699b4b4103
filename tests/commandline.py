"""The command line in this process, as a process of its own, and as a line of the shell."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PROGRAM = [sys.executable, "-m", "waldo_cli"]
MASK_AT = (30, 20)  # left, top of the mask on the page

LOOK = ("--mask", "mask.png", "--scales", "1")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Waldo = Callable[..., Ended]


def process(scene: Path, *args: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    given: dict[str, object] = {"capture_output": True, "text": True, "timeout": 60} | options
    if "stdout" in given or "stderr" in given:
        del given["capture_output"]
    return subprocess.run([*PROGRAM, *map(str, args)], cwd=scene, check=False, **given)  # type: ignore[call-overload, no-any-return]


def shell(scene: Path, out: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Look at the page by a line of the shell, in which {} stands for the command."""
    command = '"$0" -m waldo_cli detect "$2" --mask mask.png --scales 1 -o "$1"'
    image = "-" if "<" in line else "page.png"
    return subprocess.run(
        ["sh", "-c", line.format(command), sys.executable, str(out), image],
        capture_output=True,
        text=True,
        cwd=scene,
        check=False,
    )


def limited(
    command: str, folder: Path, limit: int, threads: int | str
) -> subprocess.CompletedProcess[str]:
    """A command of the program that may map so many kilobytes, as `ulimit -v` has them."""
    return subprocess.run(
        [*PROGRAM, *command.split()],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit << 10,) * 2),
    )

"""Folders of tiny drawn images to look through, and the program as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

WALDO = [sys.executable, "-m", "waldo_cli"]
COUNT = 12  # images in the folder that the fixtures draw


def needle() -> np.ndarray[Any, Any]:
    return np.random.default_rng(7).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def draw(path: Path, seed: int, *, found: bool = True, size: tuple[int, int] = (40, 32)) -> None:
    """Draw smooth noise of `size` (width, height), with the needle in it where `found`."""
    rng = np.random.default_rng(seed)
    width, height = size
    coarse = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    image = np.array(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
    if found:
        row, col = int(rng.integers(0, height - 9)), int(rng.integers(0, width - 7))
        image[row : row + 9, col : col + 7] = needle()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def draw_folder(folder: Path, count: int) -> Path:
    """Draw `count` images, every third without the needle, half of them one folder down."""
    for n in range(count):
        place = folder if n % 2 else folder / "deeper"
        draw(place / f"page{n:03}.png", n, found=n % 3 != 0)
    Image.fromarray(needle()).save(folder.parent / "needle.png")
    return folder


def command(*args: object) -> list[str]:
    """Look for the needle, at its own size; in one process, which is soon there, if nothing else is said."""
    words = [os.fsdecode(_text(arg)) for arg in args]
    here = [] if {"-j", "--jobs", "--scheduler", "--timeout"} & {*words} else ["-j", "1"]
    return [*WALDO, "detect", *words, "--mask", "needle.png", "--scales", "1", *here]


def _text(arg: object) -> str | bytes:
    return arg if isinstance(arg, bytes) else str(arg)


def run(
    folder: Path, *args: object, stdin: bytes | None = None, **kwargs: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run `command` in a folder."""
    return subprocess.run(
        command(*args), cwd=folder, input=b"" if stdin is None else stdin, capture_output=True, timeout=60,
        check=False, **kwargs,
    )  # fmt: skip


def records(stdout: bytes) -> list[dict[str, Any]]:
    """JSON lines without what differs from run to run."""
    lines = [json.loads(line) for line in stdout.splitlines()]
    for line in lines:
        del line["seconds"]
    return lines


def started(place: Path, *args: object, form: str = "jsonl") -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(*args, "-f", form), cwd=place, stdin=-1, stdout=-1, stderr=-1)


def read_terminal(descriptor: int) -> bytes:
    """All that is written to a terminal, until its other end is closed."""
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while chunk := os.read(descriptor, 1 << 16):
            shown += chunk
    return shown


def on_a_terminal(
    place: Path, *args: object, records_too: bool = False, **env: str
) -> tuple[int, bytes, bytes]:
    """Status, what went to a pipe, and what went to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*args), cwd=place, stdin=subprocess.DEVNULL,
        stdout=theirs if records_too else subprocess.PIPE, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLORTERM": "", "NO_COLOR": "", "PYTHONUTF8": "1", **env},
    ) as program:  # fmt: skip
        os.close(theirs)
        shown = read_terminal(ours)
        out = b"" if program.stdout is None else program.stdout.read()
    os.close(ours)
    return program.returncode, out, shown


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children")
    if not text.exists():
        pytest.skip("no /proc here")
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def assert_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(
        Path(f"/proc/{p}/cmdline").exists() and Path(f"/proc/{p}/cmdline").read_bytes()
        for p in processes
    ):
        assert time.monotonic() < deadline, "workers are left over"
        time.sleep(0.02)

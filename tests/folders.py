"""Folders of tiny drawn images to look through, and the program as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WALDO = [sys.executable, "-m", "waldo_cli"]


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
    """Look for the needle, at its own size."""
    return [
        *WALDO,
        "detect",
        *map(os.fsdecode, map(_text, args)),
        "--mask",
        "needle.png",
        "--scales",
        "1",
    ]


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

"""A scan of many pages in one file: memory does not grow with the pages, and a killed run goes on.

`WALDO_PAGES=200 pytest tests/whole/test_scans.py` takes 200 pages instead of 15.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from folders import WALDO, records
from imagefiles import encoded
from PIL import Image
from stackfiles import BRIGHTEST

COUNT = int(os.environ.get("WALDO_PAGES") or 15)
SIZE = (624, 880)
KINDS = ("pdf", "tif", "cbz")

# Runs the program and then says how much memory it has had at most; of itself, not of its parent.
MEASURED = """
import atexit, sys
from waldo_cli.__main__ import main
status = lambda: dict(line.split(":", 1) for line in open("/proc/self/status"))
atexit.register(lambda: print(status()["VmHWM"].split()[0], file=sys.stderr))
main(sys.argv[1:])
"""


def smooth(seed: int, width: int, height: int) -> np.ndarray:
    """Noise whose spots are 8 pixels wide: what JPEG keeps."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))


def drawn() -> Iterator[Image.Image]:
    """Pages that all differ."""
    return (Image.fromarray(smooth(n, *SIZE)) for n in range(COUNT))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pages as a PDF, a TIFF and an archive, all of JPEGs."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "brightest.toml").write_text(BRIGHTEST)
    for kind, options in (("pdf", {"resolution": 72}), ("tif", {"compression": "jpeg"})):
        first, *others = drawn()
        first.save(
            folder / f"scan.{kind}", save_all=True, append_images=others, quality=95, **options
        )
    with zipfile.ZipFile(folder / "scan.cbz", "w") as archive:
        for n, page in enumerate(drawn(), 1):
            archive.writestr(f"p{n}.jpg", encoded(page, "JPEG", quality=95))
    return folder


def line(kind: str, *args: object) -> list[str]:
    """Arguments that look through a scan."""
    fixed = ("--stack", "./brightest.toml", "--scales", "1", "--no-heatmap", "-f", "jsonl")
    return ["detect", f"scan.{kind}", *fixed, *map(str, args)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_and_its_records_are_those_of_an_undisturbed_one(
    place: Path, kind: str
) -> None:
    def run(*args: object) -> bytes:
        ended = subprocess.run(
            [*WALDO, *line(kind, *args)], cwd=place, capture_output=True, check=True
        )
        assert ended.stderr == b""
        return ended.stdout

    expected = records(run("-j", 1))
    assert [r["page"] for r in expected] == list(range(1, COUNT + 1))
    assert len({json.dumps(r["detections"]) for r in expected}) == COUNT
    rng = random.Random(kind)
    kept = place / f"{kind}.jsonl"
    for _ in range(2):
        killed = [*WALDO, *line(kind, "-j", 2, "--resume", kept.name)]
        with subprocess.Popen(killed, cwd=place, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            for _ in range(rng.randrange(2, max(3, COUNT // 3))):
                program.stdout.readline()
            program.kill()
    assert kept.read_bytes().count(b"\n") >= 2
    assert records(run("-j", 2, "--resume", kept.name)) == expected
    # The order of the lines is that of the runs; each page has one.
    assert sorted(r["page"] for r in records(kept.read_bytes())) == list(range(1, COUNT + 1))


def peak(place: Path, kind: str, last: int) -> int:
    """Return the most memory, in kilobytes, that looking through the first pages takes."""
    measured = [sys.executable, "-c", MEASURED, *line(kind, "-j", 1, "--pages", f"1-{last}")]
    ended = subprocess.run(measured, cwd=place, capture_output=True, check=True)
    assert ended.stdout.count(b"\n") == last
    return int(ended.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_pages(place: Path, kind: str) -> None:
    # Of all pages but the first five the pixels alone are 16 MB and more.
    assert peak(place, kind, COUNT) < peak(place, kind, 5) + 8_000

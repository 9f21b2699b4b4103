"""Look through scans of many pages with one process and with two, and say what it takes.

    python docs/figures/scans.py [PAGES]

The stack `stripes` looks at them at one scale, 50 ms a page: what it costs to have pages in a file shows
well. Prints a table in Markdown: for a PDF, a TIFF and an archive of the same pages the seconds of the
processor with `-j 1`, those of each process with `-j 2`, and the most memory of one. The busiest process
is how long `-j 2` takes where there are two cores for it, whatever else the machine does meanwhile; the gain
is the seconds of `-j 1` by it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from PIL import Image

SCENE = Path(__file__).parents[2] / "sample_images" / "beach.png"
SIZE = (620, 877)  # A4 at 75 dpi
TICKS = os.sysconf("SC_CLK_TCK")


def write(folder: Path, count: int) -> list[Path]:
    """Write the same pages, cut out of a scene at other places each, as a PDF, a TIFF and an archive."""
    scene = Image.open(SCENE).convert("RGB")
    scene = scene.resize((scene.width * 2, scene.height * 2), Image.Resampling.BICUBIC)
    pages = []
    for n in range(count):
        left, top = n * 37 % (scene.width - SIZE[0]), n * 11 % (scene.height - SIZE[1])
        pages.append(scene.crop((left, top, left + SIZE[0], top + SIZE[1])))
    for name, options in (("pdf", {"resolution": 72.0}), ("tif", {"compression": "jpeg"})):
        # Copies: Pillow keeps settings of an earlier format in a picture.
        first, *others = [page.copy() for page in pages]
        first.save(
            folder / f"scan.{name}", save_all=True, append_images=others, quality=90, **options
        )
    with zipfile.ZipFile(folder / "scan.cbz", "w") as archive:
        for n, page in enumerate(pages, 1):
            with archive.open(f"p{n}.jpg", "w") as entry:
                page.save(entry, "JPEG", quality=90)
    return [folder / f"scan.{name}" for name in ("pdf", "tif", "cbz")]


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def look(path: Path, jobs: int) -> tuple[dict[int, float], int]:
    """Return the processor's seconds of each process, and the most kilobytes that one of them has had."""
    line = [
        sys.executable, "-m", "waldo_cli", "detect", path.name, "--stack", "stripes", "--scales", "1",
        "--no-heatmap", "-j", str(jobs),
    ]  # fmt: skip
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    seconds: dict[int, float] = {}
    most = 0
    with subprocess.Popen(line, cwd=path.parent, stdout=subprocess.DEVNULL, env=env) as program:  # noqa: S603
        while program.poll() is None:
            try:
                for process in (program.pid, *children(program.pid)):
                    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                    seconds[process] = (int(fields[11]) + int(fields[12])) / TICKS
                    status = Path(f"/proc/{process}/status").read_text()
                    if "VmHWM:" in status:
                        most = max(most, int(status.partition("VmHWM:")[2].split()[0]))
            except OSError:
                pass  # it has just ended
            time.sleep(0.05)
    return seconds, most


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    sys.stdout.write(
        f"| {count} pages | `-j 1` | `-j 2`, each process | gain | most memory |\n|---|---|---|---|---|\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for path in write(Path(folder), count):
            alone, most = look(path, 1)
            shared, most_shared = look(path, 2)
            one = sum(alone.values())
            each = sorted(shared.values(), reverse=True)
            told = ", ".join(f"{s:.1f} s" for s in each)
            sys.stdout.write(
                f"| {path.suffix[1:].upper()} | {one:.1f} s | {told} | {one / each[0]:.2f} |"
                f" {max(most, most_shared) / 1000:.0f} MB |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

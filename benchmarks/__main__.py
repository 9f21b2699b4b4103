"""python -m benchmarks: one table, and one JSON, of this project beside what one would take instead.

    pip install -e '.[bench]'
    python -m benchmarks                 # everything, some minutes
    python -m benchmarks --job a --quick # masks over images, small
    python -m benchmarks --against HEAD~5 # whole processes, beside those of another commit

Jobs: a masks by size · b many masks · c masks with weights · d the learned stack, layer by layer and
whole · e the whole process · f start-up · g growth with pixels, masks and kernels · h small pictures, masks
of every size · i default scales, the whole process · j all angles · k a region · l a folder · m pages of 3,
24 and 100 Mpx. All contestants get the same arrays and two threads; they run in turns, and a ratio is the
median over the turns of our time to the peer's, by the clock and of the processor: below 1 is faster. Memory
is the peak beyond the returned array (whole processes: all of it).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

THREADS = "2"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = THREADS  # before numpy is imported

import numpy as np  # noqa: E402

from benchmarks import jobs, peers, searches  # noqa: E402
from benchmarks.measure import OURS, Row, against  # noqa: E402

JOBS = jobs.JOBS | searches.JOBS
# Those of whole processes, which can be compared with another commit's.
PROCESSES = "efiklm"


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--job", action="append", choices=sorted(JOBS), help="default: all")
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help=f"beside the program as of this commit, not beside peers; jobs {', '.join(PROCESSES)}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and smaller sizes")
    parser.add_argument("--runs", type=int, default=7, help="turns of each contestant")
    parser.add_argument("--image", type=Path, default=jobs.SCENE, help="the test picture")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), help="where to write")
    options = parser.parse_args()
    names = sorted(set(options.job or (PROCESSES if options.against else JOBS)))
    if options.against and not set(names) <= set(PROCESSES):
        parser.error(f"--against is for jobs of whole processes: {', '.join(PROCESSES)}")
    settings = jobs.Settings(options.runs, options.quick, options.image)
    machine = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **peers.versions(),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
    }
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    with against(options.against):
        run(names, settings, options.json, machine)
    print(f"\n{options.json}")


def run(names: list[str], settings: jobs.Settings, path: Path, machine: dict[str, object]) -> None:
    """Print the rows of these jobs, and write them as JSON."""
    rows: list[Row] = []
    for name in names:
        for job in JOBS[name]:
            print(f"\n{name}: {job.__doc__}", flush=True)
            for row in job(settings):
                rows.append(row)
                print(line(row), flush=True)
            path.write_text(
                json.dumps({**machine, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
            )


def line(row: Row) -> str:
    """A row as text."""
    parts = [f"{row.what:52} {OURS} {_milliseconds(row, OURS)}"]
    for name, ratio in row.ratios.items():
        processor = row.processor_ratios[name]
        parts.append(
            f"{name} {_milliseconds(row, name)}, ratio {ratio:.2f}, processor {processor:.2f}"
        )
    if row.megabytes is not None:
        parts.append(f"{row.megabytes:.0f} MB")
    if row.difference is not None:
        parts.append(f"difference {row.difference:.0e}")
    return " | ".join([*parts, row.note] if row.note else parts)


def _milliseconds(row: Row, name: str) -> str:
    """By the clock, and of the processor where that is known."""
    used = row.processor.get(name)
    return f"{1e3 * row.seconds[name]:8.1f} ms" + ("" if used is None else f" ({1e3 * used:.1f})")


if __name__ == "__main__":
    main()

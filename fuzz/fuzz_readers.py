"""Coverage-guided fuzzing of whatever reads a stranger's file, with atheris; see README.md beside this.

    python fuzz/fuzz_readers.py READER [libFuzzer's options]
    python fuzz/fuzz_readers.py all [SECONDS]

READER is image, pages, stream, mask, stack, weights, truth, labels, resume or names; or one format: avif,
heif, jp2, jxl, pdf, archive. `all` goes through them in turn, half an hour in all or as many seconds as are
given.

Bytes are changed so as to reach code that no earlier bytes reached. What each reader must do with them,
and the sound files to begin with, stand in `tests/readers.py`.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

with atheris.instrument_imports(
    include=["readers", "waldo_cli", "PIL", "tomllib", "zipfile", "json", "csv", "base64", "xml"]
):
    from readers import READERS, SEEDS, prepare, read

# Two minutes for 16 kB are a finding even on a busy machine, and so are 4 GB; the input is left as
# timeout-*, oom-* or crash-*.
LIMITS = ("-timeout=120", "-rss_limit_mb=4096", "-max_len=16384", "-print_final_stats=1")


# `all` starts the readers that grow, see README.md, again after so many seconds.
ROUND_SECONDS = 120


def fuzz_all(seconds: int) -> None:
    """Fuzz every reader in a process of its own, one after the other; tell which have found something."""
    found = []
    for reader in READERS:
        left = max(1, seconds // len(READERS))
        status = 0
        while left > 0 and not status:
            line = [sys.executable, __file__, reader, f"-max_total_time={min(left, ROUND_SECONDS)}"]
            status = subprocess.call(line)  # noqa: S603 - this file itself
            left -= ROUND_SECONDS
        if status:
            found.append(reader)
    raise SystemExit(f"findings of: {', '.join(found)}" if found else 0)


def main() -> None:
    """Fuzz the reader that the first argument names, until a finding or as the options say."""
    reader = sys.argv[1] if len(sys.argv) > 1 else ""
    if reader == "all":
        fuzz_all(int(sys.argv[2]) if len(sys.argv) > 2 else 1800)
    if reader not in READERS:
        raise SystemExit(__doc__)
    # In memory, where there is such a place: readers of paths get a file each time.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    folder = Path(tempfile.mkdtemp(prefix="waldo-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(folder)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, data in enumerate(SEEDS[reader]()):
        (seeds / str(number)).write_bytes(data)

    def one(data: bytes) -> None:
        read(reader, data, folder)

    atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[2:], str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

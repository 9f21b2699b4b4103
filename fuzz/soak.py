"""Look at drawn pictures for hours with everything on, in parts that go on where the last one ended.

    python fuzz/soak.py FOLDER [HOURS]

One process of `waldo detect --files-from - -j 2` is fed scenes in many formats, each under a new name, and
never more than a few at once; what it has written is removed after a while. Every minute a line of
``FOLDER/samples.jsonl`` says what it and its workers hold: memory, open files, temporary files, and pictures
for each second of the processor. A later part, in the same FOLDER, continues the numbers and the same
``--resume`` file. Each picture must have its records, in order and none an error. In the end all parts are
shown, of each the first quarter beside the last one. Linux.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "sample_images" / "scenes"), str(ROOT / "tests")]
from documents import document  # noqa: E402

from draw import THEMES, draw_scene  # noqa: E402

# Endings, and how many records a file of each has.
FORMATS = {
    "png": 1, "jpg": 1, "webp": 1, "bmp": 1, "gif": 1, "tif": 2, "pdf": 2, "cbz": 2, "avif": 1, "jp2": 1
}  # fmt: skip
WAITING = 8  # pictures that are given and not yet answered
KEPT = 50  # answered pictures whose files stay, so that the program meets files of its own
SAMPLE_SECONDS = 60
PATIENCE_SECONDS = 600  # without a record


def draw_all(folder: Path) -> list[Path]:
    """A few scenes in each format, to be given again and again."""
    folder.mkdir(exist_ok=True)
    for n, ending in enumerate(FORMATS):
        path = folder / f"scene.{ending}"
        scenes = [
            draw_scene(500 + 2 * n + k, (420, 300), list(THEMES)[n % len(THEMES)], n % 3 > 0)[0]
            for k in range(FORMATS[ending])
        ]
        if len(scenes) > 1:
            path.write_bytes(document(ending, scenes))
        else:
            scenes[0].save(path)
    return sorted(folder.iterdir())


def processor_seconds(pid: int, fields: slice) -> float:
    """Of a process: utime and stime, and with all four fields those of children that have ended, too."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, after_name[fields])) / os.sysconf("SC_CLK_TCK")


def held(pid: int, temporary: Path) -> dict[str, float]:
    """What a process and its children hold now."""
    children = [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    kib, files = 0, 0
    for one in (pid, *children):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        kib += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        files += len(os.listdir(f"/proc/{one}/fd"))
    cpu = processor_seconds(pid, slice(11, 15))
    cpu += sum(processor_seconds(child, slice(11, 13)) for child in children)
    left = sum(1 for path in temporary.rglob("*") if path.is_file())
    return {"mb": kib / 1024, "files": files, "temporary": left, "cpu": cpu}


class Soak:
    """One part: a process that is fed, and what it was given and has answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenes = draw_all(folder / "scenes")
        for name in ("pictures", "out", "tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir()
        self._count_file = folder / "count"
        self.count = int(self._count_file.read_text()) if self._count_file.exists() else 0
        self.begun = self.count
        self._random = random.Random(self.count)
        self._answers: queue.Queue[str] = queue.Queue()
        self._expected: deque[str] = deque()
        self.waiting: deque[Path] = deque()
        self._done: deque[Path] = deque()
        command = [
            sys.executable, "-m", "waldo_cli", "detect", "--files-from", "-", "-j", "2", "--top", "3",
            "--annotated", "--activations", "-o", "out", "-f", "jsonl", "--resume", "found.jsonl",
            "--timeout", "600", "--report", "report.html", "--overwrite", "-v",
        ]  # fmt: skip
        env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")}
        with (folder / "err").open("ab") as err:
            self.process = subprocess.Popen(  # noqa: S603
                command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err
            )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._answers.put(line.decode())

    def give(self) -> None:
        """One more picture, under a new name."""
        scene = self._random.choice(self.scenes)
        path = self.folder / "pictures" / f"{self.count:07}{scene.suffix}"
        shutil.copy(scene, path)
        self.count += 1
        self._count_file.write_text(str(self.count))
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        self.process.stdin.write(f"pictures/{path.name}\n".encode())
        self.process.stdin.flush()
        self.waiting.append(path)
        self._expected.extend([f"pictures/{path.name}"] * FORMATS[scene.suffix[1:]])

    def take(self) -> None:
        """One more record, which must be the next one; old pictures and what was made of them are removed."""
        try:
            record = json.loads(self._answers.get(timeout=PATIENCE_SECONDS))
        except queue.Empty:
            raise SystemExit(f"no record of {self._expected[0]}: {self.process.poll()}") from None
        if record["path"] != self._expected.popleft() or record["error"] is not None:
            raise SystemExit(f"not what was expected: {record}")
        if not self._expected or self._expected[0] != record["path"]:
            self._done.append(self.waiting.popleft())
        while len(self._done) > KEPT:
            old = self._done.popleft()
            for made in (old, *(self.folder / "out").rglob(f"{old.stem}.*")):
                made.unlink()

    def sample(self) -> dict[str, float]:
        pictures = self.count - self.begun - len(self.waiting)
        return held(self.process.pid, self.folder / "tmp") | {"pictures": pictures}

    def end(self) -> None:
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        self.process.stdin.close()
        status = self.process.wait(PATIENCE_SECONDS)
        if status != 0:
            raise SystemExit(f"ended with {status}")


def soaked(folder: Path, seconds: float) -> list[dict[str, float]]:
    """The samples of one part."""
    soak, samples = Soak(folder), []
    begin = last = time.monotonic()
    while time.monotonic() < begin + seconds or soak.waiting:
        while len(soak.waiting) < WAITING and time.monotonic() < begin + seconds:
            soak.give()
        soak.take()
        if time.monotonic() > last + SAMPLE_SECONDS:
            last = time.monotonic()
            samples.append(soak.sample() | {"seconds": last - begin})
            with (folder / "samples.jsonl").open("a") as file:
                file.write(json.dumps(samples[-1]) + "\n")
    soak.end()
    return samples


def part(samples: list[dict[str, float]]) -> dict[str, Any]:
    """Medians of the first and of the last quarter."""
    if len(samples) < 8:
        raise SystemExit(f"{len(samples)} samples tell nothing: a part takes 10 minutes or more")
    quarter = len(samples) // 4
    rates = [
        (b["pictures"] - a["pictures"]) / (b["cpu"] - a["cpu"])
        for a, b in itertools.pairwise(samples)
    ]
    told: dict[str, Any] = {
        "hours": samples[-1]["seconds"] / 3600,
        "pictures": samples[-1]["pictures"],
    }
    for name in ("mb", "files", "temporary"):
        told[name] = [
            round(statistics.median(s[name] for s in some), 1)
            for some in (samples[:quarter], samples[-quarter:])
        ]
    told["pictures a second of processor"] = [
        round(statistics.mean(some), 2) for some in (rates[:quarter], rates[-quarter:])
    ]
    return told


def main() -> None:
    """Run a part, and tell of all."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    samples = soaked(folder, 3600 * float(sys.argv[2]) if len(sys.argv) > 2 else 3600)
    with (folder / "parts.jsonl").open("a") as file:
        file.write(json.dumps(part(samples)) + "\n")
    parts = [json.loads(line) for line in (folder / "parts.jsonl").read_text().splitlines()]
    for told in parts:
        sys.stdout.write(f"{told}\n")
    sys.stdout.write(f"{sum(told['hours'] for told in parts):.1f} hours in {len(parts)} parts\n")


if __name__ == "__main__":
    main()

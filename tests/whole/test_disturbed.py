"""Books, clusters and trainings that are disturbed: what was said stands, and the next run finishes the work.

Every third kind in the suite; `WALDO_FAULTS=300 pytest tests/whole/test_disturbed.py` draws 300 of all kinds.
`test_faults.py` does the same for folders of pictures.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import document
from folders import WALDO, draw, records
from PIL import Image
from stackfiles import BRIGHTEST

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="disturbances are made by what Linux has"
)

KINDS = ("tif", "pdf", "cbz")
COUNT = 8  # pages of each book

# What a disturbance gives back: the status (negative: the signal that ended it), and what was said.
Ended = tuple[int, bytes, str]
Disturbance = Callable[[random.Random, list[str]], Ended]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three books of the same pages; pages with boxes to learn from."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "any.toml").write_text(BRIGHTEST)
    (folder / "books").mkdir()
    pages = []
    for n in range(COUNT):
        draw(folder / "page.png", n)
        pages.append(Image.open(folder / "page.png").copy())
    for kind in KINDS:
        (folder / "books" / f"book.{kind}").write_bytes(document(kind, pages))
    (folder / "learn").mkdir()
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    thing = np.random.default_rng(9).integers(0, 256, (20, 16, 3), np.uint8)
    for n in range(3):
        page = np.random.default_rng(n).integers(0, 256, (90, 120, 3), np.uint8)
        page[10 + 9 * n : 30 + 9 * n, 30 * n + 5 : 30 * n + 21] = thing
        Image.fromarray(page).save(folder / "learn" / f"{n}.png")
        rows.append(f"{n}.png,120,90,thing,{30 * n + 5},{10 + 9 * n},{30 * n + 21},{30 + 9 * n}")
    (folder / "learn" / "truth.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def place(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "place"
    shutil.copytree(drawn, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


LOOK = [
    "detect", "books", "--stack", "./any.toml", "--scales", "1", "-o", "out", "-f", "jsonl",
    "--resume", "found.jsonl",
]  # fmt: skip
LEARN = [
    "train", "learn", "--truth", "learn/truth.csv", "-o", "out", "--folds", "0", "--effort", "0.001",
    "--resume",
]  # fmt: skip


def started(line: list[str], **options: Any) -> subprocess.Popen[bytes]:
    given = {"stdin": subprocess.DEVNULL, "stdout": -1, "stderr": -1} | options
    # Not buffered: `communicate` would not see what a `readline` before it has read ahead.
    return subprocess.Popen([*WALDO, *line], bufsize=0, **given)


def ended(program: subprocess.Popen[bytes]) -> Ended:
    out, err = program.communicate(timeout=300)
    return program.returncode, out or b"", (err or b"").decode()


def when_it_works(program: subprocess.Popen[bytes], rng: random.Random) -> bytes:
    """Wait for the first line of output, or for nothing, and then for a moment."""
    assert program.stdout is not None
    first = program.stdout.readline() if rng.random() < 0.7 else b""
    time.sleep(rng.uniform(0, 0.4 if first else 2))
    return first


# --- whatever it does -------------------------------------------------------------------------------


def signalled(number: signal.Signals) -> Disturbance:
    def disturb(rng: random.Random, line: list[str]) -> Ended:
        program = started(line)
        first = when_it_works(program, rng)
        program.send_signal(number)
        status, out, err = ended(program)
        assert status in (0, 128 + number, -number)
        return status, first + out, err

    return disturb


def stopped(rng: random.Random, line: list[str]) -> Ended:
    """As by Ctrl-Z, and continued."""
    program = started(line)
    first = when_it_works(program, rng)
    program.send_signal(signal.SIGSTOP)
    time.sleep(rng.uniform(0.1, 1))
    program.send_signal(signal.SIGCONT)
    status, out, err = ended(program)
    assert (status, err if line[0] == "detect" else "") == (0, "")
    return status, first + out, err


def full_disk(rng: random.Random, line: list[str]) -> Ended:
    Path("out").mkdir()
    size = rng.randrange(4, 64, 4)
    mounted = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", "out"], stderr=subprocess.DEVNULL
    )
    few = rng.choice([0, 100, 1000])
    limit = None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (few, few))
    try:
        result = ended(started(line, preexec_fn=limit))
    finally:
        if mounted:
            subprocess.check_call(["umount", "out"])
    assert result[0] in (0, 2)
    shutil.rmtree("out", ignore_errors=True)
    return result[0], b"", result[2]


def short_files(rng: random.Random, line: list[str]) -> Ended:
    most = rng.choice([0, 1, 100, 2000])
    return ended(
        started(line, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    )


def full_output(rng: random.Random, line: list[str]) -> Ended:
    with Path("/dev/full").open("wb") as full:
        status, out, err = ended(started(line, stdout=full))
    assert status == 2
    assert "waldo: standard output: no space left on device\n" in err
    return status, out, err


def leaving_reader(rng: random.Random, line: list[str]) -> Ended:
    program = started(line)
    assert program.stdout is not None
    program.stdout.read(rng.randrange(1, 900))
    program.stdout.close()
    program.stdout = None
    status, _, err = ended(program)
    assert status == 0
    return status, b"", err


def few_handles(rng: random.Random, line: list[str]) -> Ended:
    count = rng.choice([6, 10, 16, 24, 64])
    return ended(
        started(line, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))
    )


def short_memory(rng: random.Random, line: list[str]) -> Ended:
    """As by `ulimit -v`: from what does not load the libraries to what is enough."""
    most = rng.randrange(60, 900 if line[0] == "detect" else 4000) << 20
    return ended(
        started(line, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
    )


def lost_output(rng: random.Random, line: list[str]) -> Ended:
    program = started(line)
    first = when_it_works(program, rng)
    shutil.rmtree("out", ignore_errors=True)
    status, out, err = ended(program)
    assert status in (0, 2)
    return status, first + out, err


def bare_environment(rng: random.Random, line: list[str]) -> Ended:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")}
    more = rng.choice([{}, {"HOME": "/nowhere"}, {"TMPDIR": "/nowhere"}, {"LC_ALL": "C"}])
    return ended(started(line, env=kept | more))


# --- what it reads ----------------------------------------------------------------------------------


def changing(change: Callable[[random.Random, Path], None], before: bool) -> Disturbance:
    """Change one of the files that are read, before or while it is at work; afterwards all is as it was."""

    def disturb(rng: random.Random, line: list[str]) -> Ended:
        folder = Path("books" if line[0] == "detect" else "learn")
        victim = rng.choice(sorted(folder.iterdir()))
        data, times = victim.read_bytes(), victim.stat()
        first, program = b"", None
        if not before:
            program = started(line)
            first = when_it_works(program, rng)
        change(rng, victim)
        try:
            status, out, err = ended(started(line) if program is None else program)
        finally:
            with contextlib.suppress(OSError):
                victim.chmod(0o644)
            if victim.is_dir():
                victim.rmdir()
            victim.unlink(missing_ok=True)
            victim.write_bytes(data)
            os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert status in (0, 2)
        return status, first + out, err

    return disturb


def cut(rng: random.Random, file: Path) -> None:
    os.truncate(file, rng.randrange(file.stat().st_size))


def damaged(rng: random.Random, file: Path) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 20])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    file.write_bytes(data)


def gone(rng: random.Random, file: Path) -> None:
    file.unlink()


def other(rng: random.Random, file: Path) -> None:
    file.write_bytes(rng.choice([b"", b"\0" * 5000, b"%PDF-1.7\n", b"PK\3\4", b"II*\0\x08\0\0\0"]))


def folder_instead(rng: random.Random, file: Path) -> None:
    file.unlink()
    file.mkdir()


# --- workers, clusters, checkpoints -----------------------------------------------------------------


def killed_worker(rng: random.Random, line: list[str]) -> Ended:
    program = started([*line, "-j", "2"])
    due = time.monotonic() + rng.uniform(0, 2)
    while program.poll() is None:
        workers: list[str] = []
        with contextlib.suppress(OSError):  # tasks come and go
            for task in Path(f"/proc/{program.pid}/task").iterdir():
                workers += (task / "children").read_text().split()
        if workers and time.monotonic() > due:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(rng.choice(workers)), signal.SIGKILL)
            break
        time.sleep(0.005)
    return ended(program)


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """An address, and the processes of a scheduler and two workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    root = str(Path(__file__).parents[2])
    options: dict[str, Any] = {
        "env": os.environ | {"PYTHONPATH": root}, "cwd": "/", "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL, "start_new_session": True,
    }  # fmt: skip
    dask = [sys.executable, "-m", "dask"]
    lines = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]]
    lines += [[*dask, "worker", address, "--nthreads", "1", "--no-nanny"]] * 2
    processes = [subprocess.Popen([*line, "--no-dashboard"], **options) for line in lines]
    try:
        yield address, processes
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):  # it was the victim, and is gone
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def in_a_cluster(victim: int | None, number: signal.Signals) -> Disturbance:
    """Send a signal to the scheduler (0), to a worker (1), or to the program itself (None)."""

    def disturb(rng: random.Random, line: list[str]) -> Ended:
        with cluster() as (address, processes):
            # A scheduler that is not yet there is one line: tried again.
            for _ in range(10):
                program = started([*line, "--scheduler", address])
                first = when_it_works(program, rng)
                if first or program.poll() != 2:
                    break
                program.communicate()
            assert first or program.poll() in (None, 0), "the cluster did not start"
            target = program if victim is None else processes[victim]
            target.send_signal(number)
            if number == signal.SIGSTOP:
                time.sleep(rng.uniform(0.1, 3))
                target.send_signal(signal.SIGCONT)
            if victim == 0 and number == signal.SIGKILL:
                target.wait()
            status, out, err = ended(program)
        return status, first + out, err

    return disturb


def spoiled_checkpoint(rng: random.Random, line: list[str]) -> Ended:
    """Ended on the way; then what it has kept is cut short, or something else."""
    program = started(line)
    while program.poll() is None and not any(Path("out").rglob("*.pt")):
        time.sleep(0.1)
    time.sleep(rng.uniform(0, 2))
    program.kill()
    program.communicate()
    victim = rng.choice(sorted(p for p in Path("out").rglob("*.pt") if p.is_file()))
    rng.choice([cut, damaged, other])(rng, victim)
    status, _, err = ended(started(line))
    assert status in (0, 2)
    if status == 2:  # the line says which file; without it the training goes on
        assert str(victim) in err
        victim.unlink()
    return status, b"", err


ANYWHERE: dict[str, Disturbance] = {
    "SIGKILL": signalled(signal.SIGKILL),
    "SIGTERM": signalled(signal.SIGTERM),
    "SIGINT": signalled(signal.SIGINT),
    "SIGHUP": signalled(signal.SIGHUP),
    "stopped and continued": stopped,
    "a full disk": full_disk,
    "files that must be short": short_files,
    "a full standard output": full_output,
    "a reader that leaves": leaving_reader,
    "few file handles": few_handles,
    "short memory": short_memory,
    "no home": bare_environment,
    "an input cut short": changing(cut, before=True),
    "an input damaged": changing(damaged, before=True),
    "an input of something else": changing(other, before=True),
    "a folder instead of an input": changing(folder_instead, before=True),
}
MEANWHILE: dict[str, Disturbance] = {
    "an output folder that disappears": lost_output,
    "an input cut short meanwhile": changing(cut, before=False),
    "an input gone meanwhile": changing(gone, before=False),
    "an input replaced meanwhile": changing(other, before=False),
    "a killed worker": killed_worker,
}
CLUSTERS: dict[str, Disturbance] = {
    "a killed worker of a cluster": in_a_cluster(1, signal.SIGKILL),
    "a worker of a cluster stopped for a while": in_a_cluster(1, signal.SIGSTOP),
    "a killed scheduler": in_a_cluster(0, signal.SIGKILL),
    "a scheduler stopped for a while": in_a_cluster(0, signal.SIGSTOP),
    "a killed client of a cluster": in_a_cluster(None, signal.SIGKILL),
    "an interrupted client of a cluster": in_a_cluster(None, signal.SIGINT),
}
BOOKS = ANYWHERE | MEANWHILE
TRAININGS = ANYWHERE | {"a spoiled checkpoint": spoiled_checkpoint}
JOBS = {"books": list(BOOKS)}
if importlib.util.find_spec("distributed"):
    JOBS["cluster"] = list(CLUSTERS)
if importlib.util.find_spec("torch"):
    JOBS["training"] = list(TRAININGS)
DISTURBANCES = [(job, name) for job, names in JOBS.items() for name in names]
# All of them take half an hour: a third, another one of each job.
A_THIRD = [
    (job, name)
    for offset, (job, names) in enumerate(JOBS.items())
    for name in names[offset % 3 :: 3]
]
ASKED = int(os.environ.get("WALDO_FAULTS") or 0)
DRAWN = [
    (*kind, seed)
    for seed, kind in enumerate(
        itertools.islice(itertools.cycle(DISTURBANCES), ASKED) if ASKED else A_THIRD
    )
]


def assert_said_in_lines(err: str, progress: str = "") -> None:
    """Nothing but lines of the program's own; none calls itself unexpected."""
    for line in err.splitlines():
        assert line.startswith("waldo: ") or (progress and line.startswith(progress)), err
        assert "unexpected" not in line, err


@pytest.fixture(scope="module")
def expected(drawn: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Records and heatmaps of books that nothing disturbs."""
    done = subprocess.run(
        [*WALDO, *LOOK, "-j", "1"], cwd=drawn, capture_output=True, check=True, timeout=300
    )
    assert done.stderr == b""
    pictures = {str(p.relative_to(drawn)): p.read_bytes() for p in drawn.glob("out/*.png")}
    assert len(pictures) == len(KINDS) * COUNT
    (drawn / "found.jsonl").unlink()
    shutil.rmtree(drawn / "out")
    return records(done.stdout), pictures


@pytest.mark.parametrize(
    ("kind", "seed"), [(name, seed) for job, name, seed in DRAWN if job != "training"]
)
def test_books_that_are_disturbed_have_the_records_of_a_quiet_run_in_the_end(
    kind: str, seed: int, expected: tuple[list[dict[str, Any]], dict[str, bytes]], place: Path
) -> None:
    rng = random.Random(seed)
    # A cluster's disturbance chooses its own workers.
    jobs = [] if kind in CLUSTERS or kind == "a killed worker" else ["-j", str(rng.choice([1, 2]))]
    _, out, err = (BOOKS | CLUSTERS)[kind](rng, [*LOOK, *jobs])
    assert_said_in_lines(err)
    for line in out.splitlines(keepends=True):
        assert not line.endswith(b"\n") or json.loads(line)["path"].startswith("books/")
    kept = Path("found.jsonl").read_bytes().count(b"\n") if Path("found.jsonl").exists() else 0
    for left in Path().rglob(".waldo-*"):  # a minute later: what changed since may be somebody's
        with contextlib.suppress(FileNotFoundError):
            os.utime(left, (time.time() - 100,) * 2)
    done = ended(started([*LOOK, "-j", "1"]))
    assert (done[0], done[2]) == (0, "")
    assert records(done[1]) == expected[0]
    assert {str(p): p.read_bytes() for p in Path("out").rglob("*.png")} == expected[1]
    if kept < COUNT * len(KINDS):
        assert not list(Path().rglob(".waldo-*")), "a later run that writes removes what is left"


@pytest.fixture(scope="module")
def learned(drawn: Path) -> str:
    """The stack file of a training that nothing disturbs, without its sizes."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*WALDO, *LEARN], cwd=drawn, capture_output=True, check=True, env=env)
    made = without_sizes(drawn / "out" / "thing.toml")
    shutil.rmtree(drawn / "out")
    return made


def without_sizes(path: Path) -> str:
    """A stack file without the sizes of its objects, which are measured on what it finds."""
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("object = "))


@pytest.mark.parametrize(
    ("kind", "seed"), [(name, seed) for job, name, seed in DRAWN if job == "training"]
)
def test_a_training_that_is_disturbed_gives_the_stack_of_a_quiet_one_in_the_end(
    kind: str, seed: int, learned: str, place: Path
) -> None:
    _, _, err = TRAININGS[kind](random.Random(seed), LEARN)
    if kind != "stopped and continued":
        assert_said_in_lines(err, progress="all: ")
    if "input" in kind and Path("out/thing.toml").exists():  # it has learned from what there was
        return
    done = ended(started(LEARN))
    assert done[0] == 0, done[2]
    # Its weights depend on where it was cut off, their shapes do not.
    assert without_sizes(Path("out/thing.toml")) == learned
    assert ended(started(["detect", "learn/0.png", "--stack", "out/thing.toml"]))[0] in (0, 1)
    assert not list(Path("out").rglob(".waldo-*"))

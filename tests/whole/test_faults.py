"""Disks, names, signals and other people's files at their worst: what was finished stands, all is told.

`WALDO_FAULTS=200 pytest tests/whole/test_faults.py` draws 200 random faults instead of one of each kind.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import errno
import io
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import command, draw_folder, read_terminal, records
from PIL import Image
from readers import SEEDS

from waldo_cli.__main__ import main
from waldo_cli.answers.record import from_json
from waldo_cli.answers.streams import escape_field
from waldo_cli.files import show

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "badimages"

# One pixel sees one pixel: whatever can be opened gets a record.
ANYTHING = 'format = 1\nobject = [1, 1]\n[[layer]]\nop = "combine"\nhow = "mean"\n'

COUNT = 8

Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def waldo(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Run the command line in this process, whose signals are as they were after it."""
    monkeypatch.setattr(os, "_exit", sys.exit)  # how it ends after Ctrl-C; the tests go on

    def run(*args: object) -> tuple[int, bytes, str]:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out, err.decode()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield run
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def whole(path: Path) -> bool:
    """Whether a picture opens to its last row."""
    with Image.open(path) as picture:
        picture.load()
    return True


# --- other people's files ---------------------------------------------------------------------------


def assert_each_has_a_record_or_a_line(
    folder: Path, names: list[str], opens: Callable[[str], bool | None]
) -> None:
    """Look at all of them in one run; `opens` says what is known beforehand."""
    (folder / "any.toml").write_text(ANYTHING)
    ended = subprocess.run(
        [sys.executable, "-W", "always", "-m", "waldo_cli", "detect", "--files-from", "-", "-0", "-j", "2",
         "-f", "jsonl", "-o", "out", "--stack", "./any.toml", "--scales", "1"],
        cwd=folder, input=b"\0".join(map(os.fsencode, names)), capture_output=True, check=False,
        timeout=600,
    )  # fmt: skip
    said = ended.stderr.decode()
    got = [json.loads(line) for line in ended.stdout.splitlines()]
    assert "Traceback" not in said
    assert ended.returncode == 2
    # A file of several pictures has a record for each; of animations the first frame is looked at.
    by_name = {name: list(pages) for name, pages in itertools.groupby(got, lambda r: r["path"])}
    assert list(by_name) == names
    lines = [line for line in said.splitlines() if "not looked at (--pages all)" not in line]
    refused = 0
    for name, pages in by_name.items():
        error = pages[0]["error"]
        # Some sound files show nothing, which is an error for whoever looks for something.
        is_clear = error is not None and error.startswith("the picture is transparent everywhere")
        assert opens(name) is not True or error is None or is_clear, (name, error)
        for record in pages:
            if record["error"] is None:
                assert opens(name) is not False, name
                assert record["width"] > 0
                assert whole(folder / record["heatmap"])
            else:
                page = f"page {record['page']}: " if "page" in record else ""
                assert lines[refused] == f"waldo: {show(name)}: {page}{record['error']}"
                assert len(record["error"]) < 250
                refused += 1
    assert refused == len(lines), "a line for each refused file and no other"
    made = sorted(p.name for p in (folder / "out").rglob("*") if p.is_file())
    assert made == sorted(Path(r["heatmap"]).name for r in got if r["heatmap"] is not None)


@pytest.mark.skipif(
    not CORPUS.exists(), reason="the corpus of bad images is not beside the checkout"
)
def test_the_corpus_of_bad_images_in_one_run_of_two_workers(tmp_path: Path) -> None:
    with (CORPUS / "MANIFEST.csv").open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row["file"] != "selfmade/scans_60000_24mp.jpg"
        ]
    expected: dict[str, bool | None] = {}
    for n, row in enumerate(rows):  # each by a name of its own, so that no two share an output
        name = f"{n:03}-{Path(row['file']).name}"
        (tmp_path / name).symlink_to(CORPUS / row["file"])
        # Which of the others are refused is held by test_badimages.
        expected[name] = True if row["expected"] == "open" else None
    assert_each_has_a_record_or_a_line(tmp_path, list(expected), lambda n: expected[n])


def test_bad_images_made_here_in_one_run_of_two_workers(tmp_path: Path) -> None:
    known: dict[str, bool | None] = {}
    for n, data in enumerate(SEEDS["image"]()):
        for kind, content, opens in (
            ("whole", data, True),
            ("half", data[: len(data) // 2], None),
            ("turned", data[:40] + bytes(255 - b for b in data[40:60]) + data[60:], None),
        ):
            name = f"{n:02}-{kind}.jpg"  # the name says nothing about the format
            (tmp_path / name).write_bytes(content)
            known[name] = opens
    for name, content in {
        "empty.png": b"",
        "page.jpg": b"<!DOCTYPE html><html></html>",
        "lfs.png": b"version https://git-lfs.github.com/spec/v1\n",
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "bomb.bmp": b"BM" + bytes(16) + (60_000).to_bytes(4, "little") * 2 + bytes(60),
    }.items():
        (tmp_path / name).write_bytes(content)
        known[name] = False
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to("loop.png")
    known |= dict.fromkeys(("pipe.png", "zero.png", "loop.png", "gone.png", "nul\x01.png"), False)
    assert_each_has_a_record_or_a_line(tmp_path, list(known), known.__getitem__)


def test_a_picture_that_needs_more_memory_than_there_is_costs_itself_alone(place: Path) -> None:
    """`ulimit -v` holds for the workers, too."""
    Image.new("1", (20_000, 10_000)).save("photos/huge.png")
    with Path("photos/huge.png").open("ab") as file:
        file.write(bytes(2_000_000))  # as heavy as a real one
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1_500 << 20,) * 2)  # noqa: E731
    for jobs in (1, 2):
        status, out, err = ended(started("-j", jobs, preexec_fn=limit))
        assert status == 2
        assert err.startswith(
            "waldo: photos/huge.png: not enough memory for "
        )  # to open or search it
        assert err.count("\n") == 1
        assert len(records(out)) == COUNT + 1


def test_nothing_is_imported_or_configured_from_the_current_folder(
    place: Path, undisturbed: tuple[list[dict[str, Any]], dict[str, bytes]]
) -> None:
    for folder in (Path(), Path("photos")):
        for name in ("numpy", "PIL", "json", "click", "sitecustomize", "waldo_cli"):
            (folder / f"{name}.py").write_text("open('sprung', 'w')\n")
        for name in ("waldo.toml", ".waldo.toml", "pyproject.toml", "setup.cfg", "pixels.toml"):
            (folder / name).write_text("[tool.waldo]\nthreshold = nan\n")
    program = Path(sys.executable).with_name("waldo")
    for jobs in ("1", "2"):
        ran = subprocess.run(
            [program, *look("-j", jobs)], capture_output=True, check=False, timeout=120
        )
        said = b"waldo: 10 files not looked at: 6 PY, 3 TOML, 1 CFG\n"
        assert (ran.returncode, ran.stderr) == (0, said)
        assert records(ran.stdout) == undisturbed[0]
    assert not list(Path().rglob("sprung"))


def test_two_runs_at_once_into_one_folder_leave_whole_pictures(
    place: Path, undisturbed: tuple[list[dict[str, Any]], dict[str, bytes]]
) -> None:
    answers, pictures = undisturbed
    for _ in range(int(os.environ.get("WALDO_FAULTS") or 10) // 10):
        for program in [started("-j", 1), started("-j", 1)]:
            status, out, err = ended(program)
            assert (status, err, records(out)) == (0, "", answers)
        assert {str(p): p.read_bytes() for p in Path("out").rglob("*") if p.is_file()} == pictures
        shutil.rmtree("out")


# --- names ------------------------------------------------------------------------------------------

NAMES = (
    b"plain.png", b" leading and trailing .png", b"tab\there.png", b"line\nhere.png", b"cr\rhere.png",
    b"back\\slash.png", b"quote'double\".png", b"-dash.png", b"--help.png", b"=cmd()|'x'!A1.png",
    b"+1.png", b"@SUM(1).png", b"%s%n{0}.png", b"star*?[a].png", b"$HOME`id`.png", b"~.png",
    b"colour\x1b[31m.png", b"title\x1b]0;x\x07.png", b"bell\x07.png", b"del\x7f.png",
    b"c1\xc2\x9b31m.png", b"\xe2\x80\xaegnp.exe.png", b"zero\xe2\x80\x8bwidth.png",
    b"line\xe2\x80\xa8separator.png", "Wo ist Wäldo 瓦尔多 🎅.png".encode(), b"latin\xe9.png",
    b"\xff\xfe\xfd.png", b"x" * 240 + b".png",
)  # fmt: skip


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder of hostile names, which is the current one; the names in their order."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "any.toml").write_text(ANYTHING)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    for name in NAMES:
        Image.fromarray(pixels).save(tmp_path / "in" / os.fsdecode(name), "PNG")
    return sorted("in/" + os.fsdecode(name) for name in NAMES)


LOOK = ("detect", "in", "--stack", "./any.toml", "--scales", "1", "-j", 1, "-o", "out")


def test_any_name_comes_back_from_every_format(named: list[str], waldo: Run) -> None:
    status, out, err = waldo(*LOOK)
    assert (status, err) == (0, "")
    assert [line.split("\t")[0] for line in out.decode().split("\n")[:-1]] == list(
        map(escape_field, named)
    )
    _, out, _ = waldo(*LOOK, "-0")
    raw = out.split(b"\0")[:-1]
    found = [b"\t".join(r.split(b"\t")[:-8]) for r in raw]
    assert found == list(map(os.fsencode, named))
    _, out, _ = waldo(*LOOK, "-f", "jsonl")
    assert [from_json(json.loads(line)).path for line in out.splitlines()] == named
    _, out, _ = waldo(*LOOK, "-f", "csv")
    table = list(csv.reader(io.StringIO(os.fsdecode(out), newline="")))
    assert [row[0] for row in table[1:]] == named
    assert len(list(Path("out").glob("*.heatmap.png"))) == len(NAMES)


def test_a_list_by_nul_takes_any_name(named: list[str], waldo: Run) -> None:
    Path("list").write_bytes(b"\0".join(map(os.fsencode, named)))
    args = ("--stack", "./any.toml", "--scales", "1", "-j", 1, "--no-heatmap", "-f", "jsonl")
    status, out, err = waldo("detect", "--files-from", "list", "-0", *args)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == len(NAMES)


def test_no_name_moves_a_terminal(named: list[str]) -> None:
    """Records, errors and summaries of hostile names, written to a terminal."""
    for name in named[::2]:
        Path(name).write_bytes(b"broken")
    leading, following = os.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "waldo_cli", *map(str, LOOK), "-v", "--no-progress"],
        stdin=subprocess.DEVNULL, stdout=following, stderr=following,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    os.close(following)
    said = read_terminal(leading)
    os.close(leading)
    assert program.wait(60) == 2
    text = said.decode().replace("\r\n", "\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028]|\t\n", text)
    assert len(re.findall(r"^waldo: in/", text, re.MULTILINE)) == len(named[::2])


# --- every operation fails once ---------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw_folder(tmp_path / "photos", COUNT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def look(*args: object) -> list[str]:
    """Arguments that look for the needle in all photos."""
    return command("photos", "-r", "-o", "out", "-f", "jsonl", *args)[3:]


@pytest.fixture
def undisturbed(place: Path, waldo: Run) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Records and heatmaps as they are when nothing goes wrong; then the folder is empty again."""
    status, out, err = waldo(*look("-j", 1))
    assert (status, err) == (0, "")
    pictures = {str(p): p.read_bytes() for p in Path("out").rglob("*.png")}
    assert len(pictures) == COUNT
    shutil.rmtree("out")
    return records(out), pictures


def assert_sound(pictures: dict[str, bytes], out: bytes, err: str) -> None:
    """What is there is whole, what was said was done, and nothing but lines was said."""
    assert "Traceback" not in err, err
    assert all(line.startswith("waldo: ") for line in err.splitlines()), err
    for path in Path("out").rglob("*.png"):
        assert path.read_bytes() == pictures[str(path)], f"{path} is half-written"
    for line in out.splitlines(keepends=True):
        if line.endswith(b"\n"):
            record = json.loads(line)
            assert (record["heatmap"] is None) == (record["error"] is not None)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, KeyboardInterrupt])
def test_whichever_operation_fails_nothing_is_torn_and_the_next_run_repairs(
    place: Path,
    undisturbed: tuple[list[dict[str, Any]], dict[str, bytes]],
    waldo: Run,
    monkeypatch: pytest.MonkeyPatch,
    error: int | type[BaseException],
) -> None:
    answers, pictures = undisturbed
    for n in itertools.count():
        calls = itertools.count()

        def failing(call: Callable[..., Any], calls: Iterator[int], n: int) -> Callable[..., Any]:
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                if next(calls) == n:
                    raise OSError(error, os.strerror(error)) if isinstance(error, int) else error
                return call(*args, **kwargs)

            return wrapped

        with monkeypatch.context() as patched:
            for name in ("fsync", "replace", "fdopen", "makedirs"):
                patched.setattr(os, name, failing(getattr(os, name), calls, n))
            status, out, err = waldo(*look("-j", 1, "--resume", "found.jsonl"))
        assert_sound(pictures, out, err)
        assert not list(Path("out").rglob(".waldo-*")), "nothing is left behind"
        if next(calls) <= n:
            break
        assert status == (130 if error is KeyboardInterrupt else 2)
        status, out, err = waldo(*look("-j", 1, "--resume", "found.jsonl"))
        assert (status, err, records(out)) == (0, "", answers)
        assert {str(p): p.read_bytes() for p in Path("out").rglob("*.png")} == pictures
        shutil.rmtree("out")
        Path("found.jsonl").unlink()
        if n == 5 and not os.environ.get("WALDO_FAULTS"):
            break  # an image has three operations, a folder one; the rest are the same again


@pytest.mark.skipif(not Path("/bin/false").exists(), reason="no /bin/false here")
def test_workers_that_die_at_once_are_one_line(
    place: Path, waldo: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    status, out, err = waldo(*look("-j", 2))
    assert (status, out) == (2, b"")
    assert err == "waldo: a worker process ended with status 1 while it loaded the stack\n"


# --- random faults ----------------------------------------------------------------------------------


def started(*args: object, **options: Any) -> subprocess.Popen[bytes]:
    given = {"stdin": subprocess.DEVNULL, "stdout": -1, "stderr": -1} | options
    return subprocess.Popen([sys.executable, "-m", "waldo_cli", *look(*args)], **given)


def ended(program: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    out, err = program.communicate(timeout=120)
    return program.returncode, out or b"", (err or b"").decode()


Fault = Callable[[random.Random, list[object]], tuple[int, bytes, str]]


def obeying_permissions() -> None:
    """Even root: without these capabilities the bits of a file decide."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def permission(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    locked = rng.sample(sorted(Path("photos").rglob("*.png")), 2)
    for path in locked:
        path.chmod(0)
    try:
        status, out, err = ended(started(*args, preexec_fn=obeying_permissions))
    finally:
        for path in locked:
            path.chmod(0o644)
    assert status == 2
    assert sorted(err.splitlines()) == sorted(
        f"waldo: {path}: cannot read: Permission denied" for path in locked
    )
    assert len(records(out)) == COUNT
    return 2, out, err


def locked_folder(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    Path("photos/deeper").chmod(0)
    try:
        status, out, err = ended(started(*args, preexec_fn=obeying_permissions))
    finally:
        Path("photos/deeper").chmod(0o755)
    assert status == 2
    assert err == "waldo: photos/deeper: cannot read this folder: permission denied\n"
    return status, out, err


def read_only(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    Path("out/deeper").mkdir(parents=True)
    folders = rng.choice([["out"], ["out/deeper"], ["out", "out/deeper"]])
    for folder in folders:
        Path(folder).chmod(0o555)
    try:
        status, out, err = ended(started(*args, preexec_fn=obeying_permissions))
    finally:
        for folder in folders:
            Path(folder).chmod(0o755)
    assert status == 2
    assert err.count("cannot write: no permission to write to its folder\n") == err.count("\n")
    return status, out, err


def vanishing(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    victims = rng.sample(sorted(Path("photos").rglob("*.png")), 3)
    kept = {path: (path.read_bytes(), path.stat()) for path in victims}
    program = started(*args)
    time.sleep(rng.uniform(0, 1.5))
    for path in victims:
        path.unlink()
    status, out, err = ended(program)
    for path, (data, times) in kept.items():
        path.write_bytes(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert status in (0, 2)
    assert all(line.endswith("cannot read: No such file or directory") for line in err.splitlines())
    return status, out, err


def vanishing_output(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    program = started(*args)
    time.sleep(rng.uniform(0, 1.5))
    shutil.rmtree("out", ignore_errors=True)
    status, out, err = ended(program)
    assert status in (0, 2)
    assert len(records(out)) == COUNT
    return status, out, err


def full_disk(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    Path("out").mkdir()
    size = rng.randrange(4, 24, 4)
    mounted = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", "out"], stderr=subprocess.DEVNULL
    )
    limit = None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
    try:
        status, out, err = ended(started(*args, preexec_fn=limit))
        for path in Path("out").rglob("*"):
            assert path.is_dir() or whole(path)
    finally:
        if mounted:
            subprocess.check_call(["umount", "out"])
    assert status == 2
    if mounted:
        reasons = {line.split(": ", 2)[2] for line in err.splitlines()}
        assert reasons <= {
            f"{p}cannot {what}: no space left on {where}"
            for p in {"", *(line.split(": ")[2] + ": " for line in err.splitlines())}
            for what, where in (("write", "the disk"), ("make this folder", "device"))
        }
    assert not mounted or len(records(out)) == COUNT
    return status, b"", err  # the disk with what was on it is gone


def full_output(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    with Path("/dev/full").open("wb") as full:
        status, out, err = ended(started(*args, stdout=full))
    assert (status, err) == (2, "waldo: standard output: no space left on device\n")
    return status, out, err


def signalled(number: signal.Signals, times: int = 1) -> Fault:
    """At random moments from the first record on; it may be over by then."""

    def fault(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
        program = started(*args)
        assert program.stdout is not None
        out = program.stdout.readline() if number == signal.SIGINT else b""
        time.sleep(rng.uniform(0, 0.3 if out else 1.5))
        for _ in range(times):
            program.send_signal(number)
            time.sleep(rng.uniform(0, 0.1))
        status, rest, err = ended(program)
        assert status in (0, 128 + number, -number)
        if number == signal.SIGINT and err:
            assert re.fullmatch(
                r"waldo: interrupted after \d of 8 images; the same command .*\n", err
            )
            err = ""
        assert err == ""
        assert number != signal.SIGINT or status != -number
        return status, out + rest, err

    return fault


def leaving_reader(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    program = started(*args)
    assert program.stdout is not None
    program.stdout.read(rng.randrange(600))
    program.stdout.close()
    assert program.stderr is not None
    err = program.stderr.read().decode()
    program.stderr.close()
    assert (program.wait(120), err) == (0, "")
    return 0, b"", err


def closed_streams(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    closing = rng.choice(["<&-", "2>&-", "<&- 2>&-"])
    line = [sys.executable, "-m", "waldo_cli", *look(*args)]
    program = subprocess.Popen(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *line], stdout=-1, stderr=-1
    )
    status, out, err = ended(program)
    assert (status, err, len(out.splitlines())) == (0, "", COUNT)
    return status, out, err


def bare_environment(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")}
    bare = kept | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    status, out, err = ended(started(*args, env=bare | rng.choice([{}, {"HOME": "/nowhere"}])))
    assert (status, err, len(out.splitlines())) == (0, "", COUNT)
    return status, out, err


def few_handles(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    count = rng.choice([16, 24, 64, 256])
    jobs = rng.choice([1, 4, COUNT])
    few = [*args, "-j", jobs]
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))  # noqa: E731
    status, out, err = ended(started(*few, preexec_fn=limit))
    assert status in (0, 2)
    assert (status == 2) == ("too many open files" in err.lower())
    assert status == 0 or count < 64
    return status, out, err


def killed_worker(rng: random.Random, args: list[object]) -> tuple[int, bytes, str]:
    program = started(*args, "-j", 2)
    due = time.monotonic() + rng.uniform(0, 1.5)  # from its birth on, while it loads or looks
    while program.poll() is None:
        workers = []
        with contextlib.suppress(OSError):  # tasks come and go
            for task in Path(f"/proc/{program.pid}/task").iterdir():
                workers += (task / "children").read_text().split()
        if workers and time.monotonic() > due:
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
            break
        time.sleep(0.005)
    status, out, err = ended(program)
    assert status in (0, 2)
    assert all("worker process was ended by SIGKILL" in line for line in err.splitlines()), err
    assert err.count("\n") <= 1
    return status, out, err


FAULTS: dict[str, Fault] = {
    "photos without permission": permission,
    "a folder without permission": locked_folder,
    "a read-only folder": read_only,
    "photos that disappear": vanishing,
    "an output folder that disappears": vanishing_output,
    "a full disk": full_disk,
    "a full standard output": full_output,
    "SIGKILL": signalled(signal.SIGKILL),
    "SIGTERM": signalled(signal.SIGTERM),
    "SIGINT": signalled(signal.SIGINT),
    "SIGINT, three times": signalled(signal.SIGINT, times=3),
    "SIGHUP": signalled(signal.SIGHUP),
    "a reader that leaves": leaving_reader,
    "closed streams": closed_streams,
    "no home, no locale": bare_environment,
    "few file handles": few_handles,
    "a killed worker": killed_worker,
}

DRAWN = [
    (kind, n)
    for n, kind in enumerate(
        itertools.islice(
            itertools.cycle(FAULTS), int(os.environ.get("WALDO_FAULTS") or len(FAULTS))
        )
    )
]


@pytest.mark.skipif(sys.platform != "linux", reason="faults are made by what Linux has")
@pytest.mark.parametrize(("kind", "seed"), DRAWN)
def test_a_random_fault_ends_as_documented_and_the_next_run_finishes_the_work(
    kind: str,
    seed: int,
    place: Path,
    undisturbed: tuple[list[dict[str, Any]], dict[str, bytes]],
    waldo: Run,
) -> None:
    rng = random.Random(seed)
    answers, pictures = undisturbed
    args = ["-j", rng.choice([1, 2]), "--resume", "found.jsonl"]
    _, out, err = FAULTS[kind](rng, args)
    assert_sound(pictures, out, err)
    if kind != "an output folder that disappears":
        for line in out.splitlines():
            heatmap = json.loads(line)["heatmap"]
            assert heatmap is None or Path(heatmap).exists(), "said to be written"
    status, out, err = waldo(*look("-j", 1, "--resume", "found.jsonl"))
    assert (status, err) == (0, "")
    assert records(out) == answers
    assert {str(p): p.read_bytes() for p in Path("out").rglob("*.png")} == pictures

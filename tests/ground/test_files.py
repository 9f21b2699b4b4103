"""A file is written whole or not at all, and a path is shown as one harmless line."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.errors import FileError
from waldo_cli.files import (
    FileTooLargeError,
    open_regular,
    read_bytes,
    show,
    sweep,
    write_atomically,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes, then: Callable[[], None] = lambda: None) -> None:
    with write_atomically(path) as file:
        file.write(content)
        then()


def test_the_file_appears_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with write_atomically(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["out.bin"]


def test_an_older_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    with write_atomically(str(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_nothing_is_left_behind(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        raise error

    with pytest.raises(error):
        write(path, b"half of it", fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
def test_each_call_that_fails_is_one_file_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match="cannot write") as caught:
        write(path, b"new")
    monkeypatch.undo()
    assert caught.value.path == str(path)
    assert "\n" not in caught.value.reason
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.bin"]


def test_a_full_disk_is_one_file_error_and_the_older_file_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk; in a process of its own."""
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    code = """
import resource, signal, sys
from waldo_cli.errors import FileError
from waldo_cli.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with write_atomically(sys.argv[1]) as file:
        file.write(bytes(100_000))
except FileError as error:
    print(error.reason)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("cannot write: ")
    assert done.stderr == ""
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.bin"]


def test_a_killed_process_leaves_the_older_file_and_one_recognisable_name(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    code = """
import os, signal, sys
from waldo_cli.files import write_atomically
with write_atomically(sys.argv[1]) as file:
    file.write(b"new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    (left,) = set(names(tmp_path)) - {"out.bin"}
    assert left.startswith(".waldo-")
    assert left.endswith(".tmp")


def test_leftovers_of_the_dead_are_swept_and_those_of_the_living_kept(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    old, fresh, same_id, other = (
        tmp_path / f".waldo-{dead.pid}-0a.tmp",
        tmp_path / f".waldo-{dead.pid}-0b.tmp",
        tmp_path / f".waldo-{os.getpid()}-0c.tmp",  # of an earlier run in a container
        tmp_path / "page.png",
    )
    for path in (old, fresh, same_id, other):
        path.touch()
    with write_atomically(tmp_path / "report.html") as file:
        (living,) = tmp_path.glob(f".waldo-{os.getpid()}-????????.tmp")
        for path in (old, same_id, other, living):
            os.utime(path, (1, 1))
        sweep(str(tmp_path))
        assert sorted(tmp_path.iterdir()) == sorted([fresh, other, living])
        sweep(str(tmp_path), dead.pid)
        assert sorted(tmp_path.iterdir()) == sorted([other, living])
        file.write(b"whole")
    assert (tmp_path / "report.html").read_bytes() == b"whole"


def test_what_is_no_file_is_not_written_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    link, dangling, fifo = tmp_path / "link", tmp_path / "dangling", tmp_path / "fifo"
    link.symlink_to(victim)
    dangling.symlink_to(tmp_path / "nowhere")
    os.mkfifo(fifo)
    for path, reason in (
        (tmp_path, "a folder"),
        (link, "a link"),
        (dangling, "a link"),
        (fifo, "a pipe"),
        (Path("/dev/null"), "a device"),
    ):
        with pytest.raises(FileError, match=reason):
            write(path, b"new")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_would_be_waited_for_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe stands in for /proc/kmsg, which says that it is a regular file."""
    os.mkfifo(tmp_path / "kmsg")
    monkeypatch.setattr("waldo_cli.files._must_be_regular", lambda _: None)
    writer = os.open(tmp_path / "kmsg", os.O_RDWR)
    try:
        for size in (-1, 1, 100_000):
            with (
                open_regular(tmp_path / "kmsg") as file,
                pytest.raises(OSError, match="temporarily unavailable"),
            ):
                file.read(size)
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/out.bin", "does not exist"), ("file/out.bin", "is not a folder")],
)
def test_a_missing_folder_is_named_as_the_reason(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=f"its folder {reason}"):
        write(tmp_path / name, b"new")


def test_a_folder_that_vanishes_meanwhile_is_one_file_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def remove() -> None:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()

    with pytest.raises(FileError, match="its folder does not exist"):
        write(folder / "out.bin", b"new", remove)


def test_a_name_that_is_too_long_is_one_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot write"):
        write(tmp_path / ("x" * 300), b"new")


def test_a_name_as_long_as_allowed_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_file_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(FileError, match="no permission"):
        write(tmp_path / "out.bin", b"new")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_rights_are_those_of_any_new_file(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "out.bin", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.bin").stat().st_mode) == 0o666 & ~umask


# --- show -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/page 1.jpg", "a/page 1.jpg"),
        ("Où est Charlie ? 図 🎅.png", "Où est Charlie ? 図 🎅.png"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[2Jx\x07", r"\x1b[2Jx\x07"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\u2028b\ufeff", r"a\u2028b\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        (b"caf\xe9.png", r"caf\xe9.png"),
        (Path("a") / "b.png", "a/b.png"),
    ],
)
def test_a_path_is_shown_so_that_it_can_do_no_harm(path: str | bytes | Path, shown: str) -> None:
    assert show(path) == shown


@given(st.binary(max_size=60))
def test_whatever_the_bytes_one_printable_line_is_shown(name: bytes) -> None:
    shown = show(name)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


def test_a_small_file_is_read_without_memory_for_the_largest(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"abc")
    tracemalloc.start()
    try:
        assert read_bytes(tmp_path / "small", 1 << 28) == b"abc"
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 20
    assert read_bytes(tmp_path / "small", 3) == b"abc"
    with pytest.raises(FileTooLargeError):
        read_bytes(tmp_path / "small", 2)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no file of unsaid size here")
def test_a_file_that_does_not_say_its_size_is_read_whole_or_refused() -> None:
    assert os.stat("/proc/self/status").st_size == 0
    assert read_bytes("/proc/self/status", 1 << 20).startswith(b"Name:")
    with pytest.raises(FileTooLargeError):
        read_bytes("/proc/self/status", 100)

"""What the program says of errors, and how it ends: full and closed streams, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from commandline import LOOK, PROGRAM, Waldo, limited, process, shell

# --- errors ---------------------------------------------------------------------------------------


def test_an_unexpected_error_is_2_and_a_traceback_comes_with_debug_only(
    waldo: Waldo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError(f"no {name}\nat all")

    import waldo_cli.detector.search  # noqa: F401 - not first below, where it would keep what is broken

    for user in ("stack.file", "detector.search"):
        monkeypatch.setattr(f"waldo_cli.{user}.load_stack", broken)
    ended = waldo("describe", "pixels")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("waldo: unexpected RuntimeError: no pixels (")
    assert ended.err.count("\n") == 1
    ended = waldo("detect", "page.png", "--stack", "pixels", "--debug")
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" in ended.err
    assert ended.err.endswith("RuntimeError: no pixels\nat all\n")


def test_debug_shows_where_an_error_came_from(scene: Path) -> None:
    ended = process(scene, "detect", "page.png", "--stack", "./wrong\x1b[1m.toml", "--debug")
    assert "Traceback" in ended.stderr
    assert "\x1b" not in ended.stderr
    assert ended.returncode == 2, "1 would mean that nothing was found"


def test_a_current_folder_that_is_gone_is_one_line(scene: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = 'rmdir ../gone; exec "$@"'
    args = ["detect", scene / "page.png", "--mask", scene / "mask.png", "--scales", "1"]
    ended = subprocess.run(
        ["sh", "-c", line, "sh", *PROGRAM, *args, "--no-heatmap", "--report", "all.html"],
        cwd=gone, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("waldo: the current folder is gone")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("detect", "a\0b"), ("describe", "x\0"), ("\0",)])
def test_a_nul_in_an_argument_is_one_line(arguments: tuple[str, ...], waldo: Waldo) -> None:
    ended = waldo(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "waldo: an argument holds a NUL, which no name of a file does\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there is not enough memory"),
        (ImportError("libx.so: failed to map segment"), "a library cannot be loaded"),
        (SystemError("error return without exception set"), "a library cannot be loaded"),
        (RuntimeError("can't start new thread"), "no further thread can be started"),
    ],
)
def test_what_a_small_machine_brings_about_is_one_line_of_its_own(
    error: Exception, said: str, waldo: Waldo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("waldo_cli.stack.file.load_stack", fail)
    ended = waldo("describe", "pixels")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(f"waldo: {said}")


# --- streams --------------------------------------------------------------------------------------


def test_a_full_standard_output_is_one_line_and_2(scene: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = process(
            scene, "detect", "page.png", *LOOK, "-o", tmp_path, stdout=full, stderr=subprocess.PIPE
        )
    assert ended.returncode == 2
    assert ended.stderr == "waldo: standard output: no space left on device\n"


@pytest.mark.parametrize("args", [("--version",), ("describe", "pixels")], ids=" ".join)
def test_other_commands_notice_a_full_standard_output_too(
    args: tuple[str, ...], scene: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        ended = process(scene, *args, stdout=full, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("describe", "nosuch"), 2),
        (("detect",), 2),
        (("detect", "nosuch.png"), 2),
        (("detect", "page.png", *LOOK, "--no-heatmap", "-v"), 0),
    ],
    ids=["no stack", "no image", "no such image", "found"],
)
def test_a_full_standard_error_changes_no_status(
    args: tuple[str, ...], status: int, scene: Path
) -> None:
    """Least of all to 1, which means that nothing was found."""
    with Path("/dev/full").open("w") as full:
        ended = process(scene, *args, stdout=subprocess.PIPE, stderr=full)
    assert ended.returncode == status


def test_a_closed_standard_output_is_2_before_the_work(scene: Path, tmp_path: Path) -> None:
    ended = shell(scene, tmp_path, "{} >&-")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert not list(tmp_path.iterdir())


def test_a_closed_standard_error_changes_neither_answer_nor_picture(
    scene: Path, tmp_path: Path
) -> None:
    ended = shell(scene, tmp_path, "{} 2>&-")
    assert (ended.returncode, ended.stdout.split("\t")[1:3]) == (0, ["35", "26"])
    assert (tmp_path / "page.heatmap.png").exists()


def test_a_closed_standard_input_is_one_line_and_2(scene: Path, tmp_path: Path) -> None:
    ended = shell(scene, tmp_path, "{} <&-")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_a_closed_pipe_ends_quietly(scene: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = process(
            scene, "detect", "page.png", "other.png", *LOOK, "-o", tmp_path,
            stdout=writing, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_is_130_without_a_word(scene: Path, tmp_path: Path) -> None:
    """The header has come, the image has not: then the program waits in its main job."""
    args = ["detect", "-", *LOOK, "--header", "-o", str(tmp_path)]
    with subprocess.Popen(
        [*PROGRAM, *args], cwd=scene, stdin=-1, stdout=-1, stderr=-1, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith("path\tx\ty\tscore\t")
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130
        assert running.stderr.read() == ""
    assert not list(tmp_path.iterdir())


def test_ctrl_c_while_the_program_loads_is_130_without_a_word(scene: Path, tmp_path: Path) -> None:
    """A click that sends the signal as it is imported stands for a quick finger."""
    (tmp_path / "click.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    with subprocess.Popen(
        [*PROGRAM, "detect", "page.png", *LOOK], cwd=scene, stdout=-1, stderr=-1, text=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
    ) as running:  # fmt: skip
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "")


# Says when the interpreter has begun to end, and takes its time.
ENDING = """
import atexit, time
from waldo_cli.__main__ import main
atexit.register(lambda: (print("ending", flush=True), time.sleep(60)))
main(["--version"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_interpreter_ends_says_nothing(number: signal.Signals) -> None:
    with subprocess.Popen(
        [PROGRAM[0], "-c", ENDING], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        while program.stdout.readline() != b"ending\n":
            pass
        program.send_signal(number)
        assert program.stderr.read() == b""
        assert program.wait(60) == -number


# Gets Ctrl-C after its work is done, where another thread of the process can be given the signal.
DONE = """
import atexit, os, signal, threading, time
from waldo_cli.__main__ import main
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
atexit.register(os.kill, os.getpid(), signal.SIGINT)
main(["--version"])
"""


def test_ctrl_c_after_the_work_leaves_its_status() -> None:
    ended = subprocess.run([PROGRAM[0], "-c", DONE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("threads", [1, 2, "auto"])
def test_where_memory_is_just_enough_for_the_libraries_a_run_ends(
    scene: Path, threads: int | str
) -> None:
    """SciPy's own OpenBLAS, loaded later than numpy's, tries for ever where it gets no memory.

    What is left for the image itself may do or not: it depends on where the libraries lie.
    """
    short = "waldo: page.png: not enough memory for this image, free some or raise its limit\n"
    refused = limited("detect page.png", scene, 150_000, threads).stderr
    needed = int(refused.split("takes ")[1].split(":")[0])
    command = "detect page.png --no-heatmap --mask mask.png"
    for spare in (4_000, 30_000):
        ended = limited(command, scene, needed + spare, threads)
        assert (ended.returncode, ended.stderr) in {(0, ""), (2, short)}
    assert limited(command, scene, needed + 200_000, threads).returncode == 0


# From what click needs to what the libraries do.
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("limit", [40_000, 150_000, 230_000])
def test_where_memory_is_limited_help_works_and_a_run_says_so_in_one_line(
    scene: Path, limit: int, threads: int
) -> None:
    for command in ("--help", "--version", "detect --help", "completion bash"):
        assert limited(command, scene, limit, threads).returncode == 0, command
    for command in ("detect page.png --no-heatmap", "describe pixels"):
        ended = limited(command, scene, limit, threads)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(
            f"waldo: memory is limited to {limit} kB, to load the libraries"
        )
        assert ended.stderr.count("\n") == 1


# Uses up the files that it may open, and then starts the program.
FULL = """
import os, resource
from waldo_cli.__main__ import main
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        os.open(os.devnull, os.O_RDONLY)
except OSError:
    main({arguments})
"""


@pytest.mark.parametrize(
    "arguments", [["detect", "--help"], ["detect", "page.png"], ["describe", "pixels"], ["--help"]]
)
def test_a_process_that_can_open_nothing_more_says_so_in_one_line(arguments: list[str]) -> None:
    ended = subprocess.run(
        [PROGRAM[0], "-c", FULL.format(arguments=arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("waldo: ")
    assert ended.stderr.count("\n") == 1
    assert "oo many open files" in ended.stderr
    assert "unexpected" not in ended.stderr

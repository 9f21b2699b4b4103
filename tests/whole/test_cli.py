"""The commands together: help, usage errors, and what they load before they run."""

from __future__ import annotations

import csv
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import LOOK, PROGRAM, Waldo, process
from folders import read_terminal
from PIL import Image

from waldo_cli.cli import COMMANDS

USAGE = {
    "no image": ["detect"],
    "no such option": ["detect", "page.png", "--nonsense"],
    "no such command": ["nonsense"],
    "a slip in a command": ["detct", "page.png"],
    "no such option before a picture": ["--nonsense", "page.png"],
    "no such format": ["detect", "page.png", "-f", "xml"],
    "scales": ["detect", "page.png", "--scales", "big"],
    "angles": ["detect", "page.png", "--angles", "0:1e9"],
    "standard input for a mask and an image": ["detect", "-", "--mask", "-"],
    "region": ["detect", "page.png", "--region", "1,2,3"],
    "top": ["detect", "page.png", "--top", "0"],
    "threshold": ["detect", "page.png", "--threshold", "high"],
    "top in words": ["detect", "page.png", "--top", "many"],
    "overlap nan": ["detect", "page.png", "--max-overlap", "nan"],
    "threshold nan": ["detect", "page.png", "other.png", "--threshold", "nan"],
    "threshold of explain": ["explain", "page.png", "--threshold", "inf"],
    "threshold of evaluate": ["evaluate", ".", "--truth", "t.csv", "--threshold", "-inf"],
    "effort": ["train", ".", "--truth", "t.csv", "-o", "new", "--effort", "nan"],
    "place": ["explain", "page.png", "--at", "nan,1"],
    "timeout": ["detect", "page.png", "--timeout", "inf"],
    "header of json lines": ["detect", "page.png", "-f", "jsonl", "--header"],
    "size": ["describe", "pixels", "--size", "0x3"],
    "no truth": ["evaluate", "."],
    "shell": ["completion", "tcsh"],
}


@pytest.mark.parametrize("name", USAGE)
def test_a_usage_error_is_one_line_and_2(name: str, waldo: Waldo) -> None:
    ended = waldo(*USAGE[name])
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("waldo")
    assert ended.err.count("\n") == 1


def test_no_command_shows_the_help_on_stderr_and_is_2(waldo: Waldo) -> None:
    ended = waldo()
    assert (ended.status, ended.out) == (2, "")
    assert "\n  detect " in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ["page.png", *LOOK],
        [*LOOK, "page.png"],
        [".", *LOOK],
        ["--", "page.png"],
        ["-q", "page.png", *LOOK],
        ["missing.png"],
        ["http://127.0.0.1:9/page.png"],
        ["page.png", "-f", "xml"],
    ],
    ids=" ".join,
)
def test_without_a_command_pictures_are_looked_at(args: list[str], waldo: Waldo) -> None:
    assert waldo(*args) == waldo("detect", *args)


def test_without_a_command_standard_input_is_looked_at(scene: Path) -> None:
    with (scene / "page.png").open("rb") as page:
        ended = process(scene, "-", *LOOK, stdin=page)
    assert ended.stdout.startswith("-\t35\t")


def test_a_picture_may_be_called_as_a_word_and_a_command_comes_first(
    scene: Path, tmp_path: Path
) -> None:
    shutil.copy(scene / "mask.png", tmp_path)
    for name in ("detct", "detect"):
        shutil.copy(scene / "page.png", tmp_path / name)
    assert process(tmp_path, "detct", *LOOK).stdout.startswith("detct\t")
    assert "Missing argument" in process(tmp_path, "detect", *LOOK).stderr
    assert process(tmp_path, "detect", "detect", *LOOK).stdout.startswith("detect\t")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("detct", "did you mean 'waldo detect'?"),
        ("Explain", "did you mean 'waldo explain'?"),
        ("xyz", "commands are detect, explain, "),
    ],
)
def test_a_slip_in_a_command_is_told(word: str, hint: str, waldo: Waldo) -> None:
    ended = waldo(word, "page.png")
    assert (ended.status, ended.out) == (2, "")
    assert f"{word!r} is neither a command nor a file; {hint}" in ended.err


QUICK = [
    ["--help"],
    ["--version"],
    ["completion", "bash"],
    *([command, "--help"] for command in COMMANDS),
    *USAGE.values(),
]


@pytest.mark.parametrize("args", QUICK, ids=" ".join)
def test_help_and_usage_errors_load_nothing_heavy(args: list[str], scene: Path) -> None:
    run = [sys.executable, "-X", "importtime", "-m", "waldo_cli", *args]
    ended = subprocess.run(run, capture_output=True, text=True, cwd=scene, check=False)
    loaded = {line.split("|")[-1].strip() for line in ended.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {"numpy", "scipy", "PIL", "torch", "dask"}


def test_every_command_has_help_that_names_each_option(waldo: Waldo) -> None:
    for command in COMMANDS:
        ended = waldo(command, "--help")
        assert ended.status == 0
        assert ended.err == ""
        assert "Usage: waldo" in ended.out
        assert f"\n  {command} " in waldo("--help").out


def test_version_completion_and_describe_answer_on_stdout(waldo: Waldo) -> None:
    assert waldo("--version").out.startswith("waldo 0.")
    for shell in ("bash", "zsh", "fish"):
        assert "_WALDO_COMPLETE" in waldo("completion", shell).out
    described = waldo("describe", "stripes", "--size", "100x50")
    assert described.status == 0
    assert "conv 1x1 3 -> 2" in described.out
    assert "a dense layer for 100x50x3" in described.out


# --- a terminal -----------------------------------------------------------------------------------

# What a name may do to a terminal: colours, a bell, a bidirectional override, a line of its own, a title.
HOSTILE = "a\x1b[31m\x07\u202e\nb\x9b2J\x1b]0;owned"

AIMED = {
    "detect": ["detect", "{}.png", "-v"],
    "detect, a picture that is none": ["detect", "{}.jpg"],
    "detect, a missing one": ["detect", "{}.gif"],
    "detect, two": ["detect", "{}.png", "{}.jpg", "--progress", "-v"],
    "detect, label files": ["detect", "{}.png", "-f", "yolo", "-o", "{}"],
    "detect, a report": ["detect", "{}.png", "--report", "{}/there.html"],
    "detect, resumed": ["detect", "{}.png", "--resume", "{}.jpg"],
    "detect, a mask": ["detect", "{}.png", "--mask", "{}.png", "--scales", "1"],
    "detect, a mask that is none": ["detect", "{}.png", "--mask", "{}.jpg"],
    "detect, a list": ["detect", "--files-from", "{}.jpg"],
    "detect, a label": ["detect", "{}.png", "--label", "{}"],
    "explain": ["explain", "{}.png", "-o", "out"],
    "explain, into such a folder": ["explain", "{}.png", "-o", "{}"],
    "explain, a picture that is none": ["explain", "{}.jpg"],
    "evaluate": ["evaluate", "{}", "--truth", "{}.csv", "--label", "{}"],
    "evaluate, no truth": ["evaluate", "{}", "--truth", "{}.gif"],
    "evaluate, a truth that is none": ["evaluate", "{}", "--truth", "{}.jpg"],
    "train": ["train", "{}", "--truth", "{}.csv", "-o", "{}/new"],
    "train, no truth": ["train", "{}", "--truth", "{}.gif", "-o", "{}/new"],
    "describe": ["describe", "./{}.jpg"],
    "describe, no such stack": ["describe", "{}"],
    "completion": ["completion", "{}"],
    "no command": ["{}"],
    "no option": ["detect", "--{}"],
    "no format": ["detect", "x", "-f", "{}"],
    "no scales": ["detect", "x", "--scales", "{}"],
    "no number": ["detect", "x", "--threshold", "{}"],
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where all names are hostile: a page, a text, a truth, a folder with a page."""
    place = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    page = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
    (place / HOSTILE).mkdir()
    page.save(place / f"{HOSTILE}.png")
    page.save(place / HOSTILE / f"{HOSTILE}.png")
    (place / f"{HOSTILE}.jpg").write_text("no picture\n")
    with (place / f"{HOSTILE}.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"])
        rows.writerow([f"{HOSTILE}.png", 80, 60, HOSTILE, 1, 1, 9, 9])
    return place


@pytest.mark.parametrize("name", AIMED)
def test_no_name_reaches_a_terminal_raw(name: str, hostile: Path) -> None:
    ours, theirs = pty.openpty()
    args = [arg.replace("{}", HOSTILE) for arg in AIMED[name]]
    with subprocess.Popen(
        [*PROGRAM, *args], cwd=hostile, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"},
    ) as program:  # fmt: skip
        os.close(theirs)
        shown = read_terminal(ours).decode()
    os.close(ours)
    assert program.returncode in (0, 1, 2)
    assert "unexpected" not in shown
    text = shown.replace("\r\x1b[K", "").replace("\r\n", "\n").replace("\t", " ")
    assert shown
    assert text.replace("\n", "").isprintable(), repr(text)
    if "\\x1b" not in text:  # it is then not named at all
        assert HOSTILE.split("\n")[1] not in text

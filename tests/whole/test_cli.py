"""The commands together: help, usage errors, and what they load before they run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Waldo

from waldo_cli.cli import COMMANDS

USAGE = {
    "no image": ["detect"],
    "no such option": ["detect", "page.png", "--nonsense"],
    "no such command": ["nonsense"],
    "no such format": ["detect", "page.png", "-f", "xml"],
    "scales": ["detect", "page.png", "--scales", "big"],
    "region": ["detect", "page.png", "--region", "1,2,3"],
    "top": ["detect", "page.png", "--top", "0"],
    "threshold": ["detect", "page.png", "--threshold", "high"],
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

"""What shells are told when they complete a line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import process


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("waldo det", {"plain,detect"}),
        ("waldo detect --thr", {"plain,--threshold"}),
        ("waldo detect pa", {"file,pa"}),
        ("waldo pa", {"file,pa"}),
        ("waldo --thr", {"plain,--threshold"}),
        ("waldo page.png --thr", {"plain,--threshold"}),
        ("waldo --mask ha", {"file,ha"}),
        ("waldo --vers", {"plain,--version"}),
        ("waldo detect --mask ha", {"file,ha"}),
        ("waldo explain pa", {"file,pa"}),
        ("waldo describe s", {"plain,stripes"}),
        ("waldo detect --stack my", {"file,my"}),
    ],
)
def test_shells_complete_commands_options_files_and_stacks(words: str, answers: set[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    env = os.environ | asked | {"_WALDO_COMPLETE": "bash_complete"}
    ended = subprocess.run(
        [sys.executable, "-m", "waldo_cli"], capture_output=True, text=True, check=True, env=env
    )
    assert set(ended.stdout.split()) == answers


def test_the_shell_completes_commands_and_options(scene: Path) -> None:
    asked = {"_WALDO_COMPLETE": "bash_complete", "COMP_WORDS": "waldo de", "COMP_CWORD": "1"}
    ended = process(scene, env={**os.environ, **asked})
    assert ended.stdout.split() == ["plain,detect", "plain,describe"]


@pytest.mark.parametrize(
    ("asked", "odd"),
    [
        ({}, "COMP_WORDS or COMP_CWORD"),
        ({"COMP_WORDS": "waldo", "COMP_CWORD": "x"}, "COMP_WORDS or COMP_CWORD"),
        ({"_WALDO_COMPLETE": "1"}, "_WALDO_COMPLETE"),
        ({"_WALDO_COMPLETE": "csh_source"}, "_WALDO_COMPLETE"),
    ],
)
def test_completion_that_no_shell_asked_for_is_one_line(asked: dict[str, str], odd: str) -> None:
    env = os.environ | {"_WALDO_COMPLETE": "bash_complete"} | asked
    ended = subprocess.run(
        [sys.executable, "-m", "waldo_cli"], capture_output=True, text=True, check=False, env=env
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"waldo: {odd} is not as a shell sets it for completions\n"


def test_an_empty_variable_asks_for_no_completion(scene: Path) -> None:
    ended = process(scene, "describe", "nothing", env={**os.environ, "_WALDO_COMPLETE": ""})
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)

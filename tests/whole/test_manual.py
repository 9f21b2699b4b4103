"""Man pages and help: every option, the same examples, and examples that are commands."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from waldo_cli.cli import COMMANDS, waldo

MAN = Path(__file__).parents[2] / "docs" / "man"
TOP = click.Context(waldo, info_name="waldo")


def named(name: str) -> click.Command:
    """The command of a name; the whole program if it is empty."""
    command = waldo.get_command(TOP, name) if name else waldo
    assert command is not None
    return command


def examples(name: str) -> list[str]:
    """The lines of the help that follow its heading of examples."""
    _, heading, shown = named(name).get_help(TOP).partition("  Examples:\n")
    assert heading
    return [line.strip() for line in shown.splitlines()]


def rendered(page: Path, width: int) -> str:
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man and groff are not installed")
    ended = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True, text=True,
        check=False, env=os.environ | {"MANWIDTH": str(width), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_man_pages_are_what_the_program_says() -> None:
    pages = runpy.run_path(str(MAN.parent / "tools" / "man.py"))["manual"]()
    there = {path.name: path.read_text(encoding="utf-8") for path in MAN.iterdir()}
    assert there == pages, "python docs/tools/generate.py writes them anew"
    assert there.keys() == {"waldo.1", *(f"waldo-{name}.1" for name in COMMANDS)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_its_man_page(name: str) -> None:
    page = (MAN / f"waldo-{name}.1").read_text(encoding="utf-8").replace("\\-", "-")
    for parameter in named(name).params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option in page, option


@pytest.mark.parametrize("page", sorted(MAN.iterdir()), ids=lambda page: page.name)
def test_man_pages_render_without_warnings_and_end_with_the_examples_of_the_help(
    page: Path,
) -> None:
    shown = rendered(page, 100)
    assert "EXIT STATUS" in shown
    lines = [line.strip() for line in shown.partition("EXAMPLES\n")[2].splitlines()]
    *lines, _ = filter(None, lines)  # the last one is the page's foot
    assert lines == examples(page.stem.removeprefix("waldo").removeprefix("-"))


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_examples_are_commands_that_this_program_takes(name: str) -> None:
    shown = examples(name)
    assert len(shown) >= 4
    for line in shown[::2]:
        (words,) = re.findall(r"\bwaldo [^|&>)]*", line)
        _, *args = shlex.split(words)
        with waldo.make_context("waldo", args) as top:  # names and values are checked, nothing runs
            called, command, rest = waldo.resolve_command(top, [*top._protected_args, *top.args])
            assert name in ("", called)
            assert command is not None
            with command.make_context(called, rest, top):
                pass

"""The man pages: ``python docs/tools/man.py FOLDER`` writes one for `waldo` and one for each command.

The text is the commands' own help; what it lacks for a manual (where things are found, how the program
ends) is added here. ``python docs/tools/generate.py`` writes them to docs/man, from where a wheel takes them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from waldo_cli import __version__
from waldo_cli.cli import waldo

STATUS = """\
.SH EXIT STATUS
.TP
.B 0
Something was found, and nothing failed.
.TP
.B 1
Nothing was found.
.TP
.B 2
A usage error, or an image, a mask, a stack or an output that could not be used.
.TP
.B 130
Interrupted.
.SH ENVIRONMENT
.TP
.B NO_COLOR
No colours on standard error.
.TP
.B OMP_NUM_THREADS
Threads of one process.
"""


def page(command: click.Command, names: list[str], ctx: click.Context) -> Iterator[str]:
    """Give the lines of one page."""
    title = "-".join(names)
    summary, *rest = paragraphs(command.help or "")
    yield f'.TH "{title.upper()}" 1 "" "waldo {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{roff(title)} \\- {roff(command.get_short_help_str(100).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {roff(' '.join(names))}"
    yield roff(" ".join(command.collect_usage_pieces(ctx)))
    yield ".SH DESCRIPTION"
    for paragraph in (summary, *rest):
        if paragraph.startswith("Exit status:"):
            continue
        yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(roff, paragraph.splitlines()[1:]), ".fi")
        else:
            yield roff(" ".join(paragraph.split()))
    yield ".SH OPTIONS"
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and record[1]:
            yield from (".TP", f".B {roff(record[0])}", roff(record[1]))
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                yield from (
                    ".TP",
                    f".BR {roff(f'{title}-{name}')} (1)",
                    roff(inner.get_short_help_str(100)),
                )
    yield STATUS.rstrip()
    yield ".SH EXAMPLES"
    for line, said in examples(command):
        # Not filled, which would stretch its blanks and break it: it is there to be copied.
        yield from (".PP", ".nf", rf"\fB{roff(line)}\fR", ".fi", ".RS 4", roff(said), ".RE")


def examples(command: click.Command) -> Iterator[tuple[str, str]]:
    """Give the examples at the end of a command's help: a line for the shell, and what it does."""
    _, *lines = (command.epilog or "\b\nExamples:").removeprefix("\b\n").splitlines()
    for line, said in zip(lines[::2], lines[1::2], strict=True):
        yield line.strip(), said.strip()


def paragraphs(text: str) -> list[str]:
    """Split a docstring at its blank lines."""
    return re.split(r"\n\s*\n", "\n".join(line.strip() for line in text.strip().splitlines()))


def roff(text: str) -> str:
    """Text that troff prints as it is; it makes other signs of some that shells know."""
    escapes = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
    text = "".join(escapes.get(character, character) for character in text)
    return rf"\&{text}" if text.startswith(".") else text


def manual() -> dict[str, str]:
    """The texts of ``waldo.1`` and of each ``waldo-COMMAND.1``."""
    ctx = click.Context(waldo, info_name="waldo", **waldo.context_settings)
    pages: list[tuple[click.Command, list[str], click.Context]] = [(waldo, ["waldo"], ctx)]
    for name in waldo.list_commands(ctx):
        command = waldo.get_command(ctx, name)
        if command is not None:
            pages.append((command, ["waldo", name], click.Context(command, ctx, info_name=name)))
    return {
        f"{'-'.join(names)}.1": "\n".join(page(command, names, own)) + "\n"
        for command, names, own in pages
    }


def write(folder: Path) -> None:
    """Write the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in manual().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))

"""The command line: one module for each command, named after it.

Importing this package and parsing arguments imports click, but neither numpy nor Pillow, so that ``--help``
is fast; a command imports what it needs when it runs. Commands raise `WaldoError`, and `waldo_cli.__main__`
turns it into one line and an exit status.
"""

from __future__ import annotations

from importlib import import_module

import click

from waldo_cli import __version__

# Name and one line of help for each command. They stand here, so that listing the commands imports none of
# their modules.
COMMANDS = {
    "detect": "Find Waldo, or the picture given by --mask, in images.",
    "explain": "Show how `waldo detect` comes to its answer for one image.",
    "evaluate": "Say how good the finds are on pages whose boxes are known.",
    "train": "Learn to find Waldo from pages whose boxes are known.",
    "export": "Write a stack as ONNX models for other programs.",
    "describe": "Show a stack layer by layer, and what it costs.",
    "completion": "Print the script by which a shell completes commands.",
}


class _LazyGroup(click.Group):
    """A group that imports the module of a command only when the command or its help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"waldo_cli.cli.{name}"), name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="waldo", message="%(prog)s %(version)s")
def waldo() -> None:
    """Find Waldo in pictures: records on standard output, heatmaps on disk.

    Exit status: 0 found, 1 nothing found, 2 an error, 130 interrupted.
    """

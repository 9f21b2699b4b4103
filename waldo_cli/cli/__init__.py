"""The command line: one module for each command, named after it.

Importing this package and parsing arguments imports click, but neither numpy nor Pillow, so that ``--help``
is fast; a command imports what it needs when it runs. Commands raise `WaldoError`, and `waldo_cli.__main__`
turns it into one line and an exit status.
"""

from __future__ import annotations

import os
from importlib import import_module

import click
from click.shell_completion import CompletionItem

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

# The command that is meant where the first argument names none.
DEFAULT = "detect"


class _LazyGroup(click.Group):
    """A group that imports the module of a command only when the command or its help is asked for.

    ``waldo page.jpg`` is ``waldo detect page.jpg``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if args and args[0] not in own | COMMANDS.keys():
            if not ctx.resilient_parsing:  # as it is for completion
                _refuse_slip(args[0], ctx)
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        results = super().shell_complete(ctx, incomplete)
        command = self.get_command(ctx, DEFAULT) if incomplete.startswith("-") else None
        if command is not None:
            known = {item.value for item in results}
            options = command.shell_complete(click.Context(command, ctx), incomplete)
            results += [item for item in options if item.value not in known]
        return results or [CompletionItem(incomplete, type="file")]

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


def _refuse_slip(word: str, ctx: click.Context) -> None:
    """Refuse a first argument that is more like a slip in a command than like the name of a picture.

    Raises
    ------
    click.UsageError
        It is one bare word, and no file has this name.
    """
    if not word.isidentifier() or os.path.lexists(word):
        return
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), COMMANDS, 1)
    hint = f"did you mean 'waldo {near[0]}'?" if near else f"commands are {', '.join(COMMANDS)}"
    raise click.UsageError(f"{word!r} is neither a command nor a file; {hint}", ctx)


EXAMPLES = """\
\b
Examples:
  waldo page.jpg
      Where is he? Writes page.heatmap.png, too.
  waldo --mask icon.png --top all --no-heatmap screenshot.png
      Every place of an icon.
  waldo explain page.jpg
      A page for the browser: how the answer came about.
"""


@click.group(
    cls=_LazyGroup,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="waldo", message="%(prog)s %(version)s")
def waldo() -> None:
    """Find Waldo, or any picture, in pictures: records on standard output, heatmaps on disk.

    `waldo page.jpg` is `waldo detect page.jpg`, with all its options.

    Exit status: 0 found, 1 nothing found, 2 an error, 130 interrupted.
    """

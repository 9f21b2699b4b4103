"""``waldo completion SHELL``: the script for completion in a shell, which click has as a template."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

EXAMPLES = """\
\b
Examples:
  eval "$(waldo completion bash)"
      For this bash; in ~/.bashrc for every one.
  waldo completion fish > ~/.config/fish/completions/waldo.fish
      For fish.
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands and options.

    \b
    bash:  eval "$(waldo completion bash)"      in ~/.bashrc
    zsh:   eval "$(waldo completion zsh)"       in ~/.zshrc
    fish:  waldo completion fish > ~/.config/fish/completions/waldo.fish
    """  # noqa: D301 - a real backspace character tells click not to wrap the lines that follow
    shell_class = get_completion_class(shell)
    if shell_class is None:
        raise click.UsageError(f"no completion for {shell}", ctx)
    # `waldo_cli.__main__` knows the variable _WALDO_COMPLETE, too: the scripts set it to ask for completions.
    script = shell_class(ctx.find_root().command, {}, "waldo", "_WALDO_COMPLETE")
    click.echo(script.source_template % script.source_vars())

"""``waldo completion SHELL``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands and options.

    \b
    bash:  eval "$(waldo completion bash)"      in ~/.bashrc
    zsh:   eval "$(waldo completion zsh)"       in ~/.zshrc
    fish:  waldo completion fish > ~/.config/fish/completions/waldo.fish
    """  # noqa: D301 - click's mark for lines to be left as they are is a real backspace
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}", ctx)
    script = kind(ctx.find_root().command, {}, "waldo", "_WALDO_COMPLETE")
    click.echo(script.source_template % script.source_vars())

"""``waldo export STACK MODEL``: a stack as ONNX models for other programs.

This module reads the options; `waldo_cli.export.models` does the work.
"""

from __future__ import annotations

import click

from waldo_cli.cli import options
from waldo_cli.cli.faults import tell
from waldo_cli.cli.memory import Computing
from waldo_cli.files import show

EXAMPLES = """\
\b
Examples:
  waldo export waldo waldo.onnx
      The built-in stack, its two closer looks, and a JSON of how they are used.
  waldo export my-stack.toml models/mine.onnx --overwrite
      A stack of one's own, in place of what is there.
"""


@click.command(cls=Computing, epilog=EXAMPLES)
@click.argument("stack", shell_complete=options.stack_names)
@click.argument("model", type=options.PLACE, metavar="MODEL.onnx")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace files that are there, whoever made them.  [default: only what waldo export made]",
)
@options.debug
def export(
    stack: str,
    model: str,
    overwrite: bool,
    debug: bool,  # noqa: ARG001 - read by main
) -> None:
    """Write STACK, a built-in name or a stack file, as a model of ONNX.

    Each closer look is a model of its own, MODEL.closer-1.onnx and so on, and what says the boxes of
    finds is MODEL.box.onnx; MODEL.json says how they are used together. Their images may have any
    height and width. Needs the extra "onnx".

    The answers of onnxruntime are compared with ours first, on noise and on a drawn picture; where they
    differ by more than 0.0001 of the largest one, nothing is written.

    Prints the paths of the files. Exit status: 0 they are written, 2 an error, 130 Ctrl-C.
    """
    from importlib.util import find_spec
    from pathlib import Path

    from waldo_cli.errors import MissingExtraError, WaldoError
    from waldo_cli.export.models import export as write_models
    from waldo_cli.stack.file import load_stack

    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise MissingExtraError("export needs onnx and onnxruntime: pip install 'waldo-cli[onnx]'")
    loaded = load_stack(stack)
    try:
        paths, difference = write_models(loaded, Path(model), overwrite=overwrite)
    except WaldoError as e:
        raise e.at(stack) from None
    for path in paths:
        click.echo(show(path))
    tell(f"onnxruntime's answers differ from ours by at most {difference:.2g}")

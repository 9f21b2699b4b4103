"""``waldo describe STACK``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from waldo_cli.cli.options import Size, stack_names

if TYPE_CHECKING:
    from waldo_cli.stack.stack import Stack


@click.command()
@click.argument("stack", shell_complete=stack_names)
@click.option("--size", type=Size(), metavar="WxH", default="1000x1000", show_default=True,
              help="The image that sums are given for.")  # fmt: skip
@click.option("--outputs", type=click.IntRange(1), metavar="N",
              help="Compare with a dense layer of N outputs.  [default: the stack's own output]")  # fmt: skip
def describe(stack: str, size: tuple[int, int], outputs: int | None) -> None:
    """Show a stack layer by layer: shapes, parameters, receptive fields, multiply-adds.

    STACK is a built-in name or a stack file. The last lines compare with a dense layer from the same
    input to the same output: one weight for every pair of numbers.
    """
    from waldo_cli.stack.file import load_stack

    loaded = load_stack(stack)
    click.echo(f"{loaded.name}: {loaded.description}" if loaded.description else loaded.name)
    _table(loaded, size, outputs)
    for look in loaded.closer_looks:
        click.echo(
            f"\ncloser look: {look.candidates} candidates, {len(look.scales)} scales each"
            + (f", {look.mirrored} of them mirrored, too" if look.mirrored else "")
        )
        rows, cols = look.stack.receptive_field.size
        _table(look.stack, (cols, rows), None)


def _table(stack: Stack, size: tuple[int, int], outputs: int | None) -> None:
    width, height = size
    rows = [("", "layer", "output", "parameters", "field", "jump", "first", "multiply-adds/px")]
    layers = zip(
        stack.layers,
        stack.fields(),
        stack.sizes((height, width)),
        stack.channels()[1:],
        stack.multiply_adds(),
        strict=True,
    )
    for number, (layer, field, (h, w), channels, work) in enumerate(layers, 1):
        rows.append(
            (
                str(number),
                str(layer),
                f"{w}x{h}x{channels}",
                f"{layer.parameters:,}",
                "x".join(f"{v:g}" for v in field.size),
                "x".join(f"{v:g}" for v in field.jump),
                "x".join(f"{v:g}" for v in field.first),
                f"{work:,.1f}",
            )
        )
    spans = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(span) if i in (1, 2) else cell.rjust(span)
            for i, (cell, span) in enumerate(zip(row, spans, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    work = sum(stack.multiply_adds())
    click.echo(
        f"sum for {width}x{height}: {stack.parameters:,} parameters,"
        f" {work * width * height:,.0f} multiply-adds"
    )
    pixels, entering = width * height, stack.input_channels
    leaving, to = w * h * channels, f"{w}x{h}x{channels}"
    if outputs is not None:
        leaving, to = outputs, f"{outputs:,} outputs"
    click.echo(
        f"a dense layer for {width}x{height}x{entering} to {to}:"
        f" {pixels * entering * leaving:,} parameters and multiply-adds"
        + (f", {pixels * leaving:,} for each channel in" if outputs and entering > 1 else "")
    )
